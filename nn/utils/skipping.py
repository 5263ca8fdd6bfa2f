"""Construction of models without initialising their parameters."""

from collections.abc import Callable
from typing import Any

from nn.init import SKIPPED
from nn.module import Module


def skip_init(module_cls: Callable[..., Module], *args: Any, **kwargs: Any) -> Module:
    """Construct a module or model without initialising its weights, which takes most of the time; load them before use.

    >>> from nn.models import vgg16
    >>> sum(p.numel() for p in skip_init(vgg16).parameters())
    138357544
    """
    token = SKIPPED.set(True)
    try:
        return module_cls(*args, **kwargs)
    finally:
        SKIPPED.reset(token)
