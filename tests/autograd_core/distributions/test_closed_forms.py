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


MATRIX = ag.tensor([[4.0, 1.0], [1.0, 3.0]], dtype="float64")


@pytest.mark.parametrize("name", ["covariance_matrix", "precision_matrix", "scale_tril"])
def test_a_batch_of_normal_vectors_has_one_matrix(name):
    matrix = MATRIX.tril() if name == "scale_tril" else MATRIX
    d = D.MultivariateNormal(ag.zeros(5, 2, dtype="float64"), **{name: matrix})
    single = D.MultivariateNormal(ag.zeros(2, dtype="float64"), **{name: matrix})
    assert d._unbroadcasted_scale_tril.shape == d.expand((3, 5))._unbroadcasted_scale_tril.shape == (2, 2)
    values = ag.arange(30.0, dtype="float64").reshape(3, 5, 2) / 10
    np.testing.assert_allclose(d.log_prob(values), [[single.log_prob(v) for v in row] for row in values], rtol=1e-12)
    for part in ("covariance_matrix", "precision_matrix", "scale_tril", "variance"):
        np.testing.assert_allclose(getattr(d, part), getattr(single, part).expand(getattr(d, part).shape), rtol=1e-12)
        assert getattr(d, part).shape[0] == 5
    assert d.entropy().shape == d.expand((3, 5)).rsample().shape[1:2] == (5,)


def test_a_subclass_may_keep_the_factor_itself():
    class Kept(D.MultivariateNormal):
        @property
        def _unbroadcasted_scale_tril(self):
            return self.kept

        @_unbroadcasted_scale_tril.setter
        def _unbroadcasted_scale_tril(self, factor):
            self.kept = factor

    d = Kept(ag.zeros(2, dtype="float64"), MATRIX)
    np.testing.assert_allclose(d.kept @ d.kept.mT, MATRIX)
    np.testing.assert_allclose(d.scale_tril, d.kept)


def test_helpers_for_normal_vectors():
    from autograd_core.distributions import lowrank_multivariate_normal as low
    from autograd_core.distributions import multivariate_normal as full

    x, factor = ag.tensor([[1.0, 2.0], [3.0, -1.0]], dtype="float64"), ag.linalg.cholesky(MATRIX)
    expected = [v @ MATRIX.inverse() @ v for v in x]
    np.testing.assert_allclose(full._batch_mahalanobis(factor, x), expected)
    np.testing.assert_allclose(full._batch_mahalanobis(factor.expand(2, 2, 2), x), expected)
    np.testing.assert_allclose(full._batch_mv(MATRIX.expand(2, 2, 2), x), full._batch_mv(MATRIX, x))
    inverse = full._precision_to_scale_tril(MATRIX)
    np.testing.assert_allclose(inverse @ inverse.mT, MATRIX.inverse())
    w, diagonal = ag.tensor([[1.0], [2.0]], dtype="float64"), ag.tensor([0.5, 2.0], dtype="float64")
    capacitance, whole = low._batch_capacitance_tril(w, diagonal), w @ w.mT + diagonal.diag()
    np.testing.assert_allclose(low._batch_lowrank_logdet(w, diagonal, capacitance), whole.logdet())
    squares = low._batch_lowrank_mahalanobis(w, diagonal, x, capacitance)
    np.testing.assert_allclose(squares, [v @ whole.inverse() @ v for v in x])
    d = D.LowRankMultivariateNormal(ag.zeros(5, 2, dtype="float64"), w, diagonal).expand((3, 5))
    assert [t.shape for t in (d._unbroadcasted_cov_factor, d._unbroadcasted_cov_diag, d._capacitance_tril)] == [
        (2, 1), (2,), (1, 1)
    ]  # fmt: skip
    assert d.covariance_matrix.shape == d.precision_matrix.shape == d.scale_tril.shape == (3, 5, 2, 2)
    assert d.entropy().shape == (3, 5)
