"""Linear algebra under the names of `torch.linalg`. The registry fills it."""

from functools import partial

from autograd_core.absent import refuse
from autograd_core.errors import LinAlgError as LinAlgError

__getattr__ = partial(refuse, "linalg")
__all__: list[str] = ["LinAlgError"]
