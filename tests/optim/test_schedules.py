"""Schedules against closed forms written down independently."""

import math

import pytest

import autograd_core as ag
import optim
from optim import lr_scheduler

LRS = (0.1, 0.03)


def optimizer():
    first, second = LRS
    return optim.SGD(
        [{"params": [ag.ones(1, requires_grad=True)]}, {"params": [ag.ones(1, requires_grad=True)], "lr": second}],
        lr=first,
    )


def rates(make, epochs=30):
    """The rates of both groups in every epoch."""
    opt = optimizer()
    schedules, out = make(opt), []
    for _ in range(epochs):
        out.append([group["lr"] for group in opt.param_groups])
        opt.step()
        for schedule in schedules:
            schedule.step()
    return out


def cosine(base, low, t, length):
    return low + (base - low) * (1 + math.cos(math.pi * t / length)) / 2


def restarts(base, low, t, first, factor):
    while t >= first:
        t, first = t - first, first * factor
    return cosine(base, low, t, first)


def warm_cosine(base, t):
    return base * (0.1 + 0.18 * t) if t < 5 else cosine(base, 0, t - 5, 20)


CASES = {
    "StepLR": (lambda o: lr_scheduler.StepLR(o, 3, gamma=0.5), lambda b, t: b * 0.5 ** (t // 3)),
    "MultiStepLR": (
        lambda o: lr_scheduler.MultiStepLR(o, [9, 2, 5, 5]),
        lambda b, t: b * 0.1 ** ((t >= 2) + 2 * (t >= 5) + (t >= 9)),
    ),
    "ExponentialLR": (lambda o: lr_scheduler.ExponentialLR(o, 0.9), lambda b, t: b * 0.9**t),
    "CosineAnnealingLR": (
        lambda o: lr_scheduler.CosineAnnealingLR(o, 7, eta_min=0.01),
        lambda b, t: cosine(b, 0.01, t, 7),
    ),
    "CosineAnnealingLR to zero and back": (
        lambda o: lr_scheduler.CosineAnnealingLR(o, 5),
        lambda b, t: cosine(b, 0, t, 5),
    ),
    "LambdaLR": (lambda o: lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + t)), lambda b, t: b / (1 + t)),
    "LinearLR": (
        lambda o: lr_scheduler.LinearLR(o, 0.2, 0.7, 8),
        lambda b, t: b * (0.2 + 0.5 * min(t, 8) / 8),
    ),
    "ConstantLR": (lambda o: lr_scheduler.ConstantLR(o, 0.3, 4), lambda b, t: b * (0.3 if t < 4 else 1)),
    "CosineAnnealingWarmRestarts": (
        lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 3, 2, 0.01),
        lambda b, t: restarts(b, 0.01, t, 3, 2),
    ),
    "SequentialLR": (
        lambda o: lr_scheduler.SequentialLR(
            o, [lr_scheduler.LinearLR(o, 0.1, 1.0, 5), lr_scheduler.CosineAnnealingLR(o, 20)], [5]
        ),
        warm_cosine,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_closed_form(name):
    make, expected = CASES[name]
    for t, found in enumerate(rates(lambda o: [make(o)])):
        assert found == pytest.approx([expected(base, t) for base in LRS], rel=1e-11, abs=1e-15)


@pytest.mark.parametrize("name", CASES)
def test_resumes_from_state(name):
    make, expected = CASES[name]
    opt = optimizer()
    schedule = make(opt)
    for _ in range(4):
        schedule.step()
    other = optimizer()
    resumed = make(other)
    resumed.load_state_dict(schedule.state_dict())
    other.load_state_dict(opt.state_dict())
    resumed.step()
    assert resumed.get_last_lr() == pytest.approx([expected(base, 5) for base in LRS], rel=1e-11)


def test_schedules_multiply():
    found = rates(lambda o: [lr_scheduler.StepLR(o, 3), lr_scheduler.ExponentialLR(o, 0.9)])
    assert [lr for lr, _ in found] == pytest.approx([0.1 * 0.1 ** (t // 3) * 0.9**t for t in range(30)])


def test_rate_set_by_hand_is_respected():
    opt = optimizer()
    schedule = lr_scheduler.StepLR(opt, 2, gamma=0.5)
    opt.param_groups[0]["lr"] = 1.0
    schedule.step()
    assert opt.param_groups[0]["lr"] == 1.0
    schedule.step()
    assert opt.param_groups[0]["lr"] == 0.5


def test_lambdas_per_group_and_fractional_restarts():
    schedule = lr_scheduler.LambdaLR(optimizer(), [lambda t: 1.0, lambda t: 2.0])
    assert schedule.get_last_lr() == [0.1, 0.06]
    restart = lr_scheduler.CosineAnnealingWarmRestarts(optimizer(), 4)
    restart.step(1.5)
    assert restart.get_last_lr()[0] == pytest.approx(cosine(0.1, 0, 1.5, 4))
    assert restart.last_epoch == 1


def test_resuming_at_an_epoch():
    opt = optimizer()
    for group in opt.param_groups:
        group["initial_lr"] = group["lr"]
    assert lr_scheduler.ExponentialLR(opt, 0.5, last_epoch=1).get_last_lr() == [0.025, 0.0075]


def test_own_schedules_override_get_lr():
    class Halving(lr_scheduler.LRScheduler):
        def get_lr(self):
            return [base / 2**self.last_epoch for base in self.base_lrs]

    assert [lr for lr, _ in rates(lambda o: [Halving(o)], 3)] == [0.1, 0.05, 0.025]


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda o: lr_scheduler.StepLR(o, 2, last_epoch=3), KeyError, "initial_lr"),
        (lambda o: lr_scheduler.LambdaLR(o, [abs]), ValueError, "Expected 2 lr_lambdas, but got 1"),
        (lambda o: lr_scheduler.ConstantLR(o, 2.0), ValueError, "between 0 and 1"),
        (lambda o: lr_scheduler.LinearLR(o, 0.0), ValueError, "greater than 0"),
        (lambda o: lr_scheduler.LinearLR(o, 0.5, 1.5), ValueError, "Ending"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 0), ValueError, "T_0"),
        (lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(o, 2)], [3]), ValueError, "need 0 milestones"),
        (
            lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(optimizer(), 2)], []),
            ValueError,
            "same optimizer",
        ),
        (lr_scheduler.LRScheduler, NotImplementedError, "define lrs_at"),
    ],
)
def test_misuse_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make(optimizer())
