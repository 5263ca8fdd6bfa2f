"""Linear algebra under the names of `torch.linalg`. The registry fills it."""

from functools import partial

from autograd_core.errors import LinAlgError as LinAlgError
from autograd_core.families import attribute

__getattr__ = partial(attribute, "linalg")
__all__: list[str] = ["LinAlgError"]
