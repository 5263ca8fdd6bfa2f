"""Optimizers against straightforward loops over the published formulas, and what they keep account of."""

import copy
import itertools
from functools import partial

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from optim.elementwise import SMALL
from optim.optimizer import (
    HINTS,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
    required,
)
from optim.sgd import LARGE

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


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("options", [{}, {"weight_decay": 0.1}, {"maximize": True}], ids=str)
def test_sgd_gives_large_parameters_the_numbers_of_small_ones(options, dtype):
    values, gradients = np.random.default_rng(0).standard_normal((2, LARGE + 16))
    pieces = [(values, gradients), *zip(np.array_split(values, 3), np.array_split(gradients, 3), strict=True)]
    params = [ag.tensor(v, dtype=dtype, requires_grad=True) for v, _ in pieces]
    for p, (_, g) in zip(params, pieces, strict=True):
        p.grad = ag.tensor(g, dtype=dtype)
    optim.SGD(params, lr=0.1, **options).step()
    whole, *parts = [p.detach().float().numpy() for p in params]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


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
        "SGD (\nParameter Group 0\n    dampening: 0\n    differentiable: False\n    foreach: None\n    fused: None\n"
        "    lr: 0.1\n    maximize: False\n    momentum: 0\n    nesterov: False\n    weight_decay: 0\n)"
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


METHODS = {
    "Adam": optim.Adam,
    "NAdam": optim.NAdam,
    "RAdam": optim.RAdam,
    "Adamax": optim.Adamax,
    "Lion": partial(optim.Lion, lr=0.1),
    "Adagrad": optim.Adagrad,
    "Adadelta": optim.Adadelta,
    "RMSprop": optim.RMSprop,
    "RMSprop, centered": partial(optim.RMSprop, centered=True, momentum=0.5),
    "Rprop": optim.Rprop,
    "ASGD": optim.ASGD,
    "LARS": partial(optim.LARS, lr=0.1, trust_coefficient=0.1),
    "LAMB": optim.LAMB,
    "Adafactor": optim.Adafactor,
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_a_scalar_alone_changes_as_a_vector_of_one(method, dtype):
    def run(shape):
        p = ag.full(shape, 2.0, dtype=dtype, requires_grad=True)
        optimizer = METHODS[method]([p])
        for slope in (0.5, -0.25, 1.0, 2.0, 0.5, 0.25, 1.0):
            p.grad = ag.full(shape, slope, dtype=dtype)
            optimizer.step()
        assert p.dtype == getattr(ag, dtype)
        return p.item()

    assert run(()) == run((1,)) != 2.0


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
    assert [g["params"] for g in optimizer.state_dict()["param_groups"]] == [[0], [1], [2]]
    assert optimizer.param_groups[2]["lr"] == 0.1


def test_a_rate_may_be_a_tensor():
    p = ag.ones(1, requires_grad=True)
    p.grad = ag.ones(1)
    optim.SGD([p], lr=ag.tensor([0.25])).step()
    assert p.item() == 0.75
    with pytest.raises(ValueError, match="must be 1-element"):
        optim.SGD([p], lr=ag.ones(2))


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
        (lambda p: optim.SGD(nn.Sequential(nn.Flatten())), TypeError, "is Flatten; of a model, write model.parameters"),
        (lambda p: optim.SGD([p * 2]), ValueError, "non-leaf Tensor: '0'"),
        (lambda p: optim.SGD([p, p]), ValueError, "'1' appears twice"),
        (lambda p: optim.SGD([p.detach().expand(3, *p.shape)]), ValueError, "share memory; pass a .clone"),
        (lambda p: optim.SGD([("w", p), ("w", leaf())]), ValueError, "'w' appears twice"),
        (lambda p: optim.SGD([{"params": [p]}, {"params": [p]}]), ValueError, "appears twice"),
        (lambda p: optim.SGD([("w", p), leaf()]), ValueError, "Some param names are missing"),
        (lambda p: optim.SGD([{"params": [("w", p)]}, {"params": [leaf()]}]), ValueError, "in all groups or in none"),
        (lambda p: optim.SGD([p], lr=-1.0), ValueError, "Invalid learning rate: -1.0"),
        (lambda p: optim.SGD([p], lr="1e-2"), TypeError, r"write float\('1e-2'\)"),
        (lambda p: optim.SGD([p], nesterov=True), ValueError, "Nesterov momentum requires"),
        (lambda p: optim.Adam([p], betas=(1.0, 0.9)), ValueError, "Invalid beta parameter at index 0: 1.0"),
        (lambda p: optim.NAdam([p], eps=-1.0), ValueError, "Invalid epsilon value: -1.0"),
        (lambda p: optim.Adagrad([p], lr_decay=-0.5), ValueError, "Invalid lr_decay value: -0.5"),
        (lambda p: optim.Adadelta([p], rho=1.1), ValueError, "Invalid rho value: 1.1"),
        (lambda p: optim.Rprop([p], etas=(1.5, 2.0)), ValueError, "Invalid eta values: 1.5, 2.0"),
        (lambda p: optim.SGD([p], differentiable=True), NotImplementedError, "steps are not recorded"),
        (lambda p: optim.SGD([p], foreach=True, fast=True), TypeError, "SGD has no option 'fast'"),
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
    assert list(saved["state"]) == saved["param_groups"][0]["params"] == [0, 1, 2]
    assert saved["param_groups"][0]["param_names"] == names
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
    wrong["state"][0]["momentum_buffer"] = ag.ones(3)
    with pytest.raises(ValueError, match=r"'momentum_buffer' of 'w' has shape \(3,\), but the parameter \(2,\)"):
        optimizer.load_state_dict(wrong)
    with pytest.raises(ValueError, match="a saved group has 2 parameters, the optimizer's 1"):
        optimizer.load_state_dict(optim.SGD([leaf(2), leaf(2)]).state_dict())
    with pytest.raises(ValueError, match="the saved state has 2 groups of parameters, the optimizer 1"):
        optimizer.load_state_dict(optim.SGD([{"params": leaf(2)}, {"params": leaf(2)}]).state_dict())
    assert repr(optimizer.state_dict()) == repr(before)


def test_without_names_the_order_counts_and_numbers_may_lie_in_tensors():
    first = [ag.tensor([1.0, 2.0], requires_grad=True), ag.tensor(4.0, requires_grad=True)]
    optimizer = trained(first, optim.NAdam, 3)
    saved = copy.deepcopy(optimizer.state_dict())
    for state in saved["state"].values():
        state["step"], state["mu_product"] = ag.tensor(3.0), ag.tensor(state["mu_product"], dtype=ag.float64)
    second = [ag.tensor(p.tolist(), requires_grad=True) for p in first]
    resumed = optim.NAdam(zip("ab", second, strict=True))
    resumed.load_state_dict(saved)
    assert resumed.state[second[1]]["step"] == 3
    descend(optimizer, first)
    descend(resumed, second)
    assert [p.tolist() for p in second] == [p.tolist() for p in first]


def arranged(values, layout):
    """The values as an array in this order of memory."""
    if layout == "channels last":
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(values, 0, -1)), -1, 0)
    return np.repeat(values, 2, axis=-1)[..., ::2] if layout == "with gaps" else values.copy()


@pytest.mark.parametrize("layout", ["plain", "channels last", "with gaps"])
@pytest.mark.parametrize(
    "make, rule, options",
    [
        (optim.Adam, adam, {"lr": 0.1, "weight_decay": 0.1}),
        (optim.SGD, sgd, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1, "maximize": True}),
    ],
    ids=["Adam", "SGD"],
)
def test_long_arrays_change_block_by_block_in_any_layout(make, rule, options, layout):
    rng = np.random.default_rng(0)
    start, gradients = rng.standard_normal((3, 11, 1009)), rng.standard_normal((2, 3, 11, 1009))
    p = ag.tensor(0.0).expand(3, 11, 1009).clone().requires_grad_()
    p.data = arranged(start, layout)
    array, expected, state = p.array, start, {}
    optimizer = make([p], **options)
    for t, g in enumerate(gradients, 1):
        p.grad = ag.tensor(g)
        optimizer.step()
        expected = rule(expected, g, state, t, **options)
    assert p.array is array
    np.testing.assert_allclose(p.array, expected, rtol=1e-12, atol=1e-13)


def exchanged_data(optimizer, params):
    params[0].data = ag.ones(5, 2, dtype="float64")[:, 1]


def exchanged_state(optimizer, params):
    optimizer.state[params[1]]["exp_avg"] = ag.full((2, 3), 0.5, dtype="float64")


def exchanged_number(optimizer, params):
    optimizer.state[params[2]]["step"] = 7


def loaded(optimizer, params):
    optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))


def largest_wanted(optimizer, params):
    optimizer.param_groups[0]["amsgrad"] = True


def another_dtype(optimizer, params):
    params[0].data = params[0].data.to("float32")
    for name in ("exp_avg", "exp_avg_sq"):
        optimizer.state[params[0]][name] = optimizer.state[params[0]][name].to("float32")


@pytest.mark.parametrize(
    "change", [exchanged_data, exchanged_state, exchanged_number, loaded, largest_wanted, another_dtype]
)
def test_parameters_side_by_side_change_as_each_alone(change):
    """What happens to arrays and state between two steps is seen, though small parameters are updated as one, and
    large ones beside them.
    """

    def run(*optimizers_of):
        params = [ag.ones(*s, dtype="float64", requires_grad=True) for s in ((5,), (2, 3), (), (SMALL + 1,))]
        params[1].data = ag.ones(3, 2, dtype="float64").T
        optimizers = [optim.Adam(group, lr=0.1) for group in optimizers_of[0](params)]
        owner = {id(p): o for o in optimizers for p in o.param_groups[0]["params"]}
        for t in range(4):
            for i, p in enumerate(params):
                p.grad = None if (t, i) == (1, 2) else ag.full(p.shape, 0.3 * i + t - 1, dtype=p.dtype)
            for o in optimizers:
                o.step()
            if t in (0, 2):
                if change in (loaded, largest_wanted):
                    for o in optimizers:
                        change(o, params)
                else:
                    at = {exchanged_state: 1, exchanged_number: 2}.get(change, 0)
                    change(owner[id(params[at])], params)
        return [p.tolist() for p in params], [owner[id(p)].state[p]["step"] for p in params]

    together, alone = run(lambda ps: [ps]), run(lambda ps: [[p] for p in ps])
    assert together == alone


def test_adagrad_starts_with_its_state():
    optimizer = optim.Adagrad([leaf(), ag.ones(2, dtype="complex64")], initial_accumulator_value=0.5)
    first, second = [state["sum"] for state in optimizer.state_dict()["state"].values()]
    assert (first.tolist(), second.tolist()) == (ag.full_like(first, 0.5).tolist(), [0.5 + 0.5j] * 2)


def test_hooks_around_the_state():
    optimizer, calls = optim.SGD([ag.ones(1, requires_grad=True)], lr=0.1), []
    handles = [
        optimizer.register_state_dict_pre_hook(lambda o: calls.append("second")),
        optimizer.register_state_dict_pre_hook(lambda o: calls.append("first"), prepend=True),
        optimizer.register_state_dict_post_hook(lambda o, state: {**state, "extra": 1}),
        optimizer.register_load_state_dict_pre_hook(lambda o, state: calls.append(state.pop("extra"))),
        optimizer.register_load_state_dict_post_hook(calls.append),
    ]
    optimizer.state["own"] = {"calls": 3}
    state = optimizer.state_dict()
    optimizer.load_state_dict(state)
    assert optimizer.state["own"] == {"calls": 3}
    assert calls == ["first", "second", 1, optimizer]
    assert state["extra"] == 1
    for handle in handles:
        handle.remove()
    assert "extra" not in optimizer.state_dict()


@pytest.mark.parametrize("name", ["SGD", "LBFGS"])
def test_hooks_around_a_step(name):
    w = ag.tensor([1.0], requires_grad=True)
    optimizer = getattr(optim, name)([w], lr=0.1)
    calls = []

    def closure():
        calls.append("closure")
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    before = optimizer.register_step_pre_hook(lambda o, args, kwargs: ((), {"closure": closure}))
    after = optimizer.register_step_post_hook(lambda o, args, kwargs: calls.append((o, args, list(kwargs))))
    assert optimizer.step().item() == 1.0
    assert calls[0] == "closure"
    assert calls[-1] == (optimizer, (), ["closure"])
    copied = copy.deepcopy(optimizer)
    copied.step()
    assert calls[-1][0] is copied
    before.remove()
    after.remove()
    count = len(calls)
    optimizer.step(w.sum)
    assert len(calls) == count


def test_hooks_of_all_optimizers_enclose_those_of_each():
    calls = []
    first, heir = [optim.SGD([ag.ones(1, requires_grad=True)]) for _ in range(2)]
    first.register_step_pre_hook(lambda *_: calls.append("own"))
    first.register_step_post_hook(lambda *_: calls.append("own"))
    before = register_optimizer_step_pre_hook(lambda o, args, kwargs: calls.append(("before", o)))
    after = register_optimizer_step_post_hook(lambda o, args, kwargs: calls.append(("after", o)))
    with before, after:
        later = optim.LBFGS([ag.ones(1, requires_grad=True)])
        copied = copy.deepcopy(later)
        first.step()
        heir.step()
        for optimizer in (later, copied):
            optimizer.step(lambda: ag.tensor(0.0))
    expected = [("before", first), "own", "own", ("after", first)]
    for optimizer in (heir, later, copied):
        expected += [("before", optimizer), ("after", optimizer)]
    assert calls == expected
    heir.step()
    assert calls == expected


@pytest.mark.parametrize(
    ("make", "hints"),
    [
        (optim.AdamW, {"foreach": None, "capturable": False, "differentiable": False, "fused": True}),
        (optim.ASGD, {"foreach": None, "capturable": False, "differentiable": False}),
        (optim.SGD, {"foreach": None, "differentiable": False, "fused": True}),
        (optim.Adafactor, {"foreach": None}),
        (optim.LBFGS, {}),
    ],
)
def test_groups_keep_the_hints_that_pytorch_keeps(make, hints):
    optimizer = make([leaf()], **{k: v for k, v in hints.items() if v})
    for options in (optimizer.defaults, optimizer.param_groups[0], optimizer.state_dict()["param_groups"][0]):
        assert {k: v for k, v in options.items() if k in HINTS} == hints


class Heavy(optim.Optimizer):
    """An optimizer as PyTorch's programs define theirs."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("damping", 0.0)

    @ag.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                if not state:
                    state["velocity"], state["mean"] = ag.zeros_like(p), ag.zeros(())
                state["velocity"].mul_(0.9).add_(p.grad)
                state["mean"] += p.grad.mean()
                p.add_(state["velocity"], alpha=-group["lr"])


def test_an_optimizer_with_a_step_of_its_own():
    p = ag.ones(2, requires_grad=True)
    optimizer = Heavy([p], lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        (p * p).sum().backward()
        optimizer.step()
    assert p.tolist() == pytest.approx([0.46, 0.46])
    other = Heavy([p], lr=0.1)
    other.load_state_dict(optimizer.state_dict())
    assert other.state[p]["mean"].item() == pytest.approx(3.6)
    twin = copy.deepcopy(optimizer)
    assert twin.param_groups[0]["damping"] == 0
    assert twin.state[twin.param_groups[0]["params"][0]]["velocity"].tolist() == pytest.approx([3.4, 3.4])


def test_an_option_without_a_default_must_be_given():
    class Mine(optim.Optimizer):
        def __init__(self, params, lr=required):
            super().__init__(params, {"lr": lr})

    p = ag.ones(1, requires_grad=True)
    assert Mine([{"params": [p], "lr": 0.1}]).param_groups[0]["lr"] == 0.1
    assert Mine([p], lr=None).param_groups[0]["lr"] is None  # for a rate of its own
    with pytest.raises(ValueError, match="required optimization parameter lr"):
        Mine([p])
    assert repr(required) == "<required parameter>"
