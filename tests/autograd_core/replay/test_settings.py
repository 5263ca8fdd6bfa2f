"""Settings that captured steps rely on: modes, attributes of modules, and numbers in the code's reach."""

import gc
from threading import Thread
from types import SimpleNamespace

import pytest

import autograd_core as ag
import nn
import optim

FACTOR = 2.0


def replayed(step, x, times=5):
    for _ in range(times):
        y = step(x)
    assert step.source
    return y


def test_modes_of_inner_modules():
    model, x = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), ag.rand(5, 3)
    step = ag.capture(ag.no_grad()(model))
    replayed(step, x)
    model[1].eval()
    before = model[1].running_mean.tolist()
    for _ in range(5):
        assert ag.equal(step(x), model(x))
    assert model[1].running_mean.tolist() == before


def test_attributes_of_modules():
    model, x = nn.Dropout(0.5), ag.ones(50, 40)
    step = ag.capture(model)
    assert 500 < replayed(step, x).count_nonzero() < 1500
    model.p = 0.0
    for _ in range(5):
        assert step(x).count_nonzero() == 2000
    model.p = 0.5
    assert step(x).count_nonzero() < 1500
    assert len(step._kinds) == 2  # the first program was there still


def test_numbers_that_the_step_names(monkeypatch):
    share, options = 1.0, SimpleNamespace(weight=3.0, unused=1)

    @ag.capture
    def step(x):
        return x * share * FACTOR + options.weight

    x = ag.ones(1)
    assert replayed(step, x).item() == 5
    share = 2.0
    assert replayed(step, x).item() == 7
    monkeypatch.setitem(globals(), "FACTOR", 5.0)
    assert replayed(step, x).item() == 13
    options.weight = 0.0
    assert replayed(step, x).item() == 10
    programs = len(step._kinds)
    options.unused = 2
    step(x)
    assert len(step._kinds) == programs


def scaled(x):
    return x * FACTOR


class Scaled(nn.Module):
    def forward(self, x):
        return x + FACTOR


def test_numbers_that_functions_and_forwards_of_the_same_file_name(monkeypatch):
    model, x = Scaled(), ag.ones(1)
    for run in (scaled, model, ag.no_grad()(model), lambda x: scaled(x) * 1, lambda x: [model(x)][0]):
        step = ag.capture(run)
        before = replayed(step, x).item()
        with monkeypatch.context() as changes:
            changes.setitem(globals(), "FACTOR", 7.0)
            assert step(x).item() == run(x).item() != before
        assert step(x).item() == before


def test_attributes_of_the_object_of_a_method():
    class Trainer:
        def __init__(self):
            self.scale, self.shift, self.model = 2.0, 1.0, nn.Identity()

        @ag.capture
        def step(self, x):
            return self.shifted(self.model(x) * self.scale)

        def shifted(self, x):
            return x + self.shift

    trainer, x = Trainer(), ag.ones(1)
    assert replayed(trainer.step, x).item() == 3
    trainer.scale = 3.0
    assert trainer.step(x).item() == 4
    trainer.shift = 2.0
    assert trainer.step(x).item() == 5


def test_groups_of_parameters_that_are_added_to_an_optimizer():
    def trained(wrapped):
        a, b = ag.ones(2, requires_grad=True), ag.ones(2, requires_grad=True)
        optimizer = optim.SGD([a], lr=0.1)

        @wrapped
        def step(x):
            optimizer.zero_grad()
            ((a + b) * x).square().sum().backward()
            optimizer.step()

        for i in range(8):
            if i == 4:
                optimizer.add_param_group({"params": [b], "lr": 0.05})
            step(ag.ones(2))
        return b.tolist(), b.grad.tolist()

    assert trained(ag.capture) == trained(lambda step: step)


WEIGHT = ag.ones(3, 2)


def exchanges():
    """Steps, and how something that they reach is exchanged."""
    model, norm = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), nn.BatchNorm1d(3).eval()
    inside, things = ag.ones(3, 2), {"weights": [ag.ones(3, 2)]}
    options, kept = SimpleNamespace(weight=ag.ones(3, 2)), SimpleNamespace(model=nn.Linear(3, 2))

    def exchange_inside():
        nonlocal inside
        inside = ag.rand(3, 2)

    return {
        "parameter": (model, lambda m: setattr(model[0], "bias", nn.Parameter(ag.rand(4)))),
        "in a registry": (model, lambda m: model[0]._parameters.update(bias=nn.Parameter(ag.rand(4)))),
        "buffer": (norm, lambda m: setattr(norm, "running_mean", ag.rand(3))),
        "layer": (model, lambda m: model.__setitem__(1, nn.ReLU())),
        "another layer": (model, lambda m: model.append(nn.Linear(2, 1))),
        "hook": (model, lambda m: model[2].register_forward_hook(lambda module, args, y: y * 2)),
        "global": (lambda x: x @ WEIGHT, lambda m: m.setitem(globals(), "WEIGHT", ag.rand(3, 2))),
        "function": (lambda x: scaled(x) * 1, lambda m: m.setitem(globals(), "scaled", lambda x: x * 3)),
        "cell": (lambda x: x @ inside, lambda m: exchange_inside()),
        "attribute": (lambda x: x @ options.weight, lambda m: setattr(options, "weight", ag.rand(3, 2))),
        "element": (lambda x: x @ things["weights"][0], lambda m: things["weights"].__setitem__(0, ag.rand(3, 2))),
        "model": (lambda x: kept.model(x) * 1, lambda m: setattr(kept, "model", nn.Linear(3, 2))),
    }


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("case", exchanges())
def test_what_is_exchanged_is_noticed(case, frozen, monkeypatch):
    (plain, exchange), x = exchanges()[case], ag.rand(5, 3)
    step, count = ag.capture(ag.no_grad()(plain)), gc.get_freeze_count()
    if frozen:
        gc.freeze()
    try:
        before = replayed(step, x)
        exchange(monkeypatch)
        after = replayed(step, x)
        assert not ag.equal(before, after)
        assert ag.equal(after, plain(x))
        assert not step.reasons
        assert (gc.get_freeze_count() > 0) == (frozen or count > 0)
    finally:
        if frozen and not count:
            gc.unfreeze()


def test_what_is_exchanged_in_every_call():
    options = SimpleNamespace(weight=ag.ones(1))
    step = ag.capture(lambda x: x * options.weight)
    for i in range(20):
        options.weight = ag.tensor([float(i)])
        assert step(ag.ones(1)).item() == i
    assert "exchanged from call to call" in step.reasons[0]


def test_what_the_step_itself_changes_is_no_setting():
    class Counting(nn.Module):
        calls = 0

        def forward(self, x):
            self.calls += 1
            return x * 2

    model, state, calls = Counting(), SimpleNamespace(count=0), 0

    @ag.capture
    def step(x):
        nonlocal calls
        calls += 1
        state.count += 1
        return model(x)

    replayed(step, ag.ones(1), times=8)
    assert calls == state.count == model.calls < 8  # Python's part happens in the first calls only


def test_other_things_of_the_same_name(monkeypatch):
    monkeypatch.setitem(globals(), "weight", 0)
    options = SimpleNamespace(weight=2.0)
    step = ag.capture(lambda x: x * options.weight)
    for i in range(8):
        monkeypatch.setitem(globals(), "weight", i)
        assert step(ag.ones(1)).item() == 2
    assert len(step._kinds) == 1
    step = ag.capture(lambda x: x * (FACTOR if FACTOR else 1.0))
    replayed(step, ag.ones(1))
    monkeypatch.setitem(globals(), "FACTOR", [])
    assert replayed(step, ag.ones(1)).item() == 1
    assert not step.reasons


def test_numbers_that_change_with_every_call(caplog):
    state = SimpleNamespace(i=0)
    step = ag.capture(lambda x: x + state.i)
    for i in range(20):
        state.i = i
        assert step(ag.zeros(1)).item() == i
    assert "changes from call to call" in step.reasons[0]


def test_an_exception_leaves_settings_as_they_are():
    options = SimpleNamespace(weight=2.0)

    @ag.capture
    def step(x, fail):
        if fail:
            raise KeyError
        return x * options.weight

    with pytest.raises(KeyError):
        step(ag.ones(1), True)
    for weight in (2.0, 3.0) * 4:
        options.weight = weight
        assert step(ag.ones(1), False).item() == weight


def test_threads_and_their_number():
    linear, x = nn.Linear(300, 200), ag.rand(64, 300)
    step = ag.capture(ag.no_grad()(linear))
    replayed(step, x)
    found, count = [], ag.get_num_threads()
    workers = [Thread(target=lambda: found.extend(step(x) for _ in range(20))) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    ag.set_num_threads(count + 1)
    try:
        found += [step(x) for _ in range(4)]
    finally:
        ag.set_num_threads(count)
    assert len(found) == 64
    assert all(ag.allclose(y, linear(x), atol=1e-6) for y in found)
