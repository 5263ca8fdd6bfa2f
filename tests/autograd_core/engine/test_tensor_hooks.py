"""Hooks of tensors, and `retain_grad`."""

import numpy as np
import pytest

import autograd_core as ag


def leaf(*shape, seed=0):
    return ag.tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True)


def assert_grad(x, expected):
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-12, atol=1e-12)


def test_hooks_see_replace_and_go_away():
    x = leaf(3)
    h, seen = x * 2, []
    handle = h.register_hook(lambda g: seen.append(g.numpy().copy()))
    h.register_hook(lambda g: g * 10)
    h.sum().backward(retain_graph=True)
    assert_grad(x, np.full(3, 20.0))
    handle.remove()
    h.sum().backward()
    assert len(seen) == 1
    with x.register_hook(lambda g: g * 0):
        x.grad = None
        x.sum().backward()
    assert_grad(x, np.zeros(3))


def test_a_function_that_is_a_hook_twice_has_two_handles():
    x, calls = leaf(3), []
    note = calls.append
    for register in (x.register_hook, x.register_post_accumulate_grad_hook):
        first, _ = register(note), register(note)
        first.remove()
    x.sum().backward()
    assert len(calls) == 2


def test_a_hook_cannot_write_the_gradient_it_sees():
    x = leaf(3)

    def write(g):
        g.array[0] = 7

    x.register_hook(write)
    with pytest.raises(ValueError, match="read-only"):
        (x * 1.0).sum().backward()


def test_a_hook_must_return_the_same_shape():
    x = leaf(3)
    x.register_hook(lambda g: g.sum())
    with pytest.raises(RuntimeError, match=r"Tensor of shape \(3,\)"):
        (x * 2).sum().backward()


def test_retain_grad_on_intermediates():
    x = leaf(3)
    h = x * 2
    h.retain_grad()
    h.retain_grad()
    (h * h).sum().backward()
    assert h.retains_grad
    assert_grad(h, 4 * x.numpy(force=True))
    assert x.grad is not None
    with pytest.raises(RuntimeError, match="does not require"):
        ag.ones(2).retain_grad()


def test_reading_a_gradient_that_will_never_come_warns():
    w = leaf(3)
    assert w.grad is None
    h = w - 0.1 * w
    with pytest.warns(UserWarning, match=r"retain_grad\(\)"):
        assert h.grad is None
    h.retain_grad()
    assert h.grad is None
    assert (h.detach() * 2).grad is None


def test_retain_grad_sees_what_hooks_make_of_the_gradient_in_whatever_order():
    for first, second in (("retain_grad", "register_hook"), ("register_hook", "retain_grad")):
        x = leaf(3)
        y = x * 2
        for name in (first, second):
            getattr(y, name)(*([lambda g: g * 10] if name == "register_hook" else []))
        y.sum().backward()
        assert_grad(y, np.full(3, 10.0))
        assert_grad(x, np.full(3, 20.0))


def test_hooks_after_accumulation_see_the_gradient_in_place():
    x, y = (ag.tensor(v, requires_grad=True) for v in (2.0, 3.0))
    seen = []
    handle = x.register_post_accumulate_grad_hook(lambda leaf: seen.append((leaf is x, leaf.grad.item())))
    (x * y).backward()
    (x * y).backward()
    assert seen == [(True, 3.0), (True, 6.0)]
    x.register_post_accumulate_grad_hook(lambda leaf: setattr(leaf, "grad", None))
    handle.remove()
    (x * y).backward()
    assert x.grad is None
    assert len(seen) == 2
    y.register_post_accumulate_grad_hook(lambda leaf: leaf.sub_(leaf.grad) and None)
    (x * y).backward()
    assert y.item() == -5.0  # 3 - 4 * 2
    with x.register_post_accumulate_grad_hook(lambda leaf: leaf.zero_()):  # returns the leaf
        (x * y).backward()
    assert x.item() == 0.0
    with x.register_post_accumulate_grad_hook(id), pytest.raises(RuntimeError, match="must return None"):
        (x * y).backward()
    with pytest.raises(RuntimeError, match="for leaves"):
        (x * y).register_post_accumulate_grad_hook(seen.append)
