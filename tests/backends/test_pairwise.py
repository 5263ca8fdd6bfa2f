import numpy as np
import pytest

from backends.numpy_backend.pairwise import FORMULAS, LOGICAL, power

SPECIAL = [0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 3, -3, 1e-40, 1e38, -1e38, 0.1, 0.3, 7, 2]


def operands():
    rng = np.random.default_rng(0)
    pairs = np.array(np.meshgrid(SPECIAL, SPECIAL)).reshape(2, -1)
    quarters = rng.integers(-40, 40, (2, 2100)) / 4
    spread = np.exp(rng.uniform(-40, 40, (2, 2100))) * rng.choice([-1, 1], (2, 2100))
    return np.concatenate([pairs, quarters, spread], axis=1).astype(np.float32)


@pytest.mark.parametrize("divisor", [None, 2.0, -0.3, 0.0])
@pytest.mark.parametrize("name", ["fmod", "remainder", "hypot"])
def test_formulas_give_numpys_bits(name, divisor):
    a, b = operands()
    b = b if divisor is None else divisor
    with np.errstate(all="ignore"):
        found, expected = FORMULAS[name](a, b), getattr(np, name)(a, b)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
    numbers = expected == expected
    assert (np.signbit(found) == np.signbit(expected))[numbers].all()


def test_quotients_are_rounded_down_exactly():
    a, b = operands()[:, -4200:]
    with np.errstate(all="ignore"):
        found, exact = FORMULAS["floor_divide"](a, b), np.floor_divide(a, b, dtype=float)
    small = (abs(exact) < 1 << 24) & (b != 0)
    np.testing.assert_array_equal(found[small], exact[small])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logaddexp_is_as_exact_as_numpys(dtype):
    a, b = operands().astype(dtype)
    with np.errstate(all="ignore"):
        found, expected = FORMULAS["logaddexp"](a, b), np.logaddexp(a, b)
    finite = np.isfinite(expected)
    size = np.maximum(np.maximum(abs(a), abs(b)), 1)[finite]
    assert (abs(found[finite] - expected[finite]) < 2 * np.finfo(dtype).eps * size).all()
    np.testing.assert_array_equal(found[~finite], expected[~finite])


def test_other_operands_are_left_to_numpy():
    a = np.arange(1, 2001, dtype=np.float32)
    assert FORMULAS["fmod"](a[:, None], a[:3]).shape == (2000, 3)
    assert FORMULAS["remainder"](a.astype(int), 3).dtype == np.int64
    assert FORMULAS["hypot"](np.float32(3), np.float32(4)) == 5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "exponent", [-7, -3, -2, -1, 0, 1, 5, 6, 7.0, 101, 16777217, 2.5, -0.5, np.inf, -np.inf, 1e300]
)
def test_powers_are_those_of_numpy(exponent, dtype):
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 1e30, -1e30, 1e-30, -1e-30]
    x = np.concatenate([np.random.default_rng(0).standard_normal(70000) * 3, special]).astype(dtype)
    with np.errstate(all="ignore"):
        y, expected = power(x, exponent), x**exponent
    np.testing.assert_allclose(y, expected, rtol=2 * np.finfo(dtype).eps)
    known = ~np.isnan(expected)
    assert (np.signbit(y) == np.signbit(expected))[known].all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, bool])
@pytest.mark.parametrize("name", LOGICAL)
def test_logic_of_numbers_is_that_of_numpy(name, dtype):
    special = [0.0, -0.0, np.nan, np.inf, 1e-45, 1, -1] if np.dtype(dtype).kind == "f" else [0, 1]
    pairs = np.array(np.meshgrid(*[special * 30] * 2)).reshape(2, -1).astype(dtype)
    operands = pairs[: getattr(np, name).nin]
    y = LOGICAL[name](*operands)
    assert y.dtype == bool
    np.testing.assert_array_equal(y, getattr(np, name)(*operands))
    small = [v[:3] for v in operands]
    np.testing.assert_array_equal(LOGICAL[name](*small), getattr(np, name)(*small))
