"""PyTorch's public functions that do not exist here, each with the reason that its lookup gives.

`docs/ops.md` lists them. Names are PyTorch's without the leading `torch.`; a method that is not a function is
`Tensor.x`.
"""

from __future__ import annotations

import sys
from typing import Any, NoReturn

from autograd_core.errors import AbsentError
from autograd_core.tensor import Tensor

# Reason -> names.
ABSENT: dict[str, str] = {
    "there are no nested tensors": "Tensor.to_padded_tensor",
    "arrays are not quantized": """
        Tensor.int_repr Tensor.q_scale Tensor.q_zero_point dequantize fake_quantize_per_channel_affine
        fake_quantize_per_tensor_affine nn.functional.grouped_mm nn.functional.scaled_grouped_mm nn.functional.scaled_mm
        quantize_per_channel quantize_per_tensor
        """,
    "recurrent networks are modules, not single operations": """
        gru gru_cell lstm lstm_cell rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell
        """,
    "Python's own control flow is recorded as it runs": "cond while_loop",
    "a part of PyTorch's own layers; use the function of nn.functional": """
        native_batch_norm native_dropout native_group_norm native_layer_norm
        """,
    "a part of PyTorch that is not documented; use brackets, or the gradient of the function": """
        Tensor.slice max_pool2d_with_indices_backward native_dropout_backward
        """,
    "it has no derivative, in PyTorch neither; use cholesky(), lu_factor() or solve()": """
        linalg.ldl_factor linalg.ldl_factor_ex linalg.ldl_solve
        """,
    "NumPy has no complex numbers of two bytes a part; use cfloat()": "Tensor.chalf",
}


REASONS = {name: reason for reason, names in ABSENT.items() for name in names.split()}


def refuse(module: str, name: str) -> NoReturn:
    """Raise for a missing attribute of a module ("" for the top level), with the reason if PyTorch has it."""
    qualified = f"{module}.{name}" if module else name
    if qualified in REASONS:
        raise AbsentError(f"'{qualified}' is not provided: {REASONS[qualified]}", name=name)
    place = module if module == "nn.functional" else f"autograd_core.{module}".rstrip(".")
    raise AttributeError(_Text(place, name), name=name)


class _Text:
    """Of the error about a missing attribute, with the name that was probably meant; Python itself looks for one among
    at most 750. Searched only to be shown: programs try names just to learn whether they exist.
    """

    def __init__(self, place: str, name: str) -> None:
        self.place, self.name = place, name

    def __str__(self) -> str:
        from difflib import get_close_matches

        public = [name for name in dir(sys.modules[self.place]) if name[0] != "_"]
        near = get_close_matches(self.name, public, 1, cutoff=0.7)
        missing = f"module {self.place!r} has no attribute {self.name!r}"
        return missing + "".join([f"; did you mean {name!r}?" for name in near])

    def __repr__(self) -> str:
        return repr(str(self))


class Absent:
    """A method of PyTorch's tensors that does not exist here."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: Any) -> NoReturn:
        raise AbsentError(f"'{self._name}' is not provided: {REASONS[self._name]}", name=self._name)


def install() -> None:
    """Add the absent methods to Tensor."""
    for name in REASONS:
        if name.startswith("Tensor."):
            setattr(Tensor, name.removeprefix("Tensor."), Absent(name))
