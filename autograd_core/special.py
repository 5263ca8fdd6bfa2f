"""Special functions under the names of `torch.special`. The registry fills it."""

from functools import partial

from autograd_core.absent import refuse

__getattr__ = partial(refuse, "special")
__all__: list[str] = []
