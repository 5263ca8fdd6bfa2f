"""Functions that are called before and after the steps of an optimizer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core.tensor import Removable


class Watched:
    """What an optimizer has of hooks; while there are none, its `step` is called directly."""

    step: Callable[..., Any]
    _pre_hooks: tuple[Callable[..., Any], ...] | None = None
    _post_hooks: tuple[Callable[..., Any], ...] | None = None

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> Removable:
        """Call `hook(optimizer, args, kwargs)` before every step; what it returns, if anything, replaces both."""
        return self._register("_pre_hooks", hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> Removable:
        """Call `hook(optimizer, args, kwargs)` after every step."""
        return self._register("_post_hooks", hook)

    def _register(self, name: str, hook: Callable[..., Any]) -> Removable:
        setattr(self, name, (*(getattr(self, name) or ()), hook))
        self.__dict__["step"] = self._watched_step  # of this optimizer alone
        return Removable(self, name, hook)

    def _watched_step(self, *args: Any, **kwargs: Any) -> Any:
        for hook in self._pre_hooks or ():
            if (result := hook(self, args, kwargs)) is not None:
                args, kwargs = result
        value = type(self).step(self, *args, **kwargs)
        for hook in self._post_hooks or ():
            hook(self, args, kwargs)
        return value
