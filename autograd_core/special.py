"""Special functions under the names of `torch.special`. The registry fills it."""

from functools import partial

from autograd_core.families import attribute

__getattr__ = partial(attribute, "special")
__all__: list[str] = []
