"""Optimizers against straightforward loops over the published formulas, and what they refuse."""

import inspect
import itertools
from functools import partial

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from optim.optimizer import required
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


def test_the_options_of_an_optimizer_are_its_fields():
    signature = inspect.signature(optim.SGD)
    assert list(signature.parameters) == [
        "params", "lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize", "hints"
    ]  # fmt: skip
    assert signature.parameters["maximize"].kind is inspect.Parameter.KEYWORD_ONLY
    assert not hasattr(optim.SGD, "lr")

    class Annotated(optim.SGD):
        lr: float = 2.0

    assert inspect.signature(Annotated) == signature
    with pytest.raises(TypeError, match="SparseAdam has no option 'fused'; it takes lr, betas, eps, maximize"):
        optim.SparseAdam([leaf()], fused=True)


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


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
@pytest.mark.parametrize("method", [optim.SGD, optim.Adam])
def test_parameters_that_come_to_share_memory_are_updated_one_after_the_other(method, dtype):
    ones = partial(ag.ones, 2, dtype=dtype)
    p, q = ones(requires_grad=True), ones(requires_grad=True)
    optimizer, one_by_one = method([p, q], lr=0.1), (method([p], lr=0.1), method([q], lr=0.1))
    results = []
    for optimizers in ((optimizer,), one_by_one):
        p.data, q.data = ones(), ones()
        for step in range(3):
            if step == 1:
                q.data = p.data
            p.grad, q.grad = ones() * (1 + step), ones() * -3
            for each in optimizers:
                each.step()
        assert p.tolist() == q.tolist()
        results.append(p.tolist())
    assert results[0] == results[1]


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
@pytest.mark.parametrize("method", [optim.SGD, optim.Adam])
def test_parameters_that_share_memory_are_updated_one_after_the_other(method, dtype):
    ones = partial(ag.ones, 2, dtype=dtype)
    p, q = ones(requires_grad=True), ones(requires_grad=True)
    q.data = p.data
    one_by_one = method([p], lr=0.1), method([q], lr=0.1)
    p.grad, q.grad = ones(), ones() * -3
    for optimizer in one_by_one:
        optimizer.step()
    expected = p.tolist()
    p.data.fill_(1)
    method([p, q], lr=0.1).step()
    assert p.tolist() == q.tolist() == expected


def test_zero_grad():
    p = ag.ones(2, requires_grad=True)
    optimizer = optim.SGD([p])
    p.sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0, 0.0]
    optimizer.zero_grad()
    assert p.grad is None
    p.grad = ag.ones(1).expand(2)
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0, 0.0]


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
        (optim.SGD, TypeError, "write \\[tensor\\]"),
        (lambda p: optim.SGD([3]), TypeError, "one of the params is int"),
        (lambda p: optim.SGD(nn.Sequential(nn.Flatten())), TypeError, "is Flatten; of a model, write model.parameters"),
        (lambda p: optim.SGD(nn.Linear(1, 1).state_dict()), TypeError, "is str; of a model, write model.parameters"),
        (lambda p: optim.SGD([[p], [p]]), TypeError, r"is list; join them: \[\*a\.parameters"),
        (lambda p: optim.SGD([p * 2]), ValueError, "non-leaf Tensor: '0'"),
        (lambda p: optim.SGD([p, p]), ValueError, "'1' appears twice"),
        (lambda p: optim.SGD([p.detach().expand(3, *p.shape)]), ValueError, "share memory; pass a .clone"),
        (lambda p: optim.SGD([("w", p), ("w", leaf())]), ValueError, "'w' appears twice"),
        (lambda p: optim.SGD([{"params": [p]}, {"params": [p]}]), ValueError, "appears twice"),
        (lambda p: optim.SGD([("w", p), leaf()]), ValueError, "Some param names are missing"),
        (lambda p: optim.SGD([{"params": [("w", p)]}, {"params": [leaf()]}]), ValueError, "in all groups or in none"),
        (lambda p: optim.SGD([p], lr=-1.0), ValueError, "Invalid learning rate: -1.0"),
        (lambda p: optim.SGD([p], lr=None), TypeError, "Invalid learning rate: None"),
        (lambda p: optim.SGD([p], lr=[0.1]), TypeError, r"Invalid learning rate: \[0.1\]; it must be a number"),
        (lambda p: optim.SGD([p], momentum=np.float32(-1)), ValueError, "Invalid momentum value: -1.0"),
        (lambda p: optim.Adam([p], betas=0.9), TypeError, "Invalid betas: 0.9"),
        (lambda p: optim.Adam([p], betas=("0.9", "0.99")), TypeError, "they are two numbers"),
        (lambda p: optim.SGD([{"param": [p]}]), TypeError, 'a dict with tensors as "params", not {.param'),
        (lambda p: optim.SGD([p]).add_param_group([leaf()]), TypeError, "param_group must be a dict"),
        (lambda p: optim.Rprop([p], step_sizes=(2.0, 1.0)), ValueError, "Invalid step_sizes: 2.0, 1.0"),
        (lambda p: optim.SGD([p], lr="1e-2"), TypeError, r"write float\('1e-2'\)"),
        (lambda p: optim.SGD([p], nesterov=True), ValueError, "Nesterov momentum requires"),
        (lambda p: optim.Adam([p], betas=(1.0, 0.9)), ValueError, "Invalid beta parameter at index 0: 1.0"),
        (lambda p: optim.NAdam([p], eps=-1.0), ValueError, "Invalid epsilon value: -1.0"),
        (lambda p: optim.Adagrad([p], lr_decay=-0.5), ValueError, "Invalid lr_decay value: -0.5"),
        (lambda p: optim.Adadelta([p], rho=1.1), ValueError, "Invalid rho value: 1.1"),
        (lambda p: optim.Rprop([p], etas=(1.5, 2.0)), ValueError, "Invalid eta values: 1.5, 2.0"),
        (lambda p: optim.SGD([p], differentiable=True), NotImplementedError, "steps are not recorded"),
        (
            lambda p: optim.SGD([p], foreach=True, fast=True),
            TypeError,
            "SGD has no option 'fast'; it takes lr, momentum",
        ),
        (lambda p: optim.Optimizer([p], {}).step(), NotImplementedError, "define update"),
    ],
)
def test_misuse_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make(leaf())


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


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam, optim.LARS])
def test_a_loss_from_before_a_step_cannot_be_differentiated_after_it(make):
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    optimizer, loss = make(model.parameters(), lr=0.1), model(ag.ones(1, 2)).sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(RuntimeError, match=r"by .*test_optimizers\.py:\d+; .*compute the loss again after its step"):
        loss.backward()


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


def test_hyper_parameters_of_an_optimizer_that_defines_step_mean_what_it_says():
    class Mine(optim.Optimizer):
        def step(self, closure=None):
            pass

    options = {"betas": (None, 0.9, 1.0), "eps": -1.0, "weight_decay": "stable"}
    assert Mine([ag.ones(1, requires_grad=True)], options).param_groups[0]["betas"] == (None, 0.9, 1.0)


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam, optim.Rprop, optim.LARS, optim.Adafactor])
def test_overflow_gives_infinities_without_a_warning(make):
    p = ag.full((2,), 1e30, requires_grad=True)
    p.grad = ag.full((2,), 1e30)
    optim.clip_grad_norm_([p], float("inf"))
    p.grad = ag.full((2,), 1e30)
    make([p], lr=1e30).step()
