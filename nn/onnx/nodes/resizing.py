"""Resize: along every axis a linear map, given by the places of outputs among inputs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.ops.images.taps import Taps, cubic
from nn.onnx.nodes.table import ints, reads

Array = Any


@reads("Resize")
def _resize(
    x: Tensor,
    roi: Any = None,
    scales: Any = None,
    sizes: Any = None,
    *,
    mode: str = "nearest",
    coordinate_transformation_mode: str = "half_pixel",
    nearest_mode: str = "round_prefer_floor",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    antialias: int = 0,
    axes: Any = None,
    keep_aspect_ratio_policy: str = "stretch",
    opset: int,
) -> Tensor:
    if opset < 11:  # Resize of opset 10: (x, scales)
        roi, scales, coordinate_transformation_mode, nearest_mode = None, roi, "asymmetric", "floor"
    if coordinate_transformation_mode == "tf_crop_and_resize":
        raise NotImplementedError("Resize: tf_crop_and_resize cannot be read")
    dims = list(range(x.ndim)) if axes is None else [d % x.ndim for d in ints(axes)]
    factors = [1.0] * len(dims)
    if scales is not None and scales.numel():
        factors = scales.tolist()
        wanted = [math.floor(x.shape[d] * f) for d, f in zip(dims, factors, strict=True)]
    else:
        wanted = ints(sizes)
        factors = [n / x.shape[d] for d, n in zip(dims, wanted, strict=True)]
        if keep_aspect_ratio_policy != "stretch":
            factor = (min if keep_aspect_ratio_policy == "not_larger" else max)(factors)
            factors = [factor] * len(dims)
            wanted = [math.floor(factor * x.shape[d] + 0.5) for d in dims]
    weigh = {"nearest": _nearest(nearest_mode), "linear": _linear, "cubic": _cubic(cubic_coeff_a)}[mode]
    for d, n, factor in zip(dims, wanted, factors, strict=True):
        if n != x.shape[d] or factor != 1:
            at = _places(coordinate_transformation_mode, x.shape[d], n, factor)
            shrink = factor if antialias and factor < 1 and mode != "nearest" else 1.0
            taps = _taps(weigh, at, x.shape[d], shrink, bool(exclude_outside))
            x = core.resample(x, dim=d, taps=taps)
    return x


@reads("Upsample")
def _upsample(x: Tensor, scales: Any, *, mode: str = "nearest") -> Tensor:
    factors = scales.tolist() if isinstance(scales, Tensor) else scales
    weigh = _nearest("floor") if mode == "nearest" else _linear
    for d, factor in enumerate(factors):
        n = math.floor(x.shape[d] * factor)
        if factor != 1:
            x = core.resample(x, dim=d, taps=_taps(weigh, np.arange(n) / factor, x.shape[d], 1.0, False))
    return x


def _places(mode: str, n: int, m: int, factor: float) -> Array:
    """The coordinates of m outputs among n inputs."""
    i = np.arange(m, dtype=np.float64)
    if mode == "align_corners":
        return i * (n - 1) / (factor * n - 1) if m > 1 else np.zeros(m)
    if mode == "asymmetric":
        return i / factor
    if mode == "pytorch_half_pixel":
        return (i + 0.5) / factor - 0.5 if m > 1 else np.zeros(m)
    shift = 0.0
    if mode == "half_pixel_symmetric":
        shift = n / 2 * (1 - m / (factor * n))
    return shift + (i + 0.5) / factor - 0.5


def _nearest(mode: str) -> Any:
    rounds: dict[str, Any] = {
        "floor": np.floor,
        "ceil": np.ceil,
        "round_prefer_floor": lambda at: np.ceil(at - 0.5),
        "round_prefer_ceil": lambda at: np.floor(at + 0.5),
    }
    return lambda at, shrink: (rounds[mode](at)[:, None], np.ones((len(at), 1)))


def _linear(at: Array, shrink: float) -> tuple[Array, Array]:
    reach = math.ceil(1 / shrink)
    of = np.floor(at)[:, None] + np.arange(1 - reach, reach + 1)
    return of, np.maximum(0, 1 - abs(at[:, None] - of) * shrink)


def _cubic(a: float) -> Any:
    def weigh(at: Array, shrink: float) -> tuple[Array, Array]:
        reach = math.ceil(2 / shrink)
        of = np.floor(at)[:, None] + np.arange(1 - reach, reach + 1)
        return of, cubic(abs(at[:, None] - of) * shrink, a)

    return weigh


def _taps(weigh: Any, at: Array, n: int, shrink: float, excluding: bool) -> Taps:
    of, weights = weigh(at, shrink)
    outside = (of < 0) | (of >= n)
    weights = np.where(outside, 0, weights) if excluding else weights
    weights = weights / weights.sum(1, keepdims=True)
    of = np.clip(of, 0, n - 1).astype(np.int64)
    to = np.broadcast_to(np.arange(len(at))[:, None], of.shape)
    kept = weights != 0
    return Taps(n, len(at), of[kept], to[kept], weights[kept])
