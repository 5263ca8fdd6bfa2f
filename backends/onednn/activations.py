"""Activations of large float32 arrays and their gradients, in few passes.

Within 8 units in the last place, 16 for GELU. Elements so far down a tail that a formula would
lose more are NumPy's, and arrays with NaN, of which oneDNN's exponential makes infinity.
"""

import math
from collections.abc import Callable

import numpy as np

from backends.buffers import FLOAT32, empty
from backends.generic import activations as plain
from backends.generic import gelu as exact
from backends.geometry import Array, blocks
from backends.onednn.choice import active
from backends.onednn.elementwise import in_memory, is_dense
from backends.onednn.passes import (
    ABS,
    EXP,
    SQUARE,
    TANH,
    Pass,
    clip,
    evaluate,
    linear,
    of,
    over,
    plus,
    polynomial,
    product,
    times,
)

FAR = 5.5  # from here on a tail is nothing beside 1
BLOCK = 1 << 18  # elements at a time: what lies between two passes stays near the cores, and calls cost little
MORE, LESS = 4.0, math.exp(-4)  # the exponential is 0 below -87, where products with it are not yet

# Own fits, Lawson's iteration. Minus log(Φ(x) / Φ(-x)) / x, of x² up to 36: times x within 6e-8 for x up to 3 ...
LOGIT = (
    -1.5957694199911274,
    -0.0726698732041812,
    7.225102093269813e-05,
    0.00010526915031479887,
    -5.9495988967280595e-06,
    -1.3553255531847354e-07,
    4.328087196159038e-08,
    -3.2736979951335113e-09,
    1.3891037558785235e-10,
    -3.5394951491801267e-12,
    5.0510047740137595e-14,
    -3.101285495196982e-16,
)
# ... and, with s = -x and d its distance from the zero of the slope, slope·exp(s²/2) / d, of d, within 2e-8 ...
SLOPE = (
    0.5724061685635176,
    0.08475642764373686,
    0.036581859506297575,
    0.01431309688015055,
    0.005162181626846768,
    0.0017391222510711036,
    0.0005556649154821728,
    0.0001683241349113338,
    4.5150483057436966e-05,
    9.23765957369067e-06,
    1.1810980808766815e-06,
    6.759498126847775e-08,
)
# ... and that of the approximation within 5e-9.
SLOPE_TANH = (
    0.5712427882895699,
    0.08449051021524769,
    0.039379568609462665,
    0.01182038234231032,
    0.005202400153401484,
    0.0024633605500224026,
    0.00022532311900522105,
    0.00014466375136229793,
    0.00010753063238334662,
    2.2111983173830542e-05,
    -7.294023906083164e-06,
    -6.845244074690771e-06,
    -2.0628469377842537e-06,
    -2.817170180683119e-07,
    -1.4665924177530176e-08,
)


def _mirrored(name: str) -> Pass:
    """g·h where x is not positive, else g·(1 - h)."""
    return name, of("above"), linear(-2.0, 1.0), times("h"), plus("above"), times("g")


ABOVE = ("above", of("x"), linear(2.0**126, 0.0), clip(0.0, 1.0))


def _distance(name: str, zero: tuple[float, ...], far: float) -> Pass:
    """How far |x|, at most `far`, is from the zero of a slope, which is given as the sum of numbers of 24 bits."""
    return name, of("x"), ABS, clip(0.0, far), linear(-1.0, zero[0]), linear(1.0, zero[1])


def _slope_of_gelu(zero: tuple[float, ...], coefficients: tuple[float, ...]) -> tuple[Pass, ...]:
    return (
        _distance("h", zero, FAR),
        ("h", of("h"), *polynomial("h", coefficients), times("h")),
        ("h", product("x", "x"), linear(-0.5, 0.0), EXP, times("h")),
        ABOVE,
        _mirrored("y"),
    )


FORMULAS: dict[str, tuple[Pass, ...]] = {
    "sigmoid": (("y", of("x"), linear(-1.0, 0.0), EXP, linear(1.0, 1.0), over(1.0)),),
    "sigmoid_gradient": (
        ("e", of("x"), ABS, linear(-1.0, MORE), EXP),
        ("y", of("e"), linear(LESS, 1.0), SQUARE, over(LESS), times("e"), times("g")),
    ),
    "tanh": (("y", of("x"), TANH),),
    "tanh_gradient": (
        ("e", of("x"), ABS, linear(-2.0, MORE), EXP),
        ("y", of("e"), linear(LESS, 1.0), SQUARE, over(4 * LESS), times("e"), times("g")),
    ),
    "silu": (("y", of("x"), linear(-1.0, 0.0), EXP, linear(1.0, 1.0), over(1.0), times("x")),),
    # As `generic.activations.silu_slope`, with expm1(d) = 2t / (1 - t) of t = tanh(d / 2).
    "silu_gradient": (
        _distance("d", plain.SILU_ZERO, 100.0),
        ("t", of("d"), linear(0.5, 0.0), TANH),
        ("d", of("t"), linear(-1.0, 1.0), over(2 * plain.SILU_EXP), times("t"), plus("d")),
        ("h", of("x"), ABS, linear(-1.0, MORE), EXP),
        ("h", of("h"), linear(LESS, 1.0), SQUARE, over(LESS), times("h"), times("d")),
        ABOVE,
        _mirrored("y"),
    ),
    "gelu": (
        ("square", product("x", "x"), clip(0.0, 36.0)),
        ("y", of("square"), *polynomial("square", LOGIT), times("x"), EXP, linear(1.0, 1.0), over(1.0), times("x")),
    ),
    "gelu_gradient": _slope_of_gelu(exact.ZERO, SLOPE),
    "gelu_tanh": (
        ("y", product("x", "x"), linear(-exact.CUBIC, -exact.LINEAR), times("x"), EXP, linear(1.0, 1.0), over(1.0),
         times("x")),
    ),
    "gelu_tanh_gradient": _slope_of_gelu(exact.TANH_ZERO, SLOPE_TANH),
}  # fmt: skip
# Below which x an element is NumPy's: where the rounding of the exponent counts too often, or its power overflows.
TAILS: dict[str, tuple[float, Callable[..., Array]]] = {
    "sigmoid": (-85.0, plain.sigmoid),
    "sigmoid_gradient": (-math.inf, plain.sigmoid_gradient),
    "tanh": (-math.inf, plain.tanh),
    "tanh_gradient": (-math.inf, plain.tanh_gradient),
    "silu": (-85.0, plain.silu),
    "silu_gradient": (-85.0, plain.silu_gradient),
    "gelu": (-3.0, exact.gelu),
    "gelu_gradient": (-2.5, exact.gelu_gradient),
    "gelu_tanh": (-3.0, exact.gelu_tanh),
    "gelu_tanh_gradient": (-3.0, exact.gelu_tanh_gradient),
}


def _kernel(name: str) -> Callable[..., Array | None]:
    formula, (low, tail) = FORMULAS[name], TAILS[name]

    def value(x: Array) -> Array | None:
        return compute({"x": x}) if _suits(x) else None

    def gradient(g: Array, x: Array) -> Array | None:
        alike = g.dtype == x.dtype and g.shape == x.shape and g.strides == x.strides
        return compute({"g": g, "x": x}) if alike and _suits(x) else None

    def compute(operands: dict[str, Array]) -> Array | None:
        y = empty(operands["x"].shape, operands["x"].strides)
        result = in_memory(y)
        flat = {key: in_memory(v) for key, v in operands.items()}
        for at in blocks(y.size, BLOCK if len(formula) > 1 else y.size):
            parts = {key: v[at] for key, v in flat.items()}
            if not evaluate(formula, parts, result[at]):
                return None
            lowest = parts["x"].min()  # afterwards, when it is in the cache
            if math.isnan(lowest):
                return None
            if lowest < low:
                _below(low, tail, result[at], *parts.values())
        return y

    return gradient if name.endswith("_gradient") else value


def _suits(x: Array) -> bool:
    return bool(x.dtype == FLOAT32 and is_dense(x.shape, x.strides) and active())


def _below(low: float, function: Callable[..., Array], y: Array, *operands: Array) -> None:
    """Put `function` of the operands into y where the last of them, x, is below `low`."""
    at = np.flatnonzero(operands[-1] < low)
    y[at] = function(np, *[v[at] for v in operands])


sigmoid, sigmoid_gradient = _kernel("sigmoid"), _kernel("sigmoid_gradient")
tanh, tanh_gradient = _kernel("tanh"), _kernel("tanh_gradient")
silu, silu_gradient = _kernel("silu"), _kernel("silu_gradient")
gelu, gelu_gradient = _kernel("gelu"), _kernel("gelu_gradient")
gelu_tanh, gelu_tanh_gradient = _kernel("gelu_tanh"), _kernel("gelu_tanh_gradient")
