"""The graph of an ONNX file while it is written: names of values, nodes, and stored arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from autograd_core.errors import TracingError
from autograd_core.tracing import Call, Value

Array = Any
OPERATIONS: dict[str, Callable[..., Any]] = {}  # name of an operation -> what writes its nodes


class Ref(str):
    """The name of a value in the file, with the value's shape and dtype for the example."""

    shape: tuple[int, ...]
    dtype: Any

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)


def writes(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The decorated function writes the nodes of these operations: (writer, operands..., parameters) -> results."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        OPERATIONS.update(dict.fromkeys(names, function))
        return function

    return register


class Writer:
    """Nodes and stored arrays. Calling it with a node type and its inputs adds a node and returns its output.

    names: by id of an array, the name under which it is stored. dynamic: whether axes may have other lengths than in
    the example.
    """

    def __init__(self, onnx: ModuleType, names: Mapping[int, str], dynamic: bool) -> None:
        self.onnx, self.dynamic = onnx, dynamic
        self.nodes: list[Any] = []
        self.stored: dict[str, Array] = {}
        self._names, self._refs = names, dict[Any, Ref]()
        self._count = 0
        self.results: tuple[Value, ...] = ()  # of the call that is being written

    def __call__(
        self, kind: str, *inputs: Any, outputs: int = 1, shape: tuple[int, ...] | None = None, **attributes: Any
    ) -> Any:
        """Add a node. Inputs are references, arrays, numbers, which get the dtype of the first reference, or None.

        shape: of the output, if it is needed before the last node of the operation.
        """
        like = next((x.dtype for x in inputs if isinstance(x, Ref)), None)
        refs = [x if isinstance(x, Ref) else "" if x is None else self.constant(_array(x, like)) for x in inputs]
        while refs and not refs[-1]:
            refs.pop()
        found = [self._fresh(kind, like, shape) for _ in range(outputs)]
        given = {k: v for k, v in attributes.items() if v is not None}
        self.nodes.append(self.onnx.helper.make_node(kind, refs, found, name=found[0], **given))
        return found[0] if outputs == 1 else tuple(found)

    def _fresh(self, kind: str, dtype: Any, shape: Any) -> Ref:
        self._count += 1
        ref = Ref(f"{kind.lower()}_{self._count}")
        ref.dtype, ref.shape = dtype, shape
        return ref

    def constant(self, array: Array) -> Ref:
        """A stored array; equal ones are stored once."""
        array = np.asarray(array)
        key = id(array) if id(array) in self._names else (array.dtype, array.shape, array.tobytes())
        ref = self._refs.get(key)
        if ref is None:
            self._count += 1
            ref = Ref(self._names.get(id(array), f"constant_{self._count}"))
            ref.shape, ref.dtype = array.shape, array.dtype
            self.stored[ref] = array
            self._refs[key] = ref
        return ref

    def define(self, value: Value, name: str) -> Ref:
        """Let a value, such as an input, have this name."""
        ref = self._refs[value] = Ref(name)
        ref.shape, ref.dtype = value.held.shape, value.held.dtype
        return ref

    def ref(self, operand: Any) -> Any:
        """The reference of an operand of a call; numbers and None stay as they are."""
        if isinstance(operand, Value):
            return self._refs[operand]
        return self.constant(operand) if isinstance(operand, np.ndarray | np.generic) else operand

    def write(self, call: Call) -> None:
        """Write the nodes of one call."""
        write = OPERATIONS.get(call.op.name) or OPERATIONS[""]
        self.results = call.results
        operands = [self.ref(operand) for operand in call.operands]
        if self.dynamic and call.op.kind.broadcasts:
            operands = [self.one_row(x) if x in self.stored and x.ndim == self.rank else x for x in operands]
        found = write(self, *operands, **call.statics) if write is not OPERATIONS[""] else write(self, call, *operands)
        for value, name in zip(call.results, found if call.op.outputs else (found,), strict=True):
            if name is not None:
                self.define(value, name)

    @property
    def rank(self) -> int:
        """The number of axes of the result."""
        return len(self.results[0].held.shape)

    def one_row(self, ref: Ref) -> Ref:
        """A stored array whose rows are equal, as one row that is broadcast to any number of them."""
        array = self.stored[ref]
        return self.constant(array[:1]) if len(array) > 1 and (array == array[:1]).all() else ref

    def rename(self, output: Any, name: str) -> None:
        """Give an output of the model its name: a value, or an array that depends on no input."""
        self.nodes.append(self.onnx.helper.make_node("Identity", [self.ref(output)], [name], name=name))

    def used(self) -> dict[str, Array]:
        """The stored arrays that a node reads, by name."""
        read = {name for node in self.nodes for name in node.input}
        return {name: array for name, array in self.stored.items() if name in read}

    def array(self, ref: Ref) -> Array:
        """The stored array behind a reference, such as a parameter."""
        if ref not in self.stored:
            raise TracingError(f"{ref} is computed from the inputs, but has to be stored in the file")
        return self.stored[ref]

    def cast(self, x: Ref, dtype: Any) -> Ref:
        """A value in another dtype."""
        y: Ref = self("Cast", x, to=self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
        y.dtype, y.shape = np.dtype(dtype), x.shape
        return y

    def fixed(self, what: str) -> None:
        """Refuse what is written for the lengths of the example only."""
        if self.dynamic:
            raise TracingError(
                f"{what} is written for the shapes of the example, {[v.held.shape for v in self.results]}; "
                "export without dynamic_axes, or replace it in the model"
            )


def _array(x: Any, like: Any) -> Array:
    """An array or a number among the inputs of a node; lists of integers are shapes and axes."""
    return np.asarray(x, np.int64 if isinstance(x, list | tuple) else getattr(x, "dtype", like))
