"""How operations are written: the ONNX nodes of each, by subject."""

# ruff: noqa: F401  imported to register
from nn.onnx.operations import layers, losses, movement, pointwise, recurrent, reductions
