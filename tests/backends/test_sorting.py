"""Stable orders of large arrays."""

import numpy as np
import pytest

import backends

RNG = np.random.default_rng(0)


def floats():
    """Ties, both zeros, infinities, and NaN of either sign."""
    x = np.round(RNG.standard_normal((64, 96)), 1).astype(np.float32)
    for value in (np.nan, -np.nan, np.inf, -np.inf, -0.0):
        x[RNG.random(x.shape) < 0.05] = value
    return x


@pytest.mark.parametrize("x", [
    floats(),
    floats().T,
    floats().reshape(8, 8, 96),
    RNG.integers(-20, 20, (64, 96)),
    RNG.integers(-(2**62), 2**62, (64, 96)),
    RNG.integers(0, 20, (64, 96), dtype=np.uint64) + np.uint64(2**63),
    RNG.integers(-(2**31), 2**31, (64, 96), dtype=np.int32),
])  # fmt: skip
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_argsort_is_stable(x, axis):
    order = backends.get("cpu").namespace.argsort(x, axis=axis, kind="stable")
    np.testing.assert_array_equal(order, np.argsort(x, axis=axis, kind="stable"))
    assert order.flags.c_contiguous
