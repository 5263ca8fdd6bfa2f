"""Images sampled at the points of a grid, and affine grids: spatial transformers (Jaderberg et al. 2015)."""

import functools
import itertools
import math
import operator
from typing import Any

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.errors import DtypeError, OperandError
from autograd_core.kinds import POOLING
from autograd_core.ops.reductions.reduction import in_dtype
from autograd_core.registry import Interval, Values, composition, op, sample

INTERPOLATION, PADDING = ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection")
KEYS = -0.75  # the parameter of the cubic kernel
EXACT = 1 << 24  # integers up to here are float32 numbers


def _clipped(xp, c, low, high):
    """Coordinates clipped to an interval; NaN becomes its lower end."""
    return xp.fmin(xp.fmax(c, low), high)


def _reflected(xp, c, n, align_corners):
    """Coordinates reflected repeatedly at the ends, at the outermost samples or at their edges; and the slope of that.

    What is not finite becomes 0.
    """
    low, span = (0.0, n - 1) if align_corners else (-0.5, n)
    finite = abs(c) < math.inf
    c = xp.where(finite, c, 0.0)
    if not span:
        return c * 0.0, c * 0.0
    away = abs(c - low)
    times = xp.floor(away / span)
    rest, even = away - times * span, times % 2 == 0
    return xp.where(even, rest + low, span - rest + low), xp.sign(c - low) * xp.where(even, 1.0, -1.0) * finite


def _padded(xp, c, n, mode, padding_mode, align_corners):
    """Coordinates moved to where an image of length n can be read, and the slope of that.

    With zeros around the image, what is far outside, or NaN, reads them just outside.
    """
    if padding_mode == "zeros":
        margin = MARGINS[mode][0]
        return _clipped(xp, c, -margin, n - 1 + margin), 1.0
    slope = 1.0
    if padding_mode == "reflection":
        c, slope = _reflected(xp, c, n, align_corners)
    return _clipped(xp, c, 0, n - 1), slope * ((c > 0) & (c < n - 1))


def _linear(xp, c):
    """The first of the two samples around a coordinate, and the weights of both with their slopes."""
    below = xp.floor(c)
    t = c - below
    return below, [1 - t, t], [-1.0, 1.0]


def _nearest(xp, c):
    return xp.round(c), [c * 0.0 + 1.0], [0.0]


def _cubic(xp, c):
    """The same of the four samples around a coordinate, in cubic convolution (Keys 1981)."""
    below = xp.floor(c)
    t, a = c - below, KEYS
    s = 1 - t

    def near(t):
        return ((a + 2) * t - (a + 3)) * t * t + 1, (3 * (a + 2) * t - 2 * (a + 3)) * t

    def far(t):
        return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a, (3 * a * t - 10 * a) * t + 8 * a

    (w0, d0), (w1, d1), (w2, d2), (w3, d3) = far(t + 1), near(t), near(s), far(s + 1)
    return below - 1, [w0, w1, w2, w3], [d0, d1, -d2, -d3]


# Mode -> how far outside an image coordinates stay if there are zeros, how many of these, and what reads there.
MARGINS: dict[str, Any] = {"bilinear": (1.5, 2, _linear), "nearest": (1, 1, _nearest), "bicubic": (2.5, 4, _cubic)}


def _taps(xp, c, n, mode, padding_mode, align_corners):
    """What coordinates between -1 and 1 read along an axis of length n: places, weights, and slopes of the weights.

    The places follow the first one, which stands for all, unless each of them is moved into the image.
    """
    scale = 0.5 * (n - 1) if align_corners else 0.5 * n
    c = (c + 1) * scale if align_corners else ((c + 1) * n - 1) * 0.5
    samples = mode == "bicubic" and padding_mode != "zeros"  # which are moved, not the coordinate
    c, slope = (c, 1.0) if samples else _padded(xp, c, n, mode, padding_mode, align_corners)
    first, weights, slopes = MARGINS[mode][2](xp, c)
    places = [first]
    if samples:
        each = [first + k for k in range(len(weights))]
        places = [_padded(xp, place, n, mode, padding_mode, align_corners)[0] for place in each]
    return places, weights, [d * (slope * scale) for d in slopes]


def _widths(rank, mode, padding_mode):
    """How many zeros are needed (before, after) each axis of the image."""
    before, after = (MARGINS[mode][1],) * 2 if padding_mode == "zeros" else (0, int(mode == "bilinear"))
    return (0, 0), (0, 0), *((before, after),) * rank


def _read(xp, grid, sizes, *how):
    """`_taps` for each axis of images, for the points of a grid as (N, P)."""
    rank = len(sizes)
    points = grid.reshape((grid.shape[0], math.prod(grid.shape[1:-1]), rank))
    return [_taps(xp, points[..., rank - 1 - i], n, *how) for i, n in enumerate(sizes)]


def _combined(combine, axes):
    """One for each combination of those along the axes."""
    return [functools.reduce(combine, parts) for parts in itertools.product(*axes)]


def _positions(taps, widths, shape):
    """Flat indices in the padded image of what is read at each point."""
    exact, axes, offsets = math.prod(shape[2:]) <= EXACT, [], []
    for i, (places, weights, _) in enumerate(taps, start=2):
        step = math.prod(shape[i + 1 :])
        axes.append([((at if exact else at.astype("float64")) + widths[i][0]) * step for at in places])
        offsets.append([k * step for k in range(len(weights) // len(places))])
    firsts = [at.astype("int64") for at in _combined(operator.add, axes)]
    return [first + offset if offset else first for first in firsts for offset in _combined(operator.add, offsets)]


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


def _shape(input, widths):
    return tuple([n + low + high for n, (low, high) in zip(input.shape, widths, strict=True)])


def _gradients(xp, g, input, grid, weights, index, taps, widths, needs):
    """Of the images and of the grid, for the weights (N, P, K) and flat indices of what is read at each point."""
    g = g.reshape((*input.shape[:2], index.shape[1]))
    of_input = of_grid = None
    if needs[0]:
        of_input = xp.add_points(g, weights, index, shape=_shape(input, widths))
        inner = [slice(low, low + n) for n, (low, _) in zip(input.shape, widths, strict=True)]
        of_input = of_input[tuple(inner)]
    if needs[1]:
        surrounded = xp.pad_constant(input, widths=widths) if any(map(any, widths)) else input
        found = xp.match_points(g, surrounded, index)
        axes = [_slope(found, taps, i) for i in reversed(range(len(taps)))]
        of_grid = xp.stack(axes, dim=-1).reshape(grid.shape)
    return of_input, of_grid


def _slope(found, taps, axis):
    """The gradient in the coordinates of an axis from that of the combined weights."""
    factors = [slopes if i == axis else weights for i, (_, weights, slopes) in enumerate(taps)]
    return sum(found[..., k] * factor for k, factor in enumerate(_combined(operator.mul, factors)))


def _fast_rule(xp, g, input, grid, weights, index, mode, padding_mode, align_corners, needs):
    wide_g, x, points = [in_dtype(xp, v, weights.dtype) for v in (g, input, grid)]
    sizes, widths = input.shape[2:], _widths(input.ndim - 2, mode, padding_mode)
    sloped = needs[1] and mode != "nearest"
    taps = _read(xp, points, sizes, mode, padding_mode, align_corners) if sloped else []
    of_input, of_grid = _gradients(xp, wide_g, x, points, weights, index, taps, widths, (needs[0], sloped))
    if needs[1] and not sloped:
        of_grid = xp.zeros_like(points)
    return [v if v is None else in_dtype(xp, v, input.dtype) for v in (of_input, of_grid)]


def _recorded_rule(xp, g, input, grid, mode, padding_mode, align_corners):
    """The fast rule with recomputed weights, so that they are differentiated too."""
    sizes, widths = input.shape[2:], _widths(input.ndim - 2, mode, padding_mode)
    taps = _read(xp, grid, sizes, mode, padding_mode, align_corners)
    index = functional.stack(_positions(taps, widths, _shape(input, widths)), -1)
    weights = functional.stack(_combined(operator.mul, [w for _, w, _ in taps]), -1)
    return _gradients(xp, g, input, grid, weights, index, taps, widths, (True, True))


def _checked(call):
    def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
        _check(input, grid, mode, padding_mode)
        return call(input, grid, mode=mode, padding_mode=padding_mode, align_corners=bool(align_corners))

    return grid_sample


@op(POOLING, symbol="sample", real_only=True, wide=True, form=_checked, reference=_slow_sample,
    residuals=("weights", "index"), joint=_fast_rule, composite=_recorded_rule,
    samples=(sample((1, 2, 3, 2), _grid(1, 2, 2, 2)),
             sample((2, 1, 2, 3), _grid(2, 1, 3, 2), mode="bilinear", padding_mode="border", align_corners=True),
             sample((1, 1, 3, 2), _grid(1, 2, 2, 2), padding_mode="reflection"),
             sample((1, 1, 3, 2), _grid(1, 2, 2, 2), mode="nearest", padding_mode="reflection", align_corners=True),
             sample((1, 1, 3, 4), _grid(1, 1, 3, 2), mode="bicubic"),
             sample((1, 1, 2, 3), _grid(1, 1, 3, 2), mode="bicubic", padding_mode="reflection"),
             sample((1, 1, 2, 2, 2), _grid(1, 1, 2, 1, 3)),
             sample((0, 1, 2, 2), _grid(0, 1, 2, 2))))
def grid_sample(xp, input, grid, *, mode="bilinear", padding_mode="zeros", align_corners=False):
    """Images (N, C, H, W) read at the points (x, y) of a grid (N, H', W', 2): (N, C, H', W').

    Volumes (N, C, D, H, W) take points (x, y, z). -1 and 1 are the edges of the image, or, if `align_corners`, the
    centers of its outermost pixels. mode: "bilinear", "nearest", "bicubic". padding_mode: the values outside, "zeros",
    "border" (the nearest pixel) or "reflection". NaN in the grid reads zeros or the first pixel.
    """
    sizes, widths = input.shape[2:], _widths(input.ndim - 2, mode, padding_mode)
    taps = _read(xp, grid, sizes, mode, padding_mode, align_corners)
    x = xp.pad(input, widths) if any(map(any, widths)) else input
    # Samples come first in memory: NumPy is slow along short last axes.
    index = xp.stack(_positions(taps, widths, x.shape))
    weights = xp.moveaxis(xp.stack(_combined(operator.mul, [w for _, w, _ in taps])), 0, -1)
    index = xp.moveaxis(index, 0, -1)
    y = xp.kernels.read_points(x, weights, index).reshape((*input.shape[:2], *grid.shape[1:-1]))
    return y, weights, index


@composition(POOLING, aliases=("grid_sampler_2d", "grid_sampler_3d"),
             reference=lambda x, grid, mode, padding, align_corners: _slow_sample(
                 x, grid, INTERPOLATION[mode], PADDING[padding], align_corners),
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
    points = _centers(tuple(size[2:]), bool(align_corners), np.dtype(theta.array.dtype))
    base = functional.as_tensor(points, device=theta.device)
    return functional.matmul(base, theta.mT).reshape((theta.shape[0], *size[2:], rank))


@functools.lru_cache(maxsize=16)
def _centers(sizes, align_corners, dtype):
    """The centers of all pixels, last axis first, each followed by 1."""
    lines = [_line(n, align_corners) for n in reversed(sizes)]
    grids = np.meshgrid(*reversed(lines), indexing="ij")[::-1]
    return np.stack([*grids, np.ones(sizes)], axis=-1).reshape(-1, len(sizes) + 1).astype(dtype)


def _line(n, align_corners):
    """The centers of n pixels between -1 and 1."""
    line = np.linspace(-1, 1, n) if n > 1 else np.zeros(1)
    return line if align_corners else line * (n - 1) / n
