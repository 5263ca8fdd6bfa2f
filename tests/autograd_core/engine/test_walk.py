"""The backward walk: what it computes, and what it leaves alone when something goes wrong."""

import threading

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.registry import OPS


def leaf(*shape, seed=0):
    return ag.tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True)


def assert_grad(x, expected):
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-12, atol=1e-12)


def test_micrograd_expression():
    a, b = ag.tensor(-4.0, dtype=np.float64, requires_grad=True), ag.tensor(2.0, dtype=np.float64, requires_grad=True)
    c = a + b
    d = a * b + b**3
    c = c + (c + 1)
    c = c + (1 + c + (-a))
    d = d + (d * 2 + (b + a).relu())
    d = d + (3 * d + (b - a).relu())
    f = (c - d) ** 2
    g = f / 2.0
    g = g + 10.0 / f
    g.backward()
    assert g.item() == pytest.approx(24.70408163265306, abs=1e-13)
    assert a.grad.item() == pytest.approx(138.8338192419825, abs=1e-11)
    assert b.grad.item() == pytest.approx(645.5772594752186, abs=1e-11)


def test_broadcasting_sums_back_to_each_operand():
    a, b = leaf(3, 1), leaf(2, 3, 4, seed=1)
    (a * b).sum().backward()
    assert_grad(a, b.numpy(force=True).sum((0, 2))[:, None])
    assert_grad(b, np.broadcast_to(a.numpy(force=True), (2, 3, 4)))


def test_a_tensor_used_many_times_collects_every_contribution():
    x = leaf(3)
    y = x * x
    (y + y * x + x).sum().backward()
    v = x.numpy(force=True)
    assert_grad(x, 2 * v + 3 * v**2 + 1)


def test_a_rule_that_raises_changes_no_gradient(monkeypatch):
    x, z = leaf(3), leaf(3, seed=1)
    (x * 2).sum().backward()
    before = x.grad
    y = ((x * z).exp() * x).sum()

    def broken(xp, g, s, needs=None):
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(OPS["multiply"], "rules", (broken, broken))
    with pytest.raises(ZeroDivisionError, match="on purpose") as caught:
        y.backward()
    assert "backward rule of 'multiply'" in caught.value.__notes__[0]
    assert x.grad is before
    assert_grad(x, np.full(3, 2.0))
    assert z.grad is None


def test_an_interrupt_before_the_commit_changes_no_gradient():
    x, z = leaf(3), leaf(3, seed=1)

    def interrupt(g):
        raise KeyboardInterrupt

    x.register_hook(interrupt)
    with pytest.raises(KeyboardInterrupt):
        (x * z).sum().backward()
    assert x.grad is None
    assert z.grad is None
    assert ag.is_grad_enabled()


def test_two_walks_are_bitwise_equal():
    x = ag.tensor(np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32), requires_grad=True)

    def run():
        y = x.tanh()
        return ag.grad((y @ y.T).softmax(dim=1).log().sum() + (y * x).sum() + y.exp().sum(), x)[0].numpy()

    assert run().tobytes() == run().tobytes()


def test_detach_and_no_grad_cut_the_graph():
    x = leaf(3)
    y = (x * x.detach()).sum()
    y.backward()
    assert_grad(x, x.numpy(force=True))
    assert not x.detach().requires_grad
    with ag.no_grad():
        assert not (x * 2).requires_grad
        with ag.enable_grad():
            assert (x * 2).requires_grad


@pytest.mark.parametrize("again", [False, True])
def test_a_leaf_that_stopped_requiring_a_gradient_gets_none(again):
    x, w = leaf(3), leaf(3)
    y = (x * w).sum()
    w.requires_grad_(False).requires_grad_(again)
    y.backward()
    assert (w.grad is not None) == again
    assert_grad(x, w.numpy(force=True))


def test_requires_grad_can_be_turned_off_on_leaves_only():
    x = leaf(3)
    y = x * 2
    with pytest.raises(RuntimeError, match="detach"):
        y.requires_grad = False
    x.requires_grad = False
    assert not (x * 2).requires_grad
    with pytest.raises(RuntimeError, match="floating point"):
        ag.arange(3).requires_grad_()


def test_several_outputs_collect_only_what_arrives():
    x = leaf(2, 6)
    first, _, last = x.split(2, dim=1)
    (first * 3 + last).sum().backward()
    assert_grad(x, np.repeat([[3.0, 0.0, 1.0]] * 2, 2, axis=1))


def test_a_write_elsewhere_after_a_node_of_several_outputs():
    x = leaf(4, 3)
    running = ag.zeros(3, dtype=ag.float64), ag.ones(3, dtype=ag.float64)
    y = ag.functional.batch_norm(x, *running, training=True)  # writes the running statistics after recording
    (y * y * y).sum().backward()
    np.testing.assert_allclose(x.grad.numpy().sum(0), 0, atol=1e-12)
    assert running[0].tolist() == pytest.approx(0.1 * x.numpy(force=True).mean(0))


def test_concurrent_backward_onto_a_shared_leaf_is_exact():
    x = leaf(4)

    def work():
        for _ in range(100):
            (x * 2.0).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert_grad(x, np.full(4, 800.0))


def test_floating_point_errors_stay_silent_even_when_warnings_are_errors():
    x = ag.tensor([0.0, -1.0, 1e30], requires_grad=True)
    with np.errstate(all="raise"):
        y = x.log() + (x * x).sqrt() / x + x.exp()
    y.sum().backward()
    assert np.isnan(y.numpy(force=True)[0])


@pytest.mark.parametrize("name", ["add", "multiply", "power", "exp", "relu", "matmul"])
def test_common_operations_take_the_fast_binders(name):
    assert OPS[name].simple


def test_the_graph_can_be_walked_by_hand():
    x = ag.tensor(2.0, requires_grad=True)
    y = (x * 3 + 1).relu()
    (add, _), *_ = y.grad_fn.next_functions
    (multiply, _), constant = add.next_functions
    assert (add.name(), multiply.name(), constant) == ("add", "multiply", (None, 0))
    leaf = multiply.next_functions[0][0]
    assert (leaf.variable is x, leaf.next_functions) == (True, ())
    assert type(leaf).__name__ == "AccumulateGrad"


def test_hooks_of_one_tensor_see_the_same_object_until_one_replaces_the_gradient():
    x, seen = ag.ones(2, requires_grad=True), []
    for hook in (seen.append, seen.append, lambda g: g * 2, seen.append):
        x.register_hook(hook)
    (x * 3).sum().backward()
    assert seen[0] is seen[1] is not seen[2]
    assert seen[2].tolist() == x.grad.tolist() == [6, 6]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_the_gradient_of_what_is_broadcast_in_two_ways_is_rounded_once(dtype):
    g = ag.tensor(np.random.default_rng(0).random((30, 40, 7)), dtype=dtype)
    shift = ag.zeros(40, 1, dtype=dtype, requires_grad=True)
    (slope,) = ag.grad(ag.zeros_like(g) + shift, shift, g)
    assert slope.tolist() == g.double().sum((0, 2)).to(dtype).reshape(40, 1).tolist()
