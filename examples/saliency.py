"""What a network looks at: gradients of its scores with respect to the image, plain and guided.

    python examples/saliency.py --out runs/saliency.png

A purely convolutional network learns the digits. The picture shows ten of them and, below each, the gradient of its
score and the guided gradient, which drops everything that lowers the score on its way through a ReLU (Springenberg et
al. 2014).
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from matplotlib.figure import Figure
from options import Parser, whole, writable

import autograd_core as ag
import nn
import optim
from training import DataLoader, evaluate, fit
from training.datasets import digits


def all_convolutional():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 10, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def save(rows, path):
    """Save one row of images per name; red is positive, blue negative."""
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    for panels, (name, pictures) in zip(figure.subplots(len(rows), 10), rows.items(), strict=True):
        panels[0].set_ylabel(name)
        for panel, picture in zip(panels, pictures[:, 0].numpy(), strict=True):
            reach = abs(picture).max()
            panel.imshow(picture, cmap="RdBu_r", vmin=-reach, vmax=reach)
            panel.set(xticks=(), yticks=())
    figure.savefig(path, dpi=100)


def main():
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=whole(1), default=20)
    parser.add_argument("--seed", type=whole(0), default=0)
    parser.add_argument("--out", type=writable, default="runs/saliency.png")
    options = parser.parse_args()
    ag.manual_seed(options.seed)
    train_set, test_set = digits(seed=0)
    model = all_convolutional()
    loader = DataLoader(train_set, batch_size=64, shuffle=True)
    fit(model, loader, optim.Adam(model.parameters(), lr=3e-3), epochs=options.epochs, progress=False)
    print(f"test {evaluate(model, DataLoader(test_set, batch_size=500))}")
    images, labels = test_set.tensors
    first = ag.tensor([labels.tolist().index(digit) for digit in range(10)])  # one of each digit
    images, labels = images[first], labels[first]
    maps = {"gradient": nn.saliency(model, images, labels), "guided": nn.guided_backprop(model, images, labels)}
    for name, g in maps.items():
        ratio = (g.abs() * images).mean() / (g.abs().mean() * images.mean())
        print(f"{name:8}  {ratio.item():.2f} times as strong on the digits as on average")
    save({"image": images, **maps}, options.out)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
