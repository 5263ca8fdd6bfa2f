"""Models as ONNX files."""

from nn.onnx import symbolic as symbolic_opset11  # noqa: F401  whose functions only such forms of operators call
from nn.onnx.exporting import export as export
from nn.onnx.loading import load as load
from nn.onnx.symbolic import register_custom_op_symbolic as register_custom_op_symbolic


def is_in_onnx_export() -> bool:
    """False: `export` writes the operations that a model runs anyway, and needs no special forms of them."""
    return False
