import numpy as np
import pytest

import backends
from autograd_core.ops.images.taps import Taps, cells, interpolation, mean_of_cells, picking
from backends import geometry, threads
from backends.numpy_backend import resampling

MAPS = {
    "uneven": Taps(4, 3, of=np.array([3, 0, 2]), to=np.array([0, 2, 2]), weights=np.array([2.0, -1.0, 0.5])),
    "gather": picking(4, np.array([3, 0, 0, 1])),
    "every second": picking(4, np.array([0, 2])),
    "larger": interpolation("linear", 4, 9),
    "smaller": interpolation("cubic", 4, 3, antialias=True),
    "cells": mean_of_cells(4, 3),
}


def columns_of(taps, put):
    return [[put(v) if isinstance(v, np.ndarray) else v for v in column] for column in taps.columns]


def dense(taps):
    matrix = np.zeros((taps.count, taps.size))
    np.add.at(matrix, (taps.to, taps.of), taps.weights)
    return matrix


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_resampling_is_the_product_with_a_matrix(library, name, transposed, axis):
    taps = MAPS[name].transposed if transposed else MAPS[name]
    shape = [2, 3, 2]
    shape[axis] = taps.size
    x = np.cos(np.arange(np.prod(shape))).reshape(shape)
    y = library.get(library.kernels.resample(library.put(x), axis, taps.count, columns_of(taps, library.put)))
    np.testing.assert_allclose(y, np.moveaxis(np.tensordot(dense(taps), x, (1, axis)), 0, axis), atol=1e-14)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.complex64, np.int64, np.bool_])
def test_single_inputs_are_picked_bit_for_bit(axis, dtype):
    x = np.array([np.nan, -np.inf, -0.0, 1.0] * 16).reshape(4, 4, 4)
    x = x.astype(dtype) if np.dtype(dtype).kind in "fc" else np.arange(64).reshape(4, 4, 4).astype(dtype)
    taps = MAPS["gather"]
    for operand in (x, x.transpose(0, 2, 1), x[::-1]):
        y = backends.get("cpu").namespace.kernels.resample(operand, axis, taps.count, taps.columns)
        expected = operand[(slice(None),) * axis + (taps.of,)]
        assert (y.dtype, y.shape, y.tobytes()) == (expected.dtype, expected.shape, expected.tobytes())


@pytest.mark.parametrize("rows, parts", [(1 << 9, 1), (1 << 14, resampling.PARTS)])
def test_threads_share_large_products_only(rows, parts, monkeypatch):
    taps, shared = interpolation("linear", 32, 64), []
    monkeypatch.setattr(resampling, "in_blocks", lambda part, rows: shared.append(len(list(map(part, rows)))))
    x = np.random.default_rng(0).random((rows, 32))
    y = backends.get("cpu").namespace.kernels.resample(x, 1, 64, taps.columns)
    np.testing.assert_allclose(y, x @ dense(taps).T, rtol=1e-12)
    assert shared == [parts]


@pytest.mark.parametrize("size, count, product", [(64, 7, True), (64, 32, False)])
def test_maps_of_many_columns_are_products(size, count, product):
    taps = mean_of_cells(size, count)
    x = np.random.default_rng(0).random((1 << 9, size))
    y = backends.get("cpu").namespace.kernels.resample(x, 1, count, taps.columns)
    np.testing.assert_allclose(y, x @ dense(taps).T, rtol=1e-12)
    assert all(isinstance(column.inputs, slice) for column in taps.columns)
    assert (x.dtype in taps.columns.derived) == product


@pytest.mark.parametrize("shape", [(2, 64, 256), (256, 64)], ids=str)
def test_large_products_are_left_to_one_thread_of_blas(shape, monkeypatch):
    entered = []
    monkeypatch.setattr(resampling, "one_blas_thread", lambda: entered.append(shape) or threads.one_blas_thread())
    x, taps = np.random.default_rng(0).random(shape), interpolation("linear", 64, 128)
    y = backends.get("cpu").namespace.kernels.resample(x, 1, 128, taps.columns)
    np.testing.assert_allclose(y, np.moveaxis(np.tensordot(dense(taps), x, (1, 1)), 0, 1), rtol=1e-12)
    assert entered == [shape]


def test_inputs_that_are_not_read_do_not_matter(library):
    taps = MAPS["uneven"]
    x = np.array([[1.0, np.inf, 3.0, 4.0]])
    y = library.get(library.kernels.resample(library.put(x), 1, 3, columns_of(taps, library.put)))
    np.testing.assert_array_equal(y, [[8.0, 0.0, 0.5]])


def test_the_order_in_memory_and_the_dtype_are_kept(library):
    x = geometry.channels_first(np.ones((2, 4, 3, 2), np.float16))
    y = library.get(library.kernels.resample(library.put(x), 2, 9, columns_of(MAPS["larger"], library.put)))
    assert y.dtype == np.float16
    assert geometry.channels_last(y).flags.c_contiguous


@pytest.mark.parametrize("out", [(3, 2), (1, 5), (4, 3), (6, 7)])
def test_largest_of_cells_matches_loops(library, out):
    x = np.random.default_rng(0).integers(-2, 3, (2, 2, 4, 5)).astype(float)
    windows = [
        list(zip(*(bounds.tolist() for bounds in cells(n, m)), strict=True)) for n, m in zip((4, 5), out, strict=True)
    ]
    y, indices = map(library.get, library.kernels.max_of_cells(library.put(x), windows))
    plane = np.arange(20).reshape(4, 5)
    for n, c, i, j in np.ndindex(2, 2, *out):
        part = slice(*windows[0][i]), slice(*windows[1][j])
        assert y[n, c, i, j] == x[n, c][part].max()
        assert indices[n, c, i, j] == plane[part].ravel()[x[n, c][part].argmax()]


def test_nan_wins_in_a_cell(library):
    x = np.array([[[1.0, np.nan, 5.0, 2.0, 3.0]]])
    y, indices = map(library.get, library.kernels.max_of_cells(library.put(x), [[(0, 3), (2, 5)]]))
    np.testing.assert_array_equal(y, [[[np.nan, 5.0]]])
    np.testing.assert_array_equal(indices, [[[1, 2]]])


@pytest.mark.parametrize("shape, axis", [((300, 8, 8), 0), ((4, 300, 20), 1), ((80, 1, 300), 2)])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_large_images_are_products_unless_something_is_not_finite(shape, axis, order):
    kernel, taps = backends.get("cpu").namespace.kernels.resample, interpolation("cubic", 300, 170)
    x = np.random.default_rng(0).standard_normal(shape).transpose(order).copy().transpose(np.argsort(order))
    y = kernel(x, axis, 170, taps.columns)
    np.testing.assert_allclose(y, np.moveaxis(np.tensordot(dense(taps), x, (1, axis)), 0, axis), atol=1e-13)
    assert np.argsort(y.strides).tolist() == np.argsort(x.strides).tolist()
    x[0, 0, 0] = np.nan
    found = np.isnan(kernel(x, axis, 170, taps.columns))
    assert found.any()
    assert not found.all()


@pytest.mark.parametrize("times", [2, 3, 20])
@pytest.mark.parametrize("axis", [0, 1, 2, 3])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 3, 1, 2)])
def test_repeated_elements_keep_their_bits_and_the_order_in_memory(order, axis, times):
    x = np.random.default_rng(0).random((2, 16, 8, 12)).transpose(order)
    taps = interpolation("nearest", x.shape[axis], x.shape[axis] * times)
    y = backends.get("cpu").namespace.kernels.resample(x, axis, taps.count, taps.columns)
    np.testing.assert_array_equal(y, x.repeat(times, axis))
    assert np.argsort([-s for s in y.strides]).tolist() == np.argsort([-s for s in x.strides]).tolist()
    assert taps.columns.derived == {"repeats": times}


def test_products_of_a_map_are_made_once_for_each_dtype(monkeypatch):
    made = []
    monkeypatch.setattr(resampling, "_products", lambda *args, make=resampling._products: made.append(0) or make(*args))
    taps, rows = mean_of_cells.__wrapped__(32, 24), np.random.default_rng(0).random((1 << 10, 32))
    for dtype in (np.float32, np.float64) * 2:
        y = backends.get("cpu").namespace.kernels.resample(rows.astype(dtype), 1, 24, taps.columns)
        assert y.dtype == dtype
        np.testing.assert_allclose(y, rows @ dense(taps).T, rtol=1e-5)
    assert len(made) == 2
