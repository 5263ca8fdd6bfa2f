"""What programs print of what PyTorch was built with: this package is built with nothing, and finds CUDA as it runs."""

from __future__ import annotations

cuda: str | None = None
hip: str | None = None
xpu: str | None = None
git_version = ""
debug = False
