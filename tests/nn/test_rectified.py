"""A layer and the ReLU behind it in one operation: the same numbers, and nothing that anybody would miss."""

import numpy as np
import pytest

import autograd_core as ag
import nn

LAYERS = {
    "linear": (lambda: nn.Linear(4, 3), (5, 4)),
    "linear of one axis": (lambda: nn.Linear(4, 3, bias=False), (4,)),
    "conv1d": (lambda: nn.Conv1d(2, 3, 3, stride=2, padding=1), (2, 2, 5)),
    "conv2d": (lambda: nn.Conv2d(2, 4, 3, groups=2, padding="same", dtype="float64").float(), (2, 2, 4, 4)),
    "conv2d reflected": (lambda: nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect", bias=False), (1, 2, 3, 3)),
    "batch norm": (lambda: nn.BatchNorm2d(3), (2, 3, 2, 4)),
    "batch norm by running statistics": (lambda: nn.BatchNorm1d(3).eval(), (4, 3)),
    "conv3d without a batch": (lambda: nn.Conv3d(1, 2, 2, dilation=2), (1, 3, 3, 4)),
}


def names(y):
    found, stack = set(), [y.node]
    while stack:
        node = stack.pop()
        if node is not None and node.op is not None:
            found.add(node.op.name)
            stack.extend(node.parents)
    return found


@pytest.mark.parametrize("name", LAYERS)
def test_same_numbers_as_apart(name):
    make, shape = LAYERS[name]
    layer, x = make(), ag.randn(*shape, requires_grad=True)
    apart, together = layer(x).relu(), nn.Sequential(layer, nn.ReLU())(x)
    assert "relu" in names(apart)
    assert "relu" not in names(together)
    np.testing.assert_array_equal(together.detach().numpy(), apart.detach().numpy())
    weights = ag.randn(*apart.shape)
    inputs = [x, *layer.parameters()]
    for a, b in zip(ag.grad(apart, inputs, weights), ag.grad(together, inputs, weights), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


class Doubled(nn.Linear):
    def forward(self, input):
        return 2 * super().forward(input)


def test_what_may_not_be_joined():
    x, linear, relu = ag.ones(1, 2), nn.Linear(2, 2), nn.ReLU()
    seen = []
    for watched in (linear, relu):
        handle = watched.register_forward_hook(lambda module, args, output: seen.append(output))
        nn.Sequential(linear, relu)(x)
        handle.remove()
    assert seen[0].grad_fn.name == "linear"
    assert seen[1].grad_fn.name == "relu"
    doubled = Doubled(2, 2)
    np.testing.assert_array_equal(nn.Sequential(doubled, relu)(x).detach().numpy(), doubled(x).relu().detach().numpy())
    assert nn.Sequential(linear)(x).grad_fn.name == "linear"
    assert nn.Sequential(linear, nn.Linear(2, 2), relu, relu)(x).grad_fn.name == "relu"


def test_an_error_names_the_layer():
    with pytest.raises(RuntimeError) as raised:
        nn.Sequential(nn.Linear(3, 2), nn.ReLU())(ag.ones(1, 4))
    assert "in 0 of Sequential: Linear(in_features=3" in "".join(raised.value.__notes__)


def test_sums_of_different_shapes():
    a, b = ag.tensor([[-1.0, 2.0]], requires_grad=True), ag.tensor([[0.5], [-3.0]], requires_grad=True)
    y = ag.add_relu(a, b)
    np.testing.assert_array_equal(y.detach().numpy(), [[0.0, 2.5], [0.0, 0.0]])
    y.sum().backward()
    np.testing.assert_array_equal(a.grad.numpy(), [[0.0, 1.0]])
    np.testing.assert_array_equal(b.grad.numpy(), [[1.0], [0.0]])


def test_what_fusing_leaves_is_no_obstacle():
    x, linear, left = ag.ones(1, 2), nn.Linear(2, 2), nn.Identity()
    model = nn.Sequential(linear, left, nn.ReLU())
    assert names(model(x)) == {"linear_relu"}
    seen = []
    left.register_forward_hook(lambda module, args, output: seen.append(output))
    model(x)
    assert seen[0].grad_fn.name == "linear"
