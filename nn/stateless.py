"""Modules as functions of their parameters, for the transforms of `autograd_core.func` and for ensembles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from autograd_core import Tensor, no_grad
from autograd_core import functional as core
from autograd_core.autograd.recomputation import repeated
from nn.layers.normalization import _BatchNorm
from nn.module import Module

Changes = dict[Module, dict[str, Tensor]]  # module -> name -> the replacement of its tensor


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    args: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """module(*args, **kwargs) with other parameters and buffers, in whose place the module's own are again afterwards.

    parameter_and_buffer_dicts: tensors by path, or several such dicts; a single dict gets the tensors that the module
    put in place of those given. tie_weights: a tensor with several paths is
    replaced under all of them. strict: exactly the existing parameters and buffers must be given; otherwise unknown
    names are ignored.

    >>> from autograd_core import ones
    >>> from nn import Linear
    >>> functional_call(Linear(2, 1), {"weight": ones(1, 2), "bias": ones(1)}, ones(2))
    tensor([3.])
    """
    dicts = parameter_and_buffer_dicts
    if not isinstance(dicts, Mapping | Sequence):
        raise ValueError(f"functional_call() takes a dict of tensors by path, or several, not {type(dicts).__name__}")
    given = dicts if isinstance(dicts, MutableMapping) else _merged(dicts)
    positional = () if args is None else args if isinstance(args, tuple) else (args,)
    with reparametrized(module, given, tie_weights, strict):
        return module(*positional, **(kwargs or {}))


@contextmanager
def reparametrized(
    module: Module, given: MutableMapping[str, Tensor], tie_weights: bool = False, strict: bool = False
) -> Iterator[None]:
    """Within the block the module holds other parameters and buffers, as in `functional_call`, afterwards its own.

    `given` then has the tensors that the module put in place of those in it.
    """
    places = {path: _place(module, path) for path in given}
    unknown = sorted(path for path, place in places.items() if place is None)
    if strict and unknown:
        raise RuntimeError(f"functional_call(): strict=True, but there is no {', '.join(unknown)}")
    changes: Changes = {}
    for path, place in places.items():
        if place is not None:
            owner, name = place
            changes.setdefault(owner, {})[name] = given[path]
    if tie_weights:
        _tie(module, changes)
    if strict and (missing := _missing(module, changes)):
        raise RuntimeError(f"functional_call(): strict=True, but {', '.join(missing)} were not given")
    with _replaced(changes) as last:
        yield
    for path, place in places.items():
        if place in last and last[place] is not given[path]:
            given[path] = last[place]


def _own(module: Module) -> dict[str, Tensor]:
    """The parameters and buffers of a module itself."""
    return {k: t for part in (module._parameters, module._buffers) for k, t in part.items() if t is not None}


def _place(module: Module, path: str) -> tuple[Module, str] | None:
    """The module and tensor name that a path leads to; None if that module has no such tensor."""
    above, _, name = path.rpartition(".")
    owner: Any = module
    for step in above.split(".") if above else ():
        owner = owner and owner._modules.get(step)
    if owner is not None and name in _own(owner):
        return owner, name
    if owner is None or not name or hasattr(owner, name):
        raise KeyError(f"{type(module).__name__} has no parameter or buffer {path!r}")
    return None


def _tie(module: Module, changes: Changes) -> None:
    """Replace a shared tensor under its other paths too."""
    replaced: dict[int, Tensor] = {}
    for owner, tensors in changes.items():
        for name, tensor in tensors.items():
            if replaced.setdefault(id(_own(owner)[name]), tensor) is not tensor:
                raise ValueError(
                    f"functional_call(): the tensor that {name!r} shares with another path was given twice, with "
                    "different values; to allow that, use tie_weights=False"
                )
    for owner in module.modules():
        tied = {name: replaced[id(t)] for name, t in _own(owner).items() if id(t) in replaced}
        if tied:
            changes.setdefault(owner, {}).update(tied)


def _missing(module: Module, changes: Changes) -> list[str]:
    """The paths of the tensors that are not replaced."""
    return sorted(
        f"{path}.{name}".removeprefix(".")
        for path, owner in module.named_modules()
        for name in _own(owner).keys() - changes.get(owner, {}).keys()
    )


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters and buffers of models of one class, stacked along a new first axis for `vmap`.

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
        params = {
            name: _stacked(name, [dict(m.named_parameters())[name] for m in models])
            for name, _ in models[0].named_parameters()
        }
        buffers = {
            name: core.stack([dict(m.named_buffers())[name] for m in models]) for name, _ in models[0].named_buffers()
        }
    return params, buffers


def _stacked(name: str, parameters: list[Tensor]) -> Tensor:
    if len({p.requires_grad for p in parameters}) > 1:
        raise RuntimeError(f"stack_module_state(): the parameter '{name}' requires a gradient in some models only")
    return core.stack(parameters).requires_grad_(parameters[0].requires_grad)


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Let every batch normalisation in a model do without running statistics, which cannot be written inside `vmap`."""
    for module in root.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root


def _merged(dicts: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    merged: dict[str, Tensor] = {}
    for part in [dicts] if isinstance(dicts, Mapping) else dicts:
        if twice := merged.keys() & part.keys():
            raise ValueError(f"functional_call(): {sorted(twice)[0]!r} was given twice")
        merged |= part
    return merged


@contextmanager
def _replaced(changes: Changes) -> Iterator[dict[Any, Tensor]]:
    """Within the block modules hold these tensors; then, whatever happened, their own again.

    The dict in the block gets the tensors that they hold at its end, by module and name.
    """
    places: list[tuple[Module, dict[str, Any], str, Tensor]] = [
        (owner, part, name, tensor)
        for owner, tensors in changes.items()
        for part in (owner._parameters, owner._buffers)
        for name, tensor in tensors.items()
        if name in part
    ]
    last: dict[Any, Tensor] = {}
    before = [part[name] for _, part, name, _ in places]
    token = repeated.set((*repeated.get(), partial(_replaced, changes)))
    try:
        for _, part, name, tensor in places:
            part[name] = tensor
        yield last
    finally:
        repeated.reset(token)
        last.update(((owner, name), part[name]) for owner, part, name, _ in places)
        for (_, part, name, _), tensor in zip(places, before, strict=True):
            part[name] = tensor
