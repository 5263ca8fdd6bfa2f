"""The functional form: every operation as a function on Tensors. The registry fills it; `functional.pyi` lists it.

It is also the closed namespace `xp` in which a rule runs when its own result is recorded.
"""

from functools import partial

from autograd_core.families import attribute

__getattr__ = partial(attribute, "")
__all__: list[str] = []
