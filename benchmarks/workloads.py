"""What is measured: one row a workload, and the numbers every engine is fed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Workload:
    """One thing to time: what it is, who else can do it, and the shape of its input batch (if it has one)."""

    description: str
    peers: tuple[str, ...]
    batch: tuple[int, ...] = ()


WORKLOADS = {
    "overhead": Workload("100 × `h * x`, 4×4 float32, as multiples of bare `np.multiply`", ()),
    "import": Workload("import, above `import numpy`", ("torch",)),
    "chain": Workload("100 × `h * x`, 4×4, forward + backward", ("torch",)),
    "scalar": Workload("micrograd's README expression, forward + backward", ("torch", "micrograd")),
    "mlp-tiny": Workload("MLP 2-16-16-1, batch 1, MSE, SGD step", ("torch", "micrograd"), (1, 2)),
    "mlp": Workload("MLP 784-256-128-10, batch 64, Adam step", ("torch",), (64, 784)),
    "lenet5": Workload("LeNet-5, 28×28, batch 64, SGD step", ("torch", "torch-cl"), (64, 1, 28, 28)),
    "resnet20": Workload("ResNet-20, 32×32, batch 128, SGD step", ("torch", "torch-cl"), (128, 3, 32, 32)),
}


def classification_batch(name: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Standard-normal inputs of the workload's batch shape and labels below 10, the same for every engine."""
    rng = np.random.default_rng(0)
    shape = WORKLOADS[name].batch
    return rng.standard_normal(shape, dtype=np.float32), rng.integers(0, 10, shape[0])
