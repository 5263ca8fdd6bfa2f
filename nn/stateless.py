"""Modules as functions of their parameters: for the transforms of `autograd_core.func`, and for ensembles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autograd_core import Tensor, no_grad
from autograd_core import functional as core
from nn.module import Module


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    args: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """module(*args, **kwargs) as it would be with other parameters and buffers; the module itself is not touched.

    parameter_and_buffer_dicts: tensors by their paths, or several such dicts. tie_weights: a tensor that has several
    paths is replaced under all of them. strict: every parameter and buffer must be given, and nothing else;
    otherwise names that a module does not have are passed over.

    >>> from autograd_core import ones
    >>> from nn import Linear
    >>> functional_call(Linear(2, 1), {"weight": ones(1, 2), "bias": ones(1)}, ones(2))
    tensor([3.])
    """
    given = _merged(parameter_and_buffer_dicts)
    known = dict([*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)])
    unknown = sorted(given.keys() - known.keys())
    if strict and unknown:
        raise RuntimeError(f"functional_call(): strict=True, but there is no {', '.join(unknown)}")
    _check_places(module, unknown)
    given = {path: tensor for path, tensor in given.items() if path in known}
    if tie_weights:
        replaced = _by_tensor(given, known)
        given = {path: replaced[id(t)] for path, t in known.items() if id(t) in replaced}
    if strict and (missing := known.keys() - given.keys()):
        raise RuntimeError(f"functional_call(): strict=True, but {', '.join(sorted(missing))} were not given")
    positional = () if args is None else args if isinstance(args, tuple) else (args,)
    return _twin(module, given, "")(*positional, **(kwargs or {}))


def _check_places(module: Module, unknown: Sequence[str]) -> None:
    """Raise unless these paths name nothing at all in modules that are there."""
    modules = dict(module.named_modules(remove_duplicate=False)) if unknown else {}
    for path in unknown:
        owner, _, name = path.rpartition(".")
        if not name or owner not in modules or hasattr(modules[owner], name):
            raise KeyError(f"{type(module).__name__} has no parameter or buffer {path!r}")


def _by_tensor(given: Mapping[str, Tensor], known: Mapping[str, Tensor]) -> dict[int, Tensor]:
    """What replaces each tensor, under whichever of its paths it was given."""
    replaced: dict[int, Tensor] = {}
    for path, tensor in given.items():
        if replaced.setdefault(id(known[path]), tensor) is not tensor:
            raise ValueError(f"functional_call(): what {path!r} shares with another path was given twice, differently; "
                             "if they are to differ, use tie_weights=False")  # fmt: skip
    return replaced


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters and the buffers of models of one kind, stacked along a first axis for `vmap`.

    >>> from nn import Linear
    >>> params, buffers = stack_module_state([Linear(2, 3), Linear(2, 3)])
    >>> params["weight"].shape
    (2, 3, 2)
    """
    if not models:
        raise RuntimeError("stack_module_state() needs at least one model")
    if len({type(m) for m in models}) > 1 or len({m.training for m in models}) > 1:
        raise RuntimeError("stack_module_state() takes models of one class, all in training or all in evaluation mode")
    with no_grad():
        params = {name: core.stack([dict(m.named_parameters())[name] for m in models]).requires_grad_(p.requires_grad)
                  for name, p in models[0].named_parameters()}  # fmt: skip
        buffers = {name: core.stack([dict(m.named_buffers())[name] for m in models])
                   for name, _ in models[0].named_buffers()}  # fmt: skip
    return params, buffers


def _merged(dicts: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    merged: dict[str, Tensor] = {}
    for part in [dicts] if isinstance(dicts, Mapping) else dicts:
        if twice := merged.keys() & part.keys():
            raise ValueError(f"functional_call(): {sorted(twice)[0]!r} was given twice")
        merged |= part
    return merged


def _twin(module: Module, tensors: Mapping[str, Tensor], path: str) -> Module:
    """A module that shares everything with another but these tensors, and modules that hold any."""
    twin = object.__new__(type(module))
    own = dict(vars(module))
    for registry in ("_parameters", "_buffers"):
        changed = {name: tensors.get(path + name, t) for name, t in own[registry].items()}
        own |= {registry: changed, **changed}
    children = {name: m and _twin(m, tensors, f"{path}{name}.") for name, m in own["_modules"].items()}
    vars(twin).update(own | {"_modules": children, **children})
    return twin
