"""checkpoint: the same values and gradients from a second computation, and less memory meanwhile."""

import gc
import tracemalloc

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core import checkpoint, func
from autograd_core.errors import CheckpointError, GraphReleasedError, InplaceError
from autograd_core.utils.checkpoint import checkpoint_sequential, noop_context_fn, set_checkpoint_early_stop


def leaf(*shape, seed=0):
    return ag.tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True)


def same(found, wanted, tolerance=1e-12):
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a.numpy(force=True), b.numpy(force=True), rtol=tolerance, atol=tolerance)


def plain(function, *args, **kwargs):
    return function(*args, **kwargs)


def test_values_gradients_and_second_derivatives_with_random_numbers_keywords_and_several_outputs():
    x, w = leaf(3, 4), leaf(4, 4, seed=1)

    def block(x, scale=1.0):
        a, b = nn.functional.dropout((x @ w).tanh(), 0.5).split(2, dim=-1)
        return {"product": (a * b * scale).exp()}, a.sum()

    def run(call):
        ag.manual_seed(1)
        out, total = call(block, x, scale=3.0)
        loss = out["product"].sum() * total + ag.rand(1).sum().double()
        grads = ag.grad(loss, (x, w), create_graph=True)
        return [loss, *grads, *ag.grad(sum((g * g).sum() for g in grads), (x, w)), ag.rand(2)]

    same(run(checkpoint), run(plain))


def test_a_function_is_computed_again_as_a_whole_whatever_programs_ask_for():
    x, calls = leaf(3), []
    with set_checkpoint_early_stop(True):
        checkpoint(lambda x: (x.exp(), calls.append(1))[0], x, context_fn=noop_context_fn).sum().backward()
    assert len(calls) == 2


def test_without_the_random_state_the_numbers_are_new():
    x = leaf(100)
    ag.manual_seed(0)
    y = checkpoint(lambda x: x * ag.rand(100).double(), x, preserve_rng_state=False)
    y.sum().backward()
    assert not np.allclose(x.grad.numpy(), (y / x).numpy(force=True))


def test_nested_and_sequential():
    x, w = leaf(3, 4), leaf(4, 4, seed=1)
    inner = lambda h: (h @ w).sin()  # noqa: E731
    outer = lambda call: lambda x: call(inner, x.tanh()) * x  # noqa: E731
    wanted = ag.grad(outer(plain)(x).sum(), (x, w))
    same(ag.grad(checkpoint(outer(checkpoint), x).sum(), (x, w)), wanted)
    net = nn.Sequential(*[nn.Linear(4, 4) for _ in range(5)]).double()
    for segments in (1, 2, 3, 5, 9):
        same(
            [checkpoint_sequential(net, segments, x), *ag.grad(checkpoint_sequential(net, segments, x).sum(), (x,))],
            [net(x), *ag.grad(net(x).sum(), (x,))],
        )


def test_it_combines_with_the_transforms():
    x, w = leaf(5, 4).detach(), leaf(4, 4, seed=1)
    f = lambda call: lambda row: call(lambda r: (r @ w).sin().sum(), row)  # noqa: E731
    for transform in (
        lambda f: func.vmap(func.grad(f)),
        lambda f: func.grad(lambda x: func.vmap(f)(x).sum()),
        lambda f: lambda x: func.hessian(f)(x[0]),
    ):
        found, wanted = transform(f(checkpoint))(x), transform(f(plain))(x)
        same([found, *ag.grad((found**2).sum(), w)], [wanted, *ag.grad((wanted**2).sum(), w)])


@pytest.mark.parametrize(
    "inside",
    [
        func.vmap(lambda r: r.sin() * r.sum()),
        func.vmap(func.vmap(lambda a: a.sin() * a)),
        func.vmap(lambda r: r.sin() * r.sum(), chunk_size=2),
        lambda x: func.vmap(lambda r: r.exp())(x) * func.vmap(lambda r: r.cos() * r, 1, 1)(x),
        lambda x: func.jacrev(lambda a: a.sin() * x[0])(x[1]),
        lambda x: func.hessian(lambda a: (a.sin() * x[0]).sum())(x[1]),
        lambda x: checkpoint(func.vmap(lambda r: checkpoint(func.vmap(lambda a: a.sin() * a), r.exp())), x.sin()),
    ],
    ids=["vmap", "nested", "in chunks", "twice", "jacrev", "hessian", "checkpoints inside"],
)
def test_transforms_inside_a_function_are_recomputed(inside):
    x = leaf(3, 4)
    square = lambda call: (call(inside, x) ** 2).sum()  # noqa: E731
    for _ in range(2):
        (found,), (wanted,) = (ag.grad(square(call), x, create_graph=True) for call in (checkpoint, plain))
        same([found, *ag.grad((found**2).sum(), x)], [wanted, *ag.grad((wanted**2).sum(), x)])
    y = square(checkpoint)
    y.backward(retain_graph=True)
    y.backward()
    same([x.grad], [2 * wanted])


def test_an_argument_given_twice_is_one_tensor_both_times():
    x = leaf(2, 3, 8)
    attention = nn.MultiheadAttention(8, 2, batch_first=True).double()  # projects one tensor in one product
    same(ag.grad(checkpoint(attention, x, x, value=x)[0].sum(), x), ag.grad(attention(x, x, x)[0].sum(), x))


def test_a_graph_can_be_kept_and_is_released_otherwise():
    x = leaf(3)
    y = checkpoint(lambda x: (x * x).exp().sum(), x)
    y.backward(retain_graph=True)
    once = x.grad.clone()
    y.backward()
    same([x.grad], [once * 2])
    with pytest.raises(GraphReleasedError):
        y.backward()


def test_only_the_part_that_is_needed_is_differentiated():
    x, w = leaf(3), leaf(3, seed=1)
    a, b = checkpoint(lambda x: (x.exp(), (x * w).sin()), x)
    same(ag.grad(a.sum(), x), [x.exp()])
    same(ag.grad(b.sum(), w), [x * (x * w).cos()])


def test_what_was_written_meanwhile_is_noticed():
    x, w = leaf(3), leaf(3, seed=1)
    argument, closure = (x * 1).detach(), checkpoint(lambda x: (x * w).exp(), x)
    y = checkpoint(lambda a: (a * w).exp(), argument)
    with ag.no_grad():
        argument.mul_(2)
        w.mul_(2)
    for z in (y, closure):
        with pytest.raises(InplaceError, match="written in place"):
            z.sum().backward()
    assert x.grad is None
    assert w.grad is None


def written_before_use(x):
    y = x.exp() * 2
    y.relu_()
    return (y * y).sin()


def written_in_part(x):
    y = x * 2
    y[0] = x[0] ** 2
    return y * y


@pytest.mark.parametrize("block", [written_before_use, written_in_part, lambda x: (x * 3).tanh_().mul_(x) ** 2])
def test_the_function_may_write_what_it_made_itself(block):
    x = leaf(3, 4)
    wanted = ag.grad(block(x).sum(), x, create_graph=True)[0]
    found = checkpoint(block, x).sum()
    same(ag.grad(found, x, retain_graph=True), [wanted])
    same(ag.grad(found, x), [wanted])  # a second walk, after these writes
    found = ag.grad(checkpoint(block, x).sum(), x, create_graph=True)[0]
    same(ag.grad(found.sum(), x), ag.grad(wanted.sum(), x))


def test_what_the_function_wrote_too_late_is_noticed():
    def block(x):
        y = x * 2
        z = y * y
        y += 1
        return z

    with pytest.raises(InplaceError, match="multiply"):
        checkpoint(block, leaf(3)).sum().backward()


def test_a_function_that_does_something_else_the_second_time():
    calls = []

    def fickle(x):
        calls.append(x)
        return x.sin() if len(calls) == 1 else x.cos()

    x = leaf(3)
    with pytest.raises(CheckpointError, match="recorded 'cos' as operation 0, where it was 'sin'"):
        checkpoint(fickle, x).sum().backward()
    assert x.grad is None


def test_under_no_grad_it_is_a_call():
    with ag.no_grad():
        assert not checkpoint(lambda x: x * 2, leaf(3)).requires_grad
    assert not checkpoint(lambda x: x * 2, leaf(3).detach()).requires_grad


def test_less_memory_and_no_garbage():
    net = nn.Sequential(*[layer for _ in range(16) for layer in (nn.Linear(32, 32), nn.Tanh())])
    x = ag.randn(480, 32, requires_grad=True)  # so little that its results are not from the pool, which is not traced

    def peak(segments):
        tracemalloc.start()
        checkpoint_sequential(net, segments, x).sum().backward()
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)
    gc.collect()
    gc.disable()
    try:
        assert peak(4) < 0.6 * peak(1)
        assert not gc.collect()
    finally:
        gc.enable()
