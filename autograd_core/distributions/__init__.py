"""Probability distributions: samples, differentiable densities, moments, divergences."""

# Names in paragraphs, not in columns.
# isort: off
# fmt: off
import sys

from autograd_core.distributions import constraints, cross_divergences, transforms, utils
from autograd_core.distributions.composed_transforms import ComposeTransform, IndependentTransform, identity_transform
from autograd_core.distributions.constraint_registry import biject_to, transform_to
from autograd_core.distributions.continuous_bernoulli import ContinuousBernoulli
from autograd_core.distributions.counts import Binomial, Geometric, Multinomial, NegativeBinomial, Poisson
from autograd_core.distributions.discrete import Bernoulli, Categorical, OneHotCategorical
from autograd_core.distributions.distribution import Distribution
from autograd_core.distributions.divergences import kl_divergence, register_kl
from autograd_core.distributions.elementwise_transforms import (
    AbsTransform, AffineTransform, CumulativeDistributionTransform, ExpTransform, PowerTransform, SigmoidTransform,
    SoftplusTransform, TanhTransform, Transform,
)
from autograd_core.distributions.exponential_family import ExponentialFamily
from autograd_core.distributions.gammas import Beta, Chi2, Exponential, FisherSnedecor, Gamma, InverseGamma, StudentT
from autograd_core.distributions.location_scale import (
    Cauchy, Gumbel, HalfCauchy, HalfNormal, Laplace, LogisticNormal, LogNormal, Normal,
)
from autograd_core.distributions.low_rank import LowRankMultivariateNormal
from autograd_core.distributions.low_rank import _batch_capacitance_tril as _batch_capacitance_tril
from autograd_core.distributions.low_rank import _batch_lowrank_logdet as _batch_lowrank_logdet
from autograd_core.distributions.low_rank import _batch_lowrank_mahalanobis as _batch_lowrank_mahalanobis
from autograd_core.distributions.matrices import LKJCholesky, Wishart
from autograd_core.distributions.multivariate import Dirichlet, Independent, MixtureSameFamily, MultivariateNormal
from autograd_core.distributions.multivariate import _batch_mahalanobis as _batch_mahalanobis
from autograd_core.distributions.multivariate import _batch_mv as _batch_mv
from autograd_core.distributions.multivariate import _precision_to_scale_tril as _precision_to_scale_tril
from autograd_core.distributions.powers import GeneralizedPareto, Kumaraswamy, Pareto, Weibull
from autograd_core.distributions.relaxed import (
    ExpRelaxedCategorical, LogitRelaxedBernoulli, OneHotCategoricalStraightThrough, RelaxedBernoulli,
    RelaxedOneHotCategorical,
)
from autograd_core.distributions.transformed import TransformedDistribution
from autograd_core.distributions.uniform import Uniform
from autograd_core.distributions.vector_transforms import (
    CatTransform, CorrCholeskyTransform, LowerCholeskyTransform, PositiveDefiniteTransform, ReshapeTransform,
    SoftmaxTransform, StackTransform, StickBreakingTransform,
)
from autograd_core.distributions.von_mises import VonMises
# fmt: on
# isort: on

__all__ = [
    "AbsTransform", "AffineTransform", "Bernoulli", "Beta", "Binomial", "CatTransform", "Categorical", "Cauchy", "Chi2",
    "ComposeTransform", "ContinuousBernoulli", "CorrCholeskyTransform", "CumulativeDistributionTransform", "Dirichlet",
    "Distribution", "ExpRelaxedCategorical", "ExpTransform", "Exponential", "ExponentialFamily", "FisherSnedecor",
    "Gamma", "GeneralizedPareto", "Geometric", "Gumbel", "HalfCauchy", "HalfNormal", "Independent",
    "IndependentTransform", "InverseGamma", "Kumaraswamy", "LKJCholesky", "Laplace", "LogNormal", "LogisticNormal",
    "LogitRelaxedBernoulli", "LowRankMultivariateNormal", "LowerCholeskyTransform", "MixtureSameFamily", "Multinomial",
    "MultivariateNormal", "NegativeBinomial", "Normal", "OneHotCategorical", "OneHotCategoricalStraightThrough",
    "Pareto", "Poisson", "PositiveDefiniteTransform", "PowerTransform", "RelaxedBernoulli", "RelaxedOneHotCategorical",
    "ReshapeTransform", "SigmoidTransform", "SoftmaxTransform", "SoftplusTransform", "StackTransform",
    "StickBreakingTransform", "StudentT", "TanhTransform", "Transform", "TransformedDistribution", "Uniform",
    "VonMises", "Weibull", "Wishart", "biject_to", "constraints", "cross_divergences", "identity_transform",
    "kl_divergence", "register_kl", "transform_to", "transforms", "utils",
]  # fmt: skip

# PyTorch's programs also ask modules named after families.
_MODULES = """
    bernoulli beta binomial categorical cauchy chi2 dirichlet exp_family exponential fishersnedecor gamma
    generalized_pareto geometric gumbel half_cauchy half_normal independent inverse_gamma kl kumaraswamy laplace
    lkj_cholesky log_normal logistic_normal lowrank_multivariate_normal mixture_same_family multinomial
    multivariate_normal negative_binomial normal one_hot_categorical pareto poisson relaxed_bernoulli
    relaxed_categorical studentT transformed_distribution uniform weibull wishart
    """
for _module in _MODULES.split():
    sys.modules[f"{__name__}.{_module}"] = globals()[_module] = sys.modules[__name__]
