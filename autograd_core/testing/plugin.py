"""The pytest plugin: gradient checks and the suite of one operation, as fixtures.

Every pytest run loads it where this package is installed, so it imports only the engine: no Hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from autograd_core import testing


@pytest.fixture(scope="session")
def gradcheck() -> Callable[..., bool]:
    """`autograd_core.testing.gradcheck`: gradients against finite differences."""
    return testing.gradcheck


@pytest.fixture(scope="session")
def gradgradcheck() -> Callable[..., bool]:
    """`autograd_core.testing.gradgradcheck`: second derivatives against finite differences."""
    return testing.gradgradcheck


@pytest.fixture(scope="session")
def check_op() -> Callable[..., None]:
    """`autograd_core.testing.check_op`: the whole generated suite for one operation, by name."""
    return testing.check_op


@pytest.fixture
def temporary_ops() -> Iterator[None]:
    """Operations that the test registers are unregistered after it."""
    with testing.temporary_ops():
        yield
