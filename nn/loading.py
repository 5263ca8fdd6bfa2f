"""Loading of a state dict: everything is checked before anything changes."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from autograd_core import Tensor, no_grad

Found = tuple[str, Any, Any]  # a key, a tensor or a module for its extra state, and the value


class IncompatibleKeys(NamedTuple):
    """The keys that a non-strict load ignored."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"

    def problems(self) -> list[str]:
        """What a strict load says of them."""
        return _listed("Missing", self.missing_keys) + _listed("Unexpected", self.unexpected_keys)


def refuse(owner: str, problems: Sequence[str]) -> None:
    """Raise if there are any problems."""
    if problems:
        raise RuntimeError(f"Error(s) in loading state_dict for {owner}:\n\t" + "\n\t".join(problems))


class Load(dict[str, Any]):
    """The copy of a state dict that modules may change while they look up their values.

    assign: tensors are to share the values' storage. keys: what each module looked for, by its prefix. waiting: what is
    to be copied if nothing is wrong.
    """

    def __init__(self, values: Mapping[str, Any], assign: bool) -> None:
        super().__init__(values)
        self.assign = assign
        self.keys_of: dict[str, list[str]] = {}
        self.waiting: list[Found] = []

    def unexpected(self, prefixes: Sequence[str]) -> list[str]:
        """The keys that no module looked for, without those of modules that load something themselves."""
        known = set(chain.from_iterable(self.keys_of.values()))
        others = tuple(prefix for prefix in prefixes if prefix not in self.keys_of)
        return [key for key in self if key not in known and not key.startswith(others)]


def mismatches(found: Sequence[Found]) -> list[str]:
    """What is wrong with values that are not of the shape of their targets."""
    problems = []
    for key, target, value in found:
        if not isinstance(target, Tensor):
            continue
        if not isinstance(value, Tensor):
            problems.append(f"{key} needs a Tensor, not {type(value).__name__}.")
        elif value.shape != target.shape:
            problems.append(
                f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, "
                f"the shape in current model is {target.shape}."
            )
    return problems


def copy_values(found: Sequence[Found], assign: bool) -> None:
    """Copy values into their targets: tensors, or modules for their extra state."""
    pairs = [(target, value) for _, target, value in found if isinstance(target, Tensor)]
    if assign:
        for target, value in pairs:
            target.data = value.detach()
    else:  # conversions can fail, copies cannot
        converted = [(t, value.detach().to(device=t.device, dtype=t.dtype)) for t, value in pairs]
        with no_grad():
            for target, value in converted:
                target.copy_(value)
    for _, target, value in found:
        if not isinstance(target, Tensor):
            target.set_extra_state(value)


def _listed(what: str, keys: Sequence[str]) -> list[str]:
    quoted = ", ".join(f'"{key}"' for key in keys)
    return [f"{what} key(s) in state_dict: {quoted}. "] if keys else []
