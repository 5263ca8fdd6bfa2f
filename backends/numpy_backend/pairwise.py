"""Functions of two numbers by formulas of a few fast passes, block by block; NumPy handles the remaining cases.

Remainders of float32 are exact in float64 as long as the quotient has fewer than 29 bits.
"""

from collections.abc import Callable
from operator import pow as by_operator
from typing import Any

import numpy as np

from backends.geometry import Array
from backends.numpy_backend.elementary import FORMULAS as ELEMENTARY
from backends.numpy_backend.selection import where
from backends.numpy_backend.special import blockwise

MANY = 1 << 12  # elements: from here several passes cost less than NumPy's single one
FEW = 1 << 6  # elements: from here powers of negative numbers, which take NumPy 44 ns each, cost more than two calls
FLOAT32 = np.dtype(np.float32)
log1p = ELEMENTARY["log1p"]


class Formula:
    """The ufunc np.<name>, with a formula for large arrays of these types."""

    def __init__(self, formula: Callable[[Array, Any], Array], name: str, kinds: str) -> None:
        self.formula, self.plain, self.kinds = formula, getattr(np, name), kinds
        self.reduce = self.plain.reduce

    def __call__(self, a: Array, b: Any) -> Any:
        """Apply to corresponding elements; the second operand may be a number."""
        if a.__class__ is not np.ndarray or a.size < MANY or a.dtype.char not in self.kinds:
            return self.plain(a, b)
        if b.__class__ in (int, float):
            b = a.dtype.type(b)
        elif b.__class__ is not np.ndarray or b.shape != a.shape or b.dtype != a.dtype:
            return self.plain(a, b)
        return blockwise(self._settled, a, b)

    def _settled(self, a: Array, b: Any) -> Array:
        y = self.formula(a, b)
        missing = y != y
        if missing.any():
            y[missing] = self.plain(a[missing], b[missing] if b.ndim else b)
        return y


def _hypot(a: Array, b: Any) -> Array:
    a, b = a.astype(float), b.astype(float)
    a *= a
    a += b * b
    return np.sqrt(a, out=a).astype(FLOAT32)


def _logaddexp(a: Array, b: Any) -> Array:
    d = a - b
    np.negative(np.abs(d, out=d), out=d)
    y: Array = log1p(np.exp(d, out=d))
    y += np.maximum(a, b)
    return y


def _divided(a: Array, b: Any, bits: int) -> tuple[Array, Array]:
    """The integer quotient of |a| and |b| and the remainder, in float64; NaN if the quotient has too many bits."""
    a, b = abs(a).astype(float), abs(b).astype(float)
    q = a / b
    np.floor(q, out=q)
    a -= q * b
    over, lost = a < 0, ~(q < 1 << bits)
    if over.any():  # where the quotient was rounded up to an integer
        a += over * b
        q -= over
    if lost.any():
        a[lost] = np.nan
    return q, a


def _signed(y: Array, x: Any) -> Array:
    """Give non-negative numbers the signs of x, in place."""
    bits = y.view(np.int32)
    bits |= x.view(np.int32) & np.int32(-(1 << 31))
    return y


def _fmod(a: Array, b: Any) -> Array:
    return _signed(_divided(a, b, 29)[1].astype(FLOAT32), a)


def _remainder(a: Array, b: Any) -> Array:
    rest = _divided(a, b, 29)[1].astype(FLOAT32)
    return _signed(where((np.signbit(a) != np.signbit(b)) & (rest != 0), abs(b) - rest, rest), b)


def _floor_divide(a: Array, b: Any) -> Array:
    q, rest = _divided(a, b, 24)
    unlike = np.signbit(a) != np.signbit(b)
    q += unlike & (rest > 0)
    q *= 1.0 - 2.0 * unlike
    q[rest != rest] = np.nan
    return q.astype(FLOAT32)


def power(a: Any, b: Any) -> Any:
    """np.power, which for whole exponents is fifty times as fast if it sees no negative numbers."""
    if a.__class__ is not np.ndarray or a.size < FEW or a.dtype.char not in "fd" or b.__class__ not in (int, float):
        return by_operator(a, b)
    if b == -0.5:
        return blockwise(_inverse_root, a)
    if b % 1:  # not a whole number, or infinite
        return by_operator(a, b)
    return blockwise(_whole_power, a, a.dtype.type(b))


def _inverse_root(a: Array) -> Array:
    """a to the power of -½, which unlike the inverse root is ∞ at -0 and 0 at -∞."""
    y: Array = 1 / np.sqrt(a + 0)
    y[a == -np.inf] = 0
    return y


def _whole_power(a: Array, b: Any) -> Array:
    y: Array = abs(a) ** b
    return np.copysign(y, a, out=y) if b % 2 == 1 else y


FORMULAS = {
    name: Formula(formula, name, kinds)
    for name, formula, kinds in (
        ("hypot", _hypot, "f"),
        ("logaddexp", _logaddexp, "fd"),
        ("fmod", _fmod, "f"),
        ("remainder", _remainder, "f"),
        ("floor_divide", _floor_divide, "f"),
    )
}


def _of_truths(ufunc: np.ufunc) -> Callable[..., Any]:
    """A logical ufunc; whether a float is true takes NumPy ten times as long as whether it differs from 0."""

    def function(*operands: Any) -> Any:
        return ufunc(*[v != 0 if getattr(v, "size", 0) >= MANY and v.dtype.kind == "f" else v for v in operands])

    return function


LOGICAL = {f"logical_{name}": _of_truths(getattr(np, f"logical_{name}")) for name in ("and", "or", "xor", "not")}
