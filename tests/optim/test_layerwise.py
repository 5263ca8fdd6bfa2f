"""Optimizers that see a parameter as a whole, and L-BFGS."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import optim
from optim.line_search import Point, strong_wolfe

LBFGS_CASES = json.loads(Path(__file__).with_name("lbfgs.json").read_text())
RNG = np.random.default_rng(0)
START, GRADIENTS = RNG.standard_normal((4, 6)), RNG.standard_normal((20, 4, 6))


def optimized(make, start=START, gradients=GRADIENTS):
    p = ag.tensor(start, requires_grad=True)
    optimizer = make([p])
    for g in gradients:
        p.grad = ag.tensor(g)
        optimizer.step()
    return p.detach().numpy()


def test_lars():
    p, b = START, 0.0
    for g in GRADIENTS:
        size = np.linalg.norm(p)
        ratio = 0.02 * size / (np.linalg.norm(g) + 0.1 * size + 1e-8)
        b = 0.8 * b + 0.5 * ratio * (g + 0.1 * p)
        p = p - b
    found = optimized(lambda ps: optim.LARS(ps, 0.5, 0.8, weight_decay=0.1, trust_coefficient=0.02))
    np.testing.assert_allclose(found, p, rtol=1e-12)


def test_lamb():
    p, m, v = START, 0.0, 0.0
    for t, g in enumerate(GRADIENTS, 1):
        m, v = 0.8 * m - 0.2 * g, 0.9 * v + 0.1 * g**2
        d = m / (1 - 0.8**t) / (np.sqrt(v / (1 - 0.9**t)) + 1e-3) + 0.1 * p
        p = p - 0.05 * np.linalg.norm(p) / np.linalg.norm(d) * d
    found = optimized(lambda ps: optim.LAMB(ps, 0.05, (0.8, 0.9), 1e-3, 0.1, maximize=True))
    np.testing.assert_allclose(found, p, rtol=1e-12)


@pytest.mark.parametrize("make", [lambda ps: optim.LARS(ps, 0.5), lambda ps: optim.LAMB(ps, 0.5)], ids=["LARS", "LAMB"])
def test_parameters_that_are_zero_can_leave_it(make):
    assert np.all(optimized(make, np.zeros((4, 6)), GRADIENTS[:1]) != 0)


def test_lion_goes_by_signs():
    p, m = START, 0.0
    for g in GRADIENTS:
        p = p * (1 - 0.05 * 0.1) - 0.05 * np.sign(0.8 * m + 0.2 * g)
        m = 0.9 * m + 0.1 * g
    np.testing.assert_allclose(optimized(lambda ps: optim.Lion(ps, 0.05, (0.8, 0.9), 0.1)), p, rtol=1e-12)


@pytest.mark.parametrize("shape", [(4, 6), (6, 4)])
@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("adjust", [None, "match_rms_adamw"])
def test_muon_changes_singular_values_alone(shape, nesterov, adjust):
    start, gradients = START.reshape(shape), GRADIENTS.reshape(20, *shape)
    p, b = start, 0.0
    for g in gradients:
        b = 0.9 * b + 0.1 * g
        u, s, v = np.linalg.svd(0.1 * g + 0.9 * b if nesterov else b, full_matrices=False)
        s = s / np.linalg.norm(s)
        for _ in range(5):
            s = 3.4445 * s - 4.775 * s**3 + 2.0315 * s**5
        scale = 0.2 * np.sqrt(6) if adjust else np.sqrt(max(1, shape[0] / shape[1]))
        p = p * (1 - 0.02 * 0.1) - 0.02 * scale * (u * s) @ v
    found = optimized(
        lambda ps: optim.Muon(ps, 0.02, momentum=0.9, nesterov=nesterov, adjust_lr_fn=adjust), start, gradients
    )
    np.testing.assert_allclose(found, p, rtol=1e-9, atol=1e-12)


def test_adafactor_remembers_rows_and_columns():
    p = ag.ones(4, 6, requires_grad=True)
    optimizer = optim.Adafactor([p])
    p.grad = ag.ones(4, 6)
    optimizer.step()
    state = optimizer.state[p]
    assert (state["row_var"].shape, state["col_var"].shape) == ((4, 1), (1, 6))
    optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    optimizer.step()
    assert optimizer.state[p]["step"] == 2


@pytest.mark.parametrize("shape", [(2000, 3), (5,)])
def test_adafactor_on_16_bits_steps_as_on_64(shape):
    """A sum of small numbers in bfloat16 would end at 256."""
    start, gradient = (ag.tensor(np.random.default_rng(i).normal(size=shape)).bfloat16() for i in (0, 1))
    steps = []
    for dtype in (ag.bfloat16, ag.float64):
        p = start.to(dtype, copy=True).requires_grad_()
        optimizer = optim.Adafactor([p], lr=0.5)
        p.grad = gradient.to(dtype)
        optimizer.step()
        assert p.dtype == optimizer.state[p]["variance" if len(shape) == 1 else "col_var"].dtype == dtype
        steps.append((p.detach().double() - start.double()).numpy())
    np.testing.assert_allclose(*steps, rtol=0.05, atol=0.02)


def rosenbrock(w, b):
    z = ag.cat([w.reshape(-1), b])
    return (100 * (z[1:] - z[:-1] ** 2) ** 2 + (1 - z[:-1]) ** 2).sum()


def minimizer(**options):
    w, b = (ag.tensor(v, dtype="float64", requires_grad=True) for v in ([[-1.2, 1.0], [0.7, 1.3]], [0.4]))
    optimizer = optim.LBFGS([w, b], **options)

    def closure():
        optimizer.zero_grad()
        loss = rosenbrock(w, b)
        loss.backward()
        return loss

    return optimizer, closure, (w, b)


def test_lbfgs_stays_where_the_gradient_is_zero():
    w = ag.zeros(2, requires_grad=True)

    def closure():
        w.grad = ag.zeros(2)
        return 1.0

    assert optim.LBFGS([w], tolerance_grad=-1).step(closure) == 1.0
    assert w.tolist() == [0, 0]


@pytest.mark.parametrize("case", LBFGS_CASES, ids=lambda case: str(case["options"]))
def test_lbfgs_is_pytorchs(case):
    """The parameters, evaluations and iterations that PyTorch 2.13 had after these steps."""
    optimizer, closure, (w, b) = minimizer(**case["options"])
    for _ in range(case["steps"]):
        optimizer.step(closure)
    assert [*w.reshape(-1).tolist(), *b.tolist()] == pytest.approx(case["values"], rel=1e-8)
    state = optimizer.state[w]
    assert (state["func_evals"], state["n_iter"]) == tuple(case["counts"])


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_takes_complex_numbers_as_pairs(search):
    pair = ag.tensor([[-1.2, 1.0], [0.7, 1.3]], dtype="float64", requires_grad=True)
    z = ag.view_as_complex(pair.detach().clone()).requires_grad_()
    for p in (pair, z):
        optimizer = optim.LBFGS([p], lr=0.1, line_search_fn=search, max_iter=7)

        def closure(p=p, optimizer=optimizer):
            optimizer.zero_grad()
            loss = rosenbrock(ag.view_as_real(p) if p.is_complex() else p, ag.zeros(0, dtype="float64"))
            loss.backward()
            return loss

        optimizer.step(closure)
        optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        optimizer.step(closure)
    np.testing.assert_allclose(ag.view_as_real(z.detach()), pair.detach(), rtol=1e-9)


def test_lbfgs_finds_the_minimum_and_resumes():
    optimizer, closure, params = minimizer(line_search_fn="strong_wolfe", max_iter=5, tolerance_change=1e-14)
    for _ in range(2):
        optimizer.step(closure)
    other, other_closure, copies = minimizer(line_search_fn="strong_wolfe", max_iter=5, tolerance_change=1e-14)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    with ag.no_grad():
        for p, q in zip(copies, params, strict=True):
            p.copy_(q)
    for _ in range(10):
        optimizer.step(closure)
        other.step(other_closure)
    assert [p.tolist() for p in copies] == [p.tolist() for p in params]
    closure()
    assert max(p.grad.abs().max().item() for p in params) < 1e-6


@pytest.mark.parametrize("first", [1e-3, 0.3, 1.0, 4.0, 50.0])
def test_line_search_finds_a_point_with_wolfes_conditions(first):
    def at(t):
        return (t - 3) ** 4 + np.sin(5 * t), None, 4 * (t - 3) ** 3 + 5 * np.cos(5 * t)

    start = Point(0.0, *at(0.0))
    point, count = strong_wolfe(at, first, start)
    assert point.loss <= start.loss + 1e-4 * point.t * start.slope
    assert abs(point.slope) <= 0.9 * abs(start.slope)
    assert count < 25


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda p: optim.Muon([("w", ag.ones(3))]), ValueError, r"only supports 2D .* size: \(3,\), 'w'"),
        (lambda p: optim.Muon([p], adjust_lr_fn="other"), ValueError, "function other is not supported"),
        (lambda p: optim.Muon([p], ns_steps=100), ValueError, "less than 100"),
        (lambda p: optim.Muon([p], ns_coefficients=(1.0,)), ValueError, "exactly 3 values"),
        (lambda p: optim.Adafactor([p], beta2_decay=0.1), ValueError, "beta2_decay should be <= 0"),
        (lambda p: optim.Adafactor([p], eps=(-1.0, 1.0)), ValueError, "epsilon1 should be >= 0"),
        (lambda p: optim.Adafactor([p], eps=(None, -1.0)), ValueError, "epsilon2 should be >= 0"),
        (lambda p: optim.Adafactor([p], d=0.5), ValueError, "threshold d should be >= 1"),
        (lambda p: optim.LBFGS([{"params": [p]}, {"params": [ag.ones(1)]}]), ValueError, "per-parameter options"),
        (lambda p: optim.LBFGS([p]).step(), TypeError, r"call step\(closure\)"),
    ],
)
def test_misuse_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make(ag.ones(2, 3))


def test_options_of_lbfgs_are_checked():
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported, not line_search_fn='armijo'"):
        minimizer(line_search_fn="armijo")
    with pytest.raises(ValueError, match="Invalid learning rate: -1"):
        minimizer(lr=-1)
