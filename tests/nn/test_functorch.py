"""The older forms of `functional_call`, as `functorch` has them."""

import sys

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn import functorch

X = ag.tensor([[1.0, -2.0], [0.5, 3.0]])


def model():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))


def test_a_model_becomes_a_function_of_its_state():
    m = model()
    function, params, buffers = functorch.make_functional_with_buffers(m)
    assert [p.shape for p in params] == [p.shape for p in m.parameters()]
    assert all(p.requires_grad and p is not q for p, q in zip(params, m.parameters(), strict=True))
    found = function(params, buffers, X)
    found.sum().backward()
    assert params[0].grad is not None
    assert next(m.parameters()).grad is None
    assert (buffers[2].item(), m[1].num_batches_tracked.item()) == (1, 0)
    np.testing.assert_array_equal(found.detach(), m(X).detach())
    gradients = functorch.grad(lambda params: function(params, buffers, X).sum())(params)
    assert [g.shape for g in gradients] == [p.shape for p in params]


def test_a_model_without_buffers_is_a_function_of_its_parameters():
    m = nn.Linear(2, 1)
    function, params = functorch.make_functional(m, disable_autograd_tracking=True)
    assert not any(p.requires_grad for p in params)
    np.testing.assert_array_equal(function(params, input=X), m(X).detach())
    with pytest.raises(RuntimeError, match="make_functional_with_buffers"):
        functorch.make_functional(model())


def test_an_ensemble():
    models = [model().eval() for _ in range(3)]
    function, params, buffers = functorch.combine_state_for_ensemble(models)
    found = functorch.vmap(function, in_dims=(0, 0, None))(params, buffers, X)
    np.testing.assert_allclose(found, ag.stack([m(X) for m in models]).detach(), rtol=1e-5)
    assert not any(p.requires_grad for p in params)


def test_it_is_imported_as_a_package_beside_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", ag)
    monkeypatch.delitem(sys.modules, "functorch", raising=False)
    from functorch import make_functional

    assert make_functional is functorch.make_functional is ag.functorch.make_functional
    monkeypatch.delitem(sys.modules, "functorch")
