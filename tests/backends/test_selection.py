"""`gate`: g where x > 0, else 0."""

import numpy as np
import pytest

import backends

kernels = backends.get("cpu").namespace.kernels


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (7,), (40, 30), (2, 3, 20, 20)])
def test_gate_is_a_selection_whatever_g_holds(dtype, shape):
    rng = np.random.default_rng(0)
    g, x = (rng.normal(size=shape).astype(dtype) for _ in range(2))
    if shape:
        g.reshape(-1)[::3] = np.inf
        g.reshape(-1)[1::3] = np.nan
        x.reshape(-1)[::5] = 0
    y = kernels.gate(g, x)
    np.testing.assert_array_equal(y, np.where(x > 0, g, 0))
    assert y.dtype == dtype


def test_gate_takes_any_layout():
    rng = np.random.default_rng(1)
    g = rng.normal(size=(30, 60)).astype(np.float32).T[::-1, ::2]
    x = rng.normal(size=g.shape).astype(np.float32)[:, ::-1]
    np.testing.assert_array_equal(kernels.gate(g, x), np.where(x > 0, g, 0))


def test_gate_of_numpy_scalars():
    assert kernels.gate(np.float32(np.inf), np.float32(-1)) == 0
    assert kernels.gate(np.float64(2), np.float64(1)) == 2
