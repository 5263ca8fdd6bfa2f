"""What every neuron of a small network separates: decision boundaries, as in TensorFlow's playground.

    python examples/playground.py --data spiral --layers 8 8 --out runs/playground.png

Two classes of points in a plane are learned by fully connected layers. The picture has a row for each layer, which
shows where in the plane each of its neurons is active; the last row is the answer. Neurons of the first layer split the
plane along a line, and those of later layers combine such splits. With `--activation identity` they cannot.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from matplotlib.figure import Figure
from options import Parser, whole, writable

import autograd_core as ag
import nn
import optim
from nn.functional import binary_cross_entropy_with_logits

ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU, "sigmoid": nn.Sigmoid, "identity": nn.Identity}
REACH = 6.0  # the picture shows [-REACH, REACH] along both axes


def points(data, n, random):
    """n points (n, 2) and their classes (n, 1), 0 or 1."""
    label = np.arange(n) % 2
    if data == "circle":
        radius, angle = random.uniform(0, 2, n) + 3 * label, random.uniform(0, 2 * np.pi, n)
        places = radius * [np.cos(angle), np.sin(angle)]
    elif data == "xor":
        places = random.uniform(0.3, 5, (2, n)) * random.choice([-1, 1], n)
        places[1] *= np.where(label, 1, -1)
    elif data == "gauss":
        places = random.normal(0, 1, (2, n)) + np.where(label, 2, -2)
    else:  # two spirals of almost two turns
        turn = np.linspace(0.3, 1.8, n)
        angle = 2 * np.pi * turn + np.pi * label
        places = 2.8 * turn * [np.cos(angle), np.sin(angle)] + random.normal(0, 0.1, (2, n))
    return ag.tensor(places.T, dtype=ag.float32), ag.tensor(label[:, None], dtype=ag.float32)


def train(model, x, y, steps):
    """The fraction of points that the trained model gets right."""
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        binary_cross_entropy_with_logits(model(x), y).backward()
        optimizer.step()
    with ag.no_grad():
        return ((model(x) > 0) == (y > 0)).float().mean().item()


def neurons(model, side):
    """Per layer what each neuron gives on a grid: a list of arrays (neurons, side, side)."""
    axis = ag.linspace(-REACH, REACH, side)
    down, right = ag.meshgrid(axis, axis, indexing="ij")
    h, maps = ag.stack([right, down], dim=-1).reshape(-1, 2), []
    with ag.no_grad():
        for layer in model:
            h = layer(h)
            if not isinstance(layer, nn.Linear):
                maps.append(h.T.reshape(-1, side, side).numpy())
        return [*maps, h.sigmoid().T.reshape(-1, side, side).numpy()]


def save(layers, x, y, path):
    columns = max(map(len, layers))
    figure = Figure(figsize=(1.6 * columns, 1.6 * len(layers)), layout="constrained")
    for panels, maps in zip(figure.subplots(len(layers), columns, squeeze=False), layers, strict=True):
        for panel in panels[len(maps) :]:
            panel.set_axis_off()
        for panel, picture in zip(panels, maps, strict=False):
            low, high = picture.min(), picture.max()
            pale = {"vmin": low - 0.4 * (high - low), "vmax": high + 0.4 * (high - low)}  # beside the points
            panel.imshow(picture, cmap="PuOr", **pale, origin="lower", extent=(-REACH, REACH) * 2)
            panel.set(xticks=(), yticks=())
    answer = figure.axes[columns * (len(layers) - 1)]
    answer.scatter(*x.numpy().T, c=y[:, 0].numpy(), cmap="PuOr", s=7, edgecolors="white", linewidths=0.4)
    answer.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH))
    figure.savefig(path, dpi=100)


def main():
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=("circle", "xor", "gauss", "spiral"), default="spiral")
    parser.add_argument(
        "--layers", type=whole(1), nargs="*", default=[8, 8], metavar="NEURONS", help="of each hidden layer"
    )
    parser.add_argument("--activation", choices=ACTIVATIONS, default="tanh")
    parser.add_argument("--steps", type=whole(1), default=2000)
    parser.add_argument("--seed", type=whole(0), default=0)
    parser.add_argument("--out", type=writable, default="runs/playground.png")
    options = parser.parse_args()
    ag.manual_seed(options.seed)
    x, y = points(options.data, 300, np.random.default_rng(options.seed))
    model = nn.models.mlp(2, *options.layers, 1, activation=ACTIVATIONS[options.activation])
    print(f"{options.data}: {100 * train(model, x, y, options.steps):.1f} % of the points are on their side")
    save(neurons(model, 80), x, y, options.out)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
