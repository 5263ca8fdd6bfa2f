"""The state of optimizers: saved, loaded, exchanged between steps, and kept by optimizers of one's own."""

import copy
from functools import partial

import pytest

import autograd_core as ag
import optim
from optim.elementwise import SMALL
from optim.optimizer import HINTS


def leaf(size=1):
    return ag.ones(size, requires_grad=True)


def trained(params, make, steps):
    optimizer = make(params)
    for _ in range(steps):
        descend(optimizer, params)
    return optimizer


def descend(optimizer, params):
    for p in params:
        p.grad = p.detach() * 2 + 1
    optimizer.step()


def test_groups_begin_with_what_was_given_and_saved_ones_end_with_the_numbers():
    optimizer = optim.SGD([{"lr": 2.0, "params": [leaf()]}, {"params": [leaf()]}])
    assert [list(group)[:3] for group in optimizer.param_groups] == [
        ["lr", "params", "momentum"],
        ["params", "lr", "momentum"],
    ]
    assert [list(group)[-1] for group in optimizer.state_dict()["param_groups"]] == ["params", "params"]


def test_a_group_may_be_empty():
    p = leaf()
    optimizer = optim.SGD([{"params": []}, {"params": [("w", p)]}, {"params": [], "lr": 2.0}], lr=0.5)
    descend(optimizer, [p])
    optimizer.load_state_dict(optimizer.state_dict())
    assert p.item() == 1 - 0.5 * 3


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
