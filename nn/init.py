"""In-place initialisation of parameters: PyTorch's `torch.nn.init`."""

import math
from contextvars import ContextVar
from typing import Any

from autograd_core import Tensor, no_grad
from autograd_core import functional as core
from autograd_core.engine.libraries import LIBRARY, all_true, required
from autograd_core.errors import OperandError, warn
from autograd_core.tensor import wrap

# Whether initialisation is skipped because every value will be replaced; see `nn.utils.skip_init`.
SKIPPED: ContextVar[bool] = ContextVar("initial values are skipped", default=False)
LINEAR = ("linear", *(f"conv{way}{rank}d" for way in ("", "_transpose") for rank in (1, 2, 3)), "sigmoid")


def _skipped(tensor: Tensor) -> bool:
    _check(tensor)
    return SKIPPED.get() or tensor.is_meta


def _check(tensor: Tensor) -> None:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"nn.init takes a tensor, such as layer.weight, not {type(tensor).__name__}")


@no_grad()
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform on [a, b)."""
    return tensor if _skipped(tensor) else tensor.uniform_(a, b, generator=generator)


@no_grad()
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with the given mean and standard deviation."""
    return tensor if _skipped(tensor) else tensor.normal_(mean, std, generator=generator)


@no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """A constant."""
    return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Ones."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros."""
    return constant_(tensor, 0.0)


@no_grad()
def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Tensor:
    """Normal, truncated to [a, b].

    Drawn by rejection, from the normal distribution if [a, b] contains most of it, else from the uniform one; beyond
    eight standard deviations nothing would be accepted.
    """
    if _skipped(tensor):
        return tensor
    if a > b:
        raise OperandError(f"trunc_normal_() truncates to an interval, but a={a} exceeds b={b}")
    low, high = max(a, mean - 8 * std), min(b, mean + 8 * std)
    if low >= high:
        warn(f"trunc_normal_(): [{a}, {b}] lies beyond 8 standard deviations from the mean {mean}")
        return tensor.fill_(a if mean < a else b)
    mode = min(max(mean, low), high)
    most = math.erf((b - mean) / std / math.sqrt(2)) - math.erf((a - mean) / std / math.sqrt(2)) > 2 * 0.3
    values, rejected = core.empty_like(tensor), core.ones_like(tensor, dtype=bool)
    while not required(all_true, ~rejected):
        x = core.empty_like(tensor)
        if most:
            x.normal_(mean, std, generator=generator)
            missed = (x < low) | (x > high)
        else:
            x.uniform_(low, high, generator=generator)
            peak = ((mode - mean) / std) ** 2 - core.square((x - mean) / std)
            missed = core.rand_like(x, generator=generator).log() > peak / 2
        values = core.where(rejected, x, values)
        rejected &= missed
    return tensor.copy_(values.clamp(a, b))


@no_grad()
def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix."""
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return tensor.copy_(core.eye(tensor.shape[0], tensor.shape[1], dtype=tensor.dtype, device=tensor.device))


@no_grad()
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Kernels (O, C, ...) that pass channels through unchanged, in each group."""
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if tensor.shape[0] % groups:
        raise ValueError("dim 0 must be divisible by groups")
    tensor.zero_()
    centre = [k // 2 for k in tensor.shape[2:]]
    per_group = tensor.shape[0] // groups
    for group in range(groups):
        for channel in range(min(per_group, tensor.shape[1])):
            tensor[(group * per_group + channel, channel, *centre)] = 1.0
    return tensor


def fans(tensor: Tensor) -> tuple[int, int]:
    """The fan-in and fan-out of a weight (out, in, ...)."""
    _check(tensor)
    if tensor.ndim < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


_calculate_fan_in_and_fan_out = fans  # this and the next under the names that layers copied from PyTorch use


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    """The fan that `mode` names, "fan_in" or "fan_out"."""
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    return fans(tensor)[mode == "fan_out"]


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The recommended factor of the standard deviation of weights before a nonlinearity.

    param: the negative slope of "leaky_relu", by default 0.01.
    """
    if nonlinearity in LINEAR:
        return 1
    if nonlinearity == "leaky_relu":
        if isinstance(param, bool) or not isinstance(param, float | int | None):
            raise ValueError(f"the negative slope of leaky_relu must be a number, not {param!r}")
        return math.sqrt(2.0 / (1.0 + (0.01 if param is None else param) ** 2))
    gains = {"tanh": 5.0 / 3.0, "relu": math.sqrt(2.0), "selu": 0.75}
    if nonlinearity not in gains:
        raise ValueError(
            f"Unsupported nonlinearity {nonlinearity}; known are {', '.join([*LINEAR, 'leaky_relu', *gains])}"
        )
    return gains[nonlinearity]


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform with variance 2·gain² / (fan_in + fan_out) (Glorot and Bengio 2010)."""
    bound = gain * math.sqrt(6.0 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with variance 2·gain² / (fan_in + fan_out) (Glorot and Bengio 2010)."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(fans(tensor))), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    fan = _calculate_correct_fan(tensor, mode)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan) if fan else 0.0


def kaiming_uniform_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Uniform with variance gain² / fan (He et al. 2015); `a` is the negative slope of "leaky_relu"."""
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Normal with variance gain² / fan (He et al. 2015); `a` is the negative slope of "leaky_relu"."""
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def lecun_normal_(tensor: Tensor, generator: Any = None) -> Tensor:
    """Normal with variance 1 / fan_in (LeCun et al. 1998), as SELU networks need it."""
    return kaiming_normal_(tensor, nonlinearity="linear", generator=generator)


def lecun_uniform_(tensor: Tensor, generator: Any = None) -> Tensor:
    """Uniform with variance 1 / fan_in (LeCun et al. 1998)."""
    return kaiming_uniform_(tensor, nonlinearity="linear", generator=generator)


@no_grad()
def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """A random matrix (first axis, all others) with orthonormal rows or columns, times `gain` (Saxe et al. 2013)."""
    if tensor.ndim < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    if not rows * columns or _skipped(tensor):
        return tensor
    flat = core.randn(rows, columns, dtype=tensor.dtype, device=tensor.device, generator=generator).array
    xp = LIBRARY[flat.__class__]
    q, r = xp.linalg.qr(flat.T if rows < columns else flat)
    # Without the signs q would not be uniform over the orthogonal matrices (Mezzadri 2007).
    q *= xp.sign(xp.diagonal(r))
    return tensor.copy_((gain * wrap(q.T if rows < columns else q)).reshape(tensor.shape))


@no_grad()
def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Normal, with the fraction `sparsity` of every column, at random places, set to zero (Martens 2010)."""
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    if _skipped(tensor):
        return tensor
    rows, columns = tensor.shape
    normal_(tensor, 0.0, std, generator)
    for column in range(columns):
        places = core.randperm(rows, device=tensor.device, generator=generator)[: math.ceil(sparsity * rows)]
        tensor[places, column] = 0.0
    return tensor


def __getattr__(name: str) -> Any:
    """Older names without the underscore: `constant` for `constant_`."""
    function = globals().get(f"{name}_")
    if function is None:
        raise AttributeError(f"module 'nn.init' has no attribute {name!r}")
    warn(f"nn.init.{name} is now called nn.init.{name}_", FutureWarning)
    return function
