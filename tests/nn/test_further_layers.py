"""Layers beyond PyTorch's: activations of the textbooks, sum and weighted pooling, renormalisation, noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import nn

X = np.array([-3.0, -1.5, -0.5, 0.0, 0.5, 1.5, 3.0])
CURVES = {
    nn.Sine: np.sin,
    nn.Gaussian: lambda x: np.exp(-x * x),
    nn.ArcTan: np.arctan,
    nn.ISRU: lambda x: x / np.sqrt(1 + x * x),
    nn.ISRLU: lambda x: np.where(x < 0, x / np.sqrt(1 + x * x), x),
    nn.SQNL: lambda x: np.where(np.abs(x) > 2, np.sign(x), x - np.sign(x) * x * x / 4),
    nn.Heaviside: lambda x: (x >= 0) * 1.0,
    nn.Sign: np.sign,
}
SLOPES = {
    nn.Sine: np.cos,
    nn.Gaussian: lambda x: -2 * x * np.exp(-x * x),
    nn.ArcTan: lambda x: 1 / (1 + x * x),
    nn.ISRU: lambda x: (1 + x * x) ** -1.5,
    nn.ISRLU: lambda x: np.where(x < 0, (1 + x * x) ** -1.5, 1),
    nn.SQNL: lambda x: np.maximum(1 - np.abs(x) / 2, 0),
    nn.Heaviside: np.zeros_like,
    nn.Sign: np.zeros_like,
}


@pytest.mark.parametrize("layer", CURVES, ids=lambda layer: layer.__name__)
def test_values_and_slopes(layer):
    x = ag.tensor(X, requires_grad=True)
    y = layer()(x)
    np.testing.assert_allclose(y.detach().numpy(), CURVES[layer](X), rtol=1e-15)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), SLOPES[layer](X), rtol=1e-14)


def test_parameters_of_curves():
    assert nn.ISRU(4.0)(ag.tensor([1e30])).item() == pytest.approx(0.5)
    assert nn.ISRLU(4.0)(ag.tensor([-1e30, 7.0])).tolist() == pytest.approx([-0.5, 7])
    assert nn.Sine(30.0)(ag.tensor([0.1])).item() == pytest.approx(np.sin(3))
    with pytest.raises(ValueError, match="positive alpha"):
        nn.ISRU(0)


@pytest.mark.parametrize("layer", [nn.Heaviside, nn.Sign])
def test_straight_through_passes_the_gradient_and_keeps_the_step(layer):
    x = ag.tensor([0.1, -0.3, 1e8], requires_grad=True)
    y = layer(straight_through=True)(x)
    assert y.tolist() == layer()(x).tolist()
    (y * ag.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert x.grad.tolist() == [1, 2, 3]


def test_bipolar_relu_keeps_the_mean():
    x = ag.randn(64, 10, 5, 5)
    y = nn.BipolarReLU()(x)
    assert (y[:, ::2] == ag.relu(x[:, ::2])).all()
    assert (y[:, 1::2] == -ag.relu(-x[:, 1::2])).all()
    assert abs(y.mean().item()) < 0.02
    with pytest.raises(IndexError, match="dim 4 is out of range"):
        nn.BipolarReLU(4)(x)


def test_maxout_takes_the_largest_piece():
    layer = nn.Maxout(1, 1, pieces=2)
    layer.linear.weight.data = ag.tensor([[1.0], [-1.0]])
    layer.linear.bias.data = ag.zeros(2)
    assert layer(ag.tensor([[-3.0], [2.0]])).flatten().tolist() == [3, 2]
    assert nn.Maxout(4, 3, pieces=5)(ag.ones(2, 6, 4)).shape == (2, 6, 3)
    with pytest.raises(ValueError, match="at least one piece"):
        nn.Maxout(1, 1, 0)


@given(st.integers(1, 3), st.integers(1, 3), st.booleans())
def test_sum_pooling_adds_up(kernel, stride, ceil):
    x = ag.tensor(np.arange(2 * 3 * 7 * 5, dtype=float).reshape(2, 3, 7, 5))
    y = nn.SumPool2d(kernel, stride, ceil_mode=ceil)(x)
    padded = np.pad(x.numpy(), [(0, 0)] * 2 + [(0, kernel + stride)] * 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(2, 3))
    expected = windows[:, :, ::stride, ::stride].sum((4, 5))[:, :, : y.shape[2], : y.shape[3]]
    np.testing.assert_array_equal(y.numpy(), expected)


def test_sum_pooling_of_other_ranks():
    assert nn.SumPool1d(2)(ag.tensor([[1.0, 2.0, 3.0, 4.0]])).tolist() == [[3, 7]]
    assert nn.SumPool3d(2)(ag.ones(1, 1, 2, 4, 2)).flatten().tolist() == [8, 8]


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_distance_weighted_pooling(rank):
    layer = getattr(nn, f"DistanceWeightedPool{rank}d")(3, stride=1)
    assert layer.kernel.sum().item() == pytest.approx(1)
    x = np.zeros((1, 2, *(5,) * rank))
    x[(0, 1, *(2,) * rank)] = 1
    y = layer(ag.tensor(x)).numpy()
    at = np.stack(np.meshgrid(*[np.arange(3) - 1] * rank, indexing="ij"))
    expected = np.exp(-(at**2).sum(0) / 2)
    np.testing.assert_allclose(y[0, 1], expected / expected.sum(), rtol=1e-14)
    assert not y[0, 0].any()
    assert list(layer.state_dict()) == []


def test_renormalisation_is_batch_normalisation_until_it_is_loosened():
    x = ag.randn(6, 3, 4, 4)
    renorm, norm = nn.BatchRenorm2d(3, r_max=1.0, d_max=0.0), nn.BatchNorm2d(3)
    np.testing.assert_allclose(renorm(x).detach().numpy(), norm(x).detach().numpy(), atol=1e-5)
    for name, value in norm.state_dict().items():
        np.testing.assert_allclose(renorm.state_dict()[name].numpy(), value.numpy(), rtol=1e-5)
    before = renorm.running_mean.clone()
    assert renorm(x[:0]).shape == norm(x[:0]).shape == (0, 3, 4, 4)
    assert renorm.running_mean.tolist() == before.tolist()


def test_renormalisation_uses_the_running_statistics():
    layer = nn.BatchRenorm1d(2, r_max=100.0, d_max=100.0).double()
    x = ag.tensor(np.random.default_rng(0).normal(3, 2, (50, 2)), requires_grad=True)
    y = layer(x)
    np.testing.assert_allclose(y.detach().numpy(), x.detach().numpy() / np.sqrt(1 + 1e-5))  # mean 0, variance 1 so far
    y[:, 0].sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 0, atol=1e-12)  # the batch's own mean still moves with it
    np.testing.assert_allclose(layer.running_mean.numpy(), 0.1 * x.detach().numpy().mean(0))
    evaluated = layer.eval()(x.detach()).detach().numpy()
    mean, var = layer.running_mean.numpy(), layer.running_var.numpy()
    np.testing.assert_allclose(evaluated, (x.detach().numpy() - mean) / np.sqrt(var + 1e-5))


def test_noise_in_training_only():
    x = ag.full((1000,), 2.0)
    layer = nn.GaussianNoise(0.5)
    assert layer(x).std().item() == pytest.approx(0.5, rel=0.15)
    assert nn.GaussianNoise(0.5, relative=True)(x).std().item() == pytest.approx(1.0, rel=0.15)
    assert layer.eval()(x) is x
    for make in (nn.GaussianNoise, lambda std: nn.WeightNoise(nn.Linear(1, 1), std)):
        with pytest.raises(ValueError, match="at least 0, not -1"):
            make(-1)


def test_weight_noise_reaches_weights_and_gradients_the_weights_alone():
    layer = nn.WeightNoise(nn.Linear(3, 2), std=1.0, parameters=["weight"])
    before = layer.module.weight.tolist()
    zero, one = ag.zeros(1, 3), ag.ones(1, 3)
    assert layer(zero).tolist() == layer(zero).tolist()
    assert layer(one).tolist() != layer(one).tolist()
    layer(one).sum().backward()
    assert layer.module.weight.grad.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert layer.module.weight.tolist() == before
    assert layer.eval()(one).tolist() == layer.module(one).tolist()
