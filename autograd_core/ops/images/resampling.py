"""Resizing of images by interpolation, one axis at a time."""

import math
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.devices import device_of, place
from autograd_core.engine.arguments import in_float32
from autograd_core.errors import DtypeError, OperandError
from autograd_core.kinds import POOLING
from autograd_core.ops import axes
from autograd_core.ops.images.taps import Taps, interpolation
from autograd_core.registry import composition, op, sample

UNEVEN = Taps(4, 3, of=np.array([0, 2, 3, 3]), to=np.array([0, 0, 2, 2]), weights=np.array([0.5, 2.0, 1.0, -1.5]))


def _dense(x, dim, taps):
    matrix = np.zeros((taps.count, taps.size))
    np.add.at(matrix, (taps.to, taps.of), taps.weights)
    return np.moveaxis(np.tensordot(matrix, x, (1, dim)), 0, dim)


@op(POOLING, symbol="resample", holomorphic=True, reference=_dense, wide=True,
    samples=(sample((2, 4), dim=1, taps=UNEVEN),
             sample((2, 3, 2), dim=-2, taps=UNEVEN.transposed),
             sample((0, 4), dim=1, taps=UNEVEN)),
    vjp=lambda xp, g, dim, taps: xp.resample(g, dim=dim, taps=taps.transposed))
def resample(xp, x, *, dim, taps):
    """The sparse linear map `taps` applied along `dim`; the transposed map is its gradient."""
    dim = axes.one(dim, x.ndim)
    if x.shape[dim] != taps.size:
        raise OperandError(f"{taps!r} does not fit an axis of length {x.shape[dim]}")
    columns = taps.columns
    if x.__class__ is not np.ndarray and (device := device_of(x)).type != "cpu":
        columns = [[place(v, device) if isinstance(v, np.ndarray) else v for v in column] for column in columns]
    return xp.kernels.resample(x, dim, taps.count, columns)


# Mode -> its name among the taps, and how many spatial axes it takes.
MODES: dict[str, tuple[str, tuple[int, ...]]] = {
    "nearest": ("nearest", (1, 2, 3)),
    "nearest-exact": ("nearest-exact", (1, 2, 3)),
    "area": ("area", (1, 2, 3)),
    "linear": ("linear", (1,)),
    "bilinear": ("linear", (2,)),
    "trilinear": ("linear", (3,)),
    "bicubic": ("cubic", (2,)),
    "lanczos": ("lanczos", (2,)),
}
SMOOTH = ("bilinear", "bicubic", "lanczos")


def _check_mode(input, mode, align_corners, antialias):
    rank = input.ndim - 2
    if mode not in MODES or rank not in MODES[mode][1]:
        known = ", ".join(name for name, (_, ranks) in MODES.items() if rank in ranks)
        advice = f"there are: {known}" if known else "it takes one to three axes behind N and C"
        raise NotImplementedError(
            f"interpolate(): no mode {mode!r} for an input of shape {input.shape} (N, C, ...); {advice}"
        )
    if align_corners is not None and len(MODES[mode][1]) > 1:
        raise ValueError(f"interpolate(): align_corners does not apply to the mode {mode!r}; leave it out")
    if antialias and mode not in SMOOTH:
        raise ValueError(f"interpolate(): antialias=True goes with the modes {SMOOTH}, not with {mode!r}")
    if mode == "lanczos" and (align_corners or not antialias):
        raise ValueError("interpolate(): the mode 'lanczos' needs antialias=True and align_corners=False")


def _sizes(input, size, scale_factor, recompute):
    """(lengths, factors) of the spatial axes; a factor of None follows from the lengths."""
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate() takes either size or scale_factor")
    if size is not None and recompute:
        raise ValueError("interpolate(): recompute_scale_factor does not apply to an explicit size")
    spatial = input.shape[2:]
    given = _each(scale_factor if size is None else size, len(spatial), input.shape)
    if size is not None:
        return [operator.index(n) for n in given], [None] * len(spatial)
    factors = [float(factor) for factor in given]
    sizes = [math.floor(n * factor) for n, factor in zip(spatial, factors, strict=True)]
    return sizes, [None] * len(spatial) if recompute else factors


def _each(value: Any, rank: int, shape: tuple[int, ...]) -> list[Any]:
    values = list(value) if isinstance(value, Iterable) else [value] * rank
    if len(values) != rank:
        raise ValueError(f"interpolate(): {value} does not fit the {rank} spatial axes of an input of shape {shape}")
    return values


def _unscaled(n, mode, rank):
    """The lengths at which PyTorch disregards the factor: an axis of n stays as it is, pixels of images double."""
    return (n, 2 * n) if mode == "nearest" and rank == 2 else (n,) if mode.endswith("linear") else ()


def _slow_interpolation(x, size=None, scale_factor=None, mode="nearest", align_corners=False, **rest):
    """Every output as a sum over the grid of samples, one axis at a time."""
    for dim in range(2, x.ndim):
        n = x.shape[dim]
        m = int(n * scale_factor) if size is None else np.broadcast_to(size, x.ndim - 2)[dim - 2]
        step = n / m if size is not None or rest.get("recompute_scale_factor") else 1 / scale_factor
        matrix = np.array([_slow_weights(i, n, m, step, mode, align_corners, rest) for i in range(m)])
        x = np.moveaxis(np.tensordot(matrix, x, (1, dim)), 0, dim)
    return x


def _slow_weights(i, n, m, step, mode, align_corners, rest):
    """The weights of n samples in output i."""
    positions = np.arange(n)
    if mode == "area":
        inside = (positions >= i * n // m) & (positions < math.ceil((i + 1) * n / m))
        return inside / inside.sum()
    if mode.startswith("nearest"):
        return positions == math.floor((i + 0.5 * (mode == "nearest-exact")) * step)
    at = i * (n - 1) / (m - 1) if align_corners else (i + 0.5) * step - 0.5
    if rest.get("antialias"):
        weights = KERNELS[mode, True](np.abs(positions - at) / max(step, 1))
        return weights / weights.sum()
    far = np.arange(-9, n + 9)  # the ends repeated
    near = KERNELS[mode, False](np.abs(far - at))
    return np.array([near[np.clip(far, 0, n - 1) == j].sum() for j in positions])


def _hat(t):
    return np.maximum(1 - t, 0)


def _cubic(a):
    return lambda t: np.where(
        t < 1, (a + 2) * t**3 - (a + 3) * t**2 + 1, np.where(t < 2, a * (t**3 - 5 * t**2 + 8 * t - 4), 0)
    )


KERNELS: dict[tuple[str, bool], Any] = {
    ("linear", False): _hat,
    ("bilinear", False): _hat,
    ("bilinear", True): _hat,
    ("trilinear", False): _hat,
    ("bicubic", False): _cubic(-0.75),
    ("bicubic", True): _cubic(-0.5),
    ("lanczos", True): lambda t: np.where(t < 3, np.sinc(t) * np.sinc(t / 3), 0),
}


@composition(POOLING, tolerance=1e-11, reference=_slow_interpolation,
             samples=(sample((1, 2, 4), 7),
                      sample((1, 1, 5), scale_factor=1.7, mode="nearest-exact"),
                      sample((1, 1, 5), scale_factor=1.7, mode="linear", recompute_scale_factor=True),
                      sample((2, 1, 3, 2), size=(4, 3), mode="bilinear", align_corners=True),
                      sample((1, 1, 5, 4), scale_factor=0.6, mode="bilinear", antialias=True),
                      sample((1, 1, 3, 4), size=(5, 2), mode="bicubic"),
                      sample((1, 1, 6, 4), size=(3, 5), mode="bicubic", antialias=True),
                      sample((1, 1, 6, 3), size=(2, 3), mode="lanczos", antialias=True),
                      sample((1, 1, 2, 3, 2), 3, mode="trilinear"),
                      sample((1, 1, 5, 3), size=(2, 2), mode="area"),
                      sample((0, 1, 3), 2)))
def interpolate(
    input, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None,
    antialias=False
):
    """Images (N, C, ...) resampled to `size`, or to ⌊n·scale_factor⌋ along every axis.

    mode: "nearest", "nearest-exact", "linear" (N, C, L), "bilinear", "bicubic", "lanczos" (N, C, H, W), "trilinear"
    (N, C, D, H, W), "area". align_corners: align the centres of the outermost pixels, not their edges.
    recompute_scale_factor: spread samples evenly over the image, not 1 / scale_factor apart. antialias: widen filters
    where the image shrinks. uint8 images are rounded after each axis.
    """
    _check_mode(input, mode, align_corners, antialias)
    sizes, factors = _sizes(input, size, scale_factor, recompute_scale_factor)
    if min(sizes) < 1 or 0 in input.shape[1:]:
        raise OperandError(f"interpolate(): an input of shape {input.shape} has no interpolation of size {sizes}")
    if mode == "area":
        return getattr(functional, f"adaptive_avg_pool{len(sizes)}d")(input, sizes)  # which is built on this file
    if input.dtype == dtypes.uint8 and not mode.startswith("nearest"):
        return _of_bytes(input, sizes, factors, mode, align_corners, antialias)
    if input.dtype.kind in dtypes.EXACT and not mode.startswith("nearest"):
        raise DtypeError(f"interpolate(): the mode {mode!r} needs floating point elements, not {input.dtype}; "
                         "convert them first: input.float()")
    through = _resampled if mode.startswith("nearest") else _interpolated
    y = through(input, sizes, factors, mode, align_corners, antialias)
    return functional.clone(y) if y is input else y


def _of_bytes(input, sizes, factors, mode, align_corners, antialias):
    """As PyTorch to the last bit: weights are integers; after each axis, the last one first, bytes are rounded."""
    y = functional.astype(input, dtypes.float64)
    for axis in reversed(range(len(sizes))):
        if input.shape[axis + 2] != sizes[axis]:
            taps, bits = _taps(input, axis, sizes, factors, mode, align_corners, antialias).of_integers
            y = functional.floor((resample(y, dim=axis + 2, taps=taps) + 2 ** (bits - 1)) / 2**bits)
            y = functional.clamp(y, 0, 255)
    return functional.astype(y, dtypes.uint8)


def _taps(input, axis, sizes, factors, mode, align_corners, antialias):
    """The map along a spatial axis; None if it stays as it is."""
    n, m, factor = input.shape[axis + 2], sizes[axis], factors[axis]
    if m in _unscaled(n, mode, len(sizes)) and not antialias:
        factor = None
    if m == n and factor in (None, 1.0):
        return None
    return interpolation(MODES[mode][0], n, m, factor, bool(align_corners), antialias)


def _resampled(input, sizes, factors, mode, align_corners, antialias):
    y = input
    ratios = [m / n for n, m in zip(input.shape[2:], sizes, strict=True)]
    # The axes that shrink most come first, which leaves less work for the others, and the last one before it grows.
    for axis in sorted(range(len(sizes)), key=lambda i: (ratios[i], -i if ratios[i] > 1 else i)):
        taps = _taps(input, axis, sizes, factors, mode, align_corners, antialias)
        if taps is not None:
            y = resample(y, dim=axis + 2, taps=taps)
    return y


_interpolated = in_float32(_resampled)


@composition(POOLING, reference=_slow_interpolation,
             samples=(sample((1, 2, 3), 5),
                      sample((1, 1, 2, 3), scale_factor=2, mode="bilinear"),
                      sample((0, 1, 3), 2)))
def upsample(input, size=None, scale_factor=None, mode="nearest", align_corners=None):
    """The older name of `interpolate`."""
    return interpolate(input, size, scale_factor, mode, align_corners)


@composition(POOLING, reference=_slow_interpolation,
             samples=(sample((1, 2, 3), 5), sample((1, 1, 2, 3), scale_factor=2), sample((0, 1, 3), 2)))
def upsample_nearest(input, size=None, scale_factor=None):
    """`interpolate` with the mode "nearest"."""
    return interpolate(input, size, scale_factor)


@composition(POOLING,
             reference=lambda x, size=None, scale_factor=None: _slow_interpolation(
                 x, size, scale_factor, "bilinear", True),
             samples=(sample((1, 2, 3, 2), 5), sample((1, 1, 2, 3), scale_factor=2), sample((0, 1, 3, 2), 2)))
def upsample_bilinear(input, size=None, scale_factor=None):
    """`interpolate` with the mode "bilinear" and align_corners=True."""
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)
