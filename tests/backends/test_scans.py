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


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_running_sums_and_products_across_long_rows(name, axis):
    x = np.random.default_rng(0).uniform(0.5, 1.5, (4, 3, 200)).astype(np.float32)
    found = getattr(backends.get("cpu").namespace, name)(x[::-1], axis, np.float64)
    np.testing.assert_allclose(found, getattr(np, name)(x[::-1], axis, np.float64), rtol=1e-12)
