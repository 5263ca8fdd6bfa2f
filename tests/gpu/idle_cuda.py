"""CuPy's own code over a CUDA runtime that starts nothing: memory is the host's, and what kernels write is 0.

`install()` comes before the first import of CuPy in a process. CuPy's modules call the runtime and the driver through
tables of C functions that each takes over when it is imported; these tables are filled with Python's functions.
"""

import ctypes
import inspect
import itertools
import re
from importlib import import_module
from types import SimpleNamespace

import numpy as np

TYPES = {"int": ctypes.c_int, "intptr_t": ctypes.c_ssize_t, "size_t": ctypes.c_size_t, "float": ctypes.c_float,
         "unsigned int": ctypes.c_uint, "PyObject *": ctypes.py_object, "CUdevice": ctypes.c_int}  # fmt: skip
ATTRIBUTES = {75: 9, 76: 0, 16: 132, 1: 1024, 8: 49152, 39: 2048, 10: 32, 5: 2**31 - 1, 6: 65535, 7: 65535}
H200 = {
    "name": b"NVIDIA H200", "major": 9, "minor": 0, "totalGlobalMem": 141 << 30, "multiProcessorCount": 132,
    "warpSize": 32, "maxThreadsPerBlock": 1024, "sharedMemPerBlock": 49152,
}  # fmt: skip
_kept = []


def install():
    """CuPy; what it starts, by name, is in `cupy.started`."""
    handles, names, started, capturing = itertools.count(1024, 16), {}, [], set()

    def handle(*_):
        return next(handles)

    def function(module, name):
        names[found := handle()] = name
        return found

    def copy(to, source, size, *_):
        ctypes.memmove(to, source, size)

    def allocated(size, *_):
        _kept.append(np.zeros(size + 512, np.uint8))
        return _kept[-1].ctypes.data

    answers = {
        "getDeviceCount": lambda: 1, "getDeviceProperties": lambda index: H200, "runtimeGetVersion": lambda: 13000,
        "driverGetVersion": lambda: 13000, "deviceGetAttribute": lambda key, index: ATTRIBUTES.get(key, 1),
        "memGetInfo": lambda: (140 << 30, 141 << 30), "malloc": allocated, "hostAlloc": allocated, "memcpy": copy,
        "memcpyAsync": copy, "memset": ctypes.memset,
        "memsetAsync": lambda to, value, size, _: ctypes.memset(to, value, size),
        "streamCreateWithPriority": handle, "eventCreateWithFlags": handle, "graphInstantiate": handle,
        "streamBeginCapture": capturing.add, "ctxGetCurrent": lambda: 1,
        "streamEndCapture": lambda stream: (capturing.discard(stream), handle())[1],
        "streamIsCapturing": lambda stream: int(stream in capturing), "moduleLoadData": handle,
        "moduleGetFunction": function, "launchKernel": lambda function, *_: started.append(names[function]),
    }  # fmt: skip
    for name in ("runtime", "driver"):
        _answer(import_module(f"cupy_backends.cuda.api.{name}"), answers)
    cupy = import_module("cupy")
    cupy.started = started
    compiler = import_module("cupy.cuda.compiler")
    signature = inspect.signature(compiler._compile_with_cache_cuda)

    def compiled(*args, **given):
        module = cupy.cuda.function.Module()
        module.load(b"")
        module._set_mapping({n: n for n in signature.bind(*args, **given).arguments.get("name_expressions") or ()})
        return module

    compiler._compile_with_cache_cuda = compiled
    cupy.cuda.set_allocator(_memory(cupy))
    return cupy


def _memory(cupy):
    def malloc(size):
        held = np.zeros(size + 512, np.uint8)
        start = held.ctypes.data + -held.ctypes.data % 512
        return cupy.cuda.MemoryPointer(cupy.cuda.UnownedMemory(start, size, held, 0), 0)

    return malloc


def _answer(module, answers):
    """Let the functions of a module of CuPy's answer so, and all others with nothing."""
    python = ctypes.pythonapi
    python.PyCapsule_New.restype, python.PyCapsule_GetName.restype = ctypes.py_object, ctypes.c_char_p
    python.PyCapsule_New.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    python.PyCapsule_GetName.argtypes = (ctypes.py_object,)
    for name, capsule in [*module.__pyx_capi__.items()]:
        written = python.PyCapsule_GetName(capsule)
        parts = re.fullmatch(r"(.+?) ?\((.*)\)", written.decode())
        arguments = [] if parts is None or parts[2] == "void" else parts[2].split(", ")
        own = [a for a in arguments if "__pyx" not in a]
        if parts is None or parts[1] not in TYPES or any(a not in TYPES for a in own) or name == "check_status":
            continue
        result = TYPES[parts[1]]
        answer = _answering(answers.get(name), len(own), None if result is ctypes.py_object else 0)
        hidden = [ctypes.c_void_p if "optional" in a else ctypes.c_int for a in arguments[len(own) :]]
        call = ctypes.PYFUNCTYPE(result, *[TYPES[a] for a in own], *hidden)(answer)
        _kept.append((call, written))
        module.__pyx_capi__[name] = python.PyCapsule_New(ctypes.cast(call, ctypes.c_void_p), written, None)
        if hasattr(module, name):
            setattr(module, name, answer)
    if hasattr(module, "pointerGetAttributes"):
        module.pointerGetAttributes = lambda pointer: SimpleNamespace(type=0)


def _answering(function, count, default):
    def answer(*given, **_):
        found = None if function is None else function(*given[:count])
        return default if found is None else found

    return answer
