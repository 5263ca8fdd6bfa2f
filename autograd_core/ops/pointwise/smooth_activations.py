"""Activations without kinks. Their gradients keep their digits, in the tails and where they change their sign."""

import math

from autograd_core.errors import OperandError
from autograd_core.kinds import ELEMENTWISE
from autograd_core.registry import Interval, composition, op, sample

REAL = Interval(-3, 3)
OFF_ZERO = Interval(-3, 3, kinks=(0,))
ROOT_TWO_PI = math.sqrt(2 * math.pi)


def _sigmoid_rule(xp, g, x):
    """σ(x)·σ(-x), which is 1 / (2 + 2 cosh x): 1 - σ(x) would lose the digits of its tail."""
    if x.dtype.kind == "c":
        y = xp.sigmoid(x)
        return g * (y * (1 - y))
    return g / (2 + 2 * xp.cosh(x))


@op(ELEMENTWISE, symbol="σ", domain=REAL, reference=lambda x: 1 / (1 + math.exp(-x)), floating=True,
    holomorphic=True, aliases=("special.expit",), vjp=_sigmoid_rule)  # fmt: skip
def sigmoid(xp, x):
    """Logistic function, 1 / (1 + exp(-x))."""
    return 1 / (1 + xp.exp(-x))


@op(ELEMENTWISE, symbol="softplus", domain=REAL, method=False, floating=True,
    reference=lambda x, beta=1.0: math.log1p(math.exp(beta * x)) / beta,
    samples=(sample((2, 3)), sample((5,), beta=2.0)), wide=True,
    vjp=lambda xp, g, x, beta: g * xp.sigmoid(x * beta))  # fmt: skip
def softplus(xp, x, *, beta=1.0):
    """log(1 + exp(beta·x)) / beta, without overflow and exact in both tails."""
    z = x * beta
    return (xp.maximum(z, 0) + xp.log1p(xp.exp(-abs(z)))) / beta


@op(
    ELEMENTWISE,
    symbol="log σ",
    domain=REAL,
    method=False,
    reference=lambda x: -math.log1p(math.exp(-x)),
    floating=True,
    wide=True,
    vjp=lambda xp, g, x: g * xp.sigmoid(-x),
)
def logsigmoid(xp, x):
    """log(sigmoid(x)), without overflow."""
    return xp.minimum(x, 0) - xp.log1p(xp.exp(-abs(x)))


def _silu_bend(xp, g, x):
    s, t = xp.sigmoid(x), xp.sigmoid(-x)
    return g * (s * t * (2 + x * (t - s)))


@op(ELEMENTWISE, symbol="silu′", domain=REAL, method=False, floating=True, holomorphic=True, wide=True, vjp=_silu_bend,
    reference=lambda x: (1 + x / (1 + math.exp(x))) / (1 + math.exp(-x)), tolerance=1e-10)  # fmt: skip
def silu_slope(xp, x):
    """The derivative of `silu`, σ(x)·(1 + x·σ(-x)), without cancellation."""
    return xp.kernels.silu_slope(x)


@op(ELEMENTWISE, symbol="silu", domain=REAL, method=False, reference=lambda x: x / (1 + math.exp(-x)), floating=True,
    holomorphic=True, wide=True, vjp=lambda xp, g, x: g * xp.silu_slope(x))  # fmt: skip
def silu(xp, x):
    """x·sigmoid(x), also known as swish."""
    return x / (1 + xp.exp(-x))


def _mish_bend(xp, g, x):
    s, t = xp.sigmoid(x), xp.tanh(xp.softplus(x))
    x = xp.clamp_number(x, min=-800, max=40)
    return g * (s * (1 - t * t) * (2 + x * (xp.sigmoid(-x) - 2 * s * t)))


def _slow_mish_slope(x):
    s = math.log1p(math.exp(x))
    return math.tanh(s) + x / (1 + math.exp(-x)) / math.cosh(s) ** 2


@op(ELEMENTWISE, symbol="mish′", domain=REAL, method=False, floating=True, wide=True, vjp=_mish_bend,
    reference=_slow_mish_slope, tolerance=1e-10)  # fmt: skip
def mish_slope(xp, x):
    """The derivative of `mish`, without cancellation."""
    return xp.kernels.mish_slope(x)


@op(ELEMENTWISE, symbol="mish", domain=REAL, method=False, floating=True, wide=True,
    vjp=lambda xp, g, x: g * xp.mish_slope(x),
    reference=lambda x: x * math.tanh(math.log1p(math.exp(x))))  # fmt: skip
def mish(xp, x):
    """x·tanh(softplus(x)) (Misra 2019)."""
    return xp.kernels.mish(x)


def _gelu_bend(xp, g, x):
    """φ(x)·(2 - x²)."""
    near = xp.clamp_number(x, min=-40, max=40)
    return g * (xp.bell(x, half=True) * ((2 - near * near) / ROOT_TWO_PI))


def _slow_gelu_slope(x):
    return 0.5 * math.erfc(-x * math.sqrt(0.5)) + x * math.exp(-x * x / 2) / ROOT_TWO_PI


@op(ELEMENTWISE, symbol="gelu′", domain=REAL, method=False, floating=True, wide=True, vjp=_gelu_bend, tolerance=1e-11,
    reference=_slow_gelu_slope)  # fmt: skip
def gelu_slope(xp, x):
    """The derivative of `gelu`, Φ(x) + x·φ(x), without cancellation."""
    return xp.kernels.gelu_slope(x)


@op(ELEMENTWISE, symbol="gelu", domain=REAL, method=False, floating=True, wide=True, tolerance=1e-11,
    vjp=lambda xp, g, x: g * xp.gelu_slope(x),
    reference=lambda x: 0.5 * x * math.erfc(-x * math.sqrt(0.5)))  # fmt: skip
def gelu_erf(xp, x):
    """x·Φ(x), with Φ the distribution function of the normal distribution; exact in the tail."""
    return xp.kernels.gelu(x)


GELU_LINEAR, GELU_CUBIC = 1.5957691216057308, 0.07135481627260025  # 2√(2/π), and 0.044715 times this


def _slow_gate(x):
    return 0.5 + 0.5 * math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))


@op(
    ELEMENTWISE,
    symbol="gelu gate",
    domain=REAL,
    method=False,
    floating=True,
    wide=True,
    tolerance=1e-11,
    reference=_slow_gate,
    vjp=lambda xp, g, x, y: g * (y * xp.gelu_gate(-x) * _steepness(xp, x)),
)
def gelu_gate(xp, x):
    """σ(2√(2/π)(x + 0.044715x³)): what approximates the normal distribution function in `gelu`."""
    return xp.kernels.gelu_gate(x)


def _steepness(xp, x):
    """The derivative of the argument of the gate's σ, as far out as anything is left to multiply with it."""
    x = xp.clamp_number(x, min=-25, max=25)
    return GELU_LINEAR + 3 * GELU_CUBIC * (x * x)


def _gelu_tanh_bend(xp, g, x):
    """2p′ + x·p″ of the gate p."""
    gate, rest, steep = xp.gelu_gate(x), xp.gelu_gate(-x), _steepness(xp, x)
    x = xp.clamp_number(x, min=-25, max=25)
    return g * (gate * rest * (steep * (2 + x * (rest - gate) * steep) + 6 * GELU_CUBIC * (x * x)))


@op(ELEMENTWISE, symbol="gelu≈′", domain=REAL, method=False, floating=True, wide=True, tolerance=1e-11,
    reference=lambda x: _slow_gate(x) * (1 + x * _slow_gate(-x) * (GELU_LINEAR + 3 * GELU_CUBIC * x * x)),
    vjp=_gelu_tanh_bend)  # fmt: skip
def gelu_tanh_slope(xp, x):
    """The derivative of the approximation of `gelu`, without cancellation."""
    return xp.kernels.gelu_tanh_slope(x)


@op(ELEMENTWISE, symbol="gelu≈", domain=REAL, method=False, floating=True, wide=True, tolerance=1e-11,
    reference=lambda x: 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    vjp=lambda xp, g, x: g * xp.gelu_tanh_slope(x))  # fmt: skip
def gelu_tanh(xp, x):
    """The approximation ½x·(1 + tanh(√(2/π)(x + 0.044715x³))) of `gelu`."""
    return xp.kernels.gelu_tanh(x)


@composition(ELEMENTWISE, domain=REAL, method=False, samples=(sample((2, 3)), sample((5,), approximate="tanh")),
             tolerance=1e-11, reference=lambda x, approximate="none": (
                 0.5 * x * math.erfc(-x * math.sqrt(0.5)) if approximate == "none"
                 else 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))))  # fmt: skip
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


@op(ELEMENTWISE, symbol="softsign", domain=OFF_ZERO, method=False, floating=True, holomorphic=False, vjp=_softsign_rule,
    reference=lambda x: x / (1 + abs(x)))  # fmt: skip
def softsign(xp, x):
    """x / (1 + |x|)."""
    return x / (1 + abs(x))


def _tanhshrink_rule(xp, g, x):
    y = xp.tanh(x)
    return g * (y * y)


@op(ELEMENTWISE, symbol="tanhshrink", domain=REAL, method=False, floating=True, wide=True, holomorphic=True,
    vjp=_tanhshrink_rule,
    reference=lambda x: x - math.tanh(x), tolerance=1e-8)  # fmt: skip
def tanhshrink(xp, x):
    """x - tanh(x), without cancellation around 0."""
    return xp.kernels.tanhshrink(x)
