"""Activation layers. What each computes is documented at the function of the same name."""

from __future__ import annotations

from typing import Any, ClassVar

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.grad_mode import no_grad
from nn import functional as F
from nn.declared import FunctionLayer, Named
from nn.module import Module
from nn.parameter import Parameter


class _Activation(Named):
    """An activation without parameters."""

    def forward(self, input: Tensor) -> Tensor:
        return getattr(F, self._function)(input)


class _InplaceActivation(FunctionLayer):
    """An activation that can write its result into its input, which only then its representation shows."""

    _shown_unless: ClassVar = {"inplace": False}


class _Inplace(_InplaceActivation):
    inplace: bool = False


class Sigmoid(_Activation):
    """1 / (1 + exp(-x))."""


class Tanh(_Activation):
    """Hyperbolic tangent."""


class LogSigmoid(_Activation):
    """log(sigmoid(x))."""


class Softsign(_Activation):
    """x / (1 + |x|)."""


class Tanhshrink(_Activation):
    """x - tanh(x)."""


RELU: Any = F.relu


class ReLU(_Inplace):
    """max(x, 0)."""

    def forward(self, input: Tensor) -> Tensor:
        return core.relu(input) if F.relu is RELU and not self.inplace else F.relu(input, inplace=self.inplace)


class SELU(_Inplace):
    """Self-normalising ELU (Klambauer et al. 2017); use `init.lecun_normal_` and `AlphaDropout` with it."""


class SiLU(_Inplace):
    """x·sigmoid(x), also known as swish."""


class Mish(_Inplace):
    """x·tanh(softplus(x)) (Misra 2019)."""


class ReLU6(_Inplace):
    """x clipped to [0, 6]."""


class Hardsigmoid(_Inplace):
    """The piecewise linear approximation of the sigmoid."""

    _shown_unless: ClassVar = {}
    _shown = ()


class Hardswish(_Inplace):
    """x·hardsigmoid(x) (Howard et al. 2019)."""

    _shown_unless: ClassVar = {}
    _shown = ()


class LeakyReLU(_InplaceActivation):
    """x above 0, `negative_slope`·x elsewhere."""

    negative_slope: float = 0.01
    inplace: bool = False


class ELU(_InplaceActivation):
    """x above 0, alpha·(exp(x) - 1) elsewhere (Clevert et al. 2015)."""

    alpha: float = 1.0
    inplace: bool = False


class CELU(_InplaceActivation):
    """x above 0, alpha·(exp(x / alpha) - 1) elsewhere (Barron 2017)."""

    alpha: float = 1.0
    inplace: bool = False


class Hardtanh(_InplaceActivation):
    """x clipped to [min_val, max_val]."""

    min_val: float = -1.0
    max_val: float = 1.0
    inplace: bool = False


class Threshold(_InplaceActivation):
    """x above `threshold`, `value` elsewhere."""

    threshold: float
    value: float
    inplace: bool = False


class Softplus(FunctionLayer):
    """log(1 + exp(beta·x)) / beta."""

    beta: float = 1.0
    threshold: float = 20.0


class GELU(FunctionLayer):
    """Gaussian error linear unit (Hendrycks and Gimpel 2016), exact or with `approximate="tanh"`."""

    approximate: str = "none"

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class _Shrink(FunctionLayer):
    _unnamed = ("lambd",)
    lambd: float = 0.5


class Softshrink(_Shrink):
    """x moved towards 0 by `lambd`; 0 within [-lambd, lambd]."""


class Hardshrink(_Shrink):
    """x, but 0 within [-lambd, lambd]."""


class PReLU(Module):
    """x above 0, weight·x elsewhere, with one learned slope, or one for each channel (He et al. 2015)."""

    weight: Tensor
    _shown = ("num_parameters",)

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(core.empty((num_parameters,), device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set all slopes to `init`."""
        with no_grad():
            self.weight.fill_(self.init)

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)


class RReLU(_InplaceActivation):
    """x above 0, slope·x elsewhere: random slopes in [lower, upper] in training, else their mean (Xu et al. 2015)."""

    _passed = ("lower", "upper", "training", "inplace")
    lower: float = 1 / 8
    upper: float = 1 / 3
    inplace: bool = False


class GLU(FunctionLayer):
    """The first half of the channels along `dim`, times the sigmoid of the second (Dauphin et al. 2017)."""

    dim: int = -1


class _Along(FunctionLayer):
    """A function along an axis; without `dim`, PyTorch's default axis, with its warning."""

    dim: int | None = None


class Softmax(_Along):
    """exp(x) / Σ exp(x) along `dim`. `CrossEntropyLoss` takes the scores before it."""


class LogSoftmax(_Along):
    """log(softmax(x)) along `dim`."""


class Softmin(_Along):
    """softmax(-x) along `dim`."""


class Softmax2d(Module):
    """Softmax over the channels of (N, C, H, W) or (C, H, W) at every pixel."""

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.ndim}D instead")
        return F.softmax(input, dim=-3)
