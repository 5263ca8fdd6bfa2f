"""The compiler of CUDA sources, as NVIDIA's wheel brings it: it needs no GPU, and no other library."""

import ctypes
import re
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


def compiled(source: str, expressions: list[str], *options: str) -> dict[str, str]:
    """The PTX of these instances of the source; RuntimeError with the compiler's messages."""
    nvrtc, program = library(), ctypes.c_void_p()
    assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"source.cu", 0, None, None) == 0
    try:
        for expression in expressions:
            assert nvrtc.nvrtcAddNameExpression(program, expression.encode()) == 0
        given = (ctypes.c_char_p * len(options))(*map(str.encode, options))
        if nvrtc.nvrtcCompileProgram(program, len(options), given):
            raise RuntimeError(_text(nvrtc, program, "ProgramLog"))
        _, *kernels = _text(nvrtc, program, "PTX").split(".entry ")
        by_name = {kernel[: kernel.index("(")].strip(): kernel for kernel in kernels}
        return {expression: by_name[_lowered(nvrtc, program, expression)] for expression in expressions}
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def in_double(ptx: str) -> list[str]:
    """The instructions that compute in float64: all but those that load, move and convert."""
    return sorted(set(re.findall(r"[\s;]((?!ld\.|st\.|mov\.|cvt\.)[a-z][\w.]*\.f64)\b", ptx)))


def _lowered(nvrtc: ctypes.CDLL, program: ctypes.c_void_p, expression: str) -> str:
    """The name of an instance in PTX."""
    name = ctypes.c_char_p()
    assert nvrtc.nvrtcGetLoweredName(program, expression.encode(), ctypes.byref(name)) == 0
    assert name.value is not None
    return name.value.decode()


def _text(nvrtc: ctypes.CDLL, program: ctypes.c_void_p, kind: str) -> str:
    size = ctypes.c_size_t()
    assert getattr(nvrtc, f"nvrtcGet{kind}Size")(program, ctypes.byref(size)) == 0
    text = ctypes.create_string_buffer(size.value)
    assert getattr(nvrtc, f"nvrtcGet{kind}")(program, text) == 0
    return text.value.decode()
