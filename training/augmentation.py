"""Augmentation: random changes of images that leave their labels right.

Whether they do depends on the labels: a mirrored b is a d, and half a turn makes a 6 a 9.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import autograd_core as ag
from autograd_core import Tensor
from nn.functional import affine_grid, grid_sample
from training.trainer import Batches, pairs


class Augmented:
    """The batches of a loader, with new random changes of their images in every epoch.

    transforms: functions of images (N, C, H, W), applied in order; each image changes by numbers of its own, drawn from
    the generator of `autograd_core.manual_seed`.
    """

    def __init__(self, loader: Batches, *transforms: Callable[[Tensor], Tensor]) -> None:
        self.loader, self.transforms = loader, transforms

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        for images, target in pairs(self.loader):
            with ag.no_grad():
                for transform in self.transforms:
                    images = transform(images)
            yield images, target


class _Change:
    """A random change of images, whose fields, except `axis`, say how large it may be, or how probable."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            largest = 1 if name == "p" else math.inf
            if name != "axis" and not (isinstance(value, numbers.Real) and 0 <= float(value) <= largest):
                raise ValueError(f"{type(self).__name__}: {name} must be a number from 0 to {largest}, not {value!r}")


def _uniform(images: Tensor, reach: float) -> Tensor:
    """A number in [-reach, reach] for every image, (N, 1, 1, 1)."""
    if images.ndim != 4:
        raise ValueError(f"augmentation changes batches of images (N, C, H, W), not a tensor of shape {images.shape}")
    return reach * (2 * ag.rand(len(images), 1, 1, 1, dtype=images.dtype, device=images.device) - 1)


@dataclass(frozen=True)
class Flip(_Change):
    """Mirrors images with probability p: left and right, or along another axis."""

    p: float = 0.5
    axis: int = -1

    def __call__(self, images: Tensor) -> Tensor:
        return ag.where(_uniform(images, 0.5) + 0.5 < self.p, images.flip(self.axis), images)


@dataclass(frozen=True)
class Affine(_Change):
    """Rotates, scales and shifts images; what comes in from outside repeats the border.

    degrees: the largest angle. scale: the largest relative change of size. shift: the largest shift, as a fraction of
    the image.
    """

    degrees: float = 0.0
    scale: float = 0.0
    shift: float = 0.0

    def __call__(self, images: Tensor) -> Tensor:
        angle = _uniform(images, math.radians(self.degrees))
        size, right, down = (_uniform(images, reach) for reach in (self.scale, 2 * self.shift, 2 * self.shift))
        ratio = images.shape[-2] / images.shape[-1]  # a grid measures both axes from -1 to 1
        cos, sin = angle.cos() / (1 + size), angle.sin() / (1 + size)
        rows = [ag.cat([cos, -sin * ratio, right], 3), ag.cat([sin / ratio, cos, down], 3)]
        grid = affine_grid(ag.cat(rows, 2).squeeze(1), images.shape, align_corners=False)
        return grid_sample(images, grid, padding_mode="border", align_corners=False)


@dataclass(frozen=True)
class Jitter(_Change):
    """Changes brightness, by adding up to ±`brightness`, and contrast, by a factor of up to 1 ± `contrast`."""

    brightness: float = 0.0
    contrast: float = 0.0

    def __call__(self, images: Tensor) -> Tensor:
        mean = images.mean((1, 2, 3), keepdim=True)
        return mean + (images - mean) * (1 + _uniform(images, self.contrast)) + _uniform(images, self.brightness)


@dataclass(frozen=True)
class Noise(_Change):
    """Adds Gaussian noise of standard deviation `std` to every element."""

    std: float

    def __call__(self, images: Tensor) -> Tensor:
        return images + self.std * ag.randn_like(images)
