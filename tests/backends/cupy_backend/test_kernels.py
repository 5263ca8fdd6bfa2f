"""The CUDA kernels, run on the CPU, against NumPy's generic kernels or the definition."""

from functools import partial
from importlib import import_module

import numpy as np
import pytest
from ml_dtypes import bfloat16

from backends import determinism
from backends import kernels as generic
from backends.cupy_backend import alignment, elementwise, indexing, normalization, optimizers, pooling, rows, table
from backends.cupy_backend.launch import divisor as divisor_of
from backends.cupy_backend.layouts import memory_order
from backends.deferred import Deferred
from backends.geometry import Window, channels_first, channels_last

plain = generic.bind(np, 1 << 20, Deferred("scipy.special"))
TOLERANCE = {"float16": 2e-3, "bfloat16": 1.6e-2, "float32": 2e-6, "float64": 1e-14}
DTYPES = [np.float16, bfloat16, np.float32, np.float64]
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
LAYOUTS = {
    "plain": np.ascontiguousarray,
    "channels_last": lambda x: channels_first(np.ascontiguousarray(channels_last(x))),
    "strided": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
}
each_layout = pytest.mark.parametrize("layout", LAYOUTS)
rng = np.random.default_rng(0)


def draw(shape, dtype, layout="plain"):
    return LAYOUTS[layout](rng.standard_normal(shape).astype(dtype))


def wide(x):
    return np.asarray(x, np.float64)


def close(actual, expected, dtype, scale=1.0):
    expected = wide(expected)
    assert actual.shape == expected.shape
    tolerance = TOLERANCE[np.dtype(dtype).name] * scale
    np.testing.assert_allclose(wide(actual), expected, rtol=tolerance, atol=tolerance)


def of_softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def test_every_kernel_of_the_table_is_there():
    for module, names in table.KERNELS.items():
        found = import_module(f"backends.cupy_backend.{module}")
        assert [name for name in names if not hasattr(found, name)] == []


@each_dtype
@pytest.mark.parametrize("shape", [(5, 3), (3, 64), (3, 200), (5, 520), (2, 2600), (2, 5, 3, 4)])
@each_layout
def test_softmax(gpu, dtype, shape, layout):
    x, g = (draw(shape, dtype, layout if len(shape) == 4 else "plain") for _ in range(2))
    for axis in (-1, 0, 1):
        y, exact = rows.softmax(gpu, x, axis), of_softmax(wide(x), axis)
        assert y.dtype == dtype
        close(y, exact, dtype)
        close(rows.log_softmax(gpu, x, axis), np.log(exact), dtype, 4)
        slope = exact * (wide(g) - (wide(g) * exact).sum(axis, keepdims=True))
        close(rows.softmax_gradient(gpu, g, y, axis), slope, dtype, 4)
        logarithm = rows.log_softmax(gpu, x, axis)
        slope = wide(g) - np.exp(wide(logarithm)) * wide(g).sum(axis, keepdims=True)
        close(rows.log_softmax_gradient(gpu, g, logarithm, axis), slope, dtype, 16)


@pytest.mark.parametrize("axis", [0, 1])
def test_softmax_of_what_is_not_finite(gpu, axis):
    x = np.zeros((6, 40), np.float32)
    x[0, ::2], x[1], x[2, 5], x[3, 7], x[4, :3] = -np.inf, -np.inf, np.inf, np.nan, -np.inf
    x = x if axis else np.ascontiguousarray(x.T)
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(rows.softmax(gpu, x, axis), of_softmax(x, axis), rtol=1e-6)


@each_dtype
@pytest.mark.parametrize("shape", [(7, 5), (4, 1024), (3, 5, 2, 2)])
@each_layout
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize(("few", "smoothing"), [(True, 0.0), (False, 0.0), (True, 0.3)])
def test_cross_entropy(gpu, monkeypatch, dtype, shape, layout, reduction, few, smoothing):
    monkeypatch.setattr(rows, "PER_BLOCK", 1 << 13 if few else 2)
    x = draw(shape, dtype, layout if len(shape) == 4 else "plain")
    target = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    target.reshape(-1)[::3] = -1
    g = draw(target.shape if reduction == "none" else (), dtype)
    p = of_softmax(wide(x), 1)
    chosen, valid = np.where(target < 0, 0, target)[:, None], target >= 0
    hot = np.moveaxis(np.eye(shape[1])[chosen[:, 0]], -1, 1) * (1 - smoothing) + smoothing / shape[1]
    losses = np.where(valid, -(np.log(p) * hot).sum(1), 0)
    divisor = valid.sum() if reduction == "mean" else 1
    y, *kept = rows.smoothed_nll(gpu, x, target, -1, reduction, smoothing)
    assert y.dtype == dtype
    close(y, losses if reduction == "none" else losses.sum() / divisor, dtype, 4)
    for ours, theirs in zip(kept, plain.softmax_nll(wide(x), np.abs(target), None, "none")[1:], strict=True):
        close(ours, theirs, np.float32, 4)
    share = np.where(valid, wide(g), 0)[:, None] / divisor
    found = rows.smoothed_nll_gradient(gpu, g, x, target, *kept, -1, reduction, smoothing)
    close(found, (p - hot) * share, dtype, 4)


@each_dtype
@pytest.mark.parametrize("shape", [(7, 5), (4, 1024), (2, 17500), (3, 5, 2, 2)])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize(("few", "smoothing"), [(True, 0.0), (False, 0.3)])
def test_cross_entropy_with_weights(gpu, monkeypatch, dtype, shape, reduction, few, smoothing):
    monkeypatch.setattr(rows, "PER_BLOCK", 1 << 13 if few else 2)
    x, weight = draw(shape, dtype, "channels_last" if len(shape) == 4 else "plain"), abs(draw(shape[1:2], dtype))
    target = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    target.reshape(-1)[::3] = -1
    g = draw(target.shape if reduction == "none" else (), dtype)
    given = wide(x), target, wide(weight)
    exact, *kept = plain.weighted_nll(*given, -1, reduction, smoothing)
    y, *ours = rows.weighted_nll(gpu, x, target, weight, -1, reduction, smoothing)
    assert y.dtype == dtype
    close(y, exact, dtype, 4)
    slope = plain.weighted_nll_gradient(wide(g), *given, *kept, -1, reduction, smoothing)
    close(rows.weighted_nll_gradient(gpu, g, x, target, weight, *ours, -1, reduction, smoothing), slope, dtype, 4)
    beyond = np.full_like(target, shape[1] + 1 << 40)
    assert np.isnan(rows.weighted_nll(gpu, x, beyond, weight, -1, reduction, smoothing)[0]).all()
    assert np.isnan(rows.weighted_nll_gradient(gpu, g, x, beyond, weight, *ours, -1, reduction, smoothing)).all()
    assert rows.weighted_nll(gpu, x, target, weight.astype("f2" if dtype != np.float16 else "f4"), -1, "sum", 0) is None


@each_dtype
@pytest.mark.parametrize("shape", [(7, 5), (3, 5, 2, 2)])
@each_layout
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("few", [True, False])
def test_losses_of_logarithms(gpu, monkeypatch, dtype, shape, layout, reduction, few):
    monkeypatch.setattr(rows, "PER_BLOCK", 1 << 13 if few else 2)
    x = draw(shape, dtype, layout if len(shape) == 4 else "plain")
    target = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    target.reshape(-1)[::3] = -1
    y = rows.picked_nll(gpu, x, target, -1, reduction)
    assert y.dtype == dtype
    close(y, plain.picked_nll(wide(x), target, -1, reduction), dtype, 4)
    g = draw(y.shape, dtype)
    exact = plain.nll_gradient(wide(g), target, shape, np.dtype("f8"), -1, reduction)
    close(rows.nll_gradient(gpu, g, target, shape, dtype, -1, reduction), exact, dtype, 4)
    beyond = np.where(target == 0, shape[1] + 3, target)
    assert np.isnan(rows.picked_nll(gpu, x, beyond, -1, "none")[beyond > shape[1]]).all()
    slopes = rows.nll_gradient(gpu, y if y.ndim else y[()], beyond, shape, dtype, -1, reduction)
    assert np.isnan(slopes).any() == (beyond > shape[1]).any()


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 2)])
def test_a_target_that_is_no_class_reads_nothing_beyond(gpu, shape):
    x, target = draw(shape, np.float32), np.ones((3, *shape[2:]), np.int64)
    target[0], target[1] = -(1 << 40), shape[1]
    y, *kept = rows.softmax_nll(gpu, x, target, None, "none")
    slope = rows.softmax_nll_gradient(gpu, y, x, target, *kept, None, "none")
    for found in (y, slope):
        assert np.isnan(found[:2]).all()
    assert np.isfinite(y[2]).all()
    assert np.isfinite(rows.softmax_nll_gradient(gpu, np.ones_like(y), x, target, *kept, None, "none")[2]).all()


@each_dtype
@pytest.mark.parametrize("shape", [(5, 3), (9, 128), (5, 520), (2, 2600)])
@pytest.mark.parametrize("centered", [True, False])
@pytest.mark.parametrize("parameters", [True, False])
def test_normalization_of_rows(gpu, dtype, shape, centered, parameters):
    x, g = draw(shape, dtype), draw(shape, dtype)
    weight, bias = (draw(shape[1:], dtype) if parameters else None for _ in range(2))
    y, mean, scale = rows.normalize_rows(gpu, x, weight, bias, 1e-3, centered)
    d = wide(x) - (wide(x).mean(1, keepdims=True) if centered else 0)
    exact = 1 / np.sqrt((d * d).mean(1, keepdims=True) + 1e-3)
    factor, shift = (wide(weight), wide(bias)) if parameters else (1, 0)
    close(y, d * exact * factor + shift, dtype, 4)
    close(scale, exact, np.float32, 4)
    assert (mean is None) is not centered
    needs = (True, parameters, parameters)
    dx, of_weight, of_bias = rows.row_gradients(gpu, g, x, weight, mean, scale, needs)
    normal, along = d * exact, wide(g) * factor
    slope = along - normal * (along * normal).mean(1, keepdims=True)
    close(dx, (slope - (along.mean(1, keepdims=True) if centered else 0)) * exact, dtype, 8)
    if parameters:
        close(of_weight, (wide(g) * normal).sum(0), dtype, 16)
        close(of_bias, wide(g).sum(0), dtype, 16)


SHAPES = [(4, 3), (3, 5, 7), (2, 64, 9, 5), (600, 8, 1, 2), (2, 300, 2, 2)]


@each_dtype
@pytest.mark.parametrize("shape", SHAPES)
@each_layout
@pytest.mark.parametrize("relu", [False, True])
def test_batch_normalization(gpu, dtype, shape, layout, relu):
    x, g = (draw(shape, dtype, layout) for _ in range(2))
    weight, bias = (draw(shape[1:2], dtype) for _ in range(2)) if relu else (None, None)
    operands = [None if v is None else wide(v) for v in (x, weight, bias)]
    y, mean, scale, kept = normalization.normalize_batch(gpu, x, weight, bias, 1e-3, relu)
    exact = plain.normalize_batch(*operands, 1e-3, relu)
    assert y.dtype == dtype
    close(y, exact[0], dtype, 8)
    close(mean, exact[1], np.float32)
    close(scale, exact[2], np.float32, 4)
    rectified = y if relu else None
    found = normalization.batch_gradients(gpu, g, x, rectified, weight, mean, scale, kept, 1e-3, True)
    exact = plain.batch_gradients(
        wide(g), operands[0], None if rectified is None else wide(y), operands[1], *exact[1:], 1e-3, True
    )
    for ours, theirs in zip(found, exact, strict=True):
        close(ours, theirs, dtype, 32)
    shift = draw(shape[1:2], dtype)
    close(
        normalization.scale_channels(gpu, x, shift, bias, relu),
        plain.scale_channels(operands[0], wide(shift), operands[2], relu),
        dtype,
        4,
    )


def test_the_variance_of_large_numbers_is_exact(gpu):
    x = (rng.standard_normal((64, 4, 16, 16)) + 1000).astype(np.float32)
    y, *_ = normalization.normalize_batch(gpu, x, None, None, 1e-5, False)
    np.testing.assert_allclose(y, plain.normalize_batch(wide(x), None, None, 1e-5, False)[0], atol=2e-3)


def test_parameters_of_channels_may_lie_apart(gpu):
    x, (weight, bias) = draw((4, 3, 2, 2), np.float32), rng.standard_normal((2, 6)).astype(np.float32)[:, ::2]
    y, mean, scale, _ = normalization.normalize_batch(gpu, x, weight, bias, 1e-5, False)
    close(y, plain.normalize_batch(wide(x), wide(weight), wide(bias), 1e-5, False)[0], np.float32, 8)
    found = normalization.batch_gradients(gpu, x, x, None, weight, mean, scale, None, 1e-5, True)
    for ours, theirs in zip(
        found, plain.batch_gradients(x, x, None, weight, mean, scale, None, 1e-5, True), strict=True
    ):
        close(ours, theirs, np.float32, 16)
    scaled = normalization.scale_channels(gpu, x, weight, bias, True)
    close(scaled, plain.scale_channels(wide(x), wide(weight), wide(bias), True), np.float32, 4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_running_statistics_move(gpu, dtype):
    running_mean, running_var, mean, scale = (np.abs(draw((300,), dtype)) + dtype(0.5) for _ in range(4))
    exact = [
        wide(running_mean) * 0.9 + 0.1 * wide(mean),
        wide(running_var) * 0.9 + 0.1 * (1 / wide(scale) ** 2 - 1e-3) * 12 / 11,
    ]
    counted = np.asarray(41)
    assert normalization.track(gpu, mean, scale, 12, 0.1, 1e-3, running_mean, running_var, counted)
    assert counted == 42
    close(running_mean, exact[0], dtype, 4)
    close(running_var, exact[1], dtype, 4)
    assert normalization.track(gpu, mean, scale, 12, 0.1, 1e-3, running_mean, running_var)
    assert counted == 42
    assert normalization.track(gpu, mean, scale, 12, np.asarray(0.1), 1e-3, running_mean, running_var) is None
    assert normalization.track(gpu, mean[:3], scale[:3], 12, 0.1, 1e-3, running_mean, running_var) is None
    assert normalization.track(gpu, mean, scale, 12, 0.1, 1e-3, running_mean, running_var, counted.astype("i4")) is None


GEOMETRIES = [
    ((2, 3, 8), Window((2,), (2,), (0,), (1,)), False),
    ((2, 5, 7, 6), Window((3, 2), (2, 1), (1, 1), (1, 2)), False),
    ((2, 16, 7, 7), Window((3, 3), (2, 2), (1, 1), (1, 1)), True),
    ((1, 3, 4, 5, 6), Window((2, 3, 2), (1, 2, 2), (1, 0, 1), (1, 1, 1)), False),
    ((1, 2, 5, 5), Window((1, 2), (1, 1), (0, 1), (1, 3)), False),  # some windows lie in the padding alone
    ((2, 2, 40), Window((300,), (1,), (150,), (1,)), False),  # more taps than a byte counts
]


def kernel_of(geometry):
    return "x".join(map(str, geometry[1].kernel))


@pytest.mark.parametrize("by", [1, 2, 3, 7, 56, 64, 1000, 2**16 + 1, 2**31 - 1])
def test_quotients_need_no_division(by):
    _, factor, shift = divisor_of(by)
    assert factor < 2**32
    for n in (0, by - 1, by, 2**31 - 2, 2**31 - 1, *map(int, rng.integers(0, 2**31, 1000))):
        assert (n if by == 1 else n * factor >> 32 >> shift) == n // by  # as `Divisor` in common.cuh


@each_dtype
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=kernel_of)
@each_layout
def test_max_pooling(gpu, dtype, geometry, layout):
    shape, window, ceil_mode = geometry
    x = LAYOUTS[layout](rng.integers(-3, 4, shape).astype(dtype))  # with ties
    x[0, 0, ..., 0], x[0, 1, ..., 1] = np.nan, -np.inf
    y, taps = pooling.max_of_windows(gpu, x, window, ceil_mode)
    exact, named = plain.max_of_windows(wide(x), window, ceil_mode)
    np.testing.assert_array_equal(wide(y), exact)
    np.testing.assert_array_equal(taps, named)
    assert (y.dtype, taps.dtype) == (dtype, named.dtype)
    chosen = pooling.take_taps(gpu, x, taps, window)
    np.testing.assert_array_equal(wide(chosen), plain.take_taps(wide(x), taps, window))
    g = draw(y.shape, dtype, layout)
    close(pooling.put_taps(gpu, g, taps, shape, window), plain.put_taps(wide(g), named, shape, window), dtype)


@pytest.mark.parametrize("dtype", DTYPES[:3], ids=lambda d: np.dtype(d).name)
@pytest.mark.parametrize("shape, layout", [((), "plain"), ((7,), "plain"), ((2, 3, 5, 4), "channels_last")])
def test_conversions(gpu, dtype, shape, layout):
    x = draw(shape, np.float32, layout)
    if shape:
        x[..., 0], x[..., 1], x[..., 2], x[..., 3] = np.nan, np.inf, -0.0, 1e5  # too much for float16
    with np.errstate(over="ignore"):
        x = x.astype(dtype)
        for other in DTYPES[:3]:
            y = elementwise.converted(gpu, x, other)
            assert not np.shares_memory(y, x)
            assert (elementwise.cast(gpu, x, other) is None) == (other == dtype)
            assert (y.dtype, memory_order(y)) == (other, memory_order(x))
            np.testing.assert_array_equal(wide(y), wide(x.astype(other)))
            np.testing.assert_array_equal(np.signbit(wide(y)), np.signbit(wide(x)))
    assert elementwise.converted(gpu, np.broadcast_to(x, (2, *x.shape)), np.float32) is None
    assert elementwise.converted(gpu, x, np.int64) is None


@each_dtype
def test_the_first_of_several_nans_and_of_equal_zeros_is_the_largest(gpu, dtype):
    # By vectors, which 16-bit floats fill with pairs; a window of four taps and one of three across.
    x = np.asarray([-np.inf, 0.0, -0.0, 1.0, np.nan, -np.nan, 2.0], dtype)[rng.integers(0, 7, (2, 16, 9, 11))]
    for window in (Window((2, 4), (2, 3), (1, 1), (1, 1)), Window((3, 3), (2, 2), (1, 1), (1, 1))):
        y, taps = pooling.max_of_windows(gpu, x, window, False)
        exact, named = plain.max_of_windows(wide(x), window, False)
        np.testing.assert_array_equal(wide(y), exact)
        np.testing.assert_array_equal(taps, named)
        g = draw(y.shape, dtype)
        close(pooling.put_taps(gpu, g, taps, x.shape, window), plain.put_taps(wide(g), named, x.shape, window), dtype)


@each_dtype
@pytest.mark.parametrize("geometry", [g for g in GEOMETRIES if max(g[1].dilation) == 1], ids=kernel_of)
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("divisor", [None, 2.5])
def test_average_pooling(gpu, dtype, geometry, padded, divisor):
    shape, *parameters = geometry
    parameters += padded, divisor
    for layout in LAYOUTS:
        x = draw(shape, dtype, layout)
        y, exact = pooling.avg_pool(gpu, x, *parameters), plain.avg_pool(wide(x), *parameters)
        close(y, exact, dtype, 4)
        g = draw(y.shape, dtype, layout)
        back = pooling.avg_pool_input(gpu, g, shape, *parameters)
        close(back, plain.avg_pool_input(wide(g), shape, *parameters), dtype, 16)


@each_dtype
@pytest.mark.parametrize(
    "shape, layout",
    [((), "plain"), ((7,), "plain"), ((3, 40), "plain"), ((2, 3, 5, 4), "plain"), ((2, 3, 5, 4), "channels_last")],
)
def test_elementwise(gpu, dtype, shape, layout):
    a, b = draw(shape, dtype, layout), draw(shape, dtype, layout)
    if shape:
        a[..., 0], a[..., 1], b[..., 2] = np.nan, np.inf, 0
    with np.errstate(invalid="ignore"):
        for name in ("add", "add_relu", "gate"):
            y = getattr(elementwise, name)(gpu, a, b)
            assert y.strides == a.strides
            np.testing.assert_array_equal(wide(y), wide(getattr(plain, name)(a, b)))
        spread = np.broadcast_to(b[..., :1], b.shape) if shape else b  # such as the gradient of a mean
        np.testing.assert_array_equal(wide(elementwise.gate(gpu, spread, a)), wide(plain.gate(spread, a)))
        keep = np.signbit(b)
        for mask in (keep, np.ascontiguousarray(keep), np.asfortranarray(keep)):
            y = elementwise.drop(gpu, a, mask, 1.25)
            assert y.strides == a.strides
            np.testing.assert_array_equal(wide(y), wide(plain.drop(a, keep, 1.25)))
        np.testing.assert_array_equal(wide(elementwise.relu(gpu, a)), wide(plain.relu(a)))
        copy = a.copy(order="K")
        assert elementwise.rectify(gpu, copy) is copy
        np.testing.assert_array_equal(wide(copy), wide(plain.relu(a)))


def test_arrays_that_lie_differently_are_left_to_the_generic_kernels(gpu):
    a, b = draw((2, 3, 4, 4), np.float32), draw((2, 3, 4, 4), np.float32, "channels_last")
    assert elementwise.add(gpu, a, b) is None
    assert elementwise.add(gpu, a, a.astype(np.float64)) is None
    assert elementwise.relu(gpu, a[..., ::2]) is None
    assert elementwise.relu(gpu, a.astype(np.int64)) is None
    y = elementwise.relu(gpu, a[1:])  # starts on no border of 16 bytes: 48 elements are skipped, of 4 bytes each
    np.testing.assert_array_equal(y, np.maximum(a[1:], 0))
    np.testing.assert_array_equal(elementwise.relu(gpu, a.reshape(-1)[1:]), np.maximum(a.reshape(-1)[1:], 0))


BETAS = {"beta1": 0.9, "beta2": 0.99}
ADAM = {**BETAS, "eps": 1e-3}
DECAY = {"weight_decay": 0.1}
LION = {"beta1": 0.875, "beta2": 0.99}  # so that no rounding decides about a sign
ALONE = {**DECAY, "decoupled": True, "maximize": True}
RMS = {"alpha": 0.9, "eps": 1e-3}
# Of each step: how what it remembers starts, "+" positive, numbers that change from step to step, and options.
STEPS = [
    ("sgd", "", {"lr": 0.5}, {}, {**DECAY, "maximize": True}),
    ("sgd", "-", {"lr": 0.5}, {"momentum": 0.9}, {"momentum": 0.9, "dampening": 0.1, **DECAY, "maximize": True},
     {"momentum": 0.9, "nesterov": True, **DECAY}),
    ("adam", "-+", {"lr": 0.5, "step": 3}, ADAM, ADAM | DECAY, ADAM | ALONE),
    ("adam", "-++", {"lr": 0.5, "step": 3}, ADAM, ADAM | DECAY),
    ("nadam", "-+", {"lr": 0.5, "step": 3, "gradient_rate": 0.2, "mean_rate": 0.7}, ADAM | DECAY, ADAM | ALONE),
    ("radam", "-+", {"lr": 0.5, "rate": 0.3}, {**ADAM, **DECAY, "rectified": True},
     {**ADAM, **ALONE, "rectified": False}),
    ("adamax", "-+", {"rate": 0.3}, ADAM, {**ADAM, **DECAY, "maximize": True}),
    ("lion", "-", {"lr": 0.3}, LION, {**LION, **DECAY, "maximize": True}),
    ("adagrad", "+", {"rate": 0.3}, {"eps": 1e-3}, {"eps": 1e-3, **DECAY, "maximize": True}),
    ("adadelta", "++", {"lr": 0.3}, {"rho": 0.9, "eps": 1e-3}, {"rho": 0.9, "eps": 1e-3, **DECAY, "maximize": True}),
    ("rmsprop", "+", {"lr": 0.3}, RMS, {**RMS, **DECAY, "maximize": True}),
    ("rmsprop", "+-", {"lr": 0.3}, {**RMS, "momentum": 0.9}, {**RMS, "centered": True}),
    ("rmsprop", "+--", {"lr": 0.3}, {**RMS, "momentum": 0.9, "centered": True}),
    ("rprop", "-+", {}, {"etas": (0.5, 1.25), "step_sizes": (0.75, 2.0), "maximize": True}),
    ("asgd", "-", {"rate": 0.3}, {"lambd": 0.1, "share": 0.25}, {"lambd": 0.1, "share": 1, **DECAY, "maximize": True}),
]  # fmt: skip
CASES = [(name, starts, live, options) for name, starts, live, *several in STEPS for options in several]


@each_dtype
@pytest.mark.parametrize("step", CASES, ids=lambda s: "-".join((s[0], s[1], *s[3])))
@pytest.mark.parametrize("captured", [False, True])
def test_steps(gpu, dtype, step, captured):
    name, starts, live, options = step
    p, g = draw((3, 700), dtype), draw((700, 3), dtype).T
    states = [draw(p.shape, dtype) * dtype(0.125) for _ in starts]  # no mean square falls below a mean's square
    states = [s * s + dtype(1) if sign == "+" else s for s, sign in zip(states, starts, strict=True)]
    arrays, before = (p, g, *states), p.copy()
    exact = [wide(a).copy() for a in arrays]
    given = {k: np.asarray(v, np.float64) if captured else v for k, v in live.items()} | options
    change = getattr(optimizers, f"{name}_step")
    assert change(gpu, *arrays, **given, skipped=np.ones((), np.float32))
    np.testing.assert_array_equal(p, before)
    assert change(gpu, *arrays, **given, skipped=np.zeros((), np.float32))
    getattr(plain, f"{name}_step")(*exact, **live, **options)
    for ours, theirs in zip(arrays, exact, strict=True):
        close(ours, theirs, dtype, 8)


# Of several blocks, of none, unaligned, of one element, in another order in memory; 80 are more than a table holds.
def parameters(dtype):
    return [
        draw((3, 2000), dtype),
        draw((0,), dtype),
        draw((301,), dtype)[1:],
        draw((1, 1), dtype),
        draw((), dtype),
        draw((7, 30), dtype).T,
        *(draw((i, 3), dtype) for i in range(74)),
    ]


@each_dtype
def test_many_parameters_step_at_once(gpu, dtype):
    started, kept, start = [], {}, gpu.start
    gpu.start = lambda source, expression, *rest: started.append(expression) or start(source, expression, *rest)
    values = parameters(dtype)
    rows = [(p, p * dtype(0.5), p * p) for p in values]
    exact = [[wide(a).copy() for a in row] for row in rows]
    for step in (1, 2):
        gradients = [draw(p.shape, dtype) for p in values]  # lie elsewhere each time
        options = {**ADAM, "lr": 0.5, "step": step}
        assert optimizers.steps(gpu, "adam_step", rows, gradients, options, kept)
        for (p, *states), g in zip(exact, gradients, strict=True):
            plain.adam_step(p, wide(g), *states, **options)
    for ours, theirs in zip(rows, exact, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            close(a, b, dtype, 16)
    assert len(started) == 4


def test_parameters_that_cannot_go_together_are_left_to_the_generic_kernels(gpu):
    p, options = draw((4, 4), np.float32), {"lr": 0.5}
    for other, g in ((p[:, ::2], p[:, ::2]), (p.astype(np.int64), p), (p, p.astype(np.float64))):
        assert optimizers.steps(gpu, "sgd_step", [(p,), (other,)], [p, g], options, {}) is None


@each_dtype
def test_gradients_are_rescaled(gpu, dtype):
    arrays, factor, found = parameters(dtype), np.array(0.25, np.float32), np.zeros((), np.float32)
    exact = [wide(a) * 0.25 for a in arrays]
    assert optimizers.rescale(gpu, arrays, factor, found)
    for a, b in zip(arrays, exact, strict=True):
        close(a, b, dtype)
    assert found == 0
    for bad in (np.inf, -np.inf, np.nan):
        arrays[70][2, 1], found[...] = bad, 0
        assert optimizers.rescale(gpu, arrays, factor, found)
        assert found == 1
    assert optimizers.rescale(gpu, arrays, factor)
    assert optimizers.rescale(gpu, [arrays[0][:, ::2]], factor, found) is None


@each_dtype
def test_the_norm_of_all_gradients(gpu, dtype):
    arrays = parameters(dtype)
    exact = np.sqrt(sum((wide(a) ** 2).sum() for a in arrays))
    y = optimizers.norm(gpu, arrays)
    assert (y.shape, y.dtype) == ((), dtype)
    close(y, exact, dtype)
    assert optimizers.norm(gpu, [arrays[0][:, ::2]]) is None


def test_steps_that_are_not_taken_are_counted(gpu):
    missed, found = np.zeros(()), np.zeros((), np.float32)
    assert optimizers.counted(gpu, 2, found, missed) == 2
    found[...] = 1
    assert optimizers.counted(gpu, np.asarray(3.0), found, missed) == 2
    assert optimizers.counted(gpu, 1, found, missed) == 1
    assert optimizers.counted(gpu, None, found, missed) is True
    assert missed == 3


@pytest.mark.parametrize("own", [True, False])
def test_a_scale_follows_its_gradients(gpu, own):
    adjust = partial(optimizers.adjust_scale, gpu) if own else plain.adjust_scale
    scale, steady, found = (np.full((), v, np.float32) for v in (8, 0, 0))
    values = []
    for bad in (0, 1, 0, 0, 0, 1, 1, 0):
        found[...] = bad
        adjust(scale, steady, found, 4.0, 0.5, 2)
        values.append((float(scale), float(steady)))
    assert values == [(8, 1), (4, 0), (4, 1), (16, 0), (16, 1), (8, 0), (4, 0), (4, 1)]
    scale[...], found[...] = 2e38, 0
    with np.errstate(over="ignore"):
        adjust(scale, steady, found, 4.0, 0.5, 2)
    assert (scale, steady) == (np.float32(2e38), 0)  # no further: it would be infinite


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_alignments(gpu, dtype):
    frames, samples, states = 9, 5, 41  # more states than a warp has threads
    emissions = np.log(rng.uniform(0.1, 0.9, (frames, samples, states))).astype(dtype)
    skips = np.where(rng.uniform(size=(samples, states)) < 0.5, 0, -np.inf).astype(dtype)
    emissions[3, 1] = -np.inf  # no path goes on
    alpha = plain.ctc_arrivals(wide(emissions), wide(skips))
    y = alignment.ctc_arrivals(gpu, emissions, skips)
    assert (y.shape, y.dtype) == (alpha.shape, dtype)
    np.testing.assert_allclose(y, alpha, rtol=1e-5, atol=5e-7)  # of logarithms of numbers that may be near 1
    lengths, start = np.array([9, 2, 7, 1, 0]), rng.uniform(size=(samples, states)).astype(dtype)
    with np.errstate(invalid="ignore"):
        exact = plain.ctc_occupations(alpha, wide(emissions), wide(skips), wide(start), lengths)
    found = alignment.ctc_occupations(gpu, y, emissions, skips, start, lengths)
    np.testing.assert_allclose(found, exact, rtol=1e-4, atol=1e-6)
    assert alignment.ctc_arrivals(gpu, emissions[:0], skips) is None


@each_dtype
@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
def test_rows_add_up_where_numbers_repeat(either_gpu, dtype, index_dtype):
    index = rng.integers(-4, 5, (6, 7)).astype(index_dtype)
    values = draw((6, 7, 33), dtype)
    exact = plain.add_at((5, 33), np.float64, index, wide(values))
    y = indexing.add_at(either_gpu, (5, 33), np.dtype(dtype), index, values)
    assert y.dtype == dtype
    close(y, exact, dtype, 16)


INDICES = [
    (np.array([[2, -1, 0], [1, 1, 3]]),),
    (slice(3), np.array([4, 0, -5, 4])),
    (slice(None), np.array([[1], [2]]), np.array([[0, 5, -1]])),
    (np.arange(4).reshape(4, 1, 1), rng.integers(-5, 5, (4, 5, 6)), np.arange(6)),
    (np.array([1, 0, 3], np.int32), np.array([1, 1, 2]), np.array([5, 0, -6])),
    (slice(0, 2), slice(None), np.array([3, 3, 3])),
    np.array([3, 3]),
]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64, np.bool_])
@pytest.mark.parametrize("index", INDICES, ids=range(len(INDICES)))
def test_elements_at_indices(gpu, dtype, index):
    for x in (draw((4, 5, 6), np.float32).astype(dtype), draw((6, 5, 4), np.float32).astype(dtype).T):
        np.testing.assert_array_equal(indexing.take_at(gpu, x, index), x[index])


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_elements_along_an_axis(gpu, axis):
    for x in (draw((4, 5, 6), np.float32), draw((6, 5, 4), np.float32).T):
        index = rng.integers(-4, 4, [3 if i == axis % 3 else n for i, n in enumerate(x.shape)])
        for given in (index, np.asfortranarray(index)):
            y = indexing.take_along_axis(gpu, x, given, axis)
            np.testing.assert_array_equal(y, np.take_along_axis(x, index, axis))
    assert indexing.take_along_axis(gpu, x, index[:1, :1, :1], axis) is None


@each_dtype
@pytest.mark.parametrize("index", INDICES, ids=range(len(INDICES)))
def test_elements_are_added_where_indices_repeat(either_gpu, monkeypatch, dtype, index):
    shape, gpu, start = (4, 5, 6), either_gpu, either_gpu.start

    def noted(source, expression, *rest):
        assert not (determinism.wanted() and "add_points" in expression)  # whose order differs from run to run
        start(source, expression, *rest)

    monkeypatch.setattr(gpu, "start", noted)
    values = draw(np.empty(shape)[index].shape[::-1], dtype).T
    for given in (values, values[:1], values[..., :1]):
        exact = plain.add_at(shape, np.float64, index, wide(given))
        y = indexing.add_at(gpu, shape, np.dtype(dtype), index, given)
        assert y.dtype == dtype
        close(y, exact, dtype, 16)


def test_other_indices_are_left_to_the_generic_kernel(gpu):
    x, values = draw((4, 2), np.float32), draw((3, 2), np.float32)
    one = np.array([0, 1, 1])
    for index in (slice(0, 3), np.array([True, False, True, True]), (slice(1, 3), one), (slice(None, None, 2), one),
                  one[:0], (one, None), (Ellipsis, one), (0, one)):  # fmt: skip
        assert indexing.take_at(gpu, x, index) is None
    for index in (slice(0, 3), np.array([True, False, True, True])):
        assert indexing.add_at(gpu, (4, 2), np.dtype(np.float32), index, values) is None
    assert indexing.add_at(gpu, (4, 2), np.dtype(np.int64), one, values.astype(np.int64)) is None


@pytest.mark.parametrize("shape", [(0, 3, 4, 4), (2, 0, 4, 4)])
def test_nothing_to_do(gpu, shape):
    x = np.zeros(shape, np.float32)
    assert elementwise.relu(gpu, x) is None
    assert normalization.normalize_batch(gpu, x, None, None, 1e-5, False) is None
    assert pooling.max_of_windows(gpu, x, Window((2, 2), (2, 2), (0, 0), (1, 1)), False) is None
    assert rows.softmax(gpu, x, 1) is None
    assert rows.softmax(gpu, np.zeros((), np.float32), 0) is None


def test_the_kinds_of_arguments_are_those_of_the_kernel(gpu):
    x = np.ones(8, np.float32)
    with pytest.raises(AssertionError, match="takes"):
        gpu.launch("elementwise.drop", (x.dtype, 4), (1,), (32,), x, x, x, 2, 2)
    with pytest.raises(ValueError, match="shorter"):
        gpu.launch("elementwise.drop", (x.dtype, 4), (1,), (32,), x, x, x, 2.0)
