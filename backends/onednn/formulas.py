"""Formulas of activations and their gradients for float32, as passes of oneDNN.

Errors are within 8 units in the last place, 3 for erf, 16 for GELU's approximation. Elements so far in the tail that a
formula would lose more are marked for NumPy, and those that are lost because they are not finite: some steps turn NaN
into a number, and 0·∞ is NaN. GELU and the slopes of GELU and SiLU are sums whose terms may cancel, as in PyTorch, with
errors of up to 10 units of the largest term: formulas without cancellation take three times as long.
"""

import math
from collections.abc import Callable
from functools import lru_cache

from backends.generic import activations as plain
from backends.generic import gelu as exact
from backends.onednn.passes import (
    ABS,
    DEEP,
    EXP,
    GELU,
    LOGISTIC,
    SQUARE,
    SWISH,
    TANH,
    Formula,
    Pass,
    Step,
    above,
    below,
    clip,
    constant,
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
    slope,
    smaller,
    times,
)

FAR = 5.5  # from here on a tail is negligible beside 1
MORE, LESS = 5.0, math.exp(-5)  # a shift by which products with the exponential do not become 0 yet

# Own fits, Lawson's iteration. In x² up to 4²: artanh(erf(x)) / x, for erf(x) within 1e-8 ...
ERF = (
    1.1283791784641344, 0.10277216436096467, -0.00020665142717605361, -0.0005953110497881908, 6.932333024240817e-05,
    1.3255277186183224e-06, -1.2887164695372054e-06, 1.5611816217235556e-07, -8.465800561178997e-09,
    1.786397972430217e-10,
)  # fmt: skip
# ... and in the distance d of s = -x from the zero of the slope of the tanh approximation of GELU: slope·exp(s²/2) / d,
# for the slope within 4e-7.
SLOPE_TANH = (
    0.5712427603212553, 0.08449223308292009, 0.03938092803984744, 0.011804285445255136, 0.005188204867275877,
    0.002500085644999694, 0.00026949143084621424, 0.00012704354477293542, 6.38114967334267e-05, 7.3667520241869435e-06,
)  # fmt: skip
# In ascending powers of w²: 2·atanh(w) / w for w up to a third, within 4e-9.
ATANH = (2.0000000079210447, 0.666663146819912, 0.40024910281663767, 0.27960602760880415, 0.2817833487737773)


# g·h where x is negative, else g·(1 - h), for an h < 1 that is at least ½ smaller than 1 - h: the larger of the two,
# after the second was made small where x is negative.
MIRRORED: Pass = (
    "y", of("x"), linear(2.0**126, 0.0), clip(-9.0, 0.0), linear(1.0, 1.0), minus("h"), larger("h"), times("g")
)  # fmt: skip


def _bell(scale: float, height: float) -> tuple[Pass, ...]:
    """height·e / (1 + e)² times g, with e = exp(-scale·|x|)."""
    return (
        ("e", of("x"), ABS, linear(-scale, MORE), EXP),
        ("y", of("e"), linear(LESS, 1.0), SQUARE, over(height * LESS), times("e"), times("g")),
    )


# exp(v) - 1 times a number, without cancellation: 2t / (1 - t) with t = tanh(v / 2).
def _expm1(factor: float) -> tuple[Step, ...]:
    return linear(0.5, 0.0), TANH, over(0.5), linear(1.0, -0.5), over(factor)


NEGATIVE = constant(0.0), smaller("x")  # min(0, x), keeping NaN
POSITIVE = constant(0.0), larger("x")


def _mish_gradient() -> Formula:
    """As `generic.activations.mish_slope`, with one formula in w = exp(x) for all x."""
    start = math.exp(-sum(plain.MISH_ZERO))
    return Formula((
        ("d", of("x"), clip(-100.0, 20.0), linear(1.0, plain.MISH_ZERO[0]), linear(1.0, plain.MISH_ZERO[1])),
        ("w", of("x"), constant(20.0), smaller("x"), EXP),
        ("m", of("d"), linear(0.5, 0.0), TANH),
        ("m", of("w"), linear(1 / start, 1.0), times("m")),  # exp(d) - 1 = tanh(d / 2)·(exp(d) + 1)
        ("cubic", of("m"), *polynomial("m", (plain.MISH_ONE, plain.MISH_TWO, plain.MISH_THREE)), times("m")),
        ("m", of("m"), linear(4 * start, 4 * (1 + start)), times("d"), plus("cubic")),
        ("y", of("w"), linear(1.0, 1.0), SQUARE, linear(1.0, 1.0), SQUARE, over(1.0), times("m"), times("w"),
         times("g")),
    ), plain.mish_gradient, DEEP)  # fmt: skip


def _softplus(beta: float) -> Formula | None:
    """max(x, 0) + log(1 + e) with e = exp(-|x|), which is twice the inverse hyperbolic tangent of w = e / (2 + e)."""
    if abs(beta) != 1:
        return None
    ends = (*POSITIVE, plus("p")) if beta == 1 else (*NEGATIVE, minus("p"))
    return Formula(
        (
            ("w", of("x"), ABS, EXP, linear(2.0, 1.0), over(1.0)),
            ("square", product("w", "w")),
            ("p", of("square"), *polynomial("square", ATANH), times("w")),
            ("y", of("x"), *ends),
        )
    )


def _elu(alpha: float, scale: float, rate: float) -> Formula | None:
    if not alpha or rate != 1:
        return None
    last = () if scale == 1 else (linear(scale, -0.0),)  # the sum of -0 and 0 would be 0
    return Formula((("y", of("x"), *NEGATIVE, *_expm1(1.0), larger("x"), leaky(alpha), *last),))


def _elu_gradient(alpha: float, scale: float, rate: float) -> Formula | None:
    """For positive x, the exponential is 1 and the other factor is `scale`."""
    if rate != 1:
        return None
    e = (of("x"), *NEGATIVE, EXP)
    if alpha == 1:
        return Formula((("y", *e, linear(scale, 0.0), times("g")),), plain.elu_gradient, DEEP)
    factor = constant(0.0), below("x"), linear(2.0, -1.0), leaky(-alpha), linear(scale, 0.0)
    return Formula((("e", *e), ("y", of("x"), *factor, times("e"), times("g"))), plain.elu_gradient, DEEP)


def _leaky_gate(slope: float) -> Formula | None:
    factor = constant(0.0), below("x"), clip(slope, 1.0)
    return Formula((("y", of("x"), *factor, times("g")),)) if 0 < slope <= 1 else None


def _within(low: float, high: float, scale: float) -> Formula:
    """1 where low < x, else ∞, is mapped to the upper bound or -∞, which is compared with x."""
    inside = constant(low), below("x"), over(1.0), linear(-1.0, 1.0), linear(1.0, high), above("x")
    return Formula((("y", of("x"), *inside, linear(scale, 0.0), times("g")),), plain.within, lost=True)


def _softplus_gradient(beta: float) -> Formula | None:
    if abs(beta) != 1:
        return None
    ends = (DEEP, math.inf) if beta == 1 else (None, -DEEP)
    return Formula((("y", of("x"), linear(beta, 0.0), LOGISTIC, times("g")),), plain.softplus_gradient, *ends)


FORMULAS: dict[str, Callable[..., Formula | None]] = {
    "elu": _elu,
    "elu_gradient": _elu_gradient,
    "erf": lambda: Formula((
        ("square", product("x", "x"), clip(0.0, 16.0)),
        ("y", of("square"), *polynomial("square", ERF), times("x"), TANH),
    )),
    "hardsigmoid": lambda: Formula(
        (("y", of("x"), linear(1.0, 3.0), clip(0.0, 6.0), linear(1 / 6, 0.0)),), plain.hardsigmoid, -math.inf
    ),
    "hardswish": lambda: Formula(
        (("y", of("x"), linear(1.0, 3.0), clip(0.0, 6.0), linear(1 / 6, 0.0), times("x")),)
    ),
    # x from 3 on becomes 1½; then x + 1½ becomes 0 where it is not above -1½.
    "hardswish_gradient": lambda: Formula((
        ("y", of("x"), constant(3.0), above("x"), linear(2.0**100, 1.5), smaller("x"), linear(1.0, 1.5),
         gated(2.0**60, 1.5 * 2.0**60), linear(1 / 3, 0.0), times("g")),
    ), plain.hardswish_gradient, lost=True),
    # h is -½ times the smaller of |x| and δ, or 0 for NaN.
    "huber": lambda delta: Formula((
        ("h", of("x"), ABS, clip(0.0, delta), linear(-0.5, 0.0)),
        ("y", of("x"), ABS, plus("h"), times("h"), linear(-2.0, 0.0)),
    )),
    "leaky_gate": _leaky_gate,
    "mish_gradient": _mish_gradient,
    "leaky_relu": lambda slope: Formula((("y", of("x"), leaky(slope)),)) if slope else None,
    "sigmoid": lambda: Formula(
        (("y", of("x"), linear(-1.0, 0.0), EXP, linear(1.0, 1.0), over(1.0)),), plain.sigmoid, -math.inf
    ),
    "sigmoid_gradient": lambda: Formula(_bell(1.0, 1.0)),
    "softplus": _softplus,
    "softplus_gradient": _softplus_gradient,
    "tanh": lambda: Formula((("y", of("x"), TANH),)),
    "tanh_gradient": lambda: Formula(_bell(2.0, 4.0)),
    "silu": lambda: Formula((
        ("y", of("x"), linear(-1.0, -MORE), EXP, linear(1.0, LESS), over(1.0), times("x"), linear(LESS, -0.0)),
    ), plain.silu, lost=True),
    "silu_gradient": lambda: Formula((("y", slope("x", "g"), SWISH),), plain.silu_gradient, DEEP, lost=True),
    "gelu": lambda: Formula((("y", of("x"), GELU),), exact.gelu, lost=True),
    "gelu_gradient": lambda: Formula((("y", slope("x", "g"), GELU),), exact.gelu_gradient, lost=True),
    "gelu_tanh": lambda: Formula((
        ("y", product("x", "x"), linear(-exact.CUBIC, -exact.LINEAR), times("x"), EXP, linear(1.0, 1.0), over(1.0),
         times("x")),
    ), exact.gelu_tanh, -3.0),
    "gelu_tanh_gradient": lambda: Formula((
        ("h", of("x"), ABS, clip(0.0, FAR), linear(-1.0, exact.TANH_ZERO[0]), linear(1.0, exact.TANH_ZERO[1])),
        ("h", of("h"), *polynomial("h", SLOPE_TANH), times("h")),
        ("h", product("x", "x"), linear(-0.5, 0.0), EXP, times("h")),
        MIRRORED,
    ), exact.gelu_tanh_gradient, -3.0),
    "within": _within,
}  # fmt: skip


@lru_cache(maxsize=256)
def formula(name: str, *parameters: float) -> Formula | None:
    """The formula of a kernel for these parameters; None if there is none."""
    return FORMULAS[name](*parameters)
