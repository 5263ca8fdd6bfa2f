import numpy as np
import pytest

from backends.numpy_backend import products


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
