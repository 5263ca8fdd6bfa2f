"""What the nodes of ONNX files compute, by subject."""

# ruff: noqa: F401  imported to register
from nn.onnx.nodes import layers, movement, normalization, pointwise, pooling, recurrent, reductions, resizing
