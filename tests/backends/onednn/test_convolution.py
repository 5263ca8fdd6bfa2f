import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backends import geometry
from backends.geometry import Geometry, channels_last
from backends.onednn import convolution, plans


def gaps(array):
    wide = np.full((*array.shape[:-1], 2 * array.shape[-1]), np.nan, array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def every_second(array):
    """Every second element of an odd number: its steps seem to lead beyond the memory, which oneDNN refuses to read."""
    wide = np.full((*array.shape[:-2], *(max(2 * k - 1, 0) for k in array.shape[-2:])), np.nan, array.dtype)
    wide[..., ::2, ::2] = array
    return wide[..., ::2, ::2]


def odd_strides_of_ones(array):
    strides = [s if k > 1 else 4 * 7 for k, s in zip(array.shape, array.strides, strict=True)]
    return np.lib.stride_tricks.as_strided(array, strides=strides)


def unaligned(array):
    raw = np.empty(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    raw[...] = array
    return raw


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


LAYOUTS = (
    np.asarray,
    lambda x: geometry.channels_first(np.ascontiguousarray(channels_last(x))),
    lambda x: np.ascontiguousarray(x[::-1, ::-1, ::-1])[::-1, ::-1, ::-1],
    lambda x: np.broadcast_to(x[:1], x.shape),
    gaps,
    every_second,
    odd_strides_of_ones,
    unaligned,
    read_only,
)


@st.composite
def cases(draw):
    """Shapes of x and w, a geometry that fits, and a layout each for x, w and the gradient."""
    rank, groups = draw(st.integers(1, 3)), draw(st.sampled_from([1, 1, 2, 4]))

    def sizes(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(rank))

    channels = st.sampled_from([1, 2, 3, 16])
    kernel, stride, padding, dilation = sizes(1, 3), sizes(1, 3), sizes(0, 3), sizes(1, 2)
    x_shape = (draw(st.integers(0, 3)), groups * draw(channels), *sizes(1, 8))
    w_shape = (groups * draw(channels), x_shape[1] // groups, *kernel)
    steps = Geometry(stride, padding, dilation, groups)
    try:
        geometry.convolution_sizes(x_shape, w_shape, steps)
    except ValueError:
        assume(False)
    return x_shape, w_shape, steps, draw(st.tuples(*[st.sampled_from(LAYOUTS)] * 3))


def close(found, expected):
    """Agreement to float32's rounding, as far as the largest element goes."""
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6 * max(np.abs(expected).max(initial=0), 1))


@pytest.fixture
def all_sizes(monkeypatch):
    monkeypatch.setattr(convolution, "SMALL", 1)


@given(case=cases(), biased=st.booleans(), many=st.sampled_from([1, convolution.MANY]))
@settings(max_examples=200, deadline=None)
def test_as_in_float64(kernels, case, biased, many):
    x_shape, w_shape, steps, layouts = case
    rng = np.random.default_rng(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "SMALL", 1)
        patch.setattr(convolution, "MANY", many)
        plans.state.plans.clear()
        x, w = (lay(rng.standard_normal(s, np.float32)) for s, lay in zip((x_shape, w_shape), layouts, strict=False))
        bias = rng.standard_normal(w_shape[0], np.float32) if biased else None
        wide = [v if v is None else v.astype(np.float64) for v in (x, w, bias)]
        y, expected = kernels.convolve(x, w, steps, bias), kernels.convolve(*wide[:2], steps, wide[2])
        close(y, expected)
        assert channels_last(y).flags.c_contiguous
        np.testing.assert_array_equal(kernels.convolve_relu(x, w, steps, bias), np.maximum(y, 0))
        z = layouts[2](rng.standard_normal(y.shape, np.float32))
        for relu, total in ((False, y + z), (True, np.maximum(y + z, 0))):
            found = kernels.convolve_onto(z.copy(order="K"), x, w, steps, bias, relu)
            np.testing.assert_array_equal(found, total)
        g = layouts[2](rng.standard_normal(y.shape, np.float32))
        wide_g = g.astype(np.float64)
        before = x.copy(), w.copy(), g.copy()
        dx, dw = kernels.convolve_input(g, w, x_shape, steps), kernels.convolve_weight(g, x, w_shape, steps)
        close(dx, kernels.convolve_input(wide_g, wide[1], x_shape, steps))
        close(dw, kernels.convolve_weight(wide_g, wide[0], w_shape, steps))
        assert dw.flags.c_contiguous
        for found, kept in zip((x, w, g), before, strict=True):
            np.testing.assert_array_equal(found, kept)


@pytest.mark.parametrize("channels", [6, 16])
def test_relu_behind_a_convolution_keeps_nan(kernels, channels):
    x, w = np.ones((2, 16, 12, 12), np.float32), np.full((channels, 16, 1, 1), -0.5, np.float32)
    x[0, 0, 0, :5] = np.nan, np.inf, -np.inf, 1e30, -1e30
    steps = Geometry((1, 1), (0, 0), (1, 1), 1)
    y = kernels.convolve_relu(x, w, steps)
    np.testing.assert_array_equal(y, np.maximum(kernels.convolve(x, w, steps), 0))
    onto = kernels.convolve_onto(np.zeros_like(y), x, w, steps, None, True)
    np.testing.assert_array_equal(onto, y)
    assert not np.signbit(onto[~np.isnan(onto)]).any()
    assert np.isnan(y[0, :, 0, 0]).all()
    assert not np.signbit(y[~np.isnan(y)]).any()


# Of ResNet-20 and 50, VGG, U-Net and LeNet.
SHAPES = [
    ((2, 3, 32, 32), (16, 3, 3, 3), 1, 1),
    ((2, 16, 32, 32), (16, 16, 3, 3), 1, 1),
    ((2, 16, 32, 32), (32, 16, 3, 3), 2, 1),
    ((2, 16, 32, 32), (32, 16, 1, 1), 2, 0),
    ((2, 64, 8, 8), (64, 64, 3, 3), 1, 1),
    ((2, 3, 64, 64), (64, 3, 7, 7), 2, 3),
    ((2, 64, 16, 16), (256, 64, 1, 1), 1, 0),
    ((2, 128, 16, 16), (64, 128, 3, 3), 1, 1),
    ((2, 64, 32, 32), (64, 32, 2, 2), 2, 0),
    ((2, 1, 28, 28), (6, 1, 5, 5), 1, 2),
    ((2, 6, 14, 14), (16, 6, 5, 5), 1, 0),
]


@pytest.mark.parametrize("x_shape, w_shape, stride, padding", SHAPES, ids=str)
def test_no_layer_of_the_usual_networks_is_left_to_a_reference_implementation(
    kernels, x_shape, w_shape, stride, padding
):
    if x_shape[1] != w_shape[1]:  # a transposed convolution
        x_shape = (x_shape[0], w_shape[1], *x_shape[2:])
    steps = Geometry((stride,) * 2, (padding,) * 2, (1, 1), 1)
    plans.state.plans.clear()
    x, w = np.ones(x_shape, np.float32), np.ones(w_shape, np.float32)
    y = kernels.convolve(x, w, steps)
    kernels.convolve_input(y, w, x_shape, steps)
    kernels.convolve_weight(y, x, w_shape, steps)
    made = {key[0].__name__: plan.implementation for key, plan in plans.state.plans.items()}
    assert {"_forward", "_input", "_weight"} <= made.keys()
    assert not [name for name in made.values() if "ref" in name]


@pytest.mark.parametrize("channels", [1, 3])
def test_kernels_as_wide_as_the_image_are_products_over_its_rows(kernels, channels, monkeypatch):
    """oneDNN needs twenty times as long for the gradient of an image of few channels by such kernels."""
    random, geometry = np.random.default_rng(0), Geometry((2, 3), (1, 0), (1, 1), 1)
    x, w = (random.normal(size=s).astype(np.float32) for s in ((4, channels, 9, 20), (8, channels, 3, 20)))
    seen = []
    for name in ("_forward", "_input", "_weight"):
        plan = getattr(convolution, name)
        monkeypatch.setattr(convolution, name, lambda *key, plan=plan: seen.append(key[1]) or plan(*key))
    y = kernels.convolve(x, w, geometry)
    g = random.normal(size=y.shape).astype(np.float32)
    found = y, kernels.convolve_input(g, w, x.shape, geometry), kernels.convolve_weight(g, x, w.shape, geometry)
    assert seen == [(4, 20 * channels, 9, 1)] * 3
    rows = np.pad(x, ((0, 0), (0, 0), (1, 1), (0, 0)))
    windows = np.stack([rows[:, :, i : i + 3] for i in range(0, 9, 2)], 2)  # (N, C, positions, 3, 20)
    np.testing.assert_allclose(found[0][..., 0], np.einsum("ncpkw,ockw->nop", windows, w), atol=1e-4)
    np.testing.assert_allclose(found[2], np.einsum("ncpkw,nop->ockw", windows, g[..., 0]), atol=1e-4)
    dx = np.zeros_like(rows)
    for i, at in enumerate(range(0, 9, 2)):
        dx[:, :, at : at + 3] += np.einsum("ockw,no->nckw", w, g[:, :, i, 0])
    np.testing.assert_allclose(found[1], dx[:, :, 1:-1], atol=1e-4)


def test_float64_is_numpys(kernels):
    x, w = np.ones((1, 8, 16, 16)), np.ones((8, 8, 3, 3))
    plans.state.plans.clear()
    assert kernels.convolve(x, w, Geometry((1, 1), (0, 0), (1, 1), 1)).dtype == np.float64
    assert not plans.state.plans


@pytest.mark.usefixtures("all_sizes")
def test_misfits_are_named(kernels):
    x, w = np.ones((1, 2, 3, 3), np.float32), np.ones((4, 2, 5, 5), np.float32)
    with pytest.raises(ValueError, match="larger than the input"):
        kernels.convolve(x, w, Geometry((1, 1), (0, 0), (1, 1), 1))
    with pytest.raises(ValueError, match="the output has shape"):
        kernels.convolve_input(x, np.ones((2, 2, 1, 1), np.float32), (1, 2, 4, 4), Geometry((1, 1), (0, 0), (1, 1), 1))


def test_a_kernel_as_wide_as_the_image_has_no_room_for_dilation(kernels):
    x, w = np.ones((1, 1, 8, 20), np.float32), np.ones((40, 1, 3, 20), np.float32)
    with pytest.raises(ValueError, match="larger than the input"):
        kernels.convolve(x, w, Geometry((1, 1), (0, 0), (1, 2), 1))
