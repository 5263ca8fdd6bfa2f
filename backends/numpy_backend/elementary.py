"""Elementary functions of float32 for which NumPy has vector instructions on some processors only, such as AVX-512's.

Elsewhere NumPy calls the C library for each number. Formulas with the exponential or the logarithm of float64, rounded
at the end, are as exact and take a third to a half of the time.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from backends.buffers import FLOAT32
from backends.geometry import Array
from backends.numpy_backend.special import blockwise

MANY = 1 << 10  # elements: from here several passes cost less than NumPy's single one
SQUARE, CUBE = 2.0**-26, 2.0**-13  # below this a function is its argument, if the next term is a square or a cube
# In ascending powers of s²: (2 artanh(s) / s - 2) / s² for s up to a third, within 1e-7 (own fit, Lawson's iteration).
ARTANH = tuple(map(np.float32, (0.6666641634165602, 0.40021523616088217, 0.280018701704593, 0.28011642660052033)))


class Function:
    """The ufunc np.<name>, with a formula for many numbers of float32."""

    def __init__(self, name: str, formula: Callable[[Array], Array]) -> None:
        self.plain, self.formula = getattr(np, name), formula

    def __call__(self, x: Any, **how: Any) -> Any:
        """Apply to every element."""
        if x.__class__ is not np.ndarray or x.size < MANY or x.dtype != FLOAT32 or how or has_loop(self.plain.__name__):
            return self.plain(x, **how)
        return blockwise(self.formula, x)


@cache
def has_loop(name: str, *sets: str) -> bool:
    """Whether NumPy computes a function of float32 with vector instructions of this processor, of these sets if any."""
    from numpy.lib.introspect import opt_func_info

    found = opt_func_info(func_name=f"^{name}$", signature="float32").get(name, {})
    used = [loop["current"] for loop in found.values()]
    return any(each in loop for loop in used for each in sets) if sets else any("baseline" not in loop for loop in used)


def _in_double(formula: Callable[[Array], Array], least: float = 0.0) -> Callable[[Array], Array]:
    """The formula in float64, rounded; x itself below `least`."""

    def rounded(x: Array) -> Array:
        y = formula(x.astype(float)).astype(FLOAT32)
        if (near := abs(x) < least).any():
            y[near] = x[near]
        return y

    return rounded


def _log1p(x: Array) -> Array:
    """Between 0 and 1, as of exponentials: x - s·(x - r), which is 2 artanh(s) for s = x / (2 + x)."""
    if not (x.min(initial=0) >= 0 and x.max(initial=1) <= 1):
        return _log1p_of_any(x)
    s = x / (x + FLOAT32.type(2))
    square = s * s
    r = ARTANH[-1] * square
    for coefficient in ARTANH[-2::-1]:
        r += coefficient
        r *= square
    np.subtract(x, r, out=r)
    r *= s
    return np.subtract(x, r, out=r)


_log1p_of_any = _in_double(lambda x: np.log(1.0 + x), SQUARE)


def _half(of_exponential: np.ufunc) -> Callable[[Array], Array]:
    """½(exp(x) ± exp(-x))."""

    def formula(x: Array) -> Array:
        e = np.exp(x)
        return 0.5 * of_exponential(e, 1.0 / e)

    return formula


FORMULAS = {
    name: Function(name, formula)
    for name, formula in (
        ("arccosh", _in_double(lambda x: np.log(x + np.sqrt(x - 1.0) * np.sqrt(x + 1.0)))),
        ("arcsinh", _in_double(lambda x: np.copysign(np.log(abs(x) + np.sqrt(x * x + 1.0)), x), CUBE)),
        ("arctanh", _in_double(lambda x: 0.5 * np.log((1.0 + x) / (1.0 - x)), CUBE)),
        ("cosh", _in_double(_half(np.add))),
        ("expm1", _in_double(lambda x: np.exp(x) - 1.0, SQUARE)),
        ("log1p", _log1p),
        ("sinh", _in_double(_half(np.subtract), CUBE)),
    )
}
