"""The kinds of operations: plain data shared by binders, tests, documentation and pictures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """What operations of one kind have in common.

    broadcasts: operands of different shapes combine, and the engine sums each gradient back to its operand's shape.
    promotes: operands of different dtypes are cast to a common one first.
    pointwise: operands can have any shape, and a reference computes one element.
    method: operations are methods of tensors unless the entry says otherwise.
    holomorphic: the default of the entry's field: True for operations that only move, add or multiply elements.
    colour: of the node in a graph picture.
    """

    name: str
    colour: str
    broadcasts: bool = False
    promotes: bool = True
    pointwise: bool = False
    method: bool = True
    holomorphic: bool | None = None

    def __repr__(self) -> str:
        return self.name


# Fills on which black text has a contrast above 9:1, told apart by colour-blind readers too (Okabe and Ito, lightened).
ELEMENTWISE = Kind("elementwise", "#9fd3f6", broadcasts=True, pointwise=True)
CHANNELWISE = Kind("channelwise", "#9fd3f6")  # elementwise, with parameters per channel
BINARY = Kind("binary", "#f7c97f", broadcasts=True, pointwise=True)
COMPARISON = Kind("comparison", "#d9d9d9", broadcasts=True, pointwise=True)
REDUCTION = Kind("reduction", "#f2a97e")
SHAPE = Kind("shape", "#e6e6e6", promotes=False, holomorphic=True)
INDEXING = Kind("indexing", "#e3c9dd", promotes=False, holomorphic=True)
JOIN = Kind("join", "#dcdccb", holomorphic=True)
MATMUL = Kind("matmul", "#8fdcc2", broadcasts=True, holomorphic=True)
CONVOLUTION = Kind("convolution", "#8fdcc2", method=False, holomorphic=True)
POOLING = Kind("pooling", "#f4ec9a", promotes=False, method=False)
NORMALIZATION = Kind("normalization", "#c5d8f7", method=False)
LOSS = Kind("loss", "#f5b3b3", method=False)
CAST = Kind("cast", "#f5f5f5", promotes=False, pointwise=True, holomorphic=True)
KINDS = (ELEMENTWISE, CHANNELWISE, BINARY, COMPARISON, REDUCTION, SHAPE, INDEXING, JOIN, MATMUL, CONVOLUTION, POOLING,
         NORMALIZATION, LOSS, CAST)  # fmt: skip
