import pytest

import autograd_core as ag
import nn
import nn.functional as F


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_gradients_of_convolutions_by_themselves(rank):
    x = ag.randn(2, 4, *(5,) * rank, requires_grad=True)
    w = ag.randn(6, 2, *(3,) * rank, requires_grad=True)
    y = getattr(F, f"conv{rank}d")(x, w, stride=2, padding=1, groups=2)
    g = ag.randn(*y.shape)
    of_input, of_weight = (getattr(nn.grad, f"conv{rank}d_{what}") for what in ("input", "weight"))
    expected = ag.grad(y, (x, w), g)
    assert ag.allclose(of_input(x.shape, w, g, 2, 1, 1, 2), expected[0], atol=1e-5)
    assert ag.allclose(of_weight(x, w.shape, g, 2, 1, 1, 2), expected[1], atol=1e-5)
    with pytest.raises(RuntimeError, match="shape"):
        of_weight(x, w.shape, g[:1], 2, 1, 1, 2)
