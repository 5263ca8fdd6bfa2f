"""Hooks of optimizers, called around steps and around saving and loading of state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from autograd_core.engine.nodes import Removable, add_hook

Hooks = tuple[Callable[..., Any], ...] | None


class Watched:
    """The hooks of an optimizer; methods without hooks are called directly."""

    step: Callable[..., Any]
    state_dict: Callable[..., Any]
    load_state_dict: Callable[..., Any]
    _step_pre: Hooks = None
    _step_post: Hooks = None
    _state_dict_pre: Hooks = None
    _state_dict_post: Hooks = None
    _load_state_dict_pre: Hooks = None
    _load_state_dict_post: Hooks = None

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> Removable:
        """Call `hook(optimizer, args, kwargs)` before every step; a result other than None replaces both."""
        return self._register("_step_pre", hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> Removable:
        """Call `hook(optimizer, args, kwargs)` after every step."""
        return self._register("_step_post", hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Removable:
        """Call `hook(optimizer)` before `state_dict()`. prepend: before the existing hooks."""
        return self._register("_state_dict_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Removable:
        """Call `hook(optimizer, state)` after `state_dict()`; a result other than None replaces the state."""
        return self._register("_state_dict_post", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Removable:
        """Call `hook(optimizer, state)` before a state is loaded; a result other than None is loaded instead."""
        return self._register("_load_state_dict_pre", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Removable:
        """Call `hook(optimizer)` after a state was loaded."""
        return self._register("_load_state_dict_post", hook, prepend)

    def _register(self, name: str, hook: Callable[..., Any], prepend: bool = False) -> Removable:
        handle = add_hook(self, name, hook, first=prepend)
        method = name[1:].rpartition("_")[0]
        self.__dict__[method] = getattr(self, f"_watched_{method}")  # of this optimizer alone
        return handle

    def _patch_step_function(self) -> None:
        """Call the hooks of all optimizers around the steps of this one too."""
        _optimizers.add(self)
        if Everywhere.pre or Everywhere.post:
            self.__dict__["step"] = self._watched_step

    def _watched_step(self, *args: Any, **kwargs: Any) -> Any:
        for hook in (*(Everywhere.pre or ()), *(self._step_pre or ())):
            if (result := hook(self, args, kwargs)) is not None:
                if not isinstance(result, tuple) or len(result) != 2:
                    raise RuntimeError(f"a hook before a step returns None or a tuple (args, kwargs), not {result!r}")
                args, kwargs = result
        value = type(self).step(self, *args, **kwargs)
        for hook in (*(self._step_post or ()), *(Everywhere.post or ())):
            hook(self, args, kwargs)
        return value

    def _watched_state_dict(self) -> Any:
        for hook in self._state_dict_pre or ():
            hook(self)
        state = type(self).state_dict(self)
        for hook in self._state_dict_post or ():
            if (result := hook(self, state)) is not None:
                state = result
        return state

    def _watched_load_state_dict(self, state_dict: Any) -> None:
        state_dict = dict(state_dict)  # hooks may change it
        for hook in self._load_state_dict_pre or ():
            if (result := hook(self, state_dict)) is not None:
                state_dict = result
        type(self).load_state_dict(self, state_dict)
        for hook in self._load_state_dict_post or ():
            hook(self)


class Everywhere:
    """The hooks of all optimizers."""

    pre: Hooks = None
    post: Hooks = None


_optimizers: WeakSet[Watched] = WeakSet()


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> Removable:
    """Call `hook(optimizer, args, kwargs)` before every step of any optimizer, ahead of the optimizer's own hooks; a
    result other than None replaces both.
    """
    return _register_everywhere("pre", hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> Removable:
    """Call `hook(optimizer, args, kwargs)` after every step of any optimizer, and after the optimizer's own hooks."""
    return _register_everywhere("post", hook)


def _register_everywhere(when: str, hook: Callable[..., Any]) -> Removable:
    handle = add_hook(Everywhere, when, hook)
    for optimizer in _optimizers:
        optimizer._patch_step_function()
    return handle
