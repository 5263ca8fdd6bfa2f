"""Calls of vmap inside each other: what runs sample by sample, and random numbers."""

import pytest

import autograd_core as ag
import nn
from autograd_core import func
from autograd_core.errors import VmapError
from autograd_core.func import vmap

PLACES = ag.tensor([[0], [2], [1]])


def test_samples_of_an_outer_call_run_one_after_the_other():
    def filled(place):
        return vmap(lambda x: ag.zeros(3).index_fill(0, place, 1) * x)

    x = ag.tensor([1.0, 2.0])
    expected = ag.one_hot(PLACES, 3) * x[:, None]
    assert vmap(lambda place: filled(place)(x))(PLACES).tolist() == expected.tolist()
    around = vmap(lambda y: vmap(lambda place: filled(place)(x) + y)(PLACES))(ag.tensor([0.0, 5.0]))
    assert around.tolist() == ag.stack([expected, expected + 5]).tolist()


def test_gradients_pass_what_runs_one_after_the_other():
    masks, weights = ag.tensor([[True, False, True], [False, True, True]]), ag.arange(3.0)

    def total(values):
        def written(mask):
            return vmap(lambda w: w * ag.masked_scatter(ag.zeros(3), mask, values).square().sum())(weights)

        return vmap(written)(masks).sum()

    assert func.grad(total)(ag.tensor([1.0, 2.0, 4.0])).tolist() == [2 * 3 * 2 * 1, 2 * 3 * 2 * 2, 0]


def test_each_sample_has_a_gradient_of_what_all_share():
    counts, weights = ag.tensor([[1, 2], [3, 0]]), ag.arange(6.0).reshape(2, 3)

    def total(counts, weights):
        return lambda x: x.repeat_interleave(counts, output_size=3) @ weights

    x = ag.ones(2)
    of_each = vmap(lambda c, w: func.grad(total(c, w))(x))
    assert of_each(counts, weights).tolist() == [[0, 3], [12, 0]]
    of_pairs = vmap(lambda c: vmap(lambda w: func.grad(total(c, w))(x))(weights))
    assert of_pairs(counts).tolist() == [[[0, 3], [3, 9]], [[3, 0], [12, 0]]]


class Noisy(ag.Function):
    @staticmethod
    def forward(ctx, x):
        return x * float(x.sum()) + ag.rand(4)

    @staticmethod
    def backward(ctx, g):
        return g


def test_numbers_for_samples_further_inside_are_not_shared_silently():
    def drawn(randomness):
        inner = vmap(lambda x, y: Noisy.apply(x) + y, (None, 0), randomness=randomness)
        return vmap(lambda x: inner(x, ag.zeros(3, 1)), randomness="different")(ag.ones(2, 4))

    with pytest.raises(VmapError):
        drawn("different")
    same = drawn("same")
    assert len({tuple(row) for row in same[0].tolist()}) == 1
    assert same[0, 0].tolist() != same[1, 0].tolist()


def test_parameters_of_draws_may_differ_further_outside():
    inner = vmap(lambda rate, x: ag.poisson(rate) + x, (None, 0), randomness="same")
    drawn = vmap(lambda rate: inner(rate, ag.zeros(2, 1)), randomness="different")(ag.full((3, 50), 9.0))
    assert len({tuple(row) for rows in drawn.tolist() for row in rows}) == 3


@pytest.mark.parametrize("loss", [nn.functional.nll_loss, nn.functional.multi_margin_loss])
def test_places_that_differ_inside_take_values_that_differ_outside(loss):
    x, targets, weights = ag.randn(2, 3, dtype=ag.float64), ag.tensor([[0, 2], [1, 0]]), ag.tensor([1.0, 2, 3])

    def slope(target, weight):
        return func.grad(lambda x: loss(x, target) * weight)(x)

    found = vmap(lambda weight: vmap(lambda target: slope(target, weight))(targets))(weights)
    expected = ag.stack([ag.stack([slope(target, weight) for target in targets]) for weight in weights])
    ag.testing.assert_close(found, expected)
