"""The functional form of every operation, on Tensors. The registry fills it; `functional.pyi` lists it.

It is also the namespace `xp` in which a rule runs when the rule itself is recorded.
"""

from functools import partial

from autograd_core.families import attribute
from autograd_core.families import names as _names

__getattr__, __dir__ = partial(attribute, ""), partial(_names, "")
__all__: list[str] = []
