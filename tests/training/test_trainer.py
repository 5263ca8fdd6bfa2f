"""The training loop: what it does to a model, what it reports, and how it ends."""

import copy
import os
import pickle
import signal
import threading

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from nn.functional import cross_entropy, mse_loss
from training import DataLoader, EarlyStopping, Evaluation, History, TensorDataset, evaluate, fit, metrics, predict

RNG = np.random.default_rng(0)
POINTS = RNG.standard_normal((60, 2)).astype(np.float32)
SIDES = TensorDataset(POINTS, (POINTS[:, 0] > POINTS[:, 1]).astype(np.int64))


@pytest.fixture
def model():
    ag.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 2))


@pytest.fixture(autouse=True)
def ctrl_c():
    """Python's own handler, even where a shell started the tests in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def sgd(model, lr=0.5):
    return optim.SGD(model.parameters(), lr=lr)


def weights(model):
    return [p.detach().numpy().copy() for p in model.parameters()]


def equal(before, after):
    return all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_it_learns(model):
    loader = DataLoader(SIDES, 20, shuffle=True)
    history = fit(model, loader, sgd(model), epochs=20, validate=DataLoader(SIDES, 60), progress=False)
    assert history.loss[-1] < 0.5 * history.loss[0]
    assert history.accuracy[-1] > 0.9
    assert history.val_accuracy[-1] > 0.9
    assert len(history) == len(history.val_loss) == len(history.seconds) == len(history.lr) == 20
    assert min(history.seconds) > 0
    assert not history.interrupted


def test_one_epoch_is_the_plain_loop(model):
    """Fit changes the parameters exactly as the loop written by hand, and averages over examples, not batches."""
    twin = nn.Linear(2, 2)
    other = nn.Linear(2, 2)
    for p, q in zip(twin.parameters(), other.parameters(), strict=True):
        q.data.copy_(p.data)
    loader, losses = DataLoader(SIDES, 25), []
    optimizer = sgd(twin)
    for inputs, target in loader:
        optimizer.zero_grad()
        loss = cross_entropy(twin(inputs), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    history = fit(other, loader, sgd(other), progress=False)
    assert equal(weights(twin), weights(other))
    assert history.loss == [pytest.approx(np.average(losses, weights=[25, 25, 10]))]


def test_scheduler_steps_once_an_epoch(model):
    optimizer = sgd(model)

    class Halving:
        def step(self):
            optimizer.param_groups[0]["lr"] /= 2

    history = fit(model, DataLoader(SIDES, 20), optimizer, epochs=3, scheduler=Halving(), progress=False)
    assert history.lr == [0.5, 0.25, 0.125]


def test_schedules_of_batches_and_of_a_metric(model):
    loader, optimizer = DataLoader(SIDES, 20), sgd(model)
    cycle = optim.lr_scheduler.OneCycleLR(optimizer, 0.5, epochs=2, steps_per_epoch=3, cycle_momentum=False)
    fit(model, loader, optimizer, epochs=2, scheduler=cycle, interval="batch", progress=False)
    assert cycle.last_epoch == 6
    plateau = optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    for validate in (None, loader):
        history = fit(model, loader, optimizer, scheduler=plateau, validate=validate, progress=False)
        assert plateau.best == (history.val_loss or history.loss)[0]
        plateau.best = np.inf


def test_gradients_are_clipped_before_a_step(model):
    norms = []

    class Optimizer(optim.SGD):
        def step(self):
            norms.append(nn.utils.get_total_norm([p.grad for p in model.parameters()]).item())
            super().step()

    fit(model, DataLoader(SIDES, 20), Optimizer(model.parameters(), lr=0.5), max_norm=0.1, progress=False)
    assert norms == [pytest.approx(0.1, rel=1e-3)] * 3


def test_any_loss_and_targets_without_labels():
    ag.manual_seed(0)
    line = nn.Linear(2, 1)
    loader = DataLoader(TensorDataset(POINTS, POINTS.sum(1, keepdims=True)), 20)
    history = fit(line, loader, sgd(line, 0.1), mse_loss, epochs=20, validate=loader, progress=False)
    assert history.loss[-1] < 0.01
    assert history.accuracy == history.val_accuracy == []
    assert evaluate(line, loader, mse_loss).accuracy is None


def test_further_metrics_are_kept_and_reported(model, capsys):
    options = {"validate": DataLoader(SIDES, 25), "metrics": {"auc": metrics.roc_auc}}
    history = fit(model, DataLoader(SIDES, 20), sgd(model), epochs=2, **options)
    measured = evaluate(model, DataLoader(SIDES, 60), metrics=options["metrics"]).metrics["auc"]
    assert len(history.val_metrics["auc"]) == 2
    assert history.val_metrics["auc"][-1] == measured
    assert capsys.readouterr().err.endswith(f" %, auc {measured:.4f}\n")


def test_callbacks_see_the_history_and_can_stop(model):
    seen = []

    def watch(history):
        seen.append(len(history))

    history = fit(
        model, DataLoader(SIDES, 30), sgd(model), epochs=9, callbacks=(lambda h: len(h) == 3, watch), progress=False
    )
    assert seen == [1, 2, 3]
    assert len(history) == 3
    assert not history.interrupted


@pytest.mark.parametrize("poison, shown", [(np.nan, "nan"), (np.inf, "(nan|inf)")])
def test_loss_that_is_not_finite_names_epoch_and_batch(model, poison, shown):
    points = POINTS.copy()
    points[45] = poison
    before = []

    def loss(output, target):
        before[:] = weights(model)
        return cross_entropy(output, target)

    with pytest.raises(FloatingPointError, match=rf"the loss is {shown} in epoch 1, batch 3 of 3; .*\(now 0.5\)"):
        fit(model, DataLoader(TensorDataset(points, SIDES.tensors[1]), 20), sgd(model), loss, progress=False)
    assert equal(before, weights(model))
    assert np.isfinite(np.concatenate([w.ravel() for w in before])).all()


@pytest.mark.parametrize("run", [lambda m, loader: fit(m, loader, sgd(m), progress=False), evaluate])
def test_no_batches(model, run):
    with pytest.raises(ValueError, match="the loader yields no batches"):
        run(model, DataLoader(SIDES, 100, drop_last=True))


@pytest.mark.parametrize("loader", [SIDES, SIDES.tensors, [(1, 2, 3)]], ids=["a data set", "its tensors", "triples"])
def test_batches_that_are_no_pairs(model, loader):
    with pytest.raises(TypeError, match=rf"expected batches \(input, target\).*but {type(loader).__name__} yields"):
        fit(model, loader, sgd(model), progress=False)


@pytest.mark.parametrize(
    "wrong, error, match",
    [
        ({"model": 5}, TypeError, "model must be a Module, not 5"),
        ({"loader": None}, TypeError, "loader must be a DataLoader.*, not None"),
        ({"optimizer": optim.SGD}, TypeError, r"such as optim.Adam\(model.parameters\(\)\), not <class"),
        ({"optimizer": sgd(nn.Linear(2, 2))}, ValueError, "no parameter of the optimizer; .* another model's"),
        ({"loss": "mse"}, TypeError, "loss must be a function of output and target, .*, not 'mse'"),
        ({"loss": lambda y, t: 0.5}, TypeError, "loss must be a Tensor of one number, .* not float"),
        ({"loss": nn.CrossEntropyLoss(reduction="none")}, TypeError, r"not a tensor of shape \(20,\)"),
        ({"epochs": 1.5}, TypeError, "epochs must be an integer, not 1.5"),
        ({"epochs": -1}, ValueError, "epochs must not be negative"),
        ({"scheduler": 0.1}, TypeError, "scheduler must be a schedule, .*, not 0.1"),
        ({"metrics": {"f1": metrics.f1}}, ValueError, "give it as validate="),
        ({"model": nn.Linear}, TypeError, "model must be a Module, not <class"),
        ({"scheduler": optim.lr_scheduler.StepLR}, TypeError, "scheduler must be a schedule, .* not <class"),
        ({"callbacks": [EarlyStopping]}, TypeError, r"such as EarlyStopping\(model\), not <class"),
        ({"metrics": {"f1": 0.5}, "validate": [1]}, TypeError, "metrics and callbacks are functions, .* not 0.5"),
        ({"metrics": [metrics.f1], "validate": [1]}, TypeError, "metrics must be a dict of functions"),
        ({"interval": "step"}, ValueError, "interval must be 'epoch' or 'batch', not 'step'"),
    ],
)
def test_arguments_that_do_not_fit_are_named(model, wrong, error, match):
    with pytest.raises(error, match=match):
        fit(**{"model": model, "loader": DataLoader(SIDES, 20), "optimizer": sgd(model)} | wrong)


def test_batches_of_numpy_arrays(model):
    inputs, labels = (t.numpy() for t in SIDES.tensors)
    assert evaluate(model, [(inputs, labels)]) == evaluate(model, [SIDES.tensors])


def interrupted_fit(model, press, **options):
    """A run of 5 epochs of 6 batches in which `press(step)` is called amid every step."""
    steps = []

    class Optimizer(optim.SGD):
        def step(self):
            steps.append("started")
            press(len(steps))
            super().step()
            steps[-1] = "done"

    optimizer = Optimizer(model.parameters(), lr=0.5)
    return fit(model, DataLoader(SIDES, 10), optimizer, epochs=5, progress=False, **options), steps


def test_ctrl_c_ends_after_the_current_step(model):
    start = weights(model)
    history, steps = interrupted_fit(model, lambda n: n == 9 and os.kill(os.getpid(), signal.SIGINT))
    assert history.interrupted
    assert steps == ["done"] * 9
    assert len(history) == 1
    assert not equal(start, weights(model))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_second_ctrl_c_does_not_wait(model):
    def press_twice(step):
        if step == 2:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    history, steps = interrupted_fit(model, press_twice)
    assert history.interrupted
    assert steps == ["done", "started"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_during_the_last_validation_is_not_lost(model):
    class Validation(DataLoader):
        def __iter__(self):
            os.kill(os.getpid(), signal.SIGINT)
            return super().__iter__()

    history = fit(model, DataLoader(SIDES, 30), sgd(model), validate=Validation(SIDES, 30), progress=False)
    assert history.interrupted
    assert len(history) == 1


def test_own_handlers_stay_in_charge(model):
    calls = []
    signal.signal(signal.SIGINT, lambda *_: calls.append("mine"))
    history, steps = interrupted_fit(model, lambda n: n == 1 and os.kill(os.getpid(), signal.SIGINT))
    assert calls == ["mine"]
    assert len(steps) == 30
    assert not history.interrupted


def test_training_in_a_thread(model):
    results = []
    thread = threading.Thread(target=lambda: results.append(interrupted_fit(model, lambda n: None)[0]))
    thread.start()
    thread.join()
    assert len(results[0]) == 5


def test_evaluate_leaves_no_trace(model):
    model.train()
    frozen = next(m for m in model.modules() if isinstance(m, nn.Dropout))
    frozen.training = False
    modes = [m.training for m in model.modules()]
    before, seen = weights(model), []

    def loss(output, target):
        seen.append((output.requires_grad, {m.training for m in model.modules()}))
        return cross_entropy(output, target)

    result = evaluate(model, DataLoader(SIDES, 25), loss)
    assert seen == [(False, {False})] * 3
    assert [m.training for m in model.modules()] == modes
    assert equal(before, weights(model))
    assert result.loss == pytest.approx(evaluate(model, DataLoader(SIDES, 60)).loss)


def test_metrics_that_give_no_number_are_named(model):
    with pytest.raises(TypeError, match="the metric 'x' must give a number or a tensor, not None"):
        evaluate(model, DataLoader(SIDES, 25), metrics={"x": lambda output, target: None})
    with pytest.raises(TypeError, match="model must be a Module, not <training"):
        evaluate(DataLoader(SIDES, 25), model)


def test_evaluate_restores_modes_after_an_error(model):
    def fails(output, target):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        evaluate(model, DataLoader(SIDES, 25), fails)
    assert model.training


def test_results_read_well():
    assert str(Evaluation(0.25, 0.975)) == "loss 0.2500, accuracy 97.5 %"
    assert str(Evaluation(0.25, None)) == "loss 0.2500"
    assert pickle.loads(pickle.dumps(Evaluation(0.25, None))) == (0.25, None, {})
    assert len(History()) == 0


def test_a_captured_step_trains_alike(model):
    twin = copy.deepcopy(model)
    ag.manual_seed(1)
    usual = fit(model, DataLoader(SIDES, 20), sgd(model), epochs=5, progress=False)
    ag.manual_seed(1)
    captured = fit(twin, DataLoader(SIDES, 20), sgd(twin), epochs=5, capture=True, progress=False)
    assert captured.loss == usual.loss
    assert captured.accuracy == usual.accuracy
    assert equal(weights(model), weights(twin))


def test_a_captured_step_stops_at_a_loss_that_is_not_finite(model):
    inputs = POINTS.copy()
    inputs[-1] = np.inf
    loader = DataLoader(TensorDataset(inputs, SIDES[:][1]), 10)
    with pytest.raises(FloatingPointError, match="batch 6 of 6"):
        fit(model, loader, sgd(model), capture=True, progress=False)
    assert all(np.isfinite(w).all() for w in weights(model))


def test_predictions_are_the_outputs_in_evaluation_mode(model):
    model.train()
    found = predict(model, DataLoader(SIDES, 25))
    assert model.training
    assert not found.requires_grad
    ag.testing.assert_close(found, model.eval()(ag.from_numpy(POINTS)).detach())
    assert equal([found.numpy()], [predict(model, ag.from_numpy(POINTS).split(25)).numpy()])
    with pytest.raises(ValueError, match="no batches"):
        predict(model, [])
    for wrong, what in (ag.from_numpy(POINTS), "a tensor of"), (POINTS, "a ndarray of"), (None, "None"):  # rows
        with pytest.raises(TypeError, match=f"takes batches.*not {what}"):
            predict(model, wrong)


def test_batches_are_moved_to_the_device_of_the_model(model):
    """Shown on "meta", where there are no numbers to be wrong."""
    model.to("meta")
    assert predict(model, DataLoader(SIDES, 30)).is_meta
    with pytest.raises(NotImplementedError, match="no data"):  # the loss cannot be read, but could be computed
        evaluate(model, DataLoader(SIDES, 30))
