"""Hooks of optimizers, called around steps and around saving and loading of state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core.nodes import Removable

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
        there = getattr(self, name) or ()
        setattr(self, name, (hook, *there) if prepend else (*there, hook))
        method = name[1:].rpartition("_")[0]
        self.__dict__[method] = getattr(self, f"_watched_{method}")  # of this optimizer alone
        return Removable(self, name, hook)

    def _watched_step(self, *args: Any, **kwargs: Any) -> Any:
        for hook in self._step_pre or ():
            if (result := hook(self, args, kwargs)) is not None:
                args, kwargs = result
        value = type(self).step(self, *args, **kwargs)
        for hook in self._step_post or ():
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
