"""The operations, by family. Importing this package registers the common families; `families` registers the rest."""

# ruff: noqa: F401  imported to register
from importlib import import_module

from autograd_core.ops.layers import linear
from autograd_core.ops.linear_algebra import linalg
from autograd_core.ops.losses import loss
from autograd_core.ops.pointwise import (
    activation,
    arithmetic,
    bits,
    bounds,
    comparison,
    complex_numbers,
    elementwise,
    exponentials,
    logarithms,
    powers,
    rounding,
    smooth_activations,
    trigonometry,
)
from autograd_core.ops.positions import indexing, placing
from autograd_core.ops.reductions import extremes, reduction, softmax
from autograd_core.ops.shapes import joining, shape, splitting, strided, views
from autograd_core.tensor import Tensor


def install():
    """Register indexing with brackets."""
    indexing.install(Tensor)


def __getattr__(name):
    """What programs look for in PyTorch's `torch.ops`: the operators that they defined, and `load_library`."""
    library = import_module("autograd_core.compatibility.library")
    if name == "load_library":
        return library.load_library
    if name not in library.NAMESPACES:
        raise AttributeError(f"module 'autograd_core.ops' has no attribute {name!r}", name=name)
    return library.NAMESPACES[name]
