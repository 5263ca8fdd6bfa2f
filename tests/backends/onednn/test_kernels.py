"""What oneDNN computes besides convolutions, compared with NumPy's kernels in float64."""

import numpy as np
import pytest

from backends import geometry, onednn, threads
from backends.generic import adaptive_steps, optimizers
from backends.generic import softmax as generic_softmax
from backends.geometry import Geometry
from backends.onednn import (
    attention,
    channels,
    choice,
    columns,
    elementwise,
    group_norm,
    group_rows,
    library,
    normalization,
    products,
    recurrent,
    softmax,
)


def channels_last(x):
    return geometry.channels_first(np.ascontiguousarray(geometry.channels_last(x)))


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def close(found, expected, tolerance=2e-5):
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


NORMALIZED = [(64, 32), (8, 16, 20), (4, 16, 12, 12), (2, 16, 4, 6, 7), (4, 48, 9, 9)]


@pytest.mark.parametrize("layout", [np.asarray, channels_last, lambda x: x[::-1]], ids=["first", "last", "reversed"])
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("shape", NORMALIZED, ids=str)
def test_normalisation_by_a_batch(kernels, shape, affine, relu, layout):
    x, g = layout(random(*shape) * 3 + 1), layout(random(*shape, seed=1))
    weight, bias = (random(shape[1], seed=2), random(shape[1], seed=3)) if affine else (None, None)
    assert normalization.normalize_batch(x, weight, bias, 1e-5, relu) is not None
    y, mean, scale, kept = kernels.normalize_batch(x, weight, bias, 1e-5, relu)
    wide = [v if v is None else v.astype(np.float64) for v in (x, weight, bias)]
    expected = kernels.normalize_batch(*wide, 1e-5, relu)
    for found, right in zip((y, mean, scale), expected, strict=False):
        close(found, right)
    rectified = y if relu else None
    of_float64 = None if rectified is None else (y > 0).astype(np.float64)
    gradients = kernels.batch_gradients(g, x, rectified, weight, mean, scale, kept, 1e-5, True)
    for found, right in zip(
        gradients,
        kernels.batch_gradients(g.astype(np.float64), wide[0], of_float64, wide[1], *expected[1:], 1e-5, True),
        strict=True,
    ):
        close(found, right)


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("shape, groups", [((3, 64, 9, 9), 8), ((2, 24, 20, 20), 1), ((1, 16, 200), 16)], ids=str)
def test_normalisation_of_groups(kernels, shape, groups, affine, monkeypatch):
    monkeypatch.setattr(group_norm, "SMALL", 1)
    x, g = channels_last(random(*shape) * 3 + 9), channels_last(random(*shape, seed=1))
    weight, bias = (random(shape[1], seed=2), random(shape[1], seed=3)) if affine else (None, None)
    found = group_norm.normalize_groups(x, weight, bias, groups, 1e-5)
    found = *found, *group_norm.group_gradients(g, x, weight, *found[1:], groups, (True, True, True))
    *wide, g = [v if v is None else v.astype(np.float64) for v in (x, weight, bias, g)]
    right = kernels.normalize_groups(*wide, groups, 1e-5)
    right = *right, *kernels.group_gradients(g, *wide[:2], *right[1:], groups, (True, True, True))
    for one, other in zip(found, right, strict=True):
        close(one, other, 2e-6)


@pytest.mark.parametrize("layout", [np.asarray, channels_last], ids=["first", "last"])
@pytest.mark.parametrize("shape", [(3, 32, 9, 12), (500, 64), (2, 16, 800)], ids=str)
def test_a_slope_for_each_channel(kernels, shape, layout):
    x, g = layout(random(*shape)), random(*shape, seed=1)
    x[0, 0], x[0, 1] = np.inf, 0
    slopes = np.linspace(0.1, 1, shape[1], dtype=np.float32).reshape(-1, *(1,) * (x.ndim - 2))
    y, (dx, dw) = channels.prelu(x, slopes), channels.prelu_gradient(g, x, slopes)
    assert y.strides == dx.strides == x.strides
    np.testing.assert_array_equal(y, np.where(x > 0, x, x * slopes))
    np.testing.assert_array_equal(dx, np.where(x > 0, g, g * slopes))
    wide = [v.astype(np.float64) for v in (g, np.where(np.isinf(x), 0, x), slopes)]
    close(dw, kernels.prelu_gradient(*wide)[1])
    x[1, 3] = np.nan
    assert np.isnan(channels.prelu(x, slopes)[1, 3]).all()
    assert np.isnan(channels.prelu_gradient(g, x, slopes)[1][3]).all()
    assert np.isfinite(channels.prelu_gradient(g, x, slopes)[0]).all()
    for other in (0, -0.5, 1.5, np.nan):  # for which the larger of two numbers is not the result
        slopes[2] = other
        assert channels.prelu(x, slopes) is None
        assert channels.prelu_gradient(g, x, slopes) is None


@pytest.mark.parametrize("layout", [np.asarray, channels_last], ids=["first", "last"])
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("needs", [(True, True, True), (True, False, False), (False, True, True)], ids=str)
@pytest.mark.parametrize("shape, groups", [((3, 64, 9, 9), 8), ((2, 24, 20, 20), 1), ((5, 6, 1100), 3)], ids=str)
def test_normalisation_of_groups_as_rows(kernels, shape, groups, needs, affine, layout, monkeypatch):
    monkeypatch.setattr(group_rows, "SMALL_GRADIENT", 1)
    x, g = layout(random(*shape) * 3 + 1), random(*shape, seed=1)
    weight, bias = (random(shape[1], seed=2), random(shape[1], seed=3)) if affine else (None, None)
    found = group_rows.normalize_groups(x, weight, bias, groups, 1e-5)
    assert found[0].strides == x.strides
    found = *found, *group_rows.group_gradients(g, x, weight, *found[1:], groups, needs)
    wide = [v if v is None else v.astype(np.float64) for v in (x, weight, bias)]
    right = kernels.normalize_groups(*wide, groups, 1e-5)
    right = *right, *kernels.group_gradients(g, *wide[:2], *right[1:], groups, (True, True, True))
    for one, other, needed in zip(found, right, (True, True, True, *needs), strict=True):
        assert (one is not None) == needed
        if needed:
            close(one, other)


@pytest.mark.parametrize(
    "shape", [(4, 21, 97, 5), (1, 3, 1000), (70, 40, 17), (2, 1, 64), (3, 200, 31), (1500, 5)], ids=str
)
def test_softmax_of_columns(kernels, shape, monkeypatch):
    monkeypatch.setattr(columns, "SMALL", 1)
    x, g, axis = random(*shape) * 4, random(*shape, seed=1), 1
    for name in ("softmax", "log_softmax"):
        y = getattr(columns, name)(x, axis)
        expected = getattr(kernels, name)(x.astype(np.float64), axis)
        close(y, expected, 1e-6)
        if len(shape) > 2:
            gradient = getattr(columns, f"{name}_gradient")(g, y, axis)
            close(gradient, getattr(kernels, f"{name}_gradient")(g.astype(np.float64), expected, axis), 2e-6)
    x[0, 0, ...] = np.nan
    assert columns.softmax(x, axis) is None
    assert columns.log_softmax(x, axis) is None


def test_nothing_is_read_behind_the_end_of_a_parameter(kernels):
    x, short = random(8, 16, 8, 8), random(3)
    with pytest.raises(ValueError, match="16 channels"):
        kernels.normalize_batch(x, short, short, 1e-5, False)
    with pytest.raises(ValueError, match="16 channels"):
        kernels.scale_channels(channels_last(x), random(16), short, False)
    with pytest.raises(ValueError, match="64 channels"):
        kernels.normalize_rows(x.reshape(-1, 64), short, None, 1e-5, True)
    with pytest.raises(ValueError, match="broadcast"):
        kernels.convolve(x, random(32, 16, 3, 3), Geometry((1, 1), (1, 1), (1, 1), 1), short)


@pytest.mark.parametrize("n, suits", [(3, False), (6, False), (16, True), (24, True)])
def test_only_channels_that_fill_registers_are_scaled(kernels, n, suits):
    x, scale, shift = channels_last(random(4, n, 24, 24)), random(n, seed=1), random(n, seed=2)
    scaled = onednn.deferred("normalization", "scale_channels")
    assert (scaled(x, scale, shift, False) is not None) == suits
    assert scaled(np.ascontiguousarray(x), scale, shift, False) is None
    expected = x * scale.reshape(1, -1, 1, 1) + shift.reshape(1, -1, 1, 1)
    close(kernels.scale_channels(x, scale, shift, False), expected)


def test_the_fused_relu_keeps_nan(kernels):
    x = random(4, 16, 12, 12)
    x[0, 3, 0, 0] = np.nan
    y, *_ = kernels.normalize_batch(x, None, None, 1e-5, True)
    assert np.isnan(y[:, 3]).all()
    assert not np.isnan(np.delete(y, 3, axis=1)).any()


SIZES = [(1 << 16,), (4, 16, 32, 33), (3, 1 << 17)]


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("ignore_index", [None, 3])
@pytest.mark.parametrize("shape", [(3, 5, 100, 97), (2, 40, 1800), (30000, 5), (2100, 65)], ids=str)
def test_cross_entropy_of_columns(kernels, shape, ignore_index, reduction, monkeypatch):
    """Images, and matrices of short rows, of which the gradient's passes are along rows."""
    x, target = 5 * random(*shape), np.random.default_rng(1).integers(0, shape[1], (shape[0], *shape[2:]))
    loss, *kept = generic_softmax.softmax_nll(np, x.astype(float), target, ignore_index, reduction)
    g = np.asarray(random(*loss.shape, seed=2), np.float32) if reduction == "none" else np.float32(2.5)
    dx = generic_softmax.softmax_nll_gradient(np, g, x.astype(float), target, *kept, ignore_index, reduction)
    for name in ("softmax_nll", "softmax_nll_gradient"):
        monkeypatch.setattr(generic_softmax, name, None)
    found, *residuals = kernels.softmax_nll(x, target, ignore_index, reduction)
    close(np.asarray(found), loss)
    assert [v.shape for v in residuals] == [v.shape for v in kept]
    close(kernels.softmax_nll_gradient(g, x, target, *residuals, ignore_index, reduction), dx)
    x[(0,) * x.ndim] = np.inf
    assert softmax.softmax_nll(x, target, ignore_index, reduction) is None


@pytest.mark.parametrize("layout", [np.asarray, lambda x: channels_last(x) if x.ndim == 4 else x.T])
@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_elementwise_as_exactly_as_numpy(kernels, shape, layout):
    x, g = layout(random(*shape)).copy(order="K"), layout(random(*shape, seed=1))
    x.reshape(-1, order="A")[:3] = -np.inf, np.inf, -0.0
    assert elementwise.relu(x) is not None
    assert elementwise.gate(g, x) is not None
    for found, expected in (
        (kernels.relu(x), np.maximum(x, 0)),
        (kernels.gate(g, x), np.where(x > 0, g, 0)),
        (kernels.add(x, g), x + g),
        (kernels.add_relu(x, g), np.maximum(x + g, 0)),
        (kernels.increase(x.copy(order="K"), g), x + g),
    ):
        np.testing.assert_array_equal(found, expected)
        assert found.strides == x.strides
    y = x.copy(order="K")
    assert kernels.rectify(y) is y
    np.testing.assert_array_equal(y, np.maximum(x, 0))


def test_what_is_not_finite_is_treated_as_numpy_does(kernels, numpy_alone):
    x, g = random(1 << 17), random(1 << 17, seed=1)
    x[:3], g[:3] = (np.nan, -1, 1), (1, np.inf, -np.inf)
    found = [kernels.relu(x), kernels.rectify(x.copy()), kernels.add_relu(x, g), kernels.gate(g, x)]
    with numpy_alone:
        expected = [kernels.relu(x), kernels.rectify(x.copy()), kernels.add_relu(x, g), kernels.gate(g, x)]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.isnan(found[0][0])
    assert found[3][:3].tolist() == [1, 0, -np.inf]


VIEWS = {
    "plain": np.asarray,
    "gaps": lambda x: x[..., ::2, :],
    "reversed": lambda x: x[::-1],
    "transposed": lambda x: x.swapaxes(-1, -2),
    "every other": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("shapes", [((128, 256), (256, 96)), ((4, 128, 128), (4, 128, 64)), ((1, 512), (512, 300))])
def test_products(kernels, shapes, view):
    a, b = (random(*s, seed=i) for i, s in enumerate(shapes))
    a = view(a) if view(a).shape[-1] == b.shape[-2] and view(a).shape[:-2] == b.shape[:-2] else a
    assert products.product(a, b) is not None
    found = kernels.product(a, b)
    close(found, a.astype(np.float64) @ b.astype(np.float64), 1e-5)


@pytest.mark.parametrize("by_blas", [False, True])
@pytest.mark.parametrize("scale, added", [(1.0, False), (0.3, False), (1.0, True)])
@pytest.mark.parametrize("taps", [2, 40])
def test_products_into_an_array(monkeypatch, taps, scale, added, by_blas):
    monkeypatch.setattr(products, "left_to_blas", lambda *_: by_blas)
    a, b, y = random(3, 20, taps), random(3, taps, 30, seed=1), random(20, 3, 30, seed=2).swapaxes(0, 1)
    expected = scale * (a.astype(float) @ b) + (y if added else 0.0)
    products.product_into(y, a, b, scale, added)
    close(y, expected, 1e-5)


@pytest.mark.parametrize("is_wide", [False, True])
@pytest.mark.parametrize("count", [1, 2])
def test_without_avx512_blas_multiplies_tiny_matrices_and_on_one_thread(monkeypatch, count, is_wide):
    monkeypatch.setattr(library.load(), "is_wide", is_wide)
    monkeypatch.setattr(threads, "get_num_threads", lambda: count)
    for shape, expected in (((64, 64), count == 1), ((9, 64, 64), count == 1), ((9, 16, 16), True)):
        x = np.ones(shape, np.float32)
        assert choice.left_to_blas(x, x) is (expected and not is_wide)
        assert not choice.left_to_blas(x.astype(np.float16), x.astype(np.float16))


@pytest.mark.parametrize("rows", [1, 8, 1024])
@pytest.mark.parametrize("by_blas", [False, True])
def test_blas_adds_a_bias_to_few_numbers_where_it_multiplies(monkeypatch, by_blas, rows):
    monkeypatch.setattr(products, "left_to_blas", lambda *_: by_blas)
    x, w, bias = random(rows, 512), random(128, 512, seed=1), random(128, seed=2)
    for kernel in (products.linear, products.linear_relu):
        assert (kernel(x, w, bias) is None) is (by_blas and rows < 1024)


def test_causal_attention_takes_a_gradient_of_any_strides(kernels):
    query, g = random(2, 256, 32), random(2, 256, 64, seed=1)
    y, weights = kernels.attention(query, query, query, 0.2, True)
    assert weights.ndim == 1  # in parts, which only this kernel understands
    found, expected = (
        kernels.attention_gradients(v, query, query, query, None, y, weights, 0.2, True)
        for v in (g[..., ::2], g[..., ::2].copy())
    )
    for one, other in zip(found[:3], expected[:3], strict=True):
        close(one, other)


@pytest.mark.parametrize("shape", [(64,), (8, 1, 64), (4, 1, 1, 64), (8, 32, 64), (4, 1, 32, 64), (4, 8, 32, 64)])
def test_attention_under_a_mask(kernels, shape):
    query, key, value, g = (random(4, 8, n, 16, seed=n) for n in (32, 64, 64, 32))
    mask = np.where(random(*shape) > 1, np.float32(-np.inf), random(*shape, seed=1))
    results = []
    for attend, of_four, dtype in (
        (attention.attention, attention.attention_gradients, np.float32),
        (kernels.attention, kernels.attention_gradients, np.float64),
    ):
        q, k, v, c, m = (x.astype(dtype) for x in (query, key, value, g, mask))
        y, weights = attend(q, k, v, 0.5, False, m)
        results.append([y, weights, *of_four(c, q, k, v, m, y, weights, 0.5, False, True)])
    for found, expected in zip(*results, strict=True):
        close(found, expected)


def test_a_product_with_bias(kernels):
    x, w, bias = random(64, 784), random(256, 784, seed=1), random(512, seed=2)[::2]
    assert products.linear(x, w, bias) is not None
    close(kernels.linear(x, w, bias), x.astype(np.float64) @ w.T.astype(np.float64) + bias, 1e-5)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("shape, axes, served", [
    ((32, 128, 96), (0, 1), False), ((16, 96, 128), (1, 2), False), ((8192, 4, 3), (1, 2), True),
    ((1 << 15, 8), (1,), True), ((2048, 3, 12), (2,), True), ((16, 96, 128), (1,), False), ((8192, 13), (1,), False),
])  # fmt: skip
def test_sums(kernels, shape, axes, served, keepdims):
    x = random(*shape)
    assert (products.total(x, axes, keepdims) is not None) == served
    close(kernels.total(x, axes, keepdims), x.astype(np.float64).sum(axes, keepdims=keepdims), 1e-5)


@pytest.mark.parametrize("decay", [{}, {"weight_decay": 0.1, "decoupled": True}], ids=["plain", "decoupled"])
@pytest.mark.parametrize("shape, served", [((16387,), True), ((64, 16, 8, 8), True), ((16383,), False)])
def test_steps_of_adam(kernels, shape, served, decay):
    arrays = [channels_last(random(*shape, seed=i)) if len(shape) == 4 else random(*shape, seed=i) for i in range(2)]
    arrays += [np.zeros_like(arrays[0]), np.zeros_like(arrays[0])]
    wide = [a.astype(np.float64) for a in arrays]
    options = {"lr": 1e-2, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, **decay}
    for step in range(1, 4):
        done = kernels.adam_step(*arrays, **options, step=step)
        optimizers.adam_step(np, *wide, **options, step=step)
    assert (done is True) == served
    for found, expected in zip(arrays, wide, strict=True):
        close(found, expected, 1e-6)


@pytest.mark.filterwarnings("ignore:(overflow|invalid value):RuntimeWarning")
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize(
    "step, remembered, options",
    [
        (optimizers.sgd_step, 0, {"lr": 0.1}),
        (optimizers.sgd_step, 1, {"lr": 0.1, "momentum": 0.9}),
        (optimizers.sgd_step, 1, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
        (adaptive_steps.adagrad_step, 1, {"rate": 0.1, "eps": 1e-10}),
        (adaptive_steps.rmsprop_step, 1, {"lr": 0.1, "alpha": 0.9, "eps": 1e-8}),
        (adaptive_steps.rmsprop_step, 2, {"lr": 0.1, "alpha": 0.9, "eps": 1e-8, "momentum": 0.9}),
    ],
)
def test_other_steps_give_the_numbers_of_plain_ones(kernels, step, remembered, options, decay):
    arrays = [random(64, 8, 8, 8, seed=i) for i in range(2)]
    arrays[1][0, 0, 0, :6] = 0, np.inf, -np.inf, np.nan, 3e38, 1e-42
    arrays = [channels_last(a) for a in (*arrays, *[np.zeros_like(arrays[0])] * remembered)]
    plain = [a.copy(order="K") for a in arrays]
    for _ in range(3):
        assert getattr(kernels, step.__name__)(*arrays, **options, weight_decay=decay) is True
        step(np, *plain, **options, weight_decay=decay)
    for found, expected in zip(arrays, plain, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_adam_does_with_gradients_that_are_not_finite_what_arithmetic_does(kernels):
    found = [random(1 << 14), random(1 << 14, seed=1), *np.zeros((2, 1 << 14), np.float32)]
    found[1][:4] = 0, np.inf, -np.inf, np.nan
    expected = [a.copy() for a in found]
    options = {"lr": 1e-2, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "step": 1}
    assert kernels.adam_step(*found, **options) is True
    optimizers.adam_step(np, *expected, **options)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_two_runs_are_bit_identical(kernels):
    def run():
        x, w, g = random(16, 16, 16, 16), random(16, 16, 3, 3), random(16, 16, 16, 16, seed=1)
        steps = Geometry((1, 1), (1, 1), (1, 1), 1)
        y = kernels.convolve(x, w, steps)
        n, mean, scale, kept = kernels.normalize_batch(y, None, None, 1e-5, True)
        dx, *_ = kernels.batch_gradients(g, y, n, None, mean, scale, kept, 1e-5, True)
        return n, dx, kernels.convolve_weight(dx, x, w.shape, steps)

    for one, other in zip(run(), run(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("width", [24, 128])
@pytest.mark.parametrize("name, gates, states", [("rnn", 1, 1), ("lstm", 4, 2), ("gru", 3, 1)])
def test_recurrent_layers(kernels, name, gates, states, width):
    steps, rows, inputs = 16, 3, 5
    biases = [(gates * width,)] * (1 + (name == "gru"))
    shapes = [
        (steps, rows, inputs),
        *[(rows, width)] * states,
        (gates * width, inputs),
        (gates * width, width),
        *biases,
    ]
    operands = [random(*shape, seed=i) / shape[-1] ** 0.5 for i, shape in enumerate(shapes)]
    statics = ("tanh",) if name == "rnn" else ()
    assert getattr(recurrent, name)(*operands, True, *statics) is not None
    seeds = [random(steps, rows, width), random(rows, width, seed=1)][:states]
    results = []
    for dtype in (np.float32, np.float64):
        cast = [v.astype(dtype) for v in operands]
        found = getattr(kernels, name)(*cast, True, *statics)
        gradients = getattr(kernels, f"{name}_gradients")(*(g.astype(dtype) for g in seeds), *cast, *found, *statics)
        results.append([*found[:states], *gradients])
    for single, exact in zip(*results, strict=True):
        close(single, exact, 2e-6)
