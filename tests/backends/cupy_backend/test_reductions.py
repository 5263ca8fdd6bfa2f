"""The kernels of reductions, run on the CPU, against NumPy in float64."""

import numpy as np
import pytest
from test_kernels import close, draw, each_dtype, wide

from backends.cupy_backend import reduction
from backends.cupy_backend.launch import WAVES, threads_for_columns, threads_that_hold

# Rows, columns and planes that are short, long, odd, or in several parts.
REDUCED = [
    ((6, 24, 7, 5), (0, 2, 3)), ((6, 24, 7, 5), (0, 1)), ((6, 24, 7, 5), 2), ((6, 24, 7, 5), (1, 3)), ((7,), None),
    ((40, 3), 1), ((40, 16), -1), ((300, 1000), 1), ((2, 9003), 1), ((30001,), 0), ((4, 5000), None),
    ((3, 4000), 0), ((9000, 3), 0), ((1000, 136), 0), ((5, 1, 7), (1,)), ((50, 2, 3), 1), ((1, 1), 0),
]  # fmt: skip


@each_dtype
@pytest.mark.parametrize(("shape", "axis"), REDUCED)
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions(gpu, dtype, shape, axis, keepdims):
    axes = tuple(range(len(shape))) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for layout in ("plain", "channels_last") if len(shape) > 2 else ("plain",):
        x = draw(shape, dtype, layout)
        exact = wide(x)
        sums = exact.sum(axis, keepdims=keepdims)
        close(reduction.total(gpu, x, axes, keepdims), sums, np.float32 if x.itemsize == 2 else dtype, 256)
        own = reduction.total(gpu, x, axes, keepdims, x.dtype)
        assert own.dtype == dtype
        close(own, sums, dtype, 256)
        squares = reduction.sum_of_squares(gpu, x, axis, keepdims)
        np.testing.assert_allclose(squares, (exact**2).sum(axis, keepdims=keepdims), rtol=1e-12)
        deviations = reduction.squared_deviations(gpu, x, axes, keepdims)
        if x.itemsize < 8:
            close(deviations, exact.var(axis, keepdims=keepdims) * (x.size // sums.size), np.float32, 4)
            assert deviations.dtype == np.float32
        else:
            assert deviations is None
        if x.size >= reduction.SMALL:
            y = reduction.sum(gpu, x, axis, None, None, keepdims)
            assert y.dtype == dtype
            close(y, sums, dtype, 64)
            for name in ("max", "min"):
                y = getattr(reduction, name)(gpu, x, axis, None, keepdims)
                np.testing.assert_array_equal(y, getattr(x, name)(axis, keepdims=keepdims))
                assert y.dtype == dtype


@pytest.mark.parametrize("axis", [0, 1])
def test_extremes_of_what_is_not_finite(gpu, axis):
    x = draw((70, 70), np.float32)
    x[3, 5], x[40, 41], x[41, 40], x[2], x[:, 7] = np.nan, np.inf, -np.inf, -np.inf, np.inf
    for name in ("max", "min"):
        np.testing.assert_array_equal(getattr(reduction, name)(gpu, x, axis), getattr(x, name)(axis))
        np.testing.assert_array_equal(getattr(reduction, name)(gpu, x), getattr(x, name)())


def test_deviations_of_nearly_equal_numbers(gpu):
    x = (1e6 + draw((3, 9000), np.float64)).astype(np.float32)
    x[1, 0], x[2] = -1e6, 0.1
    exact = wide(x).var(1) * 9000
    np.testing.assert_allclose(reduction.squared_deviations(gpu, x, (1,), False), exact, rtol=1e-7)
    np.testing.assert_allclose(reduction.squared_deviations(gpu, x.T.copy(), (0,), False), exact, rtol=1e-7)


def test_what_is_left_to_the_library(gpu):
    x = draw((70, 70), np.float32)
    assert reduction.max(gpu, x[:3]) is None
    assert reduction.max(gpu, x, 0, np.empty(70, np.float32)) is None
    assert reduction.sum(gpu, x, 0, np.float64) is None
    assert reduction.sum(gpu, x, 2) is None
    assert reduction.sum(gpu, x[:, ::2].repeat(2, 0), 0) is not None
    assert reduction.total(gpu, x[:, ::2], (0,), False) is None
    assert reduction.total(gpu, x.astype(np.int64), (0,), False) is None
    assert reduction.total(gpu, x[:0], (0,), False) is None
    assert reduction.sum(gpu, x[0].astype(np.float16)) is not None


@pytest.mark.parametrize("n", [1, 5, 1 << 20, 1 << 33])
@pytest.mark.parametrize("other", [1, 7, 1 << 22])
def test_launches_of_reductions_fit(n, other):
    rows, columns = reduction._rows(other, n), reduction._columns(other, n, 3)
    assert rows[2] == 1 or other <= WAVES
    assert columns[2] == 1 or columns[0][0] <= WAVES
    for grid, block, parts, chunk in (rows, columns):
        assert grid[0] < 1 << 31
        assert (*grid, 1)[1] < 1 << 16
        assert (parts - 1) * chunk < n <= parts * chunk
        assert block[0] * block[1] <= 256
        assert not block[0] & (block[0] - 1) or block[0] % 32 == 0


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 7, 40, 263, 264, 265, 527, 528, 529, 3000])
def test_blocks_that_share_a_row_or_a_column_run_at_once(rows):
    for packs in (1, 3, 17, 33, 300, 5000, 1 << 20):
        (blocks,), _, parts, chunk = reduction._rows(rows, packs)
        assert parts == 1 or (blocks == rows * parts <= WAVES and (parts - 1) * chunk < packs <= parts * chunk)
        for n in (1, 5, 1000, 1 << 20):
            (blocks, parts), _, _, chunk = reduction._columns(rows, n, packs)
            assert parts == 1 or blocks * parts <= WAVES
            assert (parts - 1) * chunk < n <= parts * chunk
            (blocks, parts), _, chunk = threads_for_columns(n, packs)
            assert parts == 1 or blocks * parts <= WAVES
            assert (parts - 1) * chunk < n <= parts * chunk


@pytest.mark.parametrize("n", [8, 64, 200, 1000, 1024, 1032, 5000, 16384, 16392, 100_000])
def test_threads_hold_all_of_a_row_or_nothing(n):
    for dtype, vector in ((np.float32, 4), (np.float16, 8), (np.float64, 2), (np.float32, 1)):
        (blocks,), (threads, lines), held = threads_that_hold(np.dtype(dtype), 7, n, vector)
        assert blocks * lines >= 7
        assert (held > 0) is (n <= 16384 and vector > 1 and dtype != np.float64)
        assert not held or (n // vector <= threads * held and vector * held <= 32 and threads <= 512)
