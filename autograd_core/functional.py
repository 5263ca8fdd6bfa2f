"""The functional form of every operation, on Tensors. The registry fills it; `functional.pyi` lists it.

It is also the namespace `xp` in which a rule runs when the rule itself is recorded.
"""

from functools import partial

from autograd_core.families import attribute

__getattr__ = partial(attribute, "")
__all__: list[str] = []
