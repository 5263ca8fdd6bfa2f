"""Losses of classes by NumPy's own kernels, compared with the generic ones in float64."""

import numpy as np
import pytest

import backends
from backends.generic import softmax as generic


@pytest.mark.parametrize("shape", [(5, 3), (100, 3), (5, 40), (300, 65), (4, 3, 2)])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("ignore_index", [None, 1, 99])
@pytest.mark.parametrize("name", ["softmax_nll", "picked_nll"])
def test_losses_are_those_of_the_generic_kernels(name, shape, reduction, ignore_index):
    random = np.random.default_rng(0)
    x = random.standard_normal(shape).astype(np.float32)
    target = random.integers(0, shape[1], (shape[0], *shape[2:]))
    found = getattr(backends.get("cpu").namespace.kernels, name)(x, target, ignore_index, reduction)
    expected = getattr(generic, name)(np, x.astype(float), target, ignore_index, reduction)
    for y, z in zip(*(v if isinstance(v, tuple) else (v,) for v in (found, expected)), strict=True):
        assert (y.dtype, np.shape(y)) == (np.float32, np.shape(z))
        np.testing.assert_allclose(y, z, rtol=1e-5, atol=1e-6)
