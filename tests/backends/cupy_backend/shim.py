"""Runs the CUDA kernels on the CPU, over NumPy arrays: a launcher for `backends.cupy_backend.launch.Gpu`."""

import ctypes
import hashlib
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from instances import expressions, source_of

from backends.cupy_backend.launch import Struct

HEADER = Path(__file__).with_name("shim.hpp")
COMPILER = shutil.which("g++")
seed = 0  # the order of threads; 0 for that of their numbers


@cache
def library_of(source: str, expression: str | None = None) -> tuple[ctypes.CDLL, dict[str, int]]:
    """The compiled kernels of a source, or one of them, and where each stands in its table."""
    return compiled(source, expressions(source) if expression is None else [expression])


def compiled(source: str, names: list[str]) -> tuple[ctypes.CDLL, dict[str, int]]:
    """These kernels of a source, and where each stands in a table."""
    table = ",\n".join(f"[](const unsigned int *s, void **v) {{ shim::start(&{name}, s, v); }}" for name in names)
    text = f"""{HEADER.read_text()}
{source_of(source)}
static void (*table[])(const unsigned int *, void **) = {{{table}}};
extern "C" bool start(int i, unsigned int seed, const unsigned int *sizes, void **values) {{
    shim::seed = seed;
    table[i](sizes, values);
    return shim::stuck;
}}
"""
    folder = Path(tempfile.gettempdir()) / f"cuda-on-cpu-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    binary = folder / "kernels.so"
    if not binary.exists():
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as own:
            code, made = Path(own) / "code.cpp", Path(own) / "made.so"
            code.write_text(text)
            subprocess.run([COMPILER, "-std=c++17", "-O1", "-w", "-shared", "-fPIC", "-o", made, code], check=True)
            made.replace(binary)
    return ctypes.CDLL(str(binary)), {name: i for i, name in enumerate(names)}


def start(source, expression, grid, block, arguments):
    """As `CupyLauncher`: integers as long long, floats as double, arrays as their address, structs as they are."""
    wanted, given = parameters(source_of(source), expression.partition("<")[0]), [*map(kind_of, arguments)]
    wanted = [g if w == "int or struct" else w for w, g in zip(wanted, given, strict=True)]
    assert given == wanted, f"{expression} takes {wanted}, and is given {given}"
    run(*library_of(source, expression if "\n" in source else None), expression, grid, block, arguments)


@cache
def parameters(text, function):
    """What a kernel takes: integers, of which addresses are some, floats, and structs by value."""
    (found,) = re.findall(rf"__global__[^;{{}}]*?\b{function}\(([^{{}}]*)\) \{{", text)
    kinds = []
    for parameter in re.sub(r"<[^<>]*>", "", found).split(","):
        of = "float" if "double" in parameter else "struct" if "__grid_constant__" in parameter else "int"
        kinds.append("int" if "*" in parameter else "int or struct" if "Given" in parameter else of)
    return kinds


def kind_of(argument):
    """The kind of an argument as it is passed."""
    return "struct" if isinstance(argument, Struct) else "float" if isinstance(argument, float) else "int"


def run(library, places, expression, grid, block, arguments):
    """Run one of the compiled kernels."""
    sizes = (ctypes.c_uint * 6)(*(*grid, 1, 1)[:3], *(*block, 1, 1)[:3])
    values = [
        a.ctypes.data_as(ctypes.c_void_p) if isinstance(a, Struct) else ctypes.pointer(number(a)) for a in arguments
    ]
    pointers = (ctypes.c_void_p * len(values))(*(ctypes.cast(value, ctypes.c_void_p) for value in values))
    assert not library.start(places[expression], seed, sizes, pointers), f"{expression} waits for ever"


def number(a):
    """As kernels take numbers and addresses."""
    return ctypes.c_double(a) if isinstance(a, float) else ctypes.c_longlong(a)


def address(array: np.ndarray) -> int:
    """Where a NumPy array starts."""
    return array.ctypes.data
