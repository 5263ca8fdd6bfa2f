import naive_kernels as naive
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backends import geometry
from backends.geometry import Window


@st.composite
def poolings(draw, dilated):
    """Shape of x, output sizes, and (window, ceil_mode) that fit."""
    rank = draw(st.integers(1, 3))

    def sizes(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(rank))

    kernel, stride = sizes(1, 4), sizes(1, 4)
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    dilation = sizes(1, 2) if dilated else (1,) * rank
    window = Window(kernel, stride, padding, dilation)
    shape = (draw(st.integers(0, 2)), draw(st.integers(1, 3)), *sizes(1, 6))
    ceil_mode = draw(st.booleans())
    try:
        out = geometry.pooling_sizes(shape, window, ceil_mode)
    except ValueError:
        assume(False)
    assume(all(inside for _, _, inside in naive.windows(shape[2:], out, *window)))
    return shape, out, window, ceil_mode


def operand(shape):
    """Few distinct values, so that ties are common."""
    return np.random.default_rng(0).integers(-3, 4, shape).astype(float)


@given(poolings(dilated=True))
@settings(max_examples=80, deadline=None)
def test_max_pool_matches_loops(library, case):
    shape, out, window, ceil_mode = case
    x = operand(shape)
    y, indices = library.kernels.max_pool(library.put(x), window, ceil_mode)
    expected, places = naive.max_pool(x, out, *window)
    np.testing.assert_array_equal(library.get(y), expected)
    np.testing.assert_array_equal(library.get(indices), places)
    assert indices.dtype == np.int64
    np.testing.assert_array_equal(library.get(library.kernels.take_plane(library.put(x), indices)), expected)


@given(poolings(dilated=False), st.booleans(), st.sampled_from([None, 3, 2.5]))
@settings(max_examples=80, deadline=None)
def test_avg_pool_matches_loops_and_its_adjoint(library, case, include, divisor):
    shape, out, *parameters = case
    x = operand(shape)
    parameters += include, divisor
    y = library.get(library.kernels.avg_pool(library.put(x), *parameters))
    np.testing.assert_allclose(y, naive.avg_pool(x, out, *parameters[0][:3], include, divisor), atol=1e-12)
    g = np.cos(np.arange(y.size)).reshape(y.shape)
    dx = library.get(library.kernels.avg_pool_input(library.put(g), x.shape, *parameters))
    assert dx.shape == x.shape
    np.testing.assert_allclose(np.vdot(dx, x), np.vdot(g, y), atol=1e-10)


def test_nan_wins_and_is_named(library):
    x = np.array([[[1.0, np.nan, 5.0, 2.0, 3.0, 0.0]]])
    y, indices = library.kernels.max_pool(library.put(x), Window((3,), (3,), (0,), (1,)), False)
    np.testing.assert_array_equal(library.get(y), [[[np.nan, 3.0]]])
    np.testing.assert_array_equal(library.get(indices), [[[1, 4]]])


def test_padding_never_wins_over_minus_infinity(library):
    x = np.full((1, 1, 2, 2), -np.inf)
    y, indices = library.kernels.max_pool(library.put(x), Window((2, 2), (2, 2), (1, 1), (1, 1)), False)
    assert (library.get(y) == -np.inf).all()
    np.testing.assert_array_equal(library.get(indices)[0, 0], [[0, 1], [2, 3]])


def test_window_wholly_in_padding_has_an_index_to_gather(library):
    _, indices = library.kernels.max_pool(library.put(np.ones((1, 1, 2))), Window((2,), (1,), (1,), (3,)), False)
    assert 0 <= library.get(indices).item() < 2


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int32, np.uint8])
def test_types_are_kept_also_in_padding(library, dtype):
    x = np.arange(9).reshape(1, 1, 3, 3).astype(dtype)
    y, _ = library.kernels.max_pool(library.put(x), Window((3, 3), (2, 2), (1, 1), (1, 1)), False)
    assert y.dtype == dtype
    np.testing.assert_array_equal(library.get(y)[0, 0], [[4, 5], [7, 8]])


def test_float16_means_accumulate_in_float32(library):
    x = np.full((1, 1, 4096), 100, np.float16)
    y = library.kernels.avg_pool(library.put(x), Window((4096,), (1,), (0,), (1,)), False, True, None)
    assert y.dtype == np.float16
    assert library.get(y).item() == 100


@pytest.mark.parametrize("order", ["C", "channels last"])
def test_results_are_channels_last(library, order):
    x = np.arange(96.0).reshape(2, 3, 4, 4)
    if order == "channels last":
        x = geometry.channels_first(np.ascontiguousarray(geometry.channels_last(x)))
    window = Window((2, 2), (2, 2), (0, 0), (1, 1))
    y, indices = library.kernels.max_pool(library.put(x), window, False)
    mean = library.kernels.avg_pool(library.put(x), window, False, True, None)
    back = library.kernels.avg_pool_input(mean, x.shape, window, False, True, None)
    added = library.kernels.add_plane(y, indices, x.shape)
    for result in (y, indices, mean, back, added):
        assert geometry.channels_last(library.get(result)).flags.c_contiguous


def test_misfits_are_named(library):
    x = library.put(np.ones((1, 2, 3)))
    with pytest.raises(ValueError, match=r"\(1, 2, 3\): the window \(4,\)"):
        library.kernels.max_pool(x, Window((4,), (1,), (0,), (1,)), False)
    with pytest.raises(ValueError, match=r"padding \(2,\) is more than half of the kernel \(3,\)"):
        library.kernels.avg_pool(x, Window((3,), (1,), (2,), (1,)), False, True, None)
    with pytest.raises(ValueError, match=r"the gradient has shape \(1, 2, 3\), the output has shape \(1, 2, 1\)"):
        library.kernels.avg_pool_input(x, (1, 2, 3), Window((3,), (1,), (0,), (1,)), False, True, None)
