import numpy as np
import pytest

from backends.numpy_backend.padding import LARGE, pad


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 3, 1), (3, 2, 1, 0)])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 40, 30, 40), (3, 16, 40, 300), (0, 3, 4, 5)])
@pytest.mark.parametrize(
    "widths", [((0, 0), (0, 0), (1, 1), (1, 1)), ((1, 0), (0, 2), (0, 0), (3, 0)), ((0, 0), (0, 1), (2, 0), (0, 0))]
)
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.complex64])
def test_a_border_surrounds_the_elements(order, shape, widths, dtype):
    x = np.random.default_rng(0).standard_normal([shape[axis] for axis in order]).astype(dtype)
    x = x.transpose(np.argsort(order))
    y = pad(x, widths, constant_values=7)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, np.pad(x, widths, constant_values=7))
    if x.size >= LARGE:
        assert np.argsort(y.strides).tolist() == np.argsort(x.strides).tolist()
