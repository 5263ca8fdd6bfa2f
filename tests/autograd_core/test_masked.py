"""Masked functions against the plain ones, applied to the elements that the mask selects alone."""

import math

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import masked

RNG = np.random.default_rng(0)
X = RNG.standard_normal((3, 4, 5))
MASK = RNG.random((3, 4, 5)) > 0.4
MASK[0, 0] = [True, False, True, False, False]
SINGLE = {
    "sum": np.sum, "prod": np.prod, "mean": np.mean, "amax": np.max, "amin": np.min, "std": lambda v: np.std(v, ddof=1),
    "var": lambda v: np.var(v, ddof=1), "norm": np.linalg.norm, "logsumexp": lambda v: np.log(np.exp(v).sum()),
    "median": lambda v: np.sort(v)[(len(v) - 1) // 2],
}  # fmt: skip
ALONG = {
    "softmax": lambda v: np.exp(v) / np.exp(v).sum(), "softmin": lambda v: np.exp(-v) / np.exp(-v).sum(),
    "log_softmax": lambda v: v - np.log(np.exp(v).sum()), "cumsum": np.cumsum, "cumprod": np.cumprod,
    "normalize": lambda v: v / np.linalg.norm(v),
}  # fmt: skip


@pytest.mark.parametrize("name", SINGLE)
def test_reductions(name):
    x, mask = ag.tensor(X, requires_grad=True), ag.tensor(MASK)
    found = getattr(masked, name)(x, dim=-1, mask=mask)
    rows = [[row[m] for row, m in zip(*pair, strict=True)] for pair in zip(X, MASK, strict=True)]
    expected = np.array([[SINGLE[name](row) for row in plane] for plane in rows])
    np.testing.assert_allclose(found.detach(), expected, rtol=1e-12)
    assert ((ag.grad(found[1].sum(), x)[0] != 0) <= mask).all()
    if name != "median":
        function = getattr(masked, name)
        whole = function(x, mask=mask, keepdim=True)
        np.testing.assert_allclose(whole.detach(), SINGLE[name](X[MASK]).reshape(1, 1, 1), rtol=1e-12)
        assert function(x, dim=(0, 2)).tolist() == function(x, dim=(2, 0), mask=ag.ones(5, dtype="bool")).tolist()


@pytest.mark.parametrize("name", ALONG)
def test_scans_and_normalizations(name):
    order = (2.0,) if name == "normalize" else ()
    found = getattr(masked, name)(ag.tensor(X), *order, dim=1, mask=ag.tensor(MASK)).numpy()
    for i, k in np.ndindex(3, 5):
        m = MASK[i, :, k]
        np.testing.assert_allclose(found[i, m, k], ALONG[name](X[i, m, k]), rtol=1e-12)


def test_corrections_that_are_no_integers():
    x = ag.tensor(X)
    np.testing.assert_allclose(masked.var(x, dim=1, correction=1.3), x.var(dim=1, correction=1.3), rtol=1e-12)
    assert masked.var(x.bfloat16(), dim=1, correction=1.3).dtype == ag.bfloat16


def test_positions_and_pairs():
    x, mask = ag.tensor(X), ag.tensor(MASK)
    for function, sign in ((masked.argmax, -1), (masked.argmin, 1)):
        filled = np.where(MASK, sign * X, np.inf)
        np.testing.assert_array_equal(function(x, 1, mask=mask), filled.argmin(1))
        assert function(x, mask=mask).item() == filled.argmin()
    found = masked.logaddexp(x, x, other_mask=mask)
    np.testing.assert_allclose(found, X + math.log(2) * MASK, rtol=1e-12)


def test_integers_and_what_is_refused():
    x, none = ag.tensor([[3, 1, 2]]), ag.zeros(1, dtype="bool")
    assert masked.amax(x, 1, mask=ag.tensor([False, True, True])).tolist() == [2]
    assert masked.amin(x, 1, mask=none).tolist() == [np.iinfo("i8").max]
    assert masked.median(x, 1).tolist() == [2]
    assert masked.mean(x, 1, mask=none).isnan().all()
    with pytest.raises(ValueError, match="selects none"):
        masked.median(x, 1, mask=none)
    with pytest.raises(RuntimeError, match=r"\(2,\)"):
        masked.sum(x, 1, mask=ag.ones(2, dtype="bool"))


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "amax", "amin", "logsumexp", "norm", "median"])
def test_a_number_has_one_axis(name):
    assert getattr(masked, name)(ag.tensor(3.0), dim=0, keepdim=True).item() == pytest.approx(3.0)
