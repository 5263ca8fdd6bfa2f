"""What a call of a user-defined `Function` leaves behind: context and node, and its operation as the walk sees it."""

from __future__ import annotations

import inspect
from itertools import repeat
from typing import Any

from autograd_core import dtypes
from autograd_core.autograd.gradients import grad
from autograd_core.autograd.packing import Packed, innermost
from autograd_core.engine.inplace import rebase
from autograd_core.engine.libraries import ELSEWHERE, VMAP
from autograd_core.engine.nodes import Node, Pick, record
from autograd_core.engine.stand_ins import uncovered
from autograd_core.engine.versions import View, note_view
from autograd_core.errors import OperandError, VmapError
from autograd_core.grad_mode import grad_enabled, set_grad_enabled
from autograd_core.kinds import CAST
from autograd_core.tensor import Tensor, as_plain, own_scalar, wrap


class Context:
    """Passes values from `forward` to `backward`: saved tensors and arbitrary attributes."""

    needs_input_grad: tuple[bool, ...] = ()
    saved_tensors: tuple[Any, ...] = ()  # set while `backward` runs

    def __init__(self) -> None:
        self._kept: tuple[Any, ...] = ()
        self._constant: set[int] = set()
        self._written: tuple[Tensor, ...] = ()
        self._materialized = True

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Save inputs or outputs (or None) for backward, which reads them from `saved_tensors`."""
        self._kept = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Save inputs or outputs for `jvp`, where that takes the place of `backward`; else without effect."""
        self._kept = self._kept or tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Declare outputs that carry no gradient."""
        self._constant.update(id(t) for t in tensors)

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Declare arguments that were written in place and returned."""
        self._written = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether `backward` gets zeros, or None, for an output that no gradient reaches."""
        self._materialized = value


class FunctionNode(Node):
    """The node of a `Function`; it shows the attributes of the context and, until they are released, saved tensors."""

    __slots__ = ("context",)
    context: Context

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What `forward` saved for backward."""
        op, (context, y, _) = uncovered(self)
        return tuple([_saved(t, y if op.outputs else (y,)) for t in context._kept])

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "saved" and not value:  # what is released is released from the context too
            self.context._kept = ()

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "context"), name)


class FunctionOperation:
    """The operation, as the walk and pictures see it, of one subclass of Function."""

    kind, keep, statics = CAST, ("context", "y", "saved"), ("context", "saved")
    rules: tuple[Any, ...] = ()
    residuals: tuple[str, ...] = ()
    detached: tuple[str, ...] = ()
    variadic = plain = view = False
    before = composite = None
    holds, holomorphic = True, False  # the user's backward is right for complex numbers as it is

    def __init__(self, function: Any, args: tuple[Any, ...], result: Any, partial: bool, by_jvp: bool) -> None:
        self.name = self.symbol = function.__name__
        self.doc = function.__doc__
        self.partial = partial
        self.tangents: Any = None
        self.products: Any = None  # what `jvp`, in place of a missing backward, made of the tangents
        if by_jvp:
            self.tangents = [a.new_zeros(a.shape) if isinstance(a, Tensor) else None for a in args]
        likes = [(a.shape, a.dtype, a.is_leaf) if isinstance(a, Tensor) else None for a in args]
        self.likes: tuple[Any, ...] = tuple(likes)
        self.function, self.outputs = function, ... if isinstance(result, tuple | list) else None
        self.made = [isinstance(t, Tensor) for t in result] if self.outputs else [True]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the arguments."""
        return tuple([f"argument {i}" for i in range(len(self.likes))])

    @property
    def public(self) -> tuple[Any, ...]:
        """The signature, as pictures show it."""
        return tuple([(name, None, inspect.Parameter.empty) for name in self.inputs])

    def joint(self, xp: Any, g: Any, saved: Any, needs: tuple[bool, ...]) -> list[Any]:
        """The user's backward, on Tensors; on the fast path their arrays are unwrapped again."""
        ctx, y, _ = saved
        cotangents, outputs = (g, y or ()) if self.outputs else ((g,), (y,))
        recorded = any(isinstance(c, Tensor) for c in cotangents)
        arriving = map(_tensor, cotangents)  # none for an output that is no tensor
        args = ctx, [_saved(t, outputs) for t in ctx._kept], [next(arriving) if made else None for made in self.made]
        with set_grad_enabled(recorded):
            try:
                grads = self._backward(*args)
            except VmapError as e:  # it reads values, or writes them to a tensor from outside
                grads = VMAP.one_by_one(self._backward, args, {}, e)
        grads = grads if isinstance(grads, tuple | list) else (grads,)
        if len(grads) < len(needs) or any(v is not None for v in grads[len(needs) :]):
            raise OperandError(
                f"{self.name}.backward returned {len(grads)} gradients for {len(needs)} arguments of forward; "
                "return one for each, None if there is none"
            )
        with set_grad_enabled(recorded):
            fitting = [self._fitting(i, v) if n else None for i, (v, n) in enumerate(zip(grads, needs, strict=False))]
        # As views, which a leaf copies: the user may keep what backward returned.
        return [v if v is None or recorded else v.array[...] for v in fitting]

    def _backward(self, ctx: Any, saved: list[Any], gradients: list[Any]) -> Any:
        ctx.saved_tensors = tuple(saved)
        try:
            return (self._transposed if self.tangents else self.function.backward)(ctx, *gradients)
        finally:
            del ctx.saved_tensors  # recorded outputs would make a reference cycle

    def _transposed(self, ctx: Context, *gradients: Any) -> Any:
        """The backward of a `jvp`, a linear map: the gradients of its product with `gradients` by the tangents."""
        recorded = grad_enabled()
        wanted = [t.requires_grad_() for t, needed in zip(self.tangents, ctx.needs_input_grad, strict=True) if needed]
        if self.products is None:  # once, as in PyTorch: it may take from the context what it needs
            with set_grad_enabled(True):
                y = self.function.jvp(ctx, *self.tangents)
            self.products = y if isinstance(y, tuple | list) else (y,)
        reached = zip(self.products, gradients, strict=True)
        pairs = [(t, g) for t, g in reached if t is not None and t.requires_grad and g is not None]
        found: Any = repeat(None)
        if pairs:
            outputs, seeds = zip(*pairs, strict=True)
            found = iter(grad(outputs, wanted, seeds, retain_graph=True, create_graph=recorded, allow_unused=True))
        return [next(found) if needed else None for needed in ctx.needs_input_grad]

    def _fitting(self, i: int, g: Any) -> Tensor | None:
        """The gradient of argument `i` in its dtype and shape, summed over broadcast axes."""
        if g is None:
            return g
        if not isinstance(g, Tensor):
            kind = type(g).__name__
            raise TypeError(f"{self.name}.backward must return Tensors or None, but for argument {i} gives {kind}")
        g, (shape, dtype, leaf) = as_plain(g), self.likes[i]
        if not leaf and g.array.__class__ in ELSEWHERE:  # what the rules of operations cannot take
            g = g.to_dense()
        try:
            return (g if g.shape == shape else g.sum_to_size(shape)).to(dtype=dtype)
        except RuntimeError:
            raise OperandError(
                f"{self.name}.backward returned a gradient of shape {g.shape} for argument {i} of "
                f"forward, whose shape is {shape}"
            ) from None

    def __repr__(self) -> str:
        return self.name


def recorded(
    o: FunctionOperation, ctx: Context, args: tuple[Any, ...], outputs: tuple[Tensor, ...], given: set[int]
) -> FunctionNode:
    """The node of a call; saved outputs are kept as arrays, because Tensors would make a cycle."""
    if ctx._written:
        given = given - {id(t) for t in ctx._written}
    new = {id(t): i for i, t in enumerate(outputs) if id(t) not in given}
    if o.function.setup_context is not None and any(t is y for t in ctx._kept for y in outputs if id(y) in given):
        raise OperandError(
            f"{o.name}: forward() returned an argument as it is, and setup_context() saved it, which may "
            "mean the argument or the output; return a view of it, x.view_as(x)"
        )
    for name, value in vars(ctx).items():
        if value.__class__ is Tensor and id(value) in new:
            setattr(ctx, name, value.detach())  # the output itself would make a cycle
    kept, saved = [], []
    for t in ctx._kept:
        kept.append(new.get(id(t), t))
        if kept[-1] is t and isinstance(t, Tensor):
            own_scalar(t)
            saved.append(t.array)  # so that writes are noticed
    needed = {t for t in kept if t.__class__ is int}
    arrays = tuple([t.array for t in outputs])
    y: Any = tuple([a if i in needed else None for i, a in enumerate(arrays)]) if o.outputs else arrays[0]
    if hooks := innermost():
        kept, saved = [hooks.pack(t) if isinstance(t, Tensor) else t for t in kept], []
    ctx._kept = tuple(kept)
    node: FunctionNode = record(
        o,
        tuple([a.node if isinstance(a, Tensor) else None for a in args]),
        (ctx, y if needed else None, tuple(saved)),
        FunctionNode,
    )
    node.context = ctx
    node.shapes = tuple([(a.shape, a.dtype) for a in arrays]) if o.outputs else None
    if hooks:
        hooks.pack_node(node)
    return node


def handed_out(
    name: str, ctx: Context, outputs: tuple[Tensor, ...], given: set[int], node: FunctionNode | None
) -> list[Tensor]:
    """The outputs with their nodes: what `forward` made itself, or views of arguments that it returned."""
    made = []
    for i, t in enumerate(outputs):
        own = node
        if node is not None:
            if t.array.dtype.kind not in dtypes.INEXACT or id(t) in ctx._constant:
                own = None
            elif node.op.outputs:
                own = record(Pick, (node,), (i, len(outputs)))
        y = t
        if ctx._written and any(t is w for w in ctx._written) and (own is not None or t.node is None):
            if own is not None:
                rebase(t, own)
        else:
            if id(t) in given or t.node is not None:
                y = _shared(t, own)
            if hasattr(y, "_alias") and y._alias.__class__ is View:
                y._alias.by = name
            y.node = own
        made.append(y)
    return made


def _shared(t: Tensor, node: Any) -> Tensor:
    """Another tensor on the same memory: a view, unless it is to have no gradient while `t` has one."""
    own_scalar(t)
    y = wrap(t.array[...])
    if node is not None or t.node is None:
        note_view(y, t, None, {})
    return y


def _saved(kept: Any, outputs: Any) -> Any:
    """A saved tensor, from the form in which it was kept."""
    if isinstance(kept, int):
        return _tensor(outputs[kept])
    return kept.tensor() if isinstance(kept, Packed) else kept


def _tensor(value: Any) -> Any:
    return value if value is None or isinstance(value, Tensor) else wrap(value)
