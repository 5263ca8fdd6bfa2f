"""Residual networks behave like ensembles of shallow ones: remove a block and see (Veit et al. 2016).

    python examples/lesions.py
    python examples/lesions.py --epochs 10 --seed 1

A residual and a plain network of 20 layers learn the digits. Then each block in turn is replaced by its shortcut or, in
the plain network, by the identity. The residual network still works, because most paths through it bypass that block;
the plain network has only one path.
"""

import os

# Images of 8×8 pixels are small: one thread is as fast as several, and does not wait for busy cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from options import Parser, whole

import autograd_core as ag
import nn
import optim
from nn import functional as F
from training import DataLoader, evaluate, fit
from training.datasets import digits


def bypass(block, inputs, output):
    """A forward hook: the output of a block without its convolutions."""
    return F.relu(block.shortcut(inputs[0])) if block.shortcut is not None else inputs[0]


def trained(name, train_set, epochs, seed):
    """A plain or residual network for the digits, and the history of its training."""
    ag.manual_seed(seed)
    model = getattr(nn.models, name)()
    model.conv1 = nn.Conv2d(1, 16, 3, padding=1, bias=False)  # the images have one channel
    nn.init.kaiming_normal_(model.conv1.weight)
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    loader = DataLoader(train_set, batch_size=128, shuffle=True)
    return model, fit(model, loader, optimizer, epochs=epochs, progress=False)


def errors(model, loader):
    """The test error in per cent, of the whole network and without each block that keeps the shape."""
    found = {"": 100 - 100 * evaluate(model, loader).accuracy}
    for path, block in model.named_modules():
        if isinstance(block, nn.models.CifarBlock) and block.conv1.stride == (1, 1):
            with block.register_forward_hook(bypass):
                found[path] = 100 - 100 * evaluate(model, loader).accuracy
    return found


def main():
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=whole(1), default=10)
    parser.add_argument("--seed", type=whole(0), default=0)
    options = parser.parse_args()
    train_set, test_set = digits(seed=0)
    for name in ("resnet20", "plain20"):
        model, _ = trained(name, train_set, options.epochs, options.seed)
        for path, error in errors(model, DataLoader(test_set, batch_size=500)).items():
            which = f"without {path}" if path else "whole"
            print(f"{name:8}  {which:16}  error {error:5.1f} %", flush=True)


if __name__ == "__main__":
    main()
