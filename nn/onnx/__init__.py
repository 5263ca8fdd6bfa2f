"""Models as ONNX files."""

from nn.onnx.exporting import export as export
