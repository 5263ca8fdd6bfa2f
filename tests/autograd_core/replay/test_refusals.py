"""Steps that cannot be captured run as they are, and nothing of the attempt is left."""

import gc

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.replay.noted import Noted


class Keeps:
    """A step that keeps a tensor for the next one."""

    def __init__(self):
        self.state = ag.zeros(2)

    def __call__(self, x):
        self.state = self.state + x
        return self.state.clone()


class KeepsArgument:
    """A step that keeps its argument for the next one."""

    def __init__(self):
        self.state = ag.zeros(2)

    def __call__(self, x):
        found, self.state = self.state + x, x
        return found


def closure(x):
    w = ag.ones(2, requires_grad=True)

    def loss():
        return (w * x).sum()

    optim.LBFGS([w], lr=0.0).step(loss)
    return w.detach() * 2


REFUSED = {
    "values": (lambda x: x * 2 if x.sum().item() > 0 else x, "Python asked for the values"),
    "truth": (lambda x: x * 2 if x.sum() > 0 else x, "Python asked for the values"),
    "numpy": (lambda x: ag.tensor(x.numpy() * 2), "values"),
    "mask": (lambda x: x[x > 0], "shape of a result"),
    "masked_select": (lambda x: ag.masked_select(x, x > 0), "shape of a result"),
    "nonzero": (lambda x: (x > 0).nonzero(), "shape of a result"),
    "graph": (lambda x: x * ag.ones(2, requires_grad=True), "can still be differentiated"),
    "closure": (closure, "with a closure"),
    "kept": (Keeps(), "younger than its previous call"),
    "kept argument": (KeepsArgument(), "younger than its previous call"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_captured_runs_as_it_is(name, caplog):
    step, reason = REFUSED[name]
    run = ag.capture(step)
    ag.manual_seed(0)
    for i in range(4):
        x = ag.tensor([1.0, -1.0 - i])
        before = ag.get_rng_state()
        state = step.state.clone() if "kept" in name else None
        found = run(x)
        assert str(ag.get_rng_state()) == str(before)
        if "kept" in name:
            assert ag.equal(found, state + x)
        else:
            assert ag.equal(found, step(x))
    assert len(run.reasons) == 1
    assert reason in run.reasons[0]
    assert reason in caplog.text
    gc.collect()
    assert not any(type(o) is Noted for o in gc.get_objects())


def test_nothing_of_a_capture_is_left_behind():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Dropout(), nn.Linear(3, 1))
    optimizer = optim.Adam(net.parameters())

    def step(x):
        optimizer.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    run = ag.capture(step)
    for _ in range(3):
        run(ag.randn(4, 2))
    gc.collect()
    assert not any(type(o) is Noted for o in gc.get_objects())
    assert all(type(t.array) is np.ndarray for t in net.state_dict().values())


def test_an_error_of_the_step_is_raised_as_it_is():
    calls = []

    def step(x):
        calls.append(x)
        if len(calls) == 3:
            raise KeyError("mine")
        return x * 2

    run = ag.capture(step)
    run(ag.ones(2)), run(ag.ones(2))
    assert run(ag.ones(2)).tolist() == [2, 2]  # the third call was the capture's, and changed nothing
    assert "mine" in run.reasons[0]

    wrong = ag.capture(lambda x, w: x @ w)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="matmul"):
            wrong(ag.ones(2, 3), ag.ones(2, 3))


def test_arguments_that_cannot_be_compared_and_numbers_that_change():
    run = ag.capture(ag.no_grad()(lambda x, scale: x * float(scale[0][0])))
    for i in range(4):
        assert run(ag.ones(2), [np.array([i])]).tolist() == [i, i]
    (reason,) = run.reasons
    assert "unhashable type: 'numpy.ndarray'" in reason
    assert reason.endswith("; pass tensors, numbers or strings")
    scaled = ag.capture(ag.no_grad()(lambda x, scale: x * scale))
    for i in range(300):
        assert scaled(ag.ones(1), i).item() == i
    assert len(scaled._kinds) < 300
