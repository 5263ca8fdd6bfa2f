import itertools

import numpy as np
import pytest

import backends
from backends.geometry import channels_first, channels_last
from backends.numpy_backend import reduction

LAYOUTS = {
    "plain": np.asarray,
    "channels last": lambda x: channels_first(np.ascontiguousarray(channels_last(x))) if x.ndim > 2 else x,
    "reversed": lambda x: x[::-1],
    "transposed": lambda x: np.ascontiguousarray(x.T).T,
    "with gaps": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "part of rows": lambda x: np.concatenate([x, x[..., :1]], axis=-1)[..., : x.shape[-1]],
}


@pytest.mark.parametrize("shape", [(4, 6, 7, 9), (8, 16, 32, 2), (3, 1, 5, 1), (2, 0, 3, 4), (1, 1500, 2, 3)], ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_sums_over_any_axes(shape, layout):
    x = LAYOUTS[layout](np.random.default_rng(0).standard_normal(shape))
    total = backends.get("cpu").namespace.kernels.total
    for axes in itertools.chain.from_iterable(itertools.combinations(range(4), k) for k in range(1, 5)):
        for keepdims in (False, True):
            found = total(x, axes, keepdims)
            np.testing.assert_allclose(found, x.sum(axis=axes, keepdims=keepdims), rtol=1e-12, atol=1e-12)
            assert np.shape(found) == x.sum(axis=axes, keepdims=keepdims).shape


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_dot_product_of_images_pairs_their_elements(layout):
    x, y = np.arange(96.0).reshape(2, 3, 4, 4), np.arange(96.0)[::-1].reshape(2, 3, 4, 4)
    vdot = backends.get("cpu").namespace.vdot
    x, y, z = LAYOUTS[layout](x), LAYOUTS[layout](y), LAYOUTS[layout](y).T.copy().T
    assert vdot(x, y) == vdot(x, z) == (x * y).sum()


@pytest.mark.parametrize("shape", [(33333, 3), (5000, 60), (65536, 2), (4097, 1, 1)], ids=str)
def test_sums_of_columns_keep_seven_digits(shape):
    x = np.random.default_rng(0).random(shape, np.float32)
    found = backends.get("cpu").namespace.kernels.total(x, (0,), False)
    np.testing.assert_allclose(found, x.sum(axis=0, dtype=np.float64), rtol=4e-7)


@pytest.mark.parametrize("shape", [(1, 9999991), (3, 4097), (40, 5000), (2, 3 << 12), (7, 1023)], ids=str)
def test_sums_of_rows_of_any_length_keep_seven_digits(shape):
    x = np.random.default_rng(0).random(shape, np.float32)
    found = backends.get("cpu").namespace.kernels.total(x, (1,), False)
    np.testing.assert_allclose(found, x.sum(axis=1, dtype=np.float64), rtol=2e-7)


@pytest.mark.parametrize("shape", [(20000, 9), (20000, 300), (60, 60, 60, 5), (4, 5000, 300)], ids=str)
@pytest.mark.parametrize("step", [1, 2])
def test_sums_with_gaps_keep_six_digits(shape, step):
    x = np.random.default_rng(0).random((*shape[:-1], 2 * shape[-1]), np.float32)[..., : step * shape[-1] : step]
    for axes in itertools.chain.from_iterable(itertools.combinations(range(x.ndim), k) for k in range(1, x.ndim + 1)):
        found = backends.get("cpu").namespace.kernels.total(x, axes, False)
        np.testing.assert_allclose(found, x.sum(axis=axes, dtype=np.float64), rtol=7e-7)


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 2), (0, 1, 2)], ids=str)
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_sums_in_any_order_of_axes_in_memory_keep_six_digits(order, axes):
    x = np.random.default_rng(0).random((160, 170, 180), np.float32).transpose(order)
    found = backends.get("cpu").namespace.kernels.total(x, axes, False)
    np.testing.assert_allclose(found, x.sum(axis=axes, dtype=np.float64), rtol=7e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64])
@pytest.mark.parametrize(
    "shape, axis",
    [
        ((50, 3), 1), ((4, 5, 10), -1), ((40, 33), 1), ((40, 3), 0), ((5, 40), 1), ((8, 9, 8, 9), 1), ((90, 7, 40), 2),
        ((9000, 1), 1), ((5000, 2), 1), ((2000, 31), -1), ((700, 100), 1), ((300, 129), 1), ((3, 99999), 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("layout", LAYOUTS)
def test_extremes_are_those_of_numpy(shape, axis, layout, dtype, monkeypatch):
    monkeypatch.setattr(reduction, "has_loop", lambda *_: True)  # so that neighbours in long rows are combined too
    x = (np.random.default_rng(0).standard_normal(shape) * 9).astype(dtype)
    if dtype is not np.int64:
        x[1], x[2, ..., -1:] = np.nan, np.inf
    x, xp = LAYOUTS[layout](x), backends.get("cpu").namespace
    for (found, plain), keepdims in itertools.product(((xp.max, np.max), (xp.min, np.min)), (False, True)):
        y, expected = found(x, axis=axis, keepdims=keepdims), plain(x, axis=axis, keepdims=keepdims)
        assert (y.dtype, np.shape(y)) == (expected.dtype, np.shape(expected))
        np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("wide", [True, False])
def test_neighbours_in_long_or_few_rows_are_combined_by_wide_instructions_only(wide, monkeypatch):
    combined = []
    monkeypatch.setattr(reduction, "has_loop", lambda name, *sets: wide and name == "maximum" and "AVX512" in sets)
    monkeypatch.setattr(reduction, "_folded", lambda ufunc, x: [combined.append(x.shape), ufunc.reduce(x, 1)][1])
    shapes = [(2048, 32), (1024, 32), (1024, 64), (1024, 300)]
    for shape in ((40, 32), *shapes):
        x = np.random.default_rng(0).random(shape, np.float32)
        np.testing.assert_array_equal(reduction.extreme(np.maximum, x, -1), x.max(axis=-1))
    assert combined == (shapes if wide else shapes[:1])


@pytest.mark.parametrize("name", ["all", "any", "argmax", "argmin"])
@pytest.mark.parametrize("x", [np.eye(3, 4), np.array([[np.nan, 1], [0, -1]]), np.zeros((2, 0, 3)), np.float32(2)])
@pytest.mark.parametrize("how", [{}, {"keepdims": True}, {"axis": 0}, {"axis": -1, "keepdims": True}], ids=str)
def test_what_holds_and_what_is_most_extreme_is_that_of_numpy(name, x, how):
    try:
        expected = getattr(np, name)(x, **how)
    except ValueError as e:  # of no elements
        with pytest.raises(ValueError, match=str(e)):
            getattr(backends.get("cpu").namespace, name)(x, **how)
        return
    y = getattr(backends.get("cpu").namespace, name)(x, **how)
    assert (type(y), y.dtype) == (type(expected), expected.dtype)
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("shape", [(64, 3 << 10), (1 << 13, 24)])
def test_sums_of_squares_are_of_float64_where_float32_loses_some(shape):
    from backends.numpy_backend.reduction import sum_of_squares

    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    for axis in (None, 1):
        found = sum_of_squares(x, axis, True)
        np.testing.assert_allclose(found, (x.astype(float) ** 2).sum(axis, keepdims=True), rtol=1e-6)
    for scale in (1e-25, 1e25):
        scaled = x * np.float32(scale)
        with np.errstate(over="ignore", under="ignore"):
            found = sum_of_squares(scaled, 1, False)
        np.testing.assert_allclose(found, (scaled.astype(float) ** 2).sum(1), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
@pytest.mark.parametrize("shape, axis", [((7, 3), 1), ((7, 3), 0), ((3000, 5), -1), ((90, 700), (0, 1)), ((), None)])
def test_norms_of_any_size(shape, axis, dtype):
    """Squares of the second and third kind overflow, and vanish."""
    euclidean = backends.get("cpu").namespace.kernels.euclidean
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype) * (1 if dtype is np.float64 else 1 - 2j)
    expected = np.sqrt((np.abs(x) ** 2).sum(axis, keepdims=True))
    with np.errstate(all="raise", under="ignore"):
        for scale in (1.0, 2.0**900, 2.0**-1000):
            np.testing.assert_allclose(euclidean(x * scale, axis, True), expected * scale, rtol=1e-14)
        assert euclidean(x * 0, axis, False).tolist() == (expected.squeeze(axis) * 0).tolist()
    assert np.isinf(euclidean(np.full_like(x, -np.inf), axis, False)).all()
    assert np.isnan(euclidean(np.full_like(x, np.nan), axis, False)).all()


def test_products_of_long_rows():
    from backends.numpy_backend.reduction import product

    x = np.random.default_rng(0).uniform(0.5, 1.5, (20, 3, 352))
    np.testing.assert_allclose(product(x, -1, dtype=x.dtype), np.prod(x, -1), rtol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 31, 64, 80])
def test_products_of_short_rows(n):
    x = np.random.default_rng(0).uniform(0.5, 1.5, (700, 10, n))
    x[0, 0], x[0, 1, -1:] = 0, np.nan
    found = backends.get("cpu").namespace.prod
    for keepdims in (False, True):
        y = found(x, axis=-1, keepdims=keepdims, dtype=x.dtype)
        np.testing.assert_allclose(y, np.prod(x, -1, keepdims=keepdims), rtol=1e-12)
