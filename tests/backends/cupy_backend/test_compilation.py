"""Every kernel compiles for the GPUs that matter: NVRTC needs none of them."""

import nvrtc
import pytest
from instances import SOURCES, expressions

from backends.cupy_backend.launch import OPTIONS, source_of

FLAGS = (*OPTIONS, "--ftz=true", "--device-as-default-execution-space")  # as CuPy compiles

pytestmark = pytest.mark.skipif(nvrtc.library() is None, reason="needs nvidia-cuda-nvrtc")


@pytest.mark.parametrize("source", SOURCES)
def test_sources_compile(source):
    # To PTX of the oldest architecture, which newer GPUs take as well, in half the time of machine code.
    nvrtc.compiled(source_of(source), expressions(source), *FLAGS, "--gpu-architecture=compute_80")


def test_what_does_not_compile_is_reported():
    with pytest.raises(RuntimeError, match='identifier "missing" is undefined'):
        nvrtc.compiled("__global__ void f(float *x) { *x = missing; }", ["f"], *FLAGS)
