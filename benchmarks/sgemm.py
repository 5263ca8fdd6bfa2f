"""The machine's rate of float32 matrix products (NumPy's 2048³), an upper bound for the other rates."""

import json
from dataclasses import asdict

import numpy as np

from benchmarks.worker import measure, warm_up

SIZE = 2048
FLOPS = 2 * SIZE**3


def main(seconds: float = 1.0) -> None:
    """Print the timing of one product."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, SIZE, SIZE), dtype=np.float32)
    out = np.empty_like(a)

    def step() -> None:
        np.matmul(a, b, out=out)

    warm_up(step)
    print(json.dumps(asdict(measure(step, seconds))))


if __name__ == "__main__":
    main()
