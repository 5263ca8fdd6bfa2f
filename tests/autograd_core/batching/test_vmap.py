"""vmap: against loops over the samples, combined with the other transforms, and what it refuses."""

import operator
from functools import partial

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.testing.refusing  # registers the device "refusing"
import nn
from autograd_core import func
from autograd_core.errors import InplaceError, VmapError
from autograd_core.func import grad, hessian, jacfwd, jacrev, jvp, vjp, vmap


def values(*shape, seed=0, device="cpu", requires_grad=False):
    x = ag.tensor(np.random.default_rng(seed).normal(size=shape), device=device)
    return x.requires_grad_(requires_grad)


def close(a, b, tolerance=1e-10):
    a, b = (x.numpy(force=True) if isinstance(x, ag.Tensor) else x for x in (a, b))
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def each(function, *columns):
    return ag.stack([function(*row) for row in zip(*columns, strict=True)])


def vector(w):
    return lambda x: (x @ w).tanh() ** 2


def scalar(w):
    return lambda x: vector(w)(x).sum()


# A transform of functions of one sample, beside what it has to equal; X has 5 samples, XS two batches of them.
COMBINED = {
    "vmap": (lambda w, x, xs: vmap(vector(w))(x), lambda w, x, xs: each(vector(w), x)),
    "vmap(grad)": (lambda w, x, xs: vmap(grad(scalar(w)))(x), lambda w, x, xs: each(grad(scalar(w)), x)),
    "grad(vmap)": (lambda w, x, xs: grad(lambda x: vmap(scalar(w))(x).sum())(x),
                   lambda w, x, xs: each(grad(scalar(w)), x)),
    "vmap(vmap(grad))": (lambda w, x, xs: vmap(vmap(grad(scalar(w))))(xs),
                         lambda w, x, xs: each(lambda x: each(grad(scalar(w)), x), xs)),
    "vmap(grad(vmap))": (lambda w, x, xs: vmap(grad(lambda x: vmap(scalar(w))(x).sum()))(xs),
                         lambda w, x, xs: each(lambda x: each(grad(scalar(w)), x), xs)),
    "grad(vmap(grad))": (lambda w, x, xs: grad(lambda x: (vmap(grad(scalar(w)))(x) ** 2).sum())(x),
                         lambda w, x, xs: grad(lambda x: (each(grad(scalar(w)), x) ** 2).sum())(x)),
    "vmap(hessian)": (lambda w, x, xs: vmap(hessian(scalar(w)))(x), lambda w, x, xs: each(hessian(scalar(w)), x)),
    "jacrev(vmap)": (lambda w, x, xs: jacrev(vmap(vector(w)))(x),
                     lambda w, x, xs: jacrev(lambda x: each(vector(w), x))(x)),
    "jacfwd(vmap)": (lambda w, x, xs: jacfwd(vmap(vector(w)))(x),
                     lambda w, x, xs: jacrev(lambda x: each(vector(w), x))(x)),
    "vmap(jacrev(vmap))": (lambda w, x, xs: vmap(jacrev(vmap(vector(w))))(xs),
                           lambda w, x, xs: each(jacrev(lambda x: each(vector(w), x)), xs)),
    "grad(vmap(jacrev))": (lambda w, x, xs: grad(lambda x: (vmap(jacrev(vector(w)))(x) ** 2).sum())(x),
                           lambda w, x, xs: grad(lambda x: (each(jacrev(vector(w)), x) ** 2).sum())(x)),
    "jacrev(jacrev(vmap))": (lambda w, x, xs: jacrev(jacrev(vmap(vector(w))))(x),
                             lambda w, x, xs: jacrev(jacrev(lambda x: each(vector(w), x)))(x)),
    "jacfwd(jacrev(jacfwd))": (lambda w, x, xs: jacfwd(jacrev(jacfwd(vector(w))))(x[0]),
                               lambda w, x, xs: jacrev(jacrev(jacrev(vector(w))))(x[0])),
    "vmap(jvp)": (lambda w, x, xs: vmap(lambda x: jvp(vector(w), (x,), (w[:, 0],))[1])(x),
                  lambda w, x, xs: each(lambda x: jvp(vector(w), (x,), (w[:, 0],))[1], x)),
    "vmap(vjp)": (lambda w, x, xs: vmap(lambda x: vjp(vector(w), x)[1](w[0])[0])(x),
                  lambda w, x, xs: each(lambda x: vjp(vector(w), x)[1](w[0])[0], x)),
    "the same for all": (lambda w, x, xs: vmap(lambda x: w * 2)(x), lambda w, x, xs: each(lambda x: w * 2, x)),
}  # fmt: skip


@pytest.mark.parametrize("device", ["cpu", "refusing"])
@pytest.mark.parametrize("name", COMBINED)
def test_combinations_are_differentiable_with_respect_to_what_they_close_over(name, device):
    batched, looped = COMBINED[name]
    w = values(3, 4, device=device, requires_grad=True)
    x, xs = values(5, 3, seed=1, device=device), values(2, 5, 3, seed=2, device=device)
    y, wanted = batched(w, x, xs), looped(w, x, xs)
    close(y, wanted)
    assert y.requires_grad
    close(*[ag.grad((z * z).sum(), w)[0] for z in (y, wanted)])


def test_results_of_plain_tensors_are_plain():
    x = values(5, 3)
    for f in (vmap(lambda x: x.sin()), vmap(grad(lambda x: x.sin().sum())), jacrev(vmap(lambda x: x.sin()))):
        assert not f(x).requires_grad


def test_axes_in_and_out():
    a, b = values(3, 5), values(4, seed=1)
    out = vmap(lambda a, b: (a.sum() * b, b * 2), in_dims=(1, None), out_dims=(-1, 0))(a, b)
    close(out[0], np.outer(b.numpy(), a.numpy().sum(0)))
    close(out[1], np.stack([2 * b.numpy()] * 5))
    for dims in (1, (1,)):
        close(vmap(operator.mul, (-1, 0), dims)(a, values(5, seed=2)), a.numpy() * values(5, seed=2).numpy())


def test_numbers_are_reduced_along_the_axis_they_are_said_to_have():
    x = values(3, 5)
    for f in (lambda x: x.sum(0), lambda x: x.amax(-1), lambda x: x.softmax(0)):
        close(vmap(vmap(f))(x), np.array([[f(e).item() for e in row] for row in x]))


def test_nested_arguments_and_results():
    tree = {"a": values(5, 3), "b": [values(3, seed=1), values(2, 5, seed=2)]}
    out = vmap(lambda t, k: {"s": t["a"] @ t["b"][0], "p": (t["b"][1] * k,)}, in_dims=({"a": 0, "b": [None, 1]}, None))(
        tree, 3
    )
    close(out["s"], tree["a"].numpy() @ tree["b"][0].numpy())
    close(out["p"][0], 3 * tree["b"][1].numpy().T)


def test_a_result_that_is_the_same_for_all_may_go_without_an_axis():
    w = values(3, requires_grad=True)
    y = vmap(lambda x: w * 2, out_dims=None)(values(5, 3))
    assert vmap(lambda x: ("name", None), out_dims=None)(values(5, 3)) == ("name", None)
    assert y.shape == (3,)
    y.sum().backward()
    close(w.grad, np.full(3, 2.0))
    with pytest.raises(ValueError, match="differs between samples"):
        vmap(lambda x: x, out_dims=None)(values(5, 3))


@pytest.mark.parametrize("chunk_size", [1, 2, 5, 7])
def test_chunks_change_nothing(chunk_size):
    x = values(3, 5)
    f = lambda x: (x.sin(), x.sum())  # noqa: E731
    whole, parts = (vmap(f, in_dims=1, out_dims=(1, 0), chunk_size=n)(x) for n in (None, chunk_size))
    for a, b in zip(whole, parts, strict=True):
        close(a, b)
    close(jacrev(lambda x: x.sin(), chunk_size=chunk_size)(x), jacrev(lambda x: x.sin())(x))


def test_no_samples():
    assert vmap(lambda x: (x @ x).exp())(values(0, 3)).shape == (0,)
    assert vmap(grad(lambda x: (x @ x).exp()))(values(0, 3)).shape == (0, 3)


def test_gradients_of_each_sample_of_a_network():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)).double()
    params = {name: p.detach() for name, p in net.named_parameters()}
    x, y = values(4, 1, 6, 6), ag.tensor([0, 2, 1, 1])

    def loss(params, x, y):
        return nn.functional.cross_entropy(nn.functional_call(net, params, x.unsqueeze(0)), y.unsqueeze(0))

    found = vmap(grad(loss), in_dims=(None, 0, 0))(params, x, y)
    alone = [grad(loss)(params, *sample) for sample in zip(x, y, strict=True)]
    for name, g in found.items():
        close(g, ag.stack([a[name] for a in alone]))


def test_gradients_of_complex_numbers_pass_calls_in_both_directions():
    x, w = values(4, 3) * (1 + 2j), values(3, seed=1) * (2 - 1j)
    close(grad(lambda w: vmap(lambda row: (row * w).sum().abs())(x).sum())(w), grad(lambda w: (x @ w).abs().sum())(w))
    of_row = lambda row: grad(lambda w: (row * w).sum().abs())(w)  # noqa: E731
    close(vmap(of_row)(x), each(of_row, x))
    repeated = lambda c, row: grad(lambda w: (w.repeat_interleave(c) * row).sum().abs())(w[:2])  # noqa: E731
    counts = ag.tensor([[1, 2], [3, 0]])
    close(vmap(repeated)(counts, x[:2]), each(repeated, counts, x[:2]))


def test_gradients_of_each_sample_whose_class_all_share():
    x, chosen = values(4, 3), ag.tensor(1)
    found = vmap(grad(lambda row: nn.functional.nll_loss(row, chosen) * row.sum()))(x)
    close(found, each(grad(lambda row: -row[1] * row.sum()), x))


def test_an_ensemble_of_models():
    models = [nn.Linear(3, 2) for _ in range(4)]
    params, _ = nn.stack_module_state(models)
    x = ag.randn(5, 3)
    y = vmap(lambda p: nn.functional_call(models[0], p, x))(params)
    close(y, ag.stack([m(x) for m in models]), 1e-6)
    y.sum().backward()
    assert params["weight"].grad.shape == (4, 2, 3)
    models[2].bias.requires_grad_(False)
    with pytest.raises(RuntimeError, match="'bias' requires a gradient in some models only"):
        nn.stack_module_state(models)
    assert not nn.stack_module_state([models[2]])[0]["bias"].requires_grad


def test_batch_normalisation_runs_without_its_running_statistics():
    net, x = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).double(), values(4, 5, 3)
    with pytest.raises(InplaceError, match="replace_all_batch_norm_modules_"):
        vmap(net)(x)
    mean, var = ag.zeros(4, 2, dtype=ag.float64), ag.ones(4, 2, dtype=ag.float64)
    vmap(lambda *args: nn.functional.batch_norm(*args, training=True, momentum=1.0))(x[..., :2], mean, var)
    close(mean, x[..., :2].mean(1))
    close(var, x[..., :2].var(1))
    assert ag.func.replace_all_batch_norm_modules_(net) is net
    close(vmap(net)(x), ag.stack([net(batch) for batch in x]))


@pytest.mark.parametrize("function", [partial(nn.functional.batch_norm, training=True), nn.functional.instance_norm])
@pytest.mark.parametrize("given", ["weight", "bias"])
def test_samples_that_share_the_input_share_its_running_statistics(function, given):
    x, parameters = values(4, 3, 5), values(2, 3)
    mean, var, mean_of_one, var_of_one = (make(3, dtype=ag.float64) for make in (ag.zeros, ag.ones, ag.zeros, ag.ones))
    y = vmap(lambda p: function(x, mean, var, **{given: p}))(parameters)
    close(y[0], function(x, mean_of_one, var_of_one, **{given: parameters[0]}))
    close(mean, mean_of_one)
    close(var, var_of_one)


def test_what_runs_sample_by_sample_does_so_in_nested_calls_too():
    x = values(2, 3, 2)
    close(vmap(vmap(ag.diag_embed))(x), ag.diag_embed(x))
    classes = ag.tensor([[0, 2], [1, 1]])
    close(vmap(lambda c: ag.one_hot(c, 3))(classes), ag.one_hot(classes))
    counts = vmap(vmap(lambda x, c: x.index_add(0, c.unsqueeze(0), ag.ones(1, dtype=ag.int64)).mul_(2)))
    close(counts(ag.zeros(2, 2, 3, dtype=ag.int64), classes), 2 * ag.one_hot(classes))
    with pytest.raises(RuntimeError, match="between 0 and 1"):
        vmap(lambda c: ag.one_hot(c, 2))(classes)
    assert vmap(lambda end: ag.linspace(0, end, 3))(ag.tensor([2.0, 4.0])).tolist() == [[0, 1, 2], [0, 2, 4]]
    assert vmap(lambda x: ag.full((2,), x))(ag.tensor([2.0, 4.0])).tolist() == [[2, 2], [4, 4]]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x if x.sum() > 0 else -x,
        lambda x: x * x.sum().item(),
        lambda x: x[: int(x.sum())],
        lambda x: x * float(x[0]),
        lambda x: x * x.tolist()[0],
        lambda x: x * x.numpy(),
        lambda x: x * np.asarray(x),
    ],
    ids=["if", "item", "int", "float", "tolist", "numpy", "asarray"],
)
def test_python_cannot_follow_values(function):
    with pytest.raises(VmapError, match="use where"):
        vmap(function)(values(5, 3))


@pytest.mark.parametrize(
    "function",
    [lambda x: x[x > 0], lambda x: ag.masked_select(x, x > 0), ag.nonzero],
    ids=["index", "masked_select", "nonzero"],
)
def test_shapes_cannot_follow_values(function):
    with pytest.raises(NotImplementedError, match="different shapes"):
        vmap(function)(ag.tensor([[1.0, 0.0, -1.0], [1.0, 1.0, 1.0]]))


def test_misuse_is_named():
    x = values(5, 3)
    for error, message, call in (
        (ValueError, "has no axes; use None", lambda: vmap(lambda x, k: x)(x, 2)),
        (ValueError, r"different numbers of samples along in_dims: \[5, 3\]", lambda: vmap(lambda a, b: a)(x, x.T)),
        (ValueError, "None for every argument", lambda: vmap(lambda x: x, in_dims=(None,))(x)),
        (ValueError, "structure", lambda: vmap(lambda x: x, in_dims=(0, 0))(x)),
        (ValueError, "out of range", lambda: vmap(lambda x: x, in_dims=2)(x)),
        (ValueError, "without arguments", vmap(lambda: x)),
        (ValueError, "must return tensors, not float", lambda: vmap(lambda x: 1.0)(x)),
        (ValueError, "structure", lambda: vmap(lambda x: x, out_dims=(0, 0))(x)),
        (ValueError, "out_dims must hold ints and None", lambda: vmap(lambda x: x, out_dims="first")(x)),
        (IndexError, "out of range", lambda: vmap(lambda x: x, out_dims=3)(x)),
        (RuntimeError, "randomness must be", lambda: vmap(lambda x: x, randomness="maybe")),
        (ValueError, "chunk_size", lambda: vmap(lambda x: x, chunk_size=0)),
        (RuntimeError, "randomness='different'", lambda: vmap(lambda x: x + ag.rand(3))(x)),
        (VmapError, "parameters differ.*='different'", lambda: vmap(ag.poisson, randomness="same")(ag.ones(3))),
        (VmapError, "require a gradient inside vmap", lambda: vmap(lambda r: ag.ones(3, requires_grad=True))(x)),
    ):
        with pytest.raises(error, match=message):
            call()


def test_tensors_of_two_calls_do_not_mix():
    kept = []
    vmap(lambda x: kept.append(x) or x)(values(5, 3))
    with pytest.raises(VmapError, match="two calls of vmap were mixed"):
        vmap(lambda x: x + kept[0])(values(5, 3))


def test_a_batch_can_be_printed():
    seen = []
    vmap(lambda x: seen.append(repr(x)) or x)(ag.ones(2, 3))
    assert "each of shape (3,)" in seen[0]


def test_concurrent_calls_do_not_disturb_each_other():
    from concurrent.futures import ThreadPoolExecutor

    def work(seed):
        x = values(5, 3, seed=seed)
        close(func.vmap(func.grad(lambda x: x.sin().sum()))(x), np.cos(x.numpy()))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(40)))


@pytest.mark.parametrize("name", ["inv", "cholesky", "svdvals", "pinv"])
def test_second_derivatives_of_matrix_functions(name):
    """Products of a batch of cotangents with a batch of matrices, in either order."""

    def f(x):
        return (getattr(ag.linalg, name)(x @ x.mT + ag.eye(2, dtype=x.dtype)) ** 2).sum()

    stack = ag.arange(12.0, dtype="float64").reshape(3, 2, 2).sin()
    one_by_one = ag.stack([ag.func.hessian(f)(x) for x in stack])
    np.testing.assert_allclose(ag.vmap(ag.func.hessian(f))(stack), one_by_one, rtol=1e-9, atol=1e-12)


def test_a_tensor_from_outside_two_calls_gets_one_gradient_through_the_inner_one():
    x, w = ag.tensor([1.0, 2.0], requires_grad=True), ag.tensor([3.0, 4.0, 5.0])
    for function, slope in ((lambda x, w: 2 * x, 6.0), (lambda x, w: w * x, 12.0)):
        (g,) = ag.grad(vmap(lambda w, f=function: vmap(lambda x: f(x, w))(x))(w).sum(), x)
        assert g.numpy().tolist() == [slope, slope]


LINES = {
    "cumsum": lambda x: x.cumsum(1),
    "logcumsumexp": lambda x: x.logcumsumexp(0),
    "cummax": lambda x: x.cummax(-1).values,
    "rfft": lambda x: ag.fft.irfft(ag.fft.rfft(x, dim=0) ** 2, n=4, dim=0),
    "fft": lambda x: ag.fft.fft2(x).abs(),
    "interpolate": lambda x: nn.functional.interpolate(x[None], size=7, mode="linear"),
    "solve": lambda x: ag.linalg.solve(x[:4, :4] + 5 * ag.eye(4, dtype=x.dtype), x),
    "solve for shared": lambda x: ag.linalg.solve_triangular(ag.eye(4, dtype=x.dtype) * 2 + ag.ones(4, 4).triu(), x,
                                                             upper=True),
    "solve in a stack": lambda x: ag.linalg.solve(x[:4, :4] + 5 * ag.eye(4, dtype=x.dtype), ag.stack([x, x])),
}  # fmt: skip


@pytest.mark.parametrize("name", LINES)
def test_functions_along_an_axis(name):
    """All samples in one call, with gradients, in nested calls too."""
    x = values(2, 3, 4, 5)
    f = lambda x: (LINES[name](x) ** 2).sum()  # noqa: E731
    close(vmap(vmap(grad(f)))(x), ag.stack([ag.stack([grad(f)(y) for y in z]) for z in x]))


def test_normalizations_take_arrays_in_a_program_that_uses_vmap():
    x = vmap(ag.sin)(values(4, 3))
    weight, bias = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.0, -0.5])
    found = nn.functional.batch_norm(x, None, None, weight, bias, training=True)
    close(found, nn.functional.batch_norm(x, None, None, training=True) * ag.tensor(weight) + ag.tensor(bias))
