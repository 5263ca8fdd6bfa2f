"""Functions of single elements, beyond the generated suite: literal values, errors, second derivatives at ties."""

import math

import numpy as np
import pytest

import autograd_core as ag
import nn.functional as F

X = ag.tensor([0.25, 0.5])


def slope_of_slope(function, at):
    x = ag.tensor(at, dtype="float64", requires_grad=True)
    (g,) = ag.grad(function(x), x, create_graph=True)
    return ag.grad(g, x)[0].item()


def test_integers_to_negative_powers():
    powers = ag.tensor([2, -1, -1, 1, 3]) ** ag.tensor([-1, -3, -2, -2, -2])
    assert powers.tolist() == [0, -1, 1, 1, 0]
    assert powers.dtype == ag.int64
    with pytest.raises(RuntimeError, match="negative integer powers"):
        ag.tensor([2]) ** -1
    with pytest.raises(RuntimeError, match="booleans"):
        ag.tensor([True]) ** ag.tensor([True])


def test_powers_by_name_and_in_double_precision():
    assert ag.pow(X, exponent=2).tolist() == X.pow(2).tolist() == [0.0625, 0.25]
    for y in (ag.float_power(X, 2), X.float_power(ag.tensor(2)), ag.float_power(2, ag.tensor([1, 2]))):
        assert y.dtype == ag.float64


@pytest.mark.parametrize(
    "code", ["1 - b", "b - 1", "1.0 - b", "x - b", "b - x", "ag.rsub(b, 1)", "b.sub(2)", "ag.tensor(True) - 1", "b - b"]
)
def test_booleans_have_no_difference(code):
    b, x = ag.tensor([True, False]), ag.ones(2)
    with pytest.raises(RuntimeError, match=r"`-`.*\^"):
        eval(code, {"ag": ag, "b": b, "x": x})
    with pytest.raises(RuntimeError, match="~x for 1 - x"):
        x -= b


def test_booleans():
    flags = ag.tensor([True, False])
    assert flags.sign().tolist() == [True, False]
    assert flags.square().dtype == ag.int64
    assert flags.round().dtype == flags.floor().dtype == ag.bool
    for refused in (lambda: ag.positive(flags), lambda: flags << flags, lambda: -flags, lambda: ag.gcd(flags, flags)):
        with pytest.raises(RuntimeError):
            refused()


def test_shifts_beyond_the_width():
    assert (ag.tensor([1, -8]) << 70).tolist() == [0, 0]
    assert (ag.tensor([1, -8]) >> 70).tolist() == [0, -1]
    assert (1 << ag.tensor([3])).tolist() == [8]
    assert np.left_shift(ag.tensor([3]), 1).tolist() == [6]


def test_numbers_keep_the_dtype_of_the_tensor_beside_them():
    for y in (ag.xlogy(2.0, X), ag.xlogy(X, 2), ag.special.zeta(X + 2, 1.5), ag.lerp(X, X, 0.5), ag.copysign(X, -1)):
        assert y.dtype == ag.float32
    assert ag.ldexp(X, ag.tensor([1, 2])).tolist() == ag.ldexp(X.half(), ag.tensor([1, 2])).tolist() == [0.5, 2.0]


def test_derivatives_of_digamma():
    assert ag.polygamma(n=1, input=X).tolist() == X.polygamma(n=1).tolist()
    assert ag.polygamma(1, X).tolist() == X.polygamma(1).tolist() == ag.special.polygamma(1, X).tolist()
    assert ag.polygamma(1, ag.tensor(-0.5, dtype="float64")).item() == pytest.approx(math.pi**2 / 2 + 4)
    with pytest.raises(RuntimeError, match="0 or a positive integer"):
        ag.polygamma(-1, X)
    with pytest.raises(RuntimeError, match="at least 1"):
        ag.mvlgamma(X, 0)
    assert ag.mvlgamma(ag.tensor(1e6, dtype="float64"), 10**5).item() == pytest.approx(
        math.fsum([math.lgamma(1e6 - i / 2) for i in range(10**5)]) + 10**5 * (10**5 - 1) / 4 * math.log(math.pi)
    )


@pytest.mark.parametrize("function", [ag.special.zeta, ag.gamma_path])
def test_a_derivative_that_nobody_knows_is_refused(function):
    a, b = ag.tensor(2.0, requires_grad=True), ag.tensor(1.5)
    with pytest.raises(NotImplementedError, match="no derivative with respect to its first operand"):
        function(a, b).backward()


def test_the_slope_of_a_logarithm_is_rounded_once():
    x = ag.tensor(np.geomspace(1e-30, 1e30, 1001).astype("f"), requires_grad=True)
    assert np.array_equal(ag.grad(x.log().sum(), x)[0].numpy(), 1 / x.numpy(force=True))
    ends = ag.tensor([-1.0, 0.0, math.inf], requires_grad=True)
    (slope,) = ag.grad(ends.log().sum(), ends, create_graph=True)
    assert np.array_equal(slope.numpy(force=True), [np.nan, np.inf, 0], equal_nan=True)
    assert np.array_equal(ag.grad(slope.sum(), ends)[0].numpy(), [np.nan, -np.inf, 0], equal_nan=True)


def test_logarithms_at_the_ends_of_the_unit_interval():
    x = ag.tensor([0.0, 1.0, 2.0, -1.0], requires_grad=True)
    y = ag.logit(x)
    assert np.array_equal(y.tolist(), [-math.inf, math.inf, math.nan, math.nan], equal_nan=True)
    assert np.array_equal(ag.grad(y.sum(), x)[0].tolist(), [math.inf, math.inf, math.nan, math.nan], equal_nan=True)
    assert ag.grad(ag.logit(x, eps=0.1).sum(), x)[0].tolist() == [0, 0, 0, 0]
    assert ag.special.entr(ag.tensor([0.0, -1.0, 1.0])).tolist() == [0, -math.inf, 0]


@pytest.mark.parametrize("eps", [None, 0.1])
@pytest.mark.parametrize("x", [-0.5, 0.0, 0.05, 0.5, 1.0, 1.5])
def test_tangents_of_logit_are_its_gradient_at_the_ends_of_its_domain_too(x, eps):
    x = ag.tensor(x, dtype="float64", requires_grad=True)
    (slope,) = ag.grad(ag.logit(x, eps=eps), x, create_graph=True)
    _, tangent = ag.func.jvp(lambda x: ag.logit(x, eps=eps), (x.detach(),), (ag.ones_like(x.detach()),))
    np.testing.assert_allclose(tangent.numpy(), slope.detach().numpy())
    if eps is not None:
        assert ag.grad(slope, x)[0].item() == 0


def test_sinc_at_integers():
    whole = ag.tensor([-3.0, 0.0, 1.0, 1e6], dtype="float64", requires_grad=True)
    y = ag.sinc(whole)
    assert y.tolist() == [0, 1, 0, 0]
    assert ag.grad(y.sum(), whole)[0].tolist() == pytest.approx([1 / 3, 0, -1, 1e-6])
    assert ag.special.spherical_bessel_j0(ag.tensor([0.0, math.inf])).tolist() == [1, 0]


def test_floats_in_pieces():
    mantissa, exponent = ag.frexp(ag.tensor([3.0, -0.25]))
    assert (mantissa.tolist(), exponent.tolist(), exponent.dtype) == ([0.75, -0.5], [2, -1], ag.int32)
    with pytest.raises(RuntimeError, match="floating point"):
        ag.frexp(ag.tensor([1]))
    odd = ag.tensor([math.nan, math.inf, -math.inf, -0.0], dtype="bfloat16")
    assert ag.nan_to_num(odd).float().isfinite().all()
    assert ag.nan_to_num(odd, 1, 2, 3).tolist() == [1, 2, 3, 0]
    assert odd.signbit().tolist()[2:] == [True, True]
    assert ag.nan_to_num(ag.tensor([1])).tolist() == [1]


def test_second_derivatives_at_kinks():
    assert slope_of_slope(lambda x: F.elu(x, alpha=0.5), 0.0) == 0
    assert slope_of_slope(lambda x: F.celu(x, alpha=2.0), 0.0) == 0
    assert slope_of_slope(F.selu, 0.0) == 0
    assert slope_of_slope(F.relu, 1.0) == 0
    assert slope_of_slope(F.silu, 0.0) == 0.5
    assert slope_of_slope(F.mish, 0.0) == pytest.approx(0.64)
    assert F.mish(ag.tensor([50.0, 1e30])).tolist() == ag.tensor([50.0, 1e30]).tolist()
    assert slope_of_slope(ag.special.log_ndtr, 0.0) == pytest.approx(-2 / math.pi)


def test_polynomials_of_a_degree_for_each_element():
    degrees = ag.tensor([0, 1, 2, -1])
    assert ag.special.legendre_polynomial_p(0.5, degrees).tolist() == [1, 0.5, -0.125, 0]
    assert ag.special.hermite_polynomial_h(ag.tensor([math.inf]), 0).tolist() == [1]
    assert ag.special.chebyshev_polynomial_t(ag.zeros(0), ag.zeros(0)).shape == (0,)
    for degree in (1e20, math.nan, ag.tensor([1.0, math.inf])):
        with pytest.raises(RuntimeError, match="degree by degree, below 1048576"):
            ag.special.laguerre_polynomial_l(ag.ones(2), degree)


def test_tolerances_of_isclose_are_not_negative():
    with pytest.raises(RuntimeError, match="must not be negative"):
        ag.isclose(X, X, rtol=-1)


def test_what_pytorch_calls_special():
    assert ag.special.expit is ag.sigmoid
    assert ag.special.gammaln is ag.lgamma
    assert ag.special.softmax is ag.softmax


def test_a_factor_of_zero_has_the_gradient_of_any_other():
    x = ag.zeros(2, dtype="f8", requires_grad=True)
    for function, y, slope in ((ag.xlogy, [0.5, 0.0], math.log(0.5)), (ag.special.xlog1py, [0.5, -1.0], math.log(1.5))):
        (g,) = ag.grad(function(x, ag.tensor(y, dtype="f8")).sum(), x)
        assert g.tolist() == [slope, 0.0]
        assert function(ag.zeros(2), ag.tensor([math.nan, math.inf])).isnan().tolist() == [True, False]


@pytest.mark.parametrize(
    "older, newer",
    [
        ("x.clone().add_(0.5, y)", "x.add(y, alpha=0.5)"),
        ("ag.sub(x, 2, y)", "ag.sub(x, y, alpha=2)"),
        ("x.clone().addcmul_(0.5, y, y)", "x.addcmul(y, y, value=0.5)"),
        ("ag.addcdiv(x, -0.5, y, y)", "x.addcdiv(y, y, value=-0.5)"),
        ("x.addmm(0.5, y, y)", "x.addmm(y, y, beta=0.5)"),
        ("ag.addmm(0.5, x, 2, y, y)", "x.addmm(y, y, beta=0.5, alpha=2)"),
    ],
)
def test_factors_before_the_tensors_they_multiply(older, newer):
    given = {"ag": ag, "x": ag.tensor([[1.0, 2.0], [3.0, 4.0]]), "y": ag.tensor([[5.0, 6.0], [7.0, 8.0]])}
    assert eval(older, given).tolist() == eval(newer, given).tolist()


@pytest.mark.parametrize("program", ["ag.add(x, x, x)", "ag.addcmul(x, 1, 2, x, x)", "ag.addcmul(x, x, x, x)"])
def test_too_many_arguments(program):
    with pytest.raises(TypeError, match="position"):
        eval(program, {"ag": ag, "x": ag.ones(2)})


ROUNDED_ONCE = {
    "x·c": lambda x: x * 0.3,
    "c·x": lambda x: 0.3 * x,
    "x/c": lambda x: x / 70000.0,
    "c/x": lambda x: 0.3 / x,
    "x+c": lambda x: x + 4099,
    "c-x": lambda x: 0.1 - x,
    "a 0-d factor": lambda x: x * ag.tensor(0.3),
    "a 0-d operand": lambda x: x[3] * 0.3,
    "in place": lambda x: x.clone().mul_(0.3),
    "trunc": lambda x: ag.div(x, 0.3, rounding_mode="trunc"),
    "lerp": lambda x: ag.lerp(x, x * 2, 0.1),
    "sigmoid": ag.sigmoid,
    "tanh": ag.tanh,
    "softshrink": lambda x: F.softshrink(x, 0.3),
    "threshold": lambda x: F.threshold(x, 0.30001, 0.1),
    "smooth_l1": lambda x: F.smooth_l1_loss(x, x.detach().flip(0), beta=0.3, reduction="none"),
    "huber": lambda x: F.huber_loss(x, x.detach().flip(0), delta=0.3, reduction="none"),
}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("function", ROUNDED_ONCE.values(), ids=ROUNDED_ONCE)
def test_numbers_beside_16_bit_floats_keep_their_digits_and_results_are_rounded_once(function, dtype):
    x = ag.linspace(0.1, 1, 99).to(dtype).requires_grad_()
    wide = x.detach().float().requires_grad_()
    y, expected = function(x), function(wide).to(dtype)
    assert (y.dtype, y.tolist()) == (x.dtype, expected.tolist())
    y.float().sum().backward()
    expected.float().sum().backward()
    assert x.grad.tolist() == wide.grad.to(dtype).tolist()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_softsign_of_16_bit_floats_is_rounded_once(dtype):
    x = ag.linspace(-3, 3, 99).to(dtype)
    assert F.softsign(x).tolist() == F.softsign(x.float()).to(dtype).tolist()


RESAMPLED = {
    "bilinear": lambda x: F.interpolate(x, scale_factor=1.7, mode="bilinear"),
    "bicubic": lambda x: F.interpolate(x, (4, 9), mode="bicubic"),
    "uneven cells": lambda x: F.adaptive_avg_pool2d(x, (4, 3)),
}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("function", RESAMPLED.values(), ids=RESAMPLED)
def test_resampled_16_bit_images_and_their_gradients_are_rounded_once(function, dtype):
    x = ag.linspace(-1, 1, 2 * 3 * 6 * 7).reshape(2, 3, 6, 7).to(dtype).requires_grad_()
    wide = x.detach().float().requires_grad_()
    y, exact = function(x), function(wide)
    assert (y.dtype, y.tolist()) == (x.dtype, exact.to(dtype).tolist())
    g = ag.linspace(-1, 1.5, y.numel()).reshape(y.shape).to(dtype)
    assert ag.grad(y, x, g)[0].tolist() == ag.grad(exact, wide, g.float())[0].to(dtype).tolist()


def test_slopes_in_float16_are_not_lost_where_a_cosine_overflows():
    x = ag.tensor([-12.0, 12.0], dtype="float16", requires_grad=True)
    (slope,) = ag.grad(ag.sigmoid(x), x, ag.ones(2, dtype="float16"))
    assert slope.tolist() == [6.139278411865234e-06] * 2  # e⁻¹² in units of 2⁻²⁴


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_rsqrt_of_16_bit_floats_is_rounded_once(dtype):
    x = ag.linspace(0.1, 1, 99).to(dtype)
    assert x.rsqrt().tolist() == x.float().rsqrt().to(dtype).tolist()


def test_each_part_of_a_complex_number_is_replaced_by_itself():
    z = ag.tensor([complex(math.nan, 1), complex(2, math.inf), 3j], requires_grad=True)
    y = ag.nan_to_num(z, nan=5, posinf=7)
    assert y.tolist() == [5 + 1j, 2 + 7j, 3j]
    y.real.sum().backward()
    assert z.grad.tolist() == [0, 0, 1]
