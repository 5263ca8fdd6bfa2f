"""The loss around the parameters: a paraboloid where the model is linear, and no trace of the search."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn.functional import mse_loss
from training import DataLoader, TensorDataset, loss_surface


def test_it_is_the_quadratic_form_of_least_squares():
    ag.manual_seed(0)
    model, x, y = nn.Linear(3, 1, dtype="float64"), ag.randn(20, 3, dtype="float64"), ag.randn(20, 1, dtype="float64")
    loader, before = DataLoader(TensorDataset(x, y), 8), {k: v.tolist() for k, v in model.state_dict().items()}
    draw = ag.Generator().manual_seed(1)
    found = loss_surface(model, loader, mse_loss, reach=2.0, steps=5, generator=draw).numpy()
    draw.manual_seed(1)
    d, e = (ag.randn(1, 3, dtype="float64", generator=draw) for _ in range(2))
    d, e = (v * (model.weight.detach().norm() / v.norm()) for v in (d, e))
    for i, a in enumerate((-2, -1, 0, 1, 2)):
        for j, b in enumerate((-2, -1, 0, 1, 2)):
            error = x @ (model.weight.detach() + a * d + b * e).T + model.bias.detach() - y
            np.testing.assert_allclose(found[i, j], (error * error).mean().item(), rtol=1e-6)
    assert {k: v.tolist() for k, v in model.state_dict().items()} == before
    assert model.training


def test_parameters_return_after_an_error():
    model = nn.Linear(2, 2)
    before = model.weight.tolist()
    with pytest.raises(IndexError):
        loss_surface(model, DataLoader(TensorDataset(ag.ones(2, 2), ag.tensor([0, 7]))))
    assert model.weight.tolist() == before
    with pytest.raises(ValueError, match="steps=0"):
        loss_surface(model, [], steps=0)
