"""Saved-tensor hooks: user functions pack what a graph saves, and unpack it when a walk needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

from autograd_core.engine.anomaly import observed
from autograd_core.engine.libraries import is_array
from autograd_core.engine.nodes import Leaf, Node
from autograd_core.engine.stand_ins import Kept
from autograd_core.engine.versions import version
from autograd_core.grad_mode import no_grad
from autograd_core.tensor import Tensor, wrap

_hooks: ContextVar[saved_tensors_hooks | None] = ContextVar("saved_tensors_hooks", default=None)
_forbidden: ContextVar[str | None] = ContextVar("saved_tensors_hooks_forbidden", default=None)
innermost = _hooks.get


class saved_tensors_hooks:
    """Within this block every tensor saved for backward passes `pack_hook`, whose result, of any type, is kept instead;
    `unpack_hook` converts it back to a tensor whenever a walk needs it.

    Of nested blocks the innermost counts. A saved result is passed without its node, because keeping it would make a
    reference cycle. Recording costs a few microseconds more within the block.

    >>> from autograd_core import float16, float32, tensor
    >>> x = tensor([0.1, 0.2], requires_grad=True)
    >>> with saved_tensors_hooks(lambda t: t.to(float16), lambda t: t.to(float32)):
    ...     y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    tensor([0.2000, 0.3999])
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook
        self._exits: list[ExitStack] = []

    def __enter__(self) -> None:
        if (message := _forbidden.get()) is not None:
            raise RuntimeError(message)
        with ExitStack() as stack:
            stack.callback(_hooks.reset, _hooks.set(self))
            stack.enter_context(observed(self._observe))
            self._exits.append(stack.pop_all())

    def __exit__(self, *_: object) -> None:
        self._exits.pop().close()

    def _observe(self, number: int, frame: Any) -> None:
        n = frame.f_locals["n"]
        if innermost() is self and n.op.__class__ is not _Packed:  # as by another block of the same hooks
            self.pack_node(n)

    def pack_node(self, n: Node) -> None:
        """Pass the saved values of a new node through the hooks."""
        if n.op.holds:
            inputs: Any = n.parents if n.op.variadic else dict(zip(n.op.inputs, n.parents, strict=True))
            n.saved = ([self._replaced(n.op, name, v, inputs) for name, v in zip(n.op.keep, n.saved, strict=True)],)
            n.op = _Packed(n.op)

    def _replaced(self, op: Any, name: str, value: Any, inputs: Any) -> Any:
        if name in op.statics:
            return value
        if value.__class__ is not tuple:
            return self.pack(_tensor(value, inputs.get(name))) if is_array(value) else value
        nodes = inputs if name in op.inputs else (None,) * len(value)
        return tuple([self.pack(_tensor(a, p)) if is_array(a) else a for a, p in zip(value, nodes, strict=True)])

    def pack(self, t: Tensor) -> Packed:
        """Apply the pack hook to a tensor."""
        return Packed(self.pack_hook, self.unpack_hook, t)


class Packed:
    """A saved tensor in packed form."""

    def __init__(self, pack: Callable[[Tensor], Any], unpack: Callable[[Any], Tensor], original: Tensor) -> None:
        before = version(original)
        with no_grad():
            self._packed = pack(original)
        if version(original) != before:
            raise RuntimeError("a pack hook wrote its input in place; let it work on a .clone()")
        self._unpack, self._node = unpack, original.node
        self._shape, self._dtype = original.shape, original.dtype

    def tensor(self) -> Tensor:
        """The unpacked tensor, with the node and the dtype that it had: rules rely on what their forward saved."""
        t = self._unpack(self._packed)
        if not isinstance(t, Tensor):
            raise TypeError(f"an unpack hook must return a Tensor, not {type(t).__name__}")
        if t.shape != self._shape:
            raise RuntimeError(f"an unpack hook returned a tensor of shape {t.shape} for one of shape {self._shape}")
        return wrap(t.detach().to(self._dtype).array, self._node)


class _Packed(Kept):
    """The stand-in of a node whose saved values are packed."""

    keep = ("packed",)

    def restored(self, n: Node) -> tuple[Any, Any]:
        return self.op, tuple(map(_array, n.saved[0]))


def _array(value: Any) -> Any:
    if value.__class__ is tuple:
        return tuple(map(_array, value))
    return value.tensor().array if value.__class__ is Packed else value


def _tensor(array: Any, node: Any) -> Tensor:
    """The leaf itself if it still exists, else a tensor with its node."""
    leaf = node.tensor() if node.__class__ is Leaf else None
    return leaf if leaf is not None and leaf.array is array else wrap(array, node)


def save_on_cpu(pin_memory: bool = False, device_type: str = "cuda") -> AbstractContextManager[None]:
    """Within this block saved values are kept on the CPU, and return to their device when a walk needs them.

    pin_memory: use page-locked memory.
    """

    def pack(t: Tensor) -> tuple[Any, Tensor]:
        host = t.detach().to("cpu")
        return t.device, host.pin_memory() if pin_memory else host

    return saved_tensors_hooks(pack, lambda packed: packed[1].to(packed[0], non_blocking=pin_memory))


def allow_mutation_on_saved_tensors() -> AbstractContextManager[None]:
    """Within this block copies are saved for backward, so that all tensors can be written in place."""
    return saved_tensors_hooks(lambda t: t.detach().clone(), lambda t: t)


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Within this block `saved_tensors_hooks` raise a RuntimeError with this message."""
    if innermost() is not None:
        raise RuntimeError(error_message)
    token = _forbidden.set(error_message)
    try:
        yield
    finally:
        _forbidden.reset(token)
