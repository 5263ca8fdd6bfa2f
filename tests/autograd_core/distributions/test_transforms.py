"""Transforms: of random variables, onto constraints, and the logarithms of their slopes."""

import copy
import pickle

import numpy as np
import pytest
from scipy import stats

import autograd_core as ag
import nn
from autograd_core import distributions as D
from autograd_core.distributions.transforms import _clipped_sigmoid

A, B = (ag.tensor(v, dtype="f8", requires_grad=True) for v in ([0.7, 1.3, 2.5], [1.5, 0.4, 2.0]))
a, b = A.detach().numpy(), B.detach().numpy()
UNIT = [0.1, 0.5, 0.8]


def close(found, expected, rtol=1e-9):
    found = found.detach().numpy() if isinstance(found, ag.Tensor) else found
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-12)


def test_transformed_random_variables():
    v = ag.tensor(UNIT, dtype="f8")
    made = D.TransformedDistribution(D.Normal(A, B), D.ExpTransform())
    same = D.LogNormal(A, B)
    assert isinstance(same, D.TransformedDistribution)
    assert same.cdf(ag.zeros(3)).tolist() == [0, 0, 0]
    with pytest.raises(NotImplementedError, match="AbsTransform has no sign"):
        D.TransformedDistribution(D.Normal(A, B), D.AbsTransform()).cdf(v)
    for what in ("log_prob", "cdf", "icdf"):
        close(getattr(made, what)(v), getattr(same, what)(v).detach())
    parts = [D.SigmoidTransform().inv, D.AffineTransform(A, -B)]
    logistic = D.TransformedDistribution(D.Uniform(ag.zeros(3), ag.ones(3)), parts)
    theirs = stats.logistic(a, b)
    close(logistic.log_prob(v), theirs.logpdf(UNIT))
    close(logistic.cdf(v), theirs.cdf(UNIT))
    close(logistic.icdf(v), theirs.ppf(UNIT), rtol=1e-6)
    close(_clipped_sigmoid(v), D.SigmoidTransform()(v))
    both = D.ComposeTransform([D.AffineTransform(0.5, 2.0), D.TanhTransform()])
    event = D.TransformedDistribution(D.Independent(D.Normal(A, B), 1), both)
    x = event.rsample((4,))
    assert (x.shape, event.log_prob(x).shape, event.expand((2,)).sample().shape) == ((4, 3), (4,), (2, 3))
    close(both.inv(both(v)), UNIT)
    close(both.inv.log_abs_det_jacobian(both(v), v), -both.log_abs_det_jacobian(v, both(v)))
    assert both.inv.inv is both
    plain = D.TransformedDistribution(D.Normal(A, B), [])
    close(plain.log_prob(v), D.Normal(A, B).log_prob(v).detach())


def test_a_cached_transform_is_inverted_exactly():
    squashed = D.TransformedDistribution(D.Normal(30.0, 0.1), D.TanhTransform(cache_size=1))
    x = squashed.rsample()
    assert x.item() == 1
    assert 50 < squashed.log_prob(x).item() < 70
    assert D.TransformedDistribution(D.Normal(30.0, 0.1), D.TanhTransform()).log_prob(x).isfinite().item() is False
    with pytest.raises(ValueError, match="TanhTransform: cache_size must be 0 or 1, not 2"):
        D.TanhTransform(cache_size=2)
    with pytest.raises(NotImplementedError, match="Transform does not define _call"):
        D.Transform()(x)
    with pytest.raises(ValueError, match="within the support"):
        squashed.log_prob(ag.tensor(2.0))
    squash = D.TanhTransform(cache_size=1)
    x = ag.ones(2)
    y = squash(x)
    assert squash._cached_x_y[0] is x
    assert squash._cached_x_y[1] is y


ONTO = {
    "positive": D.constraints.positive,
    "above": D.constraints.greater_than(2.0),
    "below": D.constraints.less_than(2.0),
    "unit": D.constraints.unit_interval,
    "between": D.constraints.half_open_interval(1.0, 3.0),
    "simplex": D.constraints.simplex,
    "lower": D.constraints.lower_cholesky,
    "real": D.constraints.real_vector,
    "definite": D.constraints.positive_definite,
    "correlation": D.constraints.corr_cholesky,
    "parts": D.constraints.cat([D.constraints.positive, D.constraints.unit_interval], -1, [1, 2]),
    "rows": D.constraints.stack([D.constraints.positive, D.constraints.real, D.constraints.unit_interval], -1),
}


@pytest.mark.parametrize("name", ONTO)
@pytest.mark.parametrize("registry", [D.biject_to, D.transform_to])
def test_transforms_onto_constraints(name, registry):
    t = registry(ONTO[name])
    ag.manual_seed(0)
    x = ag.randn((2, 3, 3) if ONTO[name].event_dim == 2 and name != "correlation" else (2, 3), dtype="f8")
    x = x.tril() if name in ("lower", "definite") else x
    y = t(x)
    assert ONTO[name].check(y).all()
    assert (t.forward_shape(x.shape), t.inverse_shape(y.shape)) == (y.shape, x.shape)
    close(t(t.inv(y)), y)
    if t.bijective:
        close(t.inv(y), x)


VECTOR_TRANSFORMS = {
    "StickBreaking": D.StickBreakingTransform(),
    "CorrCholesky": D.CorrCholeskyTransform(),
    "Softplus": D.IndependentTransform(D.SoftplusTransform(), 1),
    "Power": D.ComposeTransform([D.ExpTransform(), D.PowerTransform(-1.5), D.AffineTransform(1.0, 2.0, event_dim=1)]),
    "Reshape": D.ReshapeTransform((3,), (3, 1)),
    "Cat": D.IndependentTransform(D.CatTransform([D.ExpTransform(), D.TanhTransform()], -1, [2, 1]), 1),
    "Stack": D.IndependentTransform(
        D.StackTransform([D.ExpTransform(), D.TanhTransform(), D.SigmoidTransform()], -1), 1
    ),
    "Cumulative": D.IndependentTransform(D.CumulativeDistributionTransform(D.Normal(0.0, 1.0)), 1),
}


@pytest.mark.parametrize("name", VECTOR_TRANSFORMS)
def test_transforms_know_their_slope(name):
    """The logarithm of the determinant of the Jacobian of as many values as there are arguments."""
    t, x = VECTOR_TRANSFORMS[name], ag.tensor([0.3, -0.5, 0.2], dtype="f8")
    free = {"StickBreaking": lambda y: y[:-1], "CorrCholesky": lambda y: y[(1, 2, 2), (0, 0, 1)]}.get(name, ag.flatten)
    jacobian = ag.func.jacrev(lambda x: free(t(x)))(x)
    close(t.log_abs_det_jacobian(x, t(x)), ag.linalg.slogdet(jacobian)[1].item(), rtol=1e-6)
    close(t.inv(t(x)), x, rtol=1e-6)


def test_helpers_for_transforms_of_ones_own():
    from autograd_core.distributions.transforms import _InverseTransform
    from autograd_core.distributions.utils import (
        _standard_normal,
        _sum_rightmost,
        broadcast_all,
        logits_to_probs,
        probs_to_logits,
        tril_matrix_to_vec,
        vec_to_tril_matrix,
    )

    noise = _standard_normal((2, 3), ag.float64, "cpu")
    assert (noise.shape, noise.dtype) == ((2, 3), ag.float64)
    assert isinstance(D.ExpTransform().inv, _InverseTransform)
    x, y = broadcast_all(ag.ones(2, 3), 2.0)
    assert _sum_rightmost(x + y, 1).tolist() == [9, 9]
    assert _sum_rightmost(x, 0).shape == (2, 3)
    for is_binary, shares in ((True, [0.2, 0.9]), (False, [0.2, 0.8])):
        p = ag.tensor(shares, dtype="f8")
        close(logits_to_probs(probs_to_logits(p, is_binary), is_binary), p)
    for diag, length in ((-1, 3), (0, 6), (1, 8)):
        lower = ag.arange(18.0).reshape(2, 3, 3).tril(diag)
        rows = tril_matrix_to_vec(lower, diag)
        assert rows.shape == (2, length)
        assert ag.equal(vec_to_tril_matrix(rows, diag), lower)
    with pytest.raises(ValueError, match="no lower triangle"):
        vec_to_tril_matrix(ag.ones(4))


TO_TWO = D.ComposeTransform([D.SigmoidTransform(), D.AffineTransform(0.0, 2.0)])


@pytest.mark.parametrize("made", [TO_TWO, TO_TWO.inv, D.TanhTransform().inv, D.IndependentTransform(TO_TWO, 1)])
def test_transforms_that_are_given_a_cache_are_inverted_exactly(made):
    x, cached = ag.tensor([300.0, 0.5]), made.with_cache()
    assert cached.inv(cached(x)) is x
    assert cached.inv.inv is cached
    assert made.inv(made(x)) is not x


def test_transforms_can_be_compared_copied_and_printed():
    shift, exp = D.AffineTransform(1.0, 2.0), D.ExpTransform()
    assert shift == D.AffineTransform(ag.tensor(1.0), 2.0)
    assert hash(shift) == hash(D.AffineTransform(1.0, 2.0))
    assert shift not in (D.AffineTransform(1.0, 3.0), exp)
    cached, x = exp.with_cache(), A.detach()
    y = cached(x)
    assert cached(x) is y
    assert cached.inv(y) is x
    both = D.ComposeTransform([exp, D.AffineTransform(0.0, 2.0)])
    close(both.inv(both(x)), x)
    assert repr(both.inv) == "ComposeTransform([AffineTransform().inv, ExpTransform().inv])"
    assert repr(D.IndependentTransform(exp, 1)) == "IndependentTransform(ExpTransform(), 1)"
    for made in (both, both.inv, exp):
        close(pickle.loads(pickle.dumps(made)).inv(x), made.inv(x))
    scaled = copy.deepcopy(shift)
    scaled.scale = 4.0
    assert (shift.inv(ag.tensor(9.0)).item(), scaled.inv(ag.tensor(9.0)).item()) == (4.0, 2.0)


def test_transforms_know_their_sign_and_shapes():
    assert (D.ExpTransform().inv.sign, D.IndependentTransform(D.TanhTransform(), 1).sign) == (1, 1)
    assert D.PowerTransform(ag.tensor([-2.0, 3.0])).sign.tolist() == [-1, 1]
    assert D.PowerTransform(ag.tensor([-2.0, 3.0])).forward_shape((5, 1)) == (5, 2)
    assert D.AbsTransform()(ag.tensor([-2.0, 3.0])).tolist() == [2, 3]
    assert D.ComposeTransform([]).log_abs_det_jacobian(A, A).tolist() == [0, 0, 0]
    with pytest.raises(NotImplementedError, match="AbsTransform has no sign"):
        _ = D.AbsTransform().sign
    wide = D.TransformedDistribution(D.Normal(0.0, 1.0), D.AffineTransform(ag.tensor([0.0, 1.0]), 2.0))
    assert wide.batch_shape == (2,)


MATRICES = ag.tensor([[[1.0, 1], [1, 1]], [[1, 2], [2, 1]]])
CHECKS = {
    "semidefinite": (D.constraints.positive_semidefinite, MATRICES, [True, False]),
    "square": (D.constraints.square, MATRICES, [True, True]),
    "symmetric": (D.constraints.symmetric, ag.ones(2, 3), False),
    "each by itself": (D.constraints.independent(D.constraints.positive, 0), ag.tensor([1.0, -1.0]), [True, False]),
    "counts": (D.constraints.multinomial(3), ag.tensor([[1.0, 2], [2, 2]]), [True, False]),
}


@pytest.mark.parametrize("name", CHECKS)
def test_constraints(name):
    constraint, value, expected = CHECKS[name]
    assert constraint.check(value).tolist() == expected


def test_what_constraints_depend_on_may_be_known():
    assert D.constraints.cat([D.constraints.boolean, D.constraints.real]).is_discrete
    assert D.constraints.dependent(is_discrete=False, event_dim=1).event_dim == 1
    with pytest.raises(ValueError, match="depends on other parameters"):
        D.constraints.dependent.check(ag.ones(1))
    with pytest.raises(NotImplementedError, match="event_dim depends"):
        _ = D.constraints.dependent.event_dim


def test_transforms_and_distributions_that_are_modules():
    class Scale(D.Transform, nn.Module):
        bijective = True
        domain = codomain = D.constraints.real

        def __init__(self):
            super().__init__()
            self.factor = nn.Parameter(ag.tensor(2.0))

        def _call(self, x):
            return self.factor * x

    class Shifted(D.Distribution, nn.Module):
        def __init__(self):
            super().__init__(validate_args=False)
            self.part = nn.Linear(1, 1)

    scale = Scale()
    scale(ag.tensor(3.0)).backward()
    assert (scale.factor.grad.item(), dict(scale.named_parameters())) == (3, {"factor": scale.factor})
    assert [name for name, _ in Shifted().named_parameters()] == ["part.weight", "part.bias"]


@pytest.mark.parametrize(
    ("module", "base"), [(D.transforms, D.transforms.Transform), (D.constraints, D.constraints.Constraint)]
)
def test_modules_list_their_names(module, base):
    own = {n for n, v in vars(module).items() if isinstance(v, base) or (isinstance(v, type) and issubclass(v, base))}
    assert {n for n in own if n[0] != "_"} <= set(module.__all__) <= set(dir(module))
