"""The operations, by family. Importing this package registers those that most programs use; `families` the others."""

from autograd_core.ops import (  # noqa: F401  imported to register
    activation,
    arithmetic,
    bits,
    bounds,
    comparison,
    complex_numbers,
    elementwise,
    exponentials,
    extremes,
    indexing,
    joining,
    linalg,
    linear,
    logarithms,
    loss,
    placing,
    powers,
    reduction,
    rounding,
    shape,
    smooth_activations,
    softmax,
    splitting,
    strided,
    trigonometry,
    views,
)
from autograd_core.tensor import Tensor


def install():
    """Brackets, which are not a plain method."""
    indexing.install(Tensor)
