"""Window functions, under the names of `torch.signal.windows` and the older ones such as `torch.hann_window`.

Windows with `sym` are symmetric; the others are one period of a periodic function, as spectral analysis needs. A window
of length M = 0 is empty, and of length M = 1 it is 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypedDict, Unpack

import numpy as np
from numpy.typing import DTypeLike

from autograd_core import dtypes
from autograd_core.creation.values import tensor
from autograd_core.engine.options import with_options
from autograd_core.errors import OperandError
from autograd_core.registry import publish
from autograd_core.tensor import Tensor

Array = np.ndarray[Any, Any]
NUTTALL = (0.3635819, 0.4891775, 0.1365995, 0.0106411)

__all__ = [
    "bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine", "general_hamming", "hamming", "hann",
    "kaiser", "nuttall",
]  # fmt: skip


class Options(TypedDict, total=False):
    """What every window takes: `sym` (True), `dtype` and `device` (the default ones), `layout`, `requires_grad`."""

    sym: bool
    dtype: DTypeLike | None
    layout: str
    device: str | None
    requires_grad: bool


def _window(
    formula: Callable[[Array, int], Array],
    M: int,
    sym: bool = True,
    dtype: DTypeLike | None = None,
    layout: str = "strided",
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """The formula of n = 0 ... M - 1 and of the number of points of the symmetric window."""
    length = int(M)
    if length < 0:
        raise OperandError(f"the length of a window must not be negative, but is {M}")
    if length != M:
        raise TypeError(f"the length of a window is an integer, not {M}")
    if layout != "strided":
        raise ValueError(f"a window is strided, not {layout}")
    kind = dtypes.as_dtype(dtype) or dtypes.get_default_dtype()
    if kind.kind not in dtypes.FLOATS:
        raise OperandError(f"a window is of a floating point dtype, not {kind}")
    n = np.arange(length, dtype=np.float64)
    values = np.ones(1) if length == 1 else formula(n, length if sym else length + 1)
    return tensor(values.astype(kind), device=device, requires_grad=requires_grad)


def general_cosine(M: int, *, a: Iterable[float], **options: Unpack[Options]) -> Tensor:
    """Sum of cosines, Σᵢ (-1)ⁱ aᵢ cos(2π i n / (M - 1))."""
    weights = list(a)
    if not weights:
        raise ValueError("general_cosine() needs at least one coefficient")

    def formula(n: Array, points: int) -> Array:
        terms = [(-1) ** i * w * np.cos(2 * np.pi * i * n / (points - 1)) for i, w in enumerate(weights)]
        return np.sum(terms, axis=0)

    return _window(formula, M, **options)


def general_hamming(M: int, *, alpha: float = 0.54, **options: Unpack[Options]) -> Tensor:
    """α - (1 - α) cos(2πn / (M - 1))."""
    return general_cosine(M, a=(alpha, 1 - alpha), **options)


def hamming(M: int, **options: Unpack[Options]) -> Tensor:
    """0.54 - 0.46 cos(2πn / (M - 1)), by Hamming."""
    return general_hamming(M, **options)


def hann(M: int, **options: Unpack[Options]) -> Tensor:
    """½ - ½ cos(2πn / (M - 1)), by von Hann."""
    return general_hamming(M, alpha=0.5, **options)


def blackman(M: int, **options: Unpack[Options]) -> Tensor:
    """Blackman's sum of three cosines."""
    return general_cosine(M, a=(0.42, 0.5, 0.08), **options)


def nuttall(M: int, **options: Unpack[Options]) -> Tensor:
    """Nuttall's sum of four cosines, with the lowest side lobes (Nuttall 1981)."""
    return general_cosine(M, a=NUTTALL, **options)


def bartlett(M: int, **options: Unpack[Options]) -> Tensor:
    """A triangle, 0 at both ends."""
    return _window(lambda n, points: 1 - abs(2 * n / (points - 1) - 1), M, **options)


def cosine(M: int, **options: Unpack[Options]) -> Tensor:
    """Half a period of a sine."""
    return _window(lambda n, points: np.sin(np.pi * (n + 0.5) / points), M, **options)


def exponential(M: int, *, center: float | None = None, tau: float = 1.0, **options: Unpack[Options]) -> Tensor:
    """exp(-|n - center| / τ); only a window that is not symmetric can choose its center."""
    if tau <= 0:
        raise ValueError(f"exponential(): tau must be positive, not {tau}")
    if options.get("sym", True) and center is not None:
        raise ValueError("exponential(): a symmetric window is centred in its middle; drop center= or use sym=False")

    def formula(n: Array, points: int) -> Array:
        return np.exp(-abs(n - ((points - 1) / 2 if center is None else center)) / tau)

    return _window(formula, M, **options)


def gaussian(M: int, *, std: float = 1.0, **options: Unpack[Options]) -> Tensor:
    """A normal density around the middle, scaled to 1 there."""
    if std <= 0:
        raise ValueError(f"gaussian(): std must be positive, not {std}")
    return _window(lambda n, points: np.exp(-0.5 * ((n - (points - 1) / 2) / std) ** 2), M, **options)


def kaiser(M: int, *, beta: float = 12.0, **options: Unpack[Options]) -> Tensor:
    """I₀(β √(1 - (2n/(M - 1) - 1)²)) / I₀(β), by Kaiser."""
    if beta < 0:
        raise ValueError(f"kaiser(): beta must not be negative, but is {beta}")

    def formula(n: Array, points: int) -> Array:
        height = np.sqrt(np.maximum(1 - (2 * n / (points - 1) - 1) ** 2, 0))
        return np.i0(beta * height) / np.i0(beta)

    return _window(formula, M, **options)


def _older(window: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The older form of a window, with `periodic` in place of `sym`."""

    def older(
        window_length: int,
        periodic: bool = True,
        *,
        dtype: DTypeLike | None = None,
        device: str | None = None,
        requires_grad: bool = False,
    ) -> Tensor:
        return window(window_length, sym=not periodic, dtype=dtype, device=device, requires_grad=requires_grad)

    older.__name__ = older.__qualname__ = f"{window.__name__}_window"
    older.__doc__ = f"`signal.windows.{window.__name__}`, periodic by default."
    return older


hann_window, blackman_window, bartlett_window = map(_older, (hann, blackman, bartlett))


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """α - β cos(2πn / N), periodic by default."""
    return general_cosine(
        window_length, a=(alpha, beta), sym=not periodic, dtype=dtype, device=device, requires_grad=requires_grad
    )


def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """`signal.windows.kaiser`, periodic by default."""
    return kaiser(window_length, beta=beta, sym=not periodic, dtype=dtype, device=device, requires_grad=requires_grad)


def install() -> None:
    """Publish the older names in the functional form."""
    for function in (hann_window, hamming_window, blackman_window, bartlett_window, kaiser_window):
        publish(with_options(function))
