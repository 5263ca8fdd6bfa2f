"""Models as ONNX files."""

from nn.onnx.exporting import export as export
from nn.onnx.loading import load as load
