"""The operations, by family. Importing this package registers them all; order matters only for the graph of imports."""

from autograd_core.ops import (  # noqa: F401  imported to register
    activation,
    arithmetic,
    comparison,
    convolution,
    cross_entropy,
    einsum,
    elementwise,
    indexing,
    joining,
    linalg,
    loss,
    normalization,
    pooling,
    reduction,
    shape,
    softmax,
    views,
)
from autograd_core.tensor import Tensor


def install():
    """Brackets, which are not a plain method."""
    indexing.install(Tensor)
