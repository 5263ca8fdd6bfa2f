import numpy as np
import pytest
from ml_dtypes import bfloat16, finfo

import backends
from backends import threads
from backends.numpy_backend import products

kernels = backends.get("cpu").namespace.kernels


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [0, 1, 64, 769, 1024, 3000])
@pytest.mark.parametrize("k,n", [(144, 16), (288, 32), (576, 64), (0, 3)])
def test_products_of_matrices_with_many_rows(rows, k, n, dtype):
    rng = np.random.default_rng(0)
    a, b, g = (rng.standard_normal(shape) for shape in ((rows, k), (k, n), (rows, n)))
    y = np.empty((rows, n), dtype)
    products.tall(a.astype(dtype), b.astype(dtype), out=y)
    atol = 1e-3 if dtype == np.float32 else 1e-11
    np.testing.assert_allclose(y, a @ b, atol=atol)
    for columns in (a, np.asfortranarray(a)):
        np.testing.assert_allclose(products.contract(columns.astype(dtype), g.astype(dtype)), a.T @ g, atol=atol)


def test_they_are_cut_where_that_is_faster():
    assert products._pieces(1024, products.SMALL // (144 * 16)) == (4, 256)
    assert products._pieces(1024, products.SMALL // (576 * 64)) == (1, 1024)
    assert products._pieces(1021, 128) == (1, 1021)  # a prime number


@pytest.mark.parametrize("dtype", [np.float16, bfloat16])
@pytest.mark.parametrize(
    "shapes", [((90, 70), (70, 80)), ((3, 20, 30), (3, 30, 40)), ((3, 20, 30), (30, 40)), ((2, 9), (9,))]
)
def test_16_bit_floats_are_multiplied_in_float32(shapes, dtype):
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    expected = np.matmul(a.astype(np.float64), b.astype(np.float64))
    for y in (products.matmul(a, b), *([products.product(a, b)] if a.ndim == b.ndim else [])):
        assert y.dtype == dtype
        np.testing.assert_allclose(y.astype(np.float64), expected, rtol=float(finfo(dtype).eps), atol=1e-4)


def test_a_bias_of_16_bits_is_added_before_rounding():
    x, w, bias = np.full((90, 100), 1.0625, bfloat16), np.ones((70, 100), bfloat16), np.full(70, 0.5, bfloat16)
    y = kernels.linear(x, w, bias)
    assert y.dtype == bfloat16
    assert (y == 107).all()  # 106.75 rounded; 106.25 would be rounded to 106 first, and the sum be 106.5


@pytest.mark.parametrize("rows, limited", [(8, False), (80, True), (300, False)])
def test_blas_has_one_thread_for_each_matrix_of_a_stack(monkeypatch, rows, limited):
    counted = []
    monkeypatch.setattr(np, "matmul", lambda a, b: counted.append(threads._blas._users))
    a = np.ones((2, rows, rows))
    products.matmul(a, a)
    assert counted == [int(limited)]


def test_a_stack_in_any_memory_order_times_a_matrix_is_one_product(monkeypatch):
    monkeypatch.setattr(np, "matmul", None)
    a, b = np.random.default_rng(0).normal(size=(5, 3, 4)).swapaxes(0, 1), np.eye(4)
    np.testing.assert_array_equal(products.matmul(a, b), a)


@pytest.mark.parametrize("order", "CF")
def test_blas_does_not_start_its_threads_for_a_large_matrix_times_a_vector(monkeypatch, order):
    """They would compete with oneDNN's, which compute what surrounds the product."""
    rng = np.random.default_rng(0)
    a, left, right = (rng.normal(size=shape).astype(np.float32) for shape in ((700, 600), 700, 600))
    a, expected = np.asarray(a, order=order), (a.astype(float) @ right, left @ a.astype(float))
    monkeypatch.setattr(np, "matmul", None)
    for y, known in zip((products.matmul(a, right), products.matmul(left, a)), expected, strict=True):
        assert y.shape == known.shape
        np.testing.assert_allclose(y, known, atol=1e-3)


def test_a_transposed_matrix_times_a_column_is_a_row_times_the_matrix(monkeypatch):
    onednn = pytest.importorskip("backends.onednn.products")
    shapes, product_of = [], onednn._product_of
    monkeypatch.setattr(onednn, "left_to_blas", lambda *_: False)
    monkeypatch.setattr(onednn, "_product_of", lambda a, b: shapes.append((a.shape, b.shape)) or product_of(a, b))
    a, column = np.arange(63000.0, dtype=np.float32).reshape(300, 210), np.ones((300, 1), np.float32)
    y = onednn.product(a.T, column)
    if y is None:
        pytest.skip("oneDNN is missing")
    np.testing.assert_array_equal(y, a.T.astype(float) @ column)
    assert shapes == [((1, 300), (300, 210))]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.complex64])
@pytest.mark.parametrize(
    "first, second",
    [((500, 1, 30), (500, 30, 1)), ((1, 20, 30), (90, 30, 1)), ((2, 80, 1, 7), (2, 80, 7, 9)), ((9, 70, 1), (9, 1, 1)),
     ((70, 1, 1), (1, 1, 90)), ((40, 3, 0), (40, 0, 1))],
)  # fmt: skip
def test_stacks_of_vectors_are_not_onednns(monkeypatch, first, second, dtype):
    monkeypatch.setattr(products, "_product", None)
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=shape, scale=9).astype(dtype) for shape in (first, second))
    y = products.product(a, b)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, np.einsum("...ij,...jk->...ik", a, b), rtol=1e-5, atol=1e-3)
