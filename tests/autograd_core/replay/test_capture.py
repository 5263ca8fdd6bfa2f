"""A captured step gives what the step itself gives; one that cannot be captured runs as it is."""

import gc
import logging
import threading

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.replay.noted import Noted
from backends.onednn import choice
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


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match="takes a function, not int"):
        ag.capture(3)


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


@pytest.mark.parametrize("zero", ["inside", "outside", "never", "sometimes", "replaced"])
def test_gradients_are_cleared_or_accumulate_as_in_the_step(zero):
    def run(wrap):
        w = ag.tensor([1.0, -2.0], requires_grad=True)

        def step(x):
            if zero == "inside":
                w.grad = None
            ((w * x) ** 2).sum().backward()

        call, found = wrap(step), []
        for i in range(8):
            call(ag.tensor([1.0, float(i)]))
            found.append(w.grad.tolist())
            if zero == "outside" or (zero == "sometimes" and i in (3, 6)):
                w.grad = None
            if zero == "replaced":
                w.grad = ag.tensor([float(i), 1.0])
        return found

    assert run(ag.capture) == run(lambda step: step)


def test_earlier_gradients_and_results_keep_their_values():
    w = ag.tensor([1.0], requires_grad=True)

    def step(x):
        w.grad = None
        loss = (w * x).sum()
        loss.backward()
        return loss

    run = ag.capture(step)
    kept = [(run(ag.tensor([float(i)])), w.grad) for i in range(4)]
    assert [(loss.item(), g.item()) for loss, g in kept] == [(i, i) for i in range(4)]


def test_a_replaced_parameter_is_noticed(caplog):
    caplog.set_level(logging.INFO)
    net = nn.Linear(2, 1)
    run = ag.capture(ag.no_grad()(net))
    x = ag.ones(1, 2)
    for _ in range(3):
        run(x)
    net.weight.data = ag.full((1, 2), 3.0)
    net.bias.data = ag.zeros(1)
    assert run(x).tolist() == [[6]]
    assert run(x).tolist() == [[6]]
    assert "captured again" in caplog.text


def test_parameters_that_are_frozen_later_are_noticed():
    def run(wrap):
        ag.manual_seed(0)
        net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
        optimizer = optim.SGD(net.parameters(), 0.1)

        def step(x):
            optimizer.zero_grad()
            net(x).square().sum().backward()
            optimizer.step()

        call, found = wrap(step), []
        for frozen in (False, False, False, False, True, True, True, True, False, False):
            net[0].requires_grad_(not frozen)
            call(ag.ones(1, 2))
            found.append([p.tolist() for p in net.parameters()])
        return found

    assert run(ag.capture) == run(lambda step: step)


def test_in_place_writes_reach_arguments_and_buffers():
    total = ag.zeros(2)

    def step(x):
        total.add_(x)
        x[0] = -1.0
        x[1:].mul_(2)
        return total

    run = ag.capture(step)
    for i in range(4):
        x = ag.tensor([1.0, i])
        assert run(x) is total
        assert x.tolist() == [-1, 2 * i]
    assert total.tolist() == [4, 6]
    assert not run.reasons


def test_a_write_in_a_replay_makes_graphs_stale():
    w = ag.ones(2)
    run = ag.capture(ag.no_grad()(w.mul_))
    for _ in range(2):
        run(ag.ones(2))
    y = (ag.ones(2, requires_grad=True) * w).sum()
    run(ag.ones(2))
    with pytest.raises(RuntimeError, match="written in place"):
        y.backward()


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


class Keeps:
    """A step that keeps a tensor for the next one."""

    def __init__(self):
        self.state = ag.zeros(2)

    def __call__(self, x):
        self.state = self.state + x
        return self.state.clone()


class KeepsArgument:
    """A step that keeps its argument for the next one."""

    def __init__(self):
        self.state = ag.zeros(2)

    def __call__(self, x):
        found, self.state = self.state + x, x
        return found


def closure(x):
    w = ag.ones(2, requires_grad=True)

    def loss():
        return (w * x).sum()

    optim.LBFGS([w], lr=0.0).step(loss)
    return w.detach() * 2


REFUSED = {
    "values": (lambda x: x * 2 if x.sum().item() > 0 else x, "Python asked for the values"),
    "truth": (lambda x: x * 2 if x.sum() > 0 else x, "Python asked for the values"),
    "numpy": (lambda x: ag.tensor(x.numpy() * 2), "values"),
    "mask": (lambda x: x[x > 0], "shape of a result"),
    "masked_select": (lambda x: ag.masked_select(x, x > 0), "shape of a result"),
    "nonzero": (lambda x: (x > 0).nonzero(), "shape of a result"),
    "graph": (lambda x: x * ag.ones(2, requires_grad=True), "can still be differentiated"),
    "closure": (closure, "with a closure"),
    "kept": (Keeps(), "younger than its previous call"),
    "kept argument": (KeepsArgument(), "younger than its previous call"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_captured_runs_as_it_is(name, caplog):
    step, reason = REFUSED[name]
    run = ag.capture(step)
    ag.manual_seed(0)
    for i in range(4):
        x = ag.tensor([1.0, -1.0 - i])
        before = ag.get_rng_state()
        state = step.state.clone() if "kept" in name else None
        found = run(x)
        assert str(ag.get_rng_state()) == str(before)
        if "kept" in name:
            assert ag.equal(found, state + x)
        else:
            assert ag.equal(found, step(x))
    assert len(run.reasons) == 1
    assert reason in run.reasons[0]
    assert reason in caplog.text
    gc.collect()
    assert not any(type(o) is Noted for o in gc.get_objects())


def test_nothing_of_a_capture_is_left_behind():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Dropout(), nn.Linear(3, 1))
    optimizer = optim.Adam(net.parameters())

    def step(x):
        optimizer.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    run = ag.capture(step)
    for _ in range(3):
        run(ag.randn(4, 2))
    gc.collect()
    assert not any(type(o) is Noted for o in gc.get_objects())
    assert all(type(t.array) is np.ndarray for t in net.state_dict().values())


def test_an_error_of_the_step_is_raised_as_it_is():
    calls = []

    def step(x):
        calls.append(x)
        if len(calls) == 3:
            raise KeyError("mine")
        return x * 2

    run = ag.capture(step)
    run(ag.ones(2)), run(ag.ones(2))
    assert run(ag.ones(2)).tolist() == [2, 2]  # the third call was the capture's, and changed nothing
    assert "mine" in run.reasons[0]

    wrong = ag.capture(lambda x, w: x @ w)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="matmul"):
            wrong(ag.ones(2, 3), ag.ones(2, 3))


def test_a_result_after_backward_requires_a_gradient_and_cannot_be_differentiated_again():
    w = ag.ones(2, requires_grad=True)

    def step(x):
        w.grad = None
        loss = (w * x).square().sum()
        loss.backward()
        return loss, loss.detach()

    run = ag.capture(step)
    for _ in range(3):
        loss, detached = run(ag.ones(2))
    assert loss.requires_grad
    assert not detached.requires_grad
    with pytest.raises(RuntimeError, match="released"):
        loss.backward()


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


def test_arguments_that_cannot_be_compared_and_numbers_that_change():
    run = ag.capture(ag.no_grad()(lambda x, scale: x * float(scale[0][0])))
    for i in range(4):
        assert run(ag.ones(2), [np.array([i])]).tolist() == [i, i]
    (reason,) = run.reasons
    assert "unhashable type: 'numpy.ndarray'" in reason
    assert reason.endswith("; pass tensors, numbers or strings")
    scaled = ag.capture(ag.no_grad()(lambda x, scale: x * scale))
    for i in range(300):
        assert scaled(ag.ones(1), i).item() == i
    assert len(scaled._kinds) < 300


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


def test_hooks_views_and_second_derivatives():
    w = ag.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    w.register_hook(lambda g: g * 3)

    def step(x):
        w.grad = None
        y = (w[0] * x).sum() + (w.T @ x).square().sum()
        (g,) = ag.grad(y, w, create_graph=True)
        (g.square().sum() + y).backward()
        return g.detach()

    run = ag.capture(step)
    for i in range(4):
        x = ag.tensor([1.0, float(i)])
        g = run(x)
        captured = w.grad.tolist()
        assert g.tolist() == step(x).tolist()
        assert captured == w.grad.tolist()
    assert not run.reasons


def test_arguments_that_require_gradients():
    run = ag.capture(lambda x: (x * x).sum().backward())
    for i in range(4):
        x = ag.tensor([1.0, float(i)], requires_grad=True)
        run(x)
        assert x.grad.tolist() == [2, 2 * i]
    assert not run.reasons


def test_tensors_made_inside_are_made_anew():
    def step(x):
        y = ag.zeros(2)
        y += x
        z = ag.tensor([1.0, 2.0])
        z.mul_(x)
        return y, z, ag.from_numpy(np.ones(2, np.float32)) * x, ag.arange(2) + x, ag.full_like(x, 3.0)

    run = ag.capture(ag.no_grad()(step))
    for i in range(4):
        x = ag.tensor([1.0, float(i)])
        for found, expected in zip(run(x), step(x), strict=True):
            assert ag.equal(found, expected)
    assert not run.reasons


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


def test_a_gradient_that_something_else_holds():
    model, grads = nn.Linear(3, 2), []
    step = ag.capture(lambda: sum(g.sum() for g in grads))
    for i in range(8):
        model.zero_grad()
        model(ag.full((4, 3), float(i))).mean().backward()
        if i < 2:
            grads[:] = [p.grad for p in model.parameters()]
        assert step().item() == pytest.approx(sum(g.sum().item() for g in grads))


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


def replayed_and_as_it_is(step, inputs):
    """What a captured step gives for several inputs, and what the step gives."""
    run = ag.capture(step)
    with np.errstate(all="ignore"):
        pairs = [(run(x), step(x)) for x in inputs]
    assert not run.reasons
    return [[[v.numpy() for v in found] for found in pair] for pair in pairs]


def test_norms_of_numbers_that_leave_the_range_of_float32_squares_later():
    x = ag.randn(64, 128)
    others = [x * 1e30, x * 1e-30, x * 0, x / 0]
    pairs = replayed_and_as_it_is(lambda x: (x.norm(), x.norm(dim=1)), [x] * 4 + others)
    for found, expected in pairs:
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)


def test_variances_keep_their_dtype_where_float32_loses_some_later():
    """The sums of such squares are of float64."""
    x = ag.randn(64, 128)
    for found, expected in replayed_and_as_it_is(lambda x: (x.var(dim=1),), [x] * 4 + [x * 1e30, x + 1e6]):
        assert found[0].dtype == np.float32
        np.testing.assert_array_equal(found[0], expected[0])


def test_nan_behind_a_normalisation_with_relu_comes_later():
    layer = nn.Sequential(nn.BatchNorm2d(32, track_running_stats=False), nn.ReLU())

    def step(x):
        y = layer(x)
        return y.detach(), *ag.grad(y.square().sum(), list(layer.parameters()))

    x = ag.randn(8, 32, 12, 12).contiguous(memory_format=ag.channels_last)
    odd = x.clone()
    odd[0, 0, 0, 0] = float("nan")
    for found, expected in replayed_and_as_it_is(step, [x] * 4 + [odd, x]):
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("first", ["auto", "numpy"])
@pytest.mark.parametrize("recurrent", [True, False])
def test_the_kernels_that_compute_change_between_calls(recurrent, first):
    layer = nn.LSTM(32, 48) if recurrent else nn.Sequential(nn.BatchNorm1d(32), nn.ReLU())

    def step(x):
        y = layer(x)
        y = y[0] if isinstance(y, tuple) else y
        return y.detach(), *ag.grad(y.square().sum(), list(layer.parameters()))

    before, run = choice.chosen(), ag.capture(step)
    x = ag.randn(20, 32, 32)
    try:
        for kernels in [first] * 4 + [{"auto": "numpy", "numpy": "auto"}[first]] * 4 + [first] * 2:
            choice.choose(kernels)
            for found, expected in zip(run(x), step(x), strict=True):
                np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-4, atol=1e-4)
    finally:
        choice.choose(before)
    assert not run.reasons


def test_values_that_are_not_finite_give_no_warnings():
    """Warnings are errors in these tests."""
    weight = ag.ones(2, 8)

    @ag.capture
    @ag.no_grad()
    def step(x):
        return (x @ weight).relu() - x.sum()

    for _ in range(5):
        assert step(ag.full((10, 2), np.inf)).isnan().all()
    assert step.source
    assert not step.reasons
    with np.errstate(invalid="raise"):
        assert step(ag.full((10, 2), np.inf)).isnan().all()
        with pytest.raises(FloatingPointError):
            np.float32(np.inf) - np.float32(np.inf)
