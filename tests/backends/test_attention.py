"""Attention whose weights are too large to keep: its parts, for every array type, against attention that keeps them."""

import tracemalloc

import numpy as np
import pytest

import autograd_core as ag
from backends.generic import attention
from backends.onednn import attention as onednn
from nn import functional as F


@pytest.fixture
def limits(monkeypatch):
    """A function that sets how many bytes of weights are kept, and computed at once."""

    def set_limits(kept, at_once):
        monkeypatch.setattr(attention, "KEPT", kept)
        monkeypatch.setattr(attention, "AT_ONCE", at_once)
        attention.parts.cache_clear()
        onednn._parts.cache_clear()

    yield set_limits
    monkeypatch.undo()
    set_limits(attention.KEPT, attention.AT_ONCE)


@pytest.mark.parametrize("rows, keys", [((100,), 30), ((3, 40), 50), ((2, 5, 7), 11), ((0, 4), 3)], ids=str)
@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("at_once", [1, 1000, 5000])
def test_parts_cover_every_weight_once(limits, rows, keys, is_causal, at_once):
    limits(0, at_once)
    seen = np.zeros((*rows, keys), int)
    for part in attention.parts(rows, keys, is_causal, at_once):
        piece = seen[(*part.rows, part.seen[-1])]
        piece += 1
        assert 4 * piece.size <= max(at_once, 4 * keys)
    wanted = np.tri(rows[-1], keys) if is_causal else np.ones((rows[-1], keys))
    assert (seen[..., wanted > 0] == 1).all()
    assert seen.max(initial=0) <= 1


def results(shape, keys, dtype, device, is_causal, mask):
    """Values, gradients and second derivatives."""
    rng = np.random.default_rng(0)
    others = (*shape[:-2], keys, shape[-1])
    arrays = [rng.standard_normal(s).astype(dtype) for s in (shape, others, others)]
    xs = [ag.tensor(a, device=device, requires_grad=True) for a in arrays]
    if mask is not None:
        mask = rng.standard_normal(mask)
        mask[..., 1] = -np.inf
        mask = ag.tensor(mask.astype(dtype), device=device, requires_grad=True)
        xs.append(mask)
    y = F.scaled_dot_product_attention(*xs[:3], attn_mask=mask, is_causal=is_causal)
    first = ag.grad((y**2).sum(), xs, retain_graph=True)
    slopes = ag.grad((y**2).sum(), xs[:3], create_graph=True)
    second = ag.grad(sum((s**2).sum() for s in slopes), xs)
    return [t.detach().cpu().numpy() for t in (y, *first, *second)]


@pytest.mark.parametrize("dtype, device", [(np.float32, "cpu"), (np.float64, "cpu"), (np.float32, "refusing")])
@pytest.mark.parametrize("shape, keys, is_causal, mask", [
    ((2, 3, 70, 16), 70, True, None), ((2, 3, 70, 16), 50, True, None), ((3, 64, 8), 90, False, None),
    ((200, 8), 96, False, None), ((2, 3, 64, 8), 90, False, (2, 1, 1, 90)), ((2, 3, 64, 8), 90, False, (64, 90)),
    ((2, 3, 64, 8), 90, False, (3, 1, 90)),
], ids=str)  # fmt: skip
def test_parts_give_what_the_whole_gives(limits, dtype, device, shape, keys, is_causal, mask):
    wanted = results(shape, keys, np.float64, "cpu", is_causal, mask)
    limits(0, 20000)
    found = results(shape, keys, dtype, device, is_causal, mask)
    for ours, theirs in zip(found, wanted, strict=True):
        scale = np.abs(theirs).max()
        np.testing.assert_allclose(ours, theirs, atol=scale * (2e-5 if dtype is np.float32 else 1e-12))


@pytest.mark.parametrize("in_dims", [(0, 0), (0, None)], ids=str)
@pytest.mark.parametrize("is_causal", [False, True])
def test_parts_under_vmap(limits, in_dims, is_causal):
    def attended(q, k):
        return (F.scaled_dot_product_attention(q, k, k, is_causal=is_causal) ** 2).sum()

    q, k = ag.randn(4, 3, 40, 8, dtype=ag.float64), ag.randn(*(4,)[: in_dims[1] == 0], 3, 50, 8, dtype=ag.float64)
    run = ag.func.vmap(ag.func.grad(attended, argnums=(0, 1)), in_dims=in_dims)
    wanted = run(q, k)
    limits(0, 4000)
    for found, expected in zip(run(q, k), wanted, strict=True):
        np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1e-12)


def test_memory_is_linear_in_the_length(limits):
    limits(1 << 20, 1 << 18)
    peaks = []
    for length in (1024, 4096):
        q, k, v = (ag.randn(1, length, 8, dtype=ag.float64, requires_grad=True) for _ in range(3))
        tracemalloc.start()
        F.scaled_dot_product_attention(q, k, v).sum().backward()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 4 * peaks[0]


@pytest.mark.parametrize("device", ["cpu", "refusing"])
@pytest.mark.parametrize("shape", [(1, 4), (2, 1, 3, 4)], ids=str)
def test_a_query_that_is_all_masked_gives_nothing(device, shape):
    q = ag.ones(2, 2, 3, 5, device=device, requires_grad=True)
    k = ag.ones(2, 2, 4, 5, device=device, requires_grad=True)
    mask = np.zeros(shape, np.float32)
    mask[..., 0, :] = -np.inf
    y = F.scaled_dot_product_attention(q, k, k, attn_mask=ag.tensor(mask, device=device))
    y.sum().backward()
    nothing = np.broadcast_to((mask == -np.inf).all(-1, keepdims=True), y.shape)
    np.testing.assert_array_equal(y.detach().cpu().numpy() == 0, nothing)
    assert ag.isfinite(q.grad).all().item()
    assert ag.isfinite(k.grad).all().item()
