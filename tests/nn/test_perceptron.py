"""The perceptron: its threshold, its rule, its convergence, and logic made of it."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import autograd_core as ag
import nn
from nn.models.gates import GATES


def slide(x, w, threshold):
    """The program on the slide."""
    return 0 if np.sum(x * w) < threshold else 1


@given(arrays(float, 3, elements=st.integers(-4, 4)), arrays(float, 3, elements=st.integers(-4, 4)), st.integers(-4, 4))
def test_it_is_the_program_of_the_slide(x, w, threshold):
    neuron = nn.Perceptron(3)
    neuron.weight.data, neuron.bias.data = ag.tensor(w), ag.tensor(-float(threshold))
    assert neuron(ag.tensor(x)).item() == slide(x, w, threshold)


def test_rule():
    neuron = nn.Perceptron(2, bias=False).double()
    neuron.weight.data = ag.tensor([1.0, -1.0], dtype="float64")
    assert neuron.correct(ag.tensor([1.0, 3.0], dtype="float64"), 1) is True  # w·x = -2 is on the wrong side
    assert neuron.weight.tolist() == [2, 2]
    assert neuron.correct(ag.tensor([1.0, 3.0], dtype="float64"), 1) is False
    assert neuron.correct(ag.tensor([1.0, -1.0], dtype="float64"), -1) is True  # on the boundary
    assert neuron.weight.tolist() == [1, 3]


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 5))
def test_separable_classes_are_learned_within_novikoffs_bound(seed, count, dimensions):
    random = np.random.default_rng(seed)
    direction = random.normal(size=dimensions)
    direction /= np.linalg.norm(direction)
    x = random.normal(size=(count, dimensions))
    margins = x @ direction
    assume(abs(margins).min() > 0.05)
    neuron = nn.Perceptron(dimensions, bias=False).double()
    corrections = neuron.learn(ag.tensor(x), ag.tensor(np.sign(margins)), max_epochs=10**5)
    assert corrections <= (np.linalg.norm(x, axis=1).max() / abs(margins).min()) ** 2
    assert (neuron(ag.tensor(x)).numpy() == (margins > 0)).all()


def test_what_cannot_be_learned():
    corners = ag.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    assert nn.Perceptron(2).learn(corners, ag.tensor([1.0, 1.0, 1.0, -1.0])) > 0
    with pytest.raises(RuntimeError, match="of 4 samples were wrong after 50 epochs"):
        nn.Perceptron(2).learn(corners, ag.tensor([1.0, -1.0, -1.0, 1.0]), max_epochs=50)  # exclusive or
    with pytest.raises(RuntimeError, match="4 of 4 samples were wrong after 0 epochs"):
        nn.Perceptron(2).learn(corners, ag.tensor([1.0, 1.0, 1.0, -1.0]), max_epochs=0)
    assert nn.Perceptron(2).learn(corners.tolist(), [1, 1, 1, 0]) > 0
    with pytest.raises(ValueError, match=r"1 and -1, or 1 and 0, not \[0, 1, 2\]"):
        nn.Perceptron(2).learn(corners, [0, 1, 2, 0])
    with pytest.raises(ValueError, match="4 samples do not go with 2 classes"):
        nn.Perceptron(2).learn(corners, [0, 1])


TRUTH = {
    "nand": lambda a, b: [not (a and b)],
    "not": lambda a: [not a],
    "and": lambda a, b: [a and b],
    "or": lambda a, b: [a or b],
    "nor": lambda a, b: [not (a or b)],
    "xor": lambda a, b: [a != b],
    "xnor": lambda a, b: [a == b],
    "half_adder": lambda a, b: [a != b, a and b],
    "full_adder": lambda a, b, c: [(a + b + c) % 2, a + b + c > 1],
}


@pytest.mark.parametrize("name", GATES)
def test_gates_of_nand(name):
    gate = nn.models.logic_gate(name)
    assert (gate.nand.weight.tolist(), gate.nand.bias.item()) == ([-2, -2], 3)
    for bits in itertools.product([0, 1], repeat=gate.inputs):
        assert gate(ag.tensor([float(b) for b in bits])).tolist() == [float(v) for v in TRUTH[name](*bits)]


def test_gates_refuse():
    with pytest.raises(ValueError, match="half_adder"):
        nn.models.logic_gate("maybe")
    with pytest.raises(RuntimeError, match="2 inputs"):
        nn.models.logic_gate("and")(ag.ones(3))


def test_a_small_change_flips_a_perceptron_and_not_a_sigmoid():
    neuron = nn.models.nand()
    x = ag.tensor([1.0, 1.0])
    assert neuron(x).item() == 0
    neuron.bias += 1.0
    before = ag.sigmoid(neuron.score(x) - 1e-3).item()
    assert neuron(x).item() == 1
    assert abs(ag.sigmoid(neuron.score(x)).item() - before) < 1e-3


def test_cascade_correlation_grows_until_it_knows_exclusive_or():
    ag.manual_seed(0)
    x = ag.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = ag.tensor([[0.0], [1.0], [1.0], [0.0]])
    model = nn.models.cascade_correlation(2, 1)
    errors = [model.fit_output(x, y)]
    covariance = model.grow(x, y)
    kept = model.hidden[0].tolist()
    errors.append(model.fit_output(x, y))
    assert errors[0] == pytest.approx(0.25)
    assert errors[1] < 1e-3
    assert covariance > 0.5
    assert [tuple(p.shape) for p in model.parameters() if p.requires_grad] == [(1, 4)]
    model.grow(x, y, candidates=2, steps=5)
    assert model.hidden[0].tolist() == kept
    assert model.hidden[1].shape == (4,)
    assert model(x).shape == (4, 1)
