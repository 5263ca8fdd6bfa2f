"""Mixed precision on a GPU: nothing is read, and a step that is not to be taken leaves no trace."""

import copy

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.testing.refusing import RefusingArray

pytestmark = pytest.mark.usefixtures("cupy")


def steps(device, make, infinite=(0, 3)):
    w = nn.Parameter(ag.tensor([1.0, -2.0, 3.0], device=device))
    optimizer = make([w])
    scaler = ag.amp.GradScaler(device, init_scale=4.0, growth_interval=2)
    for i in range(6):
        optimizer.zero_grad()
        x = ag.tensor([1.0, 2.0, float(i)], device=device) * (float("inf") if i in infinite else 1)
        scaler.scale((w * x).sum() ** 2).backward()
        yield w, scaler
        scaler.step(optimizer)
        scaler.update()
    yield w, scaler


@pytest.mark.parametrize("make", [
    lambda p: optim.SGD(p, 0.01), lambda p: optim.SGD(p, 0.01, momentum=0.9), lambda p: optim.Adagrad(p, 0.1),
    lambda p: optim.RMSprop(p, 0.01), lambda p: optim.Lion(p, 0.01), lambda p: optim.LARS(p, 0.01),
    lambda p: optim.Adam(p, 0.1), lambda p: optim.AdamW(p, 0.1, amsgrad=True),
], ids=["SGD", "momentum", "Adagrad", "RMSprop", "Lion", "LARS", "Adam", "AdamW"])  # fmt: skip
@pytest.mark.parametrize("kernels", ["cupy", "compiling"])
def test_skipped_steps_leave_no_trace(make, kernels, request):
    started = request.getfixturevalue(kernels)
    for (w, scaler), (other, reference) in zip(steps("cuda", make), steps("cpu", make), strict=True):
        np.testing.assert_allclose(w.tolist(), other.tolist(), rtol=1e-6)
        assert scaler.get_scale() == reference.get_scale()
    assert kernels == "cupy" or "rescale" in started


@pytest.mark.usefixtures("compiling")
def test_counts_are_set_right_when_they_are_saved_or_parameters_join():
    first, second = (nn.Parameter(ag.ones(2, device="cuda")) for _ in range(2))
    optimizer, scaler = optim.Adam([first, second]), ag.amp.GradScaler("cuda")
    for i in range(5):
        optimizer.zero_grad()
        scaler.scale((first * (float("inf") if i in (0, 2) else 1)).sum() + (second.sum() if i > 2 else 0)).backward()
        scaler.step(optimizer)
        scaler.update()
    counts = [state["step"] for state in optimizer.state_dict()["state"].values()]
    assert counts == [3, 2]
    assert copy.deepcopy(optimizer).state_dict()["state"][0]["step"] == 3


def test_nothing_is_read(cupy, monkeypatch):
    def read(*args, **kwargs):
        raise AssertionError("a value was read from the GPU")

    walk = steps("cuda", optim.AdamW)
    next(walk)
    with monkeypatch.context() as patch:
        patch.setattr(cupy, "asnumpy", read)
        patch.setattr(RefusingArray, "item", read)
        list(walk)


def test_autocast_on_cuda():
    a, b = ag.randn(4, 3, device="cuda", requires_grad=True), ag.randn(3, 5, device="cuda")
    with ag.cuda.amp.autocast():
        y = a @ b
        assert y.dtype == ag.float16
        assert y.sum().dtype == ag.float32
        assert (a.cpu() @ b.cpu()).dtype == ag.float32
    y.float().square().mean().backward()
    assert a.grad.dtype == ag.float32
