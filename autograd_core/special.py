"""Special functions under the names of `torch.special`. The registry fills it."""

from functools import partial

from autograd_core.families import attribute
from autograd_core.families import names as _names

__getattr__, __dir__ = partial(attribute, "special"), partial(_names, "special")
__all__: list[str] = []
