"""Optimizers against straightforward loops over the published formulas, and what they keep account of."""

import copy
import itertools
from functools import partial

import numpy as np
import pytest

import autograd_core as ag
import optim

SHAPES = [(4, 3), (5,), ()]
STEPS = 20


def problem():
    """Starting points and the gradients of every step; the second parameter has none in every third step."""
    rng = np.random.default_rng(0)
    start = [rng.standard_normal(shape) for shape in SHAPES]
    gradients = [[rng.standard_normal(shape) for shape in SHAPES] for _ in range(STEPS)]
    for step in gradients[1::3]:
        step[1] = None
    return start, gradients


def optimized(make):
    start, gradients = problem()
    params = [ag.tensor(np.asarray(p), requires_grad=True) for p in start]
    optimizer = make(params)
    for step in gradients:
        for p, g in zip(params, step, strict=True):
            p.grad = None if g is None else ag.tensor(np.asarray(g))
        optimizer.step()
    return [p.detach().numpy() for p in params]


def naive(rule, **options):
    """Every parameter on its own: rule(p, g, state, t, **options) gives the new value."""
    start, gradients = problem()
    out = []
    for i, p in enumerate(start):
        state, t = {}, 0
        for step in gradients:
            if step[i] is not None:
                t += 1
                p = rule(p, step[i], state, t, **options)
        out.append(p)
    return out


def sgd(p, g, state, t, lr, momentum=0, dampening=0, weight_decay=0, nesterov=False, maximize=False):
    g = (-g if maximize else g) + weight_decay * p
    if momentum:
        b = g if t == 1 else momentum * state["b"] + (1 - dampening) * g
        state["b"] = b
        g = g + momentum * b if nesterov else b
    return p - lr * g


def adam(
    p, g, state, t, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, maximize=False, decoupled=False
):
    g = -g if maximize else g
    if decoupled:
        p = p - lr * weight_decay * p
    else:
        g = g + weight_decay * p
    m = state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * g
    v = state["v"] = betas[1] * state.get("v", 0) + (1 - betas[1]) * g**2
    if amsgrad:
        v = state["largest"] = np.maximum(state.get("largest", 0), v)
    return p - lr * (m / (1 - betas[0] ** t)) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)


SGD_OPTIONS = [
    {"lr": 0.1, "momentum": m, "dampening": d, "weight_decay": w, "nesterov": n, "maximize": x}
    for m, d, w, n, x in itertools.product([0, 0.9], [0, 0.3], [0, 0.1], [False, True], [False, True])
    if not n or (m and not d)
]
ADAM_OPTIONS = [
    {"lr": 0.01, "betas": (0.8, 0.99), "weight_decay": w, "amsgrad": a, "maximize": x}
    for w, a, x in itertools.product([0, 0.1], [False, True], [False, True])
]


@pytest.mark.parametrize("options", SGD_OPTIONS, ids=str)
def test_sgd(options):
    for found, expected in zip(optimized(lambda ps: optim.SGD(ps, **options)), naive(sgd, **options), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("options", ADAM_OPTIONS, ids=str)
@pytest.mark.parametrize("decoupled", [False, True])
def test_adam(options, decoupled):
    found = optimized(lambda ps: (optim.AdamW if decoupled else optim.Adam)(ps, **options))
    for ours, expected in zip(found, naive(adam, **options, decoupled=decoupled), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-13)


def test_defaults_are_pytorchs():
    p = ag.ones(1, requires_grad=True)
    assert optim.SGD([p]).defaults["lr"] == 1e-3
    assert optim.Adam([p]).defaults["weight_decay"] == 0
    assert optim.AdamW([p]).defaults["weight_decay"] == 1e-2
    assert optim.Adam([p]).defaults["betas"] == (0.9, 0.999)
    assert repr(optim.SGD([p], lr=0.1)) == (
        "SGD (\nParameter Group 0\n    dampening: 0.0\n    lr: 0.1\n    maximize: False\n    momentum: 0.0\n"
        "    nesterov: False\n    weight_decay: 0.0\n)"
    )


@pytest.mark.parametrize("method", [optim.SGD, optim.Adam, optim.AdamW])
@pytest.mark.parametrize("computed", [False, True])
def test_scalar_parameters_change_where_they_lie(method, computed):
    p = ag.tensor(2.0, requires_grad=True)
    if computed:
        p.data = (p * 1.0).data  # a NumPy scalar inside
    optimizer = method([p], lr=0.5)
    values = []
    for _ in range(2):
        optimizer.zero_grad()
        (p * p).backward()
        optimizer.step()
        values.append(p.item())
    assert values == pytest.approx(
        {optim.SGD: [0.0, 0.0], optim.Adam: [1.5, 1.0056], optim.AdamW: [1.49, 0.9876]}[method], abs=2e-2
    )


def test_dtype_is_kept_and_steps_leave_no_graph():
    p = ag.ones(3, dtype="float16", requires_grad=True)
    optimizer = optim.SGD([p], lr=0.1, momentum=0.9, weight_decay=0.1)
    (p * p).sum().backward()
    optimizer.step()
    assert p.dtype == ag.float16
    assert p.is_leaf
    assert optimizer.state[p]["momentum_buffer"].dtype == ag.float16


def test_step_makes_older_graphs_stale():
    p = ag.ones(2, requires_grad=True)
    optimizer = optim.SGD([p], lr=0.1)
    loss = (p * p).sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(RuntimeError, match="written in place"):
        loss.backward()


def test_groups_have_their_own_options():
    a, b = ag.ones(1, requires_grad=True), ag.ones(1, requires_grad=True)
    optimizer = optim.SGD([{"params": a}, {"params": [b], "lr": 1.0}], lr=0.1)
    a.grad = b.grad = ag.ones(1)
    optimizer.step()
    assert (a.item(), b.item()) == (pytest.approx(0.9), 0.0)
    c = ag.ones(1, requires_grad=True)
    optimizer.add_param_group({"params": [c], "momentum": 0.5})
    assert [g["param_names"] for g in optimizer.param_groups] == [["0"], ["1"], ["2"]]
    assert optimizer.param_groups[2]["lr"] == 0.1


def test_zero_grad():
    p = ag.ones(2, requires_grad=True)
    optimizer = optim.SGD([p])
    p.sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0, 0.0]
    optimizer.zero_grad()
    assert p.grad is None


def test_closure_is_called_with_gradients_on():
    p = ag.tensor([3.0], requires_grad=True)
    optimizer = optim.SGD([p], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with ag.no_grad():
        assert optimizer.step(closure).item() == 9.0
    assert p.item() == 0.0


def leaf(size=1):
    return ag.ones(size, requires_grad=True)


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda p: optim.SGD([]), ValueError, "empty parameter list"),
        (lambda p: optim.SGD([{"params": []}]), ValueError, "got an empty parameter list"),
        (optim.SGD, TypeError, "write \\[tensor\\]"),
        (lambda p: optim.SGD([3]), TypeError, "one of the params is int"),
        (lambda p: optim.SGD([p * 2]), ValueError, "non-leaf Tensor: '0'"),
        (lambda p: optim.SGD([p, p]), ValueError, "'1' appears twice"),
        (lambda p: optim.SGD([("w", p), ("w", leaf())]), ValueError, "'w' appears twice"),
        (lambda p: optim.SGD([{"params": [p]}, {"params": [p]}]), ValueError, "appears twice"),
        (lambda p: optim.SGD([p], lr=-1.0), ValueError, "Invalid lr value: -1.0"),
        (lambda p: optim.SGD([p], nesterov=True), ValueError, "Nesterov momentum requires"),
        (lambda p: optim.Adam([p], betas=(1.0, 0.9)), ValueError, "Invalid betas"),
        (lambda p: optim.Optimizer([p], {}).step(), NotImplementedError, "define update"),
    ],
)
def test_misuse_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make(leaf())


def trained(params, make, steps):
    optimizer = make(params)
    for _ in range(steps):
        descend(optimizer, params)
    return optimizer


def descend(optimizer, params):
    for p in params:
        p.grad = p.detach() * 2 + 1
    optimizer.step()


@pytest.mark.parametrize(
    "make", [partial(optim.SGD, lr=0.1, momentum=0.9), partial(optim.Adam, amsgrad=True)], ids=["SGD", "Adam"]
)
def test_state_resumes_by_name_in_any_order(make):
    names = ["w", "b", "s"]
    first = [ag.tensor(v, requires_grad=True) for v in ([1.0, 2.0], [3.0], 4.0)]
    optimizer = trained(first, lambda ps: make(zip(names, ps, strict=True)), 3)
    saved = copy.deepcopy(optimizer.state_dict())
    assert sorted(saved["state"]) == sorted(names)
    assert saved["param_groups"][0]["params"] == names
    second = [ag.tensor(p.tolist(), requires_grad=True) for p in first]
    resumed = make(reversed(list(zip(names, second, strict=True))))
    resumed.load_state_dict(saved)
    descend(optimizer, first)
    descend(resumed, second)
    assert [p.tolist() for p in second] == [p.tolist() for p in first]
    assert optimizer.state[first[0]] is not resumed.state[second[0]]


def test_failed_load_changes_nothing():
    p = leaf(2)
    optimizer = trained([("w", p)], lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9), 0)
    descend(optimizer, [p])
    before = copy.deepcopy(optimizer.state_dict())
    other = optim.SGD([("v", leaf(2))], lr=5.0)
    with pytest.raises(ValueError, match=r"missing \['w'\], unexpected \['v'\]"):
        optimizer.load_state_dict(other.state_dict())
    wrong = copy.deepcopy(before)
    wrong["param_groups"][0]["lr"] = 5.0
    wrong["state"]["w"]["momentum_buffer"] = ag.ones(3)
    with pytest.raises(ValueError, match=r"'momentum_buffer' of 'w' has shape \(3,\), but the parameter \(2,\)"):
        optimizer.load_state_dict(wrong)
    assert repr(optimizer.state_dict()) == repr(before)
