"""The pictures of docs/gallery.md: `python docs/gallery.py` draws them again, `--check` says which would change.

Layouts are those in pure Python, their sums are `fsum`'s (Python's own changed in 3.12), and numbers are exact or in
float64, so that every machine draws the same bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

import autograd_core as ag
import nn
from autograd_core.drawing import Drawing
from nn import functional as F
from nn.models import mlp, resnet20
from nn.models.cifar_resnet import CifarBlock

draw = partial(ag.draw, layout="layered")
FOLDER = Path(__file__).parent / "gallery"


def values(*shape: int, seed: int = 1) -> ag.Tensor:
    """Numbers between -1 and 1 that look random and are the same everywhere."""
    found, state = [], seed
    for _ in range(int(np.prod(shape))):
        state = (1103515245 * state + 12345) % 2**31
        found.append(state / 2**30 - 1)
    return ag.tensor(np.array(found).reshape(shape))


def prepared(model: nn.Module, gain: float = 1.0) -> nn.Module:
    """A model in float64 with repeatable weights, of the variance of its inputs' number, times `gain`²."""
    model.double()
    for i, p in enumerate(model.parameters()):
        fan_in = p.numel() // p.shape[0]
        bound = gain * (3 / fan_in) ** 0.5 if p.ndim > 1 else 0.1
        p.data = values(*p.shape, seed=977 * i + 1) * bound
    return model


def expression(direction: str = "TB") -> Drawing:
    """The expression of micrograd's README."""

    def g(a, b):
        c = a + b
        d = a * b + b**3
        c += c + 1
        c += 1 + c + (-a)
        d += d * 2 + (b + a).relu()
        d += 3 * d + (b - a).relu()
        e = c - d
        f = e**2
        return f / 2.0 + 10.0 / f

    return draw(g, {"a": ag.tensor(-4.0), "b": ag.tensor(2.0)}, direction=direction)


def readme() -> Drawing:
    """The expression of README."""
    a, b = (ag.tensor(v, requires_grad=True, name=n) for v, n in ((-4.0, "a"), (2.0, "b")))
    c = a * b + b**3
    d = (c - a).relu() * 2
    d.backward(retain_graph=True)
    return draw(d, {"c": c, "d": d})


def neuron() -> Drawing:
    """A logistic neuron, after backward()."""
    x1, x2 = ag.tensor(2.0, name="x₁"), ag.tensor(-1.0, name="x₂")
    w1, w2, b = (ag.tensor(v, requires_grad=True, name=n) for v, n in ((-0.5, "w₁"), (1.5, "w₂"), (1.0, "b")))
    y = (x1 * w1 + x2 * w2 + b).sigmoid()
    y.backward(retain_graph=True)
    return draw({"y": y}, names={"x₁": x1, "x₂": x2})


def perceptron() -> Drawing:
    """A multilayer perceptron with its loss."""
    target = values(8, 1)
    return draw(prepared(mlp(2, 16, 16, 1)), values(8, 2), loss=lambda y: F.mse_loss(y, target))


def conv_block() -> Drawing:
    """Convolution, normalisation, activation, pooling."""
    block = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2))
    return draw(block, ag.zeros(1, 3, 32, 32))


def residual_block() -> Drawing:
    """A residual block whose shortcut is a projection."""
    return draw(CifarBlock(16, 32, stride=2, option="B"), ag.zeros(2, 16, 32, 32))


def resnet(depth: int) -> Callable[[], Drawing]:
    """ResNet-20, opened to a depth."""
    return lambda: draw(resnet20(), ag.zeros(2, 3, 32, 32), depth=depth)


class Twice(nn.Sequential):
    """Two convolutions with activations."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU()
        )


class Raise(nn.Module):
    """Twice the height and width, with other channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: ag.Tensor) -> ag.Tensor:
        return F.interpolate(self.conv(x), scale_factor=2)


class UNet(nn.Module):
    """A U-Net (Ronneberger et al. 2015) of three levels."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2, self.bottom = Twice(1, 16), Twice(16, 32), Twice(32, 64)
        self.pool = nn.MaxPool2d(2)
        self.raise2, self.up2 = Raise(64, 32), Twice(64, 32)
        self.raise1, self.up1 = Raise(32, 16), Twice(32, 16)
        self.head = nn.Conv2d(16, 2, 1)

    def forward(self, x: ag.Tensor) -> ag.Tensor:
        a = self.down1(x)
        b = self.down2(self.pool(a))
        c = self.bottom(self.pool(b))
        b = self.up2(ag.cat([b, self.raise2(c)], dim=1))
        a = self.up1(ag.cat([a, self.raise1(b)], dim=1))
        return self.head(a)


def unet() -> Drawing:
    """A U-Net: every skip connection is a line."""
    return draw(UNet(), ag.zeros(1, 1, 32, 32), depth=1)


def quadratic() -> Drawing:
    """½ xᵀAx − bᵀx and its gradient."""
    x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    a, b = ag.tensor([[2.0, 1.0], [1.0, 3.0]]), ag.tensor([1.0, -1.0])
    return draw({"q": x @ (a @ x) * 0.5 - b @ x}, flow="both", names={"A": a, "b": b})


class Residual(nn.Module):
    """x + relu(Wx + b)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x: ag.Tensor) -> ag.Tensor:
        return x + F.relu(self.linear(x))


class Squashed(nn.Module):
    """σ(Wx + b)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x: ag.Tensor) -> ag.Tensor:
        return F.sigmoid(self.linear(x))


class Duel(nn.Module):
    """Two stacks on one input."""

    def __init__(self, layers: int, width: int) -> None:
        super().__init__()
        self.sigmoid = nn.Sequential(*[Squashed(width) for _ in range(layers)])
        self.relu = nn.Sequential(*[Residual(width) for _ in range(layers)])

    def forward(self, x: ag.Tensor) -> dict[str, ag.Tensor]:
        return {"σ": self.sigmoid(x), "relu": self.relu(x)}


def gradient_flow() -> Drawing:
    """Where gradients vanish, and where they do not."""
    model = prepared(Duel(20, 8), gain=0.8)
    return draw(model, values(4, 8), depth=2, show="grads")


class Distance(nn.Module):
    """The length of what a small network computes, normalised by hand: 0/0 for an input of zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 8, bias=False), nn.Linear(8, 4)

    def forward(self, x: ag.Tensor) -> ag.Tensor:
        h = F.relu(self.first(x))
        h = h / (h * h).sum(dim=1, keepdim=True).sqrt()
        return self.second(h).tanh().mean()


def nan_hunt() -> Drawing:
    """The operation that made the first NaN."""
    model, x = prepared(Distance()), values(4, 4)
    x[2] = 0.0
    return draw(model, x, show="stats", direction="LR", depth=1)


def health() -> Drawing:
    """Dead rectifiers and saturated sigmoids."""
    model = prepared(nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.Sigmoid(), nn.Linear(16, 4)))
    model[0].bias.data = ag.tensor([-3.0] * 10 + [0.5] * 6, dtype=ag.float64)
    model[2].weight.data = model[2].weight.data * 40
    return draw(model, values(32, 8), show="stats", direction="LR")


PICTURES: dict[str, Callable[[], Drawing]] = {
    "expression.svg": expression, "expression.html": partial(expression, "LR"), "neuron.svg": neuron,
    "mlp.svg": perceptron,
    "conv_block.svg": conv_block, "residual_block.svg": residual_block, "resnet20_depth1.svg": resnet(1),
    "resnet20_depth2.svg": resnet(2), "resnet20_depth3.svg": resnet(3), "unet.svg": unet, "quadratic.svg": quadratic,
    "../pictures/expression.svg": readme, "gradient_flow.svg": gradient_flow, "nan_hunt.svg": nan_hunt,
    "health.svg": health,
}  # fmt: skip


def drawn(name: str) -> str:
    """A picture as it is now."""
    drawing = PICTURES[name]()
    return drawing.html if name.endswith(".html") else drawing.svg


def outdated() -> list[str]:
    """Pictures that are not what is drawn now."""
    return [name for name in PICTURES if not (path := FOLDER / name).exists() or path.read_text("utf-8") != drawn(name)]


def main() -> None:
    if "--check" in sys.argv:
        if names := outdated():
            sys.exit(f"{', '.join(names)}: not up to date; run `python docs/gallery.py`")
        return
    FOLDER.mkdir(exist_ok=True)
    for name in PICTURES:
        (FOLDER / name).write_text(drawn(name), "utf-8")


if __name__ == "__main__":
    main()
