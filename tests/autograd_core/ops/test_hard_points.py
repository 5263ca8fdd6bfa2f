"""Values and gradients where formulas break: differentiable there, the derivative; at a convex kink, the subgradient of
least norm; defined by continuity, that value, possibly infinite; undefined, NaN."""

import math

import numpy as np
import pytest

import autograd_core as ag
import nn.functional as F

INF, NAN = math.inf, math.nan
E50 = math.exp(-50)


def sum_of(function):
    return lambda *xs: function(*xs).sum()


# Name: function, its inputs, its value, the gradient of each input.
POINTS = {
    "logsumexp overflow": (lambda x: x.logsumexp(0), [[1000, 1000]], 1000 + math.log(2), [[0.5, 0.5]]),
    "logsumexp -inf": (lambda x: x.logsumexp(0), [[-INF, -INF]], -INF, [[NAN, NAN]]),
    "logsumexp empty": (lambda x: x.logsumexp(0), [[]], -INF, [[]]),
    "logsumexp inf": (lambda x: x.logsumexp(0), [[INF, 0]], INF, [[NAN, 0]]),
    "logcumsumexp -inf": (lambda x: x.logcumsumexp(0)[-1], [[-INF, 0, 0]], math.log(2), [[NAN, 0.5, 0.5]]),
    "log_softmax": (lambda x: x.log_softmax(0)[1], [[1000, 0]], -1000, [[-1, 1]]),
    "softmax -inf": (lambda x: x.softmax(0)[0], [[-INF, -INF]], NAN, [[NAN, NAN]]),
    "softmax 0 -inf": (lambda x: x.softmax(0)[0], [[0, -INF]], 1, [[0, 0]]),
    "bce_logits 1000": (lambda x: F.binary_cross_entropy_with_logits(x, x.detach() * 0), [1000], 1000, [1]),
    "bce_logits inf": (lambda x: F.binary_cross_entropy_with_logits(x, (x.detach() > 0) * 0.5), [INF], INF, [0.5]),
    "bce_logits -1000": (lambda x: F.binary_cross_entropy_with_logits(x, x.detach() * 0 + 1), [-1000], 1000, [-1]),
    "bce p=0 t=1": (lambda p: F.binary_cross_entropy(p, p.detach() + 1), [0], 100, [-1e12]),
    "sigmoid -1000": (ag.sigmoid, [-1000], 0, [0]),
    "sigmoid -100": (ag.sigmoid, [-100], math.exp(-100), [math.exp(-100)]),
    "sigmoid 1000": (ag.sigmoid, [1000], 1, [0]),
    "logsigmoid -1000": (F.logsigmoid, [-1000], -1000, [1]),
    "softplus 1000": (F.softplus, [1000], 1000, [1]),
    "softplus above the threshold": (lambda x: F.softplus(x) - x, [20.5], 1.25015e-09, [-1.25015e-09]),
    "softplus -50": (F.softplus, [-50], E50, [E50]),
    "gelu tail": (F.gelu, [-10], -7.61985302416e-23, [-7.61840e-22]),
    "gelu": (F.gelu, [1], 0.8413447460685429, [1.0833154705876864]),
    "gelu tanh": (lambda x: F.gelu(x, approximate="tanh"), [1], 0.8411919906082768, [1.0829640838457826]),
    "gelu -inf": (F.gelu, [-INF], 0, [0]),
    "gelu tanh far out": (lambda x: F.gelu(x, approximate="tanh"), [1e20], 1e20, [1]),
    "tanh 30": (ag.tanh, [30], 1, [4 * math.exp(-60)]),
    "relu 0": (F.relu, [0], 0, [0]),
    "leaky_relu 0": (F.leaky_relu, [0], 0, [0.01]),
    "elu 0": (F.elu, [0], 0, [1]),
    "relu6 6": (F.relu6, [6], 6, [0]),
    "hardtanh 1": (F.hardtanh, [1], 1, [0]),
    "abs 0": (abs, [0], 0, [0]),
    "norm2 of 0": (lambda x: x.norm(), [[0, 0]], 0, [[0, 0]]),
    "norm1 of 0": (lambda x: x.norm(1), [[0, 0]], 0, [[0, 0]]),
    "norm inf shares a tie": (lambda x: x.norm(INF), [[1, 1]], 1, [[0.5, 0.5]]),
    "norm .5": (lambda x: x.norm(0.5), [[0, 1]], 1, [[0, 1]]),
    "norm2 of large ones": (lambda x: x.norm(), [[1e200, 1e200]], math.sqrt(2) * 1e200, [[0.5**0.5, 0.5**0.5]]),
    "norm3 of large ones": (lambda x: x.norm(3), [[1e200, 0]], 1e200, [[1, 0]]),
    "norm2 of small ones": (lambda x: x.norm(), [[3e-200, 4e-200]], 5e-200, [[0.6, 0.8]]),
    "normalize 0": (sum_of(lambda x: F.normalize(x, dim=0)), [[0, 0]], 0, [[1e12, 1e12]]),
    "cosine_similarity 0": (
        lambda x, y: F.cosine_similarity(x, y, dim=0),
        [[0, 0], [1, 1]],
        0,
        [[0.5**0.5 * 1e8] * 2, [0, 0]],
    ),
    "cdist 0": (lambda x: ag.cdist(x, x.detach()).sum(), [[[1, 2]]], 0, [[[0, 0]]]),
    "pdist 0": (lambda x: F.pdist(x).sum(), [[[1, 2], [1, 2]]], 0, [[[0, 0], [0, 0]]]),
    "sqrt of squares at 0": (lambda x: (x * x).sum().sqrt(), [[0, 0]], 0, [[NAN, NAN]]),
    "hypot 0": (ag.hypot, [0, 0], 0, [0, 0]),
    "sqrt 0": (ag.sqrt, [0], 0, [INF]),
    "0 sqrt 0": (lambda x: 0 * x.sqrt(), [0], 0, [NAN]),
    "rsqrt 0": (ag.rsqrt, [0], INF, [-INF]),
    "log 0": (ag.log, [0], -INF, [INF]),
    "log -1": (ag.log, [-1], NAN, [NAN]),
    "atanh 2": (ag.atanh, [2], NAN, [NAN]),
    "xlogy": (ag.xlogy, [0, 0], 0, [0, NAN]),
    "sinc": (ag.sinc, [0], 1, [0]),
    "erfinv": (ag.erfinv, [1], INF, [INF]),
    "log1p": (ag.log1p, [1e-20], 1e-20, [1]),
    "expm1": (ag.expm1, [1e-20], 1e-20, [1]),
    "x log x at 0": (lambda x: x * x.log(), [0], NAN, [NAN]),
    "pow 0 0": (ag.pow, [0, 0], 1, [0, 0]),
    "pow 0 2": (ag.pow, [0, 2], 0, [0, 0]),
    "pow 0 .5": (ag.pow, [0, 0.5], 0, [INF, 0]),
    "pow -2 2": (ag.pow, [-2, 2], 4, [-4, NAN]),
    "x**2": (lambda x: x**2, [-2], 4, [-4]),
    "x**0": (lambda x: x**0, [0], 1, [0]),
    "x**-1": (lambda x: x**-1, [0], INF, [-INF]),
    "0**y": (lambda y: 0.0**y, [0], 1, [0]),
    "max shares a tie": (ag.max, [[1, 1, 0]], 1, [[0.5, 0.5, 0]]),
    "max along an axis": (lambda x: x.max(0).values, [[1, 1, 0]], 1, [[1, 0, 0]]),
    "amax": (lambda x: x.amax(), [[1, 1, 0]], 1, [[0.5, 0.5, 0]]),
    "maximum": (ag.maximum, [1, 1], 1, [0.5, 0.5]),
    "maximum NaN": (ag.maximum, [NAN, 1], NAN, [1, 1]),
    "fmax shares a tie": (ag.fmax, [1, 1], 1, [0.5, 0.5]),
    "fmax NaN": (ag.fmax, [NAN, 1], 1, [0, 1]),
    "max NaN": (ag.max, [[NAN, 1]], NAN, [[NAN, NAN]]),
    "median of an even number": (ag.median, [[3, 2, 1, 4]], 2, [[0, 1, 0, 0]]),
    "median shares a tie": (ag.median, [[1, 1, 0]], 1, [[0.5, 0.5, 0]]),
    "median NaN": (lambda x: x.median(0).values, [[1, NAN, 0]], NAN, [[0, 1, 0]]),
    "nanmedian": (ag.nanmedian, [[1, NAN, 0]], 0, [[0, 0, 1]]),
    "quantile of infinities": (lambda x: x.quantile(0.3), [[INF, INF]], INF, [[1, 0]]),
    "nansum": (ag.nansum, [[1, NAN]], 1, [[1, 0]]),
    "cummax ties": (lambda x: (x.cummax(0).values * x.new_tensor([1, 2, 4])).sum(), [[1, 1, 0]], 7, [[1, 6, 0]]),
    "clamp": (sum_of(lambda x: x.clamp(0, 1)), [[0, 1, 2, -1]], 2, [[1, 1, 0, 0]]),
    "max_pool": (lambda x: F.max_pool1d(x[None], 4).sum(), [[1, 0, 1, 0]], 1, [[1, 0, 0, 0]]),
    "std of one": (lambda x: x.std(), [[5]], NAN, [[NAN]]),
    "std of one, correction 0": (lambda x: x.std(correction=0), [[5]], 0, [[0]]),
    "std of equals": (lambda x: x.std(), [[1, 1]], 0, [[0, 0]]),
    "var of large ones": (ag.var, [[1e200, 0, 0]], INF, [[2e200 / 3, -1e200 / 3, -1e200 / 3]]),
    "mean of nothing": (ag.mean, [[]], NAN, [[]]),
    "sum of nothing": (ag.sum, [[]], 0, [[]]),
    "prod of nothing": (ag.prod, [[]], 1, [[]]),
    "where and a pole": (lambda x: ag.where(x > 0, 1 / x, 0), [0], 0, [NAN]),
    "double where": (lambda x: ag.where(x > 0, 1 / ag.where(x > 0, x, 1), 0), [0], 0, [0]),
    "mask and a pole": (lambda x: (1 / x)[x > 0].sum(), [[0, 1]], 1, [[NAN, -1]]),
    "0/0": (ag.div, [0, 0], NAN, [INF, NAN]),
    "prod with a zero": (ag.prod, [[0, 2, 3]], 0, [[6, 0, 0]]),
    "prod with zeros": (ag.prod, [[0, 0, 3]], 0, [[0, 0, 0]]),
    "prod NaN": (ag.prod, [[NAN, 2]], NAN, [[NAN, NAN]]),
    "cumprod with a zero": (sum_of(lambda x: x.cumprod(0)), [[1, 0, 3]], 1, [[1, 4, 0]]),
    "cumprod with zeros": (sum_of(lambda x: x.cumprod(0)), [[0, 0, 3]], 0, [[1, 0, 0]]),
    "atan2": (ag.atan2, [0, 0], 0, [0, 0]),
    "atan2 far out": (ag.atan2, [1e200, 1e200], math.pi / 4, [5e-201, -5e-201]),
    "asin 1": (ag.asin, [1], math.pi / 2, [INF]),
    "remainder": (ag.remainder, [-5, 3], 1, [1, 2]),
    "round": (ag.round, [2.5], 2, [0]),
    "div trunc by 0": (lambda x: ag.div(x, 0, rounding_mode="trunc"), [5], INF, [0]),
    "log -0": (ag.log, [-0.0], -INF, [-INF]),
    "ndtri -0": (ag.special.ndtri, [-0.0], -INF, [INF]),
    "floor_divide": (ag.floor_divide, [-5, 3], -2, [0, 0]),
    "smooth_l1 beta 0": (lambda x: F.smooth_l1_loss(x, x.detach(), beta=0), [0], 0, [0]),
    "l1 0": (lambda x: F.l1_loss(x, x.detach()), [0], 0, [0]),
    "det of rank 1": (ag.det, [[[1, 2], [2, 4]]], 0, [[[4, -2], [-2, 1]]]),
    "det of zeros": (ag.det, [np.zeros((3, 3))], 0, [np.zeros((3, 3))]),
    "det of nothing": (ag.det, [np.zeros((0, 0))], 1, [np.zeros((0, 0))]),
    "slogdet of rank 1": (lambda a: a.slogdet()[1], [[[1, 2], [2, 4]]], -INF, [[[INF, -INF], [-INF, INF]]]),
    "svdvals repeated": (sum_of(ag.linalg.svdvals), [np.eye(2)], 2, [np.eye(2)]),
    "eigvalsh repeated": (sum_of(ag.linalg.eigvalsh), [np.eye(2)], 2, [np.eye(2)]),
    "eigh vectors repeated": (lambda a: ag.linalg.eigh(a)[1].sum(), [np.eye(2)], 2, [np.full((2, 2), NAN)]),
    "pinv of rank 1": (lambda a: a.pinverse()[0, 0], [[[1, 2], [2, 4]]], 0.04, [[[0.0112, 0.0064], [0.0064, -0.0192]]]),
    "huber far away": (lambda x: F.huber_loss(x, ag.zeros_like(x)), [INF], INF, [1]),
    "soft_margin -1000": (lambda x: F.soft_margin_loss(x, x.detach() * 0 + 1), [-1000], 1000, [-1]),
    "nll all ignored": (lambda x: F.nll_loss(x, ag.tensor([-100])), [[[1, 2]]], NAN, [[[0, 0]]]),
    "cross_entropy all ignored": (lambda x: F.cross_entropy(x, ag.tensor([-100])), [[[1, 2]]], NAN, [[[0, 0]]]),
    "kl_div of a target 0": (lambda x: F.kl_div(x, ag.tensor([0.0]), reduction="sum"), [[1]], 0, [[0]]),
    "layer_norm of equals": (sum_of(lambda x: F.layer_norm(x, (3,))), [[2, 2, 2]], 0, [[0, 0, 0]]),
    "attention to nothing": (lambda x: F.scaled_dot_product_attention(x, x, x, x.detach() > 1), [[[1]]], 0, [[[0]]]),
    "threshold NaN": (lambda x: F.threshold(x, 0, 1), [NAN], NAN, [1]),
    "nextafter itself": (ag.nextafter, [1, 1], 1, [1, 0]),
    "subnormal": (lambda x: x * 1, [1e-310], 1e-310, [1]),
}


@pytest.mark.filterwarnings("ignore:.*degrees of freedom:UserWarning")
@pytest.mark.parametrize("function, inputs, value, gradients", POINTS.values(), ids=POINTS)
def test_point(function, inputs, value, gradients):
    xs = [ag.tensor(x, dtype="float64", requires_grad=True) for x in inputs]
    y = function(*xs)
    y.backward()
    close = {"rtol": 1e-5, "atol": 0, "equal_nan": True}
    np.testing.assert_allclose(y.numpy(force=True), value, **close)
    for x, g in zip(xs, gradients, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), g, **close)


ENDS = {  # function: the ends of its domain, second and third derivatives there
    "asin": (ag.asin, [-1, 1], [-INF, INF], [INF, INF]),
    "acos": (ag.acos, [-1, 1], [INF, -INF], [-INF, -INF]),
    "acosh": (ag.acosh, [1], [-INF], [NAN]),
    "atanh": (ag.atanh, [-1, 1], [-INF, INF], [INF, INF]),
    "erfinv": (ag.erfinv, [-1, 1], [-INF, INF], [INF, INF]),
    "ndtri": (ag.special.ndtri, [0, 1], [-INF, INF], [INF, INF]),
    "logit": (ag.special.logit, [0, 1e-200, 1], [-INF, -INF, INF], [INF, INF, INF]),
}


@pytest.mark.parametrize("function, x, seconds, thirds", ENDS.values(), ids=ENDS)
def test_derivatives_at_the_end_of_a_domain_are_infinite(function, x, seconds, thirds):
    x = ag.tensor(x, dtype="float64", requires_grad=True)
    (slope,) = ag.grad(function(x).sum(), x, create_graph=True)
    (bend,) = ag.grad(slope.sum(), x, create_graph=True)
    (third,) = ag.grad(bend.sum(), x)
    assert bend.tolist() == seconds
    np.testing.assert_array_equal(third, thirds)


@pytest.mark.parametrize(
    "function, x, bends",
    [
        (ag.special.i0e, [0.0], [0.5]),
        (lambda x: ag.masked.var(x, 0), [2.0, 2.0, 2.0], [-1.0, 0.0, 1.0]),
        (lambda x: 0.0**x, [0.5, 2.0], [0.0, 0.0]),
        (ag.special.erfcx, [7.0, 30.0, 1e5], [0.0031024178351047966, 8.330618476891775e-05, 3.3851375002709967e-15]),
        (ag.acosh, [2.0, 1e120], [-0.3849001794597505, -2e-240]),
        (F.mish, [15.0, 100.0], [-1.0480522954513246e-11, -2.192092098350992e-84]),
        (ag.special.spherical_bessel_j0, [4037348171595.8564], [9.673517488345266e-15]),
    ],
    ids=["i0e 0", "masked.var of equals", "powers of 0", "erfcx", "acosh", "mish", "spherical_bessel_j0"],
)
def test_second_derivatives(function, x, bends):
    x = ag.tensor(x, dtype="float64", requires_grad=True)
    (slope,) = ag.grad(function(x).sum(), x, create_graph=True)
    (bend,) = ag.grad(slope, x, ag.arange(1.0, len(x) + 1, dtype="float64"))
    np.testing.assert_allclose(bend, bends, rtol=1e-12)


@pytest.mark.parametrize("a, b, mixed", [(4, 0, 0.25), (0.5, 0, 2), (4, 1, 1 + math.log(4)), (0, 0, 0), (0, 2, 0)])
def test_a_power_varies_with_base_and_exponent_in_either_order(a, b, mixed):
    a, b = (ag.tensor(x, dtype="float64", requires_grad=True) for x in (a, b))
    by_base, by_exponent = ag.grad(a**b, (a, b), create_graph=True)
    assert ag.grad(by_base, b)[0].item() == pytest.approx(mixed)
    assert ag.grad(by_exponent, a)[0].item() == pytest.approx(mixed)


def test_a_nan_goes_through_relu_and_its_relatives():
    for function in (F.relu, F.leaky_relu, F.elu, F.gelu, F.silu, F.relu6, F.hardtanh, F.softplus):
        assert math.isnan(function(ag.tensor(NAN)).item()), function


def test_halves_are_added_up_in_float32():
    assert ag.tensor([65504, 65504], dtype="float16").mean().item() == 65504
    assert ag.tensor([12, 12], dtype="float16").softmax(0).tolist() == [0.5, 0.5]


def test_batch_norm_refuses_a_single_value_per_channel():
    with pytest.raises(ValueError, match="more than one value per channel"):
        F.batch_norm(ag.ones(1, 3), None, None, training=True)


def test_the_slope_of_a_tangent_far_from_the_real_axis():
    x = ag.tensor([0.3 + 25j, 0.3 - 25j], dtype="complex128", requires_grad=True)
    (slope,) = ag.grad(ag.tan(x), x, ag.ones_like(x))
    expected = complex(6.367463767104995e-22, 4.35621633885858e-22)
    np.testing.assert_allclose(slope.conj(), [expected, expected.conjugate()], rtol=1e-13)


def test_slopes_of_binary_logarithms_of_sums_in_float32():
    x = ag.tensor([-100.25, -60.125, 0.0, 5.5], requires_grad=True)
    (slope,) = ag.grad(ag.logaddexp2(x, ag.zeros(4)).sum(), x, create_graph=True)
    exact = 1 / (1 + 2 ** -x.numpy(force=True).astype(np.float64))
    np.testing.assert_allclose(slope.detach(), exact, rtol=3e-7)
    (bend,) = ag.grad(slope.sum(), x)
    np.testing.assert_allclose(bend, exact * (1 - exact) * math.log(2), rtol=3e-7)


@pytest.mark.parametrize("exponent", [2**24 + 1, 2**25, 2.0**25])
def test_powers_of_negative_numbers_with_exponents_that_float32_would_round(exponent):
    x = ag.tensor([-1.0], requires_grad=True)
    y = x**exponent
    y.sum().backward()
    assert y.item() == (-1) ** (exponent % 2)
    assert x.grad.item() == np.float32(-y.item() * exponent)


def test_products_with_powers_of_two_are_finite_where_the_power_is_not():
    x, n = ag.tensor([1e-40, 1.5, 1e-30, 2.0], requires_grad=True), ag.tensor([140, -149, 200, -3])
    expected = np.ldexp(x.numpy(force=True), n.numpy())
    assert ag.ldexp(x, n).tolist() == expected.tolist()
    half = ag.tensor([128.5], requires_grad=True)
    y = ag.ldexp(x[:1], half)
    y.backward()
    assert half.grad.item() == pytest.approx(y.item() * math.log(2), rel=1e-6)
