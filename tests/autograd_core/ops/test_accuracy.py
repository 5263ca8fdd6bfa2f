"""Values and gradients of every smooth function of one element against mpmath, in units in the last place.

At most 2 for a value and 8 for a gradient, in the tails and next to zeros too.
"""

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest
from hypothesis import settings

import autograd_core as ag
from autograd_core.kinds import ELEMENTWISE
from autograd_core.registry import OPS
from backends.numpy_backend.elementary import has_loop
from backends.numpy_backend.reduction import WIDE
from nn import functional as F

mp = pytest.importorskip("mpmath")

# Not smooth; or their rows stand under another name, as that of `gelu` does for its two forms.
ELSEWHERE = {
    "absolute", "angle", "bounded", "ceil", "clamp_number", "floor", "hardsigmoid", "hardswish", "leaky_relu",
    "nan_to_num", "negative", "relu", "relu_of", "round", "sgn", "sign", "trunc",
    "acosh_slope", "asin_slope", "atanh_slope", "bell", "bessel_j1_slope", "bessel_y1_slope", "erfcx_slope",
    "erfinv_slope", "gelu_gate", "ndtri_slope", "scaled_i_slope", "scaled_k_slope",
    "sinc_slope", "log_less_digamma", "stirling_rest",
}  # fmt: skip


@dataclass(frozen=True)
class Range:
    """Where to sample, evenly or in powers of ten.

    `--hypothesis-profile=explore` takes ten times as many points.
    """

    low: float
    high: float
    log: bool = False
    count: int = 60

    def points(self):
        random = np.random.default_rng(0)
        count = self.count * settings.default.max_examples // 100
        if not self.log:
            return random.uniform(self.low, self.high, count)
        sign = np.sign(self.high)
        return sign * 10 ** random.uniform(*np.log10(np.abs([self.low, self.high])), count)


@dataclass(frozen=True)
class Row:
    """A function, its derivative and where to look."""

    value: object
    slope: object
    ranges: tuple
    statics: dict = field(default_factory=dict)


def row(value, slope, *ranges, **others):
    return Row(value, slope, tuple(r if isinstance(r, Range) else Range(*r) for r in ranges), **others)


def sigma(x):
    return 1 / (1 + mp.exp(-x))


def softplus(x):
    return mp.log1p(mp.exp(-abs(x))) + max(x, 0)


def density(x):
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def distribution(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def erfcx(x):
    return mp.exp(x * x) * mp.erfc(x)


def gelu_argument(x):
    return 2 * mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3)


def gelu_tanh_slope(x):
    z, steep = gelu_argument(x), 2 * mp.sqrt(2 / mp.pi) * (1 + 3 * mp.mpf("0.044715") * x * x)
    return sigma(z) * (1 + x * sigma(-z) * steep)


def mish_slope(x):
    t = mp.tanh(softplus(x))
    return t + x * sigma(x) * mp.sech(softplus(x)) ** 2


def erfinv(y):
    start = float(ag.erfinv(ag.tensor(float(y), dtype="float64")).item())
    return mp.findroot(lambda x: mp.erf(x) - y if abs(y) < 0.5 else (mp.erfc(abs(x)) - (1 - abs(y))), start)


def ndtri(p):
    start = float(ag.special.ndtri(ag.tensor(float(p), dtype="float64")).item())
    return mp.findroot(lambda x: mp.log(distribution(x)) - mp.log(p), start)


def log_distribution(x):
    return mp.log(distribution(x)) if x < 0 else mp.log1p(-distribution(-x))


def besselk(order, x):
    """The integral of exp(-x cosh t) cosh(order t), by the trapezoidal rule: faster than mpmath's, and as exact."""
    steps = [mp.cosh(mp.mpf(k) / 16) for k in range(int(16 * mp.acosh(1 + 99 / x)))]
    return (sum(mp.exp(-x * c) * c**order for c in steps) - mp.exp(-x) / 2) / 16


def scaled(bessel, order, sign):
    return lambda x: bessel(order, x) * mp.exp(sign * x)


def bessel(value, slope):
    """From 0 to far beyond where the library's own sine is reduced exactly."""
    ranges = (1e-300, 0.75, True), (0.75, 5), (5, 100), (100, 1e15, True)
    return row(value, slope, *[Range(*r, count=20) for r in ranges])


TINY, HUGE = (1e-300, 1e-3, True), (1.0, 1e300, True)
SMOOTH = {
    "square": row(lambda x: x * x, lambda x: 2 * x, (-3, 3), (1e-100, 1e100, True)),
    "reciprocal": row(lambda x: 1 / x, lambda x: -1 / x**2, (-3, 3), (1e-100, 1e100, True)),
    "sqrt": row(mp.sqrt, lambda x: 1 / (2 * mp.sqrt(x)), (1e-300, 1e300, True)),
    "rsqrt": row(lambda x: 1 / mp.sqrt(x), lambda x: -1 / (2 * mp.sqrt(x) ** 3), (1e-190, 1e200, True)),
    "exp": row(mp.exp, mp.exp, (-700, 700)),
    "exp2": row(lambda x: mp.mpf(2) ** x, lambda x: mp.log(2) * mp.mpf(2) ** x, (-1000, 1000)),
    "expm1": row(mp.expm1, mp.exp, (-700, -30), (-30, 1), (1, 700), TINY),
    "log": row(mp.log, lambda x: 1 / x, (1e-300, 1e300, True), (0.5, 2)),
    "log2": row(lambda x: mp.log(x) / mp.log(2), lambda x: 1 / (x * mp.log(2)), (1e-300, 1e300, True), (0.5, 2)),
    "log10": row(mp.log10, lambda x: 1 / (x * mp.log(10)), (1e-300, 1e300, True), (0.5, 2)),
    "log1p": row(mp.log1p, lambda x: 1 / (1 + x), (1e-300, 1e300, True), (-0.999, 1), (-1 + 1e-10, -1 + 1e-8)),
    "sin": row(mp.sin, mp.cos, (-3, 3), (-100, 100), (1e5, 1e15, True)),
    "cos": row(mp.cos, lambda x: -mp.sin(x), (-3, 3), (-100, 100), (1e5, 1e15, True)),
    "tan": row(mp.tan, lambda x: mp.sec(x) ** 2, (-1.57, 1.57), (-100, 100), (1e5, 1e15, True)),
    "asin": row(mp.asin, lambda x: 1 / mp.sqrt((1 - x) * (1 + x)), (-1, 1), (0.999, 1), TINY),
    "acos": row(mp.acos, lambda x: -1 / mp.sqrt((1 - x) * (1 + x)), (-1, 1), (0.999, 1), TINY),
    "atan": row(mp.atan, lambda x: 1 / (1 + x * x), (-3, 3), (1, 1e150, True), TINY),
    "sinh": row(mp.sinh, mp.cosh, (-3, 3), (-700, 700), TINY),
    "cosh": row(mp.cosh, mp.sinh, (-3, 3), (-700, 700), TINY),
    "tanh": row(mp.tanh, lambda x: mp.sech(x) ** 2, (-5, 5), (-350, 350), TINY),
    "asinh": row(mp.asinh, lambda x: 1 / mp.sqrt(1 + x * x), (-3, 3), HUGE, TINY),
    "acosh": row(mp.acosh, lambda x: 1 / (mp.sqrt(x - 1) * mp.sqrt(x + 1)), (1, 1.1), (1, 10), HUGE),
    "atanh": row(mp.atanh, lambda x: 1 / ((1 - x) * (1 + x)), (-1, 1), (0.999, 1), TINY),
    "sinc": row(mp.sincpi, lambda x: (mp.cospi(x) - mp.sincpi(x)) / x, (-1, 1), (1e-8, 0.1, True),
                (1, 100), (0.999999999, 1.000000001)),
    "erf": row(mp.erf, lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x), (-1, 1), (-6, 6), (1, 26), TINY),
    "erfc": row(mp.erfc, lambda x: -2 / mp.sqrt(mp.pi) * mp.exp(-x * x), (-1, 1), (-6, 6), (1, 26)),
    "erfinv": row(erfinv, lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(erfinv(x) ** 2), (-0.9, 0.9), (0.9, 1),
                  (1e-200, 0.1, True)),
    "erfcx": row(erfcx, lambda x: 2 * x * erfcx(x) - 2 / mp.sqrt(mp.pi), (-26, 0), (0, 1.25), (1.25, 30),
                 (30, 1e10, True)),
    "ndtr": row(distribution, density, (-37, -5), (-5, -1), (-1, 8)),
    "log_ndtr": row(log_distribution, lambda x: density(x) / distribution(x), (-1e5, -30), (-30, -1), (-1, 1), (1, 37)),
    "ndtri": row(ndtri, lambda p: 1 / density(ndtri(p)), (1e-300, 0.1, True), (0.1, 0.4), (0.6, 0.999)),
    "lgamma": row(lambda x: mp.log(abs(mp.gamma(x))), mp.digamma, (1e-300, 0.5, True), (0.5, 1.5), (1.5, 2.5),
                  (2.5, 30), (30, 1e100, True), (1 - 1e-12, 1 + 1e-12), (2 - 1e-12, 2 + 1e-12),
                  (-1e-300, -0.1, True), (-5, 0), (-30, -5), (-30, -300, True)),
    "digamma": row(mp.digamma, lambda x: mp.psi(1, x), (1e-10, 0.5, True), (0.5, 3), (3, 30), (30, 1e10, True),
                   (1.461632144968362, 1.461632144968363), (-1e-100, -0.1, True), (-5, 0), (-5, -300, True)),
    "polygamma_of": row(lambda x: mp.psi(1, x), lambda x: mp.psi(2, x), (1e-10, 0.5, True), (0.5, 3), (3, 30),
                        (30, 1e10, True), (-20, 0), statics={"n": 1}),
    "logit": row(lambda p: mp.log(p / (1 - p)), lambda p: 1 / (p * (1 - p)), (1e-300, 0.1, True), (0.1, 0.9), (0.9, 1)),
    "entr": row(lambda x: -x * mp.log(x), lambda x: -1 - mp.log(x), (1e-300, 0.2, True),
                (0.2, 2), (2, 1e10, True), (0.3678794411714, 0.3678794411715)),
    "i0": row(lambda x: mp.besseli(0, x), lambda x: mp.besseli(1, x), (1e-3, 5), (5, 700)),
    "i1": row(lambda x: mp.besseli(1, x), lambda x: mp.besseli(0, x) - mp.besseli(1, x) / x, (1e-3, 5), (5, 700)),
    "i0e": row(scaled(mp.besseli, 0, -1), lambda x: (mp.besseli(1, x) - mp.besseli(0, x)) * mp.exp(-x),
               (1e-3, 5), (5, 50), (50, 1e3)),
    "i1e": row(scaled(mp.besseli, 1, -1),
               lambda x: (mp.besseli(0, x) - mp.besseli(1, x) * (1 + 1 / x)) * mp.exp(-x),
               (1e-3, 5), (5, 50), (50, 1e3), (1.54512725799, 1.545127257993)),
    "modified_bessel_k0": row(lambda x: besselk(0, x), lambda x: -besselk(1, x), (1e-6, 1, True), (1, 50)),
    "modified_bessel_k1": row(lambda x: besselk(1, x), lambda x: -besselk(0, x) - besselk(1, x) / x,
                              (1e-6, 1, True), (1, 50)),
    "scaled_modified_bessel_k0": row(scaled(besselk, 0, 1), lambda x: (besselk(0, x) - besselk(1, x)) * mp.exp(x),
                                     (1e-6, 1, True), (1, 50)),
    "scaled_modified_bessel_k1": row(scaled(besselk, 1, 1),
                                     lambda x: (besselk(1, x) * (1 - 1 / x) - besselk(0, x)) * mp.exp(x),
                                     (1e-6, 1, True), (1, 50)),
    "bessel_j0": bessel(lambda x: mp.besselj(0, x), lambda x: -mp.besselj(1, x)),
    "bessel_j1": bessel(lambda x: mp.besselj(1, x), lambda x: mp.besselj(1, x, derivative=1)),
    "bessel_y0": bessel(lambda x: mp.bessely(0, x), lambda x: -mp.bessely(1, x)),
    "bessel_y1": bessel(lambda x: mp.bessely(1, x), lambda x: mp.bessely(0, x) - mp.bessely(1, x) / x),
    "airy_ai": row(mp.airyai, lambda x: mp.airyai(x, derivative=1), (-10, -1e5, True), (-10, -2), (-2, 2), (2, 100)),
    "airy_ai_derivative": row(lambda x: mp.airyai(x, derivative=1), lambda x: x * mp.airyai(x), (-10, -1e5, True),
                              (-10, -2), (-2, 2), (2, 100)),
    "spherical_bessel_j0": row(mp.sinc, lambda x: (mp.cos(x) - mp.sinc(x)) / x, (-3, 3), (1e-8, 0.1, True),
                               (3, 100), (100, 1e15, True)),
    "sigmoid": row(sigma, lambda x: sigma(x) * sigma(-x), (-5, 5), (-20, 20), (-700, 700)),
    "elu": row(lambda x: x if x > 0 else mp.expm1(x), lambda x: mp.exp(min(x, 0)), (-5, 5), (-700, 30)),
    "softplus": row(softplus, sigma, (-5, 5), (-30, 30), (-700, 700)),
    "logsigmoid": row(lambda x: -softplus(-x), lambda x: sigma(-x), (-5, 5), (-30, 30), (-700, 700)),
    "silu": row(lambda x: x * sigma(x), lambda x: sigma(x) * (1 + x * sigma(-x)), (-5, 5), (-700, 700),
                (-1.27846454276108, -1.27846454276107)),
    "mish": row(lambda x: x * mp.tanh(softplus(x)), mish_slope, (-5, 5), (-300, 300),
                (-1.1924312145155, -1.1924312145154)),
    "gelu_erf": row(lambda x: x * distribution(x), lambda x: distribution(x) + x * density(x), (-37, -5), (-5, -0.6),
                    (-0.6, 9), (-0.75179152469357, -0.75179152469356)),
    "gelu_tanh": row(lambda x: x * sigma(gelu_argument(x)), gelu_tanh_slope, (-20, -5), (-5, -0.6), (-0.6, 9),
                     (-0.75246142207102, -0.75246142207101)),
    "huber": row(lambda x: x * x / 2 if abs(x) < 1 else abs(x) - 0.5, lambda x: max(-1, min(x, 1)),
                 (-2, 2), (1e-100, 1, True), (1, 1e300, True), statics={"delta": 1.0}),
    "softsign": row(lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2, (-5, 5), (1, 1e150, True)),
    "tanhshrink": row(lambda x: x - mp.tanh(x), lambda x: mp.tanh(x) ** 2, (-5, 5), (1e-6, 0.1, True), (5, 1e4)),
}  # fmt: skip


OF_PARAMETERS = {
    "softplus": row(
        lambda x: softplus(mp.mpf(0.3) * x) / mp.mpf(0.3),
        lambda x: sigma(mp.mpf(0.3) * x),
        (-2300, 2300),
        (-9, 9),
        statics={"beta": 0.3},
    ),
    "polygamma_of": row(lambda x: mp.psi(5, x), lambda x: mp.psi(6, x), (1e-3, 1, True), (1, 30), statics={"n": 5}),
}


@pytest.mark.parametrize("z", [1e-20 + 1e-20j, 1e-9 + 1e-10j, 1e-250 + 2e-250j, -1e-12 + 1e-3j, 1e-18 + 0.1j, 2 - 1j])
def test_log1p_of_a_complex_number(z):
    found = ag.log1p(ag.tensor(z, dtype=ag.complex128)).item()
    exact = complex(mp.log1p(mp.mpc(z)))
    assert (found.real, found.imag) == pytest.approx((exact.real, exact.imag), rel=1e-14, abs=0)


@pytest.mark.parametrize("z", [3e-9 - 4e-9j, 0.006 + 0.004j, -0.6 + 0.7j, 1.2j, 2.0 - 0.5j])
def test_tanhshrink_of_a_complex_number(z):
    found = ag.functional.tanhshrink(ag.tensor(z, dtype=ag.complex128)).item()
    with mp.workdps(40):
        exact = complex(mp.mpc(z) - mp.tanh(mp.mpc(z)))
    assert abs(found - exact) < 1e-15 * abs(exact)


def test_every_smooth_function_of_one_element_has_a_row():
    unary = {o.name for o in OPS.values() if o.kind is ELEMENTWISE and len(o.inputs) == 1 and o.differentiable}
    assert unary - ELSEWHERE == set(SMOOTH)


def worst(found, exact):
    """The largest error, in units in the last place of the exact value."""
    errors = [0.0]
    for v, t in zip(found.tolist(), exact, strict=True):
        size = abs(float(t))
        if 1e-300 < size < np.inf:  # what is subnormal has fewer digits
            errors.append(float(abs(mp.mpf(v) - t) / mp.mpf(float(np.spacing(size)))))
    return max(errors)


@pytest.mark.parametrize(
    ("name", "expected"),
    [pytest.param(n, r, id=n + str(r.statics or "")) for rows in (SMOOTH, OF_PARAMETERS) for n, r in rows.items()],
)
def test_units_in_the_last_place(name, expected):
    value, slope = 0.0, 0.0
    for part in expected.ranges:
        x = ag.tensor(part.points(), requires_grad=True)
        y = OPS[name].call(x, **expected.statics)
        y.backward(ag.ones_like(y))
        with mp.workdps(40):
            points = [mp.mpf(v) for v in x.tolist()]
            value = max(value, worst(y.detach(), [expected.value(p) for p in points]))
            slope = max(slope, worst(x.grad, [expected.slope(p) for p in points]))
    assert (value <= 2, slope <= 8) == (True, True), f"{name}: {value:.1f}, {slope:.1f} ULP"


# Differences of large terms; below 16 as exact as these.
RESTS = {
    "stirling_rest": row(lambda x: mp.loggamma(x) - (x - 0.5) * mp.log(x) + x - 0.5 * mp.log(2 * mp.pi),
                         lambda x: 0.5 / x - mp.log(x) + mp.digamma(x), (16, 1e8, True)),
    "log_less_digamma": row(lambda x: mp.log(x) - mp.digamma(x), lambda x: 1 / x - mp.psi(1, x), (16, 1e8, True)),
}  # fmt: skip


@pytest.mark.parametrize("name", RESTS)
def test_rests_of_series(name):
    small, large = (
        ag.tensor(Range(1e-3, 16, True).points()),
        ag.tensor(RESTS[name].ranges[0].points(), requires_grad=True),
    )
    call, exact = OPS[name].call, RESTS[name]
    y = call(large)
    y.sum().backward()
    with mp.workdps(40):
        for found, x in zip(call(small).tolist(), small.tolist(), strict=True):
            assert abs(found - exact.value(mp.mpf(x))) < 4e-16 * (1 / x + abs(mp.log(x)) + 30 * (x > 1))
        points = [mp.mpf(v) for v in large.tolist()]
        assert worst(y.detach(), [*map(exact.value, points)]) <= 3
        assert worst(large.grad, [*map(exact.slope, points)]) <= 16  # at 16, where the series ends too early


# Units allowed: above -3 the exponent that GELU's approximation is computed with, up to 6.7, is rounded three times.
FLOAT32 = dict.fromkeys(
    ("elu", "hardsigmoid", "hardswish", "logsigmoid", "mish", "sigmoid", "silu", "softplus", "tanh"), 8
)
FLOAT32 |= {"erf": 3, "gelu_erf": 16, "gelu_tanh": 16}
# The largest term of a sum that may cancel, for the value and the slope: units are of this term if it is larger.
TERMS = {"gelu_erf": (lambda x: x / 2, lambda x: 0.5), "silu": (lambda x: 0.0, lambda x: 1 / (1 + np.exp(-x)))}


@pytest.mark.parametrize("name", FLOAT32)
def test_float32_keeps_its_digits_without_being_computed_in_float64(name):
    """Against float64, in the tails, and densely around the zeros of the slopes."""
    random = np.random.default_rng(0)
    low = -95 if name == "silu" else -87  # where its exponential has lost digits already
    points = np.concatenate(
        [random.normal(0, 3, 25000), random.uniform(low, 80, 25000), random.uniform(-1.4, -0.7, 25000)]
    )
    results = []
    for dtype in ("float32", "float64"):
        x = ag.tensor(points.astype(np.float32), dtype=dtype, requires_grad=True)
        y = OPS[name].call(x)
        y.backward(ag.ones_like(y))
        results.append((y.detach().numpy(), x.grad.numpy()))
    terms = TERMS.get(name, (lambda x: 0.0, lambda x: 0.0))
    for narrow, wide, term in zip(*results, terms, strict=True):
        size = np.maximum(abs(wide), abs(term(points)))
        seen = abs(wide) > np.finfo(np.float32).tiny
        assert np.max(abs(narrow - wide)[seen] / np.spacing(size[seen].astype(np.float32))) <= FLOAT32[name]


ZEROS = {
    "bessel_j0": lambda: [mp.besseljzero(0, k) for k in (1, 2, 10)],
    "bessel_j1": lambda: [mp.besseljzero(1, k) for k in (1, 2, 10)],
    "bessel_j1_slope": lambda: [mp.besseljzero(1, k, derivative=1) for k in (1, 2, 10)],
    "bessel_y0": lambda: [mp.besselyzero(0, k) for k in (1, 2, 10)],
    "bessel_y1": lambda: [mp.besselyzero(1, k) for k in (1, 2, 10)],
    "spherical_bessel_j0_slope": lambda: [
        mp.findroot(lambda x: x * mp.cos(x) - mp.sin(x), z) for z in (4.5, 7.7, 98.9)
    ],
    "airy_ai": lambda: [mp.airyaizero(k) for k in (1, 2, 10)],
    "airy_ai_derivative": lambda: [mp.airyaizero(k, derivative=1) for k in (1, 2, 10)],
    "lgamma": lambda: [mp.findroot(SMOOTH["lgamma"].value, z) for z in (-2.4570247382, -3.955294284858598)],
    "digamma": lambda: [mp.findroot(mp.digamma, z) for z in (-0.504083008264, -20.7)],
}


@pytest.mark.parametrize("name", ZEROS)
def test_doubles_next_to_a_zero_keep_thirteen_digits(name):
    """They are closer to it than twice the digits of a double say of either."""
    row = SMOOTH.get(name) or SMOOTH[name.removesuffix("_slope")]
    function = row.slope if name.endswith("_slope") else row.value
    with mp.workdps(40):
        zeros = ZEROS[name]()
        x = ag.tensor([float(z) + d for z in zeros for d in (0, 1e-12, -1e-8, 1e-5, -1e-3)], dtype="float64")
        exact = [float(function(mp.mpf(v))) for v in x.tolist()]
    found = OPS["sinc_slope"].call(x, scale=1) if name == "spherical_bessel_j0_slope" else OPS[name].call(x)
    np.testing.assert_allclose(found, exact, rtol=5e-14)


@pytest.mark.parametrize("name", ["sinc", "spherical_bessel_j0", "bessel_j0", "bessel_j1", "i0", "i1", "i0e", "i1e"])
def test_higher_derivatives_around_zero(name):
    start = 1e-9 if name in ("i0e", "i1e") else 0.0  # these have a kink at 0
    x = ag.tensor([start, 1e-12, 1e-7, 1e-3, 0.1, 0.45, 0.55], dtype="float64")
    slope = OPS[name].call(x.requires_grad_())
    for order in range(1, 6):
        (slope,) = ag.grad(slope.sum(), x, create_graph=True)
        with mp.workdps(60):
            exact = [float(mp.diff(SMOOTH[name].value, mp.mpf(v), order)) for v in x.tolist()]
        np.testing.assert_allclose(slope.detach(), exact, rtol=1e-11, atol=1e-14)


INF, NAN = float("inf"), float("nan")
ENDS = {
    "erfcx": {-INF: INF, -30.0: INF, INF: 0.0},
    "erfinv": {-1.0: -INF, 1.0: INF, 1.5: NAN, 0.0: 0.0},
    "ndtr": {-INF: 0.0, 0.0: 0.5, INF: 1.0},
    "ndtri": {0.0: -INF, 0.5: 0.0, 1.0: INF, -0.1: NAN, 1.1: NAN},
    "log_ndtr": {-INF: -INF, INF: 0.0},
    "lgamma": {0.0: INF, -5e-324: 744.4400719213812, -3.0: INF, 1.0: 0.0, 2.0: 0.0, INF: INF, -INF: INF},
    "digamma": {0.0: -INF, -5e-324: INF, INF: INF, -1.0: NAN, -INF: NAN},
    "polygamma_of": {0.0: INF, -5e-324: INF, -2.0: INF, INF: 0.0},
    "mish": {-INF: 0.0, INF: INF, -1e305: 0.0},
    "sinc": {0.0: 1.0, 7.0: 0.0, 1e305: 0.0},
    "tanhshrink": {-INF: -INF, 0.0: 0.0, INF: INF},
    "i0": {-INF: INF, 0.0: 1.0, 714.5: INF, INF: INF},
    "i1": {-INF: -INF, 0.0: 0.0, INF: INF},
    "i0e": {-INF: 0.0, 0.0: 1.0, INF: 0.0},
    "i1e": {-INF: 0.0, 0.0: 0.0, INF: 0.0},
    "modified_bessel_k0": {-1.0: NAN, 0.0: INF, INF: 0.0},
    "modified_bessel_k1": {-1.0: NAN, 0.0: INF, 5e-324: INF, INF: 0.0},
    "scaled_modified_bessel_k0": {-1.0: NAN, 0.0: INF, INF: 0.0},
    "scaled_modified_bessel_k1": {-1.0: NAN, 0.0: INF, 5e-324: INF, INF: 0.0},
    "bessel_j0": {-INF: 0.0, 0.0: 1.0, INF: 0.0},
    "bessel_j1": {-INF: 0.0, 0.0: 0.0, INF: 0.0},
    "bessel_y0": {-1.0: NAN, 0.0: -INF, INF: 0.0},
    "bessel_y1": {-1.0: NAN, 0.0: -INF, 5e-324: -INF, INF: 0.0},
    "airy_ai": {INF: 0.0, 200.0: 0.0},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("copies", [1, 5000])
@pytest.mark.parametrize(
    "function",
    [ag.erfinv, F.elu, F.celu, F.selu, F.silu, F.mish, F.gelu, partial(F.gelu, approximate="tanh")],
    ids=["erfinv", "elu", "celu", "selu", "silu", "mish", "gelu", "gelu tanh"],
)
def test_a_negative_zero_stays_one(function, copies, dtype):
    if (function, copies, dtype) == (F.gelu, 5000, "float32") and not has_loop("maximum", *WIDE):
        pytest.skip("oneDNN's GELU makes it a positive one on processors without AVX-512")
    assert function(ag.tensor([-0.0, 0.0], dtype=dtype).repeat(copies)).signbit().tolist() == [True, False] * copies


@pytest.mark.parametrize("name", ENDS)
def test_values_at_the_ends_of_the_range(name):
    x = ag.tensor([*ENDS[name], NAN], dtype="float64")
    np.testing.assert_array_equal(OPS[name].call(x, **SMOOTH[name].statics), [*ENDS[name].values(), NAN])


@pytest.mark.parametrize(
    ("name", "points", "values", "slopes"),
    [
        ("mish", [1e5, 1e20, -1e30], [1e5, 1e20, 0], [1, 1, 0]),
        ("i1", [1e-45, 1e-40, -800.0], [0, 5e-41, -INF], [0.5, 0.5, INF]),
        ("elu", [NAN, 0.0], [NAN, 0], [NAN, 1]),
        ("entr", [0.0, 1.0], [0, 0], [INF, -1]),
    ],
)
def test_float32_at_the_ends_of_its_range(name, points, values, slopes):
    x = ag.tensor(points, dtype=ag.float32, requires_grad=True)
    y = OPS[name].call(x)
    y.backward(ag.ones_like(y))
    np.testing.assert_allclose(y.detach(), np.float32(values), rtol=1e-6, atol=2e-45)
    np.testing.assert_allclose(x.grad, np.float32(slopes), rtol=1e-6, atol=2e-45)
