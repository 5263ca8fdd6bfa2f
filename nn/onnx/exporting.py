"""`export`: a model as an ONNX file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

import nn.onnx.operations  # noqa: F401  registers what it can write
from autograd_core import Tensor
from autograd_core.errors import warn
from autograd_core.tracing import trace
from autograd_core.trees import leaves
from nn.files import write
from nn.modes import in_mode
from nn.module import Module
from nn.onnx.package import onnx_package
from nn.onnx.writer import Writer

OPSET = 20
HINTS = {
    "autograd_inlining", "do_constant_folding", "dynamo", "export_params", "external_data",
    "keep_initializers_as_inputs", "operator_export_type", "optimize", "training", "verbose", "verify",
}  # fmt: skip
Axes = Mapping[str, Mapping[int, str] | Sequence[int]]


def export(
    model: Module | Callable[..., Any],
    args: Any = (),
    f: str | os.PathLike[str] | BinaryIO | None = None,
    *,
    kwargs: Mapping[str, Any] | None = None,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    opset_version: int | None = None,
    dynamic_axes: Axes | None = None,
    **hints: Any,
) -> Any:
    """Write a model to an ONNX file, for runtimes on other systems and for viewers; returns the `onnx.ModelProto`.

    The model is called once, in evaluation mode, on `args`, a tensor or a tuple, and `kwargs`. The operations on the
    tensors among these are written; everything else, such as Python's control flow, is as in this call.

    f: a path, an open binary file, or None to write no file. input_names, output_names: by default "input" and
    "output", numbered if there are several. dynamic_axes: axes of inputs and outputs that may have other lengths, as in
    {"input": {0: "batch"}}; what fixes their length raises a TracingError where it is noticed. opset_version: the file
    is converted from version 20 if the onnx package can do that, otherwise a warning says that it is not. hints: those
    of PyTorch's options that change no result here.

    Raises TracingError for operations without a counterpart in ONNX, and for decisions that depend on values.
    """
    onnx = onnx_package()
    if unknown := hints.keys() - HINTS:
        raise TypeError(f"export() has no option {min(unknown)!r}")
    args = args if isinstance(args, tuple) else (args,)
    if not callable(model) or not any(isinstance(v, Tensor) for v in leaves((args, kwargs))):
        raise TypeError("export(model, args, f) takes a module or function, and a tensor or a tuple to call it with")
    with in_mode(model, training=False) if isinstance(model, Module) else nullcontext():
        traced = trace(model, *args, **(kwargs or {}))
    outputs = leaves(traced.outputs)
    given = _named(input_names, "input", len(traced.inputs)), _named(output_names, "output", len(outputs))
    axes = {name: _labels(name, found) for name, found in (dynamic_axes or {}).items()}
    if unknown := axes.keys() - {*given[0], *given[1]}:
        raise ValueError(f"dynamic_axes names {sorted(unknown)}, but the values are {[*given[0], *given[1]]}")
    names = {id(t.array): name for name, t in _parameters(model)}
    writer = Writer(onnx, names, bool(axes))
    for value, name in zip(traced.inputs, given[0], strict=True):
        writer.define(value, name)
    for call in traced.calls:
        writer.write(call)
    for output, name in zip(outputs, given[1], strict=True):
        writer.rename(output, name)
    infos = [
        [_info(onnx, name, v, axes.get(name, {})) for name, v in zip(names, values, strict=True)]
        for names, values in zip(given, (traced.inputs, outputs), strict=True)
    ]
    stored = [onnx.numpy_helper.from_array(np.asarray(a, order="C"), name) for name, a in writer.used().items()]
    title = type(model).__name__ if isinstance(model, Module) else getattr(model, "__name__", "model")
    graph = onnx.helper.make_graph(writer.nodes, title, *infos, stored)
    proto = onnx.helper.make_model(
        graph, producer_name="autograd_core", opset_imports=[onnx.helper.make_opsetid("", OPSET)]
    )
    proto.ir_version = onnx.helper.find_min_ir_version_for(proto.opset_import)
    onnx.checker.check_model(proto, full_check=True)
    if opset_version not in (None, OPSET):
        proto = _converted(onnx, proto, opset_version)
    if f is not None:
        write(proto.SerializeToString(), f)
    return proto


def _converted(onnx: ModuleType, proto: Any, version: int) -> Any:
    try:
        return onnx.version_converter.convert_version(proto, version)
    except RuntimeError as e:
        reason = str(e).rpartition("failed: ")[2]
        warn(f"the file has opset {OPSET}, not {version}, as onnx cannot convert it: {reason}")
        return proto


def _parameters(model: Any) -> list[tuple[str, Tensor]]:
    return [*model.named_parameters(), *model.named_buffers()] if isinstance(model, Module) else []


def _named(names: Sequence[str] | None, stem: str, count: int) -> list[str]:
    if names is None:
        return [stem] if count == 1 else [f"{stem}_{i}" for i in range(count)]
    if len(names) != count:
        raise ValueError(f"there are {count} {stem}s, but {len(names)} names: {list(names)}")
    return list(names)


def _labels(name: str, axes: Mapping[int, str] | Sequence[int]) -> dict[int, str]:
    return dict(axes) if isinstance(axes, Mapping) else {axis: f"{name}_axis_{axis}" for axis in axes}


def _info(onnx: ModuleType, name: str, value: Any, axes: Mapping[int, str]) -> Any:
    array = getattr(value, "held", value)
    shape: list[int | str] = list(array.shape)
    for axis, label in axes.items():
        shape[axis] = label
    return onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), shape)
