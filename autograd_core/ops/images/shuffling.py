"""Elements moved between channels and space: pixel shuffle and channel shuffle."""

import math

import numpy as np

from autograd_core.errors import OperandError
from autograd_core.kinds import SHAPE
from autograd_core.registry import composition, sample


def _slow_shuffle(x, r):
    *batch, channels, h, w = x.shape
    y = np.zeros((*batch, channels // r**2, h * r, w * r))
    for c, i, j in np.ndindex(*y.shape[-3:]):
        y[..., c, i, j] = x[..., c * r**2 + i % r * r + j % r, i // r, j // r]
    return y


def _slow_unshuffle(x, r):
    *batch, channels, h, w = x.shape
    y = np.zeros((*batch, channels * r**2, h // r, w // r))
    for c, i, j in np.ndindex(*x.shape[-3:]):
        y[..., c * r**2 + i % r * r + j % r, i // r, j // r] = x[..., c, i, j]
    return y


@composition(SHAPE, method=False, reference=_slow_shuffle,
             samples=(sample((1, 4, 2, 3), 2), sample((9, 1, 2), 3), sample((0, 4, 2, 2), 2)))
def pixel_shuffle(input, upscale_factor):
    """(..., C·r², H, W) as (..., C, H·r, W·r), r = upscale_factor: sub-pixel convolution (Shi et al. 2016)."""
    r = upscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-3] % (r * r):
        raise OperandError(f"pixel_shuffle(): an input of shape {input.shape} is not (..., C·{r}², H, W)")
    *batch, channels, h, w = input.shape
    c = channels // (r * r)
    return _moved(input, batch, (c, r, r, h, w), (0, 3, 1, 4, 2), (c, h * r, w * r))


@composition(SHAPE, method=False, reference=_slow_unshuffle,
             samples=(sample((1, 1, 4, 2), 2), sample((1, 3, 6), 3), sample((0, 1, 4, 2), 2)))
def pixel_unshuffle(input, downscale_factor):
    """(..., C, H·r, W·r) as (..., C·r², H, W), r = downscale_factor: the inverse of `pixel_shuffle`."""
    r = downscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-2] % r or input.shape[-1] % r:
        raise OperandError(f"pixel_unshuffle(): an input of shape {input.shape} is not (..., C, H·{r}, W·{r})")
    *batch, c, h, w = input.shape
    h, w = h // r, w // r
    return _moved(input, batch, (c, h, r, w, r), (0, 2, 4, 1, 3), (c * r * r, h, w))


@composition(SHAPE, method=False,
             reference=lambda x, groups: np.concatenate(
                 [x[:, k :: x.shape[1] // groups] for k in range(x.shape[1] // groups)], 1),
             samples=(sample((1, 6, 2), 2), sample((2, 6, 1, 2), 3), sample((0, 4, 2), 2)))
def channel_shuffle(input, groups):
    """Channels (N, C, ...) of `groups` interleaved, so that grouped convolutions mix (Zhang et al. 2018).

    >>> from autograd_core import arange
    >>> channel_shuffle(arange(6).reshape(1, 6, 1), 2).flatten()
    tensor([0, 3, 1, 4, 2, 5])
    """
    if input.ndim < 3 or groups < 1 or input.shape[1] % groups:
        raise OperandError(
            f"channel_shuffle() takes (N, C, ...) with C a multiple of groups={groups}, not shape {input.shape}"
        )
    n, c, *rest = input.shape
    return _moved(input, [n], (groups, c // groups, math.prod(rest)), (1, 0, 2), (c, *rest))


def _moved(x, batch, split, order, merged):
    """The last axes split, reordered, and merged again."""
    x = x.reshape((*batch, *split))
    lead = len(batch)
    return x.permute((*range(lead), *(lead + i for i in order))).reshape((*batch, *merged))
