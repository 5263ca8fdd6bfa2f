"""PyTorch's `torch.backends.opt_einsum`. NumPy finds the order of products here; settings are stored without effect."""

enabled, strategy = True, "auto"


def is_available() -> bool:
    """False."""
    return False


def get_opt_einsum() -> None:
    """None, instead of the package."""
