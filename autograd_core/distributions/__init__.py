"""Probability distributions: samples, differentiable densities, moments, divergences."""

import sys

from autograd_core.distributions import constraints as constraints
from autograd_core.distributions import cross_divergences as cross_divergences
from autograd_core.distributions import transforms as transforms
from autograd_core.distributions import utils as utils
from autograd_core.distributions.composed_transforms import ComposeTransform as ComposeTransform
from autograd_core.distributions.composed_transforms import IndependentTransform as IndependentTransform
from autograd_core.distributions.composed_transforms import identity_transform as identity_transform
from autograd_core.distributions.constraint_registry import biject_to as biject_to
from autograd_core.distributions.constraint_registry import transform_to as transform_to
from autograd_core.distributions.continuous_bernoulli import ContinuousBernoulli as ContinuousBernoulli
from autograd_core.distributions.counts import Binomial as Binomial
from autograd_core.distributions.counts import Geometric as Geometric
from autograd_core.distributions.counts import Multinomial as Multinomial
from autograd_core.distributions.counts import NegativeBinomial as NegativeBinomial
from autograd_core.distributions.counts import Poisson as Poisson
from autograd_core.distributions.discrete import Bernoulli as Bernoulli
from autograd_core.distributions.discrete import Categorical as Categorical
from autograd_core.distributions.discrete import OneHotCategorical as OneHotCategorical
from autograd_core.distributions.distribution import Distribution as Distribution
from autograd_core.distributions.divergences import kl_divergence as kl_divergence
from autograd_core.distributions.divergences import register_kl as register_kl
from autograd_core.distributions.elementwise_transforms import AbsTransform as AbsTransform
from autograd_core.distributions.elementwise_transforms import AffineTransform as AffineTransform
from autograd_core.distributions.elementwise_transforms import (
    CumulativeDistributionTransform as CumulativeDistributionTransform,
)
from autograd_core.distributions.elementwise_transforms import ExpTransform as ExpTransform
from autograd_core.distributions.elementwise_transforms import PowerTransform as PowerTransform
from autograd_core.distributions.elementwise_transforms import SigmoidTransform as SigmoidTransform
from autograd_core.distributions.elementwise_transforms import SoftplusTransform as SoftplusTransform
from autograd_core.distributions.elementwise_transforms import TanhTransform as TanhTransform
from autograd_core.distributions.elementwise_transforms import Transform as Transform
from autograd_core.distributions.exponential_family import ExponentialFamily as ExponentialFamily
from autograd_core.distributions.gammas import Beta as Beta
from autograd_core.distributions.gammas import Chi2 as Chi2
from autograd_core.distributions.gammas import FisherSnedecor as FisherSnedecor
from autograd_core.distributions.gammas import Gamma as Gamma
from autograd_core.distributions.gammas import InverseGamma as InverseGamma
from autograd_core.distributions.gammas import StudentT as StudentT
from autograd_core.distributions.locations import Cauchy as Cauchy
from autograd_core.distributions.locations import Gumbel as Gumbel
from autograd_core.distributions.locations import HalfCauchy as HalfCauchy
from autograd_core.distributions.locations import HalfNormal as HalfNormal
from autograd_core.distributions.locations import Laplace as Laplace
from autograd_core.distributions.locations import Normal as Normal
from autograd_core.distributions.logarithms import LogisticNormal as LogisticNormal
from autograd_core.distributions.logarithms import LogNormal as LogNormal
from autograd_core.distributions.low_rank import LowRankMultivariateNormal as LowRankMultivariateNormal
from autograd_core.distributions.low_rank import _batch_capacitance_tril as _batch_capacitance_tril
from autograd_core.distributions.low_rank import _batch_lowrank_logdet as _batch_lowrank_logdet
from autograd_core.distributions.low_rank import _batch_lowrank_mahalanobis as _batch_lowrank_mahalanobis
from autograd_core.distributions.matrices import LKJCholesky as LKJCholesky
from autograd_core.distributions.matrices import Wishart as Wishart
from autograd_core.distributions.multivariate import Dirichlet as Dirichlet
from autograd_core.distributions.multivariate import Independent as Independent
from autograd_core.distributions.multivariate import MixtureSameFamily as MixtureSameFamily
from autograd_core.distributions.multivariate import MultivariateNormal as MultivariateNormal
from autograd_core.distributions.multivariate import _batch_mahalanobis as _batch_mahalanobis
from autograd_core.distributions.multivariate import _batch_mv as _batch_mv
from autograd_core.distributions.multivariate import _precision_to_scale_tril as _precision_to_scale_tril
from autograd_core.distributions.powers import GeneralizedPareto as GeneralizedPareto
from autograd_core.distributions.powers import Kumaraswamy as Kumaraswamy
from autograd_core.distributions.powers import Pareto as Pareto
from autograd_core.distributions.powers import Weibull as Weibull
from autograd_core.distributions.quantiles import Exponential as Exponential
from autograd_core.distributions.quantiles import Uniform as Uniform
from autograd_core.distributions.relaxed import ExpRelaxedCategorical as ExpRelaxedCategorical
from autograd_core.distributions.relaxed import LogitRelaxedBernoulli as LogitRelaxedBernoulli
from autograd_core.distributions.relaxed import OneHotCategoricalStraightThrough as OneHotCategoricalStraightThrough
from autograd_core.distributions.relaxed import RelaxedBernoulli as RelaxedBernoulli
from autograd_core.distributions.relaxed import RelaxedOneHotCategorical as RelaxedOneHotCategorical
from autograd_core.distributions.transformed import TransformedDistribution as TransformedDistribution
from autograd_core.distributions.vector_transforms import CatTransform as CatTransform
from autograd_core.distributions.vector_transforms import CorrCholeskyTransform as CorrCholeskyTransform
from autograd_core.distributions.vector_transforms import LowerCholeskyTransform as LowerCholeskyTransform
from autograd_core.distributions.vector_transforms import PositiveDefiniteTransform as PositiveDefiniteTransform
from autograd_core.distributions.vector_transforms import ReshapeTransform as ReshapeTransform
from autograd_core.distributions.vector_transforms import SoftmaxTransform as SoftmaxTransform
from autograd_core.distributions.vector_transforms import StackTransform as StackTransform
from autograd_core.distributions.vector_transforms import StickBreakingTransform as StickBreakingTransform
from autograd_core.distributions.von_mises import VonMises as VonMises

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
