"""Every registered operation and composition in float32 on both paths, oneDNN's kernels taking whatever they can."""

import itertools
import math
from functools import partial

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.errors import OperandError
from autograd_core.kinds import CONVOLUTION, MATMUL
from autograd_core.registry import COMPOSITIONS, OPS
from autograd_core.testing.samples import case_of, reshaped, samples_for
from autograd_core.testing.suite import check_close, outcomes
from backends import onednn
from backends.numpy_backend import passes, selection
from backends.numpy_backend import products as numpy_products
from backends.onednn import (
    attention,
    columns,
    convolution,
    layer_norm,
    normalization,
    plans,
    pooling,
    products,
    recurrent,
    softmax,
)

ENTRIES = [*OPS.values(), *COMPOSITIONS.values()]
SHAPE = (4, 24)  # of pointwise operations: passes take multiples of 16 elements
BETWEEN, TO_DOUBLE = 1e-5, 1e-4  # tolerances, relative to the largest number and to 1
SIZED = attention, columns, convolution, layer_norm, normalization, pooling, recurrent, selection, softmax
THRESHOLDS = (
    *[(module, "SMALL", 1) for module in SIZED],
    *[(products, name, 0) for name in ("LARGE", "LARGE_VECTOR")],
    (attention, "ROWS", 1),
    (columns, "NARROW", 1),
    (numpy_products, "LARGE", 0),
    (passes, "ALONE", 0),
    (selection, "LARGE", 1),
    *[(softmax, name, 1) for name in ("SHORT", "SHORT_LOGARITHM", "SHORT_LOSS")],
)
REACHING = (
    "add_relu", "attend", "avg_pool2d", "conv1d", "conv2d", "conv3d", "conv_transpose2d", "elu", "erf",
    "gate", "gelu", "gru_scan", "hardsigmoid", "hardswish", "hardtanh", "instance_norm", "layer_norm", "leaky_relu",
    "linear", "linear_relu", "log_softmax", "logsigmoid", "lstm_scan", "matmul", "max_pool2d", "mish", "relu",
    "rms_norm", "rnn_scan", "sigmoid", "silu", "smoothed_nll", "softmax", "softmax_nll", "softplus", "tanh",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _of_any_size(monkeypatch):
    monkeypatch.setattr(onednn, "SMALL", dict.fromkeys(onednn.SMALL, 1))
    for module, name, value in THRESHOLDS:
        monkeypatch.setattr(module, name, value)


def cases(entry):
    found = samples_for(entry)
    if entry.kind.pointwise:
        found = [reshaped(s, (SHAPE,) * len(s.inputs)) for s in found]
    return [case_of(entry, s) for s in found]


def narrow(case):
    return case.changed(lambda a: a.astype({"float64": "f4", "complex128": "c8"}.get(a.dtype.name, a.dtype)))


def by(kernels, case, order=2):
    """The outcomes, or the type of the error."""
    with ag.config.using(kernels), np.errstate(all="ignore"):
        try:
            return outcomes(case, order)
        except (OperandError, np.linalg.LinAlgError) as e:
            return type(e)


def agree(found, expected, tolerance, what):
    if isinstance(found, type) or isinstance(expected, type):
        assert found is expected, f"{what}: {found} and {expected}"
        return
    for k, (a, b) in enumerate(zip(found, expected, strict=True)):
        check_close(a, b, tolerance, False, f"outcome {k} of {what}", "the other", 1.0)


@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_values_and_gradients(entry):
    for case in cases(entry):
        single = narrow(case)
        found, plain = by("onednn", single), by("numpy", single)
        agree(found, plain, BETWEEN, f"{case!r} by oneDNN and NumPy")
        agree([a.astype("f8") if a.dtype == "f4" else a for a in plain], by("numpy", case), TO_DOUBLE, repr(case))
        again = by("onednn", single)
        assert [a.tobytes() for a in found] == [a.tobytes() for a in again], f"{case!r} gives something else again"


def hard(case):
    """The case with NaN, infinities and zeros of either sign; of pointwise operations with kinks, and all pairs."""
    floats = [a for a in case.arrays() if a.dtype.kind == "f" and a.size]
    if not case.entry.kind.pointwise:
        # A product of matrices with an infinite element is infinite or NaN as its sums are ordered.
        few = (math.nan, -0.0) if case.entry.kind is MATMUL else (math.nan, -0.0, math.inf)
        return [case.changed(partial(spoilt, which, few)) for which in floats]
    domain = case.entry.domain
    points = (math.nan, math.inf, -math.inf, 0.0, -0.0, domain.low, domain.high, *domain.kinks)
    pairs = [*itertools.product(points, points)]
    columns = itertools.cycle(np.resize(pairs, (32 * math.ceil(len(pairs) / 32), 2)).T.copy())
    size = len(next(columns))
    return [case.changed(lambda a: next(columns) if a.dtype.kind == "f" else np.resize(a, size))]


def spoilt(which, numbers, a):
    if a is not which:
        return a
    a = a.copy()
    a.flat[np.linspace(0, a.size - 1, len(numbers)).astype(int)] = numbers
    return a


# The zeros that pad an image, times an infinite weight, are NaN by NumPy; oneDNN leaves them out.
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.kind is not CONVOLUTION], ids=str)
def test_hard_points(entry):
    for case in itertools.chain.from_iterable(map(hard, cases(entry))):
        single = narrow(case)
        plain = by("numpy", single, 1)
        agree(by("onednn", single, 1), plain, BETWEEN, f"{case!r} by oneDNN and NumPy")
        if entry.kind.pointwise:
            double = by("numpy", case, 1)
            agree(
                *[[np.nan_to_num(np.asarray(a, "f4"), nan=math.nan) for a in one] for one in (plain, double)],
                TO_DOUBLE,
                f"{case!r} in float32 and float64",
            )


@pytest.mark.parametrize("name", REACHING)
def test_kernels_of_onednn_are_reached(name, monkeypatch):
    run, ran = plans.Plan.run, []
    monkeypatch.setattr(plans.Plan, "run", lambda plan, *arrays: (ran.append(plan), run(plan, *arrays)))
    for case in cases({str(entry): entry for entry in ENTRIES}[name]):
        by("onednn", narrow(case))
    assert ran


def test_a_training_repeats_itself_bit_by_bit():
    def run():
        ag.manual_seed(0)
        model = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(2),
            nn.GELU(),
            nn.TransformerEncoderLayer(64, 4, 128, batch_first=True),
            nn.LSTM(64, 32, batch_first=True),
        )
        optimizer = optim.Adam(model.parameters())
        for _ in range(3):
            optimizer.zero_grad()
            model(ag.randn(8, 3, 16, 16))[0].square().mean().backward()
            optimizer.step()
        return [p.numpy(force=True).tobytes() for p in model.parameters()]

    before = ag.get_num_threads()
    ag.set_num_threads(2)
    try:
        for kernels in ("onednn", "numpy"):
            with ag.config.using(kernels):
                assert run() == run(), kernels
    finally:
        ag.set_num_threads(before)
