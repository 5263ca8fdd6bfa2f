"""The array type over CuPy's own, on host memory: what needs no GPU is to work as it is supposed to."""

import ast
import gc
import inspect
import re
import weakref
from pathlib import Path

import numpy as np
import pytest

import autograd_core
from autograd_core.registry import OPS
from backends.buffers import apart, rejoined
from backends.cupy_backend.order import ELEMENTWISE_METHODS, METHODS, Ordered, _back, _turned, memory_order

cupy = pytest.importorskip("cupy", reason="CuPy is not installed")


@pytest.fixture(scope="module")
def ordered():
    return Ordered(cupy)


def phantom(a):
    """A CuPy array on the memory of a NumPy array: everything but computation works."""
    memory = cupy.cuda.UnownedMemory(a.ctypes.data, a.nbytes, a, 0)
    return cupy.ndarray(a.shape, a.dtype, cupy.cuda.MemoryPointer(memory, 0), strides=a.strides)


def test_plain_arrays_are_adopted_where_they_lie(ordered):
    held = np.zeros((2, 3, 4, 5), np.float32)
    x = phantom(held)
    y = ordered.adopt((x, [x, 1]))[0]
    assert y is x
    assert x.__class__ is ordered.array
    assert isinstance(x, cupy.ndarray)
    assert x.data.ptr == held.ctypes.data
    reference = weakref.ref(x)
    del x, y
    gc.collect()
    assert reference() is None


def test_views_stay_of_the_type_and_know_their_base(ordered):
    x = ordered.adopt(phantom(np.zeros((2, 3, 4), np.float32)))
    strided = ordered.library.lib.stride_tricks.as_strided(x, (5, 2), (4, 8))
    assert (strided.shape, strided.strides, strided.size, strided.flags.c_contiguous) == ((5, 2), (4, 8), 10, False)
    views = (x.T, x[0], x[:, None], x.transpose(2, 0, 1), x.reshape(6, 4), x[:1].squeeze(), x.swapaxes(0, 1), x.view())
    for view in (*views, strided, x.ravel(), ordered.library.broadcast_to(x, (2, 2, 3, 4))):
        assert view.__class__ is ordered.array
        assert view.base is x


def test_turning_there_and_back_is_a_view(ordered):
    held = np.moveaxis(np.zeros((2, 4, 5, 3), np.float32), -1, 1)
    x = ordered.adopt(phantom(held))
    axes = memory_order(x.shape, x.strides)
    turned = _turned(x, axes)
    assert turned.flags.c_contiguous
    back = _back(turned, axes)
    assert (back.shape, back.strides, back.data.ptr) == (x.shape, held.strides, x.data.ptr)
    channel = ordered.adopt(phantom(np.zeros((3, 1, 1), np.float32)))
    assert _turned(channel, axes).shape == (1, 1, 1, 3)


def test_cupy_has_what_is_wrapped(ordered):
    assert not [name for name in (*ELEMENTWISE_METHODS, *METHODS) if not hasattr(cupy.ndarray, name)]
    for name in ("exp", "maximum", "where", "clip", "concatenate", "pad", "add"):
        assert getattr(ordered.library, name) is not getattr(cupy, name)
    assert ordered.library.add.at
    assert ordered.library.float32 is cupy.float32
    assert ordered.library.linalg.solve


def calls():
    """Every call xp.name(...) of an operation or a generic kernel: where, the dotted name, its keywords."""
    root = Path(autograd_core.__file__).parents[1]
    for path in (*(root / "backends/generic").glob("*.py"), *(root / "autograd_core/ops").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            function = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if re.fullmatch(r"xp\.(?!kernels)[\w.]+", function):
                keywords = {k.arg for k in node.keywords if k.arg}
                yield f"{path.name}:{node.lineno}", function.removeprefix("xp."), keywords


def test_cupy_has_what_operations_call(ordered):
    known = {name for o in OPS.values() for name in (o.name, *o.aliases)}  # rules call operations under the same name
    for where, name, keywords in calls():
        function = ordered.library
        for part in name.split("."):
            function = getattr(function, part, None)
        assert function is not None or name in known, f"{where}: CuPy has no {name}"
        plain = inspect.unwrap(function) if callable(function) else None
        if name in known or plain is None or isinstance(plain, type) or inspect.isbuiltin(plain):
            continue
        if isinstance(plain, cupy.ufunc):
            allowed = {"out", "dtype", "casting"}
        else:
            allowed = set(inspect.signature(plain).parameters)
        assert keywords <= allowed or "kwargs" in allowed, f"{where}: CuPy's {name} has no {keywords - allowed}"


def test_what_stands_apart_has_a_base_of_its_own(ordered):
    x = ordered.adopt(phantom(np.zeros((2, 3), np.float32)))[:, 1:]
    d, other = apart(x), apart(x)
    assert d.__class__ is ordered.array
    assert (d.shape, d.strides, d.data.ptr) == (x.shape, x.strides, x.data.ptr)
    assert d[0].base is d.T.base is d.base is not other.base
    assert rejoined(d) is x
    assert rejoined(d[0]).shape == (2,)
    assert rejoined(x) is x
    reference = weakref.ref(d.base)
    assert reference().origin is x
    del d
    gc.collect()
    assert reference() is None
