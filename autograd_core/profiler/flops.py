"""How many multiplications and additions products and convolutions take, from the shapes that an observer sees.

A product is linear in each of its operands, so the gradient of one takes as many as the product itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from autograd_core.engine.libraries import LAYERS
from autograd_core.profiler.sites import OPERATION, RULE, Site
from autograd_core.tensor import Tensor

Shapes = dict[str, tuple[int, ...]]  # of operands, by name, and of the result, "y"


def _attention(s: Shapes) -> int:
    return math.prod(s["query"][:-1]) * s["key"][-2] * (s["query"][-1] + s["value"][-1])


def _scan(s: Shapes) -> int:
    return math.prod(s["input"][:2]) * (math.prod(s["w_ih"]) + math.prod(s["w_hh"]))


def _linear(s: Shapes) -> int:
    return math.prod(s["y"]) * s["weight"][-1]


def _convolution(s: Shapes) -> int:
    return math.prod(s["y"]) * math.prod(s["weight"][1:])


# Multiply-adds of an operation, and the operands whose gradients are products too ("": the rule for all operands).
PRODUCTS: dict[str, tuple[Callable[[Shapes], int], tuple[str, ...]]] = {
    "matmul": (lambda s: math.prod(s["y"]) * s["a"][-1], ("a", "b")),
    "linear": (_linear, ("input", "weight")),
    "linear_relu": (_linear, ("input", "weight")),
    "convolve": (_convolution, ("input", "weight")),
    "convolve_relu": (_convolution, ("input", "weight")),
    "convolve_input": (lambda s: math.prod(s["gradient"]) * math.prod(s["weight"][1:]), ("gradient", "weight")),
    "convolve_weight": (lambda s: math.prod(s["gradient"]) * math.prod(s["y"][1:]), ("gradient", "input")),
    "attend": (_attention, ("",)),
    **dict.fromkeys(("rnn_scan", "lstm_scan", "gru_scan"), (_scan, ("",))),
}


def of_call(site: Site, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> int:
    """The floating-point operations of an observed call, two for each multiply-add; 0 if it is no product."""
    entry = site.entry
    multiply_adds, operands = PRODUCTS.get(getattr(entry, "name", ""), (None, ()))
    if multiply_adds is None or result is None:
        return 0
    if site.kind == OPERATION:
        names = [name for name, *_ in entry.public]
        given = {**dict(zip(names, args, strict=False)), **kwargs, "y": _first(result)}
        own = {own or name: given[name] for name, own in zip(names, entry.inputs, strict=False) if name in given}
        return 2 * multiply_adds(_shapes({**own, "y": given["y"]})) * _samples(given["y"])
    if site.kind != RULE or site.operand not in operands or isinstance(_first(result), Tensor):
        return 0  # a rule on tensors calls operations
    saved = dict(zip(entry.keep, args[2], strict=True))
    own = {**saved, site.operand: result, "y": _first(args[1])}
    return 2 * (2 if site.operand == "" else 1) * multiply_adds(_shapes(own)) * _samples(own["y"])


def _first(result: Any) -> Any:
    return result[0] if isinstance(result, tuple | list) else result


def _shapes(values: dict[str, Any]) -> Shapes:
    return {name: tuple(v.shape) for name, v in values.items() if hasattr(v, "shape")}


def _samples(value: Any) -> int:
    """Over how many samples `vmap` computes it."""
    array = getattr(value, "array", value)
    count = 1
    while array.__class__ in LAYERS:
        count *= array.held.size // max(1, array.size)
        array = array.held
    return count
