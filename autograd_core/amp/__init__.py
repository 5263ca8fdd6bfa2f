"""Mixed precision under PyTorch's names: `autocast` and `GradScaler`."""

from autograd_core.amp.functions import custom_bwd as custom_bwd
from autograd_core.amp.functions import custom_fwd as custom_fwd
from autograd_core.amp.grad_scaler import GradScaler as GradScaler
from autograd_core.engine.casting import autocast as autocast
from autograd_core.engine.casting import get_autocast_dtype as get_autocast_dtype
from autograd_core.engine.casting import is_autocast_enabled as is_autocast_enabled


def is_autocast_available(device_type: str) -> bool:
    """Whether there is autocast for this kind of device."""
    return device_type in ("cpu", "cuda")
