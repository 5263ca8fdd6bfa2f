"""PyTorch's `torch.backends.cpu`."""


def get_cpu_capability() -> str:
    """The instructions that kernels were compiled for: "DEFAULT", as NumPy and oneDNN choose theirs when they run."""
    return "DEFAULT"
