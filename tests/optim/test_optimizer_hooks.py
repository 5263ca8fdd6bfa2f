"""Hooks of optimizers, around steps and around saving and loading."""

import copy

import pytest

import autograd_core as ag
import optim
from optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook


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


@pytest.mark.parametrize("result", [3, (), ((), {}, None)])
def test_hooks_before_a_step_return_arguments_or_nothing(result):
    w = ag.ones(1, requires_grad=True)
    w.sum().backward()
    optimizer = optim.SGD([w], lr=1.0)
    optimizer.register_step_pre_hook(lambda *given: result)
    with pytest.raises(RuntimeError, match="returns None or a tuple"):
        optimizer.step()
    assert w.item() == 1.0


def test_a_function_that_is_a_hook_twice_has_two_handles():
    optimizer, calls = optim.SGD([ag.ones(1, requires_grad=True)], lr=0.1), []

    def note(*given):
        calls.append(given)

    first, _ = optimizer.register_step_post_hook(note), optimizer.register_step_post_hook(note)
    first.remove()
    optimizer.step()
    assert len(calls) == 1


def test_an_optimizer_that_wraps_another_needs_no_call_of_the_base_class():
    class Wrapper(optim.Optimizer):
        def __init__(self, optimizer):
            self.optimizer, self.param_groups = optimizer, optimizer.param_groups
            self._patch_step_function()

        def step(self, closure=None):
            self.optimizer.step()

    w, calls = ag.ones(1, requires_grad=True), []
    with register_optimizer_step_post_hook(lambda o, args, kwargs: calls.append(type(o))):
        wrapper = Wrapper(optim.SGD([w], lr=0.5))
        wrapper.register_step_pre_hook(lambda *given: calls.append("own"))
        w.sum().backward()
        wrapper.step()
    assert (w.item(), calls) == (0.5, ["own", optim.SGD, Wrapper])


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
