"""Arrays put together, by copying only where they do not lie together."""

import numpy as np
import pytest

import autograd_core as ag
import nn.functional as F
from backends.numpy_backend.joining import joined

WHOLE = np.arange(48.0).reshape(2, 3, 4, 2)


@pytest.mark.parametrize("axis", range(4))
@pytest.mark.parametrize(
    "view", [np.asarray, lambda x: x.transpose(2, 0, 3, 1), lambda x: x[:, ::-1]], ids=["plain", "permuted", "reversed"]
)
def test_neighbouring_slices_are_joined_without_a_copy(view, axis):
    whole = view(WHOLE)
    for parts in (np.split(whole, whole.shape[axis], axis), np.split(whole, [1], axis)):
        found = joined(parts, axis)
        np.testing.assert_array_equal(found, whole)
        assert np.shares_memory(found, whole)


@pytest.mark.parametrize("parts", [
    [WHOLE[:, 1:2], WHOLE[:, :1], WHOLE[:, 2:]], [WHOLE[:, :2], WHOLE[:, 1:]], [WHOLE[:, :1], WHOLE[:, 1:2].copy()],
    [WHOLE[:, :1], WHOLE[:, 1:3, ::-1]], [WHOLE[:, :0], WHOLE[:, :1]], [WHOLE],
], ids=["another order", "an overlap", "another array", "reversed", "nothing", "one"])  # fmt: skip
def test_others_are_copied(parts):
    found = joined(parts, 1)
    np.testing.assert_array_equal(found, np.concatenate(parts, 1))
    assert not np.shares_memory(found, WHOLE)


def test_gradients_of_packed_queries_keys_and_values():
    packed = ag.tensor(np.random.default_rng(0).standard_normal((4, 64, 3, 4, 16), np.float32), requires_grad=True)
    separate = ag.tensor(packed.detach().numpy(), requires_grad=True)
    F.scaled_dot_product_attention(*packed.permute(2, 0, 3, 1, 4), is_causal=True).square().sum().backward()
    query, key, value = (separate[:, :, i].transpose(1, 2).contiguous() for i in range(3))
    F.scaled_dot_product_attention(query, key, value, is_causal=True).square().sum().backward()
    np.testing.assert_allclose(packed.grad.numpy(), separate.grad.numpy(), rtol=1e-4, atol=1e-5)
