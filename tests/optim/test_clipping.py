"""Limits on gradients."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import nn
import optim
from autograd_core.engine.libraries import LIBRARY

GRADIENTS = ([3.0, -4.0], [[1.0], [2.0]], -0.5)


def parameters():
    params = [ag.ones(*np.shape(g), dtype="float64", requires_grad=True) for g in GRADIENTS]
    for p, g in zip(params, GRADIENTS, strict=True):
        p.grad = ag.tensor(g, dtype="float64")
    return [*params, ag.ones(1, requires_grad=True)]


def flat(params):
    return np.concatenate([np.ravel(p.grad.numpy()) for p in params if p.grad is not None])


@given(st.floats(0.01, 20.0), st.sampled_from([1.0, 2.0, 3.0, math.inf, "inf", "2"]))
def test_norm_is_limited_and_returned(limit, order):
    params = parameters()
    before = flat(params)
    expected = np.linalg.norm(before, float(order))
    assert optim.clip_grad_norm_(params, limit, order).item() == pytest.approx(expected, rel=1e-12)
    factor = min(1.0, limit / (expected + 1e-6))
    np.testing.assert_allclose(flat(params), before * factor, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_gradients_are_measured_and_scaled_by_one_kernel_each(monkeypatch, dtype):
    kernels, calls = LIBRARY[np.ndarray].kernels, []
    norm, rescale = kernels.norm, kernels.rescale
    monkeypatch.setattr(kernels, "norm", lambda arrays: calls.append(len(arrays)) or norm(arrays))
    monkeypatch.setattr(kernels, "rescale", lambda arrays, factor: calls.append(len(arrays)) or rescale(arrays, factor))
    params = [ag.ones(n, dtype=dtype, requires_grad=True) for n in (2, 3)]
    for p in params:
        p.grad = ag.full_like(p, 2.0)
    scale = ag.tensor(1.0, dtype=dtype, requires_grad=True)
    (2 * scale).backward()
    assert isinstance(scale.grad.array, np.generic)  # a gradient that is a number is scaled with the others
    params.append(scale)
    optim.clip_grad_norm_(params, 24**0.5 / 2)
    np.testing.assert_allclose(flat(params), 1, rtol=1e-6)
    assert calls == [3, 3]


def test_the_norm_of_order_0_counts_tensors_as_in_pytorch():
    assert optim.clip_grad_norm_(parameters(), 1.0, 0.0).item() == 3


def test_nonfinite_norm():
    params = parameters()
    params[0].grad = ag.tensor([math.nan, 1.0], dtype="float64")
    with pytest.raises(RuntimeError, match=r"total norm of order 2\.0 for gradients from `parameters` is nan"):
        optim.clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
    assert params[1].grad.tolist() == GRADIENTS[1]
    assert math.isnan(optim.clip_grad_norm_(params, 1.0).item())


def test_one_tensor_and_none():
    p = parameters()[0]
    assert optim.clip_grad_norm_(p, 1.0).item() == 5.0
    p.grad = None
    assert optim.clip_grad_norm_([p], 1.0).item() == 0.0


@given(st.floats(0.1, 5.0))
def test_values_are_limited(limit):
    params = parameters()
    before = flat(params)
    optim.clip_grad_value_(params, limit)
    np.testing.assert_allclose(flat(params), np.clip(before, -limit, limit))


@pytest.mark.parametrize("dtypes", [("f4", "f4", "f4"), ("f8", "f4", "f8"), ("f2", "f2", "f2")])
def test_limiting_values_is_a_write(dtypes):
    """NaN stays; of gradients of one dtype and of several."""
    params = [ag.zeros(2, dtype=dtype, requires_grad=True) for dtype in dtypes]
    for p in params:
        p.grad = ag.tensor([5.0, float("nan")], dtype=p.dtype)
    optim.clip_grad_value_(params, 2)
    assert [(p.grad[0].item(), p.grad.dtype, p.grad._version) for p in params] == [(2.0, d, 1) for d in dtypes]
    assert all(math.isnan(p.grad[1].item()) for p in params)


def test_units_are_limited_by_their_weights():
    """The formula of Brock et al., unit by unit; biases are one unit, and small weights count as eps."""
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(s) for s in ((3, 4), (2, 3, 2, 2), (5,), ())]
    weights[0][1] = 0.0
    gradients = [np.asarray(rng.standard_normal(w.shape)) * 0.05 for w in weights]
    params = [ag.tensor(w, requires_grad=True) for w in weights]
    for p, g in zip(params, gradients, strict=True):
        p.grad = ag.tensor(g)
    optim.clip_grad_adaptive_([*params, ag.ones(1)], 0.04, eps=1e-2)
    for p, w, g in zip(params, weights, gradients, strict=True):
        units = zip(w, g, p.grad.numpy(), strict=True) if w.ndim > 1 else [(w, g, p.grad.numpy())]
        for weight, gradient, found in units:
            limit, norm = 0.04 * max(np.linalg.norm(weight), 1e-2), np.linalg.norm(gradient)
            np.testing.assert_allclose(found, gradient * min(1, limit / norm), rtol=1e-12)


def test_in_two_steps_and_under_the_names_of_nn_utils():
    params, others = parameters(), parameters()
    total = nn.utils.get_total_norm([p.grad for p in params if p.grad is not None])
    nn.utils.clip_grads_with_norm_(params, 1.5, total)
    assert nn.utils.clip_grad_norm_(others, 1.5, foreach=True).item() == total.item()
    np.testing.assert_array_equal(flat(params), flat(others))
    assert nn.utils.get_total_norm([]).item() == 0.0


@pytest.mark.parametrize("model", [nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2)), [nn.Linear(2, 2)]])
def test_a_model_is_not_its_parameters(model):
    with pytest.raises(TypeError, match=r"expected tensors.* Linear.*; of a model, write .*\.parameters\(\)"):
        optim.clip_grad_norm_(model, 1.0)


@pytest.mark.parametrize("limit", [-1.0, float("nan")])
def test_a_limit_that_is_none_changes_nothing(limit):
    params = parameters()
    before = flat(params)
    for clip in (optim.clip_grad_norm_, optim.clip_grad_value_, optim.clip_grad_adaptive_):
        with pytest.raises(ValueError, match=f"must not be negative, but is {limit}"):
            clip(params, limit)
    np.testing.assert_array_equal(flat(params), before)
