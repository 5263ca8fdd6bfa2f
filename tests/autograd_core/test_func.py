"""Transforms of functions: against closed forms, and composed."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import func, trees


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


@pytest.mark.parametrize("inner", [func.grad, func.jacrev, func.hessian], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "outer",
    [
        lambda f, x: f(x),
        lambda f, x: func.grad(lambda y: f(y).sum())(x),
        lambda f, x: func.jvp(f, (x,), (x,)),
        func.vjp,
        lambda f, x: func.vmap(f)(ag.stack([x, x])),
    ],
    ids=["plain", "grad", "jvp", "vjp", "vmap"],
)
def test_what_a_function_is_differentiated_by_it_cannot_write(inner, outer):
    with pytest.raises(RuntimeError, match=r"in(-| )place"):
        outer(inner(lambda x: x.mul_(x).sum()), ag.tensor([3.0, 4.0]))


def test_functions_that_do_not_depend_on_their_argument():
    x = values(3)
    close(func.grad(lambda x: ag.tensor(1.0))(x), np.zeros(3))
    close(func.jvp(lambda x: ag.ones(2), (x,), (x,))[1], np.zeros(2))


def test_misuse_is_named():
    with pytest.raises(RuntimeError, match=r"a scalar value, not shape \(3,\); use jacobian"):
        func.grad(lambda x: x)(values(3))
    with pytest.raises(TypeError, match="floating point tensor to be differentiated, not int64"):
        func.grad(lambda x: x.sum())(ag.arange(3))
    with pytest.raises(RuntimeError, match="tangents have shapes"):
        func.jvp(lambda x: x, (values(3),), (values(2),))
    with pytest.raises(ValueError, match="'reverse' or 'forward'"):
        func.jacobian(lambda x: x, mode="sideways")


def test_arguments_and_results_may_be_nested():
    p = {"w": values(3, 2), "b": [values(2, seed=1)]}
    x = values(3, seed=2)
    f = lambda p, x: {"y": (x @ p["w"] + p["b"][0]).tanh()}  # noqa: E731
    g = func.grad(lambda p, x: f(p, x)["y"].sum())(p, x)
    slope = 1 - f(p, x)["y"].numpy() ** 2
    close(g["w"], np.outer(x.numpy(), slope))
    close(g["b"][0], slope)
    _, pull = func.vjp(f, p, x)
    of_p, of_x = pull({"y": ag.ones(2).double()})
    close(of_p["w"], g["w"])
    close(of_x, p["w"].numpy() @ slope)
    tangents = ({"w": p["w"] * 0, "b": [ag.ones(2).double()]}, x * 0)
    close(func.jvp(f, (p, x), tangents)[1]["y"], slope)
    jacobian = func.jacrev(f, argnums=(0, 1))(p, x)
    close(jacobian["y"][0]["b"][0], np.diag(slope))
    close(jacobian["y"][1], p["w"].numpy().T * slope[:, None])
    forward = func.jacfwd(f, argnums=(0, 1))(p, x)
    close(forward["y"][0]["w"], jacobian["y"][0]["w"])


def test_several_outputs_and_auxiliary_ones():
    x = values(3)
    _, pull, aux = func.vjp(lambda x: ((x * 2, x.sum()), {"kept": x}), x, has_aux=True)
    close(pull((x, ag.tensor(1.0).double()))[0], 2 * x.numpy() + 1)
    assert not aux["kept"].requires_grad
    for transform in (func.jacrev, func.jacfwd):
        (a, b), aux = transform(lambda x: ((x * 2, x.sum()), x * 3), has_aux=True)(x)
        close(a, 2 * np.eye(3))
        close(b, np.ones(3))
        close(aux, 3 * x.numpy())
    assert func.jvp(lambda x: (x * 2, "kept"), (x,), (x,), has_aux=True)[2] == "kept"
    g, value = func.grad_and_value(lambda x: (x * x).sum())(x)
    close(g, 2 * x.numpy())
    close(value, (x.numpy() ** 2).sum())


def test_linearize_computes_the_function_once():
    calls = []
    x = values(3)
    y, push = func.linearize(lambda x: calls.append(x) or x.sin(), x)
    close(push(x), np.cos(x.numpy()) * x.numpy())
    close(push(x * 2), np.cos(x.numpy()) * x.numpy() * 2)
    close(y, np.sin(x.numpy()))
    assert len(calls) == 1


def test_hessian_of_several_outputs():
    """By columns, as there are fewer inputs than slopes."""

    def f(x, y):
        return {"sum": (x * y).sum(), "parts": (x**2 * y, y**3), "linear": 2 * y}

    x, y = values(3), values(3, seed=1)
    found, rows = func.hessian(f, (0, 1))(x, y), func.jacrev(func.jacrev(f, (0, 1)), (0, 1))(x, y)
    for a, b in zip(trees.leaves(found), trees.leaves(rows), strict=True):
        close(a, b)
    close(found["parts"][1][1][1], np.einsum("ij,ik->ijk", np.eye(3), np.diag(6 * y.numpy())))
    close(func.hessian(lambda x: ag.outer(x, x))(x)[0, 1], np.eye(3)[[1, 0, 2]] * [[1, 1, 0]] * [[1], [1], [0]])
    batch = values(4, 3)
    close(func.vmap(func.hessian(lambda x: x**3))(batch)[2], func.hessian(lambda x: x**3)(batch[2]))


def test_hessian_of_several_arguments():
    x, y = values(3), values(3, seed=1)
    (_, unused), (_, zeros) = func.hessian(lambda x, y: (x**2).sum(), argnums=(0, 1))(x, y)
    assert (unused.count_nonzero(), zeros.count_nonzero()) == (0, 0)
    h = func.hessian(lambda x, y: (x * y * y).sum(), argnums=(0, 1))(x, y)
    for row, wanted in zip(h, ((0 * x, 2 * y), (2 * y, 2 * x)), strict=True):
        for block, diagonal in zip(row, wanted, strict=True):
            close(block, np.diag(diagonal.numpy()))


@pytest.mark.parametrize("transform", [func.jacrev, func.jacfwd, func.grad])
@pytest.mark.parametrize("extra, says", [(None, "a tensor of shape"), ((1, 2), "3 results")])
def test_what_a_function_with_auxiliary_results_returns(transform, extra, says):
    with pytest.raises(RuntimeError, match=rf"must return \(value, auxiliary\), not {says}"):
        transform(lambda x: x.sum() if extra is None else (x.sum(), *extra), has_aux=True)(values(3))


@pytest.mark.parametrize(
    "call",
    [
        func.jacrev(lambda x: 2.0),
        func.jacfwd(lambda x: (x, 2.0)),
        lambda x: func.vjp(lambda x: 2.0, x),
        lambda x: func.jvp(lambda x: 2.0, (x,), (x,)),
    ],
    ids=["jacrev", "jacfwd", "vjp", "jvp"],
)
def test_results_that_are_no_tensors_are_named(call):
    with pytest.raises(RuntimeError, match="must return tensors, not float"):
        call(values(3))


@pytest.mark.parametrize(
    "given",
    [values(3), {"a": values(3), "c": values(3)}, {"a": values(3)}, (values(3), values(3))],
    ids=["one for all", "another key", "too few", "a tuple"],
)
def test_cotangents_and_tangents_have_the_structure_of_the_values(given):
    primal = {"a": values(3), "b": values(3)}
    with pytest.raises(RuntimeError, match="cotangents must have the structure"):
        func.vjp(lambda p: p, primal)[1](given)
    with pytest.raises(RuntimeError, match="tangents must have the structure"):
        func.jvp(lambda p: p, (primal,), (given,))


@pytest.mark.parametrize("name", ["primals", "tangents"])
def test_jvp_takes_tuples(name):
    given = {"primals": (values(3),), "tangents": (values(3),), name: values(3)}
    with pytest.raises(RuntimeError, match=rf"{name} are tuples .*, not a tensor of shape \(3,\)"):
        func.jvp(lambda x: x, **given)


def test_jacobians_of_complex_numbers():
    x = values(3)
    z = ag.complex(x, values(3, seed=1))
    close(func.jacfwd(lambda z: z * z)(z), np.diag(2 * z.numpy()))
    close(func.jacfwd(lambda x: ag.exp(1j * x))(x), np.diag(1j * np.exp(1j * x.numpy())))
    for transform in (func.jacrev, func.hessian):
        with pytest.raises(RuntimeError, match=r"no complex arguments; use jacfwd\(\)"):
            transform(lambda z: z.abs().sum())(z)
        with pytest.raises(RuntimeError, match="no complex results"):
            transform(lambda x: (1j * x).sum())(x)
    close(ag.autograd.functional.jacobian(lambda z: z * z, z), np.diag(2 * z.numpy().conj()))


@pytest.mark.parametrize(
    "argnums, says",
    [((), "at least one"), ((0, -2), "none twice"), (2, "there are 2"), ("x", "tuple of ints, not 'x'")],
)
def test_what_argnums_may_name(argnums, says):
    with pytest.raises(RuntimeError, match=says):
        func.jacrev(lambda x, y: x * y, argnums)(values(3), values(3))


def test_no_graph_is_recorded_when_nobody_can_ask_for_it(monkeypatch):
    from autograd_core.autograd import transforms

    seen = []
    real = transforms._grad
    monkeypatch.setattr(transforms, "_grad", lambda *a, **k: seen.append(k["create_graph"]) or real(*a, **k))
    x, w = values(3), values(3, seed=1).requires_grad_()
    func.grad(lambda x: (x * x).sum())(x)
    func.jacrev(lambda x: x * x)(x)
    assert seen == [False, False]
    func.grad(lambda x: (x * w).sum())(x)
    with ag.no_grad():
        func.grad(lambda x: (x * w).sum())(x)
    assert seen == [False, False, True, False]


def test_what_is_computed_under_no_grad_leads_nowhere():
    def f(x):
        with ag.no_grad():
            _, value = func.grad_and_value(lambda x: x**3)(x)
        return x**3 - value

    x = ag.tensor(1.5, requires_grad=True)
    y = func.grad(f)(x)
    close(y.detach(), 6.75)
    close(ag.grad(y, x)[0], 9.0)
    with ag.no_grad():
        y, pull = func.vjp(lambda x: x**2, x)
    assert not y.requires_grad
    close(ag.grad(pull(ag.tensor(1.0))[0], x)[0], 2.0)


def test_derivatives_at_a_point_under_the_names_of_autograd():
    af = ag.autograd.functional
    x, v, w = values(3), values(3, seed=1), values(3, seed=2).requires_grad_()
    f = lambda x: (x**3).sum()  # noqa: E731
    close(af.jacobian(lambda x: x**3, x), np.diag(3 * x.numpy() ** 2))
    close(af.jacobian(lambda x: x**3, x, strategy="forward-mode"), np.diag(3 * x.numpy() ** 2))
    close(af.hessian(f, x), np.diag(6 * x.numpy()))
    close(af.vjp(lambda x: x**3, x, v)[1], 3 * x.numpy() ** 2 * v.numpy())
    close(af.jvp(lambda x: x**3, x, v)[1], 3 * x.numpy() ** 2 * v.numpy())
    with ag.no_grad():
        assert af.jacobian(lambda x: x * w, x, create_graph=True).requires_grad
        assert not af.jacobian(lambda x: x * w, x).requires_grad
    for product in (af.hvp, af.vhp):
        value, found = product(f, x, v)
        close(value, f(x))
        close(found, 6 * x.numpy() * v.numpy())
    (_, b), (c, d) = af.hessian(lambda x, y: (x * y * y).sum(), (x, v))
    close(d, np.diag(2 * x.numpy()))
    close(b, c.T)
    assert not af.jacobian(lambda x: x * w, x).requires_grad
    assert af.jacobian(lambda x: x * w, x, create_graph=True).requires_grad
    with pytest.raises(RuntimeError, match="output 1 does not depend on input 0"):
        af.jacobian(lambda x: (x, w), x, strict=True)
    for second in (af.hessian, lambda *args, **given: af.hvp(*args, x, **given)):
        assert second(lambda x: (x**3).sum(), x, strict=True)[1].shape == x.shape
        with pytest.raises(RuntimeError, match="output 0 does not depend on input 0"):
            second(lambda x: x.sum(), x, strict=True)
    with pytest.raises(RuntimeError, match="one number as its value"):
        af.hessian(lambda x: x, x)


AT_A_POINT = ("jacobian", "hessian", "vjp", "jvp", "vhp", "hvp")


def at_a_point(name, f, x, **given):
    """The derivative of a function with one number as its value, by one of the functions of autograd.functional."""
    result = getattr(ag.autograd.functional, name)(f, x, **({} if name in AT_A_POINT[:3] else {"v": x}), **given)
    return result if name in AT_A_POINT[:2] else result[1]


@pytest.mark.parametrize("name", AT_A_POINT)
def test_derivatives_at_a_point_keep_a_graph_where_no_input_requires_gradients(name):
    with ag.no_grad():
        for x in (values(3), values(3).requires_grad_()):
            assert not at_a_point(name, lambda x: (x**3).sum(), x).requires_grad
            assert at_a_point(name, lambda x: (x**3).sum(), x, create_graph=True).requires_grad


@pytest.mark.parametrize("name", AT_A_POINT)
def test_strict_derivatives_at_a_point_depend_on_the_inputs(name):
    constant = lambda x: (x**2).sum() if name in ("hessian", "vhp", "hvp") else (2 * x).sum()  # noqa: E731
    at_a_point(name, constant, values(3), strict=True)
    with pytest.raises(RuntimeError, match="the derivative does not depend on the inputs"):
        at_a_point(name, constant, values(3), strict=True, create_graph=True)
    if name in ("jacobian", "hessian"):
        with pytest.raises(RuntimeError, match="not supported together"):
            at_a_point(name, lambda x: (x**3).sum(), values(3), strict=True, vectorize=True)


@pytest.mark.parametrize("name", AT_A_POINT)
def test_derivatives_at_a_point_need_functions_with_tensors_as_values(name):
    for f in (lambda x: (x.sum(), "text"), lambda x: x.sum().item()):
        with pytest.raises(TypeError, match=r"\(\) needs a function with tensors as its values, not (str|float)"):
            at_a_point(name, f, values(3))


@pytest.mark.parametrize("product", [ag.autograd.functional.vhp, ag.autograd.functional.hvp, ag.autograd.functional.vjp,
                                     lambda f, x, v: func.vjp(f, x)[1](v)])  # fmt: skip
def test_vectors_need_the_structure_of_what_they_are_for(product):
    with pytest.raises(RuntimeError, match="have the structure"):
        product(lambda x: (x**2).sum(), values(3), (values(3), values(3)))


OF_FUNCTIONS = {
    "grad": lambda f, x, **given: func.grad(f, **given)(x),
    "vjp": func.vjp,
    "jvp": lambda f, x, **given: func.jvp(f, (x,), (x,), **given),
    "jacrev": lambda f, x, **given: func.jacrev(f, **given)(x),
    "jacfwd": lambda f, x, **given: func.jacfwd(f, **given)(x),
}


@pytest.mark.parametrize("transform", OF_FUNCTIONS.values(), ids=OF_FUNCTIONS)
def test_transforms_refuse_what_is_no_tensor(transform):
    with pytest.raises(RuntimeError, match=r"(must return tensors|needs a function with a scalar value), not str"):
        transform(lambda x: "text", values(2))
    for result in ("text", values(2), (values(2).sum(),)):
        with pytest.raises(RuntimeError, match="has_aux=True: the function must return"):
            transform(lambda x, result=result: result, values(2), has_aux=True)
    for error in (RuntimeError, TypeError):
        with pytest.raises(error, match="floating point tensor to be differentiated, not int64"):
            transform(lambda x: x.sum(), ag.tensor([1, 2]))


def test_products_take_tuples():
    with pytest.raises(RuntimeError, match="primals are tuples"):
        func.jvp(lambda x: x, values(2), values(2))
