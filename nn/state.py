"""State dicts: what a module saves and loads, and hooks around both."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar

from autograd_core import Tensor
from autograd_core.engine.nodes import Removable
from nn.hooks import Hook
from nn.loading import IncompatibleKeys, Load, copy_values, mismatches, refuse
from nn.parts import REGISTRIES

EXTRA = "_extra_state"  # the key of a module's extra state
SAVE, SAVED, LOAD, LOADED = "before saving", "after saving", "before loading", "after loading"


def _without_module(hook: Callable[..., Any], _: Any, *args: Any) -> Any:
    return hook(*args)


class Stateful:
    """The state of a module, and the hooks around saving and loading."""

    _parameters: dict[str, Tensor | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]
    named_modules: Callable[..., Iterator[tuple[str, Any]]]
    _optional_keys: ClassVar[tuple[str, ...]] = ()  # files from elsewhere may lack them
    _version: int = 1  # of the form of the state, which is saved with it, so that a module can convert older forms
    _state_hooks: tuple[Hook, ...] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """For `pickle` and `deepcopy`: computed tensors, such as a pruned weight, are stored without their graph."""
        return {k: v.detach() if isinstance(v, Tensor) and not v.is_leaf else v for k, v in vars(self).items()}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)
        for name in REGISTRIES:
            object.__setattr__(self, name, state[name])

    def state_dict(
        self, *, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """Parameters and persistent buffers by path: detached tensors that share their storage.

        destination: the dict to fill. keep_vars: return the tensors themselves, not detached. Modules that define
        `get_extra_state` and `set_extra_state` store a value under "_extra_state".
        """
        state: dict[str, Any] = OrderedDict() if destination is None else destination
        local = {"version": self._version}
        if isinstance(state, OrderedDict):  # whose attributes are saved with it
            vars(state).setdefault("_metadata", {})[prefix.rstrip(".")] = local
        for hook in self._hooks_of_state(SAVE):
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(state, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=state, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._hooks_of_state(SAVED):
            found = hook(self, state, prefix, local)
            state = state if found is None else found
        return state

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """Save what belongs to this module alone; programs override it to save more, or less."""
        destination.update({prefix + name: t if keep_vars else t.detach() for name, t, _ in self._own_state()})
        if hasattr(self, "get_extra_state"):
            destination[prefix + EXTRA] = self.get_extra_state()

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy values into parameters and buffers.

        assign: use the given tensors, with their dtype and device, instead of copying. Mismatched shapes and, if
        `strict`, missing and unexpected keys raise a RuntimeError that lists them all; nothing has changed then, unless
        hooks wait for the end of the load, which may excuse keys, or modules override `_load_from_state_dict`.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(
                f"Expected state_dict to be dict-like, got {type(state_dict).__name__}; a file is read by load(path)"
            )
        load, keys, errors = Load(state_dict, assign), IncompatibleKeys([], []), list[str]()
        versions = getattr(state_dict, "_metadata", {})
        modules = [(path + "." if path else "", m) for path, m in self.named_modules(remove_duplicate=False)]
        for prefix, module in modules:
            local = dict(versions.get(prefix.rstrip("."), {}))
            module._load_from_state_dict(load, prefix, local, True, *keys, errors)  # strict or not, as in PyTorch
        keys.unexpected_keys.extend(load.unexpected([prefix for prefix, _ in modules]))
        hooks = [(hook, module) for _, module in modules for hook in module._hooks_of_state(LOADED)]
        name = type(self).__name__
        refuse(name, (keys.problems() if strict and not hooks else []) + errors + mismatches(load.waiting))
        copy_values(load.waiting, assign)
        for hook, module in reversed(hooks):
            hook(module, keys)
        if strict:
            refuse(name, keys.problems())
        return keys

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Call this module's hooks, and look up what belongs to this module alone, to be copied if nothing is wrong.

        Programs override it to rename keys in `state_dict`, to excuse missing ones, or to load something themselves.
        """
        for hook in self._hooks_of_state(LOAD):
            hook(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        targets: list[tuple[str, Any, bool]] = [(prefix + name, t, optional) for name, t, optional in self._own_state()]
        if hasattr(self, "set_extra_state"):
            targets.append((prefix + EXTRA, self, False))
        missing_keys.extend([key for key, _, optional in targets if key not in state_dict and not optional])
        if isinstance(state_dict, Load):
            state_dict.keys_of[prefix] = [key for key, _, _ in targets]
            found = [(key, t, state_dict[key]) for key, t, _ in targets if key in state_dict]
            if type(self)._load_from_state_dict is Stateful._load_from_state_dict:
                state_dict.waiting += found
            elif problems := mismatches(found):
                error_msgs += problems
            else:  # at once, because the override may go on with the values
                copy_values(found, state_dict.assign)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Removable:
        """Call `hook(module, prefix, keep_vars)` before this module's state is saved, also as part of others."""
        return self._register_state_hook(SAVE, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> Removable:
        """Call `hook(module, state_dict, prefix, local_metadata)` afterwards; it may change the dict."""

        def checked(*args: Any) -> None:
            if hook(*args) is not None:
                raise RuntimeError("a hook of register_state_dict_post_hook() changes the dict and returns None")

        return self._register_state_hook(SAVED, checked)

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> Removable:
        """Like `register_state_dict_post_hook`, but a dict that the hook returns is the module's state instead."""
        return self._register_state_hook(SAVED, hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Removable:
        """Call `hook(module, state_dict, prefix, local_metadata, strict, [], [], error_msgs)` before a load.

        It may change the dict, which is a copy, for example to rename keys, and add messages that make the load fail.
        """
        return self._register_state_hook(LOAD, hook)

    def _register_load_state_dict_pre_hook(self, hook: Callable[..., Any], with_module: bool = False) -> Removable:
        """The older, private form, whose hook is not given the module."""
        return self.register_load_state_dict_pre_hook(hook if with_module else partial(_without_module, hook))

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> Removable:
        """Call `hook(module, incompatible_keys)` after a load; it may clear both lists of keys, or add to them."""
        return self._register_state_hook(LOADED, hook)

    def _register_state_hook(self, kind: str, function: Callable[..., Any]) -> Removable:
        hook = Hook(kind, function)
        self._state_hooks = (*(self._state_hooks or ()), hook)
        return Removable(self, "_state_hooks", hook)

    def _hooks_of_state(self, kind: str) -> list[Callable[..., Any]]:
        return [hook.function for hook in self._state_hooks or () if hook.kind == kind]

    def _own_state(self) -> Iterator[tuple[str, Tensor, bool]]:
        """Name, tensor, and whether a file may omit it, without submodules."""
        saved = [(k, t) for k, t in self._buffers.items() if k not in self._non_persistent_buffers_set]
        for name, t in [*self._parameters.items(), *saved]:
            if t is not None:
                yield name, t, name in self._optional_keys
