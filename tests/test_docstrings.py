"""Every example in a docstring is run."""

import doctest
import importlib
import pkgutil

import pytest

import autograd_core
from autograd_core.registry import COMPOSITIONS, OPS

PACKAGES = ("autograd_core", "backends", "nn", "optim", "training")
OPTIONAL = ("backends.cupy_backend",)  # needs CuPy
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


def modules():
    for package in PACKAGES:
        yield package
        path = importlib.import_module(package).__path__
        yield from (m.name for m in pkgutil.walk_packages(path, package + ".") if not m.name.startswith(OPTIONAL))


def run(tests):
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    for test in tests:
        runner.run(test)
    assert runner.failures == 0


@pytest.mark.parametrize("name", list(modules()))
def test_module(name):
    run(doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name), name))


ENTRIES = [e for e in (*OPS.values(), *COMPOSITIONS.values()) if ">>>" in (e.doc or "")]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.name)
def test_entry(entry):
    names = vars(autograd_core.functional) | {"Tensor": autograd_core.Tensor}
    run([doctest.DocTestParser().get_doctest(entry.doc, dict(names), entry.name, None, None)])
