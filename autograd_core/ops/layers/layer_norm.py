"""Normalisation within each sample: layer, RMS and local response normalisation."""

import math

import numpy as np

from autograd_core import functional
from autograd_core.engine.precision import single
from autograd_core.errors import OperandError
from autograd_core.kinds import NORMALIZATION
from autograd_core.ops.reductions.reduction import in_dtype
from autograd_core.registry import composition, op, sample


def _wide(xp, x):
    """16-bit numbers as float32, in which the statistics are taken and kept, unless the kernel sees to that."""
    return x if "normalize_rows" in xp.kernels.wide else single(x)


def _rows(x, dims):
    """The shape whose rows are normalised together, and the row length, at least 1."""
    split = x.ndim - dims
    shape = math.prod(x.shape[:split]), math.prod(x.shape[split:])
    return shape, max(shape[1], 1)


def _fast_rule(xp, g, input, weight, mean, scale, dims, eps, centered, needs):
    shape, _ = _rows(input, dims)
    x, g = (_wide(xp, v).reshape(shape) for v in (input, g))
    weight = weight if weight is None else weight.reshape(-1)
    found = xp.kernels.row_gradients(g, x, weight, mean, scale, needs)
    shapes = (input.shape, *[input.shape[input.ndim - dims :]] * 2)
    return [v if v is None else in_dtype(xp, v.reshape(s), input.dtype) for v, s in zip(found, shapes, strict=True)]


def _recorded_rule(xp, g, input, weight, scale, dims, eps, centered):
    """The fast rule in terms of the input, with recomputed statistics, so that they are differentiated too."""
    (shape, n), dtype, tail = _rows(input, dims), scale.dtype, input.shape[input.ndim - dims :]
    d, g = (in_dtype(xp, xp.reshape(v, shape=shape), dtype) for v in (input, g))
    if centered:
        d = d - xp.sum(d, dim=1, keepdim=True) / n
    scale = xp.rsqrt(xp.sum(d * d, dim=1, keepdim=True) / n + eps)
    normal = d * scale
    of_weight, of_bias = (xp.reshape(xp.sum(v, dim=0), shape=tail) for v in (g * normal, g))
    if weight is not None:
        g = g * xp.reshape(weight, shape=shape[1:])
    d = g - normal * (xp.sum(g * normal, dim=1, keepdim=True) / n)
    if centered:
        d = d - xp.sum(g, dim=1, keepdim=True) / n
    return [in_dtype(xp, v, input.dtype) for v in (xp.reshape(d * scale, shape=input.shape), of_weight, of_bias)]


def _slow_rows(x, weight=None, bias=None, dims=1, eps=1e-5, centered=True):
    out, shape = np.zeros(x.shape), x.shape[x.ndim - dims :]
    for at in np.ndindex(x.shape[: x.ndim - dims]):
        row = x[at].ravel()
        d = row - (math.fsum(row) / max(row.size, 1) if centered else 0)
        out[at] = (d / math.sqrt(math.fsum(d * d) / max(row.size, 1) + eps)).reshape(shape)
    return out * (1 if weight is None else weight) + (0 if bias is None else bias)


@op(NORMALIZATION, symbol="layer norm", residuals=("mean", "scale"), holomorphic=True, tolerance=1e-10,
    reference=_slow_rows,
    samples=(sample((4, 3), (3,), (3,)),
             sample((2, 2, 3), (2, 3), (2, 3), dims=2, eps=1e-2),
             sample((2, 3), (3,), None, centered=False),
             sample((3,), None, None),
             sample((0, 3), (3,), (3,)),
             sample((2, 0), (0,), (0,))),
    joint=_fast_rule, composite=_recorded_rule)
def normalize_rows(xp, input, weight=None, bias=None, *, dims=1, eps=1e-5, centered=True):
    """Zero mean (unless not `centered`) and unit mean square of the last `dims` axes, then scale and shift."""
    rows = _wide(xp, input).reshape(_rows(input, dims)[0])
    if dims > 1:
        weight, bias = (v if v is None else v.reshape(-1) for v in (weight, bias))
    y, mean, scale = xp.kernels.normalize_rows(rows, weight, bias, eps, centered)
    return y.reshape(input.shape).astype(input.dtype, copy=False), mean, scale


def as_narrow(y, input):
    """A result of 16 bits like the input, also if the parameters are float32."""
    return y if input.itemsize != 2 or y.dtype is input.dtype else y.to(input.dtype)


def _checked(input, normalized_shape, parameters, name):
    """The number of normalised axes, after checking their shape against the input and the parameters."""
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not shape or input.shape[-len(shape) :] != shape:
        raise OperandError(f"{name}(): normalized_shape={shape} is not how the shape of input, {input.shape}, ends")
    for parameter in parameters:
        if parameter is not None and parameter.shape != shape:
            raise OperandError(f"{name}(): weight and bias must have the shape {shape}, not {parameter.shape}")
    return len(shape)


@composition(NORMALIZATION, real_only=True, tolerance=1e-10,
             reference=lambda x, shape, weight=None, bias=None, eps=1e-5: _slow_rows(x, weight, bias, len(shape), eps),
             samples=(sample((2, 3), [3]),
                      sample((2, 2, 3), [2, 3], (2, 3), (2, 3)),
                      sample((2, 3), [3], (3,), eps=1e-2),
                      sample((0, 3), [3], (3,), (3,))))
def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """Zero mean and unit variance over the last axes, of `normalized_shape`, then scale and shift (Ba et al. 2016).

    >>> from autograd_core import tensor
    >>> layer_norm(tensor([1.0, 3.0]), (2,), eps=0.0)
    tensor([-1.,  1.])
    """
    dims = _checked(input, normalized_shape, (weight, bias), "layer_norm")
    return as_narrow(normalize_rows(input, weight, bias, dims=dims, eps=eps), input)


@composition(NORMALIZATION, tolerance=1e-10,
             reference=lambda x, shape, weight=None, eps=2.220446049250313e-16: _slow_rows(
                 x, weight, None, len(shape), eps, centered=False),
             samples=(sample((2, 3), [3]),
                      sample((2, 2, 3), [2, 3], (2, 3)),
                      sample((2, 3), [3], (3,), eps=1e-2),
                      sample((0, 3), [3], (3,))))
def rms_norm(input, normalized_shape, weight=None, eps=None):
    """x / √(mean(x²) + eps) over the last axes, of shape `normalized_shape`, then scale (Zhang and Sennrich 2019).

    eps: by default the machine epsilon of the dtype, float16 counting as float32.
    """
    dims = _checked(input, normalized_shape, (weight,), "rms_norm")
    if eps is None:
        eps = float(np.finfo(np.float64 if input.dtype.char in "dD" else np.float32).eps)
    return as_narrow(normalize_rows(input, weight, None, dims=dims, eps=eps, centered=False), input)


def _slow_neighbours(x, size, alpha=1e-4, beta=0.75, k=1.0):
    out = np.zeros(x.shape)
    for c in range(x.shape[1]):
        near = x[:, max(c - size // 2, 0) : c + (size - 1) // 2 + 1]
        out[:, c] = x[:, c] / (k + alpha * (near * near).sum(1) / size) ** beta
    return out


@composition(NORMALIZATION, reference=_slow_neighbours,
             samples=(sample((2, 4, 2), 3, alpha=0.5),
                      sample((1, 5, 2), 2, 0.3, 0.5, 2.0),
                      sample((1, 2, 2, 2), 5, alpha=1.0),
                      sample((0, 4, 2), 3)))
def local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1.0):
    """x / (k + alpha·mean of squares of `size` neighbouring channels)^beta, of (N, C, ...) (Krizhevsky et al. 2012)."""
    if input.ndim < 3:
        raise OperandError(f"local_response_norm() takes (N, C, L, ...), not a tensor of shape {input.shape}")
    if size < 1:
        raise OperandError(f"local_response_norm(): size must be at least 1 channel, not {size}")
    channels = input.shape[1]
    squares = functional.pad(functional.square(input), (*(0, 0) * (input.ndim - 2), size // 2, (size - 1) // 2))
    mean = sum(squares.narrow(1, i, channels) for i in range(size)) / size
    return input / (k + alpha * mean) ** beta
