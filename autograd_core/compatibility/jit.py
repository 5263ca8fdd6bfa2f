"""PyTorch's `torch.jit`, `compiler`, `_dynamo` and `_inductor`: what leaves functions as they are, and says so."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from contextlib import nullcontext as TransformGetItemToIndex  # noqa: F401  tensors are indices as they are
from types import UnionType
from typing import Any, Union, get_args, get_origin
from typing import Final as Final

from autograd_core.compatibility import compiling as config  # noqa: F401  # torch.compiler.config
from autograd_core.compatibility.futures import Future
from autograd_core.compatibility.named import ScriptModule as ScriptModule
from autograd_core.compatibility.switches import compile as _as_written

eval_frame = sys.modules[__name__]  # `torch._dynamo.eval_frame` is asked for the type of compiled modules


def script(obj: Any, *_: Any, **options: Any) -> Any:
    """The function, class or module itself."""
    return obj


def trace(func: Any, *examples: Any, **options: Any) -> Any:
    """The function or module itself; example inputs are ignored."""
    return func


def make_fx(f: Callable[..., Any], *_: Any, **options: Any) -> Callable[..., Callable[..., Any]]:
    """A function that takes example inputs, which are ignored, and returns `f` itself."""
    return lambda *examples, **given: f


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value itself."""
    return the_value


def isinstance(obj: Any, target_type: Any) -> bool:  # noqa: A001  its public name
    """Whether an object is of a type such as `list[int]`, `dict[str, Tensor]`, `tuple[int, str]`, or of one of several.

    >>> isinstance({"a": [1]}, dict[str, list[int]]), isinstance((1, 2.0), tuple[int, int])
    (True, False)
    """
    origin, parts = get_origin(target_type), get_args(target_type)
    if origin in (Union, UnionType):
        target_type, origin = parts, None
    if builtins.isinstance(target_type, tuple):
        return any(isinstance(obj, kind) for kind in target_type)
    if origin is None or not builtins.isinstance(obj, origin):
        return origin is None and builtins.isinstance(obj, target_type)
    if origin is tuple:
        return len(obj) == len(parts) and all(map(isinstance, obj, parts))
    members = obj.items() if origin is dict else [(member,) for member in obj]
    return all(all(map(isinstance, member, parts)) for member in members)


def is_scripting() -> bool:
    """Whether the program is being compiled: no."""
    return False


class ScriptFunction:
    """The class of compiled functions, which programs test for: nothing is an instance."""


def fork(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
    """A future with the result of a call, which is made at once."""
    future: Future[Any] = Future()
    future._set(lambda: func(*args, **kwargs))
    return future


def wait(future: Future[Any]) -> Any:
    """The result of a `fork`."""
    return future.wait()


class TracerWarning(Warning):
    """A warning about traced functions, which programs ignore by name. It is never given."""


class OptimizedModule:
    """The type of compiled modules. There are none: modules stay as they are."""


is_tracing = is_compiling = is_exporting = is_dynamo_compiling = is_scripting
freeze = optimize_for_inference = script
export = ignore = unused = interface = script_if_tracing = allow_in_graph = _overload = _overload_method = _as_written
_script_if_tracing = _as_written
assume_constant_result = _as_written


def _assert(condition: Any, message: str) -> None:
    """Raise an AssertionError unless the condition holds; layers assert with it in PyTorch's traces."""
    if not condition:
        raise AssertionError(message)


def _assert_async(condition: Any, message: str = "Expected Tensor with single nonzero value, but got zero") -> None:
    """Raise a RuntimeError unless the condition, a tensor of one element, holds."""
    if not condition:
        raise RuntimeError(message)


def get_proxy_mode() -> None:
    """None: nothing is traced."""


def is_fake(x: Any) -> bool:
    """Whether a tensor has no elements because a program is being traced: no."""
    return False


def disable(fn: Callable[..., Any] | None = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """The function itself, or a decorator that returns it."""
    return _as_written(fn)


def is_compile_supported(device_type: str) -> bool:
    """Whether `compile` makes functions faster on a device: nowhere."""
    return False


def list_backends(exclude_tags: Any = ()) -> list[str]:
    """The names of compilers: there is none."""
    return []


def reset() -> None:
    """Forget what was compiled: nothing."""


def mark_dynamic(t: Any, index: Any = None, **bounds: Any) -> None:
    """Say which sizes of a tensor change from call to call: nothing depends on it."""


graph_break = cudagraph_mark_step_begin = reset
mark_static = mark_static_address = maybe_mark_dynamic = mark_dynamic
