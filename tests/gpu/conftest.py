"""The device "cuda" over a CuPy without a GPU."""

import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

import autograd_core as ag
import backends
from autograd_core.random import _generators
from backends import deferred
from backends.cupy_backend import random
from backends.cupy_backend.backend import CupyBackend
from backends.cupy_backend.launch import source_of
from backends.registry import _loaded, _loaders

# pytest does not put a test's own folder on the path in importlib mode.
sys.path.insert(0, str(Path(__file__).parent))
import fake_cupy

sys.path.insert(0, str(Path(__file__).parents[1] / "backends" / "cupy_backend"))
import shim
from instances import SOURCES


@pytest.fixture
def cupy(monkeypatch):
    """The module behind "cuda"."""
    made = fake_cupy.make()
    modules = {"cupyx.scipy.special": fake_cupy.special()}
    monkeypatch.setattr(deferred, "import_module", lambda name: modules.get(name) or import_module(name))
    monkeypatch.setitem(sys.modules, "cupyx", SimpleNamespace(empty_pinned=fake_cupy.empty_pinned(made)))
    monkeypatch.setitem(_loaders, "cuda", lambda: CupyBackend(made))
    monkeypatch.delitem(_loaded, "cuda", raising=False)
    random._kernel.cache_clear()
    forget_generators()
    ag.manual_seed(0)
    yield made
    backends.registry._loaded.pop("cuda", None)
    forget_generators()
    ag.manual_seed(0)
    fake_cupy.make()


def forget_generators():
    """Forget those of GPUs, whose states checkpoints and others keep."""
    for key in [key for key in _generators if key[0] == "cuda"]:
        del _generators[key]


class RawModule:
    """`cupy.RawModule`."""

    started: ClassVar[list[str]] = []

    def __init__(self, code, options, name_expressions):
        base = next(source for source in (*SOURCES, "fused", "derived") if code.startswith(source_of(source)))
        written = code.removeprefix(source_of(base))
        self.source = f"{base}\n{written}" if written else base

    def get_function(self, expression):
        def kernel(grid, block, arguments):
            self.started.append(expression.partition("<")[0])
            shim.start(self.source, expression, grid, block, arguments)

        return kernel


@pytest.fixture
def compiling(cupy):
    """The module behind "cuda" with kernels, which run on the CPU; those that ran, by name."""
    if shim.COMPILER is None:
        pytest.skip("needs g++ to run CUDA sources on the CPU")
    cupy.RawModule = RawModule
    RawModule.started.clear()
    return RawModule.started
