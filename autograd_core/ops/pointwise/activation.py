"""Activations with kinks, and the sigmoid family."""

import math

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.errors import DtypeError, OperandError
from autograd_core.kinds import CHANNELWISE, ELEMENTWISE
from autograd_core.ops.domains import OFF_ZERO
from autograd_core.registry import Interval, composition, op, sample

SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


@op(ELEMENTWISE, symbol="gate", domain=OFF_ZERO, method=False, broadcasts=False,
    reference=lambda a, b: a if b > 0 else 0.0, samples=(sample((2, 3), (2, 3)), sample((5,), (5,)), sample((), ())),
    vjp=(lambda xp, g, b: xp.gate(g, b), lambda xp, g, b: xp.zeros_like(b)))
def gate(xp, a, b):
    """`input` where `other` is positive, else 0: the gradient of `relu`."""
    return xp.kernels.gate(a, b)


@op(ELEMENTWISE, symbol="relu", domain=OFF_ZERO, reference=lambda x: max(x, 0.0),
    vjp=lambda xp, g, y: xp.gate(g, y))
def relu(xp, x):
    """max(x, 0); its gradient at 0 is 0.

    >>> from autograd_core import tensor
    >>> tensor([-1.0, 2.0]).relu()
    tensor([0., 2.])
    """
    return xp.kernels.relu(x)


@op(ELEMENTWISE, symbol="relu", domain=OFF_ZERO, method=False, reference=lambda x: max(x, 0.0),
    vjp=lambda xp, g, x: xp.gate(g, x))
def relu_of(xp, x):
    """`relu`, but its gradient reads the operand, so that the result may be written in place."""
    return xp.kernels.relu(x)


@op(ELEMENTWISE, symbol="leaky gate", domain=OFF_ZERO, method=False, floating=True, wide=True,
    reference=lambda a, b, negative_slope: a if b > 0 else negative_slope * a,
    samples=(sample((2, 3), (2, 3), negative_slope=0.2), sample((5,), (5,), negative_slope=-2.0)),
    vjp=(lambda xp, g, b, negative_slope: xp.leaky_gate(g, b, negative_slope=negative_slope),
         lambda xp, g, b: xp.zeros_like(b)))
def leaky_gate(xp, a, b, *, negative_slope):
    """`input` times the derivative of `leaky_relu` at `other`."""
    return xp.kernels.leaky_gate(a, b, negative_slope)


@op(ELEMENTWISE, symbol="leaky relu", domain=OFF_ZERO, method=False, floating=True, wide=True,
    reference=lambda x, negative_slope=0.01: x if x > 0 else negative_slope * x,
    samples=(sample((2, 3)), sample((5,), negative_slope=0.2), sample((5,), negative_slope=-2.0)),
    vjp=lambda xp, g, x, negative_slope: xp.leaky_gate(g, x, negative_slope=negative_slope))
def leaky_relu(xp, x, *, negative_slope=0.01):
    """x above 0, `negative_slope`·x elsewhere; the derivative at 0 is `negative_slope`."""
    return xp.kernels.leaky_relu(x, negative_slope)


def _elu_bend(xp, g, a, b, alpha, scale, input_scale):
    """At x = 0, the second derivative of the negative side."""
    e = xp.exp(xp.clamp_number(b, max=0) * input_scale)
    return xp.where(b < 0, g * a * (scale * alpha * input_scale**2 * e), 0)


@op(ELEMENTWISE, symbol="elu′", domain=OFF_ZERO, method=False, floating=True, wide=True,
    reference=lambda a, b, alpha, scale, input_scale: a * scale * (
        1 if b > 0 else alpha * input_scale * math.exp(input_scale * b)),
    samples=(sample((2, 3), (2, 3), alpha=1.0, scale=1.0, input_scale=1.0),
             sample((5,), (5,), alpha=0.5, scale=2.0, input_scale=1.0),
             sample((5,), (5,), alpha=2.0, scale=1.0, input_scale=0.3)),
    vjp=(lambda xp, g, b, alpha, scale, input_scale: xp.elu_gradient(
        g, b, alpha=alpha, scale=scale, input_scale=input_scale), _elu_bend))
def elu_gradient(xp, a, b, *, alpha, scale, input_scale):
    """`input` times the derivative of `elu` at `other`."""
    return xp.kernels.elu_gradient(a, b, alpha, scale, input_scale)


@op(ELEMENTWISE, symbol="elu", domain=OFF_ZERO, method=False, floating=True, wide=True,
    reference=lambda x, alpha=1.0, scale=1.0, input_scale=1.0: scale * (
        x if x > 0 else alpha * math.expm1(input_scale * x)),
    samples=(sample((2, 3)), sample((5,), alpha=0.5), sample((5,), scale=2.0, input_scale=0.3)),
    vjp=lambda xp, g, x, alpha, scale, input_scale: xp.elu_gradient(
        g, x, alpha=alpha, scale=scale, input_scale=input_scale))
def elu(xp, x, *, alpha=1.0, scale=1.0, input_scale=1.0):
    """scale·x above 0, scale·alpha·(exp(input_scale·x) - 1) elsewhere (Clevert et al. 2015)."""
    return xp.kernels.elu(x, alpha, scale, input_scale)


@composition(ELEMENTWISE, domain=OFF_ZERO, method=False,
             reference=lambda x: SELU_SCALE * (x if x > 0 else SELU_ALPHA * math.expm1(x)))
def selu(input):
    """Self-normalising ELU: 1.0507·elu(x, 1.6733) (Klambauer et al. 2017)."""
    return functional.elu(input, alpha=SELU_ALPHA, scale=SELU_SCALE)


@op(ELEMENTWISE, symbol="within", domain=Interval(-3, 3, kinks=(-1, 1)), method=False, floating=True, wide=True,
    reference=lambda a, b, low, high, scale=1.0: a * scale if low < b < high else 0.0,
    samples=(sample((2, 3), (2, 3), low=-1, high=1), sample((5,), (5,), low=-1, high=1, scale=2.0)),
    vjp=(lambda xp, g, b, low, high, scale: xp.within(g, b, low=low, high=high, scale=scale),
         lambda xp, g, b: xp.zeros_like(b)))
def within(xp, a, b, *, low, high, scale=1.0):
    """scale·`input` where `other` lies between two numbers, else 0: the gradient of piecewise linear functions."""
    return xp.kernels.within(a, b, low, high, scale)


@op(ELEMENTWISE, symbol="clip", domain=Interval(-3, 3, kinks=(-1, 1)), method=False, floating=True,
    wide=True, samples=(sample((2, 3), low=-1, high=1),), reference=lambda x, low, high: min(max(x, low), high),
    vjp=lambda xp, g, x, low, high: xp.within(g, x, low=low, high=high))
def bounded(xp, x, *, low, high):
    """`clamp` between two numbers, with a gradient of 0 on the bounds."""
    return xp.kernels.bounded(x, low, high)


@composition(ELEMENTWISE, domain=Interval(-3, 3, kinks=(-1, 1)), method=False,
             reference=lambda x, min_val=-1.0, max_val=1.0: min(max(x, min_val), max_val))
def hardtanh(input, min_val=-1.0, max_val=1.0):
    """x clipped to [min_val, max_val]; the gradient is 0 on the bounds."""
    if min_val > max_val:
        raise OperandError(f"hardtanh(): min_val {min_val} is above max_val {max_val}")
    if input.dtype.kind == "b":
        raise DtypeError("hardtanh() takes no booleans; convert them first: x.float()")
    if input.dtype.kind in dtypes.INTEGERS:
        return functional.clamp(input, int(min_val), int(max_val))
    return bounded(input, low=min_val, high=max_val)


@composition(ELEMENTWISE, domain=Interval(-3, 8, kinks=(0, 6)), method=False, reference=lambda x: min(max(x, 0.0), 6.0))
def relu6(input):
    """x clipped to [0, 6]; the gradient is 0 on the bounds."""
    return hardtanh(input, 0.0, 6.0)


@composition(ELEMENTWISE, domain=OFF_ZERO, method=False, wide=True,
             samples=(sample((2, 3)), sample((5,), value=-1.0)),
             reference=lambda x, threshold=0.0, value=0.0: x if x > threshold else value)
def threshold(input, threshold=0.0, value=0.0):
    """x above `threshold`, `value` elsewhere; the gradient at the threshold is 0."""
    return functional.where(input <= threshold, value, input)  # so that NaN remains NaN


@op(ELEMENTWISE, symbol="hardsigmoid", domain=Interval(-5, 5, kinks=(-3, 3)), method=False, floating=True, wide=True,
    real_only=True, reference=lambda x: min(max(x + 3, 0.0), 6.0) / 6,
    vjp=lambda xp, g, x: xp.within(g, x, low=-3, high=3, scale=1 / 6))
def hardsigmoid(xp, x):
    """A piecewise linear sigmoid: x / 6 + ½ between -3 and 3; the gradient is 0 on the bounds."""
    return xp.kernels.hardsigmoid(x)


@op(ELEMENTWISE, symbol="hardswish′", domain=Interval(-5, 5, kinks=(-3, 3)), method=False, floating=True, wide=True,
    reference=lambda a, b: a * (b / 3 + 0.5 if abs(b) < 3 else float(b > 0)),
    vjp=(lambda xp, g, b: xp.hardswish_gradient(g, b),
         lambda xp, g, a, b: xp.within(g * a, b, low=-3, high=3, scale=1 / 3)))
def hardswish_gradient(xp, a, b):
    """`input` times the derivative of `hardswish` at `other`."""
    return xp.kernels.hardswish_gradient(a, b)


@op(ELEMENTWISE, symbol="hardswish", domain=Interval(-5, 5, kinks=(-3, 3)), method=False, floating=True, wide=True,
    real_only=True, reference=lambda x: x * min(max(x + 3, 0.0), 6.0) / 6,
    vjp=lambda xp, g, x: xp.hardswish_gradient(g, x))
def hardswish(xp, x):
    """x·hardsigmoid(x) (Howard et al. 2019)."""
    return xp.kernels.hardswish(x)


@composition(ELEMENTWISE, domain=OFF_ZERO, method=False, samples=(sample((2, 3)), sample((5,), alpha=0.5)),
             reference=lambda x, alpha=1.0: x if x > 0 else alpha * math.expm1(x / alpha))
def celu(input, alpha=1.0):
    """x above 0, alpha·(exp(x / alpha) - 1) elsewhere: an ELU whose slope is continuous (Barron 2017)."""
    return functional.elu(input, alpha=alpha, input_scale=1 / alpha)


@composition(ELEMENTWISE, domain=Interval(-2, 2, kinks=(-0.5, 0.5)), method=False, wide=True,
             reference=lambda x, lambd=0.5: math.copysign(max(abs(x) - lambd, 0.0), x))
def softshrink(input, lambd=0.5):
    """x moved towards 0 by `lambd`, and 0 within [-lambd, lambd]; the gradient is 0 on the bounds."""
    if lambd < 0:
        raise OperandError(f"softshrink(): lambd must not be negative, but is {lambd}")
    return input - functional.clamp(input, -lambd, lambd)


@composition(ELEMENTWISE, domain=Interval(-2, 2, kinks=(-0.5, 0.5)),
             reference=lambda x, lambd=0.5: x if abs(x) > lambd else 0.0)
def hardshrink(input, lambd=0.5):
    """x, but 0 within [-lambd, lambd]."""
    return functional.where(functional.abs(input.detach()) <= lambd, 0, input)


def _sloped_rule(xp, g, input, weight, needs):
    if not isinstance(weight, np.ndarray | np.generic):
        return _recorded_sloped_rule(xp, g, input, weight)
    if weight.ndim:
        return xp.kernels.prelu_gradient(g, input, weight)
    of_weight = xp.sum(g * xp.clamp_number(input, max=0)) if needs[1] else None
    return xp.leaky_gate(g, input, negative_slope=float(weight)) if needs[0] else None, of_weight


def _recorded_sloped_rule(xp, g, input, weight):
    of_weight = xp.where(input > 0, 0, g * input)
    dims = (0, *range(2, input.ndim)) if weight.ndim else tuple(range(input.ndim))
    return xp.where(input > 0, g, g * weight), xp.reshape(xp.sum(of_weight, dim=dims), shape=weight.shape)


@op(CHANNELWISE, symbol="prelu", domain=OFF_ZERO, method=False, floating=True, real_only=True, broadcasts=False,
    wide=True, reference=lambda x, w: np.where(x > 0, x, w * x),
    samples=(sample((2, 3), ()), sample((0, 3), ()), sample((2, 3, 2), (3, 1))),
    joint=_sloped_rule, composite=_recorded_sloped_rule)
def sloped(xp, input, weight):
    """`prelu` with one slope, which NumPy's kernels take as a number, or with slopes (C, 1, ...)."""
    if isinstance(input, np.ndarray | np.generic) and isinstance(weight, np.ndarray | np.generic):
        return xp.kernels.prelu(input, weight) if weight.ndim else xp.kernels.leaky_relu(input, float(weight))
    return xp.where(input > 0, input, input * weight)


def _slow_prelu(x, weight):
    slope = np.broadcast_to(weight.reshape(-1, *(1,) * (x.ndim - 2)), x.shape)
    return np.where(x > 0, x, slope * x)


@composition(CHANNELWISE, domain=OFF_ZERO, reference=_slow_prelu,
             samples=(sample((2, 3), (1,)), sample((2, 3, 2), (3,)), sample((0, 3), (3,))))
def prelu(input, weight):
    """x above 0, weight·x elsewhere, with one slope, or one for each channel of (N, C, ...) (He et al. 2015)."""
    if weight.shape == (1,):
        weight = functional.reshape(weight, ())
    elif weight.shape != ():
        channels = input.shape[1] if input.ndim > 1 else 1
        if weight.shape != (channels,):
            raise OperandError(
                f"prelu(): weight has shape {weight.shape}; input of shape {input.shape} needs (1,) or ({channels},)"
            )
        weight = functional.reshape(weight, (channels, *(1,) * (input.ndim - 2)))
    if weight.dtype == input.dtype:
        return sloped(input, weight)
    return functional.where(input > 0, input, input * weight)
