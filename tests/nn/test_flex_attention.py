"""Attention whose scores and masks are functions of the positions, against attention with tensors of them."""

import pytest

import autograd_core as ag
import nn.functional as F
from autograd_core.testing import gradcheck
from nn.flex_attention import AuxRequest, and_masks, create_block_mask, create_mask, flex_attention, noop_mask, or_masks


def heads(*shape):
    return ag.rand(*shape, dtype=ag.float64, requires_grad=True)


def test_without_functions_it_is_attention():
    q, k, v = heads(2, 4, 5, 3), heads(2, 2, 6, 3), heads(2, 2, 6, 3)
    expected = F.scaled_dot_product_attention(q, k, v, scale=0.7, enable_gqa=True)
    assert ag.allclose(flex_attention(q, k, v, scale=0.7, enable_gqa=True), expected)
    half = [t.detach().half() for t in (q, k, v)]
    assert flex_attention(*half, enable_gqa=True).dtype == ag.float16


def test_scores_and_masks_know_where_they_are():
    documents, slopes = ag.tensor([0, 0, 1, 1, 2]), heads(2)
    q, k, v = heads(1, 2, 5, 3), heads(1, 2, 5, 3), heads(1, 2, 5, 3)

    def causal(b, h, q, k):
        return q >= k

    def same(b, h, q, k):
        return documents[q] == documents[k]

    mask = create_block_mask(and_masks(causal, same, noop_mask), None, None, 5, 5)
    assert mask.shape == (1, 1, 5, 5)
    dense = (documents[:, None] == documents) & ag.ones(5, 5, dtype=ag.bool).tril()
    assert ag.equal(mask.mask[0, 0], dense)
    assert create_mask(or_masks(causal, same), 1, 1, 5, 5)[0, 0, 0].tolist() == [True, True, False, False, False]
    distance = ag.arange(5)[:, None] - ag.arange(5)
    bias = (-slopes[:, None, None] * distance).masked_fill(~dense, float("-inf"))

    def steep(score, b, h, q, k):
        return score - slopes[h] * (q - k)

    def both(q, k, v, slopes):
        return flex_attention(q, k, v, steep, mask)

    expected = F.scaled_dot_product_attention(q, k, v, bias)
    assert ag.allclose(both(q, k, v, slopes), expected)
    assert gradcheck(both, (q, k, v, slopes))


def test_queries_that_see_nothing_get_zeros():
    x = heads(1, 1, 3, 2)
    mask = create_block_mask(lambda b, h, q, k: q > k, 1, 1, 3, 3)
    y, lse = flex_attention(x, x, x, block_mask=mask, return_lse=True)
    assert (y[0, 0, 0].tolist(), lse[0, 0, 0].item()) == ([0, 0], float("-inf"))
    y.sum().backward()
    assert x.grad.isfinite().all()
    _, beside = flex_attention(x, x, x, block_mask=mask, return_aux=AuxRequest(max_scores=True))
    assert beside.lse is None
    assert beside.max_scores.shape == (1, 1, 3)


def test_blocks_are_shown():
    mask = create_block_mask(lambda b, h, q, k: q >= k, 1, 1, 200, 300)
    assert mask.to_dense().tolist() == [[[[1, 0, 0], [1, 1, 0]]]]
    assert (mask.numel(), round(mask.sparsity(), 2), mask.to("cpu").shape) == (60000, 18.08, (1, 1, 200, 300))
    assert repr(mask) == "BlockMask(shape=(1, 1, 200, 300), sparsity=18.08%)"
    x = heads(1, 1, 5, 3)
    with pytest.raises(ValueError, match=r"lengths \(200, 300\), not \(5, 5\)"):
        flex_attention(x, x, x, block_mask=mask)
