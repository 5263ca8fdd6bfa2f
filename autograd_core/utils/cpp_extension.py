"""PyTorch's `torch.utils.cpp_extension`: what would compile code against PyTorch, which raises."""

from typing import Any, NoReturn

CUDA_HOME = ROCM_HOME = None


def load(*args: Any, **options: Any) -> NoReturn:
    """Not supported; libraries do without what they would compile, if they can."""
    raise OSError("nothing can be compiled against this library; it has no headers")


load_inline = CppExtension = CUDAExtension = load
