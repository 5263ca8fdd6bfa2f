"""Lazy layers: what they become, load and keep."""

import copy
import inspect

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn.utils import parametrizations


def test_a_lazy_layer_becomes_what_it_stands_for():
    model = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(5)).double()
    parameters = list(model.parameters())
    assert [p.numel() for p in parameters] == [0, 4, 0, 0, 0, 5]
    assert model[0].has_uninitialized_params()
    waiting = [isinstance(copy.deepcopy(p), nn.UninitializedParameter) for p in parameters]
    assert waiting == [True, False, True, True, True, False]
    assert all(isinstance(p, nn.Parameter) for p in parameters)
    assert model(ag.zeros(2, 3, 8, 8, dtype="float64")).shape == (2, 5)
    assert [type(m) for m in model] == [nn.Conv2d, nn.BatchNorm2d, nn.Flatten, nn.Linear]
    assert all(a is b for a, b in zip(parameters, model.parameters(), strict=True))
    assert [tuple(p.shape) for p in parameters] == [(4, 3, 3, 3), (4,), (4,), (4,), (5, 144), (5,)]
    assert not any(isinstance(p, nn.UninitializedParameter) for p in model.parameters())
    with pytest.raises(RuntimeError, match="has its elements"):
        parameters[0].materialize((2,))
    assert (model[0].in_channels, model[1].num_features, model[3].in_features) == (3, 4, 144)
    assert all(p.dtype == np.float64 for p in parameters)
    assert 0 < abs(model[3].weight.detach().numpy()).max() <= 1 / 12


@pytest.mark.parametrize("lazy", [c for name, c in vars(nn).items() if name.startswith("Lazy")])
def test_its_arguments_are_those_of_the_layer_without_the_input_size(lazy):
    own, whole = (list(inspect.signature(c).parameters) for c in (lazy, lazy.cls_to_become))
    assert own == whole[1:]


def test_a_lazy_model_becomes_what_it_loads():
    complete = nn.Sequential(
        nn.LazyConv2d(4, 3, groups=2),
        nn.LazyBatchNorm2d(),
        nn.LazyConvTranspose2d(6, 2, groups=2),
        nn.Flatten(),
        nn.LazyLinear(3),
    ).eval()
    lazy = copy.deepcopy(complete)
    lazy.load_state_dict(copy.deepcopy(lazy).state_dict())
    assert lazy[0].has_uninitialized_params()
    mixin = nn.modules.lazy.LazyModuleMixin
    assert [isinstance(layer, mixin) for layer in lazy] == [True, True, True, False, True]
    x = ag.ones(1, 6, 5, 5)
    complete(x)
    lazy.load_state_dict(complete.state_dict())
    assert str(lazy) == str(complete)
    assert not any(isinstance(layer, mixin) for layer in lazy)
    assert ag.equal(lazy(x), complete(x))
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        complete[4].load_state_dict(nn.LazyLinear(3).state_dict())


@pytest.mark.parametrize(
    ("lazy", "complete", "shape"),
    [
        (lambda: nn.LazyLinear(2), lambda: nn.Linear(4, 2), (3, 4)),
        (lambda: nn.LazyConv2d(2, 3), lambda: nn.Conv2d(3, 2, 3), (1, 3, 5, 5)),
        (lambda: nn.LazyConvTranspose1d(2, 3), lambda: nn.ConvTranspose1d(3, 2, 3), (1, 3, 5)),
        (nn.LazyBatchNorm1d, lambda: nn.BatchNorm1d(2), (3, 2)),
    ],
)
def test_random_numbers_are_drawn_when_the_size_is_known(lazy, complete, shape):
    ag.manual_seed(0)
    layer, other, first = lazy(), lazy(), ag.rand(1)
    layer(ag.ones(shape))
    drawn = ag.rand(1)
    ag.manual_seed(0)
    assert ag.equal(first, ag.rand(1))
    expected = complete()
    assert all(ag.equal(a, b) for a, b in zip(layer.parameters(), expected.parameters(), strict=True))
    assert ag.equal(drawn, ag.rand(1))
    state = ag.get_rng_state()
    other.load_state_dict(layer.state_dict())
    assert ag.equal(state, ag.get_rng_state())


class Outer(nn.modules.lazy.LazyModuleMixin, nn.Module):
    def __init__(self, rank):
        super().__init__()
        self.rank, self.weight = rank, nn.UninitializedParameter(dtype=ag.float64)

    def initialize_parameters(self, x, y=None):
        if self.rank:
            self.weight.materialize((x.shape[-1], self.rank))
            nn.init.ones_(self.weight)

    def forward(self, x, y=None):
        return x @ self.weight


class Complete(Outer):
    pass


def test_a_module_of_a_program_can_be_lazy():
    lazy = Outer(2)
    lazy.cls_to_become = Complete
    (weight,) = lazy.parameters()
    assert isinstance(weight, nn.UninitializedParameter)
    assert (lazy.has_uninitialized_params(), weight.requires_grad, weight.dtype) == (True, True, np.float64)
    assert lazy(ag.ones(1, 3, dtype=ag.float64), y=1).tolist() == [[3, 3]]
    assert list(lazy.parameters()) == [weight]
    assert (type(lazy), lazy.has_uninitialized_params(), type(weight)) == (Complete, False, ag.Tensor)
    lazy(ag.ones(2, 3, dtype=ag.float64))  # is not asked again
    other = Outer(2)
    other.load_state_dict(other.state_dict())
    assert other.has_uninitialized_params()
    other.load_state_dict(lazy.state_dict())
    assert ag.equal(other.weight, weight)
    with pytest.raises(RuntimeError, match="left parameters without elements"):
        Outer(0)(ag.ones(1, 3))
    with pytest.raises(NotImplementedError, match="initialize_parameters"):
        nn.modules.lazy.LazyModuleMixin.initialize_parameters(lazy)


def test_a_lazy_layer_keeps_its_hooks_and_mode():
    layer, seen = nn.LazyLinear(2).eval(), []
    layer.register_forward_hook(lambda *_: seen.append(1))
    layer(ag.zeros(1, 3))
    assert (seen, layer.training) == ([1], False)
    with pytest.raises(RuntimeError, match="cannot infer its number of inputs"):
        nn.LazyConv3d(1, 1)(ag.zeros(2, 2))


@pytest.mark.parametrize("name", ("weight_norm", "spectral_norm"))
@pytest.mark.parametrize("form", (nn.utils, parametrizations), ids=("hook", "parametrization"))
def test_what_replaces_a_weight_asks_for_its_elements(form, name):
    layer, normalise = nn.LazyLinear(3), getattr(form, name)
    with pytest.raises(ValueError, match="run the module once before"):
        normalise(layer)
    layer(ag.ones(2, 4))
    assert normalise(layer)(ag.ones(2, 4)).shape == (2, 3)


def test_every_lazy_layer_names_what_it_becomes():
    lazy = [name for name in nn.__all__ if name.startswith("Lazy")]
    assert lazy
    assert all(getattr(nn, name).cls_to_become is getattr(nn, name.removeprefix("Lazy")) for name in lazy)


def test_a_subclass_shows_its_own_constructor():
    class Wide(nn.LazyLinear):
        def __init__(self, width, factor=2):
            super().__init__(width * factor)

    class Renamed(nn.LazyLinear):
        pass

    assert str(inspect.signature(Wide)) == "(width, factor=2)"
    assert inspect.signature(Renamed) == inspect.signature(nn.LazyLinear)
