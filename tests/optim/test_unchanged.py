"""A step that is refused, or that its closure ends, leaves parameters and state as they were."""

import copy
from functools import partial

import pytest

import autograd_core as ag
import optim

METHODS = {
    "SGD": partial(optim.SGD, lr=0.1),
    "SGD with momentum": partial(optim.SGD, lr=0.1, momentum=0.9),
    "LARS": partial(optim.LARS, lr=0.1),
    "SAM": partial(optim.SAM, base_optimizer=optim.SGD, lr=0.1),
    **{
        name: getattr(optim, name)
        for name in (
            *("Adam", "AdamW", "NAdam", "RAdam", "Adamax", "Lion", "Adagrad", "Adadelta", "RMSprop", "Rprop", "ASGD"),
            *("LAMB", "Adafactor", "Muon"),
        )
    },
}
SHAPES = [(3, 4), (300, 300), (5, 2)]  # gathered with others, and alone
both = pytest.mark.parametrize("taken", [0, 2], ids=["first", "later"])


def prepared(make, taken, shapes=SHAPES):
    """An optimizer of two groups that has taken some steps, and its parameters, which have gradients."""
    params = [ag.ones(shape, requires_grad=True) for shape in shapes]
    optimizer = make([{"params": params[:-1]}, {"params": params[-1:]}])
    for p in params:
        p.grad = ag.full(p.shape, 0.5)
    for _ in range(taken):
        for p in params:
            p.grad = ag.full(p.shape, 0.5)
        optimizer.step(lambda: None)
    for p in params:
        p.grad = ag.full(p.shape, 0.5)
    return optimizer, params


def contents(optimizer, params):
    return repr((copy.deepcopy(optimizer.state_dict()), [p.detach() for p in params]))


def refuse(optimizer, params, message):
    before = contents(optimizer, params)
    with pytest.raises(RuntimeError, match=message):
        optimizer.step(lambda: None)
    assert contents(optimizer, params) == before


@both
@pytest.mark.parametrize("shape", [(5, 3), (1, 2), (50_000, 2)])
@pytest.mark.parametrize("name", METHODS)
def test_a_gradient_of_another_shape_than_its_parameter(name, shape, taken):
    optimizer, params = prepared(METHODS[name], taken)
    params[-1].data = ag.ones(shape)  # after its gradient was computed
    refuse(optimizer, params, rf"shape \({shape[0]}, {shape[1]}\) has a gradient of shape \(5, 2\)")


@both
@pytest.mark.parametrize(
    "make, message",
    [
        (METHODS["SGD"], None),
        (METHODS["SGD with momentum"], None),
        (optim.Adam, "Adam does not support sparse gradients"),
        (optim.Muon, "Muon does not support sparse gradients"),
        (partial(optim.SGD, lr=0.1, weight_decay=0.1), "weight_decay option is not compatible"),
        (partial(optim.Adagrad, weight_decay=0.1), "weight_decay option is not compatible"),
    ],
)
def test_a_sparse_gradient(make, message, taken):
    optimizer, params = prepared(make, taken)
    params[-1].grad = ag.full(params[-1].shape, 0.5).to_sparse(1)
    if message is None:
        optimizer.step()
    else:
        refuse(optimizer, params, message)


def test_a_dense_gradient_beside_sparse_ones():
    optimizer, params = prepared(optim.SparseAdam, 0)
    params[0].grad, params[1].grad = params[0].grad.to_sparse(1), None
    refuse(optimizer, params, "does not support dense gradients")


@pytest.mark.parametrize("name", ["LARS", "LAMB", "Adafactor", "Muon"])
def test_a_complex_parameter(name):
    optimizer, params = prepared(METHODS[name], 0)
    params[-1].data = params[-1].detach() * 1j
    refuse(optimizer, params, "does not support complex parameters")


@pytest.mark.parametrize(
    "make",
    [
        METHODS["SAM"],
        partial(optim.LBFGS, line_search_fn="strong_wolfe"),
        partial(optim.GeneticAlgorithm, population_size=5, survivors=2),
        partial(optim.EvolutionStrategy, population_size=4),
    ],
)
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_closure_that_raises_at_another_point(make, error):
    w = ag.full((3,), 2.0, requires_grad=True)
    optimizer = make([w])
    start = w.tolist()

    def closure(fails=True):
        if fails and w.tolist() != start:
            raise error("here")
        with ag.enable_grad():
            loss = (w**4).sum()
            optimizer.zero_grad()
            loss.backward()
        return loss

    with pytest.raises(error, match="here"):
        optimizer.step(closure)
    assert w.tolist() == start
    optimizer.step(lambda: closure(fails=False))
