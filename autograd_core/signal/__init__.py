"""Signal processing under the names of `torch.signal`."""

from autograd_core.signal import windows as windows
