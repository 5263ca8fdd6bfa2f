"""`load`: the model in an ONNX file, as a module."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, BinaryIO, NamedTuple

import numpy as np

import nn.onnx.nodes  # noqa: F401  registers what it can read
from autograd_core import Tensor, from_numpy
from nn.module import Module
from nn.onnx.nodes.table import NODES
from nn.onnx.package import onnx_package
from nn.parameter import Parameter

STANDARD = ("", "ai.onnx")
BROADCAST = {"Add", "And", "Div", "Equal", "Greater", "Less", "Mul", "Or", "Pow", "Sub", "Xor"}
RANDOM = {"Dropout"}
# Inputs that are trained: those of layers, and of sums and products with more than one number.
STATISTICS = {"BatchNormalization": (3, 4)}
TRAINED = {
    "Add", "BatchNormalization", "Conv", "ConvTranspose", "Div", "GRU", "Gather", "Gemm", "GroupNormalization",
    "InstanceNormalization", "LSTM", "LayerNormalization", "MatMul", "Mul", "PRelu", "RMSNormalization", "RNN", "Sub",
}  # fmt: skip


class Node(NamedTuple):
    """A node of the graph: what computes it, and the names of values. done: those that nothing reads after it."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    done: tuple[str, ...] = ()


class GraphModule(Module):
    """A model from an ONNX file. It is called with its inputs, by position or name, in the order of `input_names`.

    Stored arrays that layers read are parameters, with the names that they have in the file; other stored arrays, such
    as running statistics, are buffers. It returns one tensor, or a tuple if there are several `output_names`.
    Normalisation and dropout are in the file what they are, whatever the mode of the module.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        graph = model.graph
        versions = {entry.domain: entry.version for entry in model.opset_import}
        self.opset = versions.get("", versions.get("ai.onnx", 1))
        stored = {t.name: t for t in graph.initializer}
        self.input_names = [v.name for v in graph.input if v.name not in stored]
        self.output_names = [v.name for v in graph.output]
        nodes = _nodes(graph)
        trained = _trained(nodes)
        constants = {name: _tensor(t) for name, t in stored.items()}
        self._stored = {name: self._place(name, t, name in trained) for name, t in constants.items() if name in trained}
        fixed: dict[str, Any] = {"": None} | {name: t for name, t in constants.items() if name not in trained}
        computed = [node for node in nodes if not self._folds(node, fixed)]
        self._nodes = _with_ends(computed, self.output_names)
        read = {name for node in computed for name in node.inputs} | {*self.output_names}
        self._stored |= {name: self._place(name, fixed[name], False) for name in fixed if name and name in read}

    def _folds(self, node: Node, fixed: dict[str, Any]) -> bool:
        """Compute a node that depends on no input and no parameter; returns whether it is one."""
        if not fixed.keys() >= set(node.inputs) or node.kind in RANDOM:
            return False
        self._run(node, fixed)
        return True

    def _place(self, name: str, value: Tensor, trained: bool) -> tuple[Module, str]:
        """Register a stored array under the path in its name; returns its module and its name there."""
        *path, last = name.strip("./").replace("/", ".").split(".")
        owner: Module = self
        for part in path:
            if not isinstance(child := getattr(owner, part, None), Module):
                if child is not None:
                    return self._place(name.replace(".", "_"), value, trained)
                child = Module()
                owner.add_module(part, child)
            owner = child
        while hasattr(owner, last):
            last += "_"
        if trained and value.is_floating_point():
            owner.register_parameter(last, Parameter(value))
        else:
            owner.register_buffer(last, value, persistent=value.is_floating_point())
        return owner, last

    def forward(self, *inputs: Tensor, **named: Tensor) -> Any:
        """The outputs for these inputs."""
        values: dict[str, Any] = dict(zip(self.input_names, inputs, strict=False)) | named
        if len(inputs) > len(self.input_names) or values.keys() != set(self.input_names):
            raise TypeError(f"this model takes {self.input_names}, but got {len(inputs)} inputs and {sorted(named)}")
        values |= {name: getattr(owner, last) for name, (owner, last) in self._stored.items()}
        values[""] = None  # inputs that are left out
        for node in self._nodes:
            self._run(node, values)
            for name in node.done:
                values.pop(name, None)
        outputs = tuple([values[name] for name in self.output_names])
        return outputs[0] if len(outputs) == 1 else outputs

    def _run(self, node: Node, values: dict[str, Any]) -> None:
        """Compute a node: add its outputs to the values."""
        found = self._computed(node, [values[name] for name in node.inputs])
        results = zip(node.outputs, found if isinstance(found, tuple) else (found,), strict=False)
        values.update({name: value for name, value in results if name})

    def _computed(self, node: Node, inputs: Sequence[Any]) -> Any:
        function = NODES[node.kind]
        if node.kind in BROADCAST and node.attributes:  # up to opset 6
            return function(inputs[0], _aligned(*inputs, **node.attributes))
        extra = {"opset": self.opset, "outputs": len(node.outputs)}
        given = {name: value for name, value in extra.items() if name in _parameters(function)}
        try:
            return function(*inputs, **node.attributes, **given)
        except Exception as e:
            shapes = [None if x is None else tuple(x.shape) for x in inputs]
            e.add_note(f"in node {node.name!r} of type {node.kind}, inputs of shape {shapes}, {node.attributes}")
            raise


def load(path: str | os.PathLike[str] | BinaryIO) -> GraphModule:
    """Read a model from an ONNX file; it is trained, moved and saved like any module.

    Raises NotImplementedError, which names them, if the model has nodes of types that are not known.
    """
    onnx = onnx_package()
    try:
        model = onnx.load(path)
    except onnx.onnx_cpp2py_export.checker.ValidationError as e:
        raise ValueError(f"{path}: {e}") from e
    except Exception as e:
        if type(e).__name__ != "DecodeError":
            raise
        raise ValueError(f"{path} is no ONNX file, or it is damaged") from e
    model = onnx.inliner.inline_local_functions(model)
    if unknown := [(n.domain, n.op_type) for n in model.graph.node if not _is_known(n)]:  # some consist of others
        with suppress(RuntimeError):  # of nodes without some of their inputs
            model = onnx.inliner.inline_selected_functions(model, unknown, inline_schema_functions=True)
    if missing := sorted({_kind(n) for n in model.graph.node if not _is_known(n)}):
        raise NotImplementedError(f"the model has nodes that cannot be read: {', '.join(missing)}")
    return GraphModule(model)


def _aligned(a: Tensor, b: Tensor, broadcast: int = 0, axis: int | None = None) -> Tensor:
    """The second operand, whose axes are those of the first from `axis` on."""
    return b if axis is None or not b.ndim else b.reshape([*b.shape] + [1] * (a.ndim - axis % a.ndim - b.ndim))


def _is_known(node: Any) -> bool:
    return node.domain in STANDARD and node.op_type in NODES


def _kind(node: Any) -> str:
    return node.op_type if node.domain in STANDARD else f"{node.domain}.{node.op_type}"


def _parameters(function: Any) -> Iterable[str]:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if code else ()


def _with_ends(nodes: Sequence[Node], kept: Iterable[str]) -> list[Node]:
    """The nodes, each with the values that can be dropped after it."""
    wanted, found = {*kept, ""}, []
    for node in reversed(nodes):
        names = dict.fromkeys((*node.inputs, *node.outputs))
        found.append(node._replace(done=tuple([name for name in names if name not in wanted])))
        wanted |= set(node.inputs)
    return found[::-1]


def _nodes(graph: Any) -> list[Node]:
    found = []
    for node in graph.node:
        attributes = {a.name: _attribute(a) for a in node.attribute}
        attributes |= {name: _dtype(attributes[name]) for name in ("to", "dtype") if name in attributes}
        for legacy in ("consumed_inputs", "is_test"):  # of the first versions, without effect in inference
            attributes.pop(legacy, None)
        name = node.name or node.output[0]
        found.append(Node(node.op_type, name, tuple(node.input), tuple(node.output), attributes))
    return found


def _attribute(attribute: Any) -> Any:
    onnx = onnx_package()
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        return _tensor(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list) and value and isinstance(value[0], bytes):
        return [v.decode() for v in value]
    return value


def _tensor(proto: Any) -> Tensor:
    array = onnx_package().numpy_helper.to_array(proto)
    if array.dtype.kind in "OSU":
        raise NotImplementedError(f"{proto.name!r} holds strings, which tensors cannot")
    return from_numpy(np.array(array))


def _dtype(number: int) -> Any:
    return onnx_package().helper.tensor_dtype_to_np_dtype(number)


def _trained(nodes: Sequence[Node]) -> set[str]:
    """The names of stored arrays that are parameters."""
    read = {name for node in nodes if node.kind in TRAINED for name in node.inputs}
    return read - {node.inputs[i] for node in nodes for i in STATISTICS.get(node.kind, ()) if i < len(node.inputs)}
