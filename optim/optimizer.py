"""The base class of optimizers: groups of named parameters, their state, saving and loading."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import copy_context
from dataclasses import KW_ONLY, InitVar
from itertools import chain, count
from typing import Any, ClassVar

from autograd_core import Tensor, enable_grad
from autograd_core.clipping import clear_gradients
from autograd_core.engine.failures import out_of_memory
from autograd_core.engine.libraries import ELSEWHERE, LIBRARY
from autograd_core.engine.versions import record_writes
from autograd_core.engine.walk import QUIET
from autograd_core.errors import OperandError
from autograd_core.fields import Declared
from autograd_core.tensor import own_scalar
from backends.live import capturing, deferred
from backends.strides import may_overlap
from optim.hooks import Watched
from optim.hooks import register_optimizer_step_post_hook as register_optimizer_step_post_hook
from optim.hooks import register_optimizer_step_pre_hook as register_optimizer_step_pre_hook
from optim.options import HINTS, check_ranges
from optim.options import required as required

Params = Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[dict[str, Any]]
ParamsT = Params  # PyTorch's name


# Numbers in the state of a parameter, which PyTorch keeps in tensors.
COUNTED = ("step", "mu_product", "eta", "mu")


class Optimizer(Declared, Watched):
    """Base of optimizers: subclasses define `update`, which changes parameters, or `step`.

    Classes of this package name their options as fields, with defaults, from which the constructor follows.

    params: tensors, (name, tensor) pairs as `model.named_parameters()` gives them, or groups: dicts with "params" and
    hyper-parameters. Tensors without a name are named by their position, "0", "1", ...
    state: per parameter, what the method remembers of it. hints: PyTorch's `foreach`, `fused` and `capturable`, which
    change no result and are only kept in the groups, and `differentiable`, which is refused.
    """

    params: InitVar[Params]  # as type checkers see it: what constructors take beside the options
    _: KW_ONLY
    foreach: InitVar[bool | None] = None
    fused: InitVar[bool | None] = None
    capturable: InitVar[bool | None] = None
    differentiable: InitVar[bool | None] = None
    accepts: ClassVar[tuple[str, ...]] = ()  # the hints of this optimizer, as in PyTorch
    _package, _around = "optim", ("params, ", ", **hints")
    by_rows = False  # whether a sparse gradient updates only its rows
    can_be_captured = False  # whether a step can be captured as a CUDA graph
    stepped = False  # whether it stepped, or would have without a GradScaler: schedules check it

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "step" in vars(cls):
            cls.step = deferred(cls.step)  # type: ignore[method-assign]

    def __init__(self, params: Params, defaults: Mapping[str, Any], **hints: bool | None) -> None:
        if unknown := [name for name in hints if name not in self.accepts]:
            known = ", ".join([*defaults, *self.accepts])
            raise TypeError(f"{type(self).__name__} has no option {unknown[0]!r}; it takes {known}")
        if hints.get("differentiable"):
            raise NotImplementedError(
                "steps are not recorded; differentiable=True is not supported; write the step with tensors instead"
            )
        self._patch_step_function()
        self.defaults = {**defaults, **{name: hints.get(name, HINTS[name]) for name in self.accepts}}
        self.state: dict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self.found_inf: Tensor | None = None  # a GradScaler's, on a GPU: other than 0, the step is not to be taken
        self._plans: dict[int, Any] = {}  # by id of a group: how it was updated last, to do so again
        if isinstance(params, Tensor):
            raise TypeError("an optimizer takes an iterable of tensors or dicts, not a Tensor; write [tensor]")
        if not isinstance(params, Iterable):
            raise TypeError(
                f"an optimizer takes an iterable of tensors or dicts, not {type(params).__name__}; "
                "of a model, write model.parameters()"
            )
        entries: list[Any] = list(params)
        if not entries:
            raise ValueError(
                "optimizer got an empty parameter list. A generator such as model.parameters() can be used once, and a "
                "model does not register layers in a plain list: use nn.ModuleList"
            )
        for group in entries if isinstance(entries[0], dict) else [{"params": entries}]:
            self.add_param_group(group)

    def _construct(self, params: Params, options: dict[str, Any], **hints: bool | None) -> None:
        Optimizer.__init__(self, params, options, **hints)

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Add parameters, with the hyper-parameters of this group or the defaults."""
        if not isinstance(param_group, Mapping) or "params" not in param_group:
            raise TypeError(f'param_group must be a dict with tensors as "params", not {param_group!r:.80}')
        params = param_group["params"]
        entries: list[Any] = [params] if isinstance(params, Tensor) else list(params)
        if "param_names" in param_group:  # a group of another optimizer
            entries = list(zip(param_group["param_names"], entries, strict=True))
        named_here = [isinstance(e, tuple) for e in entries]
        if len({*named_here, *("param_names" in group for group in self.param_groups if group["params"])}) > 1:
            raise ValueError(
                "all optimizer params should be with/without names. Some param names are missing: give pairs, as "
                "model.named_parameters() does, in all groups or in none"
            )
        first = sum(len(group["params"]) for group in self.param_groups)
        named = [e if isinstance(e, tuple) else (str(first + i), e) for i, e in enumerate(entries)]
        _check(named, self._named_parameters())
        # Named twice: the keys that were given come first, and their values replace the defaults.
        group = {**param_group, **self.defaults, **param_group, "params": [p for _, p in named]}
        if any(named_here):
            group["param_names"] = [name for name, _ in named]
        if isinstance(lr := group.get("lr"), Tensor):
            if lr.numel() != 1:
                raise ValueError(f"Tensor lr must be 1-element, but has shape {lr.shape}")
            group["lr"] = lr.item()
        if missing := [name for name, value in group.items() if value is required]:
            raise ValueError(f"parameter group didn't specify a value of required optimization parameter {missing[0]}")
        self.check_options(group)
        self.param_groups.append(group)

    def check_options(self, group: Mapping[str, Any]) -> None:
        """Raise for hyper-parameters out of range; an optimizer that defines `step` can give them any meaning."""
        if self._own_update():
            check_ranges(group)

    def _named_parameters(self) -> dict[str, Tensor]:
        counted = count()
        positions = [[str(next(counted)) for _ in group["params"]] for group in self.param_groups]
        pairs = zip(positions, self.param_groups, strict=True)
        return {n: p for names, g in pairs for n, p in zip(g.get("param_names", names), g["params"], strict=True)}

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set the gradients of all parameters to None, or to zero."""
        for group in self.param_groups:
            clear_gradients(group["params"], set_to_none)

    @deferred
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.

        closure: recomputes the gradients; its value is returned.
        """
        if not self.can_be_captured and capturing():
            raise NotImplementedError(f"{type(self).__name__} counts steps in Python; use an element-wise optimizer")
        self.stepped, loss = True, None
        if closure is not None:
            with enable_grad():
                loss = closure()
        try:
            copy_context().run(self._update_groups)
        except MemoryError as e:
            raise out_of_memory(f"{type(self).__name__}.step()", e) from e
        return loss

    def _update_groups(self) -> None:
        for variable, value in QUIET:  # overflow gives infinities, without warnings; restored when the context ends
            variable.set(value)
        for group, params in [(group, self.ready(group)) for group in self.param_groups]:  # refused before any change
            kept = self._kept(params)
            try:
                self.update(self._whole(params, group) if ELSEWHERE else params, group)
            finally:
                record_writes([p.array for p in params], 4)
            for array, before, skipped in kept:
                LIBRARY[array.__class__].copyto(array, before, where=skipped)

    def ready(self, group: dict[str, Any]) -> list[Tensor]:
        """The parameters of a group that have a gradient; raises if the method cannot use one of these gradients."""
        ready = []
        for p in group["params"]:
            if (gradient := p._grad) is not None:
                if (shape := p.array.shape) != (at := gradient.array.shape):
                    raise OperandError(f"a parameter of shape {shape} has a gradient of shape {at}; call zero_grad()")
                if not shape:
                    own_scalar(p)
                ready.append(p)
        if ELSEWHERE and any(p._grad.array.__class__ in ELSEWHERE for p in ready):
            self.check_sparse(group)
        return ready

    def check_sparse(self, group: dict[str, Any]) -> None:
        """Raise if the method cannot use sparse gradients."""
        if not self.by_rows:
            name = type(self).__name__
            raise RuntimeError(f"{name} does not support sparse gradients, please consider SparseAdam instead")
        if group.get("weight_decay"):
            raise RuntimeError("weight_decay option is not compatible with sparse gradients")

    def _whole(self, params: list[Tensor], group: dict[str, Any]) -> list[Tensor]:
        """The parameters with dense gradients; those with sparse ones are updated here."""
        found: list[Tensor] = []
        for p in params:
            if p._grad.array.__class__ in ELSEWHERE:
                self.update_rows(p, group)
            else:
                found.append(p)
        return found

    def update_rows(self, p: Tensor, group: dict[str, Any]) -> None:
        """Update a parameter whose gradient is sparse, where `by_rows` says that the method can."""
        raise NotImplementedError(f"{type(self).__name__} must define update_rows()")

    def _kept(self, params: list[Tensor]) -> list[tuple[Any, Any, Any]]:
        """Arrays that the coming update changes, copies of them, and whether it must not, decided where they lie: then
        the gradients become 0, so that what is remembered of them starts as if there had been none.
        """
        if self.found_inf is None:
            return []
        kept = []
        for p in params:
            skipped = self.found_inf.to(p.device).array > 0
            LIBRARY[p.array.__class__].copyto(p.grad.array, 0, where=skipped)  # type: ignore[union-attr]
            remembered = [v.array for v in self.state.get(p, {}).values() if isinstance(v, Tensor)]
            kept += [(a, a.copy(), skipped) for a in (p.array, *remembered)]
        return kept

    def update(self, params: list[Tensor], group: dict[str, Any]) -> None:
        """Update the arrays of these parameters in place, by their gradients and the group's hyper-parameters."""
        raise NotImplementedError(f"{type(self).__name__} must define update()")

    def state_dict(self) -> dict[str, Any]:
        """The state for `load_state_dict`: states by parameter number, and groups with numbers in place of tensors."""
        numbers: dict[int, int] = {}
        groups = [
            {k: v for k, v in group.items() if k != "params"}
            | {"params": [numbers.setdefault(id(p), len(numbers)) for p in group["params"]]}
            for group in self.param_groups
        ]
        state = {numbers.get(id(k), k): copy.copy(v) for k, v in self.state.items()}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Restore a saved state, also one of PyTorch; if it does not fit, nothing changes.

        Parameters are matched by name if both sides have names, otherwise by order.
        """
        if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= state_dict.keys():
            raise ValueError("load_state_dict() takes what state_dict() gave: a dict with 'state' and 'param_groups'")
        groups = state_dict["param_groups"]
        if len(groups) != len(self.param_groups):
            raise ValueError(
                f"the saved state has {len(groups)} groups of parameters, the optimizer {len(self.param_groups)}"
            )
        keys = chain.from_iterable(map(_saved_keys, self.param_groups, groups))
        own = dict(zip(keys, self._named_parameters().items(), strict=True))
        state = {}
        for key, value in state_dict["state"].items():
            if key in own:
                name, p = own[key]
                state[p] = {k: self._fitted(name, k, v, p) for k, v in value.items()}
            else:  # an entry of the program
                state[key] = copy.deepcopy(value)
        options = [
            {k: copy.deepcopy(v) for k, v in group.items() if k not in ("params", "param_names")} for group in groups
        ]
        self.state = defaultdict(dict, state)
        for group, option in zip(self.param_groups, options, strict=True):
            group.update(option)

    def state_shape(self, key: str, p: Tensor) -> tuple[int, ...]:
        """The expected shape of a state tensor."""
        return p.shape

    def _own_update(self) -> bool:
        """Whether this class defines `update`; a user's, which defines `step`, can keep anything."""
        return type(self).update is not Optimizer.update

    def _fitted(self, name: str, key: str, value: Any, p: Tensor) -> Any:
        """A saved state value; tensors are copied to the parameter's device and in its dtype, but what is real beside a
        complex parameter stays real.
        """
        if isinstance(value, list):
            return [self._fitted(name, key, v, p) for v in value]
        if not isinstance(value, Tensor):
            return value
        if value.numel() == 1 and key in COUNTED:
            number = float(value.item())
            return int(number) if number.is_integer() else number
        if self._own_update() and value.shape != (shape := self.state_shape(key, p)):
            raise ValueError(f"the saved '{key}' of '{name}' has shape {value.shape}, but the parameter {shape}")
        dtype = p.dtype if value.is_complex() or not p.is_complex() else value.dtype
        value = value.detach().to(device=p.device, dtype=dtype, copy=True)
        own_scalar(value)
        return value

    def __getstate__(self) -> dict[str, Any]:
        """Omit the plans, which refer to arrays that a copy does not have."""
        return {**self.__dict__, "_plans": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._patch_step_function()

    def __repr__(self) -> str:
        lines = []
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {k}: {group[k]}" for k in sorted(group) if k not in ("params", "param_names")]
            lines.append("")
        return f"{type(self).__name__} (\n" + "\n".join(lines[:-1]) + "\n)"


def _saved_keys(own: Mapping[str, Any], saved: Mapping[str, Any]) -> list[Any]:
    """The keys under which the states of a group's parameters were saved."""
    if "param_names" in own and "param_names" in saved:
        keys, names = dict(zip(saved["param_names"], saved["params"], strict=True)), own["param_names"]
        if (there := set(names)) != keys.keys():
            raise ValueError(
                f"the saved state has other parameters or groups: missing {sorted(there - keys.keys())}, "
                f"unexpected {sorted(keys.keys() - there)}"
            )
        return [keys[name] for name in names]
    if len(saved["params"]) != len(own["params"]):
        raise ValueError(f"a saved group has {len(saved['params'])} parameters, the optimizer's {len(own['params'])}")
    return list(saved["params"])


def _check(named: list[tuple[str, Any]], known: dict[str, Tensor]) -> None:
    names, ids = set(known), {id(p) for p in known.values()}
    for name, p in named:
        if not isinstance(p, Tensor):
            several = isinstance(p, Iterator | list | tuple)
            raise TypeError(
                f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}; "
                + (
                    "join them: [*a.parameters(), *b.parameters()]"
                    if several
                    else "of a model, write model.parameters()"
                )
            )
        if not p.is_leaf:
            raise ValueError(f"can't optimize a non-leaf Tensor: '{name}' was computed by {p.grad_fn}; pass a leaf")
        if may_overlap(p.shape, p.array.strides):
            raise ValueError(
                f"parameter '{name}' of shape {p.shape} has elements that share memory; pass a .clone() of it"
            )
        if id(p) in ids or name in names:
            raise ValueError(f"parameter '{name}' appears twice; list every tensor and every name once")
        names.add(name)
        ids.add(id(p))
