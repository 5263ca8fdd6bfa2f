"""Models as ONNX files."""

from nn.onnx.exporting import export as export
from nn.onnx.loading import load as load


def is_in_onnx_export() -> bool:
    """False: `export` writes the operations that a model runs anyway, and needs no special forms of them."""
    return False
