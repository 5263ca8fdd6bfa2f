"""PyTorch's `torch.backends.openmp`: the threads of oneDNN."""

from autograd_core.compatibility.backends.mkldnn import is_available as is_available
