"""User-defined operations on Tensors with their own backward."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from autograd_core.autograd.function_nodes import Context, FunctionOperation, handed_out, recorded
from autograd_core.engine.libraries import LAYERS, VMAP, depth_of
from autograd_core.engine.versions import record_writes
from autograd_core.errors import HigherOrderError, OperandError, VmapError
from autograd_core.grad_mode import grad_enabled, no_grad
from autograd_core.tensor import Tensor, own_scalar

FunctionCtx = Context  # PyTorch's name, for annotations


class Function:
    """Base of user-defined operations: static methods `forward(ctx, ...)` and `backward(ctx, *gradients)`.

    Call `apply`. `backward` gets one gradient per output and returns one per argument of `forward`, or None. If it is
    written with tensor operations, it can itself be differentiated. As in PyTorch, `forward(...)` can leave `ctx` to a
    second method, `setup_context(ctx, inputs, output)`. Inside `func.vmap` a method `vmap(info, in_dims, *args)`, if
    there is one, gets the values of all `info.batch_size` samples; it returns outputs and their axes of samples. A
    method `jvp(ctx, *tangents)` takes the place of a missing `backward`: gradients are those of its linear map.

    >>> from autograd_core import Function, tensor
    >>> class Cube(Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x**3
    ...
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return g * 3 * x**2
    >>> x = tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor(12.)
    """

    setup_context: Any = None
    vmap: Any = None
    jvp: Any = None

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the value: a Tensor or a tuple of them."""
        raise NotImplementedError("a Function needs a static method forward(ctx, ...)")

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Compute the gradient of every argument of `forward` from the gradient of every output."""
        raise NotImplementedError("a Function needs a static method backward(ctx, *gradients)")

    def __call__(self, *args: Any) -> Any:
        """Not supported: a Function is called by its class."""
        raise RuntimeError(f"a Function has no instances to call; write {type(self).__name__}.apply(...)")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Compute `forward` and record it."""
        if cls.setup_context is not None:  # setup_context gets the defaults too
            bound = inspect.signature(cls.forward).bind(*args)
            bound.apply_defaults()
            args = bound.args
        if LAYERS:
            if cls.vmap is not None and (result := VMAP.by_rule(cls.vmap, args)) is not NotImplemented:
                return result
            args = _entered(args)
        ctx = Context()
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        try:
            result = cls._value(ctx, args)
        except VmapError as e:  # forward reads values, which differ between samples
            return VMAP.one_by_one(cls.apply, args, {}, e)
        several = isinstance(result, tuple | list)
        outputs = tuple(result) if several else (result,)
        tensors = tuple([t for t in outputs if isinstance(t, Tensor)])
        if ctx._written:
            _check_written(ctx, tensors)
        given, node = {id(a) for a in args}, None
        if tensors and grad_enabled() and any(ctx.needs_input_grad):
            by_jvp = cls.backward is Function.backward and cls.jvp is not None
            o = FunctionOperation(cls, args, result, not ctx._materialized, by_jvp)
            node = recorded(o, ctx, args, tensors, given)
        made = handed_out(cls.__name__, ctx, tensors, given, node)
        if not several:
            return made[0] if tensors else result
        if len(made) < len(outputs):
            rest = iter(made)
            made = [next(rest) if isinstance(t, Tensor) else t for t in outputs]
        return made if isinstance(result, list) else tuple(made)

    @classmethod
    @no_grad()
    def _value(cls, ctx: Context, args: tuple[Any, ...]) -> Any:
        if cls.setup_context is None:
            return cls.forward(ctx, *args)
        result = cls.forward(*args)
        cls.setup_context(ctx, args, result)
        return result


def _entered(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments, those with a graph inside the calls of `vmap` that others are in: it sums their gradients."""
    deepest = max([a for a in args if isinstance(a, Tensor)], key=lambda a: depth_of(a.array), default=None)
    if deepest is None or not depth_of(deepest.array):
        return args
    return tuple([VMAP.lifted([a, deepest])[0] if isinstance(a, Tensor) and a.node is not None else a for a in args])


def _check_written(ctx: Context, outputs: tuple[Tensor, ...]) -> None:
    """Count the writes to arguments that are marked dirty; they must be returned, because they go on as outputs."""
    if not {id(t) for t in ctx._written} <= {id(t) for t in outputs}:
        raise OperandError(
            "mark_dirty(): what forward() writes in place it must return; an argument is not among the outputs"
        )
    for t in ctx._written:
        own_scalar(t)
    record_writes([t.array for t in ctx._written], 3)


InplaceFunction = Function  # PyTorch's name for one that may write its arguments


class _Final(Function):
    """The identity of a value whose dependence on others cannot be differentiated."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, *_: Any) -> Tensor:
        return value.detach()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        raise HigherOrderError("differentiating twice through a backward that is marked @once_differentiable")


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a `Function.backward` whose operations are not recorded: a second derivative through it raises."""

    @functools.wraps(backward)
    def once(ctx: Any, *gradients: Tensor | None) -> Any:
        with no_grad():
            grads = backward(ctx, *gradients)
        several = isinstance(grads, tuple | list)
        final = [v if v is None else _Final.apply(v, *gradients) for v in (grads if several else (grads,))]
        return tuple(final) if several else final[0]

    return once
