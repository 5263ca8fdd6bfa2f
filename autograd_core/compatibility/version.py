"""PyTorch's `torch.version`: which version is followed; nothing is built in, and CUDA is found at run time."""

from __future__ import annotations

__version__ = "2.13.0"  # whose names and meanings this package follows
cuda: str | None = None
hip: str | None = None
xpu: str | None = None
git_version = ""
debug = False
