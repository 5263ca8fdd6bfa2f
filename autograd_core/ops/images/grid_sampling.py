"""Images sampled at the points of a grid, and affine grids: spatial transformers (Jaderberg et al. 2015)."""

import itertools
import math

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.errors import DtypeError, OperandError
from autograd_core.kinds import POOLING
from autograd_core.ops.images.points import read_points
from autograd_core.registry import Interval, Values, composition, sample

INTERPOLATION, PADDING = ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection")
KEYS = -0.75  # the parameter of the cubic kernel
OUTSIDE = -(1 << 40)  # a step so far that the sum with those along other axes is negative


def _clipped(c, n):
    """Coordinates clipped to the elements; NaN becomes 0."""
    return functional.where(c > 0, functional.where(c < n - 1, c, n - 1.0), 0.0)


def _reflected(c, n, align_corners):
    """Coordinates reflected repeatedly at the ends: at the outermost samples, or at their edges."""
    low, span = (0.0, n - 1) if align_corners else (-0.5, n)
    if not span:
        return c * 0.0
    away = abs(c - low)
    times = functional.floor(away.detach() / span)
    rest = away - times * span
    return functional.where(times % 2 == 0, rest + low, span - rest + low)


def _padded(c, n, padding_mode, align_corners):
    """Coordinates moved inside the image if the padding mode requires it."""
    if padding_mode == "zeros":
        # Far outside, or NaN, reads zeros like just outside.
        return functional.where(abs(c) <= n + 10, c, -10.0)
    if padding_mode == "reflection":
        c = _reflected(functional.where(abs(c) < math.inf, c, 0.0), n, align_corners)
    return _clipped(c, n)


def _linear(c):
    """The first of the two samples around a coordinate, and the weights of both."""
    below = functional.floor(c.detach())
    t = c - below
    return below, [1 - t, t]


def _nearest(c):
    return functional.round(c.detach()), [c * 0.0 + 1.0]


def _cubic(c):
    """The first of the four samples around a coordinate, and their weights in cubic convolution (Keys 1981)."""
    below = functional.floor(c.detach())
    t, a = c - below, KEYS
    s = 1 - t

    def near(t):
        return ((a + 2) * t - (a + 3)) * t * t + 1

    def far(t):
        return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a

    return below - 1, [far(t + 1), near(t), near(s), far(s + 1)]


def _taps(c, n, step, mode, padding_mode, align_corners):
    """Steps (K, N, P) to the samples read by coordinates along an axis of length n, negative outside; weights."""
    c = (c + 1) * (0.5 * (n - 1)) if align_corners else ((c + 1) * n - 1) * 0.5
    if mode != "bicubic":  # there the samples are reflected, not the coordinate
        c = _padded(c, n, padding_mode, align_corners)
    first, weights = {"bilinear": _linear, "nearest": _nearest, "bicubic": _cubic}[mode](c)
    at = first + functional.arange(len(weights), dtype=first.dtype, device=first.device).reshape(-1, 1, 1)
    if mode == "bicubic":
        at = _padded(at, n, padding_mode, align_corners)
    at = functional.where((at >= 0) & (at < n), at.astype("int64") * step, OUTSIDE)
    return at, functional.stack(weights)


def _combined(axes):
    """Flat indices, or -1, and weights (N, P, K) for every combination of samples along the axes."""
    (flat, weights), *others = axes  # samples come first until the end: NumPy is slow along short last axes
    for at, w in others:
        flat = (flat[:, None] + at).flatten(0, 1)
        weights = (weights[:, None] * w).flatten(0, 1)
    return functional.clamp(flat, -1).movedim(0, -1), weights.movedim(0, -1)


def _check(input, grid, mode, padding_mode):
    if mode not in INTERPOLATION or padding_mode not in PADDING:
        raise ValueError(f"grid_sample(): mode must be one of {INTERPOLATION} and padding_mode one of {PADDING}, "
                         f"not {mode!r} and {padding_mode!r}")
    if input.dtype.kind not in dtypes.FLOATS or grid.dtype.kind not in dtypes.FLOATS:
        raise DtypeError(f"grid_sample() takes floating point images and grids, not {input.dtype} and {grid.dtype}")
    rank = input.ndim - 2
    if rank not in (2, 3) or grid.ndim != input.ndim or grid.shape[-1] != rank or grid.shape[0] != input.shape[0]:
        raise OperandError(f"grid_sample() takes images (N, C, H, W) and a grid (N, H', W', 2), or volumes "
                           f"(N, C, D, H, W) and (N, D', H', W', 3), not {input.shape} and {grid.shape}")
    if mode == "bicubic" and rank != 2:
        raise OperandError("grid_sample(): the mode 'bicubic' is for images (N, C, H, W) only")
    if 0 in input.shape[2:]:
        raise OperandError(f"grid_sample() needs elements to read, but input has shape {input.shape}")


def _slow_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=False):
    """Point by point."""
    sizes = input.shape[2:]
    y = np.zeros((*input.shape[:2], *grid.shape[1:-1]))
    for at in np.ndindex(*grid.shape[:-1]):
        places = [
            (c + 1) / 2 * (n - 1) if align_corners else ((c + 1) * n - 1) / 2
            for c, n in zip(grid[at][::-1], sizes, strict=True)
        ]
        if mode != "bicubic":
            places = [_settled(c, n, padding_mode, align_corners) for c, n in zip(places, sizes, strict=True)]
        for corner in itertools.product(*[_corners(c, mode) for c in places]):
            spots = [_settled(k, n, padding_mode, align_corners) for (k, _), n in zip(corner, sizes, strict=True)]
            if all(0 <= k < n for k, n in zip(spots, sizes, strict=True)):
                pixel = input[(at[0], slice(None), *map(int, spots))]
                y[(at[0], slice(None), *at[1:])] += math.prod(w for _, w in corner) * pixel
    return y


def _corners(c, mode):
    base = math.floor(c)
    if mode == "nearest":
        return [(round(c), 1.0)]
    if mode == "bilinear":
        return [(base, base + 1 - c), (base + 1, c - base)]
    return [(k, _keys(abs(c - k))) for k in range(base - 1, base + 3)]


def _keys(t):
    return 1.25 * t**3 - 2.25 * t**2 + 1 if t <= 1 else -0.75 * (t**3 - 5 * t**2 + 8 * t - 4)


def _settled(c, n, padding_mode, align_corners):
    low, high = (0, n - 1) if align_corners else (-0.5, n - 0.5)
    if padding_mode == "zeros":
        return c
    while padding_mode == "reflection" and low < high and not low <= c <= high:
        c = 2 * low - c if c < low else 2 * high - c
    return min(max(c, 0), n - 1)


# Where a position of the grid is a pixel, a border or half-way between two, in images of up to four pixels.
KINKS = tuple(
    sign * k / n for sign in (-1, 1) for n, ks in ((1, (1,)), (2, (1,)), (3, (1, 2, 4)), (4, (1, 3, 5))) for k in ks
)


def _grid(*shape):
    return Values(shape, Interval(-1.4, 1.35, kinks=(0, *KINKS)))


@composition(POOLING, real_only=True, reference=_slow_sample,
             samples=(sample((1, 2, 3, 2), _grid(1, 2, 2, 2)),
                      sample((2, 1, 2, 3), _grid(2, 1, 3, 2), "bilinear", "border", True),
                      sample((1, 1, 3, 2), _grid(1, 2, 2, 2), padding_mode="reflection"),
                      sample((1, 1, 3, 2), _grid(1, 2, 2, 2), mode="nearest", padding_mode="reflection",
                             align_corners=True),
                      sample((1, 1, 3, 4), _grid(1, 1, 3, 2), mode="bicubic"),
                      sample((1, 1, 2, 3), _grid(1, 1, 3, 2), mode="bicubic", padding_mode="reflection"),
                      sample((1, 1, 2, 2, 2), _grid(1, 1, 2, 1, 3)),
                      sample((0, 1, 2, 2), _grid(0, 1, 2, 2))))
def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    """Images (N, C, H, W) read at the points (x, y) of a grid (N, H', W', 2): (N, C, H', W').

    Volumes (N, C, D, H, W) take points (x, y, z). -1 and 1 are the edges of the image, or, if `align_corners`, the
    centers of its outermost pixels. mode: "bilinear", "nearest", "bicubic". padding_mode: the values outside, "zeros",
    "border" (the nearest pixel) or "reflection". NaN in the grid reads zeros or the first pixel.
    """
    _check(input, grid, mode, padding_mode)
    rank, sizes = input.ndim - 2, input.shape[2:]
    points = grid.reshape((grid.shape[0], math.prod(grid.shape[1:-1]), rank))
    axes = [
        _taps(points[..., rank - 1 - i], n, math.prod(sizes[i + 1 :]), mode, padding_mode, bool(align_corners))
        for i, n in enumerate(sizes)
    ]
    indices, weights = _combined(axes)
    return read_points(input, weights, indices).reshape((*input.shape[:2], *grid.shape[1:-1]))


def _slow_sampler(input, grid, interpolation_mode, padding_mode, align_corners):
    return _slow_sample(input, grid, INTERPOLATION[interpolation_mode], PADDING[padding_mode], align_corners)


@composition(POOLING, aliases=("grid_sampler_2d", "grid_sampler_3d"), reference=_slow_sampler,
             samples=(sample((1, 1, 3, 2), _grid(1, 2, 2, 2), 0, 1, True),
                      sample((0, 1, 2, 2), _grid(0, 1, 2, 2), 1, 0, False)))
def grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners):
    """`grid_sample` with its modes as numbers, in the order of their names."""
    return grid_sample(input, grid, INTERPOLATION[interpolation_mode], PADDING[padding_mode], align_corners)


def _slow_affine_grid(theta, size, align_corners=False):
    out = np.zeros((theta.shape[0], *size[2:], len(size) - 2))
    for at in np.ndindex(*out.shape[:-1]):
        point = [
            0.0 if n == 1 else 2 * i / (n - 1) - 1 if align_corners else (2 * i + 1) / n - 1
            for i, n in zip(at[1:], size[2:], strict=True)
        ]
        out[at] = theta[at[0]] @ [*point[::-1], 1.0]
    return out


@composition(POOLING, real_only=True, aliases=("affine_grid_generator",), reference=_slow_affine_grid,
             samples=(sample((2, 2, 3), size=(2, 1, 3, 2)),
                      sample((1, 2, 3), size=(1, 1, 2, 1), align_corners=True),
                      sample((1, 3, 4), size=(1, 2, 2, 1, 3)),
                      sample((0, 2, 3), size=(0, 1, 2, 2))))
def affine_grid(theta, size, align_corners=None):
    """The grid for `grid_sample` of affine maps (N, 2, 3) or (N, 3, 4), for images of `size` (N, C, ...)."""
    rank = len(size) - 2
    if rank not in (2, 3):
        raise NotImplementedError(f"affine_grid() takes sizes (N, C, H, W) or (N, C, D, H, W), not {tuple(size)}")
    if theta.dtype.kind not in dtypes.INEXACT or theta.shape[1:] != (rank, rank + 1) or theta.ndim != 3:
        raise ValueError(f"affine_grid() takes floating point maps (N, {rank}, {rank + 1}) for the size {tuple(size)}, "
                         f"not {theta.dtype} {theta.shape}")
    if min(size[1:]) < 1:
        raise ValueError(f"affine_grid(): there is no grid of size {tuple(size)}")
    lines = [_line(n, bool(align_corners)) for n in size[:1:-1]]
    grids = np.meshgrid(*reversed(lines), indexing="ij")[::-1]
    points = np.stack([*grids, np.ones(tuple(size[2:]))], axis=-1).reshape(-1, rank + 1)
    base = functional.as_tensor(points, dtype=theta.dtype, device=theta.device)
    return functional.matmul(base, theta.mT).reshape((theta.shape[0], *size[2:], rank))


def _line(n, align_corners):
    """The centers of n pixels between -1 and 1."""
    line = np.linspace(-1, 1, n) if n > 1 else np.zeros(1)
    return line if align_corners else line * (n - 1) / n
