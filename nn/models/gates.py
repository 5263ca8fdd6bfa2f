"""Logic gates made of perceptrons: a NAND gate is one perceptron, and the others are made of NANDs."""

from __future__ import annotations

from collections.abc import Sequence

from autograd_core import Tensor, no_grad
from autograd_core import functional as core
from nn.layers.perceptron import Perceptron
from nn.module import Module


@no_grad()
def nand() -> Perceptron:
    """The perceptron with weights -2, -2 and bias 3."""
    unit = Perceptron(2)
    unit.weight.fill_(-2.0)
    unit.bias.fill_(3.0)  # type: ignore[union-attr]  # it has one
    return unit


class NandNetwork(Module):
    """Bits (..., inputs) to bits (..., outputs), through a single NAND perceptron that is applied repeatedly.

    wiring: the two wires that each NAND reads; inputs are wires 0, 1, ..., and every NAND adds the next wire.
    outputs: the wires that are returned.
    """

    _shown = ("inputs", "wiring", "outputs")

    def __init__(self, inputs: int, wiring: Sequence[tuple[int, int]], outputs: Sequence[int]) -> None:
        super().__init__()
        self.inputs, self.wiring, self.outputs = inputs, tuple(wiring), tuple(outputs)
        self.nand = nand()

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1] != self.inputs:
            raise RuntimeError(f"this network has {self.inputs} inputs, but the input has shape {x.shape}")
        wires = list(core.unbind(x, dim=-1))
        for a, b in self.wiring:
            wires.append(self.nand(core.stack([wires[a], wires[b]], dim=-1)))
        return core.stack([wires[i] for i in self.outputs], dim=-1)


XOR = ((0, 1), (0, 2), (1, 2), (3, 4))
# Name -> inputs, wiring, outputs.
GATES: dict[str, tuple[int, tuple[tuple[int, int], ...], tuple[int, ...]]] = {
    "nand": (2, ((0, 1),), (2,)),
    "not": (1, ((0, 0),), (1,)),
    "and": (2, ((0, 1), (2, 2)), (3,)),
    "or": (2, ((0, 0), (1, 1), (2, 3)), (4,)),
    "nor": (2, ((0, 0), (1, 1), (2, 3), (4, 4)), (5,)),
    "xor": (2, XOR, (5,)),
    "xnor": (2, (*XOR, (5, 5)), (6,)),
    "half_adder": (2, (*XOR, (2, 2)), (5, 6)),
    "full_adder": (3, ((0, 1), (0, 3), (1, 3), (4, 5), (6, 2), (6, 7), (2, 7), (8, 9), (7, 3)), (10, 11)),
}


def logic_gate(name: str) -> NandNetwork:
    """A gate, or an adder (sum, carry), of NAND perceptrons, by name.

    >>> from autograd_core import tensor
    >>> logic_gate("half_adder")(tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    tensor([[0., 0.],
            [1., 0.],
            [0., 1.]])
    """
    if name not in GATES:
        raise ValueError(f"logic_gate() knows {', '.join(GATES)}, not {name!r}")
    return NandNetwork(*GATES[name])
