"""Train two networks to read handwritten digits: a multilayer perceptron, then a small residual network.

    python examples/digits.py
    python examples/digits.py --epochs 30 --seed 1 --device cuda

Both train on four fifths of scikit-learn's 1,797 digits and are tested on the rest. The learning curves, the graph of
each model's loss and the weights are written to runs/digits in this checkout (or to --out). Ctrl-C ends the training
early and keeps the results so far.
"""

import argparse
import os
import sys
from pathlib import Path

# Images of 8×8 pixels are small: one thread is as fast as several, and does not wait for busy cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from options import Parser, whole

import autograd_core as ag
import nn
import optim
from nn.functional import cross_entropy
from training import DataLoader, evaluate, fit, learning_curves
from training.datasets import digits


def mlp():
    return nn.Sequential(nn.Flatten(), nn.models.mlp(64, 128, 10, dropout=0.2))


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.BasicBlock(16, 16),
        nn.MaxPool2d(2),
        nn.BasicBlock(16, 32),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 2 * 2, 10),
    )


def train(model, train_set, test_set, epochs):
    """Train with AdamW and a cosine schedule from 0.01 to 0."""
    optimizer = optim.AdamW(model.parameters(), lr=1e-2)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    loader = DataLoader(train_set, batch_size=64, shuffle=True)
    return fit(model, loader, optimizer, epochs=epochs, scheduler=scheduler, validate=DataLoader(test_set, 360))


def draw_loss(model, dataset, path):
    """Draw the graph of the loss of two digits."""
    images, labels = dataset.batch(ag.arange(2))
    loss = cross_entropy(model(images), labels)
    ag.draw(loss, dict(model.named_parameters())).save(path)


def main():
    options = parse(sys.argv[1:])
    ag.manual_seed(options.seed)
    train_set, test_set = (part.to(options.device) for part in digits(options.seed))
    histories, results = {}, []
    for name, make in (("MLP", mlp), ("CNN", cnn)):
        print(f"{name}: {len(train_set)} digits to learn from, {len(test_set)} others to be tested on", flush=True)
        model = make().to(options.device)
        draw_loss(model, train_set, options.out / f"{name.lower()}_loss.svg")
        histories[name] = train(model, train_set, test_set, options.epochs)
        weights = options.out / f"{name.lower()}.safetensors"
        nn.save(model, weights)
        if histories[name].interrupted:
            print(f"Interrupted: what the {name} has learned so far is in {weights}")
            break
        fresh = make().to(options.device)
        fresh.load_state_dict(nn.load(weights))
        before, after = (100 * evaluate(m, DataLoader(test_set, 360)).accuracy for m in (model, fresh))
        results.append(
            f"{name}  test accuracy {before:.1f} %, with the weights read back from their file {after:.1f} %"
        )
    if any(histories.values()):
        learning_curves(histories, options.out / "learning_curves.png")
    print(*results, f"Pictures and weights are in {options.out}", sep="\n")
    return 130 if histories[name].interrupted else 0


def parse(arguments):
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=whole(1), default=15, help="passes through the training digits (default: 15)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where to compute (default: cpu)")
    parser.add_argument("--seed", type=whole(0), default=0, help="of weights, split and order (default: 0)")
    runs = Path(__file__).resolve().parents[1] / "runs" / "digits"
    parser.add_argument(
        "--out", type=Path, default=runs, help="folder for the results (default: runs/digits in the checkout)"
    )
    options = parser.parse_args(arguments)
    try:
        ag.zeros(1, device=options.device)
        options.out.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:
        parser.error(str(error))
    return options


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
