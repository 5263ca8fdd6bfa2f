"""The compiler of CUDA sources, as NVIDIA's wheel brings it: it needs no GPU, and no other library."""

import ctypes
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def library():
    """The newest NVRTC among the installed packages, or None."""
    nvidia = find_spec("nvidia")
    folders = map(Path, nvidia.submodule_search_locations) if nvidia else ()
    found = sorted(path for folder in folders for path in folder.glob("*/lib/libnvrtc.so.*"))
    return ctypes.CDLL(str(found[-1])) if found else None


def compiled(source: str, expressions: list[str], *options: str) -> None:
    """Compile the source with these instances; RuntimeError with the compiler's messages."""
    nvrtc, program = library(), ctypes.c_void_p()
    assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"source.cu", 0, None, None) == 0
    try:
        for expression in expressions:
            assert nvrtc.nvrtcAddNameExpression(program, expression.encode()) == 0
        given = (ctypes.c_char_p * len(options))(*map(str.encode, options))
        if nvrtc.nvrtcCompileProgram(program, len(options), given):
            raise RuntimeError(_messages(nvrtc, program))
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def _messages(nvrtc: ctypes.CDLL, program: ctypes.c_void_p) -> str:
    size = ctypes.c_size_t()
    assert nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size)) == 0
    text = ctypes.create_string_buffer(size.value)
    assert nvrtc.nvrtcGetProgramLog(program, text) == 0
    return text.value.decode()
