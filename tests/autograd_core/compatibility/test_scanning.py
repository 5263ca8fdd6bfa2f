"""Running results of an associative function."""

import pytest
from autograd_core._higher_order_ops.associative_scan import associative_scan

import autograd_core as ag
from autograd_core.testing import gradcheck


@pytest.mark.parametrize("length", [1, 2, 3, 6, 9])
def test_running_sums_and_products(length):
    ag.manual_seed(0)
    x = ag.randn(2, length, 3, dtype=ag.float64)
    assert ag.allclose(associative_scan(lambda a, b: a + b, x, 1), x.cumsum(1))
    backwards = associative_scan(lambda a, b: a * b, x, -2, reverse=True)
    assert ag.allclose(backwards, x.flip(1).cumprod(1).flip(1))


def test_a_linear_recurrence():
    ag.manual_seed(0)
    factors, terms = (ag.randn(7, 2, dtype=ag.float64, requires_grad=True) for _ in range(2))

    def states(factors, terms):
        def combine(left, right):
            return {"a": left["a"] * right["a"], "b": right["a"] * left["b"] + right["b"]}

        return associative_scan(combine, {"a": factors, "b": terms}, 0)["b"]

    state, expected = ag.zeros(2, dtype=ag.float64), []
    for factor, term in zip(factors, terms, strict=True):
        state = factor * state + term
        expected.append(state)
    assert ag.allclose(states(factors, terms), ag.stack(expected))
    assert gradcheck(states, (factors, terms))
