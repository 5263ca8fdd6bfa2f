"""Every kernel is tested over NumPy, with its overrides, and generically over a foreign array type."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backends
from backends import kernels
from backends.deferred import Deferred

# pytest does not put a test's own folder on the path in importlib mode.
sys.path.insert(0, str(Path(__file__).parent))
from foreign_array import ForeignArray, namespace, wrapped


class Library:
    """Bound kernels, and how NumPy arrays get there and back."""

    def __init__(self, name: str, kernels: Any, put: Callable[..., Any], get: Callable[..., Any]) -> None:
        self.name, self.kernels, self.put, self.get = name, kernels, put, get

    # Hypothesis prints arguments in full.
    def __repr__(self) -> str:
        return self.name


@pytest.fixture(scope="session", params=["cpu", "foreign"])
def library(request):
    if request.param == "cpu":
        return Library("cpu", backends.get("cpu").namespace.kernels, np.asarray, np.asarray)
    functions = Deferred("scipy.special", wrapped)
    return Library("foreign", kernels.bind(namespace(), 1 << 10, functions), ForeignArray, lambda array: array.held)
