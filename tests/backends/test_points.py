import numpy as np
import pytest

from backends.numpy_backend import points


@pytest.fixture(autouse=True, params=[(1, 0), (1, 4), (1 << 20, 4)], ids=["sparse", "planes", "gathered"])
def _limits(request, monkeypatch):
    for name, value in zip(("LARGE", "FEW"), request.param, strict=True):
        monkeypatch.setattr(points, name, value)


def case():
    """Images, weights, indices that repeat and leave the plane, and a cotangent."""
    rng = np.random.default_rng(0)
    x, weights, g = (rng.standard_normal(shape) for shape in ((2, 3, 2, 3), (2, 5, 4), (2, 3, 5)))
    return x, weights, rng.integers(-1, 6, (2, 5, 4)), g


def test_points_match_loops(library):
    x, weights, index, _ = case()
    y = library.get(library.kernels.read_points(*map(library.put, (x, weights, index))))
    flat = x.reshape(2, 3, 6)
    for n, p in np.ndindex(2, 5):
        found = sum(w * flat[n, :, i] for i, w in zip(index[n, p], weights[n, p], strict=True) if i >= 0)
        np.testing.assert_allclose(y[n, :, p], found, atol=1e-14)


def test_the_three_kernels_are_adjoints(library):
    x, weights, index, g = case()
    k, put, get = library.kernels, library.put, library.get
    y = get(k.read_points(put(x), put(weights), put(index)))
    dx = get(k.add_points(put(g), put(weights), put(index), x.shape))
    dw = get(k.match_points(put(g), put(x), put(index)))
    assert dx.shape == x.shape
    np.testing.assert_allclose(np.vdot(dx, x), np.vdot(g, y))
    np.testing.assert_allclose(np.vdot(dw, weights), np.vdot(g, y))


def test_what_lies_outside_is_zero_even_beside_infinity(library):
    x = np.full((1, 1, 2), np.inf)
    y = library.kernels.read_points(library.put(x), library.put(np.ones((1, 1, 1))), library.put(np.array([[[-1]]])))
    assert library.get(y).item() == 0


@pytest.mark.parametrize("n, c, p", [(0, 2, 5), (2, 0, 5), (2, 3, 0)])
def test_nothing_to_read(library, n, c, p):
    k, put, get = library.kernels, library.put, library.get
    x, weights, index, g = map(
        put, (np.ones((n, c, 4)), np.ones((n, p, 2)), np.zeros((n, p, 2), int), np.ones((n, c, p)))
    )
    assert get(k.read_points(x, weights, index)).shape == g.shape
    assert get(k.add_points(g, weights, index, x.shape)).shape == x.shape
    assert get(k.match_points(g, x, index)).shape == weights.shape
