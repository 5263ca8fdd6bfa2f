"""The onnx package, imported when it is needed."""

from types import ModuleType


def onnx_package() -> ModuleType:
    """The package; ImportError tells how to install it."""
    try:
        import onnx.inliner
        import onnx.version_converter
    except ImportError as e:
        raise ImportError('ONNX files need the onnx package: pip install "autograd-core[io]"') from e
    return onnx
