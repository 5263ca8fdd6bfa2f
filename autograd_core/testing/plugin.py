"""The pytest plugin: gradient checks and the suite of one operation, as fixtures.

It is loaded by every pytest run on a machine that has this package, so it imports nothing before a test asks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def gradcheck() -> Callable[..., bool]:
    """`autograd_core.testing.gradcheck`: gradients against finite differences."""
    from autograd_core import testing

    return testing.gradcheck


@pytest.fixture(scope="session")
def gradgradcheck() -> Callable[..., bool]:
    """`autograd_core.testing.gradgradcheck`: gradients of gradients against finite differences."""
    from autograd_core import testing

    return testing.gradgradcheck


@pytest.fixture(scope="session")
def check_op() -> Callable[..., Any]:
    """`autograd_core.testing.check_op`: the whole generated suite for one operation, by name."""
    from autograd_core import testing

    return testing.check_op


@pytest.fixture
def temporary_ops() -> Any:
    """Operations that the test registers are forgotten after it."""
    from autograd_core import testing

    with testing.temporary_ops():
        yield
