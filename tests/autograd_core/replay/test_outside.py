"""Tensors that exist outside of a captured step: gradients, parameters, arguments, buffers."""

import logging

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim


@pytest.mark.parametrize("zero", ["inside", "outside", "never", "sometimes", "replaced"])
def test_gradients_are_cleared_or_accumulate_as_in_the_step(zero):
    def run(wrap):
        w = ag.tensor([1.0, -2.0], requires_grad=True)

        def step(x):
            if zero == "inside":
                w.grad = None
            ((w * x) ** 2).sum().backward()

        call, found = wrap(step), []
        for i in range(8):
            call(ag.tensor([1.0, float(i)]))
            found.append(w.grad.tolist())
            if zero == "outside" or (zero == "sometimes" and i in (3, 6)):
                w.grad = None
            if zero == "replaced":
                w.grad = ag.tensor([float(i), 1.0])
        return found

    assert run(ag.capture) == run(lambda step: step)


def test_a_gradient_that_is_written_may_come_from_a_call_of_the_step_itself():
    w = ag.tensor(2.0, requires_grad=True)
    w.grad = ag.tensor(0.0)

    def step(x):
        w.grad.zero_()
        (w * x).backward()

    run = ag.capture(step)
    for i in range(7):
        (step if i == 4 else run)(ag.tensor(float(i)))
        assert w.grad.item() == i
    assert not run.reasons


def test_earlier_gradients_and_results_keep_their_values():
    w = ag.tensor([1.0], requires_grad=True)

    def step(x):
        w.grad = None
        loss = (w * x).sum()
        loss.backward()
        return loss

    run = ag.capture(step)
    kept = [(run(ag.tensor([float(i)])), w.grad) for i in range(4)]
    assert [(loss.item(), g.item()) for loss, g in kept] == [(i, i) for i in range(4)]


def test_a_replaced_parameter_is_noticed(caplog):
    caplog.set_level(logging.INFO)
    net = nn.Linear(2, 1)
    run = ag.capture(ag.no_grad()(net))
    x = ag.ones(1, 2)
    for _ in range(3):
        run(x)
    net.weight.data = ag.full((1, 2), 3.0)
    net.bias.data = ag.zeros(1)
    assert run(x).tolist() == [[6]]
    assert run(x).tolist() == [[6]]
    assert "captured again" in caplog.text


def test_parameters_that_are_frozen_later_are_noticed():
    def run(wrap):
        ag.manual_seed(0)
        net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
        optimizer = optim.SGD(net.parameters(), 0.1)

        def step(x):
            optimizer.zero_grad()
            net(x).square().sum().backward()
            optimizer.step()

        call, found = wrap(step), []
        for frozen in (False, False, False, False, True, True, True, True, False, False):
            net[0].requires_grad_(not frozen)
            call(ag.ones(1, 2))
            found.append([p.tolist() for p in net.parameters()])
        return found

    assert run(ag.capture) == run(lambda step: step)


def test_in_place_writes_reach_arguments_and_buffers():
    total = ag.zeros(2)

    def step(x):
        total.add_(x)
        x[0] = -1.0
        x[1:].mul_(2)
        return total

    run = ag.capture(step)
    for i in range(4):
        x = ag.tensor([1.0, i])
        assert run(x) is total
        assert x.tolist() == [-1, 2 * i]
    assert total.tolist() == [4, 6]
    assert not run.reasons


def test_a_write_in_a_replay_makes_graphs_stale():
    w = ag.ones(2)
    run = ag.capture(ag.no_grad()(w.mul_))
    for _ in range(2):
        run(ag.ones(2))
    y = (ag.ones(2, requires_grad=True) * w).sum()
    run(ag.ones(2))
    with pytest.raises(RuntimeError, match="written in place"):
        y.backward()


def test_a_result_after_backward_requires_a_gradient_and_cannot_be_differentiated_again():
    w = ag.ones(2, requires_grad=True)

    def step(x):
        w.grad = None
        loss = (w * x).square().sum()
        loss.backward()
        return loss, loss.detach()

    run = ag.capture(step)
    for _ in range(3):
        loss, detached = run(ag.ones(2))
    assert loss.requires_grad
    assert not detached.requires_grad
    with pytest.raises(RuntimeError, match="released"):
        loss.backward()


def test_hooks_views_and_second_derivatives():
    w = ag.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    w.register_hook(lambda g: g * 3)

    def step(x):
        w.grad = None
        y = (w[0] * x).sum() + (w.T @ x).square().sum()
        (g,) = ag.grad(y, w, create_graph=True)
        (g.square().sum() + y).backward()
        return g.detach()

    run = ag.capture(step)
    for i in range(4):
        x = ag.tensor([1.0, float(i)])
        g = run(x)
        captured = w.grad.tolist()
        assert g.tolist() == step(x).tolist()
        assert captured == w.grad.tolist()
    assert not run.reasons


def test_arguments_that_require_gradients():
    run = ag.capture(lambda x: (x * x).sum().backward())
    for i in range(4):
        x = ag.tensor([1.0, float(i)], requires_grad=True)
        run(x)
        assert x.grad.tolist() == [2, 2 * i]
    assert not run.reasons


def test_tensors_made_inside_are_made_anew():
    def step(x):
        y = ag.zeros(2)
        y += x
        z = ag.tensor([1.0, 2.0])
        z.mul_(x)
        return y, z, ag.from_numpy(np.ones(2, np.float32)) * x, ag.arange(2) + x, ag.full_like(x, 3.0)

    run = ag.capture(ag.no_grad()(step))
    for i in range(4):
        x = ag.tensor([1.0, float(i)])
        for found, expected in zip(run(x), step(x), strict=True):
            assert ag.equal(found, expected)
    assert not run.reasons


def test_a_gradient_that_something_else_holds():
    model, grads = nn.Linear(3, 2), []
    step = ag.capture(lambda: sum(g.sum() for g in grads))
    for i in range(8):
        model.zero_grad()
        model(ag.full((4, 3), float(i))).mean().backward()
        if i < 2:
            grads[:] = [p.grad for p in model.parameters()]
        assert step().item() == pytest.approx(sum(g.sum().item() for g in grads))
