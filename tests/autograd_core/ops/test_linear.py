"""Linear maps: the shapes of weights and biases that are rare, and those that are wrong."""

import pytest

import autograd_core as ag
import nn.functional as F


@pytest.mark.parametrize("weight, bias, shape", [((3,), (), (2,)), ((3,), (2,), (2,)), ((4, 3), (2, 1), (2, 4))])
def test_linear_with_rare_shapes(weight, bias, shape):
    x, w, b = ag.rand(2, 3), ag.rand(*weight), ag.rand(bias)
    assert F.linear(x, w, b).tolist() == ((x @ w if w.ndim == 1 else x @ w.T) + b).tolist()
    assert F.linear(x, w, b).shape == shape


@pytest.mark.parametrize(
    "weight, bias", [((4, 2), None), ((4, 3), (5,)), ((3,), (3, 2)), ((1, 4, 3), None), ((4,), None)]
)
def test_wrong_shapes_are_refused(weight, bias):
    with pytest.raises(RuntimeError, match=r"shape|dimension"):
        F.linear(ag.rand(2, 3), ag.rand(*weight), None if bias is None else ag.rand(*bias))


@pytest.mark.parametrize("change", [{"input1": (2, 4)}, {"input2": (3, 2)}, {"bias": (3,)}])
def test_a_bilinear_map_needs_matching_shapes(change):
    shapes = {"input1": (2, 3), "input2": (2, 2), "weight": (4, 3, 2), "bias": (4,)} | change
    with pytest.raises(RuntimeError, match="bilinear"):
        F.bilinear(**{name: ag.rand(*shape) for name, shape in shapes.items()})
