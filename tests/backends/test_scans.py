import numpy as np
import pytest

import backends


@pytest.mark.parametrize("n", range(10))
@pytest.mark.parametrize("axis", [0, 1])
def test_recurrence_agrees_with_its_definition(library, n, axis):
    rng = np.random.default_rng(n)
    a, b = (rng.normal(size=(n, 3) if axis == 0 else (3, n)) for _ in range(2))
    y = library.get(library.kernels.recurrence(library.put(a), library.put(b), axis))
    expected = np.zeros_like(b)
    before = np.zeros(3)
    for i in range(n):
        at = (i, slice(None)) if axis == 0 else (slice(None), i)
        expected[at] = before = a[at] * before + b[at]
    np.testing.assert_allclose(y, expected, rtol=1e-12)


@pytest.mark.parametrize("n", range(10))
@pytest.mark.parametrize("axis", [0, 1])
def test_running_maximum_passes_nan_on(library, n, axis):
    x = np.random.default_rng(n).integers(0, 20, (n, 3) if axis == 0 else (3, n)).astype(float)
    x[x == 19] = np.nan
    y = library.get(library.kernels.running("maximum", library.put(x), axis))
    np.testing.assert_array_equal(y, np.maximum.accumulate(x, axis))


@pytest.mark.parametrize("name", ["add", "multiply", "maximum"])
@pytest.mark.parametrize("shape,axis", [((4, 3, 200), 0), ((4, 3, 200), 1), ((5, 1 << 13), 1), ((5, 7), 1)])
def test_large_arrays_are_scanned_in_the_wide_type(name, shape, axis):
    x = np.random.default_rng(0).uniform(0.9, 1.1, shape).astype(np.float32)[::-1]
    found = backends.get("cpu").namespace.kernels.running(name, x, axis, np.float64)
    expected = getattr(np, name).accumulate(x, axis, np.float64)
    np.testing.assert_array_equal(found, expected.astype(np.float32), strict=True)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_running_sums_and_products_across_long_rows(name, axis):
    x = np.random.default_rng(0).uniform(0.5, 1.5, (4, 3, 200)).astype(np.float32)
    found = getattr(backends.get("cpu").namespace, name)(x[::-1], axis, np.float64)
    np.testing.assert_allclose(found, getattr(np, name)(x[::-1], axis, np.float64), rtol=1e-12)


@pytest.mark.parametrize("shape", [(4, 5), (3, 300), (300, 3), (300, 300), (7, 33, 200)])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("wide", [None, np.float64])
@pytest.mark.parametrize("name", ["add", "maximum"])
def test_running_results_from_either_end(library, shape, axis, wide, name):
    """Below and above the sizes at which rows are copied, or combined side by side; a NaN passes on."""
    x, axis = np.random.default_rng(0).normal(size=shape).astype(np.float32), axis % len(shape)
    x[1, 2] = np.nan
    for back in (False, True):
        found = library.get(library.kernels.running(name, library.put(x), axis, wide, back))
        turned = np.flip(x, axis) if back else x
        expected = getattr(np, name).accumulate(turned, axis, wide)
        assert (found.dtype, found.flags.c_contiguous) == (np.float32, True)
        np.testing.assert_allclose(found, np.flip(expected, axis) if back else expected, rtol=1e-5, atol=1e-5)
