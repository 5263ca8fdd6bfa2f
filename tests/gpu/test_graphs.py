"""A captured step gives what the step itself gives; one that cannot be captured runs as it is."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.testing.refusing import RefusingArray
from nn import functional as F

pytestmark = pytest.mark.usefixtures("cupy")
OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, 0.1, weight_decay=0.01),
    "momentum": lambda p: optim.SGD(p, 0.1, momentum=0.9),
    "Adam": lambda p: optim.Adam(p, 0.01),
    "AdamW": lambda p: optim.AdamW(p, 0.01, amsgrad=True),
    "NAdam": lambda p: optim.NAdam(p, 0.01),
    "Adamax": lambda p: optim.Adamax(p, 0.01),
    "Lion": lambda p: optim.Lion(p, 0.01),
    "Adagrad": lambda p: optim.Adagrad(p, 0.1, lr_decay=0.1),
    "RMSprop": lambda p: optim.RMSprop(p, 0.01),
    "ASGD": lambda p: optim.ASGD(p, 0.01),
}


def model():
    return nn.Sequential(
        nn.Linear(3, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2)
    ).to("cuda")


def batches(count, size=6):
    ag.manual_seed(1)
    return [(ag.randn(size, 3, device="cuda"), ag.randint(0, 2, (size,), device="cuda")) for _ in range(count)]


def trained(make, wrap, steps=7, amp=False):
    """Losses, parameters and buffers after a few steps with a falling learning rate."""
    ag.manual_seed(0)
    net = model()
    optimizer = make(net.parameters())
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.8)
    scaler = ag.amp.GradScaler("cuda", init_scale=4.0, growth_interval=2, enabled=amp)

    def step(x, target):
        optimizer.zero_grad()
        with ag.autocast("cuda", ag.bfloat16, enabled=amp):
            loss = F.cross_entropy(net(x), target)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        optim.clip_grad_norm_(net.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        return loss

    run, losses = wrap(step), []
    for x, target in batches(steps):
        losses.append(run(x, target))
        schedule.step()
    found = [*(v.tolist() for v in net.state_dict().values()), scaler.get_scale()]
    return [loss.item() for loss in losses], found, run, optimizer


@pytest.mark.parametrize("name, amp", [*((name, False) for name in OPTIMIZERS), ("SGD", True), ("RMSprop", True)])
def test_captured_and_eager_steps_agree(name, amp):
    losses, values, _, optimizer = trained(OPTIMIZERS[name], lambda step: step, amp=amp)
    found, others, run, captured = trained(OPTIMIZERS[name], ag.cuda.graph, amp=amp)
    np.testing.assert_allclose(found, losses, rtol=1e-5)
    for ours, theirs in zip(others, values, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)
    (capture,) = run._captures.values()
    assert capture.graph.launches == 4
    assert run.reasons == []
    for a, b in zip(optimizer.state_dict()["state"].values(), captured.state_dict()["state"].values(), strict=True):
        assert a.get("step") == b.get("step")


def test_weights_are_cast_in_every_replay():
    w = nn.Parameter(ag.ones(3, 2, device="cuda"))
    product = ag.cuda.graph(lambda x: x @ w, warmup=1)
    with ag.autocast("cuda"):
        for _ in range(3):
            found = product(ag.ones(1, 3, device="cuda"))
        with ag.no_grad():
            w.mul_(2)
        twice = product(ag.ones(1, 3, device="cuda"))
    assert (found.tolist(), twice.tolist()) == ([[3, 3]], [[6, 6]])


def test_what_follows_a_captured_step_draws_other_numbers():
    draw = ag.cuda.graph(lambda x: x + ag.rand_like(x), warmup=1)
    x = ag.zeros(4, device="cuda")
    found = [tuple(draw(x).tolist()) for _ in range(5)]
    ag.manual_seed(0)
    eager = [tuple(ag.rand_like(x).tolist()) for _ in range(5)]
    assert found == eager


def test_every_shape_is_captured_by_itself_and_results_are_not_shared():
    double = ag.cuda.graph(lambda x: {"twice": x * 2, "name": "double"}, warmup=1)
    first = [double(ag.full((2,), float(i), device="cuda")) for i in range(4)]
    assert [found["twice"].tolist() for found in first] == [[0, 0], [2, 2], [4, 4], [6, 6]]
    assert double(ag.ones(3, device="cuda"))["twice"].tolist() == [2, 2, 2]
    with ag.no_grad():
        double(ag.ones(3, device="cuda"))
    assert [capture.graph is not None for capture in double._captures.values()] == [True, False, False]


def test_the_order_of_names_among_arguments():
    run = ag.cuda.graph(lambda batch: batch["a"] - 2 * batch["b"], warmup=1)
    two, five = ag.full((1,), 2.0, device="cuda"), ag.full((1,), 5.0, device="cuda")
    for _ in range(3):
        assert run({"a": two, "b": five}).tolist() == [-8]
        assert run({"b": five, "a": two}).tolist() == [-8]


def test_memory_of_a_capture_is_its_own_and_streams_wait():
    run = ag.cuda.graph(lambda x: x * 2, warmup=1)
    other = ag.cuda.Stream()
    with other:
        for _ in range(3):
            run(ag.ones(2, device="cuda"))
    (capture,) = run._captures.values()
    assert capture.pool.entered == 4
    assert other.raw in capture.stream.waited
    assert capture.stream in other.raw.waited


def test_a_step_that_reads_runs_as_it_is_and_leaves_no_trace(caplog):
    ag.manual_seed(0)
    w = nn.Parameter(ag.ones(2, device="cuda"))
    optimizer = optim.Adam([w], 0.1)

    def step(x):
        optimizer.zero_grad()
        loss = (w * x + ag.rand_like(x)).sum()
        loss.backward()
        optimizer.step()
        return loss.item()

    run = ag.cuda.graph(step, warmup=2)
    with caplog.at_level(logging.WARNING):
        found = [run(ag.ones(2, device="cuda")) for _ in range(5)]
    assert optimizer.state[w]["step"] == 5
    ag.manual_seed(0)
    w.data = ag.ones(2, device="cuda")
    optimizer = optim.Adam([w], 0.1)
    np.testing.assert_allclose(found, [step(ag.ones(2, device="cuda")) for _ in range(5)], rtol=1e-6)
    (reason,) = run.reasons
    assert "step is not captured" in caplog.text
    assert "cudaErrorStreamCaptureUnsupported" in reason
    assert caplog.text.count("not captured") == 1


@pytest.mark.parametrize(
    "device, make, reason",
    [
        ("cpu", lambda p: optim.SGD(p, 0.1), "not on a GPU"),
        ("cuda", lambda p: optim.LAMB(p, 0.1), "LAMB counts steps in Python"),
    ],
    ids=["on the CPU", "LAMB"],
)
def test_what_cannot_be_captured_says_why(device, make, reason):
    w = nn.Parameter(ag.ones(2, device=device))
    optimizer = make([w])

    def step(x):
        optimizer.zero_grad()
        (w * x).sum().backward()
        optimizer.step()

    run = ag.cuda.graph(step, warmup=1)
    for _ in range(3):
        run(ag.ones(2, device=device))
    assert reason in run.reasons[0]


def test_an_option_that_changes_is_captured_again():
    w = nn.Parameter(ag.ones(2, device="cuda"))
    optimizer = optim.SGD([w], 0.1, momentum=0.9)

    def step(x):
        optimizer.zero_grad()
        (w * x).sum().backward()
        optimizer.step()

    run = ag.cuda.graph(step, warmup=1)
    x = ag.ones(2, device="cuda")
    for i in range(6):
        if i == 3:
            optimizer.param_groups[0]["momentum"] = 0.5
        run(x)
    captured, w.data, optimizer = w.tolist(), ag.ones(2, device="cuda"), optim.SGD([w], 0.1, momentum=0.9)
    for i in range(6):
        if i == 3:
            optimizer.param_groups[0]["momentum"] = 0.5
        step(x)
    np.testing.assert_allclose(captured, w.tolist(), rtol=1e-6)


def test_modes_and_attributes_have_recordings_of_their_own():
    net, x = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5)).to("cuda"), ag.ones(6, 3, device="cuda")
    step = ag.cuda.graph(ag.no_grad()(lambda x: net(x) + 1))
    for _ in range(6):
        step(x)
    net[0].eval()
    net[1].p = 0.0
    for _ in range(6):
        assert step(x).tolist() == (net(x) + 1).tolist()
    assert not step.reasons


@pytest.mark.parametrize("wrap", [ag.cuda.graph, ag.capture])
@pytest.mark.parametrize("lasting", [1, 6])
def test_what_is_exchanged_again_and_again(wrap, lasting):
    weights = [ag.tensor([float(i)], device="cuda") for i in range(10)]
    options = SimpleNamespace()
    step = wrap(lambda x: x * options.weight)
    for i, options.weight in enumerate(weights):
        assert [step(ag.ones(1, device="cuda")).item() for _ in range(lasting)] == [i] * lasting
    assert ("exchanged from call to call" in "".join(step.reasons)) == (lasting == 1)


def test_an_error_in_the_step_itself_is_raised_and_the_next_call_works():
    def step(x):
        if fail:
            raise ArithmeticError("mine")
        return x * 2

    run, fail = ag.cuda.graph(step, warmup=1), True
    with pytest.raises(ArithmeticError, match="mine"):
        run(ag.ones(1, device="cuda"))
    fail = False
    assert [run(ag.ones(1, device="cuda")).item() for _ in range(3)] == [2, 2, 2]
    assert isinstance(run(ag.ones(1, device="cuda")).array, RefusingArray)
