"""All parameters of a model as one vector, and back."""

from collections.abc import Iterable

from autograd_core import Tensor
from autograd_core import functional as core


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements in order, as one vector."""
    return core.cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Set parameters, in order, to the elements of a vector; they become views of it."""
    start = 0
    for p in parameters:
        p.data = vec[start : start + p.numel()].view(p.shape).detach()
        start += p.numel()
