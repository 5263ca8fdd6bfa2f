"""PyTorch's `torch.backends.cudnn`: whether cuDNN is available, and settings that are stored but have no effect."""

import backends

enabled, benchmark, deterministic, allow_tf32 = True, False, False, True


def is_available() -> bool:
    """Whether there is a GPU."""
    return "cuda" in backends.available()
