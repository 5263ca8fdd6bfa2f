"""Linear algebra under the names of `torch.linalg`. The registry fills it."""

from functools import partial

from autograd_core.errors import LinAlgError as LinAlgError
from autograd_core.families import attribute
from autograd_core.families import names as _names

__getattr__, __dir__ = partial(attribute, "linalg"), partial(_names, "linalg")
__all__: list[str] = ["LinAlgError"]
