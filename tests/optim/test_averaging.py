"""Averages of weights."""

import copy
import pickle

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from optim import swa_utils


class Model(nn.Module):
    averages_batches = True

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(ag.zeros(2, dtype="float64"))
        self.register_buffer("running_mean", ag.zeros(2, dtype="float64"))
        self.momentum, self.seen = 0.1, []

    def reset_running_stats(self):
        self.seen.clear()

    def forward(self, x):
        self.seen.append((x.tolist(), self.training, self.momentum))
        return x * self.weight

    def set(self, value):
        with ag.no_grad():
            self.weight.copy_(ag.tensor(value))
            self.running_mean.copy_(ag.tensor(value))


VALUES = np.random.default_rng(0).standard_normal((6, 2))


@pytest.mark.parametrize("use_buffers", [False, True])
def test_equal_weights(use_buffers):
    model = Model()
    averaged = optim.AveragedModel(model, use_buffers=use_buffers)
    for value in VALUES:
        model.set(value)
        averaged.update_parameters(model)
    (weight,) = averaged.parameters()
    np.testing.assert_allclose(weight.tolist(), VALUES.mean(0), rtol=1e-12)
    expected = VALUES.mean(0) if use_buffers else VALUES[-1]
    np.testing.assert_allclose(averaged.module.running_mean.tolist(), expected, rtol=1e-12)
    assert averaged(ag.ones(2)).tolist() == weight.tolist()
    assert model.weight.tolist() == VALUES[-1].tolist()


@pytest.mark.parametrize(
    "option",
    [{"avg_fn": swa_utils.get_ema_avg_fn(0.8)}, {"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.8)}],
    ids=["avg_fn", "multi_avg_fn"],
)
def test_exponential_weights_and_state(option):
    model = Model()
    averaged = copy.deepcopy(optim.AveragedModel(model, **option))
    expected = VALUES[0]
    for value in VALUES:
        model.set(value)
        averaged.update_parameters(model)
        expected = 0.8 * expected + 0.2 * value
    np.testing.assert_allclose(averaged.module.weight.tolist(), expected, rtol=1e-12)
    other = optim.AveragedModel(Model())
    other.load_state_dict(averaged.state_dict())
    assert other.n_averaged == 6
    assert averaged.state_dict()["n_averaged"].dtype == ag.int64  # PyTorch loads nothing but tensors
    assert other.module.weight.tolist() == averaged.module.weight.tolist()
    with pytest.raises(ValueError, match="Only one of"):
        optim.AveragedModel(model, avg_fn=swa_utils.get_swa_avg_fn(), multi_avg_fn=swa_utils.get_swa_multi_avg_fn())
    with pytest.raises(AttributeError, match="missing"):
        averaged.missing
    with pytest.raises(ValueError, match="Invalid decay value 2"):
        swa_utils.get_ema_avg_fn(2)


def test_an_average_is_a_part_of_the_module_that_holds_it():
    class Trained(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Linear(2, 2)
            self.average = swa_utils.AveragedModel(self.net)

    model = Trained()
    assert list(model.state_dict())[2:] == ["average.n_averaged", "average.module.weight", "average.module.bias"]
    model.eval().double()
    assert not model.average.module.training
    assert (model.average.module.weight.dtype, model.average.n_averaged.dtype) == (ag.float64, ag.int64)
    assert isinstance(model.average, nn.Module)
    other = Trained().double()
    model.average.update_parameters(model.net)
    other.load_state_dict(model.state_dict())
    assert other.average.n_averaged == 1


def test_averages_of_captured_steps_are_counted():
    model, x = nn.Linear(2, 1), ag.ones(3, 2)
    average, optimizer = optim.AveragedModel(model), optim.SGD(model.parameters(), lr=0.1)
    seen = []

    @ag.capture
    def step(x):
        optimizer.zero_grad()
        loss = model(x).mean()
        loss.backward()
        optimizer.step()
        average.update_parameters(model)
        return loss

    for _ in range(6):
        step(x)
        seen.append(model.weight.tolist())
    assert step.source
    assert average.n_averaged == 6
    np.testing.assert_allclose(average.module.weight.tolist(), np.mean(seen, 0), rtol=1e-6)


def test_an_average_can_be_pickled():
    averaged = optim.AveragedModel(Model())
    averaged.update_parameters(Model())
    assert pickle.loads(pickle.dumps(averaged)).n_averaged == 1


def test_an_average_shows_its_module():
    assert repr(optim.AveragedModel(nn.Sequential(nn.ReLU()))) == (
        "AveragedModel(\n  (module): Sequential(\n    (0): ReLU()\n  )\n)"
    )


def test_batch_statistics_are_computed_anew():
    averaged = optim.AveragedModel(Model())
    averaged.module.training = False
    averaged.module.seen.append("before")
    swa_utils.update_bn([(ag.ones(2), 0), ag.zeros(2)], averaged, device="cpu")
    assert averaged.module.seen == [([1.0, 1.0], True, None), ([0.0, 0.0], True, None)]
    assert averaged.module.training is False
    assert averaged.module.momentum == 0.1


def rates(share):
    return [0.1 + (0.5 - 0.1) * share(min(1, t / 4)) for t in range(7)]


@pytest.mark.parametrize("strategy, share", [("linear", lambda t: t), ("cos", lambda t: (1 - np.cos(np.pi * t)) / 2)])
def test_the_rate_goes_from_the_current_one_to_that_of_averaging(strategy, share):
    optimizer = optim.SGD([ag.ones(1)], lr=0.1)
    optimizer.step()
    schedule = swa_utils.SWALR(optimizer, 0.5, anneal_epochs=4, anneal_strategy=strategy)
    for expected in rates(share):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(expected, rel=1e-12)
        schedule.step()


def test_at_once_and_misuse():
    optimizer = optim.SGD([ag.ones(1)], lr=0.1)
    assert swa_utils.SWALR(optimizer, 0.5, anneal_epochs=0).get_last_lr() == [0.5]
    with pytest.raises(ValueError, match="instead got x"):
        swa_utils.SWALR(optimizer, 0.5, anneal_strategy="x")
    with pytest.raises(ValueError, match="not -1"):
        swa_utils.SWALR(optimizer, 0.5, anneal_epochs=-1)
    with pytest.raises(ValueError, match="anneal_epochs"):
        swa_utils.SWALR(optimizer, 0.5, anneal_epochs=1.5)
