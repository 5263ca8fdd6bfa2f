"""Orthogonal polynomials by their three-term recurrences, of one degree or one degree per element."""

import math

import numpy as np

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import ELEMENTWISE
from autograd_core.ops.domains import INSIDE, UNIT
from autograd_core.registry import composition, integers, sample
from autograd_core.tensor import Tensor

HIGHEST = 1 << 20  # degrees from here on would take longer than anybody waits
DEGREES = (sample((2, 3), 3), sample((3,), 0), sample((2, 3), integers((3,), -1, 5)), sample((3,), n=1))


def _by_recurrence(input, n, first, step):
    """`first` gives the polynomial of degree 1, `step` that of degree k + 1 from those of degrees k and k - 1."""
    x, n = input / 1, n.detach() if isinstance(n, Tensor) else n
    highest = n if not isinstance(n, Tensor) else n.max().item() if n.numel() else 0
    if not highest < HIGHEST:
        raise OperandError(f"polynomials are computed degree by degree, below {HIGHEST}, not up to {highest}")
    if isinstance(n, Tensor):
        x, n = x + functional.zeros_like(n), functional.trunc(n)
    else:
        n = int(n)
    before, value = x**0, first(x)
    y = 0 * before
    for k in range(int(highest) + 1):
        if isinstance(n, Tensor):
            y = functional.where(n == k, before, y)
        elif n == k:
            return before
        before, value = value, step(k + 1, x, value, before)
    return y


def _angular(part):
    """The reference of a Chebyshev polynomial: a function of the degree and of arccos x."""
    return lambda x, n: part(n, math.acos(x)) if n >= 0 else 0.0


def _series(family):
    """The reference of the others: NumPy's series with a single term."""

    def reference(x, n):
        return family()([0.0] * n + [1.0])(x) if n >= 0 else 0.0

    return reference


def _shifted(reference):
    return lambda x, n: reference(2 * x - 1, n)


T = _angular(lambda n, t: math.cos(n * t))
U = _angular(lambda n, t: math.sin((n + 1) * t) / math.sin(t))
V = _angular(lambda n, t: math.cos((n + 0.5) * t) / math.cos(t / 2))
W = _angular(lambda n, t: math.sin((n + 0.5) * t) / math.sin(t / 2))


def _polynomial(reference, domain=INSIDE):
    return composition(ELEMENTWISE, domain=domain, module="special", samples=DEGREES, reference=reference,
                       tolerance=1e-10)


def _chebyshev(k, x, p, q):
    return 2 * x * p - q


@_polynomial(T)
def chebyshev_polynomial_t(input, n):
    """Chebyshev polynomial of the first kind of degree `n` (an integer or a tensor), Tₙ(cos θ) = cos nθ."""
    return _by_recurrence(input, n, lambda x: x, _chebyshev)


@_polynomial(U)
def chebyshev_polynomial_u(input, n):
    """Chebyshev polynomial of the second kind of degree `n`, Uₙ(cos θ) = sin (n+1)θ / sin θ."""
    return _by_recurrence(input, n, lambda x: 2 * x, _chebyshev)


@_polynomial(V)
def chebyshev_polynomial_v(input, n):
    """Chebyshev polynomial of the third kind of degree `n`, Vₙ(cos θ) = cos (n+½)θ / cos ½θ."""
    return _by_recurrence(input, n, lambda x: 2 * x - 1, _chebyshev)


@_polynomial(W)
def chebyshev_polynomial_w(input, n):
    """Chebyshev polynomial of the fourth kind of degree `n`, Wₙ(cos θ) = sin (n+½)θ / sin ½θ."""
    return _by_recurrence(input, n, lambda x: 2 * x + 1, _chebyshev)


@_polynomial(_shifted(T), UNIT)
def shifted_chebyshev_polynomial_t(input, n):
    """Chebyshev polynomial of the first kind of degree `n` at 2x - 1, for x in [0, 1]."""
    return chebyshev_polynomial_t(2 * input - 1, n)


@_polynomial(_shifted(U), UNIT)
def shifted_chebyshev_polynomial_u(input, n):
    """Chebyshev polynomial of the second kind of degree `n` at 2x - 1, for x in [0, 1]."""
    return chebyshev_polynomial_u(2 * input - 1, n)


@_polynomial(_shifted(V), UNIT)
def shifted_chebyshev_polynomial_v(input, n):
    """Chebyshev polynomial of the third kind of degree `n` at 2x - 1, for x in [0, 1]."""
    return chebyshev_polynomial_v(2 * input - 1, n)


@_polynomial(_shifted(W), UNIT)
def shifted_chebyshev_polynomial_w(input, n):
    """Chebyshev polynomial of the fourth kind of degree `n` at 2x - 1, for x in [0, 1]."""
    return chebyshev_polynomial_w(2 * input - 1, n)


@_polynomial(_series(lambda: np.polynomial.Hermite))
def hermite_polynomial_h(input, n):
    """Physicists' Hermite polynomial of degree `n`, orthogonal with weight exp(-x²)."""
    return _by_recurrence(input, n, lambda x: 2 * x, lambda k, x, p, q: 2 * x * p - 2 * k * q)


@_polynomial(_series(lambda: np.polynomial.HermiteE))
def hermite_polynomial_he(input, n):
    """Probabilists' Hermite polynomial of degree `n`, orthogonal with weight exp(-x²/2)."""
    return _by_recurrence(input, n, lambda x: x, lambda k, x, p, q: x * p - k * q)


@_polynomial(_series(lambda: np.polynomial.Laguerre))
def laguerre_polynomial_l(input, n):
    """Laguerre polynomial of degree `n`, orthogonal with weight exp(-x) on [0, ∞)."""
    return _by_recurrence(input, n, lambda x: 1 - x, lambda k, x, p, q: ((2 * k + 1 - x) * p - k * q) / (k + 1))


@_polynomial(_series(lambda: np.polynomial.Legendre))
def legendre_polynomial_p(input, n):
    """Legendre polynomial of degree `n`, orthogonal with weight 1 on [-1, 1]."""
    return _by_recurrence(input, n, lambda x: x, lambda k, x, p, q: ((2 * k + 1) * x * p - k * q) / (k + 1))
