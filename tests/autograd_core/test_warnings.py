"""Warnings show the line of the program, however deep in the packages they are given."""

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from nn import functional as F
from training import fit


def step_first():
    lr_scheduler = optim.lr_scheduler.StepLR(optim.SGD([ag.ones(1, requires_grad=True)]), 2)
    lr_scheduler.step()


def trained():
    line = nn.Linear(2, 1)
    fit(line, [(ag.ones(3, 2), ag.ones(3))], optim.SGD(line.parameters()), F.mse_loss, progress=False)


@pytest.mark.parametrize(
    ("told", "call"),
    [
        ("mse_loss.. broadcast", lambda: F.mse_loss(ag.ones(3, 1), ag.ones(3))),
        ("l1_loss.. broadcast", lambda: nn.L1Loss()(ag.ones(3, 1), ag.ones(3))),
        ("broadcast", trained),
        ("deprecated", lambda: F.l1_loss(ag.ones(3), ag.ones(3), size_average=False)),
        ("degrees of freedom", np.errstate(all="ignore")(lambda: ag.ones(1).std())),
        ("imaginary part", lambda: ag.ones(2, dtype=ag.complex64).to(ag.float32)),
        ("channels", lambda: F.dropout2d(ag.ones(2, 3))),
        ("channels are", lambda: nn.Sequential(nn.Dropout2d())(ag.ones(2, 3))),
        ("took axis 1", lambda: nn.Softmax()(ag.ones(2, 3))),
        ("4 channels", lambda: nn.InstanceNorm1d(3)(ag.ones(2, 4, 5))),
        ("num_layers", lambda: nn.LSTM(2, 3, dropout=0.5)),
        ("optimizer.step", step_first),
        ("^add.. the result has shape", lambda: ag.add(ag.ones(2), 1, out=ag.ones(3))),
    ],
)
def test_the_line_is_the_programs(told, call):
    with pytest.warns(UserWarning, match=told.replace("..", ".*")) as caught:
        call()
    assert {w.filename for w in caught} == {__file__}


def test_the_line_is_the_programs_where_calls_are_led_through_others():
    class Own(ag.Tensor):
        pass

    assert type(ag.ones(2).as_subclass(Own) + 1) is Own
    with pytest.warns(UserWarning, match="resized") as caught:
        ag.add(ag.ones(2), 1, out=ag.ones(3))
    assert caught[0].filename == __file__
