"""PyTorch's `torch.backends.mkldnn`: whether oneDNN, formerly MKL-DNN, computes on the CPU."""

from backends.onednn import choice

enabled = True  # stored, without effect; `autograd_core.config` chooses


def is_available() -> bool:
    """Whether oneDNN's kernels are in use."""
    return choice.active()
