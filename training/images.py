"""Images in files, in one folder per class."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

import autograd_core as ag
from autograd_core import Tensor
from training.datasets import Dataset
from training.extras import require

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")


class ImageFolder(Dataset):
    """Images in one folder per class: item `i` is an image (3, H, W) with elements in [0, 1], and its label.

    root: holds the folders; `classes` are their names in order, and a label is a position among them. transform: a
    function of every image. size: (height, width) to which images are resized, so that a loader can batch them. Raises
    FileNotFoundError if there are no images.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable[[Tensor], Tensor] | None = None,
        *,
        size: tuple[int, int] | None = None,
    ) -> None:
        self.root, self.transform, self.size = Path(root), transform, size
        self.classes = sorted(folder.name for folder in self.root.iterdir() if folder.is_dir())
        self.samples = [
            (path, label)
            for label, name in enumerate(self.classes)
            for path in sorted((self.root / name).rglob("*"))
            if path.suffix.lower() in SUFFIXES
        ]
        if not self.samples:
            raise FileNotFoundError(f"no images in the folders of '{root}'; put those of a class into {root}/<class>/")

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        path, label = self.samples[index]
        with require("PIL.Image", "reading images").open(path) as file:
            picture = file.convert("RGB")
        if self.size is not None:
            picture = picture.resize(self.size[::-1])
        image = ag.from_numpy(np.asarray(picture, np.float32) / 255).permute(2, 0, 1)
        return image if self.transform is None else self.transform(image), label
