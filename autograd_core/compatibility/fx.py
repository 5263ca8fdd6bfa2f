"""What programs say to PyTorch's tracer, `torch.fx`, where functions are defined. There is no tracer."""

from __future__ import annotations

from typing import Any

from autograd_core.compatibility.named import Graph as Graph
from autograd_core.compatibility.named import GraphModule as GraphModule
from autograd_core.compatibility.named import Interpreter as Interpreter
from autograd_core.compatibility.named import Node as Node
from autograd_core.compatibility.named import Tracer as Tracer
from autograd_core.compatibility.named import Transformer as Transformer


def wrap(fn_or_name: Any) -> Any:
    """The function, which a tracer would take as a whole, as it is."""
    return fn_or_name


class Proxy:
    """A value in a function that is traced, for which programs test by its class. There is none."""
