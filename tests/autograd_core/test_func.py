"""Transforms of functions: against closed forms, and composed."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import func


def values(*shape, seed=0):
    return ag.tensor(np.random.default_rng(seed).normal(size=shape))


def close(a, b):
    np.testing.assert_allclose(
        a.numpy(force=True), b.numpy(force=True) if isinstance(b, ag.Tensor) else b, rtol=1e-10, atol=1e-12
    )


def test_grad_leaves_no_graph_behind():
    x = values(3)
    g = func.grad(lambda x: (x.sin() * x).sum())(x)
    close(g, np.sin(x.numpy()) + x.numpy() * np.cos(x.numpy()))
    assert not g.requires_grad
    assert not x.requires_grad


def test_grad_of_several_arguments_and_aux():
    x, y = values(3), values(3, seed=1)
    value, (gx, gy) = func.value_and_grad(lambda x, y: (x * y * y).sum(), argnums=(0, 1))(x, y)
    close(value, (x.numpy() * y.numpy() ** 2).sum())
    close(gx, y.numpy() ** 2)
    close(gy, 2 * x.numpy() * y.numpy())
    g, aux = func.grad(lambda x: ((x * x).sum(), "kept"), has_aux=True)(x)
    close(g, 2 * x.numpy())
    assert aux == "kept"


def test_third_derivative():
    f = lambda x: x**5  # noqa: E731
    assert func.grad(func.grad(func.grad(f)))(ag.tensor(2.0)).item() == 240


def test_jvp_and_vjp_are_transposes():
    x, v, u = values(4), values(4, seed=1), values(2, seed=2)
    m = values(2, 4, seed=3)
    f = lambda x: (m @ x.exp()).tanh()  # noqa: E731
    y, forward = func.jvp(f, (x,), (v,))
    same, pull = func.vjp(f, x)
    close(y, same)
    assert (forward * u).sum().item() == pytest.approx((pull(u)[0] * v).sum().item(), rel=1e-12)


def test_jacobians_agree_and_have_the_shape_of_output_then_input():
    x = values(2, 3)
    f = lambda x: (x @ x.T).exp()  # noqa: E731
    reverse, forward = func.jacobian(f)(x), func.jacfwd(f)(x)
    assert reverse.shape == (2, 2, 2, 3)
    close(reverse, forward)
    assert func.jacobian(lambda x: x[:0])(values(3)).shape == (0, 3)


def test_hessian_and_hvp_of_a_quadratic():
    a = values(3, 3)
    f = lambda x: x @ a @ x  # noqa: E731
    x, v = values(3, seed=1), values(3, seed=2)
    h = (a + a.T).numpy()
    close(func.hessian(f)(x), h)
    close(func.hvp(f, x, v), h @ v.numpy())


def test_inner_gradients_are_differentiable_outside():
    x = ag.tensor(np.array([1.0, 2.0]), requires_grad=True)
    w = ag.tensor(np.array([3.0, 4.0]), requires_grad=True)
    g = func.grad(lambda x: (w * x**3).sum())(x)
    g.sum().backward()
    close(x.grad, 6 * w.numpy(force=True) * x.numpy(force=True))
    close(w.grad, 3 * x.numpy(force=True) ** 2)


def test_functions_that_do_not_depend_on_their_argument():
    x = values(3)
    close(func.grad(lambda x: ag.tensor(1.0))(x), np.zeros(3))
    close(func.jvp(lambda x: ag.ones(2), (x,), (x,))[1], np.zeros(2))


def test_misuse_is_named():
    with pytest.raises(RuntimeError, match=r"one number as its value, not shape \(3,\); use jacobian"):
        func.grad(lambda x: x)(values(3))
    with pytest.raises(TypeError, match="floating point tensor to be differentiated, not int64"):
        func.grad(lambda x: x.sum())(ag.arange(3))
    with pytest.raises(RuntimeError, match="tangents have shapes"):
        func.jvp(lambda x: x, (values(3),), (values(2),))
    with pytest.raises(ValueError, match="'reverse' or 'forward'"):
        func.jacobian(lambda x: x, mode="sideways")
