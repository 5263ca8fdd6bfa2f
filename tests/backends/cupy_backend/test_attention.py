"""Attention: kernels on the CPU, products by NumPy, against the generic kernel in float64."""

import numpy as np
import pytest
from ml_dtypes import bfloat16
from recorded import Recorder

from backends import kernels as generic
from backends.cupy_backend import attention
from backends.cupy_backend.cublaslt_plans import CublasLt
from backends.deferred import Deferred
from backends.generic import attention as parts

plain = generic.bind(np, 1 << 20, Deferred("scipy.special"))
rng = np.random.default_rng(0)
# Weights that are computed again are compared with exact ones; others are what the exact gradients start from.
TOLERANCE = {True: {2: 2e-2, 4: 1e-6, 8: 1e-14}, False: {2: 2e-2, 4: 4e-6, 8: 4e-14}}


@pytest.fixture(params=["whole", "computed again", "in parts"])
def divided(request, monkeypatch):
    """Attention as it is, without weights that are kept, and with only a few at once."""
    if request.param != "whole":
        monkeypatch.setattr(parts, "KEPT", 0)
    if request.param == "in parts":
        monkeypatch.setattr(attention, "AT_ONCE", 300)
    parts.parts.cache_clear()
    yield
    parts.parts.cache_clear()


def close(found, wanted, dtype):
    assert found.dtype == dtype
    scale = max(1e-3, np.abs(wanted).max())
    np.testing.assert_allclose(found.astype(float), wanted, atol=TOLERANCE[bool(parts.KEPT)][found.itemsize] * scale)


def both(gpu, dtype, shape, keys, is_causal, mask=None, masked=False):
    """Values and gradients, beside those of the generic kernel in float64."""
    gpu.libraries[CublasLt] = Recorder()
    others = (*shape[:-2], keys, shape[-1])
    query, key, value, g = (rng.standard_normal(s).astype(dtype) for s in (shape, others, others, shape))
    mask = mask if mask is None else mask.astype(dtype)
    *exact, exact_mask, exact_g = (v if v is None else v.astype(float) for v in (query, key, value, mask, g))
    y, weights = attention.attention(gpu, query, key, value, 0.5, is_causal, mask)
    slopes = attention.attention_gradients(gpu, g, query, key, value, mask, y, weights, 0.5, is_causal, masked)
    wanted, exact_weights = plain.attention(*exact, 0.5, is_causal, exact_mask)
    if exact_weights is not None and weights is not None:
        exact_weights = weights.astype(float)
    wanted_slopes = plain.attention_gradients(
        exact_g, *exact, exact_mask, wanted, exact_weights, 0.5, is_causal, masked
    )
    return [(y, wanted), *zip(slopes[: 4 if masked else 3], wanted_slopes, strict=False)]


@pytest.mark.parametrize("dtype", [np.float16, bfloat16, np.float32, np.float64])
@pytest.mark.parametrize(
    ("shape", "keys"), [((5, 3), 5), ((2, 3, 7, 8), 9), ((2, 9, 16), 8), ((1, 2, 8), 1028)], ids=str
)
@pytest.mark.parametrize("is_causal", [False, True])
def test_values_and_gradients(gpu, divided, dtype, shape, keys, is_causal):
    for found, wanted in both(gpu, dtype, shape, keys, is_causal):
        close(found, wanted, dtype)
    if parts.KEPT:
        results = [key.result for key in gpu.libraries[CublasLt].keys]
        assert results.count("float32") == {2: 2, 4: 6, 8: 0}[found.itemsize]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("shape", [(9,), (7, 9), (2, 1, 1, 9), (2, 1, 7, 1), (2, 3, 7, 9)], ids=str)
def test_masks_and_their_gradients(gpu, divided, dtype, shape):
    mask = np.where(rng.random(shape) < 0.4, -np.inf, rng.standard_normal(shape))
    mask[..., 0] = 0.5
    if len(shape) > 1:
        mask[..., 0, :] = -np.inf  # a query that sees nothing
    for found, wanted in both(gpu, dtype, (2, 3, 7, 8), 9, False, mask, True):
        close(found, wanted, dtype)


def test_a_query_that_sees_nothing_gives_nothing_but_nan_stays(gpu):
    gpu.libraries[CublasLt] = Recorder()
    query, key, mask = np.ones((2, 4), np.float32), np.ones((3, 4), np.float32), np.zeros((2, 3), np.float32)
    mask[0] = -np.inf
    y, _ = attention.attention(gpu, query, key, key, 1.0, False, mask)
    assert y.tolist() == [[0] * 4, [1] * 4]
    query[:] = np.nan
    assert np.isnan(attention.attention(gpu, query, key, key, 1.0, False, mask)[0]).all()


def test_others_are_left_to_the_generic_kernel(gpu):
    q = np.ones((2, 3, 4), np.float32).astype(int)
    assert attention.attention(gpu, q, q, q, 1.0, False) is None
    weights = np.ones((2, 3, 3), int)
    assert attention.attention_gradients(gpu, q, q, q, q, None, q, weights, 1.0, False) is None
