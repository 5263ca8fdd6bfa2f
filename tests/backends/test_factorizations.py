"""Factorizations: the generic kernels against LAPACK's, and against what defines them."""

import math

import numpy as np
import pytest

import backends
from backends.generic import factorizations
from backends.numpy_backend import lapack

RANDOM = np.random.default_rng(0)
LAPACK = backends.get("cpu").namespace.kernels
DTYPES = ("float32", "float64", "complex64", "complex128")


def stack(*shape, dtype="float64"):
    a = RANDOM.normal(size=shape) + 1j * RANDOM.normal(size=shape)
    return (a if dtype.startswith("c") else a.real).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 4), (2, 5, 3), (2, 1, 3, 5), (0, 2, 2), (3, 0), (0, 0)])
def test_lu_factors_are_those_of_lapack(shape, dtype):
    a = stack(*shape, dtype=dtype)
    lu, pivots, info = factorizations.lu_factor(np, a)
    wanted, wanted_pivots, wanted_info = LAPACK.lu_factor(a)
    np.testing.assert_allclose(lu, wanted, rtol=2e-4 if a.dtype.itemsize == 4 or dtype == "complex64" else 1e-10)
    assert lu.dtype == wanted.dtype == a.dtype
    np.testing.assert_array_equal(pivots, wanted_pivots)
    np.testing.assert_array_equal(info, wanted_info)


def test_rows_in_the_order_of_the_pivots_are_the_product_of_the_factors():
    a = stack(2, 4, 4)
    lu, pivots, _ = LAPACK.lu_factor(a)
    order = factorizations.row_order(np, pivots, 4)
    product = (np.tril(lu, -1) + np.eye(4)) @ np.triu(lu)
    np.testing.assert_allclose(np.take_along_axis(a, order[..., None], -2), product, atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("upper, unit", [(True, False), (True, True), (False, False), (False, True)])
def test_triangular_systems(upper, unit, order, dtype):
    a = np.asarray(stack(4, 4, dtype=dtype), order=order) + 4 * np.eye(4, dtype=dtype)
    kept = np.triu(a) if upper else np.tril(a)
    kept = kept - np.diag(np.diag(kept)) + np.eye(4) if unit else kept
    for b in stack(3, 4, 2, dtype=dtype), stack(4, 3, dtype=dtype), stack(3, 4, dtype=dtype).T:
        for solve in (LAPACK.solve_triangular, lambda *given: factorizations.solve_triangular(np, *given)):
            x = solve(a, b, upper, unit)
            assert x.dtype == b.dtype
            np.testing.assert_allclose(kept @ x, b, atol=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(6, 4), (3, 4, 6), (1, 5, 5)])
def test_least_squares_of_any_rank(shape, dtype):
    a = stack(*shape, dtype=dtype)
    a[..., -1] = a[..., 0] + a[..., 1]  # full rank only if there are more columns than rows
    b = stack(3, shape[-2], 2, dtype=dtype)
    x, rank = LAPACK.least_squares(a, b, 1e-5)
    wanted, ranks = factorizations.least_squares(np, a.astype(complex), b.astype(complex), 1e-5)
    assert (x.dtype, rank.shape) == (a.dtype, shape[:-2])
    np.testing.assert_allclose(x, wanted, atol=1e-4 if a.dtype.char in "fF" else 1e-10)
    np.testing.assert_array_equal(rank, ranks)
    a[..., 0, 0] = math.nan
    with pytest.raises(np.linalg.LinAlgError):
        LAPACK.least_squares(a, b, 1e-5)


def test_a_factor_that_fails_says_at_which_minor():
    a = np.stack([np.eye(3), np.diag([1.0, 1.0, -1.0]), np.diag([1.0, -1.0, 1.0]), -np.eye(3)])
    factor, info = factorizations.cholesky(np, a)
    assert info.tolist() == [0, 3, 2, 1]
    np.testing.assert_array_equal(factor[0], np.eye(3))
    assert np.isnan(factor[1:]).all()


def test_the_inverse_of_a_singular_matrix_is_infinite_and_leaves_the_others_alone():
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse, info = factorizations.inverse(np, np.array([[[2.0, 0.0], [0.0, 4.0]], [[1.0, 1.0], [1.0, 1.0]]]))
    assert info.tolist() == [0, 2]
    assert inverse[0].tolist() == [[0.5, 0], [0, 0.25]]
    assert np.isinf(inverse[1]).all()


@pytest.mark.parametrize("size", [1e-8, 1.0, 30.0])
def test_the_exponential_of_a_turn_is_a_rotation(size):
    turn = factorizations.matrix_exp(np, np.array([[0.0, -size], [size, 0.0]]))
    c, s = math.cos(size), math.sin(size)
    np.testing.assert_allclose(turn, [[c, -s], [s, c]], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_the_exponential_of_zeros_is_exactly_the_identity(dtype):
    """A solution rounds 1 to another number where a system is scaled by what is no power of two."""
    for shape in ((2, 2), (3, 3), (2, 4, 4)):
        assert (factorizations.matrix_exp(np, np.zeros(shape, dtype)) == np.eye(shape[-1])).all()


def test_the_exponentials_of_a_stack_are_scaled_each_by_itself():
    a = np.stack([np.diag([1e-9, -1e-9]), np.diag([40.0, -300.0]), np.full((2, 2), np.nan)])
    with np.errstate(invalid="ignore"):
        y = factorizations.matrix_exp(np, a)
    np.testing.assert_allclose([np.diag(m) for m in y[:2]], np.exp([[1e-9, -1e-9], [40.0, -300.0]]), rtol=1e-12)
    assert np.isnan(y[2]).all()


LINALG = backends.get("cpu").namespace.linalg
LARGE = 130  # rows, which SciPy's LAPACK factorizes
PRECISION = {"float32": 2e-4, "complex64": 2e-4, "float64": 1e-11, "complex128": 1e-11}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [(), (2, 1), (0,)])
def test_large_matrices(batch, dtype):
    a = stack(*batch, LARGE, LARGE, dtype=dtype) / 12 + 1.2 * np.eye(LARGE, dtype=dtype)
    adjoint = np.conj(np.swapaxes(a, -1, -2))
    square, b = a @ adjoint, stack(LARGE, 3, dtype=dtype)
    factor, (values, vectors) = LINALG.cholesky(square), LINALG.eigh(square)
    (u, s, vh), (q, r) = LINALG.svd(a[..., :-5], full_matrices=False), LINALG.qr(a[..., :-5])
    (sign, size), (roots, columns) = LINALG.slogdet(a), LINALG.eig(a)
    pairs = [
        (factor @ np.conj(np.swapaxes(factor, -1, -2)), square),
        (LINALG.inv(a) @ a, np.broadcast_to(np.eye(LARGE), a.shape)),
        (a @ LINALG.solve(a, b), np.broadcast_to(b, (*batch, *b.shape))),
        (square @ vectors, vectors * values[..., None, :]),
        (LINALG.eigvalsh(np.triu(square), "U"), values),
        ((u * s[..., None, :]) @ vh, a[..., :-5]),
        (LINALG.svd(a[..., :-5], compute_uv=False), s),
        (q @ r, a[..., :-5]),
        (np.abs(LINALG.qr(a[..., :-5], "r")), np.abs(r)),
        (a @ columns, columns * roots[..., None, :]),
        (size, np.log(LINALG.svd(a, compute_uv=False)).sum(-1)),
        (LINALG.det(a), sign * np.exp(size)),
        (sign, np.linalg.slogdet(a)[0]),
    ]
    for i, (found, wanted) in enumerate(pairs):
        assert found.dtype.char in (a.dtype.char, a.real.dtype.char) or i == 9
        np.testing.assert_allclose(found, wanted, rtol=PRECISION[dtype], atol=20 * PRECISION[dtype], err_msg=str(i))
        assert found.shape == wanted.shape
    np.testing.assert_array_equal(factor, np.tril(factor))


@pytest.mark.parametrize("shape", [(LARGE, LARGE), (2, LARGE + 5, LARGE), (LARGE, LARGE + 5)])
def test_reflections_of_large_matrices(shape):
    a = stack(*shape)
    for found, wanted in zip(LINALG.qr(a, "raw"), np.linalg.qr(a, "raw"), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_large_matrices_that_cannot_be_factorized_raise_as_small_ones_do():
    a = np.ones((LARGE, LARGE), np.float32)
    for name in ("inv", "cholesky"):
        with pytest.raises(np.linalg.LinAlgError):
            getattr(LINALG, name)(a if name == "inv" else -a)
    with pytest.raises(np.linalg.LinAlgError):
        LINALG.solve(a, a)
    assert [*LINALG.slogdet(a)] == [0, -np.inf]
    assert LINALG.det(a) == 0
    a = np.eye(LARGE)
    a[0, 0] = np.nan
    assert np.isnan(LINALG.inv(a)).any()


@pytest.mark.parametrize("rows, limited", [(8, False), (64, True), (LARGE, True), (1024, False)])
def test_blas_has_one_thread_for_matrices_of_medium_size(monkeypatch, rows, limited):
    counted = []
    monkeypatch.setattr(np.linalg, "inv", lambda a: counted.append(lapack.threads._blas._users))
    LINALG.inv(np.full((rows, rows), np.nan))
    assert counted == [int(limited)]
