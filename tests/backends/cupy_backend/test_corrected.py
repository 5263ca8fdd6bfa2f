"""Functions of floats on a GPU are NumPy's, where CuPy's give other numbers."""

import numpy as np
import pytest
from ml_dtypes import bfloat16

from backends.cupy_backend import corrected

VALUES = [0.0, -0.0, 1, -1, 0.1, 0.7, 2.5, -7.25, 100, 1e6 + 0.5, -1e30, 1e-30, np.inf, -np.inf, np.nan]
FUNCTIONS = {"remainder": np.remainder, "floor_divide": np.floor_divide}

pytestmark = [pytest.mark.usefixtures("symbols"), pytest.mark.filterwarnings("ignore::RuntimeWarning")]
each_function = pytest.mark.parametrize("name", FUNCTIONS)


def same(actual, wanted):
    assert actual.dtype == wanted.dtype
    np.testing.assert_array_equal(actual.astype(np.float64), wanted.astype(np.float64))
    there = ~np.isnan(wanted.astype(np.float64))
    np.testing.assert_array_equal(np.signbit(actual)[there], np.signbit(wanted)[there])


@each_function
@pytest.mark.parametrize("dtype", [np.float32, bfloat16], ids=["float32", "bfloat16"])
def test_of_two_arrays(gpu, name, dtype):
    a, b = (np.ascontiguousarray(v).astype(dtype) for v in np.meshgrid(VALUES, VALUES))
    wanted = FUNCTIONS[name](a, b)
    same(getattr(corrected, name)(gpu, a, b), wanted)
    # One that no kernel computes, as neither operand has the shape of the result.
    same(getattr(corrected, name)(gpu, a[:1], b[:, :1]), wanted)


@each_function
def test_beside_a_number(gpu, name):
    x = np.array(VALUES, np.float32)
    for number in (0.7, -2, np.inf, 0.0):
        same(getattr(corrected, name)(gpu, x, number), FUNCTIONS[name](x, np.float32(number)))
        same(getattr(corrected, name)(gpu, number, x), FUNCTIONS[name](np.float32(number), x))


@each_function
def test_of_integers_is_left_to_the_library(gpu, name):
    x = np.arange(4)
    assert getattr(corrected, name)(gpu, x, 2) is None
    assert getattr(corrected, name)(gpu, x, x) is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_of_powers_keep_what_is_much_less_than_one(gpu, dtype):
    values = np.array([0, -0.0, 1, -1, 0.3, -30, -60, 60, -120, 1e4, np.inf, -np.inf, np.nan], dtype)
    a, b = map(np.ascontiguousarray, np.meshgrid(values, values))
    wanted = np.logaddexp2(a.astype(np.longdouble), b.astype(np.longdouble))
    digits = {"rtol": 4 * np.finfo(dtype).eps, "atol": 0}
    np.testing.assert_allclose(corrected.logaddexp2(gpu, a, b), wanted, **digits)
    for number in (0, -60.0, np.inf):
        wanted = np.logaddexp2(values.astype(np.longdouble), number)
        np.testing.assert_allclose(corrected.logaddexp2(gpu, values, number), wanted, **digits)
        np.testing.assert_allclose(corrected.logaddexp2(gpu, number, values), wanted, **digits)
    assert corrected.logaddexp2(gpu, np.zeros(4, np.int64), 2) is None
