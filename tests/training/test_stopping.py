"""Early stopping, where every epoch of training makes the validation loss worse from some point on."""

import pytest

import autograd_core as ag
import nn
import optim
from nn.functional import mse_loss
from training import DataLoader, History, TensorDataset, fit
from training.stopping import EarlyStopping


def test_it_stops_after_the_best_epoch_and_returns_to_it():
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    x = ag.ones(8, 1)
    training, validation = (DataLoader(TensorDataset(x, y * x), 8) for y in (1.0, 0.4))
    stopping = EarlyStopping(model, patience=3)
    weights = []
    callbacks = [lambda history: weights.append(model.weight.item()), stopping]
    optimizer = optim.SGD(model.parameters(), lr=0.1)  # the weight goes from 0 to 1 and passes 0.4
    history = fit(model, training, optimizer, mse_loss, 50, validate=validation, callbacks=callbacks, progress=False)
    best = min(range(len(history)), key=history.val_loss.__getitem__)
    assert (stopping.best_epoch, stopping.best_loss) == (best + 1, history.val_loss[best])
    assert len(history) == stopping.best_epoch + 3
    stopping.restore()
    assert model.weight.item() == weights[best]


def test_a_smaller_fall_does_not_count():
    stopping = EarlyStopping(nn.Linear(1, 1), patience=1, min_delta=0.1)
    assert not stopping(History(val_loss=[1.0]))
    assert stopping(History(val_loss=[1.0, 0.95]))


def test_misuse():
    with pytest.raises(ValueError, match="patience=0"):
        EarlyStopping(nn.Linear(1, 1), patience=0)
    stopping = EarlyStopping(nn.Linear(1, 1))
    with pytest.raises(ValueError, match="validate=loader"):
        stopping(History(loss=[1.0]))
    with pytest.raises(RuntimeError, match="no epoch"):
        stopping.restore()
