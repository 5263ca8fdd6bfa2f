import copy
import pickle
from functools import partial

import pytest

import autograd_core as ag
import nn
from nn.utils import prune


def layer(weight):
    made = nn.Linear(len(weight[0]), len(weight), bias=False)
    made.weight.data = ag.tensor(weight)
    return made


def test_the_smallest_are_pruned_first_and_stay_so():
    a = layer([[1.0, -2.0, 3.0], [-4.0, 5.0, 6.0]])
    original = a.weight
    prune.l1_unstructured(a, "weight", 2)
    assert a.weight_mask.tolist() == [[0, 0, 1], [1, 1, 1]]
    prune.l1_unstructured(a, "weight", 0.5)
    assert a.weight.tolist() == [[0, 0, 0], [0, 5, 6]]
    prune.ln_structured(a, "weight", 1, n=2, dim=0, importance_scores=ag.tensor([[9.0] * 3, [1.0] * 3]))
    assert a.weight.tolist() == [[0, 0, 0], [0, 0, 0]]
    assert [type(m).__name__ for m in prune._method_of(a, "weight")] == ["L1Unstructured"] * 2 + ["LnStructured"]
    assert a.weight_orig is original
    assert prune.is_pruned(nn.Sequential(a))


@pytest.mark.parametrize(
    ("method", "dtype", "mask"),
    [
        (partial(prune.random_unstructured, amount=3), "float32", [[0, 1, 1, 1], [1, 0, 1, 0], [1, 1, 1, 1]]),
        (partial(prune.random_unstructured, amount=3), "float64", [[1, 1, 1, 1], [0, 1, 1, 0], [0, 1, 1, 1]]),
        (partial(prune.random_structured, amount=1, dim=0), "float32", [[1, 1, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1]]),
        (partial(prune.random_structured, amount=2, dim=1), "float64", [[1, 0, 0, 1]] * 3),
    ],
)
def test_random_numbers_decide_as_in_pytorch(method, dtype, mask):
    a = layer([[1.0] * 4] * 3).to(dtype=dtype)
    ag.manual_seed(1)
    assert method(a, "weight").weight_mask.tolist() == mask


def test_what_is_pruned_gets_no_gradient():
    a = prune.ln_structured(layer([[1.0, 2.0], [3.0, 1.0]]), "weight", 1, n=float("inf"), dim=1)
    assert a.weight_mask.tolist() == [[1, 0], [1, 0]]
    for _ in range(2):  # the weight is computed anew
        a(ag.ones(1, 2)).sum().backward()
    assert a.weight_orig.grad.tolist() == [[2, 0], [2, 0]]
    assert list(a.state_dict()) == ["weight_orig", "weight_mask"]
    other = prune.identity(layer([[0.0, 0.0]] * 2), "weight")
    other.load_state_dict(a.state_dict())
    assert other(ag.ones(1, 2)).tolist() == [[1, 3]]


def test_a_pruned_weight_becomes_ordinary():
    a = prune.custom_from_mask(layer([[1.0, 2.0]]), "weight", ag.tensor([[0, 1]]))
    prune.remove(a, "weight")
    assert [name for name, _ in a.named_parameters()] == ["weight"]
    assert a.weight.tolist() == [[0, 2]]
    assert not prune.is_pruned(a)
    assert copy.deepcopy(a)(ag.ones(2)).tolist() == [2]
    with pytest.raises(ValueError, match="is not pruned"):
        prune.remove(a, "weight")


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize(
    "make", [partial(prune.l1_unstructured, amount=1), nn.utils.weight_norm, nn.utils.spectral_norm]
)
def test_copies_of_modules_that_compute_weights_go_on(make, copied):
    a = make(layer([[1.0, 2.0]]), name="weight")
    twin = copied(a)
    assert twin.weight.tolist() == a.weight.tolist()
    twin.eval()(ag.ones(2)).sum().backward()
    assert all(p.grad is None for p in a.parameters())
    assert all(p.grad is not None for p in twin.parameters())


def test_several_weights_as_one():
    a, b = layer([[1.0, 5.0]]), layer([[2.0, 3.0], [4.0, 6.0]])
    prune.l1_unstructured(a, "weight", 1)
    prune.global_unstructured([(a, "weight"), (b, "weight")], prune.L1Unstructured, amount=2)
    assert (a.weight.tolist(), b.weight.tolist()) == ([[0, 5]], [[0, 0], [4, 6]])
    with pytest.raises(TypeError, match="slices"):
        prune.global_unstructured([(a, "weight")], prune.LnStructured, amount=1, n=1)


@pytest.mark.parametrize("kind, kept", [(prune.RandomUnstructured, 6), (prune.RandomStructured, 6)])
def test_by_chance(kind, kept):
    t = ag.ones(3, 4)
    assert kind(0.5).prune(t).sum() == kept
    assert kind(0).prune(t).sum() == 12


def test_what_is_refused():
    a = layer([[1.0, 2.0]])
    for error, amount in ((TypeError, "all"), (ValueError, -1), (ValueError, 1.5), (ValueError, 3)):
        with pytest.raises(error):
            prune.l1_unstructured(a, "weight", amount)
    with pytest.raises(IndexError, match="dim 2"):
        prune.random_structured(a, "weight", 1, dim=2)
    with pytest.raises(ValueError, match="two axes"):
        prune.RandomStructured(1).prune(ag.ones(2))
    with pytest.raises(AssertionError, match="importance_scores"):
        prune.l1_unstructured(a, "weight", 1, importance_scores=ag.ones(2))
    with pytest.raises(TypeError, match="not a pruning method"):
        prune.PruningContainer("all")
    assert [name for name, _ in a.named_parameters()] == ["weight"]
