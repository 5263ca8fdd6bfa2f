"""Normalisations: running statistics, empty batches, what does not fit."""

import numpy as np
import pytest

import autograd_core as ag
import backends
import nn.functional as F

X = np.random.default_rng(0).normal(size=(3, 2, 4))


def running():
    return ag.zeros(2, dtype="float64"), ag.ones(2, dtype="float64")


@pytest.mark.parametrize("function, axes", [(F.batch_norm, (0, 2)), (F.instance_norm, 2)])
def test_running_statistics_move_towards_those_of_the_input(function, axes):
    mean, var = running()
    function(ag.tensor(X), mean, var, None, None, True, 0.25)
    wanted = X.mean(axes), X.var(axes, ddof=1)
    if function is F.instance_norm:
        wanted = [v.mean(0) for v in wanted]
    np.testing.assert_allclose(mean.numpy(), 0.25 * wanted[0])
    np.testing.assert_allclose(var.numpy(), 0.75 + 0.25 * wanted[1])


@pytest.mark.parametrize("function", [F.batch_norm, F.instance_norm])
@pytest.mark.parametrize("position", range(4))
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3,), (4,), (2, 1), (1, 2)])
def test_what_does_not_fit_the_channels_is_refused_and_nothing_moves(function, position, shape):
    given = [*running(), *running()[::-1]]
    kept = [v.clone() for v in given]
    wrong = [*given[:position], ag.ones(shape, dtype="float64"), *given[position + 1 :]]
    name = ("running_mean", "running_var", "weight", "bias")[position]
    with pytest.raises(RuntimeError, match=f"{name} must have the channels' shape"):
        function(ag.tensor(X), *wrong, True)
    assert all(map(ag.equal, given, kept))


@pytest.mark.parametrize("function", [F.batch_norm, F.instance_norm])
def test_an_empty_batch_has_gradients_of_0_to_second_order(function):
    x, weight = ag.zeros(0, 2, 4, requires_grad=True), ag.ones(2, requires_grad=True)
    mean, var = running()
    y = function(x, mean, var, weight, None, True)
    (g,) = ag.grad(y.sum(), weight, create_graph=True)
    assert g.tolist() == [0, 0]
    assert ag.grad(g.sum(), x)[0].shape == x.shape
    assert mean.tolist() == [0, 0]


def test_the_least_mean_square_is_the_precision_of_the_dtype():
    for dtype, eps in (("float64", 2**-52), ("float32", 2**-23), ("float16", 2**-23)):
        x = ag.tensor([2.0**-12], dtype=dtype)
        assert F.rms_norm(x, (1,)).item() == pytest.approx(2.0**-12 / (2.0**-24 + eps) ** 0.5, rel=1e-3)


def test_large_halves_do_not_overflow():
    x = ag.tensor([[-60000.0, 60000.0]], dtype="float16")
    for y in (F.layer_norm(x, (2,)), F.group_norm(x, 1), F.batch_norm(x.T.contiguous(), None, None, training=True).T):
        assert y.tolist() == [[-1, 1]]


REFUSED = {
    "shape": (lambda: F.layer_norm(ag.ones(2, 3), (2,)), "normalized_shape"),
    "weight": (lambda: F.layer_norm(ag.ones(2, 3), (3,), ag.ones(2)), "weight and bias"),
    "no axes": (lambda: F.rms_norm(ag.ones(2, 3), ()), "normalized_shape"),
    "groups": (lambda: F.group_norm(ag.ones(2, 3, 2), 2), "equal groups"),
    "groups of one": (lambda: F.group_norm(ag.ones(1, 2), 2), "more than one value"),
    "one value": (lambda: F.instance_norm(ag.ones(2, 3, 1)), "more than one value"),
    "no statistics": (lambda: F.instance_norm(ag.ones(2, 3, 2), use_input_stats=False), "running_mean"),
    "no neighbours": (lambda: F.local_response_norm(ag.ones(2, 3), 2), "N, C, L"),
    "channels": (lambda: F.batch_norm(ag.ones(64, 32), None, None, ag.ones(3), None, True), r"weight .* shape \(32,\)"),
    "statistics": (lambda: F.batch_norm(ag.ones(64, 32), ag.ones(3), ag.ones(32)), r"running_mean .* shape \(32,\)"),
    "eps": (lambda: F.batch_norm(ag.ones(2, 3), None, None, training=True, eps=0.0), "eps"),
}


@pytest.mark.parametrize("call, match", REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()


def test_batch_norm_of_no_samples_of_unknown_channels():
    x = ag.zeros(0, requires_grad=True)
    y = F.batch_norm(x, None, None, training=True)
    y.sum().backward()
    assert (y.shape, x.grad.shape) == ((0,), (0,))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_float32_parameters_leave_a_result_of_16_bits(dtype):
    x, w = ag.arange(8.0).reshape(1, 4, 2).to(dtype).requires_grad_(), ag.ones(4, requires_grad=True)
    norms = [F.group_norm(x, 2, w, w), F.instance_norm(x, None, None, w, w), F.layer_norm(x.mT, (4,), w, w)]
    norms += [F.rms_norm(x.mT, (4,), w), F.batch_norm(x, None, None, w, w, training=True)]
    assert {y.dtype for y in norms} == {x.dtype}
    sum(y.sum() for y in norms).backward()
    assert (x.grad.dtype, w.grad.dtype) == (x.dtype, ag.float32)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("training", [True, False])
def test_16_bit_images_are_normalized_by_parameters_in_float32(dtype, training):
    rng = np.random.default_rng(0)
    x = ag.tensor(rng.standard_normal((8, 3, 5, 5)), dtype=dtype, requires_grad=True)
    wide = x.detach().float().requires_grad_()
    mean, var = ag.zeros(3), ag.ones(3)
    weight, bias = (ag.tensor(rng.standard_normal(3), dtype="float32", requires_grad=True) for _ in range(2))
    y = F.batch_norm(x, mean.clone(), var.clone(), weight, bias, training=training)
    exact = F.batch_norm(wide, mean, var, weight, bias, training=training)
    assert y.dtype == x.dtype
    np.testing.assert_allclose(y.detach().float().numpy(), exact.detach().numpy(), atol=2e-2)
    g = ag.tensor(rng.standard_normal(y.shape), dtype="float32")
    ours = ag.grad(y, (x, weight, bias), g.to(y.dtype))
    theirs = ag.grad(exact, (wide, weight, bias), g)
    assert [v.dtype for v in ours] == [x.dtype, weight.dtype, bias.dtype]
    for a, b in zip(ours, theirs, strict=True):
        scale = abs(b.numpy()).max()
        np.testing.assert_allclose(a.float().numpy() / scale, b.numpy() / scale, atol=2e-2)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_known_statistics_of_16_bits_are_applied_in_float32(dtype):
    operands = [
        ag.tensor(np.random.default_rng(i).random(s) + 0.1, dtype=dtype) for i, s in enumerate([(8, 3, 5)] + [3] * 4)
    ]
    y, exact = F.batch_norm(*operands), F.batch_norm(*[v.float() for v in operands])
    assert (y.dtype, y.tolist()) == (operands[0].dtype, exact.to(dtype).tolist())


def test_what_a_normalisation_gives_may_be_written_in_place():
    x = ag.randn(2, 3, 4, requires_grad=True)
    for training in (False, True):
        y = F.batch_norm(x, ag.zeros(3), ag.ones(3), ag.ones(3), ag.zeros(3), training=training)
        expected = ag.grad((y + x).relu().sum(), x, retain_graph=True)[0]
        y += x
        assert ag.equal(ag.grad(y.relu().sum(), x)[0], expected)


def test_images_scaled_by_known_statistics_have_gradients_by_the_same_kernel(monkeypatch):
    kernels, shapes = backends.get("cpu").namespace.kernels, []
    plain = kernels.scale_channels
    monkeypatch.setattr(kernels, "scale_channels", lambda x, *rest: shapes.append(x.shape) or plain(x, *rest))
    x, g = ag.randn(2, 3, 4, 5).requires_grad_(), ag.randn(2, 3, 4, 5)
    weight = ag.tensor([2.0, 3.0, -1.0])
    y = ag.functional.batch_norm(x, ag.zeros(3), ag.tensor([1.0, 4.0, 9.0]), weight, eps=1e-6)
    y.backward(g)
    assert shapes == [x.shape] * 2
    expected = g * ag.tensor([2.0, 1.5, -1 / 3]).reshape(3, 1, 1)
    np.testing.assert_allclose(x.grad.numpy(), expected.numpy(), rtol=1e-5)
