"""PyTorch's `torch.backends.mkldnn`: whether oneDNN, formerly MKL-DNN, computes on the CPU."""

from backends.onednn import choice


def is_available() -> bool:
    """Whether oneDNN's kernels are in use."""
    return choice.active()
