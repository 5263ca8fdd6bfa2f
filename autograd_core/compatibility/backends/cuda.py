"""PyTorch's `torch.backends.cuda`: the precision of matrix products on a GPU."""

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


def is_built() -> bool:
    """Whether there is a GPU."""
    return "cuda" in backends.available()
