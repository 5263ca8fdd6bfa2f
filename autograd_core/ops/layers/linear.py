"""Linear and bilinear layers."""

import math

import numpy as np

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import MATMUL
from autograd_core.registry import composition, op, sample
from backends.generic.products import LARGE


def _weight_rule(xp, g, input):
    if input.ndim == 2:
        return xp.matmul(g.T, input)
    rows = math.prod(g.shape[:-1])
    return xp.matmul(xp.reshape(g, shape=(rows, g.shape[-1])).T, xp.reshape(input, shape=(rows, input.shape[-1])))


def _bias_rule(xp, g):
    if g.ndim == 2:  # by far the most frequent case, and a single axis is quicker than several
        return xp.sum(g, dim=0) if g.shape[0] != 1 else g[0]
    return xp.sum(g, dim=tuple(range(g.ndim - 1))) if g.ndim > 1 else g


def _of_rare_shapes(input, weight, bias=None):
    """The rare shapes: a weight with one axis, or a bias that broadcasts."""
    if weight.ndim not in (1, 2):
        raise OperandError(f"linear(): weight must have the shape (out, in) or (in), not {weight.shape}")
    if input.shape[-1:] != weight.shape[-1:]:
        features, hint = weight.shape[-1], ""
        if input.ndim > 2 and math.prod(input.shape[1:]) == features:
            hint = "; make one axis of them: input.flatten(1)"
        elif input.ndim == features == 1:
            hint = "; if every number is a sample: input.unsqueeze(1)"
        raise OperandError(
            f"linear(): input of shape {input.shape} does not end with the {features} features that weight of "
            f"shape {weight.shape} takes{hint}"
        ) from None  # the array library says less
    y = functional.matmul(input, weight.T)
    shifted = y if bias is None else y + bias
    if shifted.shape != y.shape:
        raise OperandError(f"linear(): a bias of shape {bias.shape} does not fit a result of shape {y.shape}")
    return shifted


@op(MATMUL, symbol="xWᵀ+b", method=False, broadcasts=False, fallback=_of_rare_shapes,
    reference=lambda x, weight, bias=None: np.matmul(x, weight.T) + (0 if bias is None else bias),
    samples=(sample((2, 3), (4, 3), (4,)),
             sample((2, 3), (4, 3), None),
             sample((3,), (2, 3), (2,)),
             sample((2, 2, 3), (2, 3), (2,)),
             sample((2, 3), (3,), ()),
             sample((2, 3), (4, 3), (2, 1)),
             sample((0, 3), (2, 3), (2,)),
             sample((2, 3), (0, 3), (0,)),
             sample((3,), (0, 3), None)),
    vjp=(lambda xp, g, weight: xp.matmul(g, weight), _weight_rule, _bias_rule))
def linear(xp, input, weight, bias=None):
    """input weightᵀ + bias, for `input` of shape (..., in), `weight` (out, in) and `bias` (out).

    `weight` may also have the shape (in), for one output without an axis, and `bias` any that broadcasts.
    """
    return affine(xp, input, weight, bias)


def affine(xp, input, weight, bias, relu=False):
    """The forward of `linear`, optionally followed by a ReLU."""
    if weight.ndim != 2 or (bias is not None and bias.shape != weight.shape[:1]):
        raise ValueError("weight must have 2 axes, (out, in), and bias the shape (out,)")
    if input.ndim == 2:
        if input.size + weight.size < LARGE:
            y = xp.dot(input, weight.T)
            if bias is not None:
                y += bias
        elif bias is not None:
            return (xp.kernels.linear_relu if relu else xp.kernels.linear)(input, weight, bias)
        else:
            y = xp.kernels.product(input, weight.T)
    elif input.ndim > 2 and input.size:  # one product for all leading axes: NumPy would multiply matrix by matrix
        rows = input.reshape(-1, input.shape[-1])
        return affine(xp, rows, weight, bias, relu).reshape(*input.shape[:-1], weight.shape[0])
    else:
        y = xp.matmul(input, weight.T).astype(input.dtype, copy=False)  # NumPy multiplies bfloat16 in float32
        y = y if bias is None else y + bias
    return xp.kernels.rectify(y) if relu else y


@composition(MATMUL, method=False,
             samples=(sample((2, 3), (2, 2), (4, 3, 2), (4,)),
                      sample((3,), (2,), (2, 3, 2)),
                      sample((2, 2, 3), (2, 2, 1), (2, 3, 1), (2,)),
                      sample((0, 3), (0, 2), (2, 3, 2), (2,))),
             reference=lambda a, b, weight, bias=0.0: np.einsum("...i,oij,...j->...o", a, weight, b) + bias)
def bilinear(input1, input2, weight, bias=None):
    """Σ input1[i]·weight[o, i, j]·input2[j] + bias[o], for inputs (..., I) and (..., J) and a weight (O, I, J)."""
    if weight.ndim != 3:
        raise OperandError(f"bilinear() takes a weight (O, I, J), not one of shape {weight.shape}")
    lead, (outputs, n, m) = input1.shape[:-1], weight.shape
    if input1.shape != (*lead, n) or input2.shape != (*lead, m) or (bias is not None and bias.shape != (outputs,)):
        raise OperandError(
            f"bilinear(): weight of shape {weight.shape} takes inputs (..., {n}) and (..., {m}) and a bias of shape "
            f"({outputs},), not {input1.shape}, {input2.shape} and {bias if bias is None else bias.shape}"
        )
    flat = functional.reshape(functional.permute(weight, (1, 0, 2)), (n, outputs * m))
    rows = functional.reshape(functional.matmul(input1, flat), (*lead, outputs, m))
    y = functional.matmul(rows, input2.unsqueeze(-1)).squeeze(-1)
    return y if bias is None else y + bias
