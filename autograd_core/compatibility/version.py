"""PyTorch's `torch.version`: nothing is built in, and CUDA is found at run time."""

from __future__ import annotations

cuda: str | None = None
hip: str | None = None
xpu: str | None = None
git_version = ""
debug = False
