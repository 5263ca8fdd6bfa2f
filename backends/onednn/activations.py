"""Activations of large float32 arrays and their gradients, in few passes.

Within 8 units in the last place, 16 for GELU, of which elements so far down the tail that a formula would lose more are
NumPy's. Where a step loses what is not finite (an exponential makes infinity of NaN, a product NaN of 0·∞) arrays that
hold such an element are NumPy's.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from backends.buffers import FLOAT32, empty
from backends.generic import activations as plain
from backends.generic import gelu as exact
from backends.geometry import Array, blocks
from backends.onednn.choice import active
from backends.onednn.elementwise import all_finite, in_memory, is_dense
from backends.onednn.passes import (
    ABS,
    EXP,
    SQUARE,
    TANH,
    Pass,
    Step,
    above,
    below,
    clip,
    constant,
    evaluate,
    gated,
    larger,
    leaky,
    linear,
    minus,
    of,
    over,
    plus,
    polynomial,
    product,
    smaller,
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


# Of w², by rising power: 2·atanh(w) / w for w up to a third, within 4e-9.
ATANH = (2.0000000079210447, 0.666663146819912, 0.40024910281663767, 0.27960602760880415, 0.2817833487737773)


# With h where x is negative, g·h, else g·(1 - h), of h < 1 and at least ½ smaller than 1 - h: the larger of both, of
# which the second is made small where x is negative.
MIRRORED: Pass = (
    "y", of("x"), linear(2.0**126, 0.0), clip(-9.0, 0.0), linear(1.0, 1.0), minus("h"), larger("h"), times("g")
)  # fmt: skip


def _distance(name: str, zero: tuple[float, ...], far: float) -> Pass:
    """How far |x|, at most `far`, is from the zero of a slope, which is given as the sum of numbers of 24 bits."""
    return name, of("x"), ABS, clip(0.0, far), linear(-1.0, zero[0]), linear(1.0, zero[1])


def _slope_of_gelu(zero: tuple[float, ...], coefficients: tuple[float, ...]) -> tuple[Pass, ...]:
    return (
        _distance("h", zero, FAR),
        ("h", of("h"), *polynomial("h", coefficients), times("h")),
        ("h", product("x", "x"), linear(-0.5, 0.0), EXP, times("h")),
        MIRRORED,
    )


class Formula(NamedTuple):
    """Passes over x, for a gradient also g, to y; `finite`: which of them has to be so for the passes to be right.

    low, tail: below which x an element is `tail`'s: where the rounding of an exponent counts too often.
    """

    passes: tuple[Pass, ...]
    finite: str = ""
    low: float = -math.inf
    tail: Callable[..., Array] | None = None


# σ(x), and σ(x)·σ(-x) times an array: of exp(-|x|), as often as it is large before it is 0, and what undoes that.
def _sigmoid(sign: float, *rest: Step) -> tuple[Step, ...]:
    return linear(-sign, 0.0), EXP, linear(1.0, 1.0), over(1.0), *rest


def _bell(scale: float, height: float) -> tuple[Pass, ...]:
    """height·e / (1 + e)² times g, with the root of e = exp(-scale·|x|): e itself is 0 before products with it are."""
    return (
        ("root", of("x"), ABS, linear(-scale / 2, 0.0), EXP),
        ("y", of("root"), SQUARE, linear(1.0, 1.0), SQUARE, over(height), times("root"), times("g"), times("root")),
    )


# exp(v) - 1 times a number, without cancellation: 2t / (1 - t) of t = tanh(v / 2).
def _expm1(factor: float) -> tuple[Step, ...]:
    return linear(0.5, 0.0), TANH, over(0.5), linear(1.0, -0.5), over(factor)


NEGATIVE = constant(0.0), smaller("x")  # min(0, x), with NaN
POSITIVE = constant(0.0), larger("x")


def _softplus(beta: float) -> Formula | None:
    """max(x, 0) + log(1 + e) with e = exp(-|x|), which is twice the inverse hyperbolic tangent of w = e / (2 + e)."""
    if abs(beta) != 1:
        return None
    ends = (*POSITIVE, plus("p")) if beta == 1 else (*NEGATIVE, minus("p"))
    return Formula((
        ("w", of("x"), ABS, EXP, linear(2.0, 1.0), over(1.0)),
        ("square", product("w", "w")),
        ("p", of("square"), *polynomial("square", ATANH), times("w")),
        ("y", of("x"), *ends),
    ))  # fmt: skip


def _elu(alpha: float, scale: float, rate: float) -> Formula | None:
    if not alpha or rate != 1:
        return None
    last = () if scale == 1 else (linear(scale, 0.0),)
    return Formula((("y", of("x"), *NEGATIVE, *_expm1(1.0), larger("x"), leaky(alpha), *last),))


def _elu_gradient(alpha: float, scale: float, rate: float) -> Formula | None:
    """Where x is positive the exponential is 1 and the other factor `scale`."""
    if rate != 1:
        return None
    e = (of("x"), *NEGATIVE, EXP)
    if alpha == 1:
        return Formula((("y", *e, linear(scale, 0.0), times("g")),), "y")
    factor = constant(0.0), below("x"), linear(2.0, -1.0), leaky(-alpha), linear(scale, 0.0)
    return Formula((("e", *e), ("y", of("x"), *factor, times("e"), times("g"))), "y")


def _leaky_gate(slope: float) -> Formula | None:
    factor = constant(0.0), below("x"), clip(slope, 1.0)
    return Formula((("y", of("x"), *factor, times("g")),)) if 0 < slope <= 1 else None


def _within(low: float, high: float, scale: float) -> Formula:
    """1 where low < x, else ∞, becomes the upper bound, and -∞."""
    inside = constant(low), below("x"), over(1.0), linear(-1.0, 1.0), linear(1.0, high), above("x")
    return Formula((("y", of("x"), *inside, linear(scale, 0.0), times("g")),), "y")


FORMULAS: dict[str, Callable[..., Formula | None]] = {
    "bounded": lambda low, high: Formula((("y", of("x"), clip(low, high)),), "x"),
    "elu": _elu,
    "elu_gradient": _elu_gradient,
    "hardsigmoid": lambda: Formula(
        (("y", of("x"), linear(1.0, 3.0), clip(0.0, 6.0), linear(1 / 6, 0.0)),), "x"
    ),
    "hardswish": lambda: Formula(
        (("y", of("x"), linear(1.0, 3.0), clip(0.0, 6.0), linear(1 / 6, 0.0), times("x")),)
    ),
    # x from 3 on becomes 1½; then x + 1½ becomes 0 where it is not above -1½.
    "hardswish_gradient": lambda: Formula((
        ("y", of("x"), constant(3.0), above("x"), linear(2.0**100, 1.5), smaller("x"), linear(1.0, 1.5),
         gated(2.0**60, 1.5 * 2.0**60), linear(1 / 3, 0.0), times("g")),
    ), "y"),
    "leaky_gate": _leaky_gate,
    "leaky_relu": lambda slope: Formula((("y", of("x"), leaky(slope)),)) if slope else None,
    "sigmoid": lambda: Formula((("y", of("x"), *_sigmoid(1.0)),), "x"),
    "sigmoid_gradient": lambda: Formula(_bell(1.0, 1.0)),
    "softplus": _softplus,
    "softplus_gradient": lambda beta: (
        Formula((("y", of("x"), *_sigmoid(beta), times("g")),), "x") if abs(beta) == 1 else None
    ),
    "tanh": lambda: Formula((("y", of("x"), TANH),)),
    "tanh_gradient": lambda: Formula(_bell(2.0, 4.0)),
    "silu": lambda: Formula(
        (("y", of("x"), linear(-1.0, -MORE), EXP, linear(1.0, LESS), over(1.0), times("x"), linear(LESS, 0.0)),), "y"
    ),
    # As `generic.activations.silu_slope`.
    "silu_gradient": lambda: Formula((
        _distance("d", plain.SILU_ZERO, 100.0),
        ("d", of("d"), *_expm1(plain.SILU_EXP), plus("d")),
        ("h", of("x"), ABS, linear(-0.5, 0.0), EXP),
        ("h", of("h"), SQUARE, linear(1.0, 1.0), SQUARE, over(1.0), times("h"), times("d"), times("h")),
        MIRRORED,
    )),
    "gelu": lambda: Formula((
        ("square", product("x", "x"), clip(0.0, 36.0)),
        ("y", of("square"), *polynomial("square", LOGIT), times("x"), EXP, linear(1.0, 1.0), over(1.0), times("x")),
    ), "", -3.0, exact.gelu),
    "gelu_gradient": lambda: Formula(_slope_of_gelu(exact.ZERO, SLOPE), "y", -2.5, exact.gelu_gradient),
    "gelu_tanh": lambda: Formula((
        ("y", product("x", "x"), linear(-exact.CUBIC, -exact.LINEAR), times("x"), EXP, linear(1.0, 1.0), over(1.0),
         times("x")),
    ), "", -3.0, exact.gelu_tanh),
    "gelu_tanh_gradient": lambda: Formula(
        _slope_of_gelu(exact.TANH_ZERO, SLOPE_TANH), "y", -3.0, exact.gelu_tanh_gradient
    ),
    "within": _within,
}  # fmt: skip


@lru_cache(maxsize=256)
def formula(name: str, *parameters: float) -> Formula | None:
    """The formula of a kernel for parameters; None for those that have none."""
    return FORMULAS[name](*parameters)


def _kernel(name: str) -> Callable[..., Array | None]:
    def value(x: Array, *parameters: float) -> Array | None:
        return compute({"x": x}, parameters) if _suits(x) else None

    def gradient(g: Array, x: Array, *parameters: float) -> Array | None:
        alike = g.dtype == x.dtype and g.shape == x.shape and g.strides == x.strides
        return compute({"g": g, "x": x}, parameters) if alike and _suits(x) else None

    def compute(operands: dict[str, Array], parameters: tuple[float, ...]) -> Array | None:
        found = formula(name, *parameters)
        y = empty(operands["x"].shape, operands["x"].strides)
        if found is None or (found.finite == "x" and not all_finite(operands["x"])):
            return None
        result = in_memory(y)
        flat = {key: in_memory(v) for key, v in operands.items()}
        for at in blocks(y.size, BLOCK if len(found.passes) > 1 else y.size):
            if not evaluate(found.passes, {key: v[at] for key, v in flat.items()}, result[at]):
                return None
        if found.finite == "y" and not all_finite(y):
            return None
        if found.tail is not None:
            _below(found.low, found.tail, result, *flat.values())
        return y

    return gradient if name in GRADIENTS else value


def _suits(x: Array) -> bool:
    return bool(x.dtype == FLOAT32 and is_dense(x.shape, x.strides) and active())


def _below(low: float, function: Callable[..., Array], y: Array, *operands: Array) -> None:
    """Put `function` of the operands into y where the last of them, x, is below `low`."""
    at = np.flatnonzero(operands[-1] < low)
    if at.size:
        y[at] = function(np, *[v[at] for v in operands])


GRADIENTS = {"leaky_gate", "within", *[name for name in FORMULAS if name.endswith("_gradient")]}
bounded, within = _kernel("bounded"), _kernel("within")
elu, elu_gradient = _kernel("elu"), _kernel("elu_gradient")
hardsigmoid = _kernel("hardsigmoid")
hardswish, hardswish_gradient = _kernel("hardswish"), _kernel("hardswish_gradient")
leaky_relu, leaky_gate = _kernel("leaky_relu"), _kernel("leaky_gate")
sigmoid, sigmoid_gradient = _kernel("sigmoid"), _kernel("sigmoid_gradient")
softplus, softplus_gradient = _kernel("softplus"), _kernel("softplus_gradient")
tanh, tanh_gradient = _kernel("tanh"), _kernel("tanh_gradient")
silu, silu_gradient = _kernel("silu"), _kernel("silu_gradient")
gelu, gelu_gradient = _kernel("gelu"), _kernel("gelu_gradient")
gelu_tanh, gelu_tanh_gradient = _kernel("gelu_tanh"), _kernel("gelu_tanh_gradient")
