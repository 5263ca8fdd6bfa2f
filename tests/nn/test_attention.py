"""Multi-head attention, transformers, and their masks."""

import numpy as np
import pytest

import autograd_core as ag
import nn
import nn.functional as F
from nn.attention import SDPBackend, sdpa_kernel
from nn.attention.bias import causal_lower_right, causal_upper_left

L, S, N, E, H = 3, 4, 2, 6, 2
RANDOM = np.random.default_rng(0)
W, B, OUT, OUT_B = (ag.tensor(RANDOM.normal(size=shape)) for shape in ((3 * E, E), (3 * E,), (E, E), (E,)))
QUERY, SOURCE = (ag.tensor(RANDOM.normal(size=(length, N, E))) for length in (L, S))


def attend(query=QUERY, key=SOURCE, value=SOURCE, bias_k=None, bias_v=None, zero=False, dropout=0.0, **given):
    return F.multi_head_attention_forward(
        query, key, value, E, H, W, B, bias_k, bias_v, zero, dropout, OUT, OUT_B, **given
    )


def slow(mask):
    """Head by head and sample by sample; `mask` (N, H, L, S) is added to the scores."""
    q, k, v = (
        x.numpy() @ w.T + b
        for x, w, b in zip((QUERY, SOURCE, SOURCE), np.split(W.numpy(), 3), np.split(B.numpy(), 3), strict=True)
    )
    out, weights, mask = np.zeros((L, N, E)), np.zeros((N, H, L, S)), np.broadcast_to(mask, (N, H, L, S))
    for n in range(N):
        for h in range(H):
            part = slice(h * E // H, (h + 1) * E // H)
            p = np.exp(q[:, n, part] @ k[:, n, part].T / np.sqrt(E // H) + mask[n, h])
            weights[n, h] = p / p.sum(1, keepdims=True)
            out[:, n, part] = weights[n, h] @ v[:, n, part]
    return out @ OUT.numpy().T + OUT_B.numpy(), weights


@pytest.mark.parametrize("kind", ["bool", "float"])
def test_masks_say_where_not_to_look(kind):
    causal, padding = np.triu(np.ones((L, S)), 1) > 0, np.array([[0, 0, 0, 1], [0, 1, 0, 0]]) > 0
    numbers = [np.where(m, -np.inf, 0.0) for m in (causal, padding)]
    wanted, weights = slow(numbers[0] + numbers[1][:, None, None, :])
    masks = [ag.tensor(m) for m in ((causal, padding) if kind == "bool" else numbers)]
    out, mean = attend(attn_mask=masks[0], key_padding_mask=masks[1])
    np.testing.assert_allclose(out.numpy(), wanted)
    np.testing.assert_allclose(mean.numpy(), weights.mean(1))
    out, each = attend(attn_mask=masks[0], key_padding_mask=masks[1], average_attn_weights=False)
    np.testing.assert_allclose(each.numpy(), weights, atol=1e-15)


def test_one_sample_and_no_weights():
    wanted, _ = attend()
    out, weights = attend(QUERY[:, 0], SOURCE[:, 0], SOURCE[:, 0], need_weights=False)
    assert weights is None
    np.testing.assert_allclose(out.numpy(), wanted[:, 0].numpy())


@pytest.mark.parametrize("hidden", [None, [False, True], [True, True]], ids=str)
def test_without_weights_a_causal_hint_takes_the_place_of_the_mask(hidden):
    mask = ag.ones(L, L, dtype=bool).triu(1)
    padding = None if hidden is None else ag.tensor([[False] * (L - 2) + hidden] * (N - 1) + [[True] * L])
    given = {"key": QUERY, "value": QUERY, "attn_mask": mask, "key_padding_mask": padding, "is_causal": True}
    np.testing.assert_allclose(attend(**given, need_weights=False)[0].numpy(), attend(**given)[0].numpy(), atol=1e-15)


def test_packed_and_separate_projections_agree():
    separate = dict(zip(("q_proj_weight", "k_proj_weight", "v_proj_weight"), W.chunk(3), strict=True))
    out, _ = attend(use_separate_proj_weight=True, **separate)
    np.testing.assert_allclose(out.numpy(), attend()[0].numpy())
    np.testing.assert_allclose(attend(QUERY, QUERY, QUERY)[0].numpy(), attend(QUERY, QUERY.clone(), QUERY)[0].numpy())


def test_another_key_takes_its_share():
    bias = ag.zeros(1, 1, E, dtype="float64")
    for out, weights in (attend(zero=True), attend(bias_k=bias, bias_v=bias)):
        assert weights.shape == (N, L, S + 1)
        assert out.shape == QUERY.shape
    hidden = attend(zero=True, key_padding_mask=ag.ones(N, S, dtype=bool))[1]
    assert hidden[..., -1].tolist() == [[1.0] * L] * N


def test_where_everything_is_masked_nothing_is_found():
    out, weights = attend(key_padding_mask=ag.ones(N, S, dtype=bool))
    assert not weights.any()
    np.testing.assert_allclose(out.numpy(), np.broadcast_to(OUT_B.numpy(), out.shape))
    q = ag.rand(2, 3, requires_grad=True)
    F.scaled_dot_product_attention(q, q, q, ag.tensor([[True, False], [False, False]])).sum().backward()
    assert np.isfinite(q.grad.numpy()).all()


def test_static_keys_and_values_replace_projected_ones():
    static = ag.rand(N * H, 5, E // H, dtype="float64")
    assert attend(static_k=static, static_v=static)[1].shape == (N, L, 5)
    with pytest.raises(AssertionError, match="static"):
        attend(static_k=static[1:], static_v=static)


def test_weights_are_dropped_in_training_alone():
    ag.manual_seed(0)
    assert (attend(dropout=0.5)[1] == 0).any()
    assert not (attend(dropout=0.5, training=False)[1] == 0).any()
    q = ag.rand(40, 3)
    assert not F.scaled_dot_product_attention(q, q, q, dropout_p=1.0).any()


@pytest.mark.parametrize(
    "given, error",
    [
        ({"query": QUERY[..., :4]}, AssertionError),
        ({"key": SOURCE[1:]}, AssertionError),
        ({"attn_mask": ag.zeros(L, L)}, RuntimeError),
        ({"key_padding_mask": ag.zeros(L, S)}, AssertionError),
        ({"is_causal": True}, RuntimeError),
        ({"bias_k": ag.zeros(1, 1, E)}, AssertionError),
        ({"attn_mask": ag.zeros(L, S, dtype=int)}, AssertionError),
        ({"attn_mask": ag.zeros(S)}, AssertionError),
    ],
)
def test_what_does_not_fit_is_refused(given, error):
    with pytest.raises(error):
        attend(**given)


@pytest.mark.parametrize("given", [
    {"attn_mask": ag.ones(2, 2, dtype=int)}, {"enable_gqa": True}, {"key": ag.ones(3)},
    {"value": ag.ones(2, 3, dtype="float64")}, {"dropout_p": 1.5},
])  # fmt: skip
def test_what_attention_refuses(given):
    q = ag.ones(2, 3)
    with pytest.raises(RuntimeError):
        F.scaled_dot_product_attention(**{"query": q, "key": q, "value": q, **given})


def test_a_mask_beside_causal_attention():
    q = ag.randn(2, 3, 4, requires_grad=True)
    mask = ag.tensor([[0, 1, 1], [1, 0, 1], [1, 1, 0]], dtype=bool)  # the first query may see no key but later ones
    out = F.scaled_dot_product_attention(q, q, q, mask, is_causal=True)
    expected = F.scaled_dot_product_attention(q, q, q, mask.tril())
    np.testing.assert_array_equal(out.detach().numpy(), expected.detach().numpy())
    assert not out[:, 0].any()
    (gradient,) = ag.grad(out.sum(), q)
    assert gradient.isfinite().all()


def test_a_kernel_may_be_asked_for():
    q = ag.randn(2, 3, 4)
    expected = F.scaled_dot_product_attention(q, q, q)
    with sdpa_kernel([SDPBackend.MATH, SDPBackend.FLASH_ATTENTION]):
        assert ag.equal(F.scaled_dot_product_attention(q, q, q), expected)
    with pytest.raises(TypeError, match="'math'"), sdpa_kernel("math"):
        pass


def test_causal_masks_of_queries_and_keys_of_different_lengths():
    q, k = ag.rand(1, 2, 2, 3), ag.rand(1, 2, 4, 3)
    attend = F.scaled_dot_product_attention
    assert ag.equal(attend(q, k, k, attn_mask=causal_upper_left(2, 4)), attend(q, k, k, is_causal=True))
    later = attend(q, k, k, attn_mask=causal_lower_right(2, 4))
    ag.testing.assert_close(later[:, :, 1:], attend(q[:, :, 1:], k, k))
    ag.testing.assert_close(later[:, :, :1], attend(q[:, :, :1], k[:, :, :3], k[:, :, :3]))
    with pytest.raises(RuntimeError, match="numbers of queries and of keys"):
        causal_lower_right(3)


def test_masks_of_transformers():
    ag.manual_seed(0)
    model = nn.Transformer(8, 2, 1, 1, 16, dropout=0.0, batch_first=True).eval()
    source, target = ag.randn(2, 5, 8), ag.randn(2, 4, 8)
    mask = nn.Transformer.generate_square_subsequent_mask(4)
    assert mask[0].tolist() == [0, -np.inf, -np.inf, -np.inf]
    padding = ag.tensor([[False] * 5, [False] * 3 + [True] * 2])
    y = model(source, target, tgt_mask=mask, src_key_padding_mask=padding, memory_key_padding_mask=padding)
    later = ag.cat([target[:, :3], ag.randn(2, 1, 8)], dim=1)
    hidden = ag.cat([source[:, :3], ag.randn(2, 2, 8)], dim=1)
    z = model(hidden, later, tgt_mask=mask, src_key_padding_mask=padding, memory_key_padding_mask=padding)
    np.testing.assert_allclose(z[1, :3].tolist(), y[1, :3].tolist(), atol=1e-5)
    assert abs(z[0] - y[0]).max().item() > 1e-3
