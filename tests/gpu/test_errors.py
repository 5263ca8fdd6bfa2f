"""What goes wrong on a GPU is named, changes nothing, and the next smaller thing works."""

from types import SimpleNamespace

import fake_cupy
import pytest

import autograd_core as ag
import backends
import nn
import optim
from autograd_core.engine.libraries import LIBRARY
from autograd_core.testing import refusing
from backends.cupy_backend import diagnosis
from nn import functional as F


@pytest.fixture
def limit(cupy, monkeypatch):
    """Let computed arrays have at most so many elements."""
    compute, most = refusing._compute, []

    def limited(function, args, kwargs, writes=False, ordered=False):
        result = compute(function, args, kwargs, writes, ordered)
        if most and getattr(result, "size", 0) > most[0] and result.base is None:
            raise fake_cupy.OutOfMemoryError("Out of memory allocating 4,096 bytes")
        return result

    monkeypatch.setattr(refusing, "_compute", limited)
    return lambda count: most.__setitem__(slice(None), [count])


def test_out_of_memory_in_a_step_changes_nothing_and_a_smaller_batch_works(limit):
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2)).to("cuda")
    optimizer = optim.Adam(model.parameters())

    def step(size):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(ag.ones(size, 4, device="cuda")), ag.zeros(size, dtype="int64", device="cuda"))
        loss.backward()
        optimizer.step()

    step(4)
    before = [p.tolist() for p in model.parameters()]
    limit(128)
    with pytest.raises(
        ag.cuda.OutOfMemoryError, match=r"linear.*Out of memory.*nothing has changed: try a smaller batch"
    ):
        step(20)
    assert [p.tolist() for p in model.parameters()] == before
    step(4)
    assert [p.tolist() for p in model.parameters()] != before


def test_out_of_memory_on_the_way_back_leaves_no_gradient(limit):
    x = ag.ones(8, 4, device="cuda", requires_grad=True)
    y = (x @ ag.ones(4, 2, device="cuda")).sum()
    limit(16)
    with pytest.raises(
        ag.cuda.OutOfMemoryError, match=r"Out of memory.*backward rule of 'matmul'.*no .grad was changed"
    ) as e:
        y.backward()
    assert isinstance(e.value, RuntimeError)
    assert x.grad is None
    limit(1000)
    x.sum().backward()
    assert x.grad.shape == (8, 4)


def test_what_a_library_does_not_compute_names_operation_and_operands(cupy):
    x = ag.ones(2, device="cuda", dtype="bfloat16")
    library = LIBRARY[x.array.__class__]

    def unsupported(*args):
        raise TypeError("Unsupported type bfloat16 for cupy_sinh")

    library.sinh, before = unsupported, library.sinh
    try:
        with pytest.raises(ag.errors.DtypeError, match=r"sinh: Unsupported type bfloat16.*\[input: bfloat16 \(2,\)\]"):
            ag.sinh(x)
    finally:
        library.sinh = before


@pytest.mark.parametrize("name", ["step", "dropout", "creation", "copy"])
def test_out_of_memory_is_one_error_everywhere(limit, cupy, monkeypatch, name):
    w = nn.Parameter(ag.ones(200, device="cuda"))
    optimizer, w.grad = optim.Adam([w], 0.1), ag.ones(200, device="cuda")
    work = {
        "step": optimizer.step,
        "dropout": lambda: F.dropout(w),
        "creation": lambda: ag.zeros(200, device="cuda"),
        "copy": lambda: ag.ones(200).to("cuda"),
    }[name]
    with monkeypatch.context() as patch:
        limit(100)
        if name == "copy":  # of which the limit knows nothing

            def array(*args, **given):
                raise fake_cupy.OutOfMemoryError("Out of memory allocating 4,096 bytes")

            patch.setattr(cupy, "array", array)
        with pytest.raises(ag.cuda.OutOfMemoryError, match=r"Out of memory.*try a smaller batch"):
            work()
    assert (w.tolist(), optimizer.state[w]) == ([1.0] * 200, {})
    limit(1000)
    work()


def test_what_belongs_together_is_on_one_device(cupy):
    x, there = ag.ones(3, requires_grad=True), ag.ones(3, device="cuda")
    for work in (
        lambda: setattr(x, "grad", there),
        lambda: ag.add(there, 1, out=ag.zeros(3)),
        lambda: ag.rand(3, device="cuda", generator=ag.Generator()),
        lambda: there.normal_(generator=ag.Generator()),
    ):
        with pytest.raises(ag.errors.DeviceError, match="cuda"):
            work()
    assert x.grad is None
    assert there.tolist() == [1, 1, 1]


def layers():
    """Layers with parameters or buffers, and what they take."""
    signal, image = ag.rand(4, 3, 5), ag.rand(4, 3, 5, 5)
    rows, words = ag.rand(4, 3), ag.zeros(4, 2, dtype="int64")
    yield nn.Linear(3, 2), rows
    yield nn.Conv1d(3, 2, 2), signal
    yield nn.ConvTranspose2d(3, 2, 2), image
    yield nn.BatchNorm1d(3), rows
    yield nn.BatchNorm1d(3, affine=False), rows
    yield nn.BatchNorm2d(3, affine=False, momentum=None), image
    yield nn.BatchNorm1d(3, affine=False).eval(), rows
    yield nn.InstanceNorm1d(3, track_running_stats=True), signal
    yield nn.InstanceNorm1d(3, affine=True), signal
    yield nn.GroupNorm(1, 3), signal
    yield nn.LayerNorm(3), rows
    yield nn.RMSNorm(3), rows
    yield nn.Embedding(5, 3), words
    yield nn.EmbeddingBag(5, 3), words
    yield nn.LSTM(5, 2), signal
    yield nn.GRU(5, 2), signal
    yield nn.RNN(5, 2), signal
    yield nn.LSTMCell(3, 2), rows
    yield nn.PReLU(), rows
    yield nn.PReLU(3), rows
    yield nn.CrossEntropyLoss(weight=ag.rand(3)), rows, words[:, 0]
    yield nn.NLLLoss(weight=ag.rand(3)), rows, words[:, 0]
    yield nn.BCELoss(weight=ag.rand(3)), rows, rows
    yield nn.BCEWithLogitsLoss(pos_weight=ag.rand(3)), rows, rows
    yield nn.MultiMarginLoss(weight=ag.rand(3)), rows, words[:, 0]
    yield nn.MultiheadAttention(3, 1), rows, rows, rows
    yield nn.AdaptiveLogSoftmaxWithLoss(3, 10, [3]), rows, words[:, 0]


@pytest.mark.parametrize("here, there", [("cpu", "cuda"), ("cuda", "cpu"), ("cuda:0", "cuda:1")])
@pytest.mark.usefixtures("cupy")
def test_a_layer_and_its_input_are_on_one_device(here, there):
    for layer, *inputs in layers():
        layer.to(here)
        before = {name: value.tolist() for name, value in layer.state_dict().items()}
        with pytest.raises(ag.errors.DeviceError, match="cuda"):
            layer(*[x.to(there) for x in inputs])
        assert {name: value.tolist() for name, value in layer.state_dict().items()} == before


ERROR = fake_cupy.CUDARuntimeError("cudaErrorInsufficientDriver: driver version is insufficient")


@pytest.mark.parametrize(
    "driver, count, message",
    [
        (0, ERROR, "there is no NVIDIA driver"),
        (12040, ERROR, "driver is too old: it is for CUDA 12.4, and CuPy for CUDA 13.0 .*update the driver, or pip"),
        (13000, ERROR, "no GPU can be used"),
        (13000, 0, "no GPU is visible; check nvidia-smi"),
    ],
)
def test_why_cuda_cannot_be_used(monkeypatch, driver, count, message):
    def counted():
        if isinstance(count, Exception):
            raise count
        return count

    runtime = SimpleNamespace(
        getDeviceCount=counted,
        driverGetVersion=lambda: driver,
        runtimeGetVersion=lambda: 13000,
        CUDARuntimeError=fake_cupy.CUDARuntimeError,
    )
    cupy = SimpleNamespace(__version__="14.2.0", cuda=SimpleNamespace(runtime=runtime))
    monkeypatch.setattr(diagnosis, "import_module", lambda name: cupy)
    with pytest.raises(backends.BackendUnavailable, match=message):
        diagnosis.require()


@pytest.mark.parametrize(
    "error, message",
    [
        (ModuleNotFoundError("no cupy", name="cupy"), "needs CuPy, which is not installed: pip install"),
        (ModuleNotFoundError("no fastrlock", name="fastrlock"), r"installed but incomplete \(no fastrlock\)"),
        (ImportError("libcudart.so.13: cannot open"), r"does not load \(libcudart.so.13"),
    ],
)
def test_why_cupy_cannot_be_imported(monkeypatch, error, message):
    def missing(name):
        raise error

    monkeypatch.setattr(diagnosis, "import_module", missing)
    with pytest.raises(backends.BackendUnavailable, match=message):
        diagnosis.require()
