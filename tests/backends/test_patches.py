import naive_kernels as naive
import numpy as np
import pytest

import backends
from backends.geometry import Window

GEOMETRIES = [
    ((3, 4), Window((2, 2), (1, 1), (0, 0), (1, 1))),
    ((5, 3), Window((3, 2), (2, 1), (1, 1), (1, 2))),
    ((4, 4), Window((1, 1), (1, 1), (0, 0), (1, 1))),
    ((6,), Window((3,), (3,), (2,), (2,))),
]


@pytest.mark.parametrize("plane, window", GEOMETRIES)
def test_patches_match_loops_and_their_adjoint(library, plane, window):
    x = np.cos(np.arange(4 * np.prod(plane))).reshape(2, 2, *plane)
    put, get = library.put, library.get
    y = get(library.kernels.patches(put(x), window))
    out = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in zip(plane, *window, strict=True)]
    windows = naive.windows(plane, out, *window)
    sums = np.array([sum(x[(..., *at)] for at in inside) for _, _, inside in windows])
    np.testing.assert_allclose(y.reshape(2, 2, np.prod(window.kernel), -1).sum(2), sums.transpose(1, 2, 0), atol=1e-14)
    g = np.sin(np.arange(y.size)).reshape(y.shape)
    dx = get(library.kernels.add_patches(put(g), x.shape, window))
    np.testing.assert_allclose(np.vdot(dx, x), np.vdot(g, y))


def test_patches_do_not_share_memory_with_their_image():
    x = np.ones((1, 1, 2, 2))
    y = backends.get("cpu").namespace.kernels.patches(x, Window((1, 1), (1, 1), (0, 0), (1, 1)))
    assert not np.shares_memory(x, y)


def test_misfits_are_named(library):
    k, x = library.kernels, library.put(np.ones((1, 1, 2, 2)))
    with pytest.raises(ValueError, match=r"the window \(3, 3\).*larger than the input \(2, 2\)"):
        k.patches(x, Window((3, 3), (1, 1), (0, 0), (1, 1)))
    with pytest.raises(ValueError, match=r"stride=\(0, 1\) must be at least 1"):
        k.patches(x, Window((1, 1), (0, 1), (0, 0), (1, 1)))
    with pytest.raises(ValueError, match="the gradient has shape"):
        k.add_patches(library.put(np.ones((1, 4, 3))), (1, 1, 2, 2), Window((2, 2), (1, 1), (0, 0), (1, 1)))
