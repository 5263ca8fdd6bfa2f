import numpy as np
import pytest

from backends.geometry import Window, channels_first, channels_last
from backends.onednn import pooling

PAIRS = Window((2, 2), (2, 2), (0, 0), (1, 1))
GEOMETRIES = [
    ((4, 6, 28, 28), PAIRS, False),
    ((4, 16, 29, 31), Window((3, 3), (2, 2), (1, 1), (1, 1)), False),
    ((4, 16, 29, 31), Window((3, 3), (2, 2), (1, 1), (1, 1)), True),
    ((2, 5, 37, 29), Window((3, 2), (1, 2), (1, 0), (1, 1)), True),
    ((3, 8, 400), Window((3,), (2,), (1,), (1,)), False),
    ((2, 4, 9, 10, 11), Window((2, 3, 2), (2, 1, 2), (0, 1, 1), (1, 1, 1)), False),
    ((2, 3, 40, 40), Window((5, 5), (3, 3), (2, 2), (1, 1)), True),
]
LAYOUTS = [np.asarray, lambda x: channels_first(np.ascontiguousarray(channels_last(x))), lambda x: x[::-1]]


def numbers(shape, seed=0):
    """With many equal ones."""
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float32)


@pytest.mark.parametrize("layout", LAYOUTS, ids=["first", "last", "reversed"])
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_maxima_and_their_gradients_are_numpys(kernels, numpy_alone, geometry, layout):
    shape, window, ceil_mode = geometry
    x = layout(numbers(shape))
    found = pooling.max_of_windows(x, window, ceil_mode)
    with numpy_alone:
        expected = kernels.max_of_windows(x, window, ceil_mode)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype
    g = layout(np.random.default_rng(1).standard_normal(expected[0].shape, np.float32))
    with numpy_alone:
        gradient = kernels.put_taps(g, expected[1], shape, window)
    for taps in (found[1], expected[1], np.ascontiguousarray(found[1])):
        np.testing.assert_allclose(kernels.put_taps(g, taps, shape, window), gradient, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("geometry", [g for g in GEOMETRIES if not g[-1]], ids=str)
def test_means_and_their_adjoints_are_numpys(kernels, numpy_alone, geometry, include, monkeypatch):
    monkeypatch.setattr(pooling, "SMALL", 1)
    shape, window, ceil_mode = geometry
    x = np.random.default_rng(0).standard_normal(shape, np.float32)
    y = pooling.avg_pool(x, window, ceil_mode, include, None)
    with numpy_alone:
        np.testing.assert_allclose(y, kernels.avg_pool(x, window, ceil_mode, include, None), rtol=1e-6, atol=1e-6)
    dx = pooling.avg_pool_input(y, shape, window, ceil_mode, include, None)
    with numpy_alone:
        expected = kernels.avg_pool_input(y, shape, window, ceil_mode, include, None)
    np.testing.assert_allclose(dx, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("value", [np.nan, -np.inf, np.inf])
def test_what_is_not_finite_is_left_to_numpy(kernels, value):
    x = numbers((2, 16, 16, 16))
    x[0, 0, :2, :2] = value
    y, _ = kernels.max_of_windows(x, PAIRS, False)
    np.testing.assert_array_equal(y[0, 0, 0, 0], value)


def test_what_onednn_does_not_serve():
    x = numbers((2, 16, 16, 16))
    assert pooling.max_of_windows(x.astype(np.float64), PAIRS, False) is None
    assert pooling.max_of_windows(x, PAIRS._replace(dilation=(2, 1)), False) is None
    assert pooling.avg_pool(x, PAIRS._replace(kernel=(3, 3)), True, True, None) is None
    assert pooling.avg_pool(x, PAIRS, False, True, 3.0) is None
