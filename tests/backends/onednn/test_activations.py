"""Activations by oneDNN: what is not finite or far out, and elements that do not depend on others."""

import numpy as np
import pytest

from backends import registry
from backends.onednn import Unsupported, activations, passes
from backends.onednn.formulas import FORMULAS

ODD = [
    0.0, -0.0, 1e-45, -1e-40, np.nan, np.inf, -np.inf, 1e30, -1e30, 3e38, -3e38, 3.0, -3.0, 6.0,
    *[sign * v for v in (20.0, 87.2, 87.4, 88.5, 89.0, 92.0, 95.0, 103.9, 104.5, 1e4) for sign in (1, -1)],
]  # fmt: skip
PARAMETERS = {
    "elu": (1.0, 1.0, 1.0), "elu_gradient": (1.5, 1.25, 1.0), "huber": (1.0,), "leaky_gate": (0.01,),
    "leaky_relu": (0.01,), "softplus": (-1.0,), "softplus_gradient": (-1.0,), "within": (0.0, 6.0, 1.0),
}  # fmt: skip
SIZE = 2 * activations.BLOCK + 48
ABSOLUTE = {"gelu": 2e-6, "gelu_gradient": 2e-6}  # sums that cancel
SUBNORMAL = 1e-37  # beside these gradients; smaller results may be 0


def operands(name):
    rng = np.random.default_rng(0)
    x, g = rng.standard_normal((2, SIZE), np.float32) * 2
    return (g, x) if name in activations.GRADIENTS else (x,)


@pytest.mark.parametrize("name", FORMULAS)
def test_odd_elements_are_numpys_and_change_no_others(name, kernels):
    *g, x = operands(name)
    parameters = PARAMETERS.get(name, (1.0,) if name.startswith("softplus") else ())
    kernel = getattr(activations, name)
    with np.errstate(all="ignore"):
        plain = kernel(*g, x, *parameters)
        places = np.arange(len(ODD)) * 37 + SIZE - 2000
        x[places] = ODD
        found = kernel(*g, x, *parameters)
        few = [v[places] for v in (*g, x)]
        expected = getattr(registry.get("cpu").library(None).kernels, name)(*few, *parameters)  # few are NumPy's
    np.testing.assert_allclose(found[places], expected, rtol=2e-6, atol=ABSOLUTE.get(name, SUBNORMAL))
    others = np.ones(SIZE, bool)
    others[places] = False
    np.testing.assert_array_equal(found[others], plain[others])


def test_nothing_is_computed_if_the_last_block_cannot_be(kernels, monkeypatch):
    def run(*_):
        raise AssertionError

    monkeypatch.setattr(passes.Routine, "run", run)
    x = np.ones(SIZE + 1, np.float32)  # a size for which the library cannot compare
    with pytest.raises(Unsupported):
        activations.within(x, x, 0.0, 6.0, 1.0)
