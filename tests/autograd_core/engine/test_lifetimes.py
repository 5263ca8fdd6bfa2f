"""What a graph keeps alive, and which arrays a walk may write."""

import gc
import weakref

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.engine.binders import LARGE
from backends.buffers import empty, is_held_once, references


def leaf(*shape, seed=0):
    return ag.tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True)


class Constant(ag.Function):
    """A wrong gradient, which the user keeps."""

    @staticmethod
    def forward(ctx, x, z, kept):
        ctx.kept = kept
        return x + z

    @staticmethod
    def backward(ctx, g):
        return ctx.kept, ctx.kept, None


def assert_apart(*tensors):
    arrays = [t.array for t in tensors]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])


@pytest.mark.parametrize("create_graph", [False, True])
def test_no_storage_is_shared_with_gradients(create_graph):
    x, z, seed = leaf(3), leaf(3), ag.ones(3, dtype=np.float64)
    for y in (x + z, Constant.apply(x, z, seed)):
        x.grad = z.grad = None
        y.backward(seed, create_graph=create_graph)
        assert_apart(x.grad, z.grad, seed)
    h = x.detach().half().requires_grad_()
    assert_apart(*ag.grad(h * 2, (h, h), seed.half()))
    x.grad = None
    x.sum().backward()
    x.grad.array[0] = 5  # not a broadcast view
    assert x.grad.tolist() == [5.0, 1.0, 1.0]


def test_an_intermediate_nobody_named_is_freed_at_once():
    gc.disable()
    try:
        x = leaf(3)
        h = x * x
        alive = weakref.ref(h)
        y = h + x
        del h
        assert alive() is None
        y.sum().backward()
        graph = weakref.ref(x)
        del x, y
        assert graph() is None
    finally:
        gc.enable()


def test_nothing_of_the_graph_survives_a_step():
    x, w = leaf(4, 3), leaf(3, 2, seed=1)

    def step():
        h = ag.cat([(x @ w).exp(), (x @ w).softmax(dim=1)])
        values, _ = h.split(4)[0].max(dim=1)
        (values.sum() + h.reshape(-1)[1:3].var()).backward()
        x.grad = w.grad = None

    step()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(20):
            step()
        assert len(gc.get_objects()) <= before
    finally:
        gc.enable()


def test_a_long_chain_is_walked_and_forgotten_without_recursion():
    x = ag.tensor(np.ones(2), requires_grad=True)
    h = x
    for _ in range(200_000):
        h = h + x
    h.sum().backward()
    assert x.grad.tolist() == [200_001.0, 200_001.0]
    del h


def test_large_gradients_are_summed_in_place_only_where_nobody_else_has_them():
    shape = (3, LARGE)
    x, seed, other = (ag.randn(*shape, requires_grad=i == 0) for i in range(3))
    kept = []
    y = x * 1
    y.register_hook(kept.append)
    z = y + 0
    z.retain_grad()
    z.register_hook(kept.append)
    before = seed.numpy().copy(), other.numpy().copy()
    w = ag.relu(z) + z  # what reaches z first is the seed itself
    (gx, gz) = ag.grad([w, w + z.reshape(-1).reshape(shape)], [x, z], [seed, other])
    expected = seed.numpy() * (1 + (x.detach().numpy() > 0)) + other.numpy() * (2 + (x.detach().numpy() > 0))
    for found in (gx, gz, *kept):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(seed.numpy(), before[0])
    np.testing.assert_array_equal(other.numpy(), before[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_array_is_held_once(dtype):
    def of(holder):
        array = holder["there"]
        return is_held_once(references(array), array)

    array = empty((LARGE,), dtype=np.dtype(dtype))
    holder = {"there": array}
    assert not of(holder)
    view = array[1:]
    del array
    assert not of(holder)
    del view
    assert of(holder)
    holder["there"] = holder["there"][1:]
    assert not of(holder)
    assert of({"there": np.ones(3)})
