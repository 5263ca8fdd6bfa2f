import itertools

import numpy as np
import pytest

import backends
from backends.geometry import channels_first, channels_last

LAYOUTS = {
    "plain": np.asarray,
    "channels last": lambda x: channels_first(np.ascontiguousarray(channels_last(x))),
    "reversed": lambda x: x[::-1],
    "transposed": lambda x: np.ascontiguousarray(x.T).T,
}


@pytest.mark.parametrize("shape", [(4, 6, 7, 9), (8, 16, 32, 2), (3, 1, 5, 1), (2, 0, 3, 4), (1, 1500, 2, 3)], ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_sums_over_any_axes(shape, layout):
    x = LAYOUTS[layout](np.random.default_rng(0).standard_normal(shape))
    total = backends.get("cpu").namespace.kernels.total
    for axes in itertools.chain.from_iterable(itertools.combinations(range(4), k) for k in range(1, 5)):
        for keepdims in (False, True):
            found = total(x, axes, keepdims)
            np.testing.assert_allclose(found, x.sum(axis=axes, keepdims=keepdims), rtol=1e-12, atol=1e-12)
            assert np.shape(found) == x.sum(axis=axes, keepdims=keepdims).shape
