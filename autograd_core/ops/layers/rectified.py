"""Operations that end with a ReLU: one pass over memory and one node less than the two operations.

Containers and models use them where a ReLU follows. A cotangent passes the gate of the ReLU, and then the rules of the
operation itself.
"""

from typing import Any

import numpy as np

from autograd_core import functional
from autograd_core.kinds import BINARY, CONVOLUTION
from autograd_core.ops.images.convolution import convolution, slow_convolution
from autograd_core.ops.layers.linear import affine
from autograd_core.registry import OPS, Interval, Values, composition, op, sample

AROUND_0, NEAR_0 = Interval(-2, 2, kinks=(0,)), Interval(-0.02, 0.02)  # so that their sum stays away from 0


def _then_relu(base, **fields):
    """The entry of an operation whose forward is that of another and then max(·, 0)."""
    o: Any = OPS[base]
    return op(
        o.kind,
        symbol=f"relu({o.symbol})",
        domain=o.domain,
        method=False,
        real_only=True,
        reference=lambda *args, **statics: np.maximum(o.reference(*args, **statics), 0),
        samples=o.samples,
        broadcasts=o.broadcasts,
        vjp=o.vjp,
        before=lambda xp, g, y: xp.gate(g, y),
        **fields,
    )


@_then_relu("linear", fallback=lambda *operands: functional.relu(functional.linear(*operands)))
def linear_relu(xp, input, weight, bias=None):
    """relu(input weightᵀ + bias), for `input` of shape (..., in), `weight` (out, in) and `bias` (out)."""
    return affine(xp, input, weight, bias, relu=True)


@_then_relu("convolve")
def convolve_relu(xp, input, weight, bias=None, *, geometry):
    """relu of `convolve`: of (N, C, *size) with kernels (O, C / groups, *kernel)."""
    return xp.kernels.convolve_relu(input, weight, geometry, bias)


@op(BINARY, symbol="relu(+)", method=False, real_only=True, broadcasts=False, reference=lambda a, b: max(a + b, 0.0),
    samples=(sample(Values((2, 3), AROUND_0), Values((2, 3), NEAR_0)),
             sample(Values((5,), AROUND_0), Values((5,), NEAR_0)),
             sample(Values((), AROUND_0), Values((), NEAR_0))),
    fallback=lambda a, b: functional.relu(functional.add(a, b)), vjp=(lambda xp, g: g, lambda xp, g: g),
    before=lambda xp, g, y: xp.gate(g, y))
def add_relu(xp, a, b):
    """max(a + b, 0), the end of a residual block."""
    if a.shape != b.shape:
        raise ValueError(f"shapes {a.shape} and {b.shape} differ")
    return xp.kernels.add_relu(a, b)


@composition(CONVOLUTION, reference=lambda *args, **given: np.maximum(slow_convolution(*args, **given), 0),
             samples=(sample((1, 2, 5), (3, 2, 2), (3,), stride=2),
                      sample((1, 1, 4, 3), (2, 1, 2, 2), (2,), padding="same"),
                      sample((0, 1, 4), (1, 1, 3))))
def conv_relu(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """relu of a convolution in as many dimensions as the kernels (O, C / groups, *kernel) have; see `conv2d`."""
    return convolution(input, weight, bias, stride, padding, dilation, groups, weight.ndim - 2, convolve_relu)
