"""Activation layers. What each computes is documented at the function of the same name."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.grad_mode import no_grad
from nn import functional as F
from nn.module import Module
from nn.parameter import Parameter


class _Activation(Module):
    """An activation without parameters."""

    _function: str  # a name in `nn.functional`, looked up at every call, because programs may replace it

    def forward(self, input: Tensor) -> Tensor:
        return getattr(F, self._function)(input)


class _InplaceActivation(_Activation):
    """An activation that can write its result into its input."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return getattr(F, self._function)(input, inplace=self.inplace)

    def extra_repr(self) -> str:
        return ", ".join(filter(None, (super().extra_repr(), "inplace=True" if self.inplace else "")))


class Sigmoid(_Activation):
    """1 / (1 + exp(-x))."""

    _function = "sigmoid"


class Tanh(_Activation):
    """Hyperbolic tangent."""

    _function = "tanh"


class LogSigmoid(_Activation):
    """log(sigmoid(x))."""

    _function = "logsigmoid"


class Softsign(_Activation):
    """x / (1 + |x|)."""

    _function = "softsign"


class Tanhshrink(_Activation):
    """x - tanh(x)."""

    _function = "tanhshrink"


RELU: Any = F.relu


class ReLU(_InplaceActivation):
    """max(x, 0)."""

    def forward(self, input: Tensor) -> Tensor:
        return core.relu(input) if F.relu is RELU and not self.inplace else F.relu(input, inplace=self.inplace)


class SELU(_InplaceActivation):
    """Self-normalising ELU (Klambauer et al. 2017); use `init.lecun_normal_` and `AlphaDropout` with it."""

    _function = "selu"


class SiLU(_InplaceActivation):
    """x·sigmoid(x), also known as swish."""

    _function = "silu"


class Mish(_InplaceActivation):
    """x·tanh(softplus(x)) (Misra 2019)."""

    _function = "mish"


class ReLU6(_InplaceActivation):
    """x clipped to [0, 6]."""

    _function = "relu6"


class Hardsigmoid(_InplaceActivation):
    """The piecewise linear approximation of the sigmoid."""

    _function = "hardsigmoid"

    def extra_repr(self) -> str:
        return ""


class Hardswish(_InplaceActivation):
    """x·hardsigmoid(x) (Howard et al. 2019)."""

    _function = "hardswish"

    def extra_repr(self) -> str:
        return ""


class LeakyReLU(_InplaceActivation):
    """x above 0, `negative_slope`·x elsewhere."""

    _shown = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, input: Tensor) -> Tensor:
        return F.leaky_relu(input, self.negative_slope, self.inplace)


class ELU(_InplaceActivation):
    """x above 0, alpha·(exp(x) - 1) elsewhere (Clevert et al. 2015)."""

    _shown = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        return F.elu(input, self.alpha, self.inplace)


class CELU(_InplaceActivation):
    """x above 0, alpha·(exp(x / alpha) - 1) elsewhere (Barron 2017)."""

    _shown = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        return F.celu(input, self.alpha, self.inplace)


class Hardtanh(_InplaceActivation):
    """x clipped to [min_val, max_val]."""

    _shown = ("min_val", "max_val")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.min_val, self.max_val = min_val, max_val

    def forward(self, input: Tensor) -> Tensor:
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)


class Threshold(_InplaceActivation):
    """x above `threshold`, `value` elsewhere."""

    _shown = ("threshold", "value")

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.threshold, self.value = threshold, value

    def forward(self, input: Tensor) -> Tensor:
        return F.threshold(input, self.threshold, self.value, self.inplace)


class Softplus(Module):
    """log(1 + exp(beta·x)) / beta."""

    _shown = ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(input, self.beta, self.threshold)


class GELU(Module):
    """Gaussian error linear unit (Hendrycks and Gimpel 2016), exact or with `approximate="tanh"`."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class _Shrink(_Activation):
    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        return getattr(F, self._function)(input, self.lambd)

    def extra_repr(self) -> str:
        return f"{self.lambd}"


class Softshrink(_Shrink):
    """x moved towards 0 by `lambd`; 0 within [-lambd, lambd]."""

    _function = "softshrink"


class Hardshrink(_Shrink):
    """x, but 0 within [-lambd, lambd]."""

    _function = "hardshrink"


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

    _shown = ("lower", "upper")

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.lower, self.upper = lower, upper

    def forward(self, input: Tensor) -> Tensor:
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)


class GLU(Module):
    """The first half of the channels along `dim`, times the sigmoid of the second (Dauphin et al. 2017)."""

    _shown = ("dim",)

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.glu(input, self.dim)


class _Along(Module):
    """A function along an axis; without `dim`, PyTorch's default axis, with its warning."""

    _function: str  # a name in `nn.functional`, looked up at every call, because programs may replace it
    _shown = ("dim",)

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return getattr(F, self._function)(input, self.dim)


class Softmax(_Along):
    """exp(x) / Σ exp(x) along `dim`. `CrossEntropyLoss` takes the scores before it."""

    _function = "softmax"


class LogSoftmax(_Along):
    """log(softmax(x)) along `dim`."""

    _function = "log_softmax"


class Softmin(_Along):
    """softmax(-x) along `dim`."""

    _function = "softmin"


class Softmax2d(Module):
    """Softmax over the channels of (N, C, H, W) or (C, H, W) at every pixel."""

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.ndim}D instead")
        return F.softmax(input, dim=-3)
