"""PyTorch's `torch.backends.mps`: Apple GPUs, which are not supported."""


def is_available() -> bool:
    """False."""
    return False


def is_built() -> bool:
    """False."""
    return False
