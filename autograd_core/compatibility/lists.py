"""`_foreach_mul_` and its like, which programs for PyTorch call on lists of parameters: one tensor after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core import functional, linalg
from autograd_core.errors import OperandError
from autograd_core.tensor import Tensor

PREFIX = "_foreach_"


def each(name: str) -> Callable[..., Any]:
    """`_foreach_name`: the method `name` of every tensor, which arguments that are lists give one argument each.

    What ends in an underscore writes in place. Lists of another length raise before anything is written.
    """
    plain = name.removeprefix(PREFIX)
    method = linalg.vector_norm if plain == "norm" else getattr(Tensor, plain, None) or _writing(plain)

    def call(tensors: list[Tensor], *args: Any, **given: Any) -> Any:
        if plain.startswith("addc") and len(args) > 2:  # addcmul and addcdiv have it by keyword alone
            args, given = args[:2], {"value": args[2]}
        given = {"value" if k == "scalars" else k: a for k, a in given.items()}
        for a in (*args, *given.values()):
            if isinstance(a, list | tuple) and len(a) != len(tensors):
                raise OperandError(f"{name}(): {len(tensors)} tensors need as many arguments, but a list has {len(a)}")
        results = [
            method(x, *[_of(a, i) for a in args], **{k: _of(a, i) for k, a in given.items()})
            for i, x in enumerate(tensors)
        ]
        return results if plain.endswith("_") else tuple(results)

    return call


def _of(argument: Any, i: int) -> Any:
    return argument[i] if isinstance(argument, list | tuple) else argument


def _writing(name: str) -> Callable[..., Tensor]:
    """In place, what no tensor has a method for."""
    function = getattr(functional, name.removesuffix("_"))
    return lambda x, *args: x.copy_(function(x, *args))


def _group_tensors_by_device_and_dtype(
    tensorlistlist: list[list[Any]], with_indices: bool = False
) -> dict[Any, tuple[list[list[Any]], list[int]]]:
    """Parts of lists of equal lengths, by device and dtype of the first list's tensors, and where they were."""
    groups: dict[Any, tuple[list[list[Any]], list[int]]] = {}
    for i, members in enumerate(zip(*tensorlistlist, strict=True)):
        parts, indices = groups.setdefault((members[0].device, members[0].dtype), ([[] for _ in tensorlistlist], []))
        for part, member in zip(parts, members, strict=True):
            part.append(member)
        if with_indices:
            indices.append(i)
    return groups
