import sys
from pathlib import Path

import numpy as np
import pytest

# pytest does not put a test's own folder on the path in importlib mode.
sys.path.insert(0, str(Path(__file__).parent))
import h200 as planning
import shim

from autograd_core.engine.libraries import LIBRARY, RULES
from autograd_core.registry import add_library
from backends import determinism
from backends.cupy_backend.launch import Gpu
from backends.cupy_backend.symbols import SYMBOLS, Symbol


@pytest.fixture(params=[False, True], ids=["atomic", "deterministic"])
def either_gpu(request, monkeypatch):
    monkeypatch.setattr(determinism, "_wanted", request.param)
    return gpu_on_cpu()


@pytest.fixture
def symbols():
    """Rules can be traced with symbols for arrays."""
    add_library(SYMBOLS, (Symbol,))
    yield
    for table in (LIBRARY, RULES):
        del table[Symbol]


@pytest.fixture
def gpu():
    return gpu_on_cpu()


def gpu_on_cpu():
    if shim.COMPILER is None:
        pytest.skip("needs g++ to run CUDA sources on the CPU")
    gpu = Gpu(np, shim.start, shim.address)
    gpu.capturing = lambda: False
    gpu.device = gpu.stream = lambda: 0
    return gpu


@pytest.fixture(scope="session")
def h200(tmp_path_factory):
    """cuDNN, and the description of a GPU that it plans for."""
    pytest.importorskip("cudnn", reason="needs nvidia-cudnn-frontend")
    planning.without_driver(tmp_path_factory.mktemp("driver"))
    return planning.described()
