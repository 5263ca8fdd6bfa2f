"""PyTorch's `torch.backends.cuda`: the precision of matrix products on a GPU, and kernels of attention, of which there
is one: their switches are stored.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import backends
from backends.precision import get_float32_matmul_precision, set_float32_matmul_precision


class _Products:
    @property
    def allow_tf32(self) -> bool:
        """Whether float32 factors may be rounded to TF32, as set by `set_float32_matmul_precision`."""
        return get_float32_matmul_precision() != "highest"

    @allow_tf32.setter
    def allow_tf32(self, allowed: bool) -> None:
        set_float32_matmul_precision("high" if allowed else "highest")


matmul = _Products()
_kernels = dict.fromkeys(("flash", "mem_efficient", "math", "cudnn"), True)


def _switch(kernel: str) -> tuple[Callable[[bool], None], Callable[[], bool]]:
    """The setter and the getter of a switch."""

    def enable(enabled: bool) -> None:
        _kernels[kernel] = bool(enabled)

    def enabled() -> bool:
        return _kernels[kernel]

    return enable, enabled


enable_flash_sdp, flash_sdp_enabled = _switch("flash")
enable_mem_efficient_sdp, mem_efficient_sdp_enabled = _switch("mem_efficient")
enable_math_sdp, math_sdp_enabled = _switch("math")
enable_cudnn_sdp, cudnn_sdp_enabled = _switch("cudnn")


@contextmanager
def sdp_kernel(
    enable_flash: bool = True, enable_math: bool = True, enable_mem_efficient: bool = True, enable_cudnn: bool = True
) -> Iterator[None]:
    """Set the switches within a block."""
    before = dict(_kernels)
    _kernels.update(flash=enable_flash, math=enable_math, mem_efficient=enable_mem_efficient, cudnn=enable_cudnn)
    try:
        yield
    finally:
        _kernels.update(before)


def is_flash_attention_available() -> bool:
    """Whether that kernel is there: never."""
    return False


def is_built() -> bool:
    """Whether there is a GPU."""
    return "cuda" in backends.available()
