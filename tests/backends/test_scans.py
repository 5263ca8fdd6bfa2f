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
