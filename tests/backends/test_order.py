"""What is computed element by element lies in memory as NumPy would lay it out."""

import itertools

import numpy as np
import pytest
from ml_dtypes import bfloat16

from autograd_core.testing import refusing
from backends.cupy_backend.order import Ordered, memory_order

ORDERED = Ordered(refusing.library())
XP = ORDERED.library


def put(a):
    return ORDERED.adopt(refusing.RefusingArray(a))


def strides_of(y):
    return y._held.strides


def operands():
    plain = np.arange(120.0).reshape(2, 3, 4, 5) + 1
    last = np.moveaxis(np.ascontiguousarray(np.moveaxis(plain, 1, -1)), -1, 1)
    channel = np.arange(3.0).reshape(1, 3, 1, 1) + 1
    return {"plain": plain, "last": last, "fortran": np.asfortranarray(plain), "channel": channel,
            "row": np.arange(5.0), "spread": np.broadcast_to(channel, plain.shape), "few": last[:, :2],
            "one": np.asarray(2.0), "turned": last[:, :, ::-1]}  # fmt: skip


FULL = {"plain", "last", "fortran", "turned"}
PAIRS = [
    (a, b)
    for a, b in itertools.product(operands(), repeat=2)
    if {a, b} & {"last", "fortran", "turned"} and "few" not in (a, b)
]


@pytest.mark.parametrize("a, b", PAIRS)
def test_two_operands_combine_in_the_order_of_numpy(a, b):
    x, y = operands()[a], operands()[b]
    for ours, numpys in (
        (put(x) * put(y), x * y),
        (XP.maximum(put(x), put(y)), np.maximum(x, y)),
        (put(x) < put(y), x < y),
        (XP.where(put(x) < put(y), put(x), put(y)), np.where(x < y, x, y)),
        (2 - put(x), 2 - x),
        (-put(y), -y),
        (put(x).clip(3, 7), x.clip(3, 7)),
    ):
        assert ours.__class__ is ORDERED.array
        np.testing.assert_array_equal(ours._held, numpys)
        if len({a, b} & FULL) == 1:  # where two disagree, ours follows the first
            assert memory_order(ours.shape, strides_of(ours)) == memory_order(numpys.shape, numpys.strides)


@pytest.mark.parametrize("name", ["last", "fortran", "few", "turned"])
def test_joining_and_padding_keep_the_order_too(name):
    x = operands()[name]
    for axis in (0, 1, -1):
        joined = XP.concatenate([put(x), put(x)], axis=axis)
        np.testing.assert_array_equal(joined._held, np.concatenate([x, x], axis=axis))
        assert memory_order(joined.shape, joined.strides) == memory_order(x.shape, x.strides)
    widths = ((0, 1), (2, 0), (1, 1), (0, 0))
    padded = XP.pad(put(x), widths, constant_values=7)
    np.testing.assert_array_equal(padded._held, np.pad(x, widths, constant_values=7))
    assert memory_order(padded.shape, padded.strides) == memory_order(x.shape, x.strides)


def test_several_results_and_methods_of_ufuncs():
    x = operands()["last"] + 0.25
    fractions, whole = XP.modf(put(x))
    assert strides_of(fractions) == strides_of(whole) == x.strides
    total = put(np.zeros(3))
    XP.add.at(total, put(np.array([0, 2, 2])), 1.0)
    assert total._held.tolist() == [1, 0, 2]
    assert XP.add.reduce(put(x), axis=1)._held.tolist() == x.sum(1).tolist()


def test_what_is_written_in_place_stays_where_it_is():
    x = put(operands()["last"])
    held, before = x._held, x._held.copy()
    x += 1
    XP.multiply(x, 2, out=x)
    assert x._held is held
    np.testing.assert_array_equal(held, (before + 1) * 2)


def test_axes_without_length_or_stride_stay_beside_their_neighbour():
    assert memory_order((4, 8, 1, 6), (192, 4, 7, 32)) == [0, 2, 3, 1]
    assert memory_order((4, 3), (0, 8)) == [0, 1]
    assert memory_order((2, 3, 4), (48, 16, -4)) == [0, 1, 2]


def test_without_the_array_type_the_order_is_lost():
    assert (refusing.RefusingArray(operands()["last"]) * 2)._held.flags.c_contiguous


def test_what_cupy_lacks_is_made_up_for():
    def at(a, index, b):
        if a.dtype.itemsize == 2:
            raise TypeError("as CuPy's")
        np.maximum.at(a._held, index, b._held)

    def argpartition(a, kth, axis):
        raise ValueError("invalid entry in index array")

    library = refusing.library()
    library.argpartition, library.maximum.at = argpartition, at
    ordered = Ordered(library)
    for dtype in (np.float16, bfloat16, np.float32):
        x = ordered.adopt(refusing.RefusingArray(np.zeros(3, dtype)))
        ordered.library.maximum.at(x, np.array([0, 2, 0]), refusing.RefusingArray(np.array([1, 2, 3], dtype)))
        assert x._held.tolist() == [3, 0, 2]
    empty = ordered.library.argpartition(refusing.RefusingArray(np.zeros((0, 3))), 1)
    assert (empty.shape, empty.dtype) == ((0, 3), np.int64)


def test_bfloat16_stays_bfloat16():
    x = put(np.array([[-1, 0.3], [4, 2]], bfloat16))
    y = XP.where(x > 0, x, 0.1)
    assert y.dtype == bfloat16
    np.testing.assert_array_equal(y._held, np.where(x._held > 0, x._held, bfloat16(0.1)))
    np.testing.assert_array_equal(XP.tril(x)._held, np.array([[-1, 0], [4, 2]], bfloat16))
    np.testing.assert_array_equal(XP.triu(x)._held, np.array([[-1, 0.3], [0, 2]], bfloat16))
    wide = XP.where(x > 0, x, put(np.ones((2, 2), np.float32)))
    assert wide.dtype == np.float32
