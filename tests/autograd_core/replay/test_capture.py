"""A captured step gives what the step itself gives."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.replay import noted, program
from nn import functional as F

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, 0.1, weight_decay=0.01),
    "momentum": lambda p: optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
    "Adam": lambda p: optim.Adam(p, 0.01),
    "AdamW": lambda p: optim.AdamW(p, 0.01, amsgrad=True),
    "NAdam": lambda p: optim.NAdam(p, 0.01),
    "Lion": lambda p: optim.Lion(p, 0.01),
    "RMSprop": lambda p: optim.RMSprop(p, 0.01),
    "Rprop": lambda p: optim.Rprop(p, 0.01),
    "Adafactor": lambda p: optim.Adafactor(p, 0.01),
}


def network():
    convolutions = [nn.Conv2d(2, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*convolutions, nn.Flatten(), nn.Dropout(0.3), nn.Linear(36, 3))


def batches(count, size=5):
    random = ag.Generator().manual_seed(1)
    return [
        (ag.randn(size, 2, 8, 8, generator=random), ag.randint(0, 3, (size,), generator=random)) for _ in range(count)
    ]


def trained(make, wrap, data, schedule_inside=False):
    """Losses, gradients, parameters and buffers of a few steps, and the step."""
    ag.manual_seed(0)
    net = network()
    optimizer = make(net.parameters())
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.8)

    def step(x, target):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), target)
        loss.backward()
        optim.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        if schedule_inside:
            schedule.step()
        return loss

    run, found = wrap(step), []
    for x, target in data:
        found.append(run(x, target).item())
        found.append([p.grad.tolist() for p in net.parameters()])
        if not schedule_inside:
            schedule.step()
    found.append([v.tolist() for v in net.state_dict().values()])
    states = [[s[k] for k in sorted(s)] for s in optimizer.state_dict()["state"].values()]
    found.append([[v.tolist() if isinstance(v, ag.Tensor) else v for v in s] for s in states])
    found.append(ag.rand(3).tolist())  # the stream goes on
    return found, run


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("inside", [False, True], ids=["schedule-outside", "schedule-inside"])
def test_captured_and_usual_steps_agree(name, inside):
    data = [*batches(5), *batches(3, size=3), *batches(2)]
    expected, _ = trained(OPTIMIZERS[name], lambda step: step, data, inside)
    found, run = trained(OPTIMIZERS[name], ag.capture, data, inside)
    assert found == expected
    assert run.reasons == []
    assert len(run._kinds) == 2
    assert all(kind.replays for kind in run._kinds.values())


def gpt():
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
    return nn.Sequential(nn.Embedding(11, 8), nn.TransformerEncoder(layer, 2), nn.LayerNorm(8), nn.Linear(8, 11))


class Characters(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.lstm, self.head = nn.Embedding(11, 8), nn.LSTM(8, 6, 2), nn.Linear(6, 11)

    def forward(self, x):
        return self.head(self.lstm(self.embedding(x))[0])


@pytest.mark.parametrize("make", [gpt, Characters])
def test_networks_of_tokens(make):
    def run(wrap):
        ag.manual_seed(0)
        net, random = make(), ag.Generator().manual_seed(2)
        optimizer = optim.AdamW(net.parameters(), 0.01)

        def step(x):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x[:, :-1]).flatten(0, 1), x[:, 1:].flatten())
            loss.backward()
            optimizer.step()
            return {"loss": loss, "name": "loss", "scores": [loss.detach() * 2]}

        call, found = wrap(step), []
        for _ in range(4):
            result = call(ag.randint(0, 11, (3, 6), generator=random))
            assert result["name"] == "loss"
            found.append((result["loss"].item(), result["scores"][0].item()))
        return found

    # The targets are computed, so that a program takes into account that some could be ignored.
    np.testing.assert_allclose(run(ag.capture), run(lambda step: step), rtol=1e-6)


def test_inference():
    net = network().eval()
    scores = ag.capture(ag.no_grad()(net.forward))
    for x, _ in batches(4):
        with ag.no_grad():
            assert ag.equal(scores(x), net(x))
    assert not scores.reasons
    assert not scores(x).requires_grad


def test_the_program_is_python():
    w = ag.tensor([2.0, 3.0], requires_grad=True)

    def step(x):
        w.grad = None
        loss = ((w * x) ** 2).sum()
        loss.backward()
        return loss

    run = ag.capture(step)
    losses = [run(ag.tensor([1.0, i])).item() for i in range(3)]
    assert losses == [4, 13, 40]
    assert w.grad.tolist() == [4, 24]
    lines = [line.strip() for line in run.source.splitlines()]
    assert lines[:2] == ["def step(X0):", "x0 = X0.array"]
    assert any(line.startswith("v1 = t") and " * x0" in line for line in lines)
    assert lines[-1].startswith("return wrap(")


def test_random_numbers_continue_and_follow_seeds():
    own = ag.Generator().manual_seed(5)

    def step(x):
        return x + ag.rand(3) + F.dropout(ag.ones(3), 0.5) + ag.randn(3, generator=own)

    def run(call):
        ag.manual_seed(0)
        own.manual_seed(5)
        found = [call(ag.zeros(3)).tolist() for _ in range(3)]
        ag.manual_seed(7)
        return [*found, call(ag.zeros(3)).tolist(), ag.rand(2).tolist()]

    captured = ag.capture(step)
    assert run(captured) == run(step) == run(captured)
    assert not captured.reasons


class Learner:
    """A model, and a captured method that uses it."""

    def __init__(self, size):
        self.parts = {"model": nn.Sequential(nn.Linear(size, 2), nn.Dropout(0.5))}

    @ag.capture
    def scores(self, x):
        """The scores."""
        return self.parts["model"](x).detach()


def test_modes_of_modules_and_captured_methods():
    one, two = Learner(2), Learner(3)
    for learner, size in ((one, 2), (two, 3)):
        model = learner.parts["model"]
        for training in (True, True, True, True, False, False, False, False, True, False):
            model.train(training)
            ag.manual_seed(0)
            found = learner.scores(ag.ones(1, size))
            ag.manual_seed(0)
            assert ag.equal(found, model(ag.ones(1, size)).detach())
        assert [bool(kind.replays) for kind in learner.scores._kinds.values()] == [True, True]
    assert one.scores is not two.scores
    assert (one.scores.__name__, one.scores.__doc__) == ("scores", "The scores.")


def test_modes_and_arguments_have_programs_of_their_own():
    run = ag.capture(lambda x, scale, flag=False: (x * scale).sum().detach() if flag else x * scale)
    for scale in (2, 3, 2, 3, 2):
        assert run(ag.ones(2), scale).tolist() == [scale, scale]
        assert run(ag.ones(2), scale, flag=True).item() == 2 * scale
        assert run(ag.ones(3), scale=scale).tolist() == [scale] * 3
        with ag.autocast("cpu", ag.bfloat16):
            assert run(ag.ones(2), scale).dtype == ag.float32
        assert run(ag.ones(4)[::2], scale).tolist() == [scale, scale]
        assert run(ag.ones(2, dtype=ag.float64), scale).dtype == ag.float64
    assert not run.reasons


def test_how_arguments_are_nested_and_which_are_the_same():
    run = ag.capture(ag.no_grad()(lambda batch, *rest: batch["a"] - 2 * batch["b"]))
    two, five = ag.tensor([2.0]), ag.tensor([5.0])
    for _ in range(4):
        assert run({"a": two, "b": five}).item() == -8
        assert run({"b": five, "a": two}).item() == -8
        assert run({"b": two, "a": five}).item() == 1
        assert run({"a": two, "b": two}).item() == -2
    difference = ag.capture(ag.no_grad()(lambda x, y: x - 2 * y))
    for _ in range(4):
        assert difference(two, two).item() == -2
        assert difference(two, five).item() == -8
        assert difference(y=two, x=five).item() == 1
    assert not run.reasons
    assert not difference.reasons


def test_a_captured_step_inside_another():
    inner = ag.capture(ag.no_grad()(lambda x: x * 2))
    outer = ag.capture(ag.no_grad()(lambda x: inner(x) + 1))
    for i in range(4):
        assert outer(ag.tensor([float(i)])).tolist() == [2 * i + 1]
    assert not inner.reasons
    assert not outer.reasons


def test_another_thread_computes_while_a_step_is_captured():
    w, entered, done, found = ag.ones(3), threading.Event(), threading.Event(), []

    def other():
        entered.wait(10)
        found.append((w * 2).tolist())
        found.append(w.nonzero().flatten().tolist())
        found.append(F.nll_loss(w.log().expand(1, 3), w.long()[:1]).item())
        w.add_(1)
        done.set()

    calls = []

    def step(x):
        calls.append(0)
        if len(calls) == 3:
            entered.set()
            assert done.wait(10)
        return x + 1

    thread = threading.Thread(target=other)
    thread.start()
    run = ag.capture(ag.no_grad()(step))
    for _ in range(4):
        assert run(ag.zeros(3)).tolist() == [1, 1, 1]
    thread.join()
    assert found == [[2, 2, 2], [0, 1, 2], 0]
    assert w.tolist() == [2, 2, 2]


def test_threads_train_models_of_their_own():
    def trained(seed, wrapped):
        w = ag.randn(8, 8, generator=ag.Generator().manual_seed(seed)).requires_grad_()
        optimizer = optim.Adam([w], lr=0.1)

        @wrapped
        def step(x):
            optimizer.zero_grad()
            (x @ w).tanh().square().mean().backward()
            optimizer.step()

        for i in range(40):
            step(ag.full((4, 8), i / 40))
        return w.tolist()

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(trained, range(8), [ag.capture] * 8))
    assert together == [trained(seed, lambda step: step) for seed in range(8)]


def test_averages_of_parameters_are_counted_in_every_replay():
    def run(wrap):
        ag.manual_seed(0)
        model = nn.Linear(3, 1)
        average, optimizer = optim.swa_utils.AveragedModel(model), optim.SGD(model.parameters(), 0.1)

        def step(x):
            optimizer.zero_grad()
            model(x).sum().backward()
            optimizer.step()
            average.update_parameters(model)

        call = wrap(step)
        for i in range(6):
            call(ag.full((3,), float(i)))
        return average.module.weight.tolist(), average.n_averaged, getattr(call, "reasons", [])

    assert run(ag.capture) == run(lambda step: step)


def test_an_optimizer_of_a_users_own_is_called_as_always():
    class Slower(optim.Optimizer):
        """Divides by the number of steps, which is a Python number."""

        def __init__(self, params):
            super().__init__(params, {})
            self.count = 0

        def step(self, closure=None):
            self.count += 1
            with ag.no_grad():
                for p in self.param_groups[0]["params"]:
                    p.sub_(p.grad / self.count)

    def run(wrap):
        w = ag.tensor([8.0], requires_grad=True)
        optimizer = Slower([w])

        def step():
            optimizer.zero_grad()
            w.square().sum().backward()
            optimizer.step()

        call = wrap(step)
        for _ in range(5):
            call()
        return w.item(), optimizer.count

    assert run(ag.capture) == run(lambda step: step)


def test_the_step_of_an_optimizer_alone():
    def trained(wrap):
        ag.manual_seed(0)
        model = nn.Linear(3, 2)
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def update():
            optimizer.step()
            optimizer.zero_grad()

        finish = wrap(update)
        for _ in range(6):
            for _ in range(2):  # gradients are accumulated outside
                model(ag.rand(4, 3)).square().mean().backward()
            finish()
        return model.weight.tolist()

    assert trained(ag.capture) == trained(lambda step: step)


@pytest.mark.parametrize("calls", [2, 3])
def test_gradients_are_accumulated_over_several_calls(calls):
    def trained(wrap):
        ag.manual_seed(0)
        model = nn.Linear(3, 2)
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def share(x):
            model(x).square().mean().backward()

        def halve():
            for p in model.parameters():
                p.grad.mul_(0.5)

        run, change = wrap(share), wrap(halve)
        for _ in range(8):
            for _ in range(calls):
                run(ag.rand(4, 3))
            change()
            optimizer.step()
            optimizer.zero_grad()
        return model.weight.tolist(), run, change

    weight, run, change = trained(ag.capture)
    assert weight == trained(lambda step: step)[0]
    assert not run.reasons + change.reasons
    assert [len(kind.replays) for kind in run._kinds.values()] == [2]
    assert change.source


def test_parameters_that_are_frozen_in_every_second_call():
    def trained(wrap):
        ag.manual_seed(0)
        model = nn.Linear(3, 2)
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def step(x):
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()

        run = wrap(step)
        for i in range(16):
            model.weight.requires_grad_(i % 2 == 0)
            run(ag.ones(4, 3))
        return model.weight.tolist(), run

    weight, run = trained(ag.capture)
    assert weight == trained(lambda step: step)[0]
    assert not run.reasons
    assert [len(kind.replays) for kind in run._kinds.values()] == [2]


def test_what_computes_while_a_call_is_noted_is_no_part_of_the_program():
    count, x = ag.zeros(()), ag.arange(4.0)

    def interrupting(frame, _event, _argument):
        inside = frame.f_code.co_filename == program.__file__
        while inside and frame is not None and frame.f_code is not noted.compute.__code__:
            frame = frame.f_back
        if inside and frame is not None:
            count.add_(ag.ones(3).mul(2).sum() / 6)

    @ag.capture
    def step(x):
        return (x * 2 + 1).reshape(2, 2).softmax(1).reshape(4).log()

    expected = [step(x) for _ in range(2)]
    sys.setprofile(interrupting)
    try:
        captured = step(x)
    finally:
        sys.setprofile(None)
    during = count.item()
    assert during > 10
    assert not step.reasons
    assert "ones" not in step.source
    for found in (captured, step(x)):
        assert ag.equal(found, expected[0])
    assert count.item() == during
