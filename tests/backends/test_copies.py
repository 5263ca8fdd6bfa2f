"""Copies: values and order in memory, by oneDNN and by NumPy."""

import numpy as np
import pytest
from ml_dtypes import bfloat16

import autograd_core as ag
import backends
from backends.numpy_backend import copies
from backends.onednn import choice

kernels_of_cpu = backends.get("cpu").namespace.kernels
SHAPE = (2, 16, 64, 64)


def images(dtype=np.float32, shape=SHAPE):
    """Channels-last in memory."""
    return np.arange(np.prod(shape)).astype(dtype).reshape(shape[0], *shape[2:], shape[1]).transpose(0, 3, 1, 2)


@pytest.fixture(params=["auto", "numpy"], autouse=True)
def kernels(request):
    before = choice.chosen()
    choice.choose(request.param)
    yield
    choice.choose(before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_large_arrays_are_joined_in_the_order_of_the_first(dtype):
    x, y = images(dtype), np.ascontiguousarray(-images(dtype, (2, 5, 64, 64)))
    joined = copies.concatenate([x, y], 1)
    np.testing.assert_array_equal(joined, np.concatenate([x, y], 1))
    assert joined.strides[1] == joined.itemsize


@pytest.mark.parametrize("shape", [(300, 512), (1031, 1100), (1024, 1024), (2**20, 1), (3, 2**19)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_matrices_are_transposed(shape, dtype):
    """At once, or a number of columns at a time; the copy has its own memory, also through `contiguous()`."""
    x = np.arange(np.prod(shape)).astype(dtype).reshape(shape)
    for y in copies.contiguous(x.T), ag.tensor(x).T.contiguous().numpy():
        np.testing.assert_array_equal(y, x.T)
        assert y.flags.c_contiguous
    assert not np.shares_memory(ag.functional.row_major(ag.from_numpy(x)).numpy(), x)


@pytest.mark.parametrize("source, target", [("e", "f"), ("f", "e"), ("E", "f"), ("f", "E"), ("E", "e"), ("l", "f")])
@pytest.mark.parametrize("rows", [2, 37])
def test_large_arrays_are_converted_exactly(source, target, rows):
    """Ties, overflow, subnormal numbers, infinities and NaN among them; in the memory order of the array."""
    converted = kernels_of_cpu.converted
    source, target = (np.dtype(bfloat16 if kind == "E" else kind) for kind in (source, target))
    bits = np.random.default_rng(0).integers(0, 2**32, (rows, 16384), np.uint32).view(f"u{source.itemsize}")
    bits[0, :2048] = np.arange(2048) << (8 * min(source.itemsize, 4) - 11)
    x = bits.view(source).T
    with np.errstate(all="ignore"):
        y, part, expected = (f(v, target) for f, v in ((converted, x), (converted, x[::2]), (np.astype, x)))
        wide = [v.astype(float) for v in (y, expected, part, expected[::2])]
    assert y.dtype == part.dtype == target
    assert y.flags.f_contiguous
    np.testing.assert_array_equal(*wide[:2])
    np.testing.assert_array_equal(*wide[2:])


@pytest.mark.parametrize("number", [1.5, 0.0, -0.0, 1e-39, -1e-39])
def test_ordinary_numbers_become_bfloat16_exactly_beside_any_other(number):
    x = np.random.default_rng(0).standard_normal(1 << 18).astype(np.float32)
    x[::1000] = number
    y = kernels_of_cpu.converted(x, bfloat16)
    np.testing.assert_array_equal(y.view(np.uint16), x.astype(bfloat16).view(np.uint16))


def test_16_bit_floats_are_converted_to_float32_and_back_by_the_kernel(monkeypatch):
    converted = []
    monkeypatch.setattr(
        kernels_of_cpu, "converted", lambda x, dtype: converted.append(np.dtype(dtype).name) or x.astype(dtype)
    )
    ag.nn.functional.silu(ag.ones(4096).half().requires_grad_()).sum().backward()
    assert converted[:3] == ["float16", "float32", "float16"]
    assert converted[3:] == ["float32", "float32", "float16"]


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -4])
def test_large_arrays_are_joined_along_any_axis(axis):
    x = images()
    np.testing.assert_array_equal(copies.concatenate([x, x + 1], axis), np.concatenate([x, x + 1], axis))


def test_of_large_arrays_that_do_not_fit_numpy_says_so():
    with pytest.raises(ValueError, match="must match exactly"):
        copies.concatenate([images(), images(shape=(2, 16, 64, 63))], 1)
    with pytest.raises(ValueError, match="out of bounds"):
        copies.concatenate([images()], 4)


SHAPES = [((2, 3), (4, 2, 3)), ((2, 1), (2, 5)), ((), (2,)), ((), ()), ((1, 0), (3, 0)), ((3,), [2, 3]), ((1,), 4)]


@pytest.mark.parametrize(("shape", "to"), SHAPES, ids=str)
def test_small_arrays_are_broadcast_as_by_numpy(shape, to):
    x = np.arange(np.prod(shape)).reshape(shape)
    y, expected = copies.broadcast_to(x, to), np.broadcast_to(x, to)
    np.testing.assert_array_equal(y, expected)
    assert (y.strides, y.flags.writeable, y.base is x) == (expected.strides, False, expected.base is x)


@pytest.mark.parametrize("to", [(2, 4), (3,), (-1, 2, 3), ()], ids=str)
def test_shapes_that_do_not_fit_are_refused(to):
    with pytest.raises(ValueError, match=r"broadcast|dimensions|non-negative"):
        copies.broadcast_to(np.zeros((2, 3)), to)


@pytest.mark.parametrize("axis", [0, -1, (0, 2), (-1, 1), ()])
def test_arrays_are_flipped_as_by_numpy(axis):
    x = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(copies.flip(x, axis), np.flip(x, axis))


@pytest.mark.parametrize("shift, axis", [(1, None), (-9, None), (2, -1), (0, 0), ((1, -5), (0, 2)), ((7, 7), (1, 1))])
@pytest.mark.parametrize("layout", [np.asarray, np.asfortranarray, lambda x: x[:, ::2], lambda x: x[:0]], ids=range(4))
def test_arrays_are_rolled_as_by_numpy(layout, shift, axis):
    x = layout(np.arange(24).reshape(2, 3, 4))
    y, expected = copies.roll(x, shift, axis), np.roll(x, shift, axis)
    np.testing.assert_array_equal(y, expected)
    assert not np.shares_memory(x, y)
    assert y.strides == expected.strides or not y.size


@pytest.mark.parametrize(
    "x", [np.arange(6).reshape(2, 3), np.arange(6).reshape(3, 2).T, np.float32(2), np.zeros((0, 2))]
)
@pytest.mark.parametrize("axis", [0, -1])
def test_small_arrays_are_stacked_as_by_numpy(x, axis):
    y, expected = copies.stack([x, x + 1], axis), np.stack([x, x + 1], axis)
    np.testing.assert_array_equal(y, expected)
    assert y.dtype == expected.dtype
    assert y.strides == expected.strides or not y.size
    with pytest.raises(ValueError, match="same shape"):
        copies.stack([x, np.zeros((4, 3))], axis)


@pytest.mark.parametrize(
    "args", [((2, 3), 1.5, np.float32), (3, 2), ((), 1, np.int8), ((2,), True), ((0, 2), 1j)], ids=str
)
def test_arrays_are_filled_as_by_numpy(args):
    y, expected = copies.full(*args), np.full(*args)
    np.testing.assert_array_equal(y, expected)
    assert y.dtype == expected.dtype


def test_large_images_are_subsampled_padded_and_put_back():
    xp = backends.get("cpu").namespace
    x = images()[:, :, ::2, 1::2]
    padded = xp.pad(np.tile(x, (8, 1, 1, 1)), ((0, 0), (3, 4), (0, 1), (0, 0)))
    np.testing.assert_array_equal(padded, np.pad(np.tile(x, (8, 1, 1, 1)), ((0, 0), (3, 4), (0, 1), (0, 0))))
    index = (slice(None), slice(None), slice(None, None, -2), slice(1, None, 2))
    expected = np.zeros((2, 16, 128, 128), np.float32)
    expected[index] = images()
    np.testing.assert_array_equal(xp.kernels.add_at(expected.shape, np.float32, index, images()), expected)


@pytest.mark.parametrize("times", [2, 5, 9])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int64])
def test_expanded_arrays_are_copied_in_c_order(dtype, times):
    x = np.arange(3000).astype(dtype).reshape(30, 100)[:, ::2, None]
    wide = np.broadcast_to(x, (30, 50, times))
    y = copies.contiguous(wide)
    assert y.flags.c_contiguous
    assert y.flags.writeable
    np.testing.assert_array_equal(y, wide)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_large_copies_keep_the_order_of_axes(dtype, order, monkeypatch):
    monkeypatch.setattr(copies, "get_num_threads", lambda: 2)
    x = np.arange(64 * 65 * 66).astype(dtype).reshape(64, 65, 66).transpose(order)
    for source in (x, x[1:], x[:, ::-1], np.broadcast_to(x[:1], x.shape)):
        y = copies.converted(source, dtype)
        np.testing.assert_array_equal(y, source)
        assert not np.shares_memory(y, x)
    assert copies.converted(x, dtype).strides == x.strides


@pytest.mark.parametrize("columns", [slice(None), slice(600), slice(None, None, 2)])
def test_large_matrices_with_rows_in_memory_are_copied(columns):
    x = np.random.default_rng(0).random((2100, 1200), np.float32)[:, columns]
    y = np.empty(x.shape, np.float32)
    copies.copyto(y, x)
    np.testing.assert_array_equal(y, x)
