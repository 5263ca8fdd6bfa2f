"""The backward walk: what it computes, what it keeps alive, what it leaves alone when something goes wrong."""

import gc
import threading
import weakref

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.binders import LARGE
from autograd_core.errors import GraphReleasedError, NoGraphError, OperandError
from autograd_core.registry import OPS
from backends.buffers import empty, is_held_once, references


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


def test_gradients_accumulate_over_walks_and_clear():
    x = leaf(3)
    for _ in range(3):
        (2 * x).sum().backward()
    assert_grad(x, np.full(3, 6.0))
    x.grad = None
    (2 * x).sum().backward()
    assert_grad(x, np.full(3, 2.0))


def test_a_gradient_that_does_not_fit_cannot_be_assigned():
    x = ag.ones(2, requires_grad=True)
    x.grad = ag.tensor([1.0, 2.0])
    for wrong, error, says in (
        (3.0, TypeError, "not float"),
        (ag.ones(1), RuntimeError, r"shape \(1,\) but the tensor \(2,\)"),
        (ag.ones(2, dtype="float64"), RuntimeError, "is float64 but the tensor float32"),
    ):
        with pytest.raises(error, match=says):
            x.grad = wrong
    assert x.grad.tolist() == [1, 2]
    del x.grad
    assert x.grad is None


def test_explicit_cotangent_and_its_errors():
    x = leaf(2, 3)
    y = x * 2
    with pytest.raises(RuntimeError, match=r"one element; this one has shape \(2, 3\)"):
        y.backward()
    with pytest.raises(OperandError, match=r"shape \(3,\) but the tensor \(2, 3\)"):
        y.backward(ag.ones(3))
    with pytest.raises(TypeError, match="Tensor or None"):
        y.backward(np.ones((2, 3)))
    y.backward(ag.full((2, 3), 3.0))
    assert_grad(x, np.full((2, 3), 6.0))
    assert x.grad.dtype == np.float64


def test_second_walk_through_released_graph_names_the_remedy():
    x = leaf(3)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(GraphReleasedError, match="retain_graph=True"):
        y.backward()
    z = (x + 1.0).sum()  # nothing was saved, nothing is missing
    z.backward()
    z.backward()


def test_backward_without_a_graph():
    with pytest.raises(NoGraphError, match="requires_grad=True"):
        ag.ones(()).backward()
    x = leaf(3)
    with ag.no_grad():
        y = (x * x).sum()
    with pytest.raises(NoGraphError, match="no_grad"):
        y.backward()


def test_grad_returns_without_touching_dot_grad():
    x, z = leaf(3), leaf(3, seed=1)
    y = (x * z).sum()
    gx, gz = ag.grad(y, (x, z))
    np.testing.assert_array_equal(gx.numpy(), z.numpy(force=True))
    np.testing.assert_array_equal(gz.numpy(), x.numpy(force=True))
    assert x.grad is None
    assert z.grad is None


def test_grad_of_unused_inputs():
    x, unused = leaf(3), leaf(2)
    y = x.sum()
    with pytest.raises(RuntimeError, match="input 1 was not used"):
        ag.grad(y, (x, unused), retain_graph=True)
    assert ag.grad(y, (x, unused), allow_unused=True)[1] is None
    zeros = ag.grad(x.sum(), (x, unused), materialize_grads=True)[1]
    assert zeros.tolist() == [0.0, 0.0]
    assert ag.grad(zeros.sum(), unused, materialize_grads=True)[0].tolist() == [0.0, 0.0]
    with pytest.raises(RuntimeError, match="does not require a gradient"):
        ag.grad(x.sum(), ag.ones(3))


def test_grad_with_respect_to_an_intermediate_computes_nothing_below_it():
    x = leaf(3)
    h = x.exp()
    y = (h * h).sum()
    (gh,) = ag.grad(y, h)
    np.testing.assert_allclose(gh.numpy(), 2 * h.numpy(force=True))
    assert x.node.hooks is None


def test_grad_of_several_weighted_outputs():
    x = leaf(3)
    w = ag.tensor(np.array([1.0, -2.0, 0.5]))
    (g,) = ag.grad((x * x, (x * 3).sum()), x, grad_outputs=(w, None))
    np.testing.assert_allclose(g.numpy(), 2 * x.numpy(force=True) * w.numpy() + 3)


def test_backward_into_chosen_inputs_only():
    x, z = leaf(3), leaf(3, seed=1)
    (x * z).sum().backward(inputs=[x])
    assert z.grad is None
    assert_grad(x, z.numpy(force=True))


def test_higher_orders_of_a_power():
    x = ag.tensor(2.0, dtype=np.float64, requires_grad=True)
    y, expected = x**5, [80.0, 160.0, 240.0, 240.0, 120.0]
    for value in expected:
        (y,) = ag.grad(y, x, create_graph=True)
        assert y.item() == pytest.approx(value, rel=1e-13)
    assert not y.requires_grad  # a constant


def test_create_graph_backward_makes_differentiable_grads():
    x = leaf(4)
    (x**3).sum().backward(create_graph=True)
    (x.grad * x.grad).sum().backward()
    v = x.numpy(force=True)
    np.testing.assert_allclose(x.grad.numpy(force=True), 3 * v**2 + 36 * v**3)


def test_hessian_vector_product_of_a_small_network():
    w, x = leaf(3, 4), leaf(2, 4, seed=1)

    def gradient(w):
        return ag.grad((x @ w.T).tanh().pow(2).sum(), w, create_graph=True)[0]

    v = ag.tensor(np.random.default_rng(2).normal(size=(3, 4)))
    (hv,) = ag.grad((gradient(w) * v).sum(), w)
    e = 1e-5
    up, down = (gradient(ag.tensor(w.numpy(force=True) + s * e * v.numpy(), requires_grad=True)) for s in (1, -1))
    np.testing.assert_allclose(hv.numpy(), (up - down).numpy(force=True) / (2 * e), rtol=1e-7, atol=1e-9)


def test_no_storage_is_shared_with_gradients():
    x, z, seed = leaf(3), leaf(3), ag.ones(3, dtype=np.float64)
    (x + z).backward(seed)
    arrays = [x.grad.array, z.grad.array, seed.array]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])
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


def test_who_holds_a_gradient_sees_what_is_added_to_it():
    x, w = (ag.tensor([1.0, 2.0, 3.0], requires_grad=True) for _ in range(2))
    flat = ag.zeros(6)
    w.grad = flat[3:]
    (x * w).sum().backward()
    held, saved = x.grad, x.grad * w
    (x * w).sum().backward()
    assert x.grad is held
    assert held.tolist() == [2.0, 4.0, 6.0]
    assert flat.tolist() == [0.0, 0.0, 0.0, 2.0, 4.0, 6.0]
    assert ag.grad(saved.sum(), w)[0].tolist() == [1.0, 2.0, 3.0]
    (x + w).sum().backward(create_graph=True)
    assert x.grad is not held


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


def test_gradient_dtype_follows_each_tensor():
    half = ag.tensor(np.ones(3, np.float32), requires_grad=True)
    full = leaf(3)
    (half * full * ag.arange(3)).sum().backward()
    assert half.grad.dtype == np.float32
    assert full.grad.dtype == np.float64


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


def test_retain_grad_sees_what_hooks_make_of_the_gradient_in_whatever_order():
    for first, second in (("retain_grad", "register_hook"), ("register_hook", "retain_grad")):
        x = leaf(3)
        y = x * 2
        for name in (first, second):
            getattr(y, name)(*([lambda g: g * 10] if name == "register_hook" else []))
        y.sum().backward()
        assert_grad(y, np.full(3, 10.0))
        assert_grad(x, np.full(3, 20.0))


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


def test_a_node_that_leads_to_no_wanted_input_is_not_executed():
    class Refusing(ag.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            raise AssertionError("executed")

    x, y = (ag.tensor(v, requires_grad=True) for v in (2.0, 3.0))
    assert ag.grad((Refusing.apply(x), y * y), y)[0] == 6
    assert ag.grad(Refusing.apply(x), y, allow_unused=True) == (None,)


def test_grad_of_many_cotangents_and_of_nothing():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    jacobian, unused = ag.grad(x * x, (x, leaf(2)), ag.eye(2), is_grads_batched=True, allow_unused=True)
    assert unused is None
    assert jacobian.tolist() == [[2.0, 0.0], [0.0, 4.0]]
    with pytest.raises(RuntimeError, match="inputs is empty"):
        ag.grad(x * x, [], ag.ones(2))
    with pytest.raises(ValueError, match="allow_unused=False"):
        ag.grad(x * x, x, ag.ones(2), allow_unused=False, materialize_grads=True)


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
    with x.register_post_accumulate_grad_hook(id), pytest.raises(RuntimeError, match="must return None"):
        (x * y).backward()
    with pytest.raises(RuntimeError, match="for leaves"):
        (x * y).register_post_accumulate_grad_hook(seen.append)


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


def test_the_graph_can_be_walked_by_hand():
    x = ag.tensor(2.0, requires_grad=True)
    y = (x * 3 + 1).relu()
    (add, _), *_ = y.grad_fn.next_functions
    (multiply, _), constant = add.next_functions
    assert (add.name(), multiply.name(), constant) == ("add", "multiply", (None, 0))
    leaf = multiply.next_functions[0][0]
    assert (leaf.variable is x, leaf.next_functions) == (True, ())
