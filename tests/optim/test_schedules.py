"""Schedules against closed forms written down independently, and against numbers that PyTorch 2.13 gave."""

import json
import math
import warnings
from collections import Counter
from pathlib import Path

import pytest

import autograd_core as ag
import optim
from optim import lr_scheduler

LRS = (0.1, 0.03)
RECORDED = json.loads(Path(__file__).with_name("schedules.json").read_text())
METRICS = [5, 4, 3, 3, 3, 3, 2.9999, 2.99995, 2.5, 2.5, 2.5, 2.6, 2.7, 2, 2]


def optimizer(method=optim.SGD, stepped=True):
    """stepped: schedules may step as well."""
    first, second = LRS
    made = method(
        [{"params": [ag.ones(1, requires_grad=True)]}, {"params": [ag.ones(1, requires_grad=True)], "lr": second}],
        lr=first,
    )
    if stepped:
        made.step()
    return made


def rates(make, epochs=30):
    """The rates of both groups in every epoch."""
    opt = optimizer(stepped=False)
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
    "LinearLR of no epochs": (lambda o: lr_scheduler.LinearLR(o, 0.5, total_iters=0), lambda b, t: b * 0.5),
    "PolynomialLR of no epochs": (lambda o: lr_scheduler.PolynomialLR(o, 0), lambda b, t: b),
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
    "LinearLR": (lambda o: lr_scheduler.LinearLR(o, 0.2, 0.7, 8), lambda b, t: b * (0.2 + 0.5 * min(t, 8) / 8)),
    "MultiplicativeLR": (lambda o: lr_scheduler.MultiplicativeLR(o, lambda t: 0.9), lambda b, t: b * 0.9**t),
    "PolynomialLR": (lambda o: lr_scheduler.PolynomialLR(o, 9, 2.0), lambda b, t: b * (1 - min(t, 9) / 9) ** 2),
    "ChainedScheduler": (
        lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.ConstantLR(o, 0.3, 4), lr_scheduler.StepLR(o, 3)]),
        lambda b, t: b * (0.3 if t < 4 else 1) * 0.1 ** (t // 3),
    ),
    "SequentialLR of several": (
        lambda o: lr_scheduler.SequentialLR(
            o,
            [
                lr_scheduler.ChainedScheduler([lr_scheduler.ConstantLR(o, 0.3, 2), lr_scheduler.ExponentialLR(o, 0.9)]),
                lr_scheduler.StepLR(o, 3),
            ],
            [4],
        ),
        lambda b, t: b * (0.3 if t < 2 else 1) * 0.9**t if t < 4 else b * 0.1 ** ((t - 4) // 3),
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


@pytest.mark.parametrize("case", RECORDED, ids=lambda c: f"{c['schedule']}-{c['optimizer']}-{c['options']}")
@pytest.mark.parametrize("resumes", [False, True])
def test_recorded(case, resumes):
    """The rates and momenta of both groups in every epoch; also if another takes over after six."""

    def make():
        opt = optimizer() if case["optimizer"] == "SGD" else optimizer(optim.Adam)
        for group in opt.param_groups if case["optimizer"] == "SGD" else ():
            group["momentum"] = 0.9
        return opt, getattr(lr_scheduler, case["schedule"])(opt, **case["options"])

    opt, schedule = make()
    for t, (metric, expected) in enumerate(zip(METRICS, case["rates"], strict=True)):
        if resumes and t == 6:
            saved, groups = schedule.state_dict(), opt.state_dict()
            opt, schedule = make()
            schedule.load_state_dict(saved)
            opt.load_state_dict(groups)
        momenta = [g["betas"][0] if "betas" in g else g["momentum"] for g in opt.param_groups]
        found = [[g["lr"], momentum] for g, momentum in zip(opt.param_groups, momenta, strict=True)]
        assert found == [pytest.approx(pair, rel=1e-11, abs=1e-15) for pair in expected]
        opt.step()
        schedule.step(*[metric] if case["schedule"] == "ReduceLROnPlateau" else [])


def test_a_state_of_pytorchs_milestones():
    opt, other = optimizer(), optimizer()
    schedule, resumed = lr_scheduler.MultiStepLR(opt, [2, 4, 4]), lr_scheduler.MultiStepLR(other, [1])
    for _ in range(3):
        schedule.step()
    resumed.load_state_dict({**schedule.state_dict(), "milestones": Counter({2: 1, 4: 2})})
    other.load_state_dict(opt.state_dict())
    resumed.step()
    assert resumed.get_last_lr() == pytest.approx([0.001 * base for base in LRS], rel=1e-11)


def test_states_have_the_names_of_pytorchs_files():
    restarts = lr_scheduler.CosineAnnealingWarmRestarts(optimizer(), 2, T_mult=3)
    for _ in range(5):
        restarts.step()
    assert (restarts.T_cur, restarts.T_i) == (3, 6)
    opt = optimizer()
    both = lr_scheduler.SequentialLR(opt, [lr_scheduler.StepLR(opt, 2), lr_scheduler.StepLR(opt, 3)], [4])
    state = both.state_dict()
    assert (state["_milestones"], [part["step_size"] for part in state["_schedulers"]]) == ([4], [2, 3])


class Doubling:
    def __init__(self):
        self.factor = 1

    def __call__(self, epoch):
        self.factor *= 2
        return self.factor


def test_functions_that_hold_something_are_saved_with_it():
    schedule = lr_scheduler.LambdaLR(optimizer(), [Doubling(), lambda epoch: 1.0])
    resumed = lr_scheduler.LambdaLR(optimizer(), [Doubling(), lambda epoch: 1.0])
    schedule.step()
    resumed.load_state_dict(schedule.state_dict())
    for s in (schedule, resumed):
        s.step()
    assert resumed.lr_lambdas[0].factor == schedule.lr_lambdas[0].factor
    assert schedule.state_dict()["lr_lambdas"][1] is None


def test_the_state_of_cycles_has_pytorchs_names():
    cycles = [lr_scheduler.CyclicLR(optimizer(), 0.1, 1, 2, scale_fn=Doubling()) for _ in range(2)]
    cycles[0].step()
    state = cycles[0].state_dict()
    held = cycles[0].scale_fn.factor
    assert state["_scale_fn_custom"] == {"factor": held}
    assert "scale_fn" not in state
    cycles[1].load_state_dict(state)
    assert cycles[1].scale_fn.factor == held
    plain = lr_scheduler.CyclicLR(optimizer(), 0.1, 1, 2)
    assert plain.state_dict()["_scale_fn_custom"] is None


def test_schedules_multiply():
    found = rates(lambda o: [lr_scheduler.StepLR(o, 3), lr_scheduler.ExponentialLR(o, 0.9)])
    assert [lr for lr, _ in found] == pytest.approx([0.1 * 0.1 ** (t // 3) * 0.9**t for t in range(30)])


@pytest.mark.parametrize(
    ("first", "expected"),  # PyTorch's
    [
        (lambda o: lr_scheduler.LambdaLR(o, lambda t: 0.5**t), [0.1, 0.045, 0.0225, 0.01125]),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 3), [0.1, 0.0675, 0.0225, 0.09]),
        (
            lambda o: lr_scheduler.CosineAnnealingLR(o, 4, 0.01),
            [0.1, 0.07814, 0.04492, 0.01821, 0.009, 0.01996, 0.03961, 0.0545, 0.05592],
        ),
        (lambda o: lr_scheduler.CosineAnnealingLR(o, 4, 0.1), [0.1, 0.09, 0.08473, 0.08597, 0.09, 0.081]),
    ],
    ids=["overwritten", "restarted", "above a minimum", "at the minimum"],
)
def test_schedules_followed_by_another(first, expected):
    found = rates(lambda o: [first(o), lr_scheduler.ExponentialLR(o, 0.9)], len(expected))
    assert [lr for lr, _ in found] == pytest.approx(expected, abs=1e-5)


def test_rates_given_as_tensors_may_change_later():
    lowest, highest = ag.tensor(0.125), ag.tensor(1.125)
    cycle = lr_scheduler.CyclicLR(optimizer(), lowest, highest, step_size_up=2, cycle_momentum=False)
    for bound in (lowest, highest):
        bound.fill_(9)
    cycle.step()
    assert cycle.get_last_lr() == [0.625, 0.625]


@pytest.mark.parametrize("initial", [0.1, 0.0])
def test_rate_set_by_hand_is_respected(initial):
    opt = optimizer()
    opt.param_groups[0]["lr"] = initial
    schedule = lr_scheduler.StepLR(opt, 2, gamma=0.5)
    opt.param_groups[0]["lr"] = 1.0
    schedule.step()
    assert opt.param_groups[0]["lr"] == 1.0
    schedule.step()
    assert opt.param_groups[0]["lr"] == 0.5


def test_groups_that_are_added_later_are_scheduled_too():
    opt = optimizer()
    schedule = lr_scheduler.StepLR(opt, 1, 0.5)
    opt.add_param_group({"params": [ag.ones(1, requires_grad=True)], "lr": 0.3})
    schedule.step()
    assert schedule.get_last_lr() == pytest.approx([0.05, 0.015, 0.15])
    plateau, of_each = (lr_scheduler.ReduceLROnPlateau(opt, patience=0, min_lr=low) for low in (0.01, [0.01] * 3))
    opt.add_param_group({"params": [ag.ones(1, requires_grad=True)], "lr": 0.02})
    for metric in (1, 2):
        plateau.step(metric)
    assert plateau.get_last_lr() == pytest.approx([0.01, 0.01, 0.015, 0.01])
    with pytest.raises(RuntimeError, match="1 groups were added, for which there is no min_lr"):
        [of_each.step(metric) for metric in (1, 2)]


@pytest.mark.parametrize(
    "make",
    [
        lambda o: lr_scheduler.StepLR(o, "a"),
        lambda o: lr_scheduler.LambdaLR(o, [lambda epoch: 1 / 0]),
        lambda o: lr_scheduler.ExponentialLR(o, None),
        lambda o: lr_scheduler.CyclicLR(o, [0.1, 0.2], 1.0),
        lambda o: lr_scheduler.OneCycleLR(o, [0.1, 0.2], total_steps=5),
    ],
    ids=["step", "lambda", "exponential", "cyclic", "one cycle"],
)
def test_a_schedule_that_cannot_be_made_changes_nothing(make):
    optimizer = optim.SGD([ag.ones(1)], lr=0.1, momentum=0.9)
    before = dict(optimizer.param_groups[0])
    with pytest.raises(Exception):  # noqa: B017, PT011  any
        make(optimizer)
    assert optimizer.param_groups[0] == before


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
    opt = optimizer()
    for group in opt.param_groups:
        group["initial_lr"] = group["lr"]
    resumed = Halving(opt, last_epoch=1)
    assert resumed.get_last_lr() == [0.025, 0.0075]
    with pytest.warns(UserWarning, match="deprecated"):
        resumed.step(4)
    assert resumed.get_last_lr() == [0.1 / 16, 0.03 / 16]


@pytest.mark.parametrize(
    "go",
    [
        lambda o: lr_scheduler.StepLR(o, 2).step(4),
        lambda o: lr_scheduler.CyclicLR(o, 0.1, 0.2).step(1),
        lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.ExponentialLR(o, 0.5)]).step(2),
        lambda o: lr_scheduler.ReduceLROnPlateau(o).step(1.0, 3),
    ],
    ids=["closed form", "cycle", "chain", "plateau"],
)
def test_going_to_an_epoch_warns_once(go):
    opt = optimizer(lambda groups, lr: Stepping(groups, lr, momentum=0.9))
    with pytest.warns(UserWarning, match="deprecated") as caught:
        go(opt)
    assert [str(w.message) for w in caught] == [lr_scheduler.EPOCH_DEPRECATION_WARNING]


@pytest.mark.parametrize(
    "follow",
    [
        lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 4).step(1.5),
        lambda o: sequence(o, lr_scheduler.CosineAnnealingWarmRestarts(o, 4)),
        lambda o: sequence(o, lr_scheduler.CyclicLR(o, 0.1, 0.2)),
        lambda o: sequence(o, lr_scheduler.ChainedScheduler([lr_scheduler.ExponentialLR(o, 0.5)])),
    ],
    ids=["fractions", "restarts", "cycle", "chain"],
)
@pytest.mark.filterwarnings("error")
def test_restarts_and_sequences_go_to_epochs_without_a_warning(follow):
    follow(optimizer(lambda groups, lr: Stepping(groups, lr, momentum=0.9)))


def sequence(opt, second):
    schedule = lr_scheduler.SequentialLR(opt, [lr_scheduler.ConstantLR(opt), second], [2])
    for _ in range(4):
        schedule.step()


class Stepping(optim.SGD):
    def step(self, closure=None):
        return super().step(closure)


def test_a_schedule_that_steps_first_warns_once():
    for method, warned in ((optim.SGD, [1]), (Stepping, [])):
        for combined in (lambda *s: s[0], lambda s: lr_scheduler.SequentialLR(s.optimizer, [s], [])):
            opt = method([ag.ones(1)], lr=0.1)
            schedule = combined(lr_scheduler.StepLR(opt, 2))
            with warnings.catch_warnings(record=True) as found:
                warnings.simplefilter("always")
                schedule.step()
                schedule.step()
            assert [1 for w in found if "call optimizer.step() first" in str(w.message)] == warned


def test_a_step_that_a_scaler_skips_is_one():
    p = ag.ones(1, requires_grad=True)
    opt, scaler = optim.SGD([p], lr=0.1), ag.amp.GradScaler("cpu")
    schedule = lr_scheduler.StepLR(opt, 2)
    scaler.scale(p.sum() * math.inf).backward()
    scaler.step(opt)
    schedule.step()
    assert p.item() == 1.0


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda o: lr_scheduler.StepLR(o, 2, last_epoch=3), KeyError, "initial_lr"),
        (lambda o: lr_scheduler.LambdaLR(o, [abs]), ValueError, "lr_lambda must have the same length as .*: 1 != 2"),
        (lambda o: lr_scheduler.MultiplicativeLR(o, 0.5), TypeError, "a function of the epoch, but got 0.5"),
        (lambda o: lr_scheduler.StepLR(o, 0), ValueError, "StepLR: step_size must be positive, not 0"),
        (lambda o: lr_scheduler.StepLR(o, "3"), TypeError, "StepLR: step_size must be a number, not '3'"),
        (lambda o: lr_scheduler.MultiStepLR(o, 3), TypeError, r"a list of epochs, such as \[30, 80\], not 3"),
        (lambda o: lr_scheduler.CosineAnnealingLR(o, 0), ValueError, "CosineAnnealingLR: T_max must be positive"),
        (lambda o: lr_scheduler.ConstantLR(o, 2.0), ValueError, "between 0 and 1"),
        (lambda o: lr_scheduler.LinearLR(o, 0.0), ValueError, "greater than 0"),
        (lambda o: lr_scheduler.LinearLR(o, 0.5, 1.5), ValueError, "Ending"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 0), ValueError, "T_0"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2.5), ValueError, "integer T_0 .* got 2.5 and 1"),
        (lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(o, 2)], [3]), ValueError, "need 0 milestones"),
        (
            lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(optimizer(), 2)], []),
            ValueError,
            "same optimizer",
        ),
        (lambda o: lr_scheduler.SequentialLR(o, [], []), ValueError, "SequentialLR expects at least one scheduler"),
        (lambda o: lr_scheduler.ChainedScheduler([]), ValueError, "ChainedScheduler expects at least one scheduler"),
        (
            lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.StepLR(optimizer(), 2)], o),
            ValueError,
            "ChainedScheduler expects all schedulers to belong to the same optimizer",
        ),
        (lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.ReduceLROnPlateau(o)]), ValueError, "needs a metric"),
        (
            lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.ReduceLROnPlateau(o)], []),
            ValueError,
            "SequentialLR does not",
        ),
        (lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(o, 2)], []).step(3), TypeError, "without one"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=1.0), ValueError, "should be < 1.0"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, "least"), ValueError, "mode least is unknown"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, threshold_mode="x"), ValueError, "threshold mode x is unknown"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, min_lr=[0.1]), ValueError, "min_lr must have the same length"),
        (lambda o: lr_scheduler.CyclicLR(o, 0.1, 1.0, mode="round"), ValueError, "mode 'round' is invalid"),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1), ValueError, "either total_steps OR"),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 0), ValueError, "positive integer total_steps"),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 9, pct_start=2.0), ValueError, "between 0 and 1 pct_start"),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 9, anneal_strategy="x"), ValueError, "instead got x"),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 9).step(10), ValueError, "Tried to step 10 times"),
        (
            lambda o: lr_scheduler.OneCycleLR(optim.Adagrad([ag.ones(1)]), 0.1, 9),
            ValueError,
            "must support momentum or beta1",
        ),
        (lr_scheduler.LRScheduler, NotImplementedError, "define lrs_at"),
    ],
)
@pytest.mark.filterwarnings("ignore:step.epoch")
def test_misuse_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make(optimizer())


def test_schedules_say_that_they_are_from_the_module_that_programs_import():
    assert {getattr(optim.lr_scheduler, name).__module__ for name in optim.lr_scheduler.__all__} == {
        optim.lr_scheduler.__name__
    }
