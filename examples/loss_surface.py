"""The loss around a plain and a residual network, on a plane through their parameters (Li et al. 2018).

    python examples/loss_surface.py
    python examples/loss_surface.py --depth 56 --epochs 10 --out runs/loss_surface.png

Both networks learn the digits. The plane is spanned by two random directions. Without shortcuts the loss rises more
steeply, and at 56 layers its minimum is lost among values of up to 10¹⁰.
"""

import os

# Images of 8×8 pixels are small: one thread is as fast as several, and does not wait for busy cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from lesions import trained
from matplotlib.figure import Figure
from options import Parser, whole, writable

import autograd_core as ag
from training import DataLoader, Subset, loss_surface
from training.datasets import digits

LEVELS = [n / 2 for n in range(-6, 6)]  # of log₁₀ of the loss, in both panels


def save(surfaces, path):
    figure = Figure(figsize=(5 * len(surfaces), 4.5), layout="constrained")
    for panel, (name, surface) in zip(figure.subplots(1, len(surfaces)), surfaces.items(), strict=True):
        lines = panel.contour(surface.clamp(1e-3, 1e3).log10().numpy(), LEVELS, extent=(-1, 1, -1, 1))
        panel.clabel(lines, fontsize=7)
        panel.plot(0, 0, "+k")
        panel.set_title(f"{name}: log₁₀ of the loss")
    figure.savefig(path, dpi=120)


def main():
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--depth", type=int, choices=(20, 56), default=20)
    parser.add_argument("--epochs", type=whole(1), default=6)
    parser.add_argument("--steps", type=whole(2), default=15, help="points along each axis")
    parser.add_argument("--seed", type=whole(0), default=0)
    parser.add_argument("--out", type=writable, default="runs/loss_surface.png")
    options = parser.parse_args()
    train_set, _ = digits(seed=0)
    surfaces = {}
    for name in (f"plain{options.depth}", f"resnet{options.depth}"):
        model, _ = trained(name, train_set, options.epochs, options.seed)
        loader = DataLoader(Subset(train_set, range(256)), batch_size=256)
        surfaces[name] = loss_surface(
            model, loader, steps=options.steps, generator=ag.Generator().manual_seed(options.seed)
        )
        lowest, highest = surfaces[name].min().item(), surfaces[name].max().item()
        print(f"{name:8}  loss {lowest:.4f} to {highest:.4f}", flush=True)
    save(surfaces, options.out)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
