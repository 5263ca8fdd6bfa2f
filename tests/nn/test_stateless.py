import math

import pytest

import autograd_core as ag
import nn


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.tied = self.layer.bias

    def forward(self, x):
        return self.layer(x) + self.tied


W, B, C, X = (ag.tensor([[2.0]]), ag.tensor([5.0]), ag.tensor([7.0]), ag.ones(1, 1))


def call(given, **options):
    return nn.functional_call(Tied(), given, X, **options).item()


def test_what_is_tied_is_replaced_once_or_alike():
    assert call({"layer.weight": W, "layer.bias": B}, strict=True) == 12
    assert call({"layer.weight": W, "layer.bias": B, "tied": B}) == 12
    assert call({"layer.weight": W, "layer.bias": B, "tied": C}, tie_weights=False) == 14
    with pytest.raises(ValueError, match="'tied'"):
        call({"layer.weight": W, "layer.bias": B, "tied": C})


def test_modules_that_lie_in_several_places_and_in_themselves():
    model = Tied()
    model.layer.above, model.again = model, model.layer
    assert model(X).item() != 14
    given = {"layer.above.again.weight": W, "layer.bias": B, "again.above.tied": C}
    assert nn.functional_call(model, given, X, tie_weights=False).item() == 14
    given.pop("again.above.tied")
    assert nn.functional_call(model, given, X).item() == 12
    assert nn.functional_call(model, given, X, strict=True).item() == 12


def test_what_is_no_dict_is_refused():
    with pytest.raises(ValueError, match="dict of tensors by path"):
        nn.functional_call(nn.Linear(1, 1), 3, ag.ones(1))


def test_strict_means_nothing_missing_and_nothing_else():
    assert call({"layer.weight": W, "layer.bias": B, "more": C}) == 12
    with pytest.raises(RuntimeError, match="there is no more"):
        call({"layer.weight": W, "layer.bias": B, "more": C}, strict=True)
    with pytest.raises(RuntimeError, match="tied were not given"):
        call({"layer.weight": W}, strict=True)
    for misplaced in ("later.weight", "layer.in_features", "layer."):
        with pytest.raises(KeyError, match="has no parameter or buffer"):
            call({misplaced: W})


def test_tensors_that_the_module_replaces_are_put_into_the_dict():
    class Counter(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("count", ag.tensor(0))

        def forward(self, x):
            self.count = self.count + 1
            return x + self.count

    model, count = Counter(), ag.tensor(5)
    given = {"count": count}
    assert [nn.functional_call(model, given, X).item() - X.item() for _ in range(2)] == [6, 7]
    assert (given["count"].item(), count.item(), model.count.item()) == (7, 5, 0)
    nn.functional_call(model, (given,), X)
    assert given["count"].item() == 7


def test_a_module_holds_other_tensors_in_a_block():
    from autograd_core.nn.utils.stateless import _reparametrize_module

    model = Tied()
    before, given = model.layer.bias, {"layer.bias": B, "layer.weight": W}
    with _reparametrize_module(model, given):
        assert (model(X) - model.tied).item() == 7  # a second path of the bias keeps its tensor
        model.layer.bias = other = nn.Parameter(C)
    assert model.layer.bias is model.tied is before
    assert given["layer.bias"] is other
    with _reparametrize_module(model, {"layer.bias": B}, tie_weights=True):
        assert model.tied is B


def test_the_module_itself_is_called_and_gets_its_tensors_back():
    class Chain(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(1, 1), nn.Linear(1, 1)
            self.layers = [self.first, self.second]  # a plain list

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            self.seen = x.item()
            if x > 99:
                raise ValueError("too large")
            return x

    model, seen = Chain(), []
    before = model(X).item()
    model.second.register_forward_hook(lambda module, *_: seen.append(module))
    given = {"first.weight": W, "first.bias": B, "second.weight": W, "second.bias": B}
    assert nn.functional_call(model, given, X).item() == model.seen == 19
    assert seen == [model.second]
    with pytest.raises(ValueError, match="too large"):
        nn.functional_call(model, given | {"second.bias": B * 99}, X)
    assert model(X).item() == before


def test_a_checkpoint_is_repeated_with_the_replaced_tensors():
    model = nn.Sequential(nn.Linear(1, 1), nn.Tanh())
    given = {"0.weight": ag.tensor([[0.5]], requires_grad=True), "0.bias": ag.zeros(1)}
    model.forward = lambda x, forward=model.forward: ag.checkpoint(forward, x)
    nn.functional_call(model, given, X).sum().backward()
    assert given["0.weight"].grad.item() == pytest.approx(1 - math.tanh(0.5) ** 2)
