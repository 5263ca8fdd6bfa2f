"""Averages of weights."""

import copy
import pickle

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from optim import swa_utils


class Model:
    """As much of a model as averaging needs."""

    training = averages_batches = True

    def __init__(self):
        self.weight = ag.zeros(2, dtype="float64", requires_grad=True)
        self.running_mean, self.momentum = ag.zeros(2, dtype="float64"), 0.1
        self.seen = []

    def parameters(self):
        return iter([self.weight])

    def buffers(self):
        return iter([self.running_mean])

    def modules(self):
        return iter([self])

    def state_dict(self):
        return {"weight": self.weight.detach().clone()}

    def load_state_dict(self, state):
        with ag.no_grad():
            self.weight.copy_(state["weight"])

    def train(self):
        self.training = True

    def reset_running_stats(self):
        self.seen.clear()

    def __call__(self, x):
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
