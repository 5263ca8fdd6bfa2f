"""Random numbers of several distributions: moments, ranges, repeatability and wrong parameters."""

import math

import pytest

import autograd_core as ag
from autograd_core.errors import OperandError

N = 20_000
# Call on a tensor of N zeros, mean, standard deviation.
MOMENTS = {
    "exponential": (lambda x: x.exponential_(2.0), 0.5, 0.5),
    "geometric": (lambda x: x.geometric_(p=0.25), 4.0, math.sqrt(12)),
    "log of log-normal": (lambda x: x.log_normal_(0.5, 0.25).log(), 0.5, 0.25),
    "arctangent of Cauchy": (lambda x: ((x.cauchy_(3, sigma=2) - 3) / 2).atan(), 0.0, math.pi / math.sqrt(12)),
    "whole numbers": (lambda x: x.random_(2, 5), 3.0, math.sqrt(2 / 3)),
    "whole numbers below": (lambda x: x.random_(3), 1.0, math.sqrt(2 / 3)),
    "whole numbers from": (lambda x: x.random_(2**24 - 3, None) - (2**24 - 2), 0.5, math.sqrt(5 / 4)),
    "poisson": (lambda x: ag.poisson(x + 3), 3.0, math.sqrt(3)),
    "binomial": (lambda x: ag.binomial(x + 10, x + 0.3), 3.0, math.sqrt(2.1)),
}


@pytest.mark.parametrize("device", ["cpu", "refusing"])
@pytest.mark.parametrize("name", MOMENTS)
def test_moments(name, device):
    draw, mean, deviation = MOMENTS[name]
    ag.manual_seed(1)
    y = draw(ag.zeros(N, device=device))
    assert y.mean().item() == pytest.approx(mean, abs=5 * deviation / math.sqrt(N))
    assert y.std().item() == pytest.approx(deviation, rel=0.05)
    ag.manual_seed(1)
    assert ag.equal(draw(ag.zeros(N, device=device)), y)


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "uint8", "int64", "bool"])
def test_whole_numbers_without_bounds_fit_the_dtype(dtype):
    x = ag.zeros(200, dtype=dtype).random_()
    assert x.dtype == dtype
    assert bool((x >= 0).all())
    assert not bool((x == x[0]).all())


def test_whole_numbers_from_the_whole_range_of_int64():
    x = ag.zeros(200, dtype=ag.int64).random_(-(2**63), None)
    assert bool((x < -(2**61)).any())
    assert bool((x > 2**61).any())


IMPOSSIBLE = {
    "exponential": lambda x: x.exponential_(0),
    "geometric": lambda x: x.geometric_(1.5),
    "cauchy": lambda x: x.cauchy_(0, -1),
    "log-normal": lambda x: x.log_normal_(0, 0),
    "whole numbers": lambda x: x.random_(3, 3),
    "whole numbers beyond the dtype": lambda x: x.to(ag.int8).random_(0, 129),
    "negative whole numbers": lambda x: x.to(ag.uint8).random_(-1, 5),
    "poisson": lambda x: ag.poisson(x - 1),
    "binomial": lambda x: ag.binomial(x, x + 2),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_impossible_parameters_are_refused_and_nothing_is_written(name):
    x = ag.zeros(3)
    with pytest.raises(OperandError, match="needs"):
        IMPOSSIBLE[name](x)
    assert x.tolist() == [0, 0, 0]


def test_unknown_parameters_are_refused():
    with pytest.raises(TypeError, match="unexpected keyword argument 'rate'"):
        ag.zeros(3).exponential_(rate=2)
    with pytest.raises(TypeError, match="takes a tensor, not float"):
        ag.binomial(ag.ones(3), 0.5)


@pytest.mark.parametrize(
    "name, numbers",
    [
        ("uniform_", (-1.0, 2.0)),
        ("normal_", (1.0, 2.0)),
        ("exponential_", (3.0,)),
        ("geometric_", (0.5,)),
        ("cauchy_", (1.0, 2.0)),
        ("log_normal_", (1.0, 2.0)),
        ("random_", (1, 9)),
    ],
)
def test_parameters_in_tensors(name, numbers):
    drawn = []
    for parameters in (numbers, ag.tensor(numbers).unbind()):
        ag.manual_seed(3)
        drawn.append(getattr(ag.zeros(50), name)(*parameters))
    assert drawn[0].tolist() == drawn[1].tolist()
    assert drawn[0].unique().numel() > 1


def test_a_probability_for_each_element():
    x = ag.full((3, 2), 7, dtype=ag.int64)
    assert x.bernoulli_(ag.tensor([0.0, 1.0])) is x
    assert x.tolist() == [[0, 1]] * 3
    with pytest.raises(OperandError, match="probabilities must lie between 0 and 1"):
        x.bernoulli_(ag.tensor([0.0, 1.5]))


def test_python_functions_of_single_elements():
    x = ag.tensor([[1, 2], [3, 4]])
    assert x.apply_(lambda a: a * a) is x
    assert x.tolist() == [[1, 4], [9, 16]]
    assert ag.tensor([1.0, 2.0]).map_(ag.tensor(3.0), lambda a, b: a - b).tolist() == [-2, -1]
    assert ag.zeros(2).map2_(ag.ones(2), ag.ones(2), lambda a, b, c: a + b + c).tolist() == [2, 2]
    with pytest.raises(OperandError, match="not recorded"):
        ag.ones(2, requires_grad=True).apply_(abs)
