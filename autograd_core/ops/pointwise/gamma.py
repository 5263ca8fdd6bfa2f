"""The log-gamma function, its derivatives, and Hurwitz's zeta function."""

import math

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import BINARY, ELEMENTWISE
from autograd_core.ops.domains import POSITIVE
from autograd_core.registry import Interval, composition, integers, op, sample

# A first operand without a derivative is sampled from the integers.
ORDERS = integers((2, 3), 2, 5)


def _slow_zeta(s, q):
    """A partial sum, and the Euler-Maclaurin formula for the remainder."""
    m = q + 30
    rest = m / (s - 1) + 0.5 + s / m / 12 * (1 - (s + 1) * (s + 2) / m**2 / 60 * (1 - (s + 3) * (s + 4) / m**2 / 42))
    return math.fsum((q + k) ** -s for k in range(30)) + m**-s * rest


def slow_digamma(x):
    m = x + 30
    rest = math.log(m) - 0.5 / m - 1 / m**2 / 12 * (1 - 1 / m**2 / 10 * (1 - 10 / m**2 / 21))
    return rest - math.fsum(1 / (x + k) for k in range(30))


def _slow_polygamma(n, x):
    return -((-1) ** n) * math.factorial(n) * _slow_zeta(n + 1, x) if n else slow_digamma(x)


@op(ELEMENTWISE, symbol="log Γ", domain=POSITIVE, floating=True, aliases=("special.gammaln",), reference=math.lgamma,
    tolerance=1e-11, vjp=lambda xp, g, x: g * xp.digamma(x))
def lgamma(xp, x):
    """Logarithm of the gamma function's absolute value."""
    return xp.kernels.lgamma(x)


@op(ELEMENTWISE, symbol="ψ", domain=POSITIVE, floating=True, wide=True, aliases=("special.digamma", "special.psi"),
    tolerance=1e-11, reference=slow_digamma, vjp=lambda xp, g, x: g * xp.polygamma_of(x, n=1))
def digamma(xp, x):
    """Derivative of the logarithm of the gamma function; NaN at negative integers."""
    return xp.kernels.digamma(x)


@op(ELEMENTWISE, symbol="ψ⁽ⁿ⁾", domain=POSITIVE, method=False, floating=True, wide=True, tolerance=1e-11,
    samples=(sample((2, 3), n=1), sample((3,), n=0), sample((3,), n=3)), reference=lambda x, n: _slow_polygamma(n, x),
    vjp=lambda xp, g, x, n: g * xp.polygamma_of(x, n=n + 1))
def polygamma_of(xp, x, *, n):
    """The n-th derivative of `digamma`."""
    if n < 2:
        return (xp.kernels.trigamma if n else xp.kernels.digamma)(x)
    factor = float(math.factorial(n)) if n <= 170 else math.inf
    return xp.kernels.zeta(x, n + 1.0) * (factor if n % 2 else -factor)


@composition(ELEMENTWISE, domain=POSITIVE, aliases=("special.polygamma",), tolerance=1e-11,
             samples=(sample(1, (2, 3)), sample(0, (3,)), sample(2, (3,))), reference=_slow_polygamma)
def polygamma(first=None, second=None, /, *, n=None, input=None):
    """The n-th derivative of `digamma`, as polygamma(n, input) or input.polygamma(n)."""
    given = [value for value in (first, second, n, input) if value is not None]
    if len(given) != 2:
        raise TypeError("polygamma() takes n and input")
    n, input = given[::-1] if hasattr(given[0], "array") else given
    if n < 0 or int(n) != n:
        raise OperandError(f"polygamma(): n must be 0 or a positive integer, not {n}")
    return polygamma_of(input, n=n)


@composition(ELEMENTWISE, domain=Interval(1.5, 4), aliases=("special.multigammaln",), tolerance=1e-11,
             samples=(sample((2, 3), 2), sample((3,), p=1), sample((3,), p=3)),
             reference=lambda x, p: math.fsum(
                 [p * (p - 1) / 4 * math.log(math.pi), *[math.lgamma(x - i / 2) for i in range(p)]]))
def mvlgamma(input, p):
    """Logarithm of the multivariate gamma function with dimension `p`, for elements above (p - 1) / 2."""
    if p < 1:
        raise OperandError(f"mvlgamma(): p must be at least 1, but is {p}")
    x = functional.unsqueeze(input / 1, -1)
    steps = functional.arange(p, device=input.device, dtype=x.dtype) / 2
    return functional.sum(lgamma(x - steps), dim=-1) + p * (p - 1) / 4 * math.log(math.pi)


def refusal(name):
    def rule(xp, g):
        raise NotImplementedError(f"{name}() has no derivative with respect to its first operand; detach() it")

    return rule


@op(BINARY, symbol="ζ", domain=POSITIVE, module="special", floating=True, wide=True, tolerance=1e-11,
    samples=(sample(ORDERS, (2, 3)),), reference=_slow_zeta,
    vjp=(refusal("zeta"), lambda xp, g, a, b: g * (-a * xp.zeta(a + 1, b))))
def zeta(xp, a, b):
    """Hurwitz's zeta function, Σ (other + k)^-input over k ≥ 0; differentiable with respect to `other`."""
    return xp.kernels.zeta(b, a)
