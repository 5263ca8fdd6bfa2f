import numpy as np
import pytest

import backends
from backends.numpy_backend import groups, normalization


def definition(x, weight, bias, eps, relu):
    axes, shape = (0, *range(2, x.ndim)), (1, -1, *[1] * (x.ndim - 2))
    mean, var = x.mean(axes), x.var(axes)
    y = (x - mean.reshape(shape)) / np.sqrt(var + eps).reshape(shape)
    y = y if weight is None else y * weight.reshape(shape)
    y = y if bias is None else y + bias.reshape(shape)
    return np.maximum(y, 0) if relu else y


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("shape", [(4, 3), (3, 5, 7), (16, 6, 32, 33), (2, 1300, 2, 2), (2, 0, 3)])
def test_result_and_gradients_match_the_definition(shape, relu, monkeypatch):
    monkeypatch.setattr(normalization, "BLOCK", 1 << 12)
    rng = np.random.default_rng(0)
    x, g = rng.standard_normal(shape), rng.standard_normal(shape)
    weight, bias = rng.standard_normal((2, shape[1]))
    y, mean, scale, kept = normalization.normalize_batch(x, weight, bias, 1e-3, relu)
    np.testing.assert_allclose(y, definition(x, weight, bias, 1e-3, relu), atol=1e-12)
    dx, *rest = normalization.batch_gradients(g, x, y if relu else None, weight, mean, scale, kept, 1e-3, True)
    # Along a direction that moves every operand, by a central difference.
    to = [rng.standard_normal(a.shape) for a in (x, weight, bias)]
    step = 1e-6
    ends = [
        definition(*(a + h * d for a, d in zip((x, weight, bias), to, strict=True)), 1e-3, relu) for h in (step, -step)
    ]
    slope = ((ends[0] - ends[1]) * g).sum() / (2 * step)
    np.testing.assert_allclose(
        sum((a * d).sum() for a, d in zip((dx, *rest), to, strict=True)), slope, rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_channels_of_images_in_any_order_are_scaled(dtype, shift, order):
    rng = np.random.default_rng(0)
    x = np.asarray(rng.standard_normal((5, 6, 16, 17)), dtype, order=order)
    scale, bias = rng.standard_normal((2, 6)).astype(np.float32)
    y = normalization.scale_channels(x, scale, bias if shift else None, True)
    assert y.dtype == dtype
    expected = x * scale.reshape(1, -1, 1, 1) + bias.reshape(1, -1, 1, 1) * shift
    np.testing.assert_allclose(y, np.maximum(expected, 0), rtol=4 * np.finfo(dtype).eps, atol=1e-6)
    assert order == "F" or dtype == np.float16 or y.flags.c_contiguous


def test_a_gradient_that_relu_stops_may_be_infinite():
    x = np.array([[1.0], [2.0], [-3.0]])
    y, mean, scale, _ = normalization.normalize_batch(x, None, None, 1e-5, True)
    g = np.where(y > 0, 1.0, np.inf)
    assert np.isfinite(normalization.batch_gradients(g, x, y, None, mean, scale, None, 1e-5, True)[0]).all()


@pytest.mark.parametrize("border", [1000, 0])
def test_the_mean_is_taken_off_before_anything_is_scaled(border, monkeypatch):
    monkeypatch.setattr(normalization, "BLOCK", 1 << 12)
    x = (np.random.default_rng(0).standard_normal((64, 4, 15, 17)) + 1000).astype(np.float32)
    x[:, :, 0] = border  # of which a sample of pixels may consist
    y, *_ = normalization.normalize_batch(x, None, None, 1e-5, False)
    np.testing.assert_allclose(y, definition(x.astype(float), None, None, 1e-5, False), atol=2e-4)


@pytest.mark.parametrize("affine", [False, True])
def test_gradients_of_many_groups_are_those_of_few(affine):
    """Large arrays are differentiated some groups at a time; one sample alone is not."""
    kernels, rng = backends.get("cpu").namespace.kernels, np.random.default_rng(0)
    x, g = rng.standard_normal((2, 6, 6, 29, 31)) + 3
    weight, bias = rng.standard_normal((2, 6)) if affine else (None, None)
    y, mean, scale = kernels.normalize_groups(x, weight, bias, 3, 1e-5)
    found = kernels.group_gradients(g, x, weight, mean, scale, 3, (True, True, True))
    parts = []
    for i in range(len(x)):
        one, its = x[i : i + 1], slice(3 * i, 3 * i + 3)
        np.testing.assert_allclose(kernels.normalize_groups(one, weight, bias, 3, 1e-5)[0][0], y[i], atol=1e-12)
        parts.append(kernels.group_gradients(g[i : i + 1], one, weight, mean[its], scale[its], 3, (True, True, True)))
    dx, of_weight, of_bias = zip(*parts, strict=True)
    for value, expected in zip(found, (np.concatenate(dx), sum(of_weight), sum(of_bias)), strict=True):
        np.testing.assert_allclose(value, expected, atol=1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("shape", [(5, 12, 7, 9), (3, 6, 64), (2, 3, 5, 4, 3)])
def test_groups_of_images_that_lie_channels_last_are_those_of_others(shape, affine, dtype, monkeypatch):
    monkeypatch.setattr(groups, "SAMPLES", 1 << 11)
    kernels, rng = backends.get("cpu").namespace.kernels, np.random.default_rng(0)
    x, g = (rng.standard_normal((2, *shape)) + 3).astype(dtype)
    weight, bias = rng.standard_normal((2, shape[1])).astype(dtype) if affine else (None, None)
    results = []
    for images in ((x, g), [np.moveaxis(np.moveaxis(v, 1, -1).copy(), -1, 1) for v in (x, g)]):
        y, mean, scale = kernels.normalize_groups(images[0], weight, bias, 3, 1e-5)
        gradients = kernels.group_gradients(images[1], images[0], weight, mean, scale, 3, (True, affine, affine))
        results.append((y, mean, scale, *gradients[: 1 + 2 * affine]))
    for of_rows, of_lines in zip(*results, strict=True):
        assert (of_rows.shape, of_rows.dtype) == (of_lines.shape, of_lines.dtype)
        np.testing.assert_allclose(of_lines, of_rows, rtol=2e-4, atol=2e-5 if dtype == np.float32 else 1e-12)
    assert results[1][0].strides == images[0].strides


@pytest.mark.parametrize("shape", [(700, 3), (2, 5, 4, 4), (2, 0, 3)])
def test_small_arrays_are_normalised_in_double_precision(shape):
    kernels, rng = backends.get("cpu").namespace.kernels, np.random.default_rng(0)
    x, g = (rng.normal(centre, size=shape).astype(np.float32) for centre in (1e4, 0))
    weight, bias = rng.normal(size=(2, shape[1])).astype(np.float32)
    y, mean, scale, kept = kernels.normalize_batch(x, weight, bias, 1e-3, False)
    assert y.dtype == mean.dtype == scale.dtype == np.float32
    wide = [v.astype(float) for v in (x, weight, bias)]
    np.testing.assert_allclose(y, definition(*wide, 1e-3, False), rtol=1e-7, atol=1e-12)
    found = kernels.batch_gradients(g, x, None, weight, mean, scale, kept, 1e-3, True)
    exact = normalization.batch_gradients(g.astype(float), wide[0], None, wide[1], mean, scale, None, 1e-3, True)
    for one, other in zip(found, exact, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
