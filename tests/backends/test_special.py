import math

import numpy as np
import pytest

import backends
from backends.generic import activations


def points():
    rng = np.random.default_rng(0)
    magnitudes = 10.0 ** rng.uniform(-320, 308, 4000)
    edges = np.array([0.25, 0.84375, 1.25, 1 / 0.35, 6.0, 26.5, 28.0])
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, 1e-310, 2.0**-28, 2.0**-56, 1.7976931348623157e308]
    x = np.concatenate(
        [rng.normal(0, 3, 20000), rng.uniform(0, 30, 8000), magnitudes, edges, np.nextafter(edges, 0), special]
    )
    return np.concatenate([x, -x])


@pytest.mark.parametrize("name,ulps", [("erf", 1), ("erfc", 4)])
def test_float64_over_the_whole_range(library, name, ulps):
    x = points()
    y = library.get(getattr(library.kernels, name)(library.put(x)))
    expected = np.array([getattr(math, name)(value) for value in x])
    # Below the normal numbers the reference itself keeps fewer digits: compare in units of the smallest one.
    unit = np.spacing(np.abs(np.where(np.isfinite(expected), expected, 1)))
    error = np.abs(y - expected) / unit
    assert np.nanmax(error) <= ulps, x[np.nanargmax(error)]
    np.testing.assert_array_equal(np.isnan(y), np.isnan(expected))
    real = ~np.isnan(x)
    np.testing.assert_array_equal(np.signbit(y[real]), np.signbit(expected[real]))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_narrow_floats_are_rounded_once(library, name, dtype):
    x = np.concatenate([np.linspace(-12, 12, 15001), [np.inf, -np.inf, np.nan]]).astype(dtype)
    y = library.get(getattr(library.kernels, name)(library.put(x)))
    expected = np.array([getattr(math, name)(value) for value in x.astype(float)])
    assert y.dtype == dtype
    with np.errstate(under="ignore"):
        np.testing.assert_array_max_ulp(y[:-1], expected[:-1].astype(dtype), maxulp=1)
    assert np.isnan(y[-1])


BESSEL = [("bessel_j", 0), ("bessel_j", 1), ("bessel_y", 0), ("bessel_y", 1)]
MODIFIED = [(f"modified_bessel_{kind}", order, scaled) for kind in "ik" for order in (0, 1) for scaled in (False, True)]


@np.errstate(all="ignore")
@pytest.mark.parametrize("name,which", [(name, which) for name, *which in [*BESSEL, *MODIFIED]])
def test_bessel_functions_of_float32_are_those_of_float64_rounded(name, which):
    x = np.sort(np.random.default_rng(0).uniform(-60, 60, 20000))
    function = getattr(backends.get("cpu").namespace.kernels, name)
    y = function(x, *which)
    zeros = x[1:][np.signbit(y[1:]) != np.signbit(y[:-1])].astype(np.float32)
    near = (zeros.view(np.int32) + np.arange(-3000, 3000, 7)[:, None]).view(np.float32).ravel()  # SciPy is off by 1.4
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40, -1e-38, 1e-20, 89.0, -100.0, 1e5, 3e38]
    x = np.concatenate([x, near, special]).astype(np.float32)
    np.testing.assert_array_equal(function(x, *which), function(x.astype(float), *which).astype(np.float32))


@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_integers_and_zero_dimensions(library, name):
    y = getattr(library.kernels, name)(library.put(np.array(1)))
    assert y.dtype == np.float32
    assert y.shape == ()
    assert library.get(y) == np.float32(getattr(math, name)(1))
    assert getattr(library.kernels, name)(library.put(np.zeros((0, 3)))).shape == (0, 3)


@pytest.mark.parametrize(
    "view",
    [np.transpose, lambda x: x[::-1, ::2], lambda x: np.broadcast_to(x[0], x.shape)],
    ids=["transposed", "reversed with gaps", "broadcast"],
)
def test_large_arrays_of_any_strides(library, view):
    x = view(np.random.default_rng(0).standard_normal((3, 20000)))
    y = library.get(library.kernels.erf(library.put(x)))
    sample = (slice(None), slice(None, None, 997))
    np.testing.assert_allclose(y[sample], np.vectorize(math.erf)(x[sample]), rtol=1e-15)


def test_cpu_keeps_memory_order():
    x = np.ones((2, 40, 40, 8), np.float32).transpose(0, 3, 1, 2)
    assert backends.get("cpu").namespace.kernels.erf(x).strides == x.strides


@np.errstate(all="ignore")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_silu_in_one_exponential_is_that_in_two_bit_for_bit(dtype):
    namespace = backends.get("cpu").namespace
    x = points().astype(dtype)
    for part in (x[(x > -80) & (x < 1e30)][:1999], x[:1999], x[:0], x.astype(np.float64), x.astype(np.float64)[::2]):
        y, expected = namespace.kernels.silu(part), activations.silu(namespace, part)
        assert (y.dtype, y.tobytes()) == (expected.dtype, expected.tobytes())
