"""`gate`, g where x > 0, else 0, and `where`."""

import numpy as np
import pytest
from ml_dtypes import bfloat16

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


@pytest.mark.parametrize("dtype", [np.float16, bfloat16])
@pytest.mark.parametrize("negative_nan", [False, True])
def test_16_bit_floats_of_every_kind_are_selected(dtype, negative_nan):
    x = np.arange(1 << 16, dtype=np.uint16).view(dtype)
    if not negative_nan:
        x = x[: 0xFF81 if dtype is bfloat16 else 0xFC01]
    x = np.resize(x, 70_000)
    with np.errstate(invalid="ignore"):  # on ARM, NumPy warns of signalling NaN
        wide, g = x.astype(np.float32), np.full(x.shape, np.inf, dtype)
    for part in (slice(None), slice(5000), slice(50)):
        np.testing.assert_array_equal(kernels.gate(g[part], x[part]), np.where(wide[part] <= 0, 0, np.inf))
        for y in (kernels.relu(x[part]), kernels.rectify(x[part].copy())):
            with np.errstate(invalid="ignore"):
                found = y.astype(np.float32)
            np.testing.assert_array_equal(found, np.maximum(wide[part], 0))


def test_gate_takes_any_layout():
    rng = np.random.default_rng(1)
    g = rng.normal(size=(30, 60)).astype(np.float32).T[::-1, ::2]
    x = rng.normal(size=g.shape).astype(np.float32)[:, ::-1]
    np.testing.assert_array_equal(kernels.gate(g, x), np.where(x > 0, g, 0))


def test_gate_of_numpy_scalars():
    assert kernels.gate(np.float32(np.inf), np.float32(-1)) == 0
    assert kernels.gate(np.float64(2), np.float64(1)) == 2


@pytest.mark.parametrize("shape", [(150, 130), (70, 60)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_where_of_large_arrays_selects_bit_for_bit(dtype, shape):
    rng, where = np.random.default_rng(2), backends.get("cpu").namespace.where
    a, b = (rng.normal(size=shape).astype(dtype) for _ in range(2))
    a[::3], b[1::3] = np.nan, -np.inf
    condition = rng.random(a.shape) < 0.5
    branches = [a, b, a.T.copy().T, a[::-1], b.astype(np.float16), 0, np.inf, dtype(2), np.array(3, dtype), a[0]]
    for c in (condition, condition.T.copy().T, condition.astype(np.int8)):
        for pair in [(v, w) for v in branches for w in branches]:
            y, expected = where(c, *pair), np.where(c, *pair)
            np.testing.assert_array_equal(y, expected)
            assert y.dtype == expected.dtype
    np.testing.assert_array_equal(where(condition), np.where(condition))
    for zero in (0.0, -0.0, np.zeros((), dtype), -np.zeros((), dtype), np.array(0)):
        for pair in ((zero, a), (a, zero)):
            y, expected = where(condition, *pair), np.where(condition, *pair)
            np.testing.assert_array_equal(np.signbit(y), np.signbit(expected))
    places = rng.integers(-(2**62), 2**62, a.shape)
    for pair in ((places, -places), (places, 0), (0, places), (-1, places)):
        np.testing.assert_array_equal(where(condition, *pair), np.where(condition, *pair))


@pytest.mark.parametrize("name", ["tril", "triu"])
@pytest.mark.parametrize("shape", [(3, 3), (2, 5, 4), (0, 3), (150, 130)], ids=str)
def test_triangles_are_those_of_numpy_whatever_is_left_out(name, shape):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    x[..., ::2] = np.inf
    x[..., ::3] = np.nan
    for k in (0, -2, 1, 9):
        y = getattr(backends.get("cpu").namespace, name)(x, k)
        np.testing.assert_array_equal(y, getattr(np, name)(x, k))
        assert y.dtype == x.dtype
        assert not np.signbit(y[y == 0]).any()
