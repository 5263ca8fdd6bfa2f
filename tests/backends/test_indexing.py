import numpy as np
import pytest

import autograd_core as ag
from backends.numpy_backend import indexing

INTEGERS = np.array([[0, 3, -1], [3, 3, 1]])
MASK = np.arange(20).reshape(4, 5) % 3 == 0
INDICES = {
    "integer": 2,
    "slice": slice(None, None, -2),
    "mixed basic": (Ellipsis, None, slice(1, 4)),
    "array": INTEGERS,
    "array of no elements": np.zeros(0, np.int64),
    "unsigned": np.array([3, 0, 3], np.uint8),
    "list": [1, 1, 0],
    "numpy integer": np.int64(3),
    "mask": MASK,
    "mask of rows": np.array([True, False, True, True]),
    "mask of columns": (slice(None), MASK[0]),
    "rows and columns": (INTEGERS, np.array([0, 4, 4])),
    "columns": (slice(1, 3), np.array([0, 4, 4, -1])),
    "mask and columns": (np.array([True, False, True, False]), np.array([4, 4])),
}


def put_index(library, index):
    if isinstance(index, tuple):
        return tuple(put_index(library, part) for part in index)
    return library.put(index) if isinstance(index, np.ndarray) else index


@pytest.mark.parametrize("name", INDICES)
@pytest.mark.parametrize("tail", [(), (3,)], ids=["matrix", "with trailing axis"])
def test_add_at_accumulates_like_numpy(library, name, tail):
    shape = (4, 5, *tail)
    expected = np.zeros(shape)
    values = np.random.default_rng(0).standard_normal(expected[INDICES[name]].shape)
    np.add.at(expected, INDICES[name], values)
    index = put_index(library, INDICES[name])
    result = library.get(library.kernels.add_at(shape, np.float64, index, library.put(values)))
    np.testing.assert_allclose(result, expected)


def test_add_at_broadcasts_values_and_keeps_the_type(library):
    ones = library.put(np.ones((), np.float16))
    result = library.get(library.kernels.add_at((2, 2), np.float16, library.put(np.zeros(4096, int)), ones))
    assert result.dtype == np.float16
    np.testing.assert_array_equal(result, [[4096, 4096], [0, 0]])


def test_add_at_beyond_the_end_is_an_error(library):
    with pytest.raises(IndexError):
        library.kernels.add_at((3, 2), np.float64, library.put(np.array([3])), library.put(np.ones((1, 2))))
    with pytest.raises(IndexError):
        library.kernels.add_at((3, 2), np.float64, library.put(np.array([-4])), library.put(np.ones((1, 2))))


MANY_ROWS = np.random.default_rng(1).integers(-65, 65, (8, 128))
ALONG_AN_AXIS = {
    "rows": (MANY_ROWS, (65, 4, 24)),
    "mask": (np.random.default_rng(1).random(1024) < 0.9, (1024, 96)),
    "axis in the middle": ((slice(None), MANY_ROWS), (4, 65, 24)),
    "last axis": ((slice(96), MANY_ROWS), (96, 65)),
    "with an added axis": ((None, slice(None), MANY_ROWS), (96, 65)),
}


@pytest.mark.parametrize("index,shape", ALONG_AN_AXIS.values(), ids=ALONG_AN_AXIS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_add_at_of_many_positions_along_an_axis_gives_the_same_numbers(library, index, shape, dtype):
    expected = np.zeros(shape, dtype)
    values = np.random.default_rng(1).standard_normal(expected[index].shape).astype(dtype)
    values[..., 3, :2] = np.nan, np.inf
    np.add.at(expected, index, values)
    result = library.get(library.kernels.add_at(shape, dtype, put_index(library, index), library.put(values)))
    np.testing.assert_allclose(result, expected, 1e-5, 1e-5)


def test_add_at_along_any_axis_needs_no_generic_kernel():
    def plain(*_):
        raise AssertionError("the generic kernel takes several times as long")

    for name in ("rows", "axis in the middle", "last axis"):
        index, shape = ALONG_AN_AXIS[name]
        expected = np.zeros(shape)
        np.add.at(expected, index, 1)
        values = np.ones(expected[index].shape, np.float32)
        np.testing.assert_array_equal(indexing.add_at(plain, shape, np.float32, index, values), expected)


@pytest.mark.parametrize("sizes,out", [((4,), (6,)), ((3, 4), (2, 5)), ((2, 2, 3), (1, 2, 2))])
def test_planes(library, sizes, out):
    rng = np.random.default_rng(2)
    x, g = rng.standard_normal((2, 3, *sizes)), rng.standard_normal((2, 3, *out))
    indices = rng.integers(0, np.prod(sizes), g.shape)
    taken = library.get(library.kernels.take_plane(library.put(x), library.put(indices)))
    expected = np.take_along_axis(x.reshape(2, 3, -1), indices.reshape(2, 3, -1), 2).reshape(g.shape)
    np.testing.assert_array_equal(taken, expected)
    added = library.get(library.kernels.add_plane(library.put(g), library.put(indices), x.shape))
    assert added.shape == x.shape
    np.testing.assert_allclose(np.vdot(added, x), np.vdot(g, taken))


MANY = np.random.default_rng(1).integers(0, 90, (90, 80))


@pytest.mark.parametrize(
    "index", [(MANY, np.arange(80)), (MANY - 5, np.arange(80)), (np.arange(90)[:, None], MANY % 80)]
)
def test_many_positions(library, index):
    """As one at a time, whether some count from the end or not."""
    x = np.random.default_rng(0).standard_normal((90, 80)).astype(np.float32)
    found = library.get(library.kernels.take_at(library.put(x), put_index(library, index)))
    np.testing.assert_array_equal(found, x[index])
    added = library.get(library.kernels.add_at(x.shape, x.dtype, put_index(library, index), library.put(x)))
    expected = np.zeros(x.shape)
    np.add.at(expected, index, x)
    np.testing.assert_allclose(added, expected, rtol=1e-4, atol=1e-5)


def test_positions_outside_are_refused():
    from backends.numpy_backend.indexing import flat_places

    assert flat_places((90, 80), (MANY, np.arange(80))) is not None
    assert flat_places((89, 80), (MANY, np.arange(80))) is None


@pytest.mark.parametrize("count", [0, 10, 2000])
def test_mixed_rows(library, count):
    rng = np.random.default_rng(0)
    x, factors = rng.standard_normal((50, 40)), rng.standard_normal(count)
    index, to = rng.integers(0, 50, count), rng.integers(0, 30, count)
    expected = np.zeros((30, 40))
    np.add.at(expected, to, x[index] * factors[:, None])
    put = library.put
    found = library.kernels.mix_rows(put(x), put(index), put(to), put(factors), 30)
    np.testing.assert_allclose(library.get(found), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("view", [np.asarray, np.asfortranarray, lambda x: x[:, ::-1]], ids=["C", "F", "reversed"])
def test_large_masks_read_and_write_like_numpy(library, axes, view):
    rng = np.random.default_rng(0)
    x = view(rng.standard_normal((4100, 3, 2)).round())
    mask = rng.random(x.shape[:axes]) < 0.4
    np.testing.assert_array_equal(library.get(library.kernels.take_at(library.put(x), library.put(mask))), x[mask])
    expected, values = np.zeros(x.shape), rng.standard_normal(x[mask].shape)
    expected[mask] = values
    found = library.kernels.add_at(x.shape, x.dtype, library.put(mask), library.put(values))
    np.testing.assert_array_equal(library.get(found), expected)
    for found, places in zip(ag.tensor(x).nonzero(as_tuple=True), np.nonzero(x), strict=True):
        np.testing.assert_array_equal(found.numpy(), places)


@pytest.mark.parametrize("order", "CF")
def test_of_values_written_to_one_place_the_last_remains(order):
    rng = np.random.default_rng(0)
    x, values = np.zeros((70, 80), order=order), rng.normal(size=(90, 100))
    rows, columns = rng.integers(-70, 70, (90, 1)), rng.integers(0, 80, (90, 100))
    expected = x.copy()
    for i, j in np.ndindex(values.shape):
        expected[rows[i, 0], columns[i, j]] = values[i, j]
    for index in ((rows, columns), (rows % 70, columns)):
        found = x.copy(order)
        indexing.put_at(found, index, values)
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(IndexError):
        indexing.put_at(found, (rows + 70, columns), values)


@pytest.mark.parametrize("shape", [(4, 5), (70, 80), (2, 3, 4)], ids=str)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_elements_are_taken_along_an_axis_as_by_numpy(shape, axis):
    x, index = np.random.default_rng(0).random(shape), np.argsort(np.random.default_rng(1).random(shape), axis)
    for rows in (index, index.take([0], axis), index.take([-1, 0], axis) - shape[axis]):
        np.testing.assert_array_equal(indexing.take_along_axis(x, rows, axis), np.take_along_axis(x, rows, axis))
    line = index[tuple([slice(None) if i == axis % x.ndim else slice(1) for i in range(x.ndim)])]
    np.testing.assert_array_equal(indexing.take_along_axis(x, line, axis), np.take_along_axis(x, line, axis))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("count", [1, 5, 40])
def test_many_positions_are_read_some_at_a_time(monkeypatch, axis, count):
    monkeypatch.setattr(indexing, "PARALLEL", 1)
    monkeypatch.setattr(indexing, "TOGETHER", 1 << 10)
    monkeypatch.setattr(indexing, "flat_places", None)
    x = np.random.default_rng(0).standard_normal((20, 16, 15))
    shape = [count if i == axis else n for i, n in enumerate(x.shape)]
    index = np.random.default_rng(1).integers(0, x.shape[axis], shape)
    found = indexing.take_along_axis(x, index, axis)
    np.testing.assert_array_equal(found, np.take_along_axis(x, index, axis))
    assert found.flags.c_contiguous


def test_of_many_positions_that_are_out_of_range_numpy_says_so():
    x, index = np.zeros((600, 500)), np.zeros((600, 500), np.int64)
    index[-1, -1] = -1
    np.testing.assert_array_equal(indexing.take_along_axis(x, index, 1), x)
    index[-1, -1] = 500
    with pytest.raises(IndexError, match="500 is out of bounds"):
        indexing.take_along_axis(x, index, 1)
