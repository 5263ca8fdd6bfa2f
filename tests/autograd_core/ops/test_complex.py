"""Complex numbers: gradients by PyTorch's convention, what is refused, views of parts, drawing and conversion."""

import math
import warnings

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import functional as F
from autograd_core.errors import ComplexError, DtypeError

Z = [1 + 2j, -0.5j]


def leaf(values=Z, dtype="complex128"):
    return ag.tensor(values, dtype=dtype, requires_grad=True)


def gradients(f, *inputs, cotangent=None, **options):
    return [g.tolist() for g in ag.grad(f(*inputs), inputs, cotangent, **options)]


# Real functions and their gradients.
GRADIENTS = {
    "|z|²": (lambda z: z.abs().square().sum(), [2 * z for z in Z]),
    "z·z̄": (lambda z: (z * z.conj()).real.sum(), [2 * z for z in Z]),
    "Re z": (lambda z: z.real.sum(), [1, 1]),
    "Im z": (lambda z: z.imag.sum(), [1j, 1j]),
    "Re z²": (lambda z: (z * z).real.sum(), [2 * z.conjugate() for z in Z]),
    "Im i·exp z": (lambda z: (z.exp() * 1j).imag.sum(), np.exp(np.conj(Z))),
    "angle": (lambda z: z.angle().sum(), [1j * z / abs(z) ** 2 for z in Z]),
}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("f, expected", GRADIENTS.values(), ids=GRADIENTS)
def test_a_gradient_is_that_by_the_real_part_plus_i_that_by_the_imaginary_part(f, expected, create_graph):
    assert gradients(f, leaf(), create_graph=create_graph)[0] == pytest.approx(list(expected))


def test_a_cotangent_meets_the_conjugate_derivative():
    g = ag.tensor([1 + 1j, 2.0], dtype="complex128")
    assert gradients(lambda z: z * z, leaf(), cotangent=g)[0] == [(1 + 1j) * (2 - 4j), 2j]


@pytest.mark.parametrize("create_graph", [False, True])
def test_the_walk_passes_from_real_to_complex_numbers_and_back(create_graph):
    x = ag.tensor([3.0, 4.0], dtype="float64", requires_grad=True)

    def length(x):
        return ((x * (1 + 1j)).exp().log().abs() * 2).tanh().sum()

    a = math.sqrt(2) * 2
    expected = [a / math.cosh(a * 3.0) ** 2]
    found = ag.grad(length(x), x, create_graph=create_graph)[0]
    assert found.dtype == np.float64
    assert found.tolist()[:1] == pytest.approx(expected, rel=1e-6)


def test_the_gradient_of_a_complex_loss_is_not_implied():
    z = leaf()
    with pytest.raises(RuntimeError, match="implied only for real"):
        z.sum().backward()
    for y, g in ((z, ag.ones(2, dtype="float64")), (z.abs(), ag.ones(2, dtype="complex128"))):
        with pytest.raises(DtypeError, match="both must be complex, or both real"):
            y.backward(g)


ORDERING = {
    "lt": lambda z: z < 1, "gt": lambda z: z > z, "maximum": lambda z: ag.maximum(z, z), "sign": lambda z: z.sign(),
    "floor_divide": lambda z: z // 1, "remainder": lambda z: z % 1, "clamp": lambda z: z.clamp(0),
    "softmax": lambda z: z.softmax(0), "relu": lambda z: z.relu(), "max": lambda z: z.max(),
    "argmax": lambda z: z.argmax(), "floor": lambda z: z.floor(), "atan2": lambda z: z.atan2(z.real),
    "linear_relu": lambda z: F.linear_relu(z, z.reshape(1, 2), z[:1]),
}  # fmt: skip


@pytest.mark.parametrize("name, f", ORDERING.items(), ids=ORDERING)
def test_what_orders_numbers_refuses_complex_ones(name, f):
    with pytest.raises(ComplexError, match=rf"{name}\(\) takes no complex numbers, but got complex128"):
        f(leaf())


def test_only_a_conversion_that_says_so_drops_imaginary_parts():
    z = leaf()
    with pytest.warns(UserWarning, match="take .real"):
        assert z.double().tolist() == [1, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = ag.tensor([1.0, 2.0], requires_grad=True)
        (x * z).abs().sum().backward()
    assert x.grad.dtype == np.float32
    assert x.grad.tolist() == pytest.approx([math.sqrt(5), 0.5])


def test_writes_to_the_parts_reach_the_whole_and_are_recorded():
    z, x = ag.tensor(Z, dtype="complex128") * 1, ag.tensor([3.0, 4.0], dtype="float64", requires_grad=True)
    z.real[0] = x[0]
    z.imag = x
    z.imag.mul_(2)
    assert z.tolist() == [3 + 6j, 8j]
    z.backward(ag.tensor([1 + 10j, 100 + 1000j], dtype="complex128"))
    assert x.grad.tolist() == [21, 2000]


def test_parts_and_pairs_are_views():
    z = ag.tensor(Z)
    pairs = ag.view_as_real(z)
    pairs[0, 1] = 7
    z.real[1] = 5
    assert z.tolist() == [1 + 7j, 5 - 0.5j]
    ag.view_as_complex(pairs).zero_()
    assert z.tolist() == [0, 0]
    assert ag.tensor(2.0).real.tolist() == 2
    with pytest.raises(DtypeError, match="no imaginary parts"):
        ag.tensor(2.0).imag


def test_infinite_parts_stay_apart():
    assert ag.complex(ag.tensor(math.inf), ag.tensor(2.0)).tolist() == complex(math.inf, 2)


@pytest.mark.parametrize("name", ["abs", "angle", "sgn"])
def test_lengths_and_angles_at_0(name):
    z = leaf(0j)
    y = getattr(z, name)()
    assert y.tolist() == 0
    assert gradients(lambda z: y.abs(), z)[0] == 0


def test_adjoints_are_of_matrices():
    m = ag.tensor([[1 + 1j, 2], [3, 4j]])
    assert m.H.tolist() == m.mH.tolist() == m.adjoint().tolist() == [[1 - 1j, 3], [2, -4j]]
    with pytest.raises(RuntimeError, match="needs a matrix"):
        m[0].H


def test_random_complex_numbers():
    ag.manual_seed(0)
    normal, uniform = ag.randn(10000, dtype="complex64"), ag.rand(10000, dtype="complex128")
    assert (normal.dtype, uniform.dtype) == (np.complex64, np.complex128)
    assert normal.abs().square().mean().item() == pytest.approx(1, abs=0.05)
    assert complex(uniform.mean()) == pytest.approx(0.5 + 0.5j, abs=0.02)
    assert float(ag.tensor(2 + 0j)) == 2
    with pytest.raises(TypeError):
        float(ag.tensor(2 + 1j))


class Doubled(ag.Function):
    """What a user writes: its own rule, right for complex numbers."""

    @staticmethod
    def forward(ctx, z):
        return z * 2j

    @staticmethod
    def backward(ctx, g):
        return g * -2j


def test_functions_of_users_see_cotangents_as_they_are():
    assert gradients(lambda z: Doubled.apply(z).real.sum(), leaf())[0] == [-2j, -2j]


def test_running_sums_of_logarithms_of_0_have_no_angle():
    z = ag.tensor([complex(-math.inf, 1), complex(-math.inf, 2), 1 + 1j])
    assert z.logcumsumexp(0).tolist() == [-math.inf, -math.inf, 1 + 1j]


CUTS = {"log1p": -2, "asin": 2, "acos": 2, "acosh": 2, "asinh": 2j, "atanh": 2, "atan": 2j, "log": 2, "sqrt": 2}


@pytest.mark.parametrize("name", CUTS)
@pytest.mark.parametrize("mirror", [1, -1])
@pytest.mark.parametrize("side", [0.0, -0.0])
def test_the_sign_of_a_zero_tells_the_side_of_a_branch_cut(name, mirror, side):
    end, step = complex(CUTS[name] * mirror), math.copysign(1e-9, side)
    on, near = ((complex(end.real, d) if end.real else complex(d, end.imag)) for d in (side, step))
    for order in (0, 1, 2):
        found, expected = (derivative(getattr(ag, name), leaf(z), order) for z in (on, near))
        assert found == pytest.approx(expected, abs=1e-7)


def derivative(f, z, order):
    """The derivative by a complex number, the conjugate of what a gradient of the real part is."""
    y = f(z)
    for _ in range(order):
        y = ag.grad(y, z, ag.ones_like(y), create_graph=True)[0].conj()
    return y.item()


# Derivatives where exponentials overflow, differences cancel or squares overflow, from mpmath.
TAILS = {
    "sigmoid": (30 + 1j, 5.0559452675097424e-14 - 7.874168215049342e-14j),
    "tanh": (21 - 1e-10j, 2.299808905717424e-18 + 4.599617811434848e-28j),
    "atan": (3e-9 + (1 + 1e-9) * 1j, -50000003.059614755 - 149999997.5177888j),
    "asinh": (3e-9 + (1 + 1e-9) * 1j, 7352.34243494912 - 10200.830473072685j),
    "asin": (-1e155 + 1e155j, 5e-156 - 5e-156j),
}


@pytest.mark.parametrize("name", TAILS)
def test_complex_derivatives_keep_their_digits(name):
    z, expected = TAILS[name]
    assert derivative(getattr(ag, name), leaf(z), 1) == pytest.approx(expected, rel=1e-14, abs=0)


@pytest.mark.parametrize("f", [ag.sigmoid, F.silu], ids=["sigmoid", "silu"])
def test_logistic_functions_of_complex_numbers_vanish_far_below_0(f):
    assert [derivative(f, leaf(-800 + 1j), order) for order in (0, 1)] == [0, 0]
