"""The oneDNN library: its location, whether it is compatible, and its C functions.

It is found and loaded when a kernel first asks for it. If anything is wrong with it, that is logged once and NumPy is
used instead.
"""

import ctypes
import logging
import os
import platform
import sys
from pathlib import Path
from typing import Any

from backends.locks import shared_lock
from backends.protocol import BackendUnavailable

VARIABLE = "AUTOGRAD_CORE_ONEDNN"
WHEEL = "onednn-cpu-gomp"
OPENMP = "; the system's package of libgomp is missing (Debian, Ubuntu: apt install libgomp1)"
REMEDY = f"pip install {WHEEL}  (Linux on x86-64), or name a libdnnl.so.3 in {VARIABLE}"
OFF = ("0", "off")
ON = ("", "1", "on")
HAS_WHEELS = sys.platform == "linux" and platform.machine() == "x86_64"

POINTER, INT, SIZE, FLOAT = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t, ctypes.c_float
DIMENSIONS = ctypes.c_int64 * 12
TYPES = {"p": POINTER, "i": INT, "s": SIZE, "f": FLOAT}
# Every function used, with a letter per argument. All return a status, 0 for success.
PROTOTYPES = {
    "engine_create": "pis",
    "stream_create": "ppi",
    "stream_destroy": "p",
    "memory_create": "pppp",
    "memory_destroy": "p",
    "memory_set_data_handle": "pp",
    "memory_desc_create_with_strides": "pipip",
    "memory_desc_create_with_tag": "pipii",
    "memory_desc_equal": "pp",
    "memory_desc_destroy": "p",
    "primitive_create": "pp",
    "primitive_execute": "ppip",
    "primitive_destroy": "p",
    "primitive_desc_query": "piip",
    "primitive_desc_next_impl": "p",
    "primitive_desc_destroy": "p",
    "primitive_attr_create": "p",
    "primitive_attr_destroy": "p",
    "primitive_attr_set_scratchpad_mode": "pi",
    "primitive_attr_set_fpmath_mode": "pi",
    "primitive_attr_set_post_ops": "pp",
    "post_ops_create": "p",
    "post_ops_destroy": "p",
    "post_ops_append_eltwise": "piff",
    "post_ops_append_sum": "pfii",
    "post_ops_append_binary": "pip",
    "reorder_primitive_desc_create": "pppppp",
    "convolution_forward_primitive_desc_create": "ppii" + "p" * 9,
    "convolution_backward_data_primitive_desc_create": "ppi" + "p" * 9,
    "convolution_backward_weights_primitive_desc_create": "ppi" + "p" * 10,
    "batch_normalization_forward_primitive_desc_create": "ppippfip",
    "batch_normalization_backward_primitive_desc_create": "ppipppfipp",
    "layer_normalization_forward_primitive_desc_create": "ppippp" + "fip",
    "layer_normalization_backward_primitive_desc_create": "ppipppp" + "fipp",
    "softmax_forward_primitive_desc_create": "ppiippip",
    "softmax_backward_primitive_desc_create": "ppipppipp",
    "pooling_forward_primitive_desc_create": "ppii" + "p" * 8,
    "pooling_backward_primitive_desc_create": "ppi" + "p" * 9,
    "eltwise_forward_primitive_desc_create": "ppiippffp",
    "eltwise_backward_primitive_desc_create": "ppipppffpp",
    "binary_primitive_desc_create": "ppipppp",
    "matmul_primitive_desc_create": "ppppppp",
    "reduction_primitive_desc_create": "ppippffp",
    "vanilla_rnn_forward_primitive_desc_create": "ppiii" + "p" * 7 + "iffp",
    "vanilla_rnn_backward_primitive_desc_create": "ppiii" + "p" * 14 + "iffpp",
    "lstm_forward_primitive_desc_create": "ppii" + "p" * 11 + "ip",
    "lstm_backward_primitive_desc_create": "ppii" + "p" * 22 + "ipp",
    "lbr_gru_forward_primitive_desc_create": "ppii" + "p" * 7 + "ip",
    "lbr_gru_backward_primitive_desc_create": "ppii" + "p" * 14 + "ipp",
}
AVX2, AVX512 = 7, 0x20  # bits for SSE 4.1, AVX and AVX2, and one more; other architectures have none
SHORT = {"E": 0x80, "e": 0x100}  # bits for products of 16-bit floats, by the character of the dtype; E is bfloat16
RUNTIMES = {1: "sequential", 2: "OpenMP", 4: "TBB"}  # runtimes whose work is done when a call returns

log = logging.getLogger("backends")


class Unusable(BackendUnavailable):
    """There is no usable oneDNN library; the message says why and what to do."""


class _Version(ctypes.Structure):
    _fields_ = [
        ("major", INT),
        ("minor", INT),
        ("patch", INT),
        ("hash", ctypes.c_char_p),
        ("cpu_runtime", ctypes.c_uint),
        ("gpu_runtime", ctypes.c_uint),
    ]


class Library:
    """A loaded library of version 3, in a build whose calls return when the work is done."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self.dll = ctypes.CDLL(path)
            self.dll.dnnl_version.restype = ctypes.POINTER(_Version)
            found = self.dll.dnnl_version().contents
        except (OSError, AttributeError) as e:
            remedy = OPENMP if "libgomp" in str(e) else ""
            raise Unusable(f"{path} cannot be loaded as oneDNN: {e}{remedy}") from e
        self.version: tuple[int, ...] = found.major, found.minor, found.patch
        if found.major != 3:
            raise Unusable(f"{path} is oneDNN {'.'.join(map(str, self.version))}, but version 3 is needed")
        if found.cpu_runtime not in RUNTIMES:
            raise Unusable(f"{path} is built for an asynchronous runtime; {', '.join(RUNTIMES.values())} are supported")
        self.runtime = RUNTIMES[found.cpu_runtime]
        for name, types in PROTOTYPES.items():
            self[name].argtypes = [TYPES[t] for t in types]
        for name, arguments in (("memory_desc_get_size", [POINTER]), ("primitive_desc_query_md", [POINTER, INT, INT])):
            self[name].argtypes = arguments
            self[name].restype = SIZE if "size" in name else POINTER
        instructions = self["get_effective_cpu_isa"]()
        if 0 < instructions & AVX2 < AVX2:
            raise Unusable(f"{path} has few kernels for processors without AVX2, such as this one")
        self.is_wide = bool(instructions & AVX512)
        self.multiplied = frozenset(["f", *[kind for kind, bit in SHORT.items() if instructions & bit]])
        self.set_handle: Any = self["memory_set_data_handle"]
        self.execute: Any = self["primitive_execute"]
        self.engine = POINTER()
        if status := self["engine_create"](ctypes.byref(self.engine), 1, 0):
            raise Unusable(f"{path} does not run on this processor (status {status})")
        if hasattr(self.dll, "omp_pause_resource_all"):
            # OpenMP in a forked child would wait for threads that no longer exist; released before the fork, they are
            # started again when needed.
            os.register_at_fork(before=lambda: self.dll.omp_pause_resource_all(2))

    def __getitem__(self, name: str) -> Any:
        """The function dnnl_`name`."""
        return getattr(self.dll, f"dnnl_{name}")

    def set_threads(self, count: int) -> None:
        """Let primitives made from now on by the calling thread use `count` threads."""
        if self.runtime == "OpenMP":
            self.dll.omp_set_num_threads(count)

    def __repr__(self) -> str:
        return f"oneDNN {'.'.join(map(str, self.version))} ({self.runtime})"


def find() -> str:
    """The path of the library from the environment variable or the installed wheel; Unusable if there is none."""
    named = os.environ.get(VARIABLE, "")
    if named.lower() in OFF:
        raise Unusable(f"oneDNN is switched off by {VARIABLE}={named}; unset it to use oneDNN")
    if named.lower() not in ON:
        if not Path(named).is_file():
            raise Unusable(f"{VARIABLE}={named} is not a file. {REMEDY}")
        return named
    import importlib.metadata

    try:
        files = importlib.metadata.files(WHEEL) or []
    except importlib.metadata.PackageNotFoundError:
        raise Unusable(f"oneDNN is not installed: {REMEDY}") from None
    for file in files:
        if file.name == "libdnnl.so.3":
            return str(Path(str(file.locate())).resolve())
    raise Unusable(f"the package {WHEEL} holds no libdnnl.so.3: {REMEDY}")


_lock = shared_lock()
_found: Library | Unusable | None = None


def load() -> Library:
    """The library, loaded by the first call; Unusable, logged only once, if there is none."""
    global _found
    with _lock:
        if _found is None:
            try:
                _found = Library(find())
            except Unusable as e:
                _found = e
                switched_off = os.environ.get(VARIABLE, "").lower() in OFF
                expected = bool(os.environ.get(VARIABLE)) or HAS_WHEELS
                level = logging.DEBUG if switched_off else logging.WARNING if expected else logging.INFO
                log.log(level, "NumPy computes what oneDNN could: %s", e)
    if isinstance(_found, Unusable):
        raise Unusable(str(_found))
    return _found
