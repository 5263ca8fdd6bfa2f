import numpy as np
import pytest

import autograd_core as ag


@pytest.fixture
def medium():
    ag.set_float32_matmul_precision("medium")
    yield
    ag.set_float32_matmul_precision("highest")


def results():
    rng = np.random.default_rng(0)
    x, w = (
        ag.tensor(rng.standard_normal(s, np.float32), requires_grad=True) for s in ((4, 16, 20, 20), (32, 16, 3, 3))
    )
    y = ag.conv2d(x, w, padding=1)
    a = ag.tensor(rng.standard_normal((256, 256), np.float32))
    return [t.detach().numpy() for t in (y, *ag.grad(y.sum(), (x, w)), a @ a)]


def test_rounded_factors_give_about_the_same(medium):
    rounded = results()
    ag.set_float32_matmul_precision("highest")
    for a, b in zip(rounded, results(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=2e-2 * np.abs(b).max())


def test_nothing_stays_rounded(medium):
    results()
    ag.set_float32_matmul_precision("high")
    exact = results()
    ag.set_float32_matmul_precision("highest")
    for a, b in zip(exact, results(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_names():
    assert ag.get_float32_matmul_precision() == "highest"
    with pytest.raises(RuntimeError, match="Invalid precision: 'low'; choose one of 'highest'"):
        ag.set_float32_matmul_precision("low")
    assert ag.get_float32_matmul_precision() == "highest"
