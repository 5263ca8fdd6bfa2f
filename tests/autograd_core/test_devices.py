"""Device names, moves between devices, and what is said when one is missing."""

import importlib.util
import re

import numpy as np
import pytest

import autograd_core as ag
import backends
import nn
import training
from autograd_core.testing import refusing

FAR = refusing.RefusingBackend.name
without_cupy = pytest.mark.skipif(importlib.util.find_spec("cupy") is not None, reason="CuPy is installed here")


def test_names():
    d = ag.device("cuda:1")
    assert (d, d.type, d.index, str(d), repr(d)) == ("cuda:1", "cuda", 1, "cuda:1", "device(type='cuda', index=1)")
    assert ag.device("cuda", 0) == ag.device("cuda:0")
    assert ag.device("cpu").index is None
    assert len({d, ag.device(d), ag.device("cuda:1")}) == 1
    for bad in ("", "cuda:", "cuda:x", "cuda:1:2", ":1", "cu da"):
        with pytest.raises(RuntimeError, match="is not a device"):
            ag.device(bad)


def test_devices_of_unknown_kinds_cannot_be_named():
    known = r"Expected one of cpu, cuda, .*meta.* device type at start of device string: tpu"
    for use in (lambda: ag.device("tpu"), lambda: ag.ones(2).to("tpu:1"), lambda: ag.ones(2, device="tpu")):
        with pytest.raises(RuntimeError, match=known):
            use()
    for name in ("gpu", "cudda"):
        with pytest.raises(RuntimeError, match="did you mean 'cuda'"):
            ag.device(name)
    assert ag.ones(2).device != ag.device("meta")


def test_a_default_device():
    x = ag.ones(2)
    made = (lambda: ag.zeros(2), lambda: ag.tensor(1.0), lambda: ag.tensor([1, 2]), lambda: ag.as_tensor(np.ones(2)),
            lambda: ag.rand(2), lambda: ag.arange(2), lambda: ag.randperm(2))  # fmt: skip
    kept = (
        lambda: ag.from_numpy(np.ones(2)),
        lambda: ag.zeros_like(x),
        lambda: ag.ones(2, device="cpu"),
        lambda: x.new_zeros(2),
    )
    with ag.device(FAR) as d:
        assert ag.get_default_device() == d == FAR
        assert {make().device.type for make in made} == {FAR}
        with ag.device("cpu"):
            assert ag.ones(2).device == "cpu"
        assert {make().device.type for make in kept} == {"cpu"}
    ag.set_default_device(FAR)
    try:
        assert ag.empty(2).device.type == FAR
    finally:
        ag.set_default_device(None)
    for wrong in ("nowhere", 1.5):
        with pytest.raises((RuntimeError, TypeError), match="device"):
            ag.set_default_device(wrong)
    assert (ag.get_default_device(), ag.ones(2).device) == ("cpu", "cpu")


def test_a_default_device_takes_tensors_that_are_made_of_tensors_and_no_others():
    x, y = ag.arange(3.0), ag.ones(3, requires_grad=True)
    made = ag.tensor, ag.as_tensor, ag.asarray
    for function in made:
        assert function(x).device == "cpu"
        with ag.device(FAR):
            assert function(x).device.type == function(x, dtype=ag.float64).device.type == FAR
            assert function(x, device="cpu").device == "cpu"
    with ag.device(FAR):
        assert ag.as_tensor(y).requires_grad
        kept = [
            nn.Parameter(x), ag.from_dlpack(np.ones(2)), ag.from_numpy(np.ones(2)), np.stack([x, x]), x.clone(),
            ag.bucketize(x, x), ag.cov(x, fweights=ag.ones(3, dtype=ag.int64, device="cpu")), np.quantile(x, 0.5),
            ag.distributions.LKJCholesky(2, x + 1).concentration, training.TensorDataset(x)[0][0],
        ]  # fmt: skip
    assert {t.device for t in kept} == {"cpu"}


def test_tensors_tell_their_device():
    x = ag.ones(2)
    assert (x.device, x.is_cuda, x.is_cpu, x.is_sparse) == ("cpu", False, True, False)
    assert ag.zeros(2, device=ag.device("cpu")).device == "cpu"


def test_to_returns_the_tensor_itself_where_nothing_changes():
    x = ag.ones(2)
    for same in (
        x.to("cpu"),
        x.to("cpu:0"),
        x.to(ag.float32),
        x.to(x),
        x.to(),
        x.to(None),
        x.cpu(),
        x.to("cpu", non_blocking=True),
    ):
        assert same is x


@pytest.mark.parametrize(
    "arguments",
    [("cpu", ag.float32, False, True), ("cpu", None, True, True), (ag.float32, False, True), (ag.ones(1), True, True)],
    ids=str,
)
def test_to_copies_on_request(arguments):
    x = ag.ones(2)
    named = dict(zip(("non_blocking", "copy"), arguments[-2:], strict=True))
    for y in (x.to(*arguments), x.to(*arguments[:-2], **named), x.to(*arguments[:-1], copy=True)):
        y[0] = 5
        assert x.tolist() == [1, 1]


@pytest.mark.parametrize(
    "arguments", [(ag.float64,), ("float64",), (float,), ("cpu", ag.float64), (ag.ones(1, dtype="f8"),)], ids=str
)
def test_to_converts_and_passes_the_gradient_back(arguments):
    x = ag.ones(2, requires_grad=True)
    y = x.to(*arguments)
    assert y.dtype == ag.float64
    (y * 3).sum().backward()
    assert x.grad.dtype == ag.float32
    assert x.grad.tolist() == [3, 3]


@without_cupy
@pytest.mark.parametrize("use", [lambda: ag.ones(2).to("cuda"), lambda: ag.ones(2).cuda(), lambda: ag.zeros(2,
                         device="cuda:1"),
                                 lambda: ag.rand(2, device="cuda")], ids=["to", "cuda", "zeros", "rand"])  # fmt: skip
def test_a_missing_gpu_library_says_how_to_install_it(use):
    with pytest.raises(backends.BackendUnavailable, match=re.escape('pip install "autograd-core[cuda12]"')):
        use()


@without_cupy
def test_programs_can_ask_for_a_gpu():
    assert (ag.cuda.is_available(), ag.cuda.device_count(), ag.cuda.is_tf32_supported()) == (False, 0, False)
    with pytest.raises(backends.BackendUnavailable):
        ag.cuda.synchronize()


@pytest.mark.parametrize("use", [lambda: ag.ones(2).to("mps"), lambda: ag.ones(2, device="mps")], ids=["to", "ones"])
def test_a_device_without_a_backend_lists_those_there_are(use):
    with pytest.raises(RuntimeError, match=r"unknown device type 'mps'; known are 'cpu', 'cuda'"):
        use()


def test_there_is_one_cpu():
    for use in (lambda: ag.ones(2).to("cpu:1"), lambda: ag.ones(2, device="cpu:1")):
        with pytest.raises(RuntimeError, match="'cpu:1' does not exist"):
            use()


@pytest.mark.parametrize("make", [
    lambda **k: ag.tensor([1.0, 2.0], **k), lambda **k: ag.as_tensor(np.ones(2), **k), lambda **k: ag.zeros(2, **k),
    lambda **k: ag.arange(2, **k), lambda **k: ag.eye(2, **k), lambda **k: ag.rand(2, **k), lambda **k: ag.randint(3,
    (2,), **k),
    lambda **k: ag.randperm(3, **k), lambda **k: ag.normal(0.0, 1.0, (2,), **k), lambda **k: ag.linspace(0, 1, 2, **k),
], ids=["tensor", "as_tensor", "zeros", "arange", "eye", "rand", "randint", "randperm", "normal",
"linspace"])  # fmt: skip
def test_everything_can_be_made_on_another_device(make):
    t = make(device=FAR)
    assert isinstance(t.array, refusing.RefusingArray)
    assert t.device.type == FAR
    assert ag.zeros_like(t).device == ag.ones_like(t).device == t.device


def test_what_is_elsewhere_stays_there_until_asked_for():
    x = ag.tensor([1.0, -2.0], device=FAR, requires_grad=True)
    assert ag.tensor(x).device == ag.as_tensor(x.detach().array).device == x.device
    assert ag.tensor(x, dtype="f8", device="cpu").tolist() == [1, -2]
    assert x.tolist() == [1, -2]
    assert repr(x) == f"tensor([ 1., -2.], device='{FAR}:0', requires_grad=True)"
    with pytest.raises(TypeError, match=r"use \.cpu\(\)\.numpy\(\)"):
        x.detach().numpy()
    ag.manual_seed(0)
    assert ag.bernoulli(ag.ones(3, device=FAR)).tolist() == [1, 1, 1]
    assert ag.multinomial(ag.tensor([0.0, 1.0], device=FAR), 2, replacement=True).tolist() == [1, 1]
    assert x.detach().clone().uniform_(2, 3).device == x.device


def test_gradients_travel_back():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    (x.to(FAR) * ag.tensor([3.0, 4.0], device=FAR)).cpu().sum().backward()
    assert x.grad.device == "cpu"
    assert x.grad.tolist() == [3, 4]


def test_mixing_devices_names_both():
    x, y = ag.ones(2), ag.ones(2, device=FAR)
    for mix in (lambda: x + y, lambda: y @ x, lambda: ag.cat([x, y])):
        with pytest.raises(RuntimeError, match=rf"different devices \((cpu, {FAR}:0|{FAR}:0, cpu)\).*\.to\("):
            mix()
