"""Distributions against SciPy's, their samples against their own moments, and what they refuse."""

import math
from typing import ClassVar

import numpy as np
import pytest
from scipy import special, stats

import autograd_core as ag
from autograd_core import distributions as D

A, B = (ag.tensor(v, dtype="f8", requires_grad=True) for v in ([0.7, 1.3, 2.5], [1.5, 0.4, 2.0]))
P = ag.tensor([0.2, 0.5, 0.7], dtype="f8", requires_grad=True)
a, b, p = A.detach().numpy(), B.detach().numpy(), P.detach().numpy()
REAL, ABOVE, UNIT, COUNTS = [-1.2, 0.3, 2.0], [0.1, 0.9, 3.0], [0.1, 0.5, 0.8], [0.0, 2.0, 4.0]
# Name -> distribution, SciPy's, and values.
SCALAR = {
    "Normal": (lambda: D.Normal(A, B), stats.norm(a, b), REAL),
    "Laplace": (lambda: D.Laplace(A, B), stats.laplace(a, b), REAL),
    "Cauchy": (lambda: D.Cauchy(A, B), stats.cauchy(a, b), REAL),
    "Gumbel": (lambda: D.Gumbel(A, B), stats.gumbel_r(a, b), REAL),
    "StudentT": (lambda: D.StudentT(A + 2, A, B), stats.t(a + 2, a, b), REAL),
    "HalfNormal": (lambda: D.HalfNormal(A), stats.halfnorm(scale=a), ABOVE),
    "HalfCauchy": (lambda: D.HalfCauchy(A), stats.halfcauchy(scale=a), ABOVE),
    "LogNormal": (lambda: D.LogNormal(A, B / 2), stats.lognorm(b / 2, scale=np.exp(a)), ABOVE),
    "Uniform": (lambda: D.Uniform(-A, B + 2), stats.uniform(-a, a + b + 2), UNIT),
    "Exponential": (lambda: D.Exponential(A), stats.expon(scale=1 / a), ABOVE),
    "Gamma": (lambda: D.Gamma(A, B), stats.gamma(a, scale=1 / b), ABOVE),
    "Chi2": (lambda: D.Chi2(A), stats.chi2(a), ABOVE),
    "Beta": (lambda: D.Beta(A, B), stats.beta(a, b), UNIT),
    "InverseGamma": (lambda: D.InverseGamma(A + 2, B), stats.invgamma(a + 2, scale=b), ABOVE),
    "FisherSnedecor": (lambda: D.FisherSnedecor(A, B + 4), stats.f(a, b + 4), ABOVE),
    "Pareto": (lambda: D.Pareto(P, A + 2), stats.pareto(a + 2, scale=p), [1.2, 0.9, 3.0]),
    "GeneralizedPareto": (lambda: D.GeneralizedPareto(A, B, P - 0.5), stats.genpareto(p - 0.5, a, b), [1.2, 1.9, 3.0]),
    "Weibull": (lambda: D.Weibull(A, B), stats.weibull_min(b, scale=a), ABOVE),
    "NegativeBinomial": (lambda: D.NegativeBinomial(A, P), stats.nbinom(a, 1 - p), COUNTS),
    "Bernoulli": (lambda: D.Bernoulli(P), stats.bernoulli(p), [0.0, 1.0, 1.0]),
    "Bernoulli of logits": (lambda: D.Bernoulli(logits=P.logit()), stats.bernoulli(p), [0.0, 1.0, 1.0]),
    "Geometric": (lambda: D.Geometric(P), stats.geom(p, -1), COUNTS),
    "Binomial": (lambda: D.Binomial(4, P), stats.binom(4, p), COUNTS),
    "Poisson": (lambda: D.Poisson(A), stats.poisson(a), COUNTS),
}
VECTORS = {
    "Dirichlet": (lambda: D.Dirichlet(A), stats.dirichlet(a), [0.2, 0.3, 0.5]),
    "MultivariateNormal": (lambda: D.MultivariateNormal(A, ag.diag(B) + 0.2),
                           stats.multivariate_normal(a, np.diag(b) + 0.2), REAL),
    "MultivariateNormal by its inverse": (lambda: D.MultivariateNormal(A, precision_matrix=ag.diag(B) + 0.2),
                                          stats.multivariate_normal(a, np.linalg.inv(np.diag(b) + 0.2)), REAL),
    "LowRankMultivariateNormal": (lambda: D.LowRankMultivariateNormal(A, ag.ones(3, 1, dtype="f8") * 0.2**0.5, B),
                                  stats.multivariate_normal(a, np.diag(b) + 0.2), REAL),
    "Multinomial": (lambda: D.Multinomial(4, P), stats.multinomial(4, p / p.sum()), [1.0, 0.0, 3.0]),
}  # fmt: skip


def close(found, expected, rtol=1e-9):
    found = found.detach().numpy() if isinstance(found, ag.Tensor) else found
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-12)


@pytest.mark.parametrize("name", SCALAR)
def test_density_and_moments_of_numbers(name):
    make, theirs, values = SCALAR[name]
    d, v = make(), ag.tensor(values, dtype="f8")
    density = getattr(theirs, "logpmf", None) if d.support.is_discrete else theirs.logpdf
    close(d.log_prob(v), density(np.array(values)))
    close(d.mean, theirs.mean() if name != "Cauchy" else np.nan)
    close(d.variance, theirs.var() if "Cauchy" not in name else np.inf)
    for what, of in (("cdf", v), ("icdf", ag.tensor(UNIT, dtype="f8"))):
        try:
            found = getattr(d, what)(of)
        except NotImplementedError:
            continue
        close(found, {"cdf": theirs.cdf, "icdf": theirs.ppf}[what](of.numpy()))
        if what == "icdf":  # whose probabilities are not checked
            assert d.icdf(v * math.nan).isnan().all()
    if name not in ("Poisson", "FisherSnedecor", "NegativeBinomial"):
        close(d.entropy(), theirs.entropy())


@pytest.mark.parametrize("name", VECTORS)
def test_density_and_moments_of_vectors(name):
    make, theirs, values = VECTORS[name]
    d, v = make(), ag.tensor(values, dtype="f8")
    close(d.log_prob(v), (theirs.logpmf if d.support.is_discrete else theirs.logpdf)(np.array(values)))
    close(d.entropy(), theirs.entropy())
    mean = theirs.mean() if callable(theirs.mean) else theirs.mean
    covariance = theirs.cov() if hasattr(theirs, "cov") and callable(theirs.cov) else theirs.cov_object.covariance
    close(d.mean, mean)
    close(d.variance, np.diag(covariance))
    assert (d.batch_shape, d.event_shape) == ((), (3,))


@pytest.mark.parametrize("name", SCALAR | VECTORS)
def test_samples(name):
    ag.manual_seed(0)
    d = (SCALAR | VECTORS)[name][0]()
    x = d.sample((4000,))
    assert (x.shape, x.requires_grad, x.dtype) == ((4000, 3), False, ag.float64)
    d.log_prob(x)  # all of them can be
    if "Cauchy" not in name:
        error = d.stddev.detach() / math.sqrt(len(x))
        assert ((x.mean(0) - d.mean).abs() < 5 * error).all()
    if not d.has_rsample:
        with pytest.raises(NotImplementedError, match="no rsample"):
            d.rsample()
        return
    z = d.rsample((50,))
    if (
        not d.event_shape and type(d).cdf is not D.Distribution.cdf
    ):  # along with its parameters it stays at its quantile
        for parameter in (A, B):
            (g,) = ag.grad(d.cdf(z).sum(), parameter, retain_graph=True, allow_unused=True)
            assert g is None or np.abs(g.numpy()).max() < 1e-8


@pytest.mark.parametrize("name", [name for name in SCALAR if name not in ("Uniform", "GeneralizedPareto")])
def test_nothing_is_more_probable_than_the_mode(name):
    ag.manual_seed(0)
    make, theirs, _ = SCALAR[name]
    d = make()
    density = theirs.logpmf if d.support.is_discrete else theirs.logpdf
    mode = d.mode.detach().numpy()
    assert np.isnan(mode).sum() <= 2  # where it is not unique or not defined
    assert not (density(d.sample((500,)).numpy()) > density(mode) + 1e-12).any()


def test_values_move_with_shapes_at_their_quantiles():
    rng = np.random.default_rng(0)
    shapes = 10.0 ** rng.uniform(-1.5, 4, (2, 300))
    u, h = rng.uniform(0.02, 0.98, 300), shapes[0] * 1e-5
    a, b = (ag.tensor(s) for s in shapes)
    x = special.gammaincinv(shapes[0], u)
    moved = special.gammaincinv(shapes[0] + h, u) - special.gammaincinv(shapes[0] - h, u)
    close(ag.gamma_path(a, ag.tensor(x)), moved / (2 * h), rtol=1e-6)
    x = special.betaincinv(*shapes, u)
    moved = special.betaincinv(shapes[0] + h, shapes[1], u) - special.betaincinv(shapes[0] - h, shapes[1], u)
    found, kept = ag.beta_path(a, b, ag.tensor(x)).numpy(), (x > 1e-100) & (x < 0.999)
    close(found[kept], (moved / (2 * h))[kept], rtol=1e-5)


def test_gradients_of_shares():
    """Each is distributed as a beta variable is, and the others make up for its change in proportion."""
    a = ag.tensor([0.7, 1.3, 2.5], dtype="f8", requires_grad=True)
    ag.manual_seed(0)
    x = D.Dirichlet(a).rsample()
    jacobian = ag.stack([ag.grad(x[i], a, retain_graph=True)[0] for i in range(3)])
    close(jacobian.diagonal(), ag.beta_path(a, a.sum() - a, x).detach())
    close(jacobian.sum(0), np.zeros(3))
    close(jacobian[1, 0] / jacobian[2, 0], (x[1] / x[2]).item())
    b = D.Beta(a, 2.0).rsample()
    close(ag.grad(b.sum(), a)[0], ag.beta_path(a, ag.tensor(2.0), b).detach())


def test_choices():
    weights = ag.tensor([[1.0, 2.0, 1.0], [0.0, 3.0, 1.0]], dtype="f8", requires_grad=True)
    d = D.Categorical(weights)
    ag.manual_seed(0)
    x = d.sample((2000, 2))
    assert (x.shape, x.dtype) == ((2000, 2, 2), ag.int64)
    close(D.OneHotCategorical(weights).sample((4000,)).mean(0), d.probs.detach(), rtol=0.1)
    close(d.log_prob(ag.tensor([[1, 2], [0, 1]])), np.log([[0.5, 0.25], [0.25, 0.75]]))
    close(d.entropy(), stats.entropy(d.probs.detach().numpy().T))
    close(D.Categorical(logits=d.logits).entropy(), d.entropy().detach(), rtol=1e-6)
    close(D.Categorical(logits=ag.tensor([0.0, 0.0, -math.inf])).entropy(), math.log(2), rtol=1e-6)
    assert d.mode.tolist() == [1, 1]
    assert d.enumerate_support().tolist() == [[0, 0], [1, 1], [2, 2]]
    assert d.enumerate_support(expand=False).shape == (3, 1)
    hot = D.OneHotCategorical(logits=ag.zeros(3))
    assert hot.log_prob(hot.enumerate_support()).exp().sum().item() == pytest.approx(1)
    assert hot.expand((2,)).sample().shape == (2, 3)


def test_standard_gamma_draws_one_number_for_each_shape():
    shapes = ag.tensor([0.5, 3.0], requires_grad=True)
    draw = ag._standard_gamma(shapes, ag.Generator().manual_seed(1))
    assert draw.tolist() == ag._standard_gamma(shapes, generator=ag.Generator().manual_seed(1)).tolist()
    draw.sum().backward()
    close(shapes.grad, ag.gamma_path(shapes, draw).detach().numpy())


def test_shares_can_be_drawn_without_a_distribution():
    shapes = ag.tensor([[0.5, 3.0], [1.0, 1.0]])
    draw = ag._sample_dirichlet(shapes, ag.Generator().manual_seed(1))
    assert draw.tolist() == ag._sample_dirichlet(shapes, generator=ag.Generator().manual_seed(1)).tolist()
    close(draw.sum(-1), [1, 1])


def test_single_random_variables():
    d = D.Categorical(ag.tensor([0.0, 1.0]))
    assert (d.sample().tolist(), d.sample((2,)).tolist(), d.enumerate_support().tolist()) == (1, [1, 1], [0, 1])
    assert D.Normal(0.0, 1.0).expand(()).expand((2, 3)).sample().shape == (2, 3)
    for d in (D.Poisson(3.0), D.Gamma(0.5, 0.5), D.Beta(0.5, 0.5), D.StudentT(3.0), D.Binomial(5, 0.3)):
        assert d.sample().shape == ()


def test_small_shapes_do_not_underflow():
    ag.manual_seed(0)
    x = D.Beta(ag.tensor(0.01), ag.tensor(0.01)).sample((4000,))
    assert 0 < x.min() < 1e-30
    assert x.max() < 1
    assert abs(x.mean() - 0.5) < 0.05
    assert ((x > 0.01) & (x < 0.99)).to(ag.float32).mean() < 0.1
    assert D.Gamma(0.01, 1.0).sample((1000,)).min() > 0
    close(D.Dirichlet(ag.full((3,), 0.01)).sample((1000,)).sum(-1), np.ones(1000), rtol=1e-6)


def test_mixtures_expand():
    mixture = D.MixtureSameFamily(D.Categorical(ag.ones(3)), D.Normal(ag.zeros(3), ag.ones(3))).expand((2, 4))
    assert mixture.sample((5,)).shape == (5, 2, 4)
    assert mixture.log_prob(ag.zeros(2, 4)).shape == (2, 4)


@pytest.mark.parametrize("shape", [(), (2,), (5, 2)])
def test_values_of_mixtures_are_those_that_all_components_support(shape):
    mixture = D.MixtureSameFamily(D.Categorical(ag.ones(3)), D.Uniform(ag.zeros(2, 3), ag.tensor([1.0, 2.0, 3.0])))
    assert mixture.log_prob(ag.full(shape, 0.5)).exp().allclose(ag.full((*shape[:-1], 2), 11 / 18))
    with pytest.raises(ValueError, match="within the support"):
        mixture.log_prob(ag.full(shape, 1.5))
    vectors = D.MixtureSameFamily(D.Categorical(ag.ones(3)), D.Independent(D.Uniform(ag.zeros(3, 2), 1.0), 1))
    assert vectors.support.check(ag.tensor([[0.5, 0.5], [0.5, 1.5]])).tolist() == [True, False]
    assert (vectors.support.event_dim, vectors.support.is_discrete) == (1, False)


def test_parts_of_others():
    d = D.Independent(D.Normal(A, B), 1)
    v = ag.tensor(REAL, dtype="f8")
    close(d.log_prob(v), stats.norm(a, b).logpdf(REAL).sum())
    assert (d.batch_shape, d.event_shape, d.expand((2,)).rsample((4,)).shape) == ((), (3,), (4, 2, 3))
    mixture = D.MixtureSameFamily(D.Categorical(P), D.Normal(A, B))
    density = (p / p.sum() * stats.norm(a, b).pdf(np.array(REAL)[:, None])).sum(-1)
    close(mixture.log_prob(v), np.log(density))
    close(mixture.mean, (p / p.sum() * a).sum())
    ag.manual_seed(0)
    x = mixture.sample((4000,))
    assert abs(x.mean() - mixture.mean).item() < 5 * mixture.stddev.item() / math.sqrt(4000)
    vectors = D.MixtureSameFamily(D.Categorical(ag.ones(2)), D.Independent(D.Normal(ag.zeros(2, 3), 1.0), 1))
    assert vectors.sample((5,)).shape == (5, 3)
    assert vectors.mean.shape == vectors.variance.shape == (3,)
    assert vectors.log_prob(ag.zeros(5, 3)).shape == (5,)


def test_fewer_counts_than_trials():
    assert D.Multinomial(10, ag.ones(2)).log_prob(ag.ones(3, 2)).shape == (3,)


def test_what_is_refused():
    for wrong, message in (
        (lambda: D.Normal(0.0, -1.0), r"scale .*Normal\(loc: 0.0, scale: -1.0\).*GreaterThan\(lower_bound=0.0\)"),
        (lambda: D.Normal("0", 1.0), "numbers or tensors, not str"),
        (lambda: D.Uniform(1.0, 0.0), "low < high"),
        (D.Categorical, "not both"),
        (lambda: D.Categorical(ag.tensor(1.0)), "last axis"),
        (lambda: D.MultivariateNormal(ag.zeros(2)), "exactly one"),
        (lambda: D.MultivariateNormal(ag.zeros(2), -ag.eye(2)), "PositiveDefinite"),
        (lambda: D.Independent(D.Normal(0.0, 1.0), 1), "1 axes"),
        (lambda: D.Exponential(1.0).log_prob(ag.tensor(-1.0)), "within the support"),
        (lambda: D.Normal(ag.zeros(2), 1.0).log_prob(ag.zeros(3)), r"\(3,\) does not fit"),
        (lambda: D.Normal(0.0, 1.0).log_prob(1.0), "must be a Tensor"),
        (lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), [abs]), "must be Transforms, not builtin"),
    ):
        with pytest.raises(ValueError, match=message):
            wrong()
    assert D.Exponential(1.0, validate_args=False).log_prob(ag.tensor(-1.0)).item() == 1
    relaxed = D.RelaxedOneHotCategorical(1.0, ag.tensor([0.2, 0.8]), validate_args=False)
    assert relaxed.log_prob(ag.tensor([-0.5, 1.5])).isnan()
    try:
        D.Distribution.set_default_validate_args(False)
        D.Normal(0.0, -1.0)
    finally:
        D.Distribution.set_default_validate_args(True)
    with pytest.raises(NotImplementedError, match="Poisson has no entropy"):
        D.Poisson(1.0).entropy()
    assert repr(D.Normal(ag.zeros(2), 1.0)) == "Normal(loc: (2,), scale: (2,))"
    assert repr(D.Normal(0.0, ag.ones(1))) == "Normal(loc: tensor([0.]), scale: tensor([1.]))"
    assert repr(D.Bernoulli(0.5)) == "Bernoulli(probs: 0.5)"
    assert repr(D.constraints.real_vector) == "IndependentConstraint(Real(), 1)"
    mixture = D.MixtureSameFamily(D.Categorical(ag.ones(2)), D.Normal(ag.zeros(2), 1.0))
    assert repr(mixture).split("\n")[1:] == ["  Categorical(probs: (2,)),", "  Normal(loc: (2,), scale: (2,)))"]


def test_distributions_of_matrices():
    v = np.diag(b) + 0.2
    d, theirs = D.Wishart(ag.tensor(4.5, dtype="f8"), ag.tensor(v)), stats.wishart(4.5, v)
    x = np.diag([2.0, 1.0, 3.0]) + 0.1
    close(d.log_prob(ag.tensor(x)), theirs.logpdf(x))
    close(d.entropy(), theirs.entropy())
    close(d.variance, theirs.var())
    ag.manual_seed(0)
    found = d.rsample((4000,))
    assert d.support.check(found).all()
    assert ((found.mean(0) - d.mean).abs() < 5 * d.stddev / math.sqrt(4000)).all()
    with pytest.raises(ValueError, match="needs df above"):
        D.Wishart(1.0, ag.eye(3))
    lkj = D.LKJCholesky(3, ag.tensor([0.5, 2.0], dtype="f8"))
    lower = lkj.sample((4000,))
    r = (lower @ lower.mT)[..., 1, 0]  # each correlation is beta-distributed
    spread = 1 / (2 * (lkj.concentration + 0.5) + 1)
    assert ((r.var(0) - spread).abs() < 0.05 * spread + 0.01).all()
    shape = (
        lkj.concentration.numpy() + 0.5
    )  # of two, the density is one of their correlation and that factor's slope, 1
    plane = D.LKJCholesky(2, lkj.concentration)
    at = ag.tensor([[1.0, 0.0], [0.6, 0.8]], dtype="f8")
    close(plane.log_prob(at), stats.beta(shape - 0.5, shape - 0.5).logpdf(0.8) - math.log(2))


def test_angles():
    d, theirs = D.VonMises(A, B), stats.vonmises(b, loc=a)
    close(d.log_prob(ag.tensor(REAL, dtype="f8")), theirs.logpdf(REAL))
    ag.manual_seed(0)
    x = d.sample((4000,))
    assert ((x >= -math.pi) & (x < math.pi)).all()
    assert ((1 - (x - A).cos().mean(0) - d.variance).abs() < 0.03).all()


def test_powers_of_uniform_numbers():
    d = D.Kumaraswamy(A, B)
    x = ag.tensor(UNIT, dtype="f8", requires_grad=True)
    close(d.icdf(d.cdf(x)), UNIT)
    close(ag.grad(d.cdf(x).sum(), x)[0], d.log_prob(x).exp().detach())
    ag.manual_seed(0)
    found = d.rsample((20000,)).detach()
    error = d.stddev.detach() / math.sqrt(20000)
    assert ((found.mean(0) - d.mean).abs() < 5 * error).all()
    assert ((-d.log_prob(found)).mean(0) - d.entropy()).abs().max() < 0.1
    close(D.GeneralizedPareto(A, B, 0.0).log_prob(A.detach() + x), D.Exponential(1 / B).log_prob(x).detach())


@pytest.mark.parametrize("shape", [0.0, 0.2, 2.0])
def test_logarithms_of_generalized_pareto_probabilities(shape):
    d, values = D.GeneralizedPareto(ag.tensor(1.0, dtype="float64"), 2.0, shape), [1 + 1e-9, 1.5, 4.0, 30.0, 90.0]
    reference = stats.genpareto(shape, 1, 2)
    x = ag.tensor(values, dtype="float64", requires_grad=True)
    np.testing.assert_allclose(d.log_survival_function(x).detach(), reference.logsf(values), rtol=1e-7)
    np.testing.assert_allclose(d.log_cdf(x).detach(), reference.logcdf(values), rtol=1e-7)
    (slope,) = ag.grad(d.log_cdf(x).sum(), x)
    np.testing.assert_allclose(slope, reference.pdf(values) / reference.cdf(values), rtol=1e-6)


def test_continuous_bernoulli_next_to_a_half():
    x = ag.tensor([0.2, 0.7], dtype="f8", requires_grad=True)
    for p in (0.3, 0.4989, 0.4999, 0.5):
        d = D.ContinuousBernoulli(ag.tensor(p, dtype="f8"))
        close(d.icdf(d.cdf(x)), x.detach(), rtol=1e-6)
        close(ag.grad(d.cdf(x).sum(), x)[0], d.log_prob(x).exp().detach(), rtol=1e-6)
        grid = (ag.arange(4000, dtype="f8") + 0.5) / 4000
        weights = d.log_prob(grid).exp() / 4000
        close(d.mean, (weights * grid).sum(), rtol=1e-6)
        close(d.variance, (weights * (grid - d.mean) ** 2).sum(), rtol=1e-4)
        close(d.entropy(), -(weights * d.log_prob(grid)).sum(), rtol=1e-4)


def test_relaxed_choices():
    ag.manual_seed(0)
    cold = D.RelaxedBernoulli(ag.tensor(0.01), ag.tensor(0.3)).rsample((2000,))
    assert abs((cold > 0.5).float().mean().item() - 0.3) < 0.05
    assert D.RelaxedBernoulli(ag.tensor(0.01), ag.tensor(0.3)).log_prob(cold).isfinite().all()
    d = D.RelaxedOneHotCategorical(ag.tensor(0.01), logits=P.detach().log().float())
    assert ((d.expand((2,)).sample((2000,)) > 0.5).float().mean(0) - d.probs).abs().max() < 0.05
    for made in (D.RelaxedBernoulli(0.7, P), D.RelaxedOneHotCategorical(0.7, P)):
        made.log_prob(made.rsample().detach()).sum().backward()
        assert made.temperature == 0.7
    x = ag.linspace(0.0005, 0.9995, 1000, dtype="f8")
    density = D.RelaxedOneHotCategorical(1.5, P[:2]).log_prob(ag.stack([x, 1 - x], -1)).exp()
    close(density.mean(), 1.0, rtol=1e-3)
    straight = D.OneHotCategoricalStraightThrough(P)
    hot = straight.rsample()
    assert ag.grad(hot[0], P)[0].abs().max() > 0
    assert type(straight.expand((2,))) is type(straight)


def test_a_family_of_its_own():
    class Cosine(D.Distribution):
        arg_constraints: ClassVar = {"width": D.constraints.positive}

        def __init__(self, width, validate_args=None):
            self.width = width
            super().__init__(width.shape, validate_args=validate_args)

        @D.constraints.dependent_property(is_discrete=False, event_dim=0)
        def support(self):
            return D.constraints.interval(-self.width, self.width)

        def expand(self, batch_shape, _instance=None):
            new = self._get_checked_instance(Cosine, _instance)
            new.width = self.width.expand(batch_shape)
            super(Cosine, new).__init__(batch_shape, validate_args=False)
            return new

        def log_prob(self, value):
            self._validate_sample(value)
            return ((math.pi * value / self.width).cos() + 1).log() - (2 * self.width).log()

    d = Cosine(ag.ones(2)).expand((3, 2))
    assert (d.batch_shape, d.log_prob(ag.zeros(3, 2)).shape) == ((3, 2), (3, 2))
    with pytest.raises(ValueError, match="within the support"):
        Cosine(ag.ones(2)).log_prob(ag.full((2,), 2.0))
    with pytest.raises(ValueError, match="cannot be checked alone"):
        D.constraints.dependent.check(ag.ones(2))


class Steps(D.Categorical):
    """A categorical distribution whose constructor takes a parameter of its own."""

    arg_constraints: ClassVar = {"slope": D.constraints.real}

    def __init__(self, slope):
        self.slope = slope
        super().__init__(logits=slope[..., None] * ag.arange(3))


class ExpandableSteps(Steps):
    def expand(self, batch_shape, _instance=None):
        new = self._get_checked_instance(ExpandableSteps, _instance)
        new.slope = self.slope.expand(batch_shape)
        return super().expand(batch_shape, new)


def test_a_subclass_with_parameters_of_its_own():
    slope = ag.tensor([1.0, 2.0])
    d = ExpandableSteps(slope)
    assert d.support.upper_bound == 2
    wide = d.expand((3, 2))
    assert (wide.slope.shape, wide.logits.shape, wide.batch_shape.numel()) == ((3, 2), (3, 2, 3), 6)
    np.testing.assert_allclose(wide.log_prob(ag.ones(3, 2))[2], d.log_prob(ag.ones(2)))
    with pytest.raises(NotImplementedError, match="Steps has an __init__ of its own"):
        Steps(slope).expand((3, 2))


def test_logistic_normal_vectors():
    """Stick-breaking log-odds of the shares of two are normal, up to a constant."""
    d, shares = D.LogisticNormal(0.3, 0.5), ag.linspace(1e-4, 1 - 1e-4, 2001, dtype="f8")
    assert (d.batch_shape, d.event_shape) == ((), (2,))
    density = d.log_prob(ag.stack([shares, 1 - shares], -1)).exp()
    close(ag.trapezoid(density, shares), 1, rtol=1e-6)
    assert [*d.loc.tolist(), *d.scale.tolist()] == pytest.approx([0.3, 0.5])
    x = d.rsample((5,))
    close(x.sum(-1), np.ones(5), rtol=1e-6)


def test_modes_and_moments_of_vectors():
    assert D.Dirichlet(ag.tensor([2.0, 3.0, 1.0])).mode.tolist() == pytest.approx([1 / 3, 2 / 3, 0])
    assert D.Dirichlet(ag.tensor([0.2, 0.7])).mode.tolist() == [0, 1]
    close(D.Wishart(5.0, ag.eye(2)).mode, 2 * np.eye(2))
    low = D.LowRankMultivariateNormal(A, ag.ones(3, 1, dtype="f8"), B)
    close(low.precision_matrix @ low.covariance_matrix, np.eye(3))
    hot = D.OneHotCategorical(ag.tensor([0.25, 0.75]))
    assert (hot.mode.tolist(), hot.mean.tolist(), hot.variance.tolist()) == ([0, 1], [0.25, 0.75], [0.1875] * 2)
    assert (hot.param_shape, repr(hot)) == ((2,), "OneHotCategorical(probs: (2,))")
    close(hot.entropy(), stats.entropy([0.25, 0.75]), rtol=1e-6)
    normal = D.Normal(A, B)
    both = D.Independent(normal, 1)
    close(both.entropy(), normal.entropy().sum().item())
    close(normal.perplexity(), normal.entropy().exp().detach().numpy())
    assert both.mode.tolist() == A.tolist()
    assert repr(both) == "Independent(Normal(loc: (3,), scale: (3,)), 1)"
    mixture = D.MixtureSameFamily(D.Categorical(P), D.Normal(A, B))
    close(mixture.cdf(ag.tensor(0.3, dtype="f8")), (p / p.sum() * stats.norm(a, b).cdf(0.3)).sum())


@pytest.mark.parametrize("kind", [D.Normal, D.Gamma, D.Beta, D.Uniform, D.Laplace, D.VonMises, D.Weibull])
def test_samples_of_a_batch_are_checked_together(kind):
    """Inside vmap too parameters and values are checked, those of all samples at once."""
    low, high = ag.tensor([0.5, 1.0, 1.5]), ag.tensor([2.0, 3.0, 4.0])
    x = ag.tensor([0.6, 0.9, 0.7]) if kind is D.Beta else ag.tensor([0.6, 1.9, 2.7])
    close(ag.vmap(lambda x, low, high: kind(low, high).log_prob(x))(x, low, high), kind(low, high).log_prob(x))
    rows = ag.tensor([[0.5, 0.1], [2.0, 2.0]])
    chosen = ag.vmap(lambda logits, at: D.Categorical(logits=logits).log_prob(at))(rows, ag.tensor([1, 0]))
    close(chosen, rows.log_softmax(-1).numpy()[[0, 1], [1, 0]], rtol=1e-6)
    with pytest.raises(ValueError, match="-1"):
        ag.vmap(lambda high: kind(0.5, high))(ag.tensor([2.0, -1.0]))


# A distribution, a value in its tail or next to the end of its support, and the probability below it, from mpmath.
TAILS = {
    "Cauchy": (lambda x: D.Cauchy(x, x + 1), -3e9, 1.0610329539459689e-10),
    "HalfCauchy": (lambda x: D.HalfCauchy(x + 1), 2e-9, 1.2732395447351628e-09),
    "HalfNormal": (lambda x: D.HalfNormal(x + 1), 2e-9, 1.5957691216057308e-09),
    "Laplace": (lambda x: D.Laplace(x, x + 1), -25.0, 6.9439719324820104e-12),
    "LogNormal": (lambda x: D.LogNormal(x, x + 1), 0.0009765625, 2.0824223487002404e-12),
    "Pareto": (lambda x: D.Pareto(x + 1, x + 0.5), 1.0 + 3 * 2.0**-23, 1.788138863645515e-07),
}


@pytest.mark.parametrize("name", TAILS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_small_probabilities_keep_their_digits(name, dtype):
    make, value, probability = TAILS[name]
    d, rel = make(ag.tensor(0.0, dtype=dtype)), 1e-5 if dtype == "float32" else 1e-13
    assert d.cdf(ag.tensor(value, dtype=dtype)).item() == pytest.approx(probability, rel=rel, abs=0)
    assert d.icdf(ag.tensor(probability, dtype=dtype)).item() == pytest.approx(value, rel=rel)


def test_quantiles_of_cauchy_distributions_have_slopes_everywhere():
    for d in (D.Cauchy(0.0, 1.0), D.HalfCauchy(1.0)):
        u = ag.tensor([0.01, 0.25, 0.5, 0.75, 0.99], dtype="float64", requires_grad=True)
        x = d.icdf(u)
        slopes = ag.grad(x.sum(), u)[0]
        assert (slopes * d.log_prob(x).exp()).tolist() == pytest.approx([1] * 5)


# Logarithms of densities whose terms are millions, and an entropy, from mpmath.
LARGE = {
    "Gamma": (lambda x: D.Gamma(x + 1e6, 2.0).log_prob(x + 500500), -7.634213131760115),
    "Chi2": (lambda x: D.Chi2(x + 1e6).log_prob(x + 1001000), -8.424100527699949),
    "InverseGamma": (lambda x: D.InverseGamma(x + 1e6, 2.0).log_prob(x + 2.0**-19), -1123.7881522748328),
    "Poisson": (lambda x: D.Poisson(x + 200000).log_prob(x + 200500), -7.647703528430046),
    "Beta": (lambda x: D.Beta(x + 1e6, x + 2e6).log_prob(x + 0.33349609375), 7.1111326531523815),
    "Beta next to its end": (lambda x: D.Beta(x + 2, x + 1e6).log_prob(x + 2.0**-19), 12.553877140835322),
    "FisherSnedecor": (lambda x: D.FisherSnedecor(x + 2e6, x + 2e6).log_prob(x + 1.0009765625), 5.403080997280955),
    "Binomial": (lambda x: D.Binomial(1000000, logits=x + 0.5).log_prob(x + 621500), -9.060552801674739),
    "Binomial of rare events": (lambda x: D.Binomial(1000000, logits=x - 12).log_prob(x + 8), -2.224739916833863),
    "Binomial of rarer events": (lambda x: D.Binomial(1000000, logits=x - 200).log_prob(x + 8), -1500.080546439101),
    "NegativeBinomial": (lambda x: D.NegativeBinomial(1e6, logits=x + 0.5).log_prob(x + 1649500), -8.63352973884199),
    "Dirichlet": (
        lambda x: D.Dirichlet(x + ag.tensor([1e6, 2e6, 1e6], dtype=x.dtype)).log_prob(
            x + ag.tensor([0.25, 0.5 - 2.0**-12, 0.25 + 2.0**-12], dtype=x.dtype)
        ),
        14.381284768809701,
    ),
    "Multinomial": (
        lambda x: D.Multinomial(1000000, x + ag.tensor([0.25, 0.5, 0.25], dtype=x.dtype)).log_prob(
            x + ag.tensor([250500, 500500, 249000], dtype=x.dtype)
        ),
        -16.67227088502283,
    ),
    "entropy of Gamma": (lambda x: D.Gamma(x + 1e6, 2.0).entropy(), 7.633546298293448),
    "entropy of InverseGamma": (lambda x: D.InverseGamma(x + 1e6, 2.0).entropy(), -18.611179456515043),
    "entropy of Beta": (lambda x: D.Beta(x + 1e6, x + 2e6).entropy(), -6.790161810721964),
    "entropy of Dirichlet": (
        lambda x: D.Dirichlet(x + ag.tensor([1e6, 2e6, 1e6], dtype=x.dtype)).entropy(),
        -14.096796304074854,
    ),
    "StudentT": (lambda x: D.StudentT(x + 3e6).log_prob(x + 1.5), -2.0439385696630765),
    "entropy of StudentT": (lambda x: D.StudentT(x + 3e6).entropy(), 1.4189388665380338),
}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("dtype, rel", [("float32", 1e-5), ("float64", 1e-13)])
def test_large_shapes_keep_their_digits(name, dtype, rel):
    make, expected = LARGE[name]
    assert make(ag.tensor(0.0, dtype=dtype)).item() == pytest.approx(expected, rel=rel)


# Slopes by shapes, whose terms are far larger, from mpmath.
SLOPES = {
    "Gamma": (lambda a: D.Gamma(a, 1.0).log_prob(ag.tensor(1001000.0, dtype=a.dtype)), 0.0010000003333331669),
    "Beta": (lambda a: D.Beta(a, 1e6).log_prob(ag.tensor(0.5009765625, dtype=a.dtype)), 0.0019514701313242494),
    "NegativeBinomial": (
        lambda n: D.NegativeBinomial(n, probs=0.5).log_prob(ag.tensor(1001000.0, dtype=n.dtype)),
        0.00050012516665110997,
    ),
}


@pytest.mark.parametrize("name", SLOPES)
@pytest.mark.parametrize("dtype, rel", [("float32", 1e-6), ("float64", 1e-11)])
def test_slopes_by_large_shapes_keep_their_digits(name, dtype, rel):
    make, expected = SLOPES[name]
    shape = ag.tensor(1e6, dtype=dtype, requires_grad=True)
    assert ag.grad(make(shape), shape)[0].item() == pytest.approx(expected, rel=rel)


def test_the_slope_of_a_distribution_function_with_a_large_shape():
    x = ag.tensor(1001000.0, requires_grad=True)
    slope = ag.grad(ag.special.gammainc(ag.tensor(1e6), x), x)[0]
    assert slope.item() == pytest.approx(0.00024180950473148182, rel=1e-5)


def test_gamma_densities_fall_at_their_rate_far_out():
    for shape in (0.5, 1.0, 2.0, 1000.0):
        x = ag.tensor([math.inf, 1e300, 1e308], dtype="float64", requires_grad=True)
        D.Gamma(shape, 3.0, validate_args=False).log_prob(x).sum().backward()
        assert x.grad.tolist() == [-3.0] * 3
