"""Deeper is not better by itself: plain and residual networks of 20 and 56 layers on digits (He et al. 2015).

    python examples/degradation.py
    python examples/degradation.py --epochs 20 --seed 1

All four learn from the same 1,437 images of 8×8 pixels, in the same order, with the same settings. The training loss is
compared: that of the plain network rises with depth, that of the residual network does not.
"""

import os

# Images of 8×8 pixels are small: one thread is as fast as several, and does not wait for busy cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from options import Parser, whole

import autograd_core as ag
import nn
import optim
from training import DataLoader, fit
from training.datasets import digits


def training_loss(name, train_set, epochs, seed):
    ag.manual_seed(seed)
    model = getattr(nn.models, name)()
    model.conv1 = nn.Conv2d(1, 16, 3, padding=1, bias=False)  # the images have one channel
    nn.init.kaiming_normal_(model.conv1.weight)
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    loader = DataLoader(train_set, batch_size=128, shuffle=True)
    return fit(model, loader, optimizer, epochs=epochs, progress=False).loss[-1]


def main():
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=whole(1), default=10)
    parser.add_argument("--seed", type=whole(0), default=0)
    options = parser.parse_args()
    train_set, _ = digits(seed=0)
    for name in ("plain20", "plain56", "resnet20", "resnet56"):
        print(f"{name:8}  training loss {training_loss(name, train_set, options.epochs, options.seed):.4f}", flush=True)


if __name__ == "__main__":
    main()
