"""Loading of a state dict: everything is checked before anything changes."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from autograd_core import Tensor, no_grad


class IncompatibleKeys(NamedTuple):
    """The keys that a non-strict load ignored."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"

    def problems(self) -> list[str]:
        """What a strict load says of them."""
        return _listed("Missing", self.missing_keys) + _listed("Unexpected", self.unexpected_keys)


def refuse(owner: str, problems: Sequence[str]) -> None:
    """Raise if there are any problems."""
    if problems:
        raise RuntimeError(f"Error(s) in loading state_dict for {owner}:\n\t" + "\n\t".join(problems))


def load_tensors(
    owner: str,
    targets: Sequence[tuple[str, Tensor | None, bool]],
    values: Mapping[str, Any],
    strict: bool,
    assign: bool = False,
) -> IncompatibleKeys:
    """Copy values into targets, given as (key, tensor, whether the key may be absent).

    If the tensor is None, only the presence of the key is checked. assign: targets share the values' storage.
    """
    known = {key for key, _, _ in targets}
    missing = [key for key, _, optional in targets if key not in values and not optional]
    unexpected = [key for key in values if key not in known]
    keys = IncompatibleKeys(missing, unexpected)
    pairs = [(key, target, values[key]) for key, target, _ in targets if key in values and target is not None]
    refuse(owner, (keys.problems() if strict else []) + _mismatches(pairs))
    if assign:
        for _, target, value in pairs:
            target.data = value.detach()
        return keys
    # Conversions can fail, copies cannot.
    converted = [(target, value.detach().to(device=target.device, dtype=target.dtype)) for _, target, value in pairs]
    with no_grad():
        for target, value in converted:
            target.copy_(value)
    return keys


def _listed(what: str, keys: Sequence[str]) -> list[str]:
    quoted = ", ".join(f'"{key}"' for key in keys)
    return [f"{what} key(s) in state_dict: {quoted}. "] if keys else []


def _mismatches(pairs: Sequence[tuple[str, Tensor, Any]]) -> list[str]:
    problems = []
    for key, target, value in pairs:
        if not isinstance(value, Tensor):
            problems.append(f"{key} needs a Tensor, not {type(value).__name__}.")
        elif value.shape != target.shape:
            problems.append(
                f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, "
                f"the shape in current model is {target.shape}."
            )
    return problems
