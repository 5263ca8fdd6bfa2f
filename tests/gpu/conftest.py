"""The device "cuda" over a CuPy without a GPU."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import autograd_core as ag
import backends
from backends import deferred
from backends.cupy_backend import random
from backends.cupy_backend.backend import CupyBackend
from backends.registry import _loaded, _loaders

# pytest does not put a test's own folder on the path in importlib mode.
sys.path.insert(0, str(Path(__file__).parent))
import fake_cupy


@pytest.fixture
def cupy(monkeypatch):
    """The module behind "cuda"."""
    made = fake_cupy.make()
    modules = {"cupyx.scipy.special": fake_cupy.special()}
    monkeypatch.setattr(deferred, "import_module", lambda name: modules.get(name) or __import__(name, fromlist=["."]))
    monkeypatch.setitem(sys.modules, "cupyx", SimpleNamespace(empty_pinned=fake_cupy.empty_pinned(made)))
    monkeypatch.setitem(_loaders, "cuda", lambda: CupyBackend(made))
    monkeypatch.delitem(_loaded, "cuda", raising=False)
    random._kernel.cache_clear()
    ag.manual_seed(0)
    yield made
    backends.registry._loaded.pop("cuda", None)
    ag.manual_seed(0)
    fake_cupy.make()
