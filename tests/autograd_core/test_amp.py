"""Mixed precision on the CPU: which operations compute in which dtype, and how losses are scaled."""

import asyncio
import threading

import numpy as np
import pytest

import autograd_core as ag
import backends
import nn
import optim
from autograd_core.engine.casting import POLICIES, contexts_of
from autograd_core.registry import COMPOSITIONS, OPS
from nn import functional as F


def operands():
    return ag.randn(4, 3), ag.randn(3, 5)


def test_every_policy_is_of_an_entry():
    assert set(POLICIES) <= {*OPS, *COMPOSITIONS}


@pytest.mark.parametrize("dtype", [ag.bfloat16, ag.float16])
def test_products_are_narrow_and_what_would_lose_by_it_is_not(dtype):
    a, b = operands()
    with ag.autocast("cpu", dtype):
        y = a @ b
        narrow = (y, ag.matmul(a, b), F.linear(a, b.T, ag.randn(5)), F.conv1d(a[None], ag.randn(2, 4, 1), ag.randn(2)),
                  ag.addmm(ag.randn(5), a, b), F.relu(y), y + y, y * 2)  # fmt: skip
        wide = (y.softmax(1), y.exp(), y**2, y.sum(), F.layer_norm(y, (5,)), F.mse_loss(y, y * 2), y + ag.ones(5),
                F.cross_entropy(y, ag.tensor([0, 1, 2, 3])), ag.cdist(y, y))  # fmt: skip
        assert (a.double() @ b.double()).dtype == ag.float64
        assert (ag.arange(3) @ ag.arange(3)).dtype == ag.int64
    assert {t.dtype for t in narrow} == {ag.dtype(dtype)}
    assert {t.dtype for t in wide} == {ag.float32}
    assert (a @ b).dtype == ag.float32


def test_values_are_those_of_rounded_operands():
    a, b = operands()
    with ag.autocast("cpu"):
        y = a @ b
    expected = (a.bfloat16() @ b.bfloat16()).float()
    np.testing.assert_array_equal(y.float().numpy(), expected.numpy())


def test_gradients_have_the_dtype_of_the_parameters():
    ag.manual_seed(1)
    model = nn.Sequential(nn.Linear(3, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 2))
    x, target = ag.randn(16, 3), ag.randint(0, 2, (16,))

    def gradients(enabled):
        model.zero_grad()
        with ag.autocast("cpu", enabled=enabled):
            loss = F.cross_entropy(model(x), target)
        loss.backward()
        return [p.grad for p in model.parameters()]

    for mixed, exact in zip(gradients(True), gradients(False), strict=True):
        assert mixed.dtype == ag.float32
        gap = (mixed - exact).norm() / exact.norm()
        assert 0 < gap < 0.02


def test_contexts_nest_and_belong_to_a_device_type_and_a_thread():
    a, b = operands()
    with ag.autocast("cuda"):
        assert (a @ b).dtype == ag.float32
        assert ag.is_autocast_enabled("cuda")
        assert not ag.is_autocast_enabled("cpu")
    seen = []
    with ag.autocast("cpu", ag.float16):
        with ag.autocast("cpu", enabled=False):
            assert (a @ b).dtype == ag.float32
        with ag.autocast("cuda"):
            assert (a @ b).dtype == ag.float16
        assert ag.get_autocast_dtype("cpu") == ag.float16
        thread = threading.Thread(target=lambda: seen.append((a @ b).dtype))
        thread.start()
        thread.join()
    assert seen == [ag.float32]
    assert ag.get_autocast_dtype("cpu") == ag.bfloat16
    assert ag.autocast("cpu")(lambda: a @ b)().dtype == ag.bfloat16
    for dtype in (ag.int32, ag.float64):
        with pytest.warns(UserWarning, match=f"float16 or bfloat16; for {dtype} it has no effect"):
            other = ag.autocast("cpu", dtype)
        with ag.autocast("cpu"), other:
            assert (a @ b).dtype == ag.float32
    with pytest.raises(RuntimeError, match="unknown device type 'gpu'"):
        ag.autocast("gpu")


def test_parameters_are_cast_once_until_they_change_or_the_outermost_context_ends():
    w, x = nn.Parameter(ag.randn(3, 5)), ag.randn(4, 3)

    def cast():
        return (x @ w).grad_fn.parents[1]

    with ag.autocast("cpu"):
        first = cast()
        with ag.autocast("cpu"), ag.autocast("cuda"):
            assert cast() is first
        with ag.autocast("cpu", ag.float16):
            assert cast() is not first
        with ag.autocast("cpu", cache_enabled=False):
            assert cast() is not cast()
            with ag.autocast("cpu", cache_enabled=True):
                assert cast() is cast()
        with ag.no_grad():
            x @ w
        assert cast() is first
        (x @ w).sum().backward()
        (x @ w).sum().backward()  # the cast is walked through again
        with ag.no_grad():
            w.mul_(2)
        assert cast() is not first
        np.testing.assert_allclose((x @ w).float().tolist(), (x.bfloat16() @ w.bfloat16()).float().tolist())
        w.data = ag.zeros(3, 5)
        assert not (x @ w).any()
        last = cast()
    with ag.autocast("cpu"):
        assert cast() is not last


def test_a_checkpoint_casts_anew_both_times():
    w, x = nn.Parameter(ag.randn(3, 3)), ag.randn(4, 3)
    gradients = []
    for wrapped in (lambda f, x: f(x), ag.checkpoint):
        w.grad = None
        with ag.autocast("cpu"):
            y = wrapped(lambda x: (x @ w).relu() @ w, x)
            (y @ w).float().sum().backward()
        gradients.append(w.grad.tolist())
    np.testing.assert_allclose(*gradients, rtol=0.02)


def test_operations_ask_only_while_a_context_is_in_force_somewhere():
    a, b = operands()

    async def product(begun):
        await begun.wait()
        assert contexts_of("matmul")
        return (a @ b).dtype

    async def tasks():
        begun = asyncio.Event()
        with ag.autocast("cpu"):
            inside = asyncio.create_task(product(begun))  # goes on in this context, which has ended by then
        outside = asyncio.create_task(product(begun))
        begun.set()
        return await inside, await outside

    assert asyncio.run(tasks()) == (ag.bfloat16, ag.float32)
    assert not contexts_of("matmul")
    assert contexts_of("add") is None


@pytest.mark.parametrize("function", [ag.mm, ag.matmul, lambda a, b, out: ag.softmax(a @ b, dim=1, out=out)])
def test_what_is_written_to_keeps_its_dtype(function):
    a, b = operands()
    target = ag.zeros(4, 5)
    with ag.autocast("cpu"):
        assert function(a, b, out=target) is target
    assert target.dtype == ag.float32
    assert target.any()


def trained(device="cpu", make=lambda p: optim.Adam(p, lr=0.1)):
    """Eight steps, of which the third and the fourth have infinite gradients."""
    w = nn.Parameter(ag.tensor([1.0, -2.0, 3.0], device=device))
    optimizer, found = make([w]), []
    scaler = ag.amp.GradScaler(device, init_scale=4.0, growth_interval=2)
    for i in range(8):
        optimizer.zero_grad()
        x = ag.tensor([1.0, 2.0, float(i)], device=device) * (float("inf") if i in (2, 3) else 1)
        scaler.scale((w * x).sum() ** 2).backward()
        scaler.step(optimizer)
        scaler.update()
        found.append((scaler.get_scale(), w.detach().tolist()))
    return found, scaler


def test_the_scale_and_the_parameters_follow_pytorch():
    found, scaler = trained()
    assert [scale for scale, _ in found] == [4, 8, 4, 2, 2, 4, 4, 8]
    at = {
        0: [1.1, -1.9, 3.0],
        3: [1.1592649221420288, -1.8407350778579712, 2.925586223602295],
        7: [0.8776090145111084, -2.1223909854888916, 2.6125683784484863],
    }
    for i, expected in at.items():  # of PyTorch 2.13
        np.testing.assert_allclose(found[i][1], expected, rtol=1e-6)
    other = ag.amp.GradScaler("cpu")
    other.load_state_dict(scaler.state_dict())
    assert (
        other.state_dict()
        == scaler.state_dict()
        == {"scale": 8.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 2, "_growth_tracker": 0}
    )


def test_gradients_can_be_clipped_between():
    w = nn.Parameter(ag.tensor([3.0, 4.0]))
    optimizer, scaler = optim.SGD([w], lr=1.0), ag.amp.GradScaler("cpu")
    losses = scaler.scale([(w * w).sum() / 2])
    losses[0].backward()
    scaler.unscale_(optimizer)
    assert w.grad.tolist() == [3, 4]
    optim.clip_grad_norm_([w], 1.0)
    scaler.step(optimizer)
    np.testing.assert_allclose(w.tolist(), [2.4, 3.2], rtol=1e-5)
    with pytest.raises(RuntimeError, match=r"step\(\) has already been called"):
        scaler.step(optimizer)
    with pytest.raises(RuntimeError, match=r"after step\(\)|already been called"):
        scaler.unscale_(optimizer)
    scaler.update(new_scale=3.0)
    assert scaler.get_scale() == 3.0


def test_the_settings_of_a_scaler_can_be_changed_and_loaded_before_its_first_use():
    scaler, loaded = ag.GradScaler("cpu"), ag.amp.GradScaler("cpu")
    for name, value in (("growth_factor", 3.0), ("backoff_factor", 0.25), ("growth_interval", 7)):
        getattr(scaler, f"set_{name}")(value)
        assert getattr(scaler, f"get_{name}")() == value
    state = {**scaler.state_dict(), "scale": 8.0, "_growth_tracker": 5}
    loaded.load_state_dict(state)
    assert loaded.state_dict() == state
    assert loaded.scale(ag.tensor(1.0)).item() == 8
    assert loaded.state_dict() == state


def test_what_a_scaler_refuses_and_how_it_is_turned_off():
    w = nn.Parameter(ag.ones(2, dtype="float16"))
    scaler = ag.amp.GradScaler("cpu", init_scale=2.0)
    scaler.scale(w.sum()).backward()
    optimizer = optim.SGD([w], lr=1.0)
    with pytest.raises(ValueError, match="float16 cannot be unscaled"):
        scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="at least one step"):
        scaler.update()
    optimizer.zero_grad()
    with pytest.raises(RuntimeError, match="without gradients"):
        scaler.step(optimizer)
    unused = ag.amp.GradScaler("cpu")
    for method, arguments in (("step", (optimizer,)), ("unscale_", (optimizer,)), ("update", (3.0,))):
        with pytest.raises(RuntimeError, match=rf"{method}\(\) before scale"):
            getattr(unused, method)(*arguments)
    with pytest.raises(ValueError, match="greater than 1"):
        ag.amp.GradScaler("cpu", growth_factor=1.0)
    off = ag.amp.GradScaler("cpu", enabled=False)
    loss = w.sum()
    assert off.scale(loss) is loss
    off.step(optimizer)
    off.update()
    assert (off.get_scale(), off.state_dict(), off.is_enabled()) == (1.0, {}, False)
    with pytest.raises(RuntimeError, match="the state is empty"):
        scaler.load_state_dict({})


def test_a_scaler_for_a_gpu_that_is_not_there_scales_nothing(monkeypatch):
    monkeypatch.setattr(backends, "available", lambda: ["cpu"])
    w = ag.ones(2, requires_grad=True)
    optimizer = optim.SGD([w], lr=0.5)
    with pytest.warns(UserWarning, match="no CUDA GPU"):
        scaler = ag.cuda.amp.GradScaler()
    assert not scaler.is_enabled()
    scaler.scale(w.sum()).backward()
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    assert w.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("dtype", [ag.bfloat16, ag.float16])
def test_batch_norm_keeps_narrow_images_and_wide_statistics(dtype):
    images = ag.randn(8, 4, 3, 3).to(dtype)
    narrow, wide = nn.BatchNorm2d(4), nn.BatchNorm2d(4).double()
    x, exact = images.clone().requires_grad_(), images.double().requires_grad_()
    for training in (True, False):
        y, expected = narrow.train(training)(x), wide.train(training)(exact)
        assert y.dtype == ag.dtype(dtype)
        np.testing.assert_array_equal(y.detach().float().numpy(), expected.detach().to(dtype).float().numpy())
    np.testing.assert_allclose(narrow.running_var.numpy(), wide.running_var.numpy(), rtol=1e-6)
    cotangent = ag.randn(8, 4, 3, 3).to(dtype)
    for layer, images in ((narrow, x), (wide, exact)):
        layer.train()(images).backward(cotangent.to(images.dtype))
    assert (x.grad.dtype, narrow.weight.grad.dtype) == (ag.dtype(dtype), ag.float32)
    np.testing.assert_allclose(narrow.weight.grad.numpy(), wide.weight.grad.numpy(), rtol=1e-5)
    np.testing.assert_allclose(x.grad.float().numpy(), exact.grad.numpy(), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam])
def test_captured_steps_are_not_taken_where_a_gradient_is_infinite(make):
    def trained(wrap):
        w, scaler = ag.ones(3, requires_grad=True), ag.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2)
        optimizer = make([w], lr=0.1)

        def step(x):
            optimizer.zero_grad()
            scaler.scale((w * x).sum() ** 2).backward()
            scaler.step(optimizer)
            scaler.update()

        run = wrap(step)
        for factor in (1, 2, 3, 4, float("inf"), 5, float("nan"), 6):
            run(ag.arange(3.0) * factor)
            yield w.tolist(), scaler.get_scale()
        assert not getattr(run, "reasons", [])

    with np.errstate(all="ignore"):
        assert list(trained(ag.capture)) == list(trained(lambda step: step))
