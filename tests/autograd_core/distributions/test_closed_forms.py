"""Transformed distributions that know their densities themselves: they agree with what they are transforms of."""

import copy

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import distributions as D

A, B = ag.tensor([0.5, 2.0], dtype="float64"), ag.tensor([1.5, 0.7], dtype="float64")
CLOSED = {
    "Gumbel": (D.Gumbel(A, B), D.Uniform),
    "HalfCauchy": (D.HalfCauchy(A), D.Cauchy),
    "HalfNormal": (D.HalfNormal(A), D.Normal),
    "InverseGamma": (D.InverseGamma(A, B), D.Gamma),
    "Kumaraswamy": (D.Kumaraswamy(A, B), D.Uniform),
    "Pareto": (D.Pareto(A, B), D.Exponential),
    "Weibull": (D.Weibull(A, B), D.Exponential),
}


@pytest.mark.parametrize("name", CLOSED)
def test_they_agree_with_the_transformed_distribution(name):
    d, base = CLOSED[name]
    assert isinstance(d, D.TransformedDistribution)
    assert isinstance(d.base_dist, base)
    again = D.TransformedDistribution(d.base_dist, d.transforms)
    for method in ("sample", "rsample"):
        ag.manual_seed(0)
        drawn = getattr(d, method)((3,))
        ag.manual_seed(0)
        np.testing.assert_allclose(getattr(again, method)((3,)), drawn, rtol=1e-9)
    if not name.startswith("Half"):  # absolute values have no inverse
        np.testing.assert_allclose(again.log_prob(drawn), d.log_prob(drawn), rtol=1e-9)
        np.testing.assert_allclose(again.cdf(drawn), d.cdf(drawn), rtol=1e-9)


@pytest.mark.parametrize("name", CLOSED)
def test_they_are_expanded_and_copied_with_their_parts(name):
    d = CLOSED[name][0]
    for wide in (d.expand((3, 2)), copy.deepcopy(d).expand((3, 2))):
        assert type(wide) is type(d)
        assert wide.batch_shape == wide.base_dist.batch_shape == wide.sample().shape == (3, 2)
    assert repr(d).startswith(f"{name}({next(iter(d.arg_constraints))}")


def test_parts_follow_the_parameters():
    scale = ag.tensor([2.0], requires_grad=True)
    sample = D.TransformedDistribution(D.Weibull(scale, 1.5).base_dist, D.Weibull(scale, 1.5).transforms).rsample()
    sample.sum().backward()
    assert scale.grad.item() == pytest.approx(sample.item() / 2)


def test_divergences_need_equal_transforms():
    p, q = D.Weibull(A, B), D.Weibull(A, B + 1)
    np.testing.assert_array_equal(D.kl_divergence(p, D.Weibull(A, B)), [0.0, 0.0])
    normal = D.Normal(0.0, 1.0)
    scaled = [D.TransformedDistribution(normal, D.AffineTransform(0.0, scale)) for scale in (2.0, 3.0)]
    for pair in ((p, q), scaled):
        with pytest.raises(NotImplementedError, match="different transforms"):
            D.kl_divergence(*pair)
