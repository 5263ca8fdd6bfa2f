"""PyTorch's `torch.backends.mkl`: Intel's library, which is not used."""


def is_available() -> bool:
    """False."""
    return False
