"""Smooth activations, whose gradients stay accurate in the tails and next to their zeros."""

import math

from autograd_core.errors import OperandError
from autograd_core.kinds import ELEMENTWISE
from autograd_core.ops.domains import OFF_ZERO, REAL
from autograd_core.registry import composition, op, sample

ROOT_TWO_PI = math.sqrt(2 * math.pi)


@op(ELEMENTWISE, symbol="σ′", domain=REAL, method=False, floating=True, holomorphic=True, wide=True,
    vjp=(lambda xp, g, b: xp.sigmoid_gradient(g, b),
         lambda xp, g, b, y: -g * y * xp.tanh(0.5 * b)), tolerance=1e-11,
    reference=lambda a, b: a / (2 + math.exp(b) + math.exp(-b)))
def sigmoid_gradient(xp, a, b):
    """`input` times the derivative of `sigmoid` at `other`, without cancellation."""
    return xp.kernels.sigmoid_gradient(a, b)


@op(ELEMENTWISE, symbol="σ", domain=REAL, reference=lambda x: 1 / (1 + math.exp(-x)), floating=True,
    holomorphic=True, wide=True, aliases=("special.expit",), inverse=lambda xp, y: xp.log(y) - xp.log(1 - y),
    vjp=lambda xp, g, x: xp.sigmoid_gradient(g, x))
def sigmoid(xp, x):
    """Logistic function, 1 / (1 + exp(-x))."""
    return xp.kernels.sigmoid(x)


@op(ELEMENTWISE, symbol="softplus′", domain=REAL, method=False, floating=True, wide=True,
    reference=lambda a, b, beta: a / (1 + math.exp(-beta * b)),
    samples=(sample((2, 3), (2, 3), beta=1.0), sample((5,), (5,), beta=2.0), sample((5,), (5,), beta=-1.0)),
    vjp=(lambda xp, g, b, beta: xp.softplus_gradient(g, b, beta=beta),
         lambda xp, g, a, b, beta: xp.sigmoid_gradient(g * a * beta, b * beta)))
def softplus_gradient(xp, a, b, *, beta):
    """`input` times the derivative of `softplus` at `other`, σ(beta·b), without the rounding error of the product."""
    return xp.kernels.softplus_gradient(a, b, beta)


@op(ELEMENTWISE, symbol="softplus", domain=REAL, method=False, floating=True,
    reference=lambda x, beta=1.0: math.log1p(math.exp(beta * x)) / beta,
    samples=(sample((2, 3)), sample((5,), beta=2.0)), wide=True,
    vjp=lambda xp, g, x, beta: xp.softplus_gradient(g, x, beta=beta))
def softplus(xp, x, *, beta=1.0):
    """log(1 + exp(beta·x)) / beta, without overflow and exact in both tails."""
    return xp.kernels.softplus(x, beta)


@op(ELEMENTWISE, symbol="log σ", domain=REAL, method=False, floating=True, wide=True,
    reference=lambda x: -math.log1p(math.exp(-x)), vjp=lambda xp, g, x: xp.softplus_gradient(g, x, beta=-1.0))
def logsigmoid(xp, x):
    """log(sigmoid(x)), without overflow."""
    return xp.kernels.softplus(x, -1.0)


def _silu_bend(xp, g, a, b):
    s, t = xp.sigmoid(b), xp.sigmoid(-b)
    return g * a * (s * t * (2 + b * (t - s)))


@op(ELEMENTWISE, symbol="silu′", domain=REAL, method=False, floating=True, holomorphic=True, wide=True,
    vjp=(lambda xp, g, b: xp.silu_gradient(g, b), _silu_bend),
    reference=lambda a, b: a * (1 + b / (1 + math.exp(b))) / (1 + math.exp(-b)), tolerance=1e-10)
def silu_gradient(xp, a, b):
    """`input` times the derivative of `silu` at `other`, σ(b)·(1 + b·σ(-b)), without cancellation."""
    return xp.kernels.silu_gradient(a, b)


@op(ELEMENTWISE, symbol="silu", domain=REAL, method=False, reference=lambda x: x / (1 + math.exp(-x)), floating=True,
    holomorphic=True, wide=True, vjp=lambda xp, g, x: xp.silu_gradient(g, x))
def silu(xp, x):
    """x·sigmoid(x), also known as swish."""
    return xp.kernels.silu(x)


def _mish_bend(xp, g, a, b):
    s, plus = xp.sigmoid(b), xp.softplus(b)
    t, steep = xp.tanh(plus), xp.tanh_gradient(xp.ones_like(b), plus)
    b = xp.clamp_number(b, min=-800, max=800)
    return g * a * (s * steep * (2 + b * (xp.sigmoid(-b) - 2 * s * t)))


def _slow_mish_slope(x):
    s = math.log1p(math.exp(x))
    return math.tanh(s) + x / (1 + math.exp(-x)) / math.cosh(s) ** 2


@op(ELEMENTWISE, symbol="mish′", domain=REAL, method=False, floating=True, wide=True,
    vjp=(lambda xp, g, b: xp.mish_gradient(g, b), _mish_bend), reference=lambda a, b: a * _slow_mish_slope(b),
    tolerance=1e-10)
def mish_gradient(xp, a, b):
    """`input` times the derivative of `mish` at `other`, without cancellation."""
    return xp.kernels.mish_gradient(a, b)


@op(ELEMENTWISE, symbol="mish", domain=REAL, method=False, floating=True, wide=True,
    vjp=lambda xp, g, x: xp.mish_gradient(g, x),
    reference=lambda x: x * math.tanh(math.log1p(math.exp(x))))
def mish(xp, x):
    """x·tanh(softplus(x)) (Misra 2019)."""
    return xp.kernels.mish(x)


def _gelu_bend(xp, g, a, b):
    """φ(x)·(2 - x²)."""
    near = xp.clamp_number(b, min=-40, max=40)
    return g * a * (xp.bell(b, half=True) * ((2 - near * near) / ROOT_TWO_PI))


@op(ELEMENTWISE, symbol="gelu′", domain=REAL, method=False, floating=True, wide=True,
    vjp=(lambda xp, g, b: xp.gelu_gradient(g, b), _gelu_bend), tolerance=1e-11,
    reference=lambda a, b: a * (0.5 * math.erfc(-b * math.sqrt(0.5)) + b * math.exp(-b * b / 2) / ROOT_TWO_PI))
def gelu_gradient(xp, a, b):
    """`input` times the derivative of `gelu` at `other`, Φ(b) + b·φ(b), without cancellation."""
    return xp.kernels.gelu_gradient(a, b)


@op(ELEMENTWISE, symbol="gelu", domain=REAL, method=False, floating=True, wide=True, tolerance=1e-11,
    vjp=lambda xp, g, x: xp.gelu_gradient(g, x),
    reference=lambda x: 0.5 * x * math.erfc(-x * math.sqrt(0.5)))
def gelu_erf(xp, x):
    """x·Φ(x), with Φ the distribution function of the normal distribution."""
    return xp.kernels.gelu(x)


GELU_LINEAR, GELU_CUBIC = 1.5957691216057308, 0.07135481627260025  # 2√(2/π), and the product with 0.044715


def _slow_gate(x):
    return 0.5 + 0.5 * math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))


@op(ELEMENTWISE, symbol="gelu gate", domain=REAL, method=False, floating=True, wide=True, tolerance=1e-11,
    reference=_slow_gate, vjp=lambda xp, g, x, y: g * (y * xp.gelu_gate(-x) * _steepness(xp, x)))
def gelu_gate(xp, x):
    """σ(2√(2/π)(x + 0.044715x³)): the approximation of the normal distribution function in `gelu`."""
    return xp.kernels.gelu_gate(x)


def _steepness(xp, x):
    """The derivative of the argument of the gate's σ, limited to where the gate's derivative does not vanish."""
    x = xp.clamp_number(x, min=-25, max=25)
    return GELU_LINEAR + 3 * GELU_CUBIC * (x * x)


def _gelu_tanh_bend(xp, g, a, b):
    """2p′ + x·p″ of the gate p."""
    gate, rest, steep = xp.gelu_gate(b), xp.gelu_gate(-b), _steepness(xp, b)
    b = xp.clamp_number(b, min=-25, max=25)
    return g * a * (gate * rest * (steep * (2 + b * (rest - gate) * steep) + 6 * GELU_CUBIC * (b * b)))


@op(ELEMENTWISE, symbol="gelu≈′", domain=REAL, method=False, floating=True, wide=True,
    vjp=(lambda xp, g, b: xp.gelu_tanh_gradient(g, b), _gelu_tanh_bend), tolerance=1e-11,
    reference=lambda a, b: a * _slow_gate(b) * (1 + b * _slow_gate(-b) * (GELU_LINEAR + 3 * GELU_CUBIC * b * b)))
def gelu_tanh_gradient(xp, a, b):
    """`input` times the derivative of the approximation of `gelu` at `other`, without cancellation."""
    return xp.kernels.gelu_tanh_gradient(a, b)


@op(ELEMENTWISE, symbol="gelu≈", domain=REAL, method=False, floating=True, wide=True, tolerance=1e-11,
    reference=lambda x: 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    vjp=lambda xp, g, x: xp.gelu_tanh_gradient(g, x))
def gelu_tanh(xp, x):
    """The approximation ½x·(1 + tanh(√(2/π)(x + 0.044715x³))) of `gelu`."""
    return xp.kernels.gelu_tanh(x)


@composition(ELEMENTWISE, domain=REAL, method=False, samples=(sample((2, 3)), sample((5,), approximate="tanh")),
             tolerance=1e-11, reference=lambda x, approximate="none": (
                 0.5 * x * math.erfc(-x * math.sqrt(0.5)) if approximate == "none"
                 else 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))))
def gelu(input, approximate="none"):
    """Gaussian error linear unit (Hendrycks and Gimpel 2016), exact or with the tanh approximation."""
    if approximate == "none":
        return gelu_erf(input)
    if approximate != "tanh":
        raise OperandError(f"gelu(): approximate must be 'none' or 'tanh', not {approximate!r}")
    return gelu_tanh(input)


def _softsign_rule(xp, g, x):
    h = 1 + abs(x)
    if x.dtype.kind == "c":
        return g / h - xp.sgn(x) * (xp.real(xp.conj(g) * x) / (h * h))
    return g / h / h


@op(ELEMENTWISE, symbol="softsign", domain=OFF_ZERO, method=False, floating=True, holomorphic=False, wide=True,
    vjp=_softsign_rule, reference=lambda x: x / (1 + abs(x)))
def softsign(xp, x):
    """x / (1 + |x|)."""
    return x / (1 + abs(x))


@op(ELEMENTWISE, symbol="tanhshrink", domain=REAL, method=False, floating=True, wide=True, holomorphic=True,
    vjp=lambda xp, g, x: g * xp.square(xp.tanh(x)), reference=lambda x: x - math.tanh(x), tolerance=1e-8)
def tanhshrink(xp, x):
    """x - tanh(x), without cancellation around 0."""
    return xp.kernels.tanhshrink(x)
