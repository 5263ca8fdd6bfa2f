"""`backward` and `grad`: their arguments, what they return or accumulate, and their errors."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import GraphReleasedError, NoGraphError, OperandError


def leaf(*shape, seed=0):
    return ag.tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True)


def assert_grad(x, expected):
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-12, atol=1e-12)


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
    with pytest.raises(GraphReleasedError, match=r"\.detach\(\) what an earlier step .* retain_graph=True"):
        y.backward()


class Doubled(ag.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * 2


# Functions of three numbers: each with whether a walk through it needs what an earlier one released.
NEEDS = {
    "x + 1.0": False,
    "x.fmod(2.0)": False,
    "x.remainder(c)": False,
    "c.remainder(x)": True,
    "x.remainder(x)": True,
    "ag.vmap(lambda v: v.fmod(2.0))(x)": False,
    "ag.utils.checkpoint.checkpoint(lambda v: v.fmod(2.0), x)": False,
    "Doubled.apply(x)": True,
}


@pytest.mark.parametrize("expression", NEEDS)
@pytest.mark.parametrize("hooked", [False, True])
def test_a_walk_that_needs_nothing_released_can_be_repeated(expression, hooked):
    x = leaf(3)
    y = eval(expression, {"ag": ag, "x": x, "c": ag.tensor([2.0, 3.0, 4.0]), "Doubled": Doubled}).sum()
    if hooked:
        y.grad_fn.next_functions[0][0].register_hook(lambda grads, outer: None)
    y.backward()
    first = x.grad.clone()
    ag.zeros(3).add_(1)  # saved values of older graphs are checked from now on
    if NEEDS[expression]:
        with pytest.raises(GraphReleasedError):
            y.backward()
        assert x.grad.tolist() == first.tolist()
    else:
        y.backward()
        assert x.grad.tolist() == (2 * first).tolist()


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


def test_computed_inputs_of_backward_retain_their_gradients():
    x = leaf(3)
    y = x * 2
    (y * y).sum().backward(inputs=[y])
    assert (y.retains_grad, x.grad) == (True, None)
    (y * 3).sum().backward()
    assert_grad(y, 2 * y.numpy(force=True) + 3)


def test_recording_is_switched_for_leaves_only():
    y = leaf(3) * 2
    for on in (True, False):
        with pytest.raises(RuntimeError, match="computed tensor is not settable"):
            y.requires_grad = on
    assert y.requires_grad_() is y  # asks for what is so
    with pytest.raises(RuntimeError, match="only a leaf"):
        y.requires_grad_(False)


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


def test_gradient_dtype_follows_each_tensor():
    half = ag.tensor(np.ones(3, np.float32), requires_grad=True)
    full = leaf(3)
    (half * full * ag.arange(3)).sum().backward()
    assert half.grad.dtype == np.float32
    assert full.grad.dtype == np.float64


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
