import naive_kernels as naive
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backends import geometry, kernels
from backends.geometry import Geometry


@st.composite
def convolutions(draw):
    """Shapes of x and w, and a geometry that fits."""
    rank = draw(st.integers(1, 3))
    groups = draw(st.integers(1, 3))
    small = st.integers(1, 3)

    def sizes(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(rank))

    kernel, stride, padding, dilation = sizes(1, 3), sizes(1, 3), sizes(0, 3), sizes(1, 2)
    x_shape = (draw(st.integers(0, 3)), groups * draw(small), *sizes(1, 6))
    w_shape = (groups * draw(small), x_shape[1] // groups, *kernel)
    steps = Geometry(stride, padding, dilation, groups)
    try:
        geometry.convolution_sizes(x_shape, w_shape, steps)
    except ValueError:
        assume(False)
    return x_shape, w_shape, steps


def operands(x_shape, w_shape):
    rng = np.random.default_rng(0)
    return rng.standard_normal(x_shape), rng.standard_normal(w_shape)


def is_channels_last(array):
    return geometry.channels_last(array).flags.c_contiguous


@given(convolutions())
@settings(max_examples=60, deadline=None)
def test_forward_matches_loops_and_gradients_are_adjoint(library, case):
    *shapes, steps = case
    x, w = operands(*shapes)
    k, put, get = library.kernels, library.put, library.get
    expected = naive.convolve(x, w, *steps)
    g = np.random.default_rng(0).standard_normal(expected.shape)
    y = get(k.convolve(put(x), put(w), steps))
    dx = get(k.convolve_input(put(g), put(w), x.shape, steps))
    dw = get(k.convolve_weight(put(g), put(x), w.shape, steps))
    np.testing.assert_allclose(y, expected, atol=1e-12)
    assert is_channels_last(y)
    assert is_channels_last(dx)
    assert dw.flags.c_contiguous
    assert dx.shape == x.shape
    assert dw.shape == w.shape
    np.testing.assert_allclose(np.vdot(dx, x), np.vdot(g, y), atol=1e-10)
    np.testing.assert_allclose(np.vdot(dw, w), np.vdot(g, y), atol=1e-10)


@given(convolutions(), st.integers(1, 4000))
@settings(max_examples=40, deadline=None)
def test_the_size_of_blocks_changes_nothing(case, column_bytes):
    *shapes, steps = case
    x, w = operands(*shapes)
    small, large = (kernels.bind(np, size, None) for size in (column_bytes, 1 << 30))
    y = large.convolve(x, w, steps)
    np.testing.assert_allclose(small.convolve(x, w, steps), y, atol=1e-12)
    g = np.cos(np.arange(y.size)).reshape(y.shape)
    for name, arguments in (("convolve_input", (g, w, x.shape)), ("convolve_weight", (g, x, w.shape))):
        small_result, result = (getattr(kind, name)(*arguments, steps) for kind in (small, large))
        np.testing.assert_allclose(small_result, result, atol=1e-11)


def with_layout(array, layout):
    if layout == "channels last":
        return geometry.channels_first(np.ascontiguousarray(geometry.channels_last(array)))
    if layout == "reversed":
        return np.ascontiguousarray(array[::-1, ::-1, ::-1])[::-1, ::-1, ::-1]
    if layout == "gaps":
        wide = np.full((*array.shape[:-1], 2 * array.shape[-1]), np.nan)
        wide[..., ::2] = array
        return wide[..., ::2]
    copy = array.copy()
    copy.flags.writeable = False
    return copy


@pytest.mark.parametrize("layout", ["channels last", "reversed", "gaps", "read-only"])
@pytest.mark.parametrize("size,padding,stride", [(3, 1, 1), (3, 0, 2), (1, 0, 1), (1, 0, 2)])
def test_any_strides_are_accepted_and_operands_unchanged(library, layout, size, padding, stride):
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((2, 3, 7, 6)), rng.standard_normal((4, 3, size, size))
    steps = Geometry((stride, stride), (padding, padding), (1, 1), 1)
    expected = naive.convolve(x, w, *steps)
    a, b, g = (with_layout(array, layout) for array in (x, w, np.ones(expected.shape)))
    k, put, get = library.kernels, library.put, library.get
    np.testing.assert_allclose(get(k.convolve(put(a), put(b), steps)), expected, atol=1e-12)
    k.convolve_input(put(g), put(b), x.shape, steps)
    k.convolve_weight(put(g), put(a), w.shape, steps)
    assert (a == x).all()
    assert (b == w).all()
    assert (g == 1).all()


def test_broadcast_input(library):
    x = np.broadcast_to(np.arange(5.0), (2, 3, 4, 5))
    w = np.ones((1, 3, 2, 2))
    steps = Geometry((1, 1), (1, 1), (1, 1), 1)
    y = library.get(library.kernels.convolve(library.put(x), library.put(w), steps))
    np.testing.assert_allclose(y, naive.convolve(x, w, *steps))


def test_float16_accumulates_in_float32(library):
    x, w = np.ones((1, 4096, 1), np.float16), np.ones((1, 4096, 1), np.float16)
    w[0, 0] = 2048
    y = library.get(library.kernels.convolve(library.put(x), library.put(w), Geometry((1,), (0,), (1,), 1)))
    assert y.dtype == np.float16
    assert y.item() == 6144


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
def test_dtype_is_kept(library, dtype):
    x, w, put = np.ones((1, 2, 4), dtype), np.ones((3, 2, 2), dtype), library.put
    steps = Geometry((1,), (0,), (1,), 1)
    y = library.kernels.convolve(put(x), put(w), steps)
    assert y.dtype == dtype
    assert library.kernels.convolve_input(y, put(w), x.shape, steps).dtype == dtype
    assert library.kernels.convolve_weight(y, put(x), w.shape, steps).dtype == dtype


def test_zero_channels(library):
    x, w, steps = library.put(np.ones((2, 0, 4))), library.put(np.ones((3, 0, 2))), Geometry((1,), (0,), (1,), 1)
    y = library.kernels.convolve(x, w, steps)
    assert y.shape == (2, 3, 3)
    assert not library.get(y).any()
    assert library.kernels.convolve_input(y, w, x.shape, steps).shape == x.shape
    assert library.kernels.convolve_weight(y, x, w.shape, steps).shape == w.shape


@pytest.mark.parametrize(
    "x_shape,w_shape,groups,words",
    [
        ((1, 2, 3, 3), (4, 2, 5, 5), 1, ["(1, 2, 3, 3)", "window (5, 5)", "larger than the input"]),
        ((1, 2, 3, 3), (4, 3, 1, 1), 1, ["(1, 2, 3, 3)", "(4, 3, 1, 1)", "2 channels", "expects 3"]),
        ((1, 4, 3, 3), (3, 2, 1, 1), 2, ["(3, 2, 1, 1)", "not divisible by groups=2"]),
        ((1, 2, 3, 3), (4, 2, 3), 1, ["(1, 2, 3, 3)", "(4, 2, 3)"]),
        ((1, 2, 3, 3), (4, 2, 0, 1), 1, ["kernel=(0, 1) must be at least 1"]),
    ],
)
def test_misfits_are_named(library, x_shape, w_shape, groups, words):
    x, w = library.put(np.ones(x_shape)), library.put(np.ones(w_shape))
    with pytest.raises(ValueError, match="convolution") as caught:
        library.kernels.convolve(x, w, Geometry((1, 1), (0, 0), (1, 1), groups))
    assert all(word in str(caught.value) for word in words)


def test_wrong_parameters_are_named(library):
    x, w, k = library.put(np.ones((1, 1, 3, 3))), library.put(np.ones((1, 1, 1, 1))), library.kernels
    with pytest.raises(ValueError, match=r"stride=\(1,\) has 1 entries for 2"):
        k.convolve(x, w, Geometry((1,), (0, 0), (1, 1), 1))
    with pytest.raises(ValueError, match=r"dilation=\(0, 1\) must be at least 1"):
        k.convolve(x, w, Geometry((1, 1), (0, 0), (0, 1), 1))
    with pytest.raises(ValueError, match=r"the gradient has shape \(1, 1, 3, 3\)"):
        k.convolve_input(x, w, (1, 1, 4, 4), Geometry((1, 1), (0, 0), (1, 1), 1))
