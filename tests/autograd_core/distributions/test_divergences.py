"""Divergences and entropies: against means of samples, and by the log normalizer of exponential families."""

import math

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import distributions as D

A, B = (ag.tensor(v, dtype="f8", requires_grad=True) for v in ([0.7, 1.3, 2.5], [1.5, 0.4, 2.0]))
P = ag.tensor([0.2, 0.5, 0.7], dtype="f8", requires_grad=True)


def close(found, expected, rtol=1e-9):
    found = found.detach().numpy() if isinstance(found, ag.Tensor) else found
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-12)


DIVERGENT = {
    "Normal": lambda s: D.Normal(A * s, B), "LogNormal": lambda s: D.LogNormal(A * s, B),
    "HalfCauchy": lambda s: D.HalfCauchy(A * s), "InverseGamma": lambda s: D.InverseGamma(A * s, B * s),
    "Laplace": lambda s: D.Laplace(A, B * s), "Gumbel": lambda s: D.Gumbel(A, B + s),
    "Exponential": lambda s: D.Exponential(A * s), "Gamma": lambda s: D.Gamma(A * s, B),
    "Beta": lambda s: D.Beta(A, B + s), "HalfNormal": lambda s: D.HalfNormal(A * s),
    "Dirichlet": lambda s: D.Dirichlet(A * s), "Bernoulli": lambda s: D.Bernoulli(P / s),
    "Geometric": lambda s: D.Geometric(P / s), "Poisson": lambda s: D.Poisson(A * s),
    "Binomial": lambda s: D.Binomial(3, P / s), "Categorical": lambda s: D.Categorical(P * ag.tensor([1.0, s, 2.0])),
    "MultivariateNormal": lambda s: D.MultivariateNormal(A * s, ag.diag(B) + 0.1 * s),
    "Independent": lambda s: D.Independent(D.Normal(A, B * s), 1), "Uniform": lambda s: D.Uniform(-A * s, B),
    "Cauchy": lambda s: D.Cauchy(A, B * s), "ContinuousBernoulli": lambda s: D.ContinuousBernoulli(P / s),
    "Pareto": lambda s: D.Pareto(A / s, B * s), "TransformedDistribution": lambda s: D.TransformedDistribution(
        D.Normal(A, B * s), [D.TanhTransform(cache_size=1)]), "LowRankMultivariateNormal":
    lambda s: D.LowRankMultivariateNormal(A * s, ag.ones(3, 1, dtype="f8") * s, B),
    "Wishart": lambda s: D.Wishart(A + 3, ag.diag(B) + 0.1 * s),
}  # fmt: skip
EXPONENTIAL = [name for name in DIVERGENT if isinstance(DIVERGENT[name](1.0), D.ExponentialFamily)]
KINDS = {
    "Bernoulli": lambda: D.Bernoulli(P), "Beta": lambda: D.Beta(A + 1, B), "Gumbel": lambda: D.Gumbel(A, B),
    "ContinuousBernoulli": lambda: D.ContinuousBernoulli(P), "Exponential": lambda: D.Exponential(A),
    "Gamma": lambda: D.Gamma(A, B), "Laplace": lambda: D.Laplace(A, B), "Normal": lambda: D.Normal(A, B + 1),
    "Pareto": lambda: D.Pareto(P, A + 3), "Poisson": lambda: D.Poisson(A), "Uniform": lambda: D.Uniform(P / 9, P),
    "Uniform beyond": lambda: D.Uniform(P / 9 - 0.5, P + 1),
}  # fmt: skip


def has_divergence(p, q):
    try:
        D.kl_divergence(KINDS[p](), KINDS[q]())
    except NotImplementedError:
        return False
    return True


@pytest.mark.parametrize(("p", "q"), [(p, q) for p in KINDS for q in KINDS if p != q and has_divergence(p, q)])
def test_divergences_of_different_families(p, q):
    p, q = KINDS[p](), KINDS[q]()
    exact = D.kl_divergence(p, q).detach()
    ag.manual_seed(0)
    x = p.sample((20000,))
    assert (exact.isinf() | q.support.check(x).all(0)).all()
    q._validate_args = False
    differences = (p.log_prob(x) - q.log_prob(x)).detach()
    error = differences.std(0) / math.sqrt(len(x))
    assert (((differences.mean(0) - exact).abs() <= 5 * error + 1e-12) | exact.isinf()).all()


@pytest.mark.parametrize("name", DIVERGENT)
def test_divergences_are_means_of_differences(name):
    p, q = DIVERGENT[name](1.0), DIVERGENT[name](1.5)
    exact = D.kl_divergence(p, q).detach()
    ag.manual_seed(0)
    x = p.sample((20000,))
    differences = (p.log_prob(x) - q.log_prob(x)).detach()
    error = differences.std(0) / math.sqrt(len(x))
    assert ((differences.mean(0) - exact).abs() <= 5 * error + 1e-12).all()
    close(D.kl_divergence(p, p), np.zeros(exact.shape))


@pytest.mark.parametrize("name", EXPONENTIAL)
def test_exponential_families_are_given_by_their_log_normalizers(name):
    p, q = DIVERGENT[name](1.0), DIVERGENT[name](1.5)
    if name == "Poisson":
        with pytest.raises(NotImplementedError, match="no entropy: _mean_carrier"):
            D.ExponentialFamily.entropy(p)
    else:
        close(D.ExponentialFamily.entropy(p), p.entropy().detach())
    close(D.divergences._exponential_family(p, q), D.kl_divergence(p, q).detach())


def test_an_exponential_family_of_its_own():
    class Decaying(D.ExponentialFamily):
        _mean_carrier_measure = 0

        def __init__(self, rate):
            self.rate = rate
            super().__init__(rate.shape, validate_args=False)

        @property
        def _natural_params(self):
            return (-self.rate,)

        def _log_normalizer(self, slope):
            return -(-slope).log()

    (slopes,) = ag.grad(Decaying(A).entropy().sum(), A)
    close(slopes, -1 / A.detach())
    p, q = (kind(A.detach()[:1].squeeze()) for kind in (Decaying, D.Exponential))
    for of, expected in ((Decaying(B), D.Exponential(B)), (p, q)):
        close(D.kl_divergence(p, of), D.kl_divergence(q, expected).detach())
    assert not p.entropy().requires_grad


def test_divergences_of_other_pairs():
    with pytest.raises(NotImplementedError, match="Normal from Poisson"):
        D.kl_divergence(D.Normal(0.0, 1.0), D.Poisson(1.0))

    class Mine(D.Normal):
        pass

    @D.register_kl(Mine, D.Poisson)
    def _(p, q):
        return p.loc

    assert D.kl_divergence(Mine(3.0, 1.0), D.Poisson(1.0)).item() == 3
    assert D.kl_divergence(D.Uniform(0.0, 2.0), D.Uniform(0.0, 1.0)).item() == math.inf
    certain = D.Bernoulli(ag.tensor([0.0, 1.0]))
    assert D.kl_divergence(D.Bernoulli(0.5), certain).tolist() == [math.inf] * 2
    assert (abs(D.kl_divergence(certain, certain)) < 1e-6).all()


THREE = [1e6, 2e6, 1e6], [1001000.0, 2001000.0, 999000.0]
# Divergences whose terms are millions, from mpmath.
LARGE = {
    "Gamma": (lambda x: (D.Gamma(x + 1e6, 2.0), D.Gamma(x + 1001000, 2.001953125)), 0.00027463793588660292),
    "InverseGamma": (
        lambda x: (D.InverseGamma(x + 1e6, 2.0), D.InverseGamma(x + 1001000, 2.001953125)),
        0.00027463793588660292,
    ),
    "Beta": (lambda x: (D.Beta(x + 1e6, x + 2e6), D.Beta(x + 1001000, x + 2001000)), 0.083273393733046721),
    "Dirichlet": (lambda x: [D.Dirichlet(x + ag.tensor(c, dtype=x.dtype)) for c in THREE], 1.1249694726355919),
    "Poisson": (lambda x: (D.Poisson(x + 1e6), D.Poisson(x + 1001000)), 0.49966691646683319),
}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("dtype, rel", [("float32", 2e-3), ("float64", 2e-12)])
def test_large_parameters_keep_their_digits(name, dtype, rel):
    make, expected = LARGE[name]
    p, q = make(ag.tensor(0.0, dtype=dtype))
    assert D.kl_divergence(p, q).item() == pytest.approx(expected, rel=rel)
    assert D.kl_divergence(p, p).item() == 0
