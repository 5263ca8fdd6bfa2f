"""Mixed precision on GPUs, under PyTorch's older names for it."""

from __future__ import annotations

from typing import Any

from autograd_core.amp.functions import custom_bwd as custom_bwd
from autograd_core.amp.functions import custom_fwd as custom_fwd
from autograd_core.amp.grad_scaler import GradScaler as GradScaler
from autograd_core.engine import casting


class autocast(casting.autocast):
    """`autograd_core.autocast("cuda", ...)`."""

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool | None = None) -> None:
        super().__init__("cuda", dtype, enabled, cache_enabled)
