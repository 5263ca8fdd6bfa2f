"""Classes of PyTorch that libraries name while they are imported. Nothing is an instance of one; making one raises."""

from __future__ import annotations

from typing import *  # noqa: F403  as PyTorch's `jit.annotations` has it
from typing import Any, NoReturn

BroadcastingList1 = BroadcastingList2 = BroadcastingList3 = list


def _absent(name: str, reason: str) -> type:
    def refuse(self: Any, *args: Any, **options: Any) -> NoReturn:
        raise NotImplementedError(f"'{name}' is not provided: {reason}")

    return type(name, (), {"__init__": refuse, "__doc__": f"Not provided: {reason}."})


QuantStub, DeQuantStub = (_absent(name, "arrays are not quantized") for name in ("QuantStub", "DeQuantStub"))
ScriptModule, TensorType, Value = (
    _absent(name, "nothing is compiled to TorchScript") for name in ("ScriptModule", "TensorType", "Value")
)
GraphModule, Graph, Node, Tracer, Interpreter, Transformer = (
    _absent(name, "there is no symbolic tracer")
    for name in ("GraphModule", "Graph", "Node", "Tracer", "Interpreter", "Transformer")
)
PyTorchFileReader = _absent("PyTorchFileReader", "load() reads the files")
CUDAGraph = _absent("CUDAGraph", "cuda.graph captures a step")
emit_itt, emit_nvtx = (_absent(name, "profiles show the times of operations") for name in ("emit_itt", "emit_nvtx"))
CrossMapLRN2d = _absent("CrossMapLRN2d", "LocalResponseNorm normalises across channels")
StreamContext = _absent("StreamContext", "cuda.stream makes a stream the current one")
