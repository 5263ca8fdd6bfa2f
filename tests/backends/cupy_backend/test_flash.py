"""Attention by cuDNN without a GPU: what its plans are asked for, and that it has engines for that."""

import re
from pathlib import Path

import numpy as np
import pytest
from ml_dtypes import bfloat16
from numpy.lib.stride_tricks import as_strided

from backends import determinism
from backends import kernels as generic
from backends.cupy_backend import attention, flash
from backends.cupy_backend.cublaslt_plans import CublasLt
from backends.cupy_backend.cudnn_plans import REMEDY, WORKSPACE, Cudnn, Plan
from backends.cupy_backend.launch import Gpu
from backends.deferred import Deferred

plain = generic.bind(np, 1 << 20, Deferred("scipy.special"))
rng = np.random.default_rng(0)


class Recorder:
    """In the place of `Cudnn`: computes what a plan's key says about memory, and keeps the keys."""

    def __init__(self):
        self.keys, self.able = [], True

    def run(self, key, *arrays, results):
        if not self.able:
            return False
        self.keys.append(key)
        views = []
        for placed, array in zip((*key.operands, *key.results), arrays, strict=True):
            assert array.ctypes.data % 16 == 0
            size = array.itemsize
            views.append(as_strided(array, placed.shape, [size * step for step in placed.strides]))
        given, found = views[:-results], views[-results:]
        q, k, v, *rest = (x.astype(float) for x in given)
        scores = q @ k.swapaxes(-1, -2) * key.scale
        if key.is_causal:
            scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
        if not rest:
            largest = scores.max(-1, keepdims=True)
            sums = np.exp(scores - largest).sum(-1, keepdims=True)
            found[0][...] = np.exp(scores - largest) / sums @ v
            found[1][...] = largest + np.log(sums)
            return True
        y, g, sums = rest
        weights = np.exp(scores - sums)
        of_scores = weights * (g @ v.swapaxes(-1, -2) - (g * y).sum(-1, keepdims=True)) * key.scale
        found[0][...], found[1][...] = of_scores @ k, of_scores.swapaxes(-1, -2) @ q
        found[2][...] = weights.swapaxes(-1, -2) @ g
        return True


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.setattr(flash, "LEAST", 1)
    gpu = Gpu(np, None, lambda array: array.ctypes.data)
    gpu.libraries[Cudnn] = Recorder()
    return gpu


def heads(shape, dtype):
    """(N, H, L, E) as a view of (N, L, H, E)."""
    n, h, length, width = shape
    return rng.standard_normal((n, length, h, width)).astype(dtype).transpose(0, 2, 1, 3)


def packed(shape, dtype):
    """A third of (N, L, 3, H, E)."""
    n, h, length, width = shape
    return rng.standard_normal((n, length, 3, h, width)).astype(dtype)[:, :, 1].transpose(0, 2, 1, 3)


def plainly(shape, dtype):
    return rng.standard_normal(shape).astype(dtype)


def unaligned(shape, dtype):
    return rng.standard_normal(int(np.prod(shape)) + 1).astype(dtype)[1:].reshape(shape)


@pytest.mark.parametrize("make", [heads, packed, plainly, unaligned])
@pytest.mark.parametrize("dtype", [np.float16, bfloat16])
@pytest.mark.parametrize("is_causal", [False, True])
def test_plans_are_asked_for_what_was_asked_for(gpu, make, dtype, is_causal):
    query, key, value = make((2, 3, 10, 16), dtype), make((2, 3, 7, 16), dtype), make((2, 3, 7, 8), dtype)
    g = np.broadcast_to(dtype(0.5), (2, 3, 10, 8))
    y, sums = attention.attention(gpu, query, key, value, 0.3, is_causal)
    found = attention.attention_gradients(gpu, g, query, key, value, None, y, sums, 0.3, is_causal)
    exact = [x.astype(float) for x in (query, key, value)]
    wanted, weights = plain.attention(*exact, 0.3, is_causal)
    slopes = plain.attention_gradients(g.astype(float), *exact, None, wanted, weights, 0.3, is_causal)
    for ours, theirs in zip((y, *found[:3]), (wanted, *slopes[:3]), strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours.astype(float), theirs, atol=2e-2 * np.abs(theirs).max())
    assert len(gpu.libraries[Cudnn].keys) == 2
    assert found[3] is None
    if make is heads:  # the heads lie beside each other again
        assert all(x.transpose(0, 2, 1, 3).flags.c_contiguous for x in (y, *found[:3]))


@pytest.mark.parametrize("lead", [(), (4,), (2, 1, 3)], ids=str)
def test_any_number_of_leading_axes(gpu, lead):
    query = rng.standard_normal((*lead, 6, 8)).astype(np.float16)
    y, sums = attention.attention(gpu, query, query, query, 1.0, False)
    found = attention.attention_gradients(gpu, y, query, query, query, None, y, sums, 1.0, False)[:3]
    assert {x.shape for x in (y, *found)} == {query.shape}
    exact = query.astype(float)
    np.testing.assert_allclose(y.astype(float), plain.attention(exact, exact, exact, 1.0, False)[0], atol=1e-2)


def test_gradients_without_an_engine_are_computed_by_products(gpu):
    from recorded import Recorder as Products

    gpu = _on_cpu(gpu)
    gpu.libraries[CublasLt] = Products()
    query = rng.standard_normal((2, 6, 8)).astype(np.float16)
    y, sums = attention.attention(gpu, query, query, query, 1.0, True)
    wanted = attention.attention_gradients(gpu, y, query, query, query, None, y, sums, 1.0, True)
    gpu.libraries[Cudnn].able = False
    found = attention.attention_gradients(gpu, y, query, query, query, None, y, sums, 1.0, True)
    for ours, theirs in zip(found[:3], wanted[:3], strict=True):
        np.testing.assert_allclose(ours.astype(float), theirs.astype(float), atol=2e-2)


def _on_cpu(gpu):
    import shim

    if shim.COMPILER is None:
        pytest.skip("needs g++ to run CUDA sources on the CPU")
    gpu.start, gpu.address = shim.start, shim.address
    return gpu


@pytest.mark.parametrize("shape, keys, dtype", [
    ((2, 3, 10, 12), 10, np.float16), ((2, 3, 10, 264), 10, np.float16), ((2, 3, 10, 8), 1, np.float16),
    ((2, 3, 10, 8), 10, np.float32),
])  # fmt: skip
def test_others_are_left_to_products(gpu, shape, keys, dtype):
    query, key = np.ones(shape, dtype), np.ones((*shape[:2], keys, shape[3]), dtype)
    assert flash.attention(gpu, query, key, key, 1.0, False) is None


def test_small_attention_is_left_to_products():
    query = np.ones((1, 1, 8, 8), np.float16)
    assert flash.attention(Gpu(np, None), query, query, query, 1.0, False) is None


def keys_of(gpu, shape, keys, is_causal, dtype=bfloat16, make=heads):
    query, key = make(shape, dtype), make((*shape[:2], keys, shape[3]), dtype)
    y, sums = flash.attention(gpu, query, key, key, 0.125, is_causal)
    flash.attention_gradients(gpu, y, query, key, key, y, sums, 0.125, is_causal)
    return gpu.libraries[Cudnn].keys


@pytest.mark.parametrize("shape, keys, make, dtype", [
    ((2, 8, 256, 64), 256, heads, bfloat16), ((2, 3, 100, 128), 77, packed, np.float16),
    ((1, 2, 33, 40), 9, plainly, bfloat16), ((1, 2, 64, 256), 64, heads, np.float16),
])  # fmt: skip
@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("deterministic", [False, True])
def test_cudnn_has_engines(gpu, h200, monkeypatch, shape, keys, make, dtype, is_causal, deterministic):
    cudnn, device = h200
    monkeypatch.setattr(determinism, "_wanted", deterministic)
    for key in keys_of(gpu, shape, keys, is_causal, dtype, make):
        graph = key.graph(cudnn, **device)
        graph.build_plans(cudnn.build_plan_policy.HEURISTICS_CHOICE)
        assert Plan(graph).workspace < WORKSPACE
        assert graph._get_variant_pack_uids_sorted() == list(range(1, len(key.operands) + len(key.results) + 1))


class Engineless:
    """Of the plans for many lengths, all are refused."""

    def __init__(self):
        self.asked = 0

    def __call__(self, key):
        self.asked += 1
        raise RuntimeError("no engine")


def test_plans_for_ever_changing_lengths_are_not_made_for_ever(monkeypatch):
    monkeypatch.setattr(flash, "LEAST", 1)
    gpu, engines = Gpu(np, None, lambda array: array.ctypes.data), Engineless()
    gpu.device = lambda: 0
    cudnn = Cudnn.__new__(Cudnn)
    cudnn.gpu, cudnn.graph, cudnn.errors = gpu, engines, (RuntimeError,)
    cudnn.local = type("Local", (), {})()
    gpu.libraries[Cudnn] = cudnn
    for length in range(2, 90):
        query = np.ones((1, 1, length, 8), np.float16)
        assert flash.attention(gpu, query, query, query, 1.0, False) is None
    assert engines.asked == len(cudnn.local.plans[flash.Attention]) == 64


def test_the_remedy_names_the_frontend_that_the_package_requires():
    required = re.findall(r"nvidia-cudnn-frontend==[\d.]+", Path("pyproject.toml").read_text())
    assert len(required) == 2
    assert all(name in REMEDY for name in required)
