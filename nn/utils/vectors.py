"""All parameters of a model as one vector, and back."""

from collections.abc import Iterable

from autograd_core import Tensor
from autograd_core import functional as core


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """One vector of all elements, in order."""
    return core.cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give parameters, in order, the elements of a vector; they become views of it."""
    start = 0
    for p in parameters:
        p.data = vec[start : start + p.numel()].view(p.shape).data
        start += p.numel()
