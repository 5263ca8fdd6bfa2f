"""Activations beyond PyTorch's: thresholds, bounded curves, bipolar units, maxout."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar

from autograd_core import Tensor
from autograd_core import functional as core
from nn.declared import FunctionLayer
from nn.layers.linear import Linear
from nn.module import Module


class _Threshold(FunctionLayer):
    """A step function, whose derivative is 0 or, with `straight_through`, 1."""

    _shown_unless: ClassVar = {"straight_through": False}
    straight_through: bool = False

    @abstractmethod
    def _step(self, x: Tensor) -> Tensor:
        """The step function."""

    def forward(self, input: Tensor) -> Tensor:
        y = self._step(input)
        return y.detach() + (input - input.detach()) if self.straight_through else y


class Heaviside(_Threshold):
    """1 where x ≥ 0, 0 elsewhere: the threshold of the perceptron (Rosenblatt 1957).

    straight_through: pass the gradient on unchanged instead of 0 (Bengio et al. 2013).

    >>> from autograd_core import tensor
    >>> Heaviside()(tensor([-2.0, 0.0, 3.0]))
    tensor([0., 1., 1.])
    """

    def _step(self, x: Tensor) -> Tensor:
        return (core.sign(core.sign(x) + 0.5) + 1) / 2  # unlike core.heaviside, differentiable with gradient 0


class Sign(_Threshold):
    """-1, 0 or 1: the sign of x. `straight_through` as for `Heaviside`."""

    def _step(self, x: Tensor) -> Tensor:
        return core.sign(x)


class Sine(FunctionLayer):
    """sin(frequency·x) (Sitzmann et al. 2020, who use the frequency 30)."""

    frequency: float = 1.0

    def forward(self, input: Tensor) -> Tensor:
        return core.sin(input if self.frequency == 1.0 else input * self.frequency)


class Gaussian(Module):
    """exp(-x²)."""

    def forward(self, input: Tensor) -> Tensor:
        return core.exp(-core.square(input))


class ArcTan(Module):
    """Inverse tangent."""

    def forward(self, input: Tensor) -> Tensor:
        return core.atan(input)


class SQNL(Module):
    """Square non-linearity (Wuraola and Patel 2018): a tanh-like curve of two parabolas, ±1 beyond ±2."""

    def forward(self, input: Tensor) -> Tensor:
        x = core.clamp(input, -2.0, 2.0)
        return x * (1 - core.abs(x) / 4)


class _InverseRoot(FunctionLayer):
    alpha: float = 1.0

    def _made(self) -> None:
        if self.alpha <= 0:
            raise ValueError(f"{type(self).__name__}() needs a positive alpha, not {self.alpha}")


class ISRU(_InverseRoot):
    """Inverse square root unit x / √(1 + alpha·x²) (Carlile et al. 2017)."""

    def forward(self, input: Tensor) -> Tensor:
        return input / core.hypot(input * math.sqrt(self.alpha), 1.0)


class ISRLU(_InverseRoot):
    """Inverse square root linear unit: x for x ≥ 0, x / √(1 + alpha·x²) below (Carlile et al. 2017)."""

    def forward(self, input: Tensor) -> Tensor:
        return input / core.hypot(core.clamp(input, max=0.0) * math.sqrt(self.alpha), 1.0)


class BipolarReLU(FunctionLayer):
    """ReLU of even channels, -ReLU(-x) of odd ones, which preserves the mean (Eidnes and Nøkland 2017).

    dim: the axis of the channels.
    """

    dim: int = 1

    def forward(self, input: Tensor) -> Tensor:
        odd = core.arange(input.size(self.dim), device=input.device) % 2
        shape = [1] * input.ndim
        shape[self.dim] = -1
        signs = (1 - 2 * odd).astype(input.dtype).reshape(shape)
        return signs * core.relu(signs * input)


class Maxout(Module):
    """The largest of `pieces` affine maps, for each feature: (..., in) to (..., out) (Goodfellow et al. 2013)."""

    _shown = ("out_features", "pieces")

    def __init__(self, in_features: int, out_features: int, pieces: int = 2, bias: bool = True) -> None:
        super().__init__()
        if pieces < 1:
            raise ValueError(f"Maxout() needs at least one piece, not {pieces}")
        self.out_features, self.pieces = out_features, pieces
        self.linear = Linear(in_features, out_features * pieces, bias)

    def forward(self, input: Tensor) -> Tensor:
        return core.amax(core.unflatten(self.linear(input), -1, (self.out_features, self.pieces)), dim=-1)
