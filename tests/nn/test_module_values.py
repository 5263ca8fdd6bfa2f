"""Outputs and gradients of modules, as numbers that PyTorch 2.13 gave for the same parameters and inputs in float64.

`module_values.json` holds cases, and the digests of each: of every output, and of the gradients of their sum with
respect to every floating-point input and every parameter. A digest is a weighted sum of all elements; parameters and
inputs are sines of the position, so that every element differs.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn
import nn.functional as F

CASES = json.loads(Path(__file__).with_name("module_values.json").read_text())


def values(spec, start):
    """The input that a list such as ["f", [2, 3]] describes: numbers; "p" in (0, 1), "s" ±1, "i" integers below n."""
    kind, shape, *limit = spec
    wave = np.sin(start + 1.3 * np.arange(np.prod(shape, dtype=int)) ** 1.1).reshape(shape)
    if kind == "i":
        return (7 * np.arange(wave.size) % limit[0]).reshape(shape)
    return {"f": 1.5 * wave, "p": 0.5 + 0.4 * wave, "s": np.where(wave > 0, 1.0, -1.0)}[kind]


def parameter(shape, number):
    return 0.6 * np.sin(0.5 + number + 0.7 * np.arange(np.prod(shape, dtype=int))).reshape(shape)


def weights(shape):
    return np.cos(0.3 + 0.9 * np.arange(np.prod(shape, dtype=int))).reshape(shape)


def flat(outputs):
    if isinstance(outputs, tuple):
        return [t for part in outputs for t in flat(part)]
    return [] if outputs is None else [outputs]


def tupled(value):
    return tuple(map(tupled, value)) if isinstance(value, list) else value


def made(spec, start, tensor):
    if isinstance(spec[0], list):
        return tuple(made(part, start + i, tensor) for i, part in enumerate(spec))
    t = tensor(values(spec, start))
    return t.requires_grad_() if spec[0] == "f" else t


def digests(case, library, tensor):
    """The digests of one case with the modules of a library, whose tensors `tensor` makes."""
    module = getattr(library, case["module"])(
        *tupled(case["args"]), **{k: tupled(v) for k, v in case["kwargs"].items()}
    )
    module.train(case["mode"] == "train")
    inputs = [made(spec, i, tensor) for i, spec in enumerate(case["inputs"])]
    keywords = {k: made(v, 9, tensor) if isinstance(v, list) else v for k, v in case["call"].items()}
    if case["module"].startswith("Lazy"):
        module.double()(*inputs, **keywords)
    module.double()
    for number, p in enumerate(module.parameters()):
        p.data = tensor(parameter(tuple(p.shape), number))
    outputs = flat(module(*inputs, **keywords))
    parts = [(y * tensor(weights(tuple(y.shape)))).sum() for y in outputs]
    leaves = [t for t in flat((*inputs, *keywords.values())) if getattr(t, "requires_grad", False)]
    leaves += list(module.parameters())
    if leaves:
        sum(part for part in parts if part.requires_grad).backward()
    gradients = [np.zeros(tuple(t.shape)) if t.grad is None else t.grad.numpy() for t in leaves]
    assert list(module.state_dict()) == case.setdefault("state", list(module.state_dict()))
    arrays = [y.detach().numpy() for y in outputs] + gradients
    return [float((a * weights(a.shape)).sum()) for a in arrays]


@pytest.mark.filterwarnings("ignore:.*softm..\\(\\) took axis")
@pytest.mark.parametrize("case", CASES, ids=[f"{i}-{case['module']}" for i, case in enumerate(CASES)])
def test_values_and_gradients_are_pytorchs(case):
    found = digests(case, nn, ag.tensor)
    np.testing.assert_allclose(found, case["values"], rtol=1e-9, atol=1e-9)


# The function of each module whose name does not tell.
OTHERS = {
    "AdaptiveLogSoftmaxWithLoss": "log_softmax",
    "BCELoss": "binary_cross_entropy",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "MultiheadAttention": "multi_head_attention_forward",
    "NLLLoss2d": "nll_loss",
    "TransformerEncoderLayer": "layer_norm",
    "Upsample": "interpolate",
    "UpsamplingBilinear2d": "interpolate",
    "UpsamplingNearest2d": "interpolate",
}


def function_of(module):
    """The function of `nn.functional` that a module calls, if any: LazyConv1d, L1Loss, BatchNorm2d, ZeroPad3d."""
    if module in OTHERS:
        return OTHERS[module]
    if "Pad" in module:
        return "pad"
    name = module.removeprefix("Lazy").lower()
    known = {function.replace("_", ""): function for function in F.__all__ if function[-1] != "_"}
    return next((known[n] for n in (name, name.removesuffix("loss"), name[:-2]) if n in known), None)


CALLING = {case["module"]: case for case in CASES if function_of(case["module"])}


@pytest.mark.filterwarnings("ignore:.*softm..\\(\\) took axis")
@pytest.mark.parametrize("module", CALLING)
def test_modules_call_functions_that_programs_may_replace(module, monkeypatch):
    name, calls = function_of(module), []
    function = getattr(F, name)
    monkeypatch.setattr(F, name, lambda *args, **kwargs: calls.append(name) or function(*args, **kwargs))
    digests(CALLING[module], nn, ag.tensor)
    assert calls


def test_few_modules_call_no_function():
    cells = {"GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNCell", "Transformer", "TransformerDecoderLayer"}
    assert {case["module"] for case in CASES} - CALLING.keys() == cells
