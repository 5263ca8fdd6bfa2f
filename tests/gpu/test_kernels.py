"""Programs on the device "cuda" whose kernels run on the CPU: everything between a model and its kernels, together."""

from types import SimpleNamespace

import numpy as np
import pytest
from recorded import Recorder

import autograd_core as ag
import backends
import nn
import optim
from backends.cupy_backend import table, vectors
from backends.cupy_backend.launch import Gpu, Unusable


def model():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.AvgPool2d(2),
        nn.Flatten(), nn.LayerNorm(32), nn.Linear(32, 5),
    )  # fmt: skip


def losses(device, make):
    """Of five steps, and the parameters after them."""
    ag.manual_seed(0)
    trained = model().to(device)
    optimizer = make(trained.parameters())
    rng = np.random.default_rng(0)
    x = ag.tensor(rng.standard_normal((6, 1, 12, 12)), dtype="float32").to(device)
    t = ag.tensor(rng.integers(0, 5, 6)).to(device)
    found = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(trained(x), t)
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found, [p.detach().cpu().numpy() for p in trained.parameters()]


OPTIMIZERS = {
    "SGD": lambda params: optim.SGD(params, 0.1, momentum=0.9, nesterov=True),
    "AdamW": lambda params: optim.AdamW(params, 0.01),
}


def attended(x):
    query = nn.functional.layer_norm(x, x.shape[-1:])
    return nn.functional.softmax(nn.functional.scaled_dot_product_attention(query, x, x, is_causal=True), -1)


@pytest.mark.parametrize("without", ["", "rows,attention"])
def test_16_bit_floats_stay_what_they_are(compiling, monkeypatch, without):
    monkeypatch.setattr(Gpu, "library", lambda *_: Recorder())
    monkeypatch.setenv(table.WITHOUT, without)
    near = ag.randn(2, 5, 8).to(ag.bfloat16).requires_grad_()
    far = near.detach().to("cuda").requires_grad_()
    for x in (near, far):
        attended(x).square().sum().backward()
    np.testing.assert_allclose(far.grad.tolist(), near.grad.tolist(), atol=0.04 * near.grad.abs().max().item())
    started = {"normalize_rows", "row_gradients", "attention_weights", "attention_slopes", "softmax_rows"}
    assert started & set(compiling) == (set() if without else started)


@pytest.mark.parametrize("dtype", [ag.float16, ag.bfloat16, ag.float32])
def test_operators_of_large_arrays_are_kernels_of_vectors(compiling, monkeypatch, dtype):
    monkeypatch.setattr(vectors, "MANY", dict.fromkeys("eEfd", 24))
    near = [ag.randn(4, 6).to(dtype), ag.randn(4, 6).to(dtype), ag.randn(1, 6).to(dtype)]
    near[0][0, 0] = ag.inf
    far = [x.to("cuda") for x in near]
    here, there = ([x.array for x in xs] for xs in (near, far))
    for name in ("add", "sub", "mul", "truediv", "lt", "ge", "eq", "ne", "iadd", "imul"):
        operator = f"__{name}__"
        for left, right in ((0, 1), (0, 2), (2, 0)):
            if name[0] != "i" or left == 0:
                compiling.clear()
                y, expected = (getattr(xs[left].copy(), operator)(xs[right]) for xs in (there, here))
                assert (compiling, y.dtype) == (["fused"], expected.dtype)
                np.testing.assert_array_equal(ag.Tensor(y).tolist(), expected.tolist())
    compiling.clear()
    assert (there[0][:3] + there[1][:3]).dtype == here[0].dtype  # too small
    assert compiling == []
    if dtype != ag.float32:
        assert (there[0] + there[1].astype("float32")).dtype == np.float32
        assert compiling == ["convert"]


WITH_NUMBERS = {
    "a + 0.125": lambda xp, a, b: a + 0.125,
    "0.125 - a": lambda xp, a, b: 0.125 - a,
    "3 / a": lambda xp, a, b: 3 / a,
    "a > 0.125": lambda xp, a, b: a > 0.125,
    "-a": lambda xp, a, b: -a,
    "exp": lambda xp, a, b: xp.exp(a),
    "sqrt": lambda xp, a, b: xp.sqrt(abs(b)),
    "maximum": lambda xp, a, b: xp.maximum(0.375, b),
    "isnan": lambda xp, a, b: xp.isnan(a),
    "where": lambda xp, a, b: xp.where(b > 0, a, b),
    "where with a number": lambda xp, a, b: xp.where(b > 0, 0.125, a),
    "out": lambda xp, a, b: xp.multiply(a, b, out=xp.empty_like(a)),
}


@pytest.mark.parametrize("dtype", [ag.float16, ag.bfloat16, ag.float32])
@pytest.mark.parametrize("name", WITH_NUMBERS)
def test_functions_of_large_arrays_are_kernels_of_vectors(compiling, monkeypatch, dtype, name):
    monkeypatch.setattr(vectors, "MANY", dict.fromkeys("eEfd", 24))
    near = [ag.randn(4, 6).to(dtype), ag.randn(4, 6).to(dtype)]
    near[0][0, 0], near[0][1, 0] = ag.nan, -ag.inf
    far, xp = [x.to("cuda") for x in near], backends.get("cuda").namespace
    compiling.clear()
    with np.errstate(all="ignore"):
        y = WITH_NUMBERS[name](xp, *(x.array for x in far))
        expected = WITH_NUMBERS[name](np, *(x.array for x in near))
    assert compiling == ["fused"] * (1 + (name in ("sqrt", "where", "where with a number")))
    assert y.dtype == (bool if expected.dtype == bool else dtype)  # also beside numbers
    step = {ag.float16: 2e-3, ag.bfloat16: 8e-3, ag.float32: 3e-7}[dtype]
    np.testing.assert_allclose(ag.Tensor(y).tolist(), expected.tolist(), rtol=step)


@pytest.mark.parametrize("dtype", [ag.float32, ag.float16])
def test_an_operation_of_many_passes_is_one_kernel(compiling, dtype):
    x = ag.linspace(-3, 3, 24).reshape(4, 6).to(dtype)
    there = x.to("cuda")
    for near, far in ((x, there), (x.T, there.T), (x[:, ::2], there[:, ::2])):
        near, far = near.detach().requires_grad_(), far.detach().requires_grad_()
        compiling.clear()
        y, expected = nn.functional.elu(far), nn.functional.elu(near)
        assert compiling == ["fused"]
        np.testing.assert_allclose(y.tolist(), expected.tolist(), rtol=1e-3)
        y.backward(ag.ones_like(y))
        expected.backward(ag.ones_like(expected))
        assert compiling == ["fused", "fused"]
        np.testing.assert_allclose(far.grad.tolist(), near.grad.tolist(), rtol=2e-3)


def test_a_step_between_two_tensors_ends_where_it_should(compiling):
    start, end = ag.tensor([1e8, -3.0, 0.1]), ag.tensor([1.0, 0.1, -7.0])
    for weight in (0.0, 0.3, 0.7, 1.0, ag.tensor([0.49, 0.51, 1.0])):
        there = [x.to("cuda") if isinstance(x, ag.Tensor) else x for x in (start, end, weight)]
        np.testing.assert_allclose(ag.lerp(*there).tolist(), ag.lerp(start, end, weight).tolist(), rtol=2e-7)
    assert ag.lerp(start.to("cuda"), end.to("cuda"), 1.0).tolist() == end.tolist()
    assert set(compiling) == {"fused"}


BESIDE_NUMBERS = {
    "sum": lambda x: x + 0.1,
    "product": lambda x: 0.3 * x,
    "difference": lambda x: 1 - x,
    "quotient": lambda x: 0.7 / x,
    "power": lambda x: x**2.5,
    "base": lambda x: 1.7**x,
    "maximum": lambda x: ag.maximum(x, 1.1),
    "whole": lambda x: x * 3,
}


@pytest.mark.parametrize("name", BESIDE_NUMBERS)
@pytest.mark.parametrize("dtype", [ag.bfloat16, ag.float16])
def test_a_number_beside_16_bit_floats_is_one_kernel(compiling, name, dtype):
    near = (ag.rand(5, 6) + 0.5).to(dtype).requires_grad_()
    far = near.detach().to("cuda").requires_grad_()
    compiling.clear()
    y, expected = BESIDE_NUMBERS[name](far), BESIDE_NUMBERS[name](near)
    assert compiling == ["fused"]
    assert (y.dtype, y.tolist()) == (dtype, expected.tolist())
    slopes = [ag.grad(z.sum(), x, create_graph=True)[0] for z, x in ((y, far), (expected, near))]
    np.testing.assert_allclose(slopes[0].tolist(), slopes[1].tolist(), rtol=1e-2)
    assert slopes[0].dtype == dtype
    if name in ("power", "base", "quotient"):
        second = [ag.grad(g.sum(), x)[0].tolist() for g, x in zip(slopes, (far, near), strict=True)]
        np.testing.assert_allclose(*second, rtol=3e-2)


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_network_learns_what_it_learns_on_the_cpu(compiling, make):
    ours, parameters = losses("cuda", make)
    theirs, expected = losses("cpu", make)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    for a, b in zip(parameters, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
    images = {"column_moments", "track", "scale_columns", "column_sums", "batch_gradient"}
    pools = {"max_of_windows", "put_taps", "avg_pool", "avg_pool_input"}
    rows = {"normalize_rows", "row_gradients", "nll_rows", "nll_gradient_rows"}
    assert images | pools | rows | {"change"} <= set(compiling)


def test_modules_can_be_done_without(compiling, monkeypatch):
    monkeypatch.setenv(table.WITHOUT, "pooling,elementwise")
    x = ag.tensor([[[1.0, 3.0, 2.0, -1.0]]], device="cuda")
    assert nn.functional.max_pool1d(x, 2).tolist() == [[[3.0, 2.0]]]
    assert "max_of_windows" not in compiling


def test_a_kernel_that_cannot_be_compiled_is_replaced_with_one_log_line(cupy, compiling, monkeypatch, caplog):
    def fails(self, expression):
        raise LookupError("no NVRTC")

    monkeypatch.setattr(cupy.RawModule, "get_function", fails)
    cupy.cuda.compiler = SimpleNamespace(CompileException=LookupError)
    x = ag.tensor([[[1.0, 3.0, 2.0, -1.0]]], device="cuda")
    for _ in range(2):
        assert nn.functional.max_pool1d(x, 2).tolist() == [[[3.0, 2.0]]]
    assert [record.message for record in caplog.records if "max_of_windows" in record.message] == [
        "CUDA kernel max_of_windows is replaced by a slower one: kernels/pooling.cu does not compile (no NVRTC)"
    ]


def test_products_within_kernels_are_of_the_same_library(compiling, monkeypatch):
    recorder = Recorder()
    monkeypatch.setattr(Gpu, "library", lambda *_: recorder)
    layer, x = nn.LSTM(3, 4), ag.randn(5, 2, 3)
    expected = layer(x)[0].tolist()
    np.testing.assert_allclose(layer.to("cuda")(x.to("cuda"))[0].tolist(), expected, rtol=1e-5, atol=1e-6)
    assert len(recorder.keys) == 6  # the input's share, and a product for each step


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_a_step_of_a_recurrent_layer_is_one_kernel(compiling, kind):
    layer, x = kind(3, 4, batch_first=True), ag.randn(2, 5, 3)
    slopes = []
    for device in ("cpu", "cuda"):
        layer.to(device).zero_grad()
        compiling.clear()
        (layer(x.to(device))[0] * ag.arange(4, device=device)).sum().backward()
        slopes.append([p.grad.cpu().numpy() for p in layer.parameters()])
    for ours, theirs in zip(*slopes, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    name = kind.__name__.lower()
    assert (compiling.count(f"{name}_state"), compiling.count(f"{name}_slopes")) == (5, 5)


def test_a_library_that_is_missing_is_named_once(compiling, monkeypatch, caplog):
    def missing(self, kind):
        raise Unusable("cuBLASLt cannot be used")

    monkeypatch.setattr(Gpu, "library", missing)
    x = ag.ones(2, 3, device="cuda")
    for y in (x @ x.T, nn.functional.linear(x, x, x[:, 0]), nn.functional.scaled_dot_product_attention(x, x, x)):
        assert y.shape[0] == 2
    assert [record.message.partition(": ")[2] for record in caplog.records] == ["cuBLASLt cannot be used"]


def test_what_plans_ask_of_the_device(cupy):
    gpu, calls = Gpu(backends.get("cuda").namespace, None), []
    assert (gpu.device(), gpu.name(), gpu.capturing()) == (0, "H200", False)
    assert gpu.stream() == cupy.cuda.get_current_stream().ptr
    assert gpu.milliseconds(lambda: calls.append(1)) > 0
    assert len(calls) == 4  # one for nothing, and the shortest of three
