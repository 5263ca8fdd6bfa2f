"""16-bit floats, which some processors multiply without conversion: the results of float32, rounded once."""

import numpy as np
import pytest
from ml_dtypes import bfloat16, finfo

import autograd_core as ag
import nn
import optim
from backends.geometry import Geometry
from backends.numpy_backend import copies, products
from backends.onednn import choice, library, plans
from nn import functional as F

DTYPES = pytest.mark.parametrize("dtype", [np.float16, bfloat16])


@pytest.fixture
def numbers():
    random = np.random.default_rng(0)
    return lambda dtype, *shape: random.standard_normal(shape).astype(dtype)


def rounded_once(y, exact, terms):
    """Whether y is within half a unit of what float32 sums of these absolute terms may be."""
    assert y.dtype.itemsize == 2
    error = np.abs(y.astype(np.float64) - exact)
    return (error <= np.abs(exact) * float(finfo(y.dtype).eps) / 2 + terms * 2.0**-22).all()


@DTYPES
@pytest.mark.parametrize("lead", [(), (3,)])
@pytest.mark.parametrize("turned", [(), (0,), (1,), (0, 1)])
def test_products(kernels, numbers, dtype, lead, turned):
    operands = numbers(dtype, *lead, 70, 90), numbers(dtype, *lead, 90, 80)
    a, b = (v.swapaxes(-1, -2).copy().swapaxes(-1, -2) if i in turned else v for i, v in enumerate(operands))
    exact, terms = (f(a.astype(float)) @ f(b.astype(float)) for f in (np.asarray, np.abs))
    assert rounded_once(kernels.product(a, b), exact, terms)


def test_stacks_are_multiplied_without_conversion(numbers):
    a, b = numbers(bfloat16, 2, 3, 70, 90), numbers(bfloat16, 2, 3, 90, 80)
    plans.state.plans.clear()
    assert products.matmul(a, b).dtype == bfloat16
    multiplied = bfloat16 if "E" in library.load().multiplied else np.float32
    assert [dtype for _, (dtype, *_) in plans.state.plans] == [multiplied]


@DTYPES
@pytest.mark.parametrize("lead", [(), (3,)])
def test_a_gradient_in_float32_is_multiplied_without_the_threads_of_blas(kernels, numbers, dtype, lead):
    a, b = numbers(np.float32, *lead, 70, 90), numbers(dtype, *lead, 90, 80)
    plans.state.plans.clear()
    y = kernels.product(a, b)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, a.astype(float) @ b.astype(float), rtol=1e-5, atol=1e-4)
    assert plans.state.plans


@DTYPES
@pytest.mark.parametrize("relu", [False, True])
def test_a_bias_and_a_relu_come_before_the_rounding(kernels, numbers, dtype, relu):
    x, w, bias = numbers(dtype, 70, 90), numbers(dtype, 80, 90), numbers(dtype, 80)
    y = (kernels.linear_relu if relu else kernels.linear)(x, w, bias)
    x, w, bias = (v.astype(float) for v in (x, w, bias))
    exact, terms = x @ w.T + bias, np.abs(x) @ np.abs(w.T) + np.abs(bias)
    assert rounded_once(y, np.maximum(exact, 0) if relu else exact, terms)


@DTYPES
@pytest.mark.parametrize("size, groups", [((9,), 1), ((9, 8), 1), ((9, 8), 4), ((5, 6, 4), 1)])
@pytest.mark.parametrize("channels_last", [False, True])
def test_convolutions_and_their_adjoints(kernels, numbers, dtype, size, groups, channels_last):
    rank = len(size)
    geometry = Geometry((2,) * rank, (1,) * rank, (1,) * rank, groups)
    x, w, bias = numbers(dtype, 3, 16, *size), numbers(dtype, 32, 16 // groups, *[3] * rank), numbers(dtype, 32)
    if channels_last:
        x = np.moveaxis(np.moveaxis(x, 1, -1).copy(), -1, 1)
    y = kernels.convolve(x, w, geometry, bias)
    g = numbers(dtype, *y.shape)
    found = y, kernels.convolve_input(g, w, x.shape, geometry), kernels.convolve_weight(g, x, w.shape, geometry)

    def by(f):
        wide = [f(v.astype(float)) for v in (x, w, g, bias)]
        return (
            kernels.convolve(*wide[:2], geometry, wide[3]),
            kernels.convolve_input(wide[2], wide[1], x.shape, geometry),
            kernels.convolve_weight(wide[2], wide[0], w.shape, geometry),
        )

    for each in zip(found, by(np.asarray), by(np.abs), strict=True):
        assert rounded_once(*each)


@DTYPES
def test_normalisation_keeps_statistics_in_float32(kernels, numbers, dtype):
    x, weight, bias = numbers(dtype, 8, 32, 9, 9), numbers(np.float32, 32), numbers(np.float32, 32)
    found = kernels.normalize_batch(x, weight, bias, 1e-5, True)
    exact = kernels.normalize_batch(x.astype(float), weight, bias, 1e-5, True)
    assert rounded_once(found[0], exact[0], np.abs(exact[0]) + 4)
    for v, w in zip(found[1:3], exact[1:3], strict=True):
        assert v.dtype == np.float32
        np.testing.assert_allclose(v, w, rtol=1e-5, atol=1e-6)
    g = numbers(dtype, *x.shape)
    dx, *rest = kernels.batch_gradients(g, x, found[0], weight, *found[1:], 1e-5, True)
    wide, *others = kernels.batch_gradients(g.astype(float), x.astype(float), exact[0], weight, *exact[1:], 1e-5, True)
    assert rounded_once(dx, wide, np.abs(wide) + 20)
    for v, w in zip(rest, others, strict=True):
        np.testing.assert_allclose(v, w, rtol=1e-4, atol=1e-3)


def test_gradients_have_the_dtype_of_the_image_without_onednn(kernels, numbers, numpy_alone):
    x = numbers(bfloat16, 8, 32, 9, 9)
    with numpy_alone:
        found = kernels.normalize_batch(x, None, None, 1e-5, True)
        dx, g_weight, _ = kernels.batch_gradients(x, x, found[0], None, *found[1:], 1e-5, True)
    assert (dx.dtype, g_weight.dtype) == (bfloat16, np.float32)


@DTYPES
def test_numbers_that_are_not_finite(kernels, dtype):
    a, b = np.ones((70, 90), dtype), np.ones((90, 80), dtype)
    a[3, 4], a[5, 6] = np.inf, np.nan
    y = kernels.product(a, b)
    assert np.isinf(y[3]).all()
    assert np.isnan(y[5]).all()
    assert np.isfinite(y[[0, 4, 6]]).all()


@DTYPES
def test_processors_without_such_instructions(kernels, numbers, dtype, monkeypatch):
    a, b = numbers(dtype, 70, 90), numbers(dtype, 90, 80)
    y = kernels.product(a, b)
    monkeypatch.setattr(library.load(), "multiplied", frozenset("f"))
    plans.state.plans.clear()
    wide = kernels.product(a, b)
    assert not any(dtype in key for _, key in plans.state.plans)
    np.testing.assert_allclose(y.astype(float), wide.astype(float), rtol=float(finfo(dtype).eps), atol=1e-5)


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide"])
@pytest.mark.parametrize("zeros", [0, 70, 2])
@pytest.mark.parametrize("size", [300, 600])
def test_arithmetic_of_bfloat16_keeps_subnormal_results(kernels, numbers, name, zeros, size):
    """zeros: one in so many of the first operands is 0."""
    a, b = numbers(bfloat16, 300, size).T, numbers(bfloat16, 300, size).T
    if zeros:
        a.reshape(-1)[::zeros] = 0
    a[0], b[0] = 1e-39, 2e-39
    a[1], b[1] = 1e-20, np.repeat(np.array([1e-20, 1e20, -1e-20], bfloat16), 100)
    with np.errstate(all="ignore"):
        y, expected = getattr(kernels, name)(a, b), getattr(np, name)(a, b)
    assert np.abs(y[:2].astype(float)[y[:2] != 0]).min() < 1e-38
    np.testing.assert_array_equal(y.astype(float), expected.astype(float))


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide"])
@pytest.mark.parametrize("zeros", [0, 70, 2])
@pytest.mark.parametrize("shape", [(), (120,), (30, 1, 1), (30, 1, 120)])
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1)])
def test_arithmetic_of_bfloat16_with_repeated_operands(kernels, numbers, name, zeros, shape, axes):
    a, b = numbers(bfloat16, 30, 40, 120).transpose(axes).copy().transpose(np.argsort(axes)), numbers(bfloat16, *shape)
    if zeros:
        a.reshape(-1)[::zeros] = 0
    a[0], a[1], a[2, :3, :5] = 1e-39, -1e-38, np.array([np.inf, -np.inf, np.nan, 0, -0.0], bfloat16)
    plans.state.plans.clear()
    with np.errstate(all="ignore"):
        y, expected = getattr(kernels, name)(a, b), getattr(np, name)(a, b)
    np.testing.assert_array_equal(y.astype(float), expected.astype(float))
    np.testing.assert_array_equal(np.signbit(y), np.signbit(expected))
    assert bool(plans.state.plans) == choice.multiplies(a, a)  # other processors compute in float32, without trying


@pytest.mark.parametrize("number, lost", [(0.0, False), (-0.0, False), (1e-39, True), (-1e-39, True)])
@pytest.mark.parametrize("zero", [1.0, 0.0, -0.0])
def test_zeros_among_many_numbers_are_no_lost_subnormals(number, lost, zero):
    x = np.random.default_rng(0).standard_normal((300, 1000)).astype(np.float32).T
    x[::7], x[5, 3] = zero, number
    y = x.astype(bfloat16)
    y[5, 3] = 0.0 * number  # as oneDNN does where the processor has instructions for it
    assert copies._lost_subnormal(x, y) == lost


def test_tanh_of_bfloat16_is_not_computed_number_by_number(kernels, numbers):
    x = ag.as_tensor(numbers(bfloat16, 400, 400))
    plans.state.plans.clear()
    y = ag.tanh(x)
    assert plans.state.plans
    assert y.tolist() == ag.tanh(x.float()).to("bfloat16").tolist()


def test_residual_networks_train_under_autocast():
    np.testing.assert_allclose(_losses(autocast=True), _losses(autocast=False), rtol=0.02)


def _losses(autocast):
    """Those of eight steps of a small residual network."""
    ag.manual_seed(0)
    first = nn.Sequential(nn.Conv2d(3, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU())
    second, norm, head = nn.Conv2d(32, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.Linear(32, 4)
    model = nn.ModuleList([first, second, norm, head])
    optimizer = optim.SGD(model.parameters(), 0.1)
    x, labels = ag.randn(16, 3, 16, 16), ag.randint(0, 4, (16,))
    losses = []
    for _ in range(8):
        with ag.autocast("cpu", ag.bfloat16, enabled=autocast):
            h = first(x)
            h = F.relu(norm(second(h)) + h)
            assert h.dtype == (ag.bfloat16 if autocast else ag.float32)
            loss = F.cross_entropy(head(F.adaptive_avg_pool2d(h, 1).flatten(1)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert all(p.grad.dtype == ag.float32 for p in model.parameters())
    return losses
