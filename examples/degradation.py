"""Deeper is not better by itself: plain and residual networks of 20 and 56 layers on digits (He et al. 2015).

    python examples/degradation.py
    python examples/degradation.py --epochs 20 --seed 1

All four learn from the same 1,437 images of 8×8 pixels, in the same order, with the same settings. The training loss is
compared: that of the plain network rises with depth, that of the residual network does not.
"""

import os

# Images of 8×8 pixels are small: one thread is as fast as several, and does not wait for busy cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from lesions import trained
from options import Parser, whole

from training.datasets import digits


def main():
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=whole(1), default=10)
    parser.add_argument("--seed", type=whole(0), default=0)
    options = parser.parse_args()
    train_set, _ = digits(seed=0)
    for name in ("plain20", "plain56", "resnet20", "resnet56"):
        _, history = trained(name, train_set, options.epochs, options.seed)
        print(f"{name:8}  training loss {history.loss[-1]:.4f}", flush=True)


if __name__ == "__main__":
    main()
