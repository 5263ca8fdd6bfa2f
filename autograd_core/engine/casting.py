"""`autocast`: which operations compute in 16 bits, and which stay in float32."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection, Iterator
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from autograd_core import dtypes, functional
from autograd_core.dtypes import DType, as_dtype, bfloat16, float16, float32
from autograd_core.engine.libraries import LAYERS
from autograd_core.engine.versions import version
from autograd_core.errors import OperandError, warn
from autograd_core.grad_mode import grad_enabled
from autograd_core.public_dtypes import OF, Dtype
from autograd_core.tensor import Tensor
from backends.registry import check_known

# The policies of PyTorch's CUDA autocast, by entry. Other entries compute in the widest dtype of their operands.
NARROW = (
    "addbmm", "addmm", "addmv", "addr", "attend", "baddbmm", "bmm", "chain_matmul", "conv1d", "conv2d", "conv3d",
    "conv_relu", "conv_tbc", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "convolution", "gru_scan",
    "linalg.multi_dot", "linear", "linear_relu", "lstm_scan", "matmul", "mm", "mv", "prelu", "rnn_scan",
)  # fmt: skip
FULL = (
    "acos", "asin", "binary_cross_entropy_with_logits", "cdist", "cosh", "cosine_embedding_loss", "cosine_similarity",
    "cross_entropy", "cumprod", "cumsum", "dist", "erfinv", "exp", "expm1", "gaussian_nll_loss", "group_norm",
    "hinge_embedding_loss", "huber_loss", "kl_div", "l1_loss", "layer_norm", "log", "log10", "log1p", "log2",
    "log_softmax", "margin_ranking_loss", "mse_loss", "multi_margin_loss", "multilabel_margin_loss", "nll_loss", "norm",
    "normalize", "pdist", "poisson_nll_loss", "power", "prod", "reciprocal", "renorm", "rsqrt", "sinh",
    "smooth_l1_loss", "soft_margin_loss", "softmax", "softmin", "softplus", "sum", "tan", "triplet_margin_loss",
)  # fmt: skip
POLICIES = dict.fromkeys(NARROW, "narrow") | dict.fromkeys(FULL, "full")
DEFAULTS: dict[str, Callable[[], DType]] = {"cuda": lambda: float16, "cpu": bfloat16}

_modes: ContextVar[dict[str, DType]] = ContextVar("autocast", default={})  # noqa: B039  never changed in place
modes = _modes.get  # device type -> the dtype of products and convolutions under autocast, in this context
_in_force: set[weakref.ref[_Modes]] = set()  # while it is empty, a cheap test, no operation looks at `modes`


class _Modes(dict[str, DType]):
    """The value of `modes` inside a context, in force as long as anything holds it, such as a task started there.

    casts: cached casts of parameters, in this context and nested ones; None without caching.
    """

    __hash__ = object.__hash__  # type: ignore[assignment]

    def __init__(self, modes: dict[str, DType], casts: _Casts | None) -> None:
        super().__init__(modes)
        self.casts = casts
        _in_force.add(weakref.ref(self, _in_force.discard))


class _Cast(NamedTuple):
    """A parameter in another dtype, and the state of the parameter it was cast from."""

    parameter: Tensor
    array: Any
    node: Any
    version: int
    result: Tensor


_Casts = dict[tuple[Any, ...], _Cast]


class autocast(ContextDecorator):
    """Compute products and convolutions in 16 bits, and operations that would lose too much accuracy in float32.

    A context manager or decorator, for one device type, in this thread. dtype: by default float16 on "cuda", bfloat16
    elsewhere. Parameters and their gradients keep their dtype; each parameter is cast once, until it changes or the
    outermost context ends, unless `cache_enabled` is False. Call `backward()` outside.

    >>> from autograd_core import ones
    >>> with autocast("cpu"):
    ...     (ones(2, 2) @ ones(2, 2)).dtype.name
    'bfloat16'
    """

    def __init__(
        self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        try:
            check_known(device_type)
        except ValueError as e:
            raise OperandError(f"autocast(): {e}") from None
        self._type = device_type
        self._dtype = as_dtype(dtype or get_autocast_dtype(device_type))
        if enabled and self._dtype not in (float16, bfloat16(), float32):
            warn(f"autocast computes in float16 or bfloat16; for {self._dtype} it has no effect")
            enabled = False
        self._enabled, self._keeps = enabled, cache_enabled
        self._tokens: list[Any] = []

    def __enter__(self) -> autocast:
        outside = _modes.get()
        others = {k: v for k, v in outside.items() if k != self._type}
        here = others | {self._type: self._dtype} if self._enabled else others
        casts = outside.casts if isinstance(outside, _Modes) else {}
        if self._keeps is False:
            casts = None
        elif self._keeps and casts is None:
            casts = {}
        self._tokens.append(_modes.set(_Modes(here, casts) if here else here))
        return self

    def __exit__(self, *error: Any) -> None:
        _modes.reset(self._tokens.pop())


@contextmanager
def casting_anew() -> Iterator[None]:
    """A context without casts cached outside, for a function that must behave the same at every call."""
    outside = modes()
    inside = _Modes(outside, {}) if isinstance(outside, _Modes) and outside.casts is not None else outside
    token = _modes.set(inside)
    try:
        yield
    finally:
        _modes.reset(token)


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether autocast is in force for this device type."""
    return device_type in modes()


def get_autocast_dtype(device_type: str = "cuda") -> Dtype:
    """The dtype of products and convolutions under autocast."""
    return OF[modes().get(device_type) or DEFAULTS.get(device_type, bfloat16)()]


def contexts_of(name: str) -> Collection[Any] | None:
    """All contexts in force, in any thread or task, for an operation with a policy; else None."""
    return _in_force if name in POLICIES else None


def recast(name: str, call: Callable[..., Any], /, *args: Any, **given: Any) -> Any:
    """Call a function with its operands cast by the policy of this name; `out` is not cast."""
    found, full = modes(), POLICIES[name] == "full"
    args = tuple([_cast(a, found, full) for a in args])
    given = {k: v if k == "out" else _cast(v, found, full) for k, v in given.items()}
    token = _modes.set({})  # the operations inside compute in these dtypes
    try:
        return call(*args, **given)
    finally:
        _modes.reset(token)


def _cast(a: Any, found: Any, full: bool) -> Any:
    if a.__class__ in (list, tuple):
        return type(a)([_cast(v, found, full) for v in a])
    if not isinstance(a, Tensor) or a.array.dtype.kind not in dtypes.FLOATS or a.itemsize == 8:
        return a
    mode = found.get(a.device.type)
    if mode is None:
        return a
    dtype = float32 if full else mode
    return a if a.array.dtype == dtype else _cast_once(a, dtype, found.casts)


def _cast_once(a: Tensor, dtype: DType, casts: _Casts | None) -> Tensor:
    """The tensor in another dtype; for an unchanged parameter, the cached cast."""
    if casts is None or a.node is None or a.node.op is not None or a.array.__class__ in LAYERS:
        return functional.astype(a, dtype)
    key, state = (id(a), dtype, grad_enabled()), (a, a.array, a.node, version(a))
    known = casts.get(key)
    if known is None or known.array is not a.array or known.node is not a.node or known.version != state[-1]:
        known = casts[key] = _Cast(*state, functional.astype(a, dtype))
    return known.result
