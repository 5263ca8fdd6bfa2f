"""Pooling and its relatives, and transposed convolution: ties, kinks, literal values, and what is refused."""

import math

import pytest

import autograd_core as ag
import nn.functional as F


def numbers(*values, **options):
    return ag.tensor([[[float(v) for v in values]]], **options)


def test_an_empty_stride_means_the_window():
    assert F.max_pool1d(numbers(1, 2, 3, 4), 2, ()).flatten().tolist() == [2, 4]
    assert F.avg_pool2d(ag.ones(1, 1, 4, 4), 2, []).shape == (1, 1, 2, 2)


@pytest.mark.parametrize("count", [2, 3])
def test_the_first_of_equals_takes_the_gradient_of_adaptive_pooling(count):
    x = numbers(1, 1, 1, 1, requires_grad=True)
    values, indices = F.adaptive_max_pool1d(x, count, return_indices=True)
    values.sum().backward()
    assert indices.flatten().tolist() == {2: [0, 2], 3: [0, 1, 2]}[count]
    assert x.grad.flatten().tolist() == {2: [1, 0, 1, 0], 3: [1, 1, 1, 0]}[count]


def test_the_largest_element_of_whole_planes():
    x = ag.zeros(2, 3, 16, 17)
    x[:, :, 5, 2:4], x[0, 0, 7, 1] = 2.0, math.nan
    x.requires_grad_()
    for pooled in F.max_pool2d(x, (16, 17), return_indices=True), F.adaptive_max_pool2d(x, 1, return_indices=True):
        values, indices = (v.reshape(-1).tolist() for v in pooled)
        assert math.isnan(values[0])
        assert (values[1:], indices) == ([2.0] * 5, [7 * 17 + 1, *[5 * 17 + 2] * 5])
    F.max_pool2d(x[1], (16, 17)).sum().backward()
    assert x.grad.nonzero().tolist() == [[1, c, 5, 2] for c in range(3)]
    with pytest.raises(RuntimeError, match="larger than the input"):
        F.max_pool2d(x, (16, 17), dilation=2)


@pytest.mark.parametrize("values, index", [([0.0, -0.0, -1.0], 0), ([-0.0, 0.0, -1.0], 0), ([-1.0, -0.0, 0.0], 1)])
def test_the_largest_of_a_small_plane_is_the_element_with_its_index(values, index):
    x = numbers(*values, requires_grad=True)
    found, at = F.adaptive_max_pool1d(x, 1, return_indices=True)
    found.backward()
    assert (at.item(), x.grad.flatten().nonzero().tolist()) == (index, [[index]])
    for each in found, F.adaptive_max_pool1d(x, 1):
        assert each.signbit().item() == (math.copysign(1, values[index]) < 0)


@pytest.mark.parametrize(
    "shape, kernel, how",
    [
        ((2, 3, 12, 12), 5, {"stride": 1, "padding": 2}),  # 25 taps: at once
        ((2, 3, 12, 12), 7, {"stride": 1, "padding": 3}),  # axis by axis, in NumPy and by oneDNN
        ((2, 16, 33, 32), (7, 6), {"stride": (3, 2), "ceil_mode": True}),
        ((2, 16, 40, 40), 18, {}),
        ((2, 3, 20, 20), (3, 12), {"dilation": (2, 1), "padding": (1, 4)}),
        ((1, 1, 3, 300), (2, 280), {}),  # more taps along an axis than fit a byte
        ((2, 16, 64, 64), 64, {}),  # planes, searched in memory order, ...
        ((4, 16, 64, 64), 64, {}),  # ... and axis by axis
        ((1, 2, 5, 6, 8), (4, 4, 4), {"stride": 1}),
    ],
)
@pytest.mark.parametrize("layout", [ag.contiguous_format, "channels last"])
def test_the_first_of_equals_in_large_windows(shape, kernel, how, layout):
    """Values and gradients are those of the indices, found in whole windows; NaN wins, padding does not."""
    ag.manual_seed(0)
    x = ag.randint(-2, 2, shape).float()
    x[x == 1] = -math.inf
    x[..., 2, 3] = math.nan
    if layout == "channels last":
        x = x.movedim(1, -1).contiguous().movedim(-1, 1)
    pool = F.max_pool2d if len(shape) == 4 else F.max_pool3d
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    found, (expected, indices) = pool(a, kernel, **how), pool(b, kernel, **how, return_indices=True)
    assert found.nan_to_num(7).tolist() == expected.nan_to_num(7).tolist()
    g = ag.randn(*found.shape)
    found.backward(g)
    expected.backward(g)
    assert ag.allclose(a.grad, b.grad, rtol=1e-5, atol=1e-6)
    assert ag.allclose(expected, x.flatten(2).gather(2, indices.flatten(2)).reshape(expected.shape), equal_nan=True)


def test_overlapping_windows_give_an_element_back_once():
    x = numbers(0, 5, 0, requires_grad=True)
    values, indices = F.max_pool1d(x, 2, 1, return_indices=True)
    y = F.max_unpool1d(values, indices, 2, 1)
    assert y.flatten().tolist() == [0, 5, 0]
    y.sum().backward()
    assert x.grad.flatten().tolist() == [0, 1, 0]


def test_unpooling_refuses():
    values, indices = F.max_pool1d(numbers(1, 2, 3, 4), 2, return_indices=True)
    with pytest.raises(RuntimeError, match="lies outside"):
        F.max_unpool1d(values, indices + 3, 2)
    with pytest.raises(ValueError, match="less than the stride"):
        F.max_unpool1d(values, indices, 2, output_size=(6,))
    with pytest.raises(RuntimeError, match="int64 indices"):
        F.max_unpool1d(values, indices.int(), 2)


def test_the_norm_of_zeros_has_gradient_zero():
    x = numbers(0, 0, 3, 4, requires_grad=True)
    y = F.lp_pool1d(x, 2, 2)
    assert y.flatten().tolist() == pytest.approx([0, 5])
    y.sum().backward()
    assert x.grad.flatten().tolist() == pytest.approx([0, 0, 0.6, 0.8])
    assert F.lp_pool1d(numbers(-3, 1), math.inf, 2).item() == 3


def test_random_windows_cover_the_image_and_repeat_with_the_seed():
    x = ag.arange(64).float().reshape(1, 1, 8, 8)
    ag.manual_seed(3)
    first = F.fractional_max_pool2d(x, 2, output_ratio=0.5)
    ag.manual_seed(3)
    assert (F.fractional_max_pool2d(x, 2, output_ratio=0.5) == first).all()
    assert first.shape == (1, 1, 4, 4)
    assert first[0, 0, -1, -1].item() == 63
    with pytest.raises(ValueError, match="either output_size or output_ratio"):
        F.fractional_max_pool2d(x, 2)


def test_output_padding_beyond_the_stride():
    y = F.conv_transpose1d(numbers(1, 2), numbers(1, 10), output_padding=2, dilation=3)
    assert y.flatten().tolist() == [1, 2, 0, 10, 20, 0, 0]
    with pytest.raises(RuntimeError, match="must be smaller than stride"):
        F.conv_transpose1d(numbers(1, 2), numbers(1, 10), output_padding=1)


@pytest.mark.parametrize(
    "weight, arguments, complaint",
    [
        ((3, 1, 2), {}, "2 channels"),
        ((2, 2), {}, "1 spatial axes"),
        ((2, 1, 2), {"stride": 0}, "must be positive"),
        ((2, 1, 2), {"padding": 3}, "negative"),
        ((2, 1, 2), {"bias": ag.zeros(2)}, "bias must have shape"),
    ],
)
def test_transposed_convolution_refuses(weight, arguments, complaint):
    with pytest.raises(RuntimeError, match=complaint):
        F.conv_transpose1d(ag.zeros(1, 2, 3), ag.zeros(*weight), **arguments)


def test_one_name_for_all_convolutions():
    x, w = numbers(1, 2, 3), numbers(1, 1)
    assert ag.convolution(x, w, None, [1], [0], [1], False, [0], 1).flatten().tolist() == [3, 5]
    assert ag.convolution(x, w, None, [1], [0], [1], True, [0], 1).flatten().tolist() == [1, 3, 5, 3]


@pytest.mark.parametrize("name", ["max_pool2d", "adaptive_max_pool2d"])
def test_pooling_with_indices_has_a_name_of_its_own(name):
    x = ag.randn(1, 2, 4, 4)
    y, indices = getattr(F, f"{name}_with_indices")(x, 2)
    assert (
        y.tolist() == getattr(F, name)(x, 2).tolist() == x.flatten(2).gather(2, indices.flatten(2)).view_as(y).tolist()
    )
