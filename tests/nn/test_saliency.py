"""Gradients with respect to inputs, plain and guided."""

import numpy as np
import pytest

import autograd_core as ag
import nn


def dense():
    ag.manual_seed(1)
    return nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3)).double()


def by_hand(model, x, classes, guided):
    """The gradient of the scores of some classes, layer by layer."""
    w = [layer.weight.detach().numpy() for layer in (model[0], model[3], model[5])]
    b = [layer.bias.detach().numpy() for layer in (model[0], model[3])]
    z1 = x @ w[0].T + b[0]
    z2 = np.maximum(z1, 0) @ w[1].T + b[1]
    g = w[2][classes]
    for z, weight in ((z2, w[1]), (z1, w[0])):
        g = np.where(z > 0, np.maximum(g, 0) if guided else g, 0) @ weight
    return g


@pytest.mark.parametrize("guided", [False, True])
def test_of_classes(guided):
    model, x = dense(), ag.randn(4, 5, dtype="float64")
    function = nn.guided_backprop if guided else nn.saliency
    for target, classes in ((2, [2] * 4), ([0, 2, 1, 0], [0, 2, 1, 0])):
        np.testing.assert_allclose(function(model, x, target).numpy(), by_hand(model, x.numpy(), classes, guided))
    highest = model.eval()(x).argmax(1).tolist()
    np.testing.assert_allclose(function(model.train(), x).numpy(), by_hand(model, x.numpy(), highest, guided))
    assert all(m.training and m._hooks is None for m in model.modules())
    assert all(p.grad is None for p in model.parameters())
    assert not x.requires_grad


class Positive(ag.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, g):
        return g.clamp(min=0) * (ctx.saved_tensors[0] > 0)


def test_a_residual_block_is_guided_at_both_of_its_relus():
    ag.manual_seed(0)
    block, x = nn.BasicBlock(3, 3).double().eval(), ag.randn(2, 3, 5, 5, dtype="float64", requires_grad=True)
    relu = Positive.apply
    y = relu(block.bn2(block.conv2(relu(block.bn1(block.conv1(x))))) + x)
    y[:, 1].sum().backward()
    guided = nn.guided_backprop(block.train(), x, lambda y: y[:, 1])
    np.testing.assert_allclose(guided.numpy(), x.grad.numpy(), atol=1e-14)
    assert abs(guided - nn.saliency(block, x, lambda y: y[:, 1])).max() > 0.01


def test_a_map_has_no_classes():
    with pytest.raises(ValueError, match=r"output has shape \(1, 2, 3, 3\), not \(N, C\); pass a function"):
        nn.saliency(nn.Conv2d(1, 2, 1), ag.zeros(1, 1, 3, 3), 0)
