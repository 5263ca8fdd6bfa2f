"""These tests compare oneDNN's kernels with NumPy's, and are skipped where there is no oneDNN."""

import pytest

import backends
from backends.onednn import choice, library, products


@pytest.fixture(autouse=True)
def _with_onednn(monkeypatch):
    try:
        library.load()
    except library.Unusable as e:
        pytest.skip(str(e))
    monkeypatch.setattr(products, "left_to_blas", lambda *_: False)  # also on processors where BLAS is faster


@pytest.fixture(scope="session")
def kernels():
    return backends.get("cpu").namespace.kernels


@pytest.fixture
def numpy_alone():
    """Within it, NumPy's kernels compute."""

    class Alone:
        def __enter__(self):
            self.before = choice.chosen()
            choice.choose("numpy")

        def __exit__(self, *_):
            choice.choose(self.before)

    return Alone()
