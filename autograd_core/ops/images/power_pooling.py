"""Pooling by the p-norm of each window."""

import math

import numpy as np

from autograd_core import functional
from autograd_core.kinds import POOLING
from autograd_core.ops.domains import POSITIVE
from autograd_core.ops.images.planes import each
from autograd_core.registry import composition, sample


def _norms(input, norm_type, kernel_size, stride, ceil_mode, rank):
    max_pool, avg_pool = (getattr(functional, f"{name}_pool{rank}d") for name in ("max", "avg"))
    if math.isinf(norm_type):
        sign = math.copysign(1.0, norm_type)
        return sign * max_pool(sign * abs(input), kernel_size, stride, ceil_mode=ceil_mode)
    size = math.prod(each(kernel_size, rank, "kernel_size"))
    total = avg_pool(input**norm_type, kernel_size, stride, ceil_mode=ceil_mode) * size
    # The norm of zeros is 0, and so is its gradient: the root has an infinite derivative there.
    empty = total == 0
    return functional.where(empty, total, functional.where(empty, 1.0, total) ** (1.0 / norm_type))


def _slow_norms(x, norm_type, kernel_size, stride=None, ceil_mode=False):
    rank = x.ndim - 2
    kernel, step = (np.broadcast_to(v, rank) for v in (kernel_size, stride or kernel_size))
    count = [(n - k + (s - 1) * ceil_mode) // s + 1 for n, k, s in zip(x.shape[2:], kernel, step, strict=True)]
    y = np.zeros((*x.shape[:2], *count))
    for at in np.ndindex(*count):
        corner = [i * s for i, s in zip(at, step, strict=True)]
        window = x[(..., *[slice(a, a + k) for a, k in zip(corner, kernel, strict=True)])]
        whole = math.prod(kernel) / math.prod(window.shape[2:])
        dims = tuple(range(2, x.ndim))
        y[(..., *at)] = (
            abs(window).max(dims, initial=0)
            if math.isinf(norm_type)
            else (whole * (window**norm_type).sum(dims)) ** (1 / norm_type)
        )
    return y


@composition(POOLING, domain=POSITIVE, reference=_slow_norms,
             samples=(sample((1, 2, 5), 2, 2),
                      sample((1, 1, 5), 3.0, 3, 2, True),
                      sample((1, 1, 5), math.inf, 2),
                      sample((0, 1, 4), 2, 2)))
def lp_pool1d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """The p-norm of every window of (N, C, L); see `lp_pool2d`."""
    return _norms(input, norm_type, kernel_size, stride, ceil_mode, 1)


@composition(POOLING, domain=POSITIVE, reference=_slow_norms,
             samples=(sample((1, 2, 4, 3), 2, 2),
                      sample((1, 1, 3, 4), 1.5, kernel_size=(2, 3), stride=1, ceil_mode=True),
                      sample((0, 1, 4, 4), 2, 2)))
def lp_pool2d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """(Σ x^p)^(1/p), p = norm_type, over every window of images (N, C, H, W); the largest magnitude for p = ∞.

    ceil_mode: windows may overhang; their mean power then counts as that of a full one. The gradient at zeros is 0.
    """
    return _norms(input, norm_type, kernel_size, stride, ceil_mode, 2)


@composition(POOLING, domain=POSITIVE, reference=_slow_norms,
             samples=(sample((1, 1, 2, 2, 4), 2, 2), sample((0, 1, 2, 2, 2), 2, 2)))
def lp_pool3d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """The p-norm of every window of volumes (N, C, D, H, W); see `lp_pool2d`."""
    return _norms(input, norm_type, kernel_size, stride, ceil_mode, 3)
