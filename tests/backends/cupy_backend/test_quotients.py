"""Remainders and quotients of floats on a GPU are NumPy's, where CuPy's are off by one or NaN."""

import numpy as np
import pytest
from ml_dtypes import bfloat16

from backends.cupy_backend import quotients

VALUES = [0.0, -0.0, 1, -1, 0.1, 0.7, 2.5, -7.25, 100, 1e6 + 0.5, -1e30, 1e-30, np.inf, -np.inf, np.nan]
FUNCTIONS = {"remainder": np.remainder, "floor_divide": np.floor_divide}

pytestmark = [
    pytest.mark.usefixtures("symbols"),
    pytest.mark.parametrize("name", FUNCTIONS),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]


def same(actual, wanted):
    assert actual.dtype == wanted.dtype
    np.testing.assert_array_equal(actual.astype(np.float64), wanted.astype(np.float64))
    there = ~np.isnan(wanted.astype(np.float64))
    np.testing.assert_array_equal(np.signbit(actual)[there], np.signbit(wanted)[there])


@pytest.mark.parametrize("dtype", [np.float32, bfloat16], ids=["float32", "bfloat16"])
def test_of_two_arrays(gpu, name, dtype):
    a, b = (np.ascontiguousarray(v).astype(dtype) for v in np.meshgrid(VALUES, VALUES))
    wanted = FUNCTIONS[name](a, b)
    same(getattr(quotients, name)(gpu, a, b), wanted)
    # One that no kernel computes, as neither operand has the shape of the result.
    same(getattr(quotients, name)(gpu, a[:1], b[:, :1]), wanted)


def test_beside_a_number(gpu, name):
    x = np.array(VALUES, np.float32)
    for number in (0.7, -2, np.inf, 0.0):
        same(getattr(quotients, name)(gpu, x, number), FUNCTIONS[name](x, np.float32(number)))
        same(getattr(quotients, name)(gpu, number, x), FUNCTIONS[name](np.float32(number), x))


def test_of_integers_is_left_to_the_library(gpu, name):
    x = np.arange(4)
    assert getattr(quotients, name)(gpu, x, 2) is None
    assert getattr(quotients, name)(gpu, x, x) is None
