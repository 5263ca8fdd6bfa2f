import numpy as np
import pytest

from backends.numpy_backend import elementary
from backends.numpy_backend.elementary import FORMULAS, MANY

SPECIAL = [0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 2, -2, 1e-45, -1e-45, 1e-5, 88, -88, 89, -89, 3e38, -3e38, 0.5]


def numbers():
    steps = np.logspace(-45, 38.5, 20000)
    return np.concatenate([SPECIAL, np.linspace(-3, 3, 20000), steps, -steps]).astype(np.float32)


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_round_nearly_once(name):
    x = numbers()
    with np.errstate(all="ignore"):
        found, exact = FORMULAS[name].formula(x), getattr(np, name)(x.astype(float))
        expected = exact.astype(np.float32)
    assert found.dtype == np.float32
    finite = np.isfinite(expected)
    units = abs(found[finite] - exact[finite]) / np.spacing(abs(expected[finite]))
    assert units.max() < 0.55
    np.testing.assert_array_equal(found[~finite], expected[~finite])
    known = ~np.isnan(expected)
    assert (np.signbit(found) == np.signbit(expected))[known].all()


def test_logarithms_of_one_plus_a_fraction_are_as_exact_as_two_roundings():
    x = np.concatenate([[0, -0.0, 1, 1e-45], np.linspace(0, 1, 1 << 17), np.logspace(-45, 0, 5000)]).astype(np.float32)
    found, exact = FORMULAS["log1p"].formula(x), np.log1p(x.astype(float))
    assert (abs(found - exact) <= 1.35 * np.spacing(exact.astype(np.float32))).all()
    assert (np.signbit(found) == np.signbit(x)).all()


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64])
def test_functions_are_numpys_for_any_operand(name, dtype):
    x = np.arange(1, MANY + 1).astype(dtype).reshape(-1, 4).T
    with np.errstate(all="ignore"):
        for operand in (x, x[:, :2], x[0, 0], x[:0]):
            found, expected = FORMULAS[name](operand), getattr(np, name)(operand)
            assert found.dtype == expected.dtype
            np.testing.assert_allclose(found, expected, rtol=3e-7)


@pytest.mark.parametrize("loop", [True, False])
def test_formulas_compute_what_numpy_has_no_vector_loop_for(loop, monkeypatch):
    x, function = np.linspace(-1, 1, MANY, dtype=np.float32), FORMULAS["sinh"]
    monkeypatch.setattr(elementary, "has_loop", lambda name: loop)
    np.testing.assert_array_equal(function(x), np.sinh(x) if loop else function.formula(x))
