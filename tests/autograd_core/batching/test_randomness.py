"""Random numbers inside `vmap`: one for all samples, or one for each."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core import distributions as D
from autograd_core.func import vmap


def close(a, b, tolerance=1e-10):
    a, b = (x.numpy(force=True) if isinstance(x, ag.Tensor) else x for x in (a, b))
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


DRAWS = {
    "randint": lambda x: ag.randint(0, 1000, (50,)),
    "randperm": lambda x: ag.randperm(50),
    "poisson": ag.poisson,
    "binomial": lambda x: ag.binomial(x.floor(), ag.full((50,), 0.5, dtype="float64")),
    "gamma": lambda x: D.Gamma(x, 1.0).sample(),
}


@pytest.mark.parametrize("name", DRAWS)
def test_every_kind_of_draw_differs_between_samples(name):
    draws = vmap(DRAWS[name], randomness="different")(ag.full((3, 50), 20.0, dtype="float64"))
    assert (draws.shape, len({tuple(row) for row in draws.tolist()})) == ((3, 50), 3)


def test_random_numbers_for_each_sample_or_for_all():
    x = ag.zeros(4, 100)
    different = vmap(lambda x: x + ag.rand(100), randomness="different")(x)
    same = vmap(lambda x: x + ag.rand(100), randomness="same")(x)
    assert len({tuple(row) for row in different.tolist()}) == 4
    assert len({tuple(row) for row in same.tolist()}) == 1
    in_parts = vmap(lambda x: x + ag.rand(100), randomness="same", chunk_size=3)(x)
    assert len({tuple(row) for row in in_parts.tolist()}) == 1
    dropped = vmap(lambda x: nn.functional.dropout(x + 1), randomness="different")(x)
    assert len({tuple(row) for row in dropped.tolist()}) == 4
    weights = ag.ones(100)
    for replaced in (True, False):
        drawn = vmap(lambda x, r=replaced: x[:50] + weights.multinomial(50, r), randomness="different")(x)
        assert len({tuple(row) for row in drawn.tolist()}) == 4
    inner = vmap(vmap(lambda x: x + ag.randn(10), randomness="different"), randomness="same")(ag.zeros(3, 4, 10))
    assert len({tuple(row) for rows in inner.tolist() for row in rows}) == 4


def test_distributions_are_made_of_parameters_of_samples():
    x = ag.full((3, 50), 20.0)
    draws = vmap(lambda x: D.Normal(x, x).sample(), randomness="different")(x)
    assert len({tuple(row) for row in draws.tolist()}) == 3
    close(vmap(lambda x, y: D.Normal(x, x).log_prob(y))(x, draws), D.Normal(x, x).log_prob(draws), 1e-6)
    draws = vmap(nn.functional.gumbel_softmax, randomness="different")(x)
    assert len({tuple(row) for row in draws.tolist()}) == 3
    with pytest.raises(ValueError, match="scale"):
        vmap(lambda x: D.Normal(x, x))(ag.tensor([[1.0], [-1.0]]))
