"""Parametrized weights: norms, orthogonality, one's own; registering, assigning, removing, copying, saving."""

import copy
import pickle

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn.utils import parametrizations, parametrize


class Symmetric(nn.Module):
    def forward(self, x):
        return ag.triu(x) + ag.triu(x, 1).T

    def right_inverse(self, a):
        return ag.triu(a)


class Doubled(nn.Module):
    def forward(self, x):
        return 2 * x

    def right_inverse(self, x):
        return x / 2


def test_a_parametrization_of_ones_own():
    layer = nn.Linear(3, 3)
    weight = layer.weight
    parametrize.register_parametrization(layer, "weight", Symmetric())
    assert (layer.weight == layer.weight.T).all()
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
    assert layer.parametrizations.weight.original is weight
    assert type(layer).__name__ == "ParametrizedLinear"
    assert isinstance(layer, nn.Linear)
    layer.weight = ag.ones(3, 3)
    assert layer.weight.tolist() == [[1] * 3] * 3
    layer(ag.ones(1, 3)).sum().backward()
    assert weight.grad.tolist() == [[1, 2, 2], [0, 1, 2], [0, 0, 1]]


def test_one_after_the_other_and_back():
    layer = nn.Linear(2, 2)
    before = layer.weight.tolist()
    parametrize.register_parametrization(layer, "weight", Doubled())
    np.testing.assert_allclose(layer.weight.detach().numpy(), before)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    np.testing.assert_allclose(np.diag(layer.weight.detach().numpy()), np.diag(before))
    assert len(layer.parametrizations.weight) == 2
    symmetric = layer.weight.tolist()
    with pytest.raises(ValueError, match="unsafe=True"):
        parametrize.register_parametrization(layer, "weight", Larger())
    assert symmetric[0][1] == symmetric[1][0]
    parametrize.remove_parametrizations(layer, "weight")
    assert layer.weight.tolist() == symmetric
    assert type(layer) is nn.Linear
    assert not parametrize.is_parametrized(layer)
    assert list(layer.state_dict()) == ["bias", "weight"]


def test_the_original_may_be_taken_back():
    layer = nn.Linear(2, 2)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    original = layer.parametrizations.weight.original.tolist()
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert layer.weight.tolist() == original
    parametrizations.weight_norm(layer)
    with pytest.raises(ValueError, match="several originals"):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    with pytest.raises(ValueError, match="does not have a parametrization on bias"):
        parametrize.remove_parametrizations(layer, "bias")


def test_cached_values_are_computed_once():
    layer = parametrizations.weight_norm(nn.Linear(2, 2))
    with parametrize.cached():
        assert layer.weight is layer.weight
    assert layer.weight is not layer.weight


@pytest.mark.parametrize("make", [parametrizations.orthogonal, parametrizations.weight_norm])
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_independent(copied, make):
    layer = make(nn.Linear(3, 3))
    twin = copied(layer)
    assert twin.weight.tolist() == layer.weight.tolist()
    assert sorted(twin.state_dict()) == sorted(layer.state_dict())
    parametrize.remove_parametrizations(twin, "weight")
    assert parametrize.is_parametrized(layer, "weight")
    assert layer.weight.shape == (3, 3)


class ToBool(nn.Module):
    def forward(self, x):
        return x.float()

    def right_inverse(self, x):
        return x.bool()


class Larger(nn.Module):
    def forward(self, x):
        return ag.cat([x, x])


def test_what_is_refused():
    with pytest.raises(ValueError, match="unsafe=True"):
        parametrize.register_parametrization(nn.Linear(2, 2), "weight", Larger())
    with pytest.raises(ValueError, match="'wight'"):
        parametrize.register_parametrization(nn.Linear(2, 2), "wight", Larger())
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Larger(), unsafe=True)
    assert layer.weight.shape == (4, 2)
    with pytest.raises(ValueError, match="orthogonal_map"):
        parametrizations.orthogonal(nn.Linear(2, 2), orthogonal_map="svd")
    with pytest.raises(ValueError, match="matrix or batch"):
        parametrizations.orthogonal(nn.Linear(2, 2), "bias")
    with pytest.raises(ValueError, match="changed dtype float32 to bool"):
        parametrize.register_parametrization(nn.Linear(2, 2), "weight", ToBool())
    bound = parametrizations.orthogonal(nn.Linear(2, 2), orthogonal_map="cayley", use_trivialization=False)
    np.testing.assert_allclose((bound.weight @ bound.weight.T).tolist(), np.eye(2), atol=1e-6)
    with pytest.raises(NotImplementedError, match="use_trivialization"):
        bound.weight = ag.eye(2)
    with pytest.raises(ValueError, match="positive"):
        parametrizations.spectral_norm(nn.Linear(2, 2), n_power_iterations=0)


class WrongInverse(nn.Module):
    def __init__(self, inverse):
        super().__init__()
        self.right_inverse = inverse

    def forward(self, x):
        return x


def test_a_wrong_inverse_changes_nothing():
    layer = nn.Linear(2, 2)
    for inverse in (lambda x: None, lambda x: (None, x)):
        with pytest.raises(ValueError, match="right_inverse must return a Tensor"):
            parametrize.register_parametrization(layer, "weight", WrongInverse(inverse))
    assert not parametrize.is_parametrized(layer)
    parametrize.register_parametrization(layer, "weight", nn.Identity())
    for inverse in (lambda x: (x, x), lambda x: x > 0, lambda x: x[:1]):
        with pytest.raises(ValueError, match="right_inverse of the parametrization of 'weight'"):
            parametrize.register_parametrization(layer, "weight", WrongInverse(inverse))
    assert len(layer.parametrizations.weight) == 1


@pytest.mark.parametrize("shape", [(4, 4), (4, 6), (6, 4)])
@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder"])
def test_orthogonal_weights_stay_orthogonal(shape, kind):
    ag.manual_seed(0)
    layer = parametrizations.orthogonal(nn.Linear(*shape).double(), orthogonal_map=kind)
    for _ in range(2):
        w = layer.weight.detach().numpy()
        gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
        np.testing.assert_allclose(gram, np.eye(4), atol=1e-12)
        layer(ag.ones(1, shape[0], dtype="float64")).square().sum().backward()
        with ag.no_grad():
            original = layer.parametrizations.weight.original
            original -= 0.1 * original.grad
    wanted = np.linalg.qr(np.random.default_rng(0).normal(size=w.shape if shape[0] <= shape[1] else w.T.shape))[0]
    wanted = wanted if shape[0] <= shape[1] else wanted.T
    layer.weight = ag.tensor(wanted)
    np.testing.assert_allclose(layer.weight.detach().numpy(), wanted, atol=1e-12)


@pytest.mark.parametrize("shape", [(4, 4), (3, 5)])
def test_reflections_without_a_base_take_an_orthogonal_weight(shape):
    wanted = np.linalg.qr(np.random.default_rng(0).normal(size=(max(shape), min(shape))))[0]
    layer = nn.Linear(*shape).double()
    parametrizations.orthogonal(layer, orthogonal_map="householder", use_trivialization=False)
    layer.weight = ag.tensor(wanted)
    np.testing.assert_allclose(layer.weight.detach().numpy(), wanted, atol=1e-12)
    with pytest.raises(ValueError, match="of shape"):
        layer.weight = ag.tensor(wanted[:2])


def test_a_parametrized_buffer_stays_a_buffer():
    layer = nn.BatchNorm1d(2)
    parametrize.register_parametrization(layer, "running_var", Doubled())
    assert layer.running_var.tolist() == [1, 1]
    assert "parametrizations.running_var.original" in dict(layer.named_buffers())
    parametrize.remove_parametrizations(layer, "running_var")
    assert "running_var" in dict(layer.named_buffers())


def test_a_frozen_weight_stays_frozen():
    layer = parametrizations.weight_norm(nn.Linear(3, 2)).requires_grad_(False)
    parametrize.remove_parametrizations(layer, "weight")
    assert not layer.weight.requires_grad


def test_weight_norm_separates_norm_and_direction():
    layer = nn.Linear(3, 2).double()
    before = layer.weight.detach().numpy()
    parametrizations.weight_norm(layer)
    np.testing.assert_allclose(layer.weight.detach().numpy(), before)
    layer.parametrizations.weight.original0.data = ag.full((2, 1), 5.0, dtype="float64")
    np.testing.assert_allclose(np.linalg.norm(layer.weight.detach().numpy(), axis=1), 5)
    x = ag.ones(1, 3, dtype="float64")
    layer(x).sum().backward()
    v, g = layer.parametrizations.weight.original1, layer.parametrizations.weight.original1.grad
    np.testing.assert_allclose((v * g).sum(dim=1).detach().numpy(), 0, atol=1e-12)  # the norm of v does not matter


def test_weight_norm_loads_what_its_older_form_saved():
    older, layer = (nn.Sequential(f(nn.Linear(3, 2))) for f in (nn.utils.weight_norm, parametrizations.weight_norm))
    layer.load_state_dict(older.state_dict())
    assert layer(ag.ones(3)).tolist() == older(ag.ones(3)).tolist()


def test_spectral_norm_finds_the_largest_singular_value():
    layer = parametrizations.spectral_norm(nn.Conv2d(3, 5, 3).double(), n_power_iterations=5)
    for _ in range(30):
        w = layer.weight
    assert np.linalg.norm(w.detach().numpy().reshape(5, -1), 2) == pytest.approx(1, rel=1e-3)
    layer.eval()
    assert layer.weight.tolist() == layer.weight.tolist()
    assert parametrizations.spectral_norm(nn.Linear(2, 3), "bias").bias.norm().item() == pytest.approx(1)
    layer = parametrizations.spectral_norm(nn.Linear(3, 3, dtype=ag.complex128), n_power_iterations=100)
    assert np.linalg.norm(layer.weight.detach().numpy(), 2) == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize(
    "add, remove, keys",
    [
        (nn.utils.weight_norm, nn.utils.remove_weight_norm, ["bias", "weight_g", "weight_v"]),
        (nn.utils.spectral_norm, nn.utils.remove_spectral_norm, ["bias", "weight_orig", "weight_u", "weight_v"]),
    ],
)
def test_the_older_forms_by_hooks(add, remove, keys):
    layer = nn.Linear(3, 2)
    before = layer.weight.tolist()
    assert add(layer) is layer
    assert list(layer.state_dict()) == keys
    x = ag.ones(1, 3)
    y = layer(x)
    y.sum().backward()
    assert all(p.grad is not None for p in layer.parameters())
    with pytest.raises(RuntimeError, match="already"):
        add(layer)
    y = layer(x).tolist()
    remove(layer)  # as it is, without another step towards the largest singular value
    np.testing.assert_allclose(layer(x).tolist(), y, rtol=1e-6)
    if add is nn.utils.weight_norm:
        np.testing.assert_allclose(layer.weight.tolist(), before, rtol=1e-6)
    with pytest.raises(ValueError, match="not found"):
        remove(layer)


def test_parameters_as_a_vector():
    layer = nn.Linear(2, 3)
    v = nn.utils.parameters_to_vector(layer.parameters())
    assert v.shape == (9,)
    nn.utils.vector_to_parameters(ag.arange(9).float(), layer.parameters())
    assert layer.weight.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert layer.bias.tolist() == [6, 7, 8]


def test_parametrizations_are_transferred():
    source, target = nn.Linear(3, 3), nn.Linear(3, 3)
    parametrizations.weight_norm(source)
    with ag.no_grad():
        source.parametrizations.weight.original0.mul_(2)
    assert parametrize.type_before_parametrizations(source) is parametrize.type_before_parametrizations(target)
    assert parametrize.transfer_parametrizations_and_params(source, target) is target
    assert ag.equal(source.weight, target.weight)
    assert type(target).__bases__ == (nn.Linear,)
    bare = nn.Module()
    parametrize.transfer_parametrizations_and_params(source, bare, "weight")
    assert ag.equal(source.weight, bare.weight)
    assert parametrize.transfer_parametrizations_and_params(nn.Linear(1, 1), bare) is bare
