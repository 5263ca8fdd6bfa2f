"""Attention: kernels on the CPU, products by NumPy, against the generic kernel in float64."""

import numpy as np
import pytest
from ml_dtypes import bfloat16
from recorded import Recorder

from backends import kernels as generic
from backends.cupy_backend import attention
from backends.cupy_backend.cublaslt_plans import CublasLt
from backends.deferred import Deferred

plain = generic.bind(np, 1 << 20, Deferred("scipy.special"))
rng = np.random.default_rng(0)


@pytest.mark.parametrize("dtype", [np.float16, bfloat16, np.float32, np.float64])
@pytest.mark.parametrize(
    ("shape", "keys"), [((5, 3), 5), ((2, 3, 7, 8), 9), ((2, 9, 16), 8), ((1, 2, 8), 1028)], ids=str
)
@pytest.mark.parametrize("is_causal", [False, True])
def test_values_and_gradients(gpu, dtype, shape, keys, is_causal):
    gpu.libraries[CublasLt] = Recorder()
    others = (*shape[:-2], keys, shape[-1])
    query, key, value, g = (rng.standard_normal(s).astype(dtype) for s in (shape, others, others, shape))
    exact = [v.astype(float) for v in (query, key, value)]
    y, weights = attention.attention(gpu, query, key, value, 0.5, is_causal)
    found = y, weights, *attention.attention_gradients(gpu, g, query, key, value, weights, 0.5)[:3]
    wanted = (
        *plain.attention(*exact, 0.5, is_causal),
        *plain.attention_gradients(g.astype(float), *exact, weights.astype(float), 0.5)[:3],
    )
    for a, b in zip(found, wanted, strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(a.astype(float), b, atol={2: 2e-2, 4: 1e-6, 8: 1e-14}[a.itemsize] * np.abs(b).max())
    assert [key.result for key in gpu.libraries[CublasLt].keys].count("float32") == {2: 2, 4: 6, 8: 0}[y.itemsize]


def test_others_are_left_to_the_generic_kernel(gpu):
    q = np.ones((2, 3, 4), np.float32).astype(int)
    assert attention.attention(gpu, q, q, q, 1.0, False) is None
    assert attention.attention_gradients(gpu, q, q, q, q, np.ones((2, 3, 3), int), 1.0) is None
