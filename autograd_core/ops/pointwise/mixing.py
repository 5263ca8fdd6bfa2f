"""Weighted combinations of tensors."""

from autograd_core import functional
from autograd_core.dtypes import INTEGERS, result_type
from autograd_core.engine.arguments import in_float32
from autograd_core.engine.libraries import checks_values
from autograd_core.engine.precision import together
from autograd_core.kinds import BINARY
from autograd_core.ops.domains import POSITIVE
from autograd_core.registry import composition, op, sample

THREE = (sample((2, 3), (2, 3), (2, 3)), sample((2, 1), (3,), (2, 3), value=-1.5))


def _in_float32(call):
    @in_float32
    def lerp(input, end, weight):
        return call(input, end, weight)

    return lerp


@op(BINARY, symbol="lerp", reference=lambda a, b, w: (1 - w) * a + w * b, tolerance=1e-11,
    floating=True, form=_in_float32, holomorphic=True,
    samples=(sample((2, 3), (2, 3), (2, 3)), sample((2, 1), (3,), ())),
    vjp=(lambda xp, g, weight: g * (1 - weight), lambda xp, g, weight: g * weight,
         lambda xp, g, input, end: g * (end - input)))
def lerp(xp, input, end, weight):
    """input + weight·(end - input), with a tensor or number as weight; exactly `end` where it is 1."""
    if not weight.ndim and checks_values(weight):
        near, y = (abs(weight) < 0.5).item(), end - input
        y *= weight if near else weight - 1
        y += input if near else end
        return y
    return _between(xp, input, end, weight)


@together
def _between(xp, input, end, weight):
    near = abs(weight) < 0.5
    return xp.where(near, input, end) + xp.where(near, weight, weight - 1) * (end - input)


def _scaled(product, value):
    return product if value == 1 else product * value


@composition(BINARY, samples=THREE, wide=True, reference=lambda x, a, b, value=1: x + value * a * b)
def addcmul(input, tensor1, tensor2, *, value=1):
    """input + value·tensor1·tensor2."""
    dtype = result_type(input, tensor1, tensor2)
    if tensor1.dtype != dtype:
        tensor1 = functional.astype(tensor1, dtype)  # in which the product may have room
    if dtype.kind in INTEGERS:
        value = int(value)  # as in PyTorch
    return input + _scaled(tensor1 * tensor2, value)


@composition(BINARY, domain=POSITIVE, samples=THREE, wide=True,
             reference=lambda x, a, b, value=1: x + value * a / b)
def addcdiv(input, tensor1, tensor2, *, value=1):
    """input + value·tensor1 / tensor2."""
    return input + _scaled(tensor1 / tensor2, value)


@composition(BINARY, samples=(sample((2, 3), (3,)), sample((2, 1), (3,), alpha=2)),
             reference=lambda a, b, alpha=1: b - alpha * a)
def rsub(input, other, *, alpha=1):
    """other - alpha·input."""
    return functional.subtract(other, input, alpha=alpha)
