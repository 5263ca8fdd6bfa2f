"""The suite is itself tested: every kind of wrong rule must be caught, with a complaint that leads to it."""

import math
import re
from functools import partial

import numpy as np
import pytest

from autograd_core.kinds import BINARY, CONVOLUTION, ELEMENTWISE, INDEXING, REDUCTION
from autograd_core.registry import OPS, Interval, op, sample
from autograd_core.tensor import Tensor
from autograd_core.testing import check_op, temporary_ops
from autograd_core.testing.samples import cases
from autograd_core.testing.suite import check_purity

REAL = Interval(-2, 2)
POSITIVE = Interval(0.5, 2)
KINK = Interval(-2, 2, kinks=(0,))


def cube(xp, x):
    """x³."""
    return x * x * x


def growth(xp, x):
    """x·exp(x)."""
    return x * xp.exp(x)


def ramp(xp, x):
    """x above 0, else 0."""
    return xp.maximum(x, 0)


def root(xp, x):
    """The square root of |x|."""
    return xp.sqrt(abs(x))


def scaled(xp, x, *, factor=1.0):
    """x times a number."""
    return x * factor


def quotient(xp, a, b):
    """a / b."""
    return a / b


def product(xp, a, b):
    """The matrix product of a and b."""
    return xp.matmul(a, b)


def total(xp, x, *, dim):
    """The sum along an axis."""
    return xp.sum(x, axis=dim)


def tail(xp, x):
    """Every element but the first."""
    return x[1:] * 1


def shifted(xp, x, bias):
    """x plus a vector along its last axis."""
    return x + bias


BUFFER = []


def buffered(xp, x):
    """x³, with 3x² in a buffer that the next call overwrites."""
    slope = 3 * x * x
    if not BUFFER or BUFFER[0].__class__ is not slope.__class__ or BUFFER[0].shape != slope.shape:
        BUFFER[:] = [slope]
    BUFFER[0][...] = slope
    return x * x * x, BUFFER[0]


def writes(xp, g, x):
    x *= 2
    return 0.75 * g * x * x


def detaches(xp, g, x):
    x = x.detach() if hasattr(x, "detach") else x
    return 3 * g * x * x


def pointwise(forward, reference, *vjp, kind=ELEMENTWISE, domain=POSITIVE, **fields):
    return forward, {"kind": kind, "reference": reference, "vjp": vjp, "domain": domain} | fields


def shaped(forward, kind, reference, *vjp, **fields):
    return forward, {"kind": kind, "reference": reference, "vjp": vjp, "domain": REAL} | fields


wrong_cube = partial(pointwise, cube, lambda x: x**3)
wrong_growth = partial(pointwise, growth, lambda x: x * math.exp(x))
wrong_ramp = partial(pointwise, ramp, lambda x: max(x, 0), domain=KINK)
wrong_root = partial(pointwise, root, lambda x: math.sqrt(abs(x)), domain=KINK)
wrong_scale = partial(
    pointwise, scaled, lambda x, factor=1.0: x * factor, samples=(sample((3,)), sample((3,), factor=2.0))
)
wrong_buffer = partial(pointwise, buffered, lambda x: x**3, residuals=("slope",), order=1)
wrong_quotient = partial(pointwise, quotient, lambda a, b: a / b, kind=BINARY, floating=True)
wrong_product = partial(
    shaped, product, CONVOLUTION, np.matmul, wide=True, samples=(sample((3, 3), (3, 3)), sample((0, 3), (3, 3)))
)
wrong_total = partial(
    shaped,
    total,
    REDUCTION,
    lambda x, dim: x.sum(dim),
    samples=(sample((3, 3), dim=0), sample((3, 3), dim=1), sample((0, 3), dim=1)),
)
wrong_tail = partial(shaped, tail, INDEXING, lambda x: x[1:], samples=(sample((4,)), sample((2, 0))))
wrong_shift = partial(
    shaped,
    shifted,
    CONVOLUTION,
    lambda x, b: x + b,
    lambda xp, g: g * 1,
    samples=(sample((2, 3), (3,)), sample((0, 3), (3,))),
)

DIFFERENCES = "by the rules and .* by differences"
WRONG = {
    "sign": (wrong_cube(lambda xp, g, x: -3 * g * x * x), DIFFERENCES),
    "scale of 0.1 %": (wrong_cube(lambda xp, g, x: 3.003 * g * x * x), DIFFERENCES),
    "missing term": (wrong_growth(lambda xp, g, x: g * xp.exp(x)), DIFFERENCES),
    "missing cotangent": (wrong_cube(lambda xp, g, x: 3 * x * x), DIFFERENCES),
    "squared cotangent": (wrong_cube(lambda xp, g, x: 3 * g * g * x * x), DIFFERENCES),
    "output for input": (wrong_cube(lambda xp, g, y: 3 * g * y * y), DIFFERENCES),
    "transposed operand": (wrong_product(lambda xp, g, b: g @ b, lambda xp, g, a: xp.swapped(a) @ g), "to input 0"),
    "swapped operands": (wrong_quotient(lambda xp, g, a: g / a, lambda xp, g, a, b: -g * a / (b * b)), "to input 0"),
    "off by one": (
        wrong_tail(lambda xp, g, x_shape: xp.place(g, index=slice(0, x_shape[0] - 1), shape=x_shape)),
        DIFFERENCES,
    ),
    "forgotten sum": (wrong_shift(lambda xp, g: g * 1), r"input 1, .* of shape \(3,\), is .* of shape \(2, 3\)"),
    "mean for sum": (wrong_shift(lambda xp, g: xp.mean(g, dim=0)), "to input 1"),
    "wrong axis": (
        wrong_total(lambda xp, g, x_shape: xp.expand(xp.reshape(g, shape=(-1, 1)), shape=x_shape)),
        DIFFERENCES,
    ),
    "wrong dtype": (wrong_cube(lambda xp, g, x: xp.astype(3 * g * x * x, dtype="float32")), "is float32"),
    "constant beyond the kink": (wrong_ramp(lambda xp, g, x: xp.where(x > 0, g, 0.01 * g)), DIFFERENCES),
    "not a number": (wrong_root(lambda xp, g, x: g / (2 * xp.sqrt(x))), "is nan by the rules"),
    "dropped parameter": (wrong_scale(lambda xp, g: g * 1), DIFFERENCES),
    "stale residual": (wrong_buffer(lambda xp, g, slope: g * slope), "the gradient of output 0 at"),
    "write into what was saved": (wrong_cube(writes), "was written"),
    "detached in higher order": (wrong_cube(detaches), "in the check 'second order'"),
    "no operation": (wrong_cube(lambda xp, g, x: 3 * g * xp.ascontiguousarray(x * x)), "no attribute 'ascont"),
}


def register(forward, fields):
    fields = dict(fields)
    op(fields.pop("kind"), symbol="f", **fields)(forward)
    return forward.__name__


@pytest.mark.parametrize("entry, complaint", WRONG.values(), ids=WRONG)
def test_a_wrong_rule_is_caught(entry, complaint):
    with temporary_ops():
        name = register(*entry)
        with pytest.raises(Exception) as caught:  # noqa: PT011  what it is depends on the mistake
            check_op(name)
    assert re.search(complaint, "\n".join([str(caught.value), *caught.value.__notes__])), caught.value


def test_the_right_rules_pass():
    right = [
        wrong_cube(lambda xp, g, x: 3 * g * x * x),
        wrong_product(lambda xp, g, b: g @ xp.swapped(b), lambda xp, g, a: xp.swapped(a) @ g),
        wrong_quotient(lambda xp, g, b: g / b, lambda xp, g, a, b: -g * a / (b * b)),
        wrong_tail(lambda xp, g, x_shape: xp.place(g, index=slice(1, None), shape=x_shape)),
        wrong_shift(lambda xp, g: xp.sum(g, dim=0)),
    ]
    for entry in right:
        with temporary_ops():
            check_op(register(*entry))


def test_a_rule_that_is_wrong_elsewhere_is_caught():
    def rule(xp, g, x):
        return g * (3 * x * x if isinstance(x, np.ndarray | np.generic | Tensor) else 3.0001 * x * x)

    with temporary_ops():
        name = register(*wrong_cube(rule))
        check_op(name)
        with pytest.raises(AssertionError, match="outcome 1 differs from that on the CPU"):
            check_op(name, "refusing")


def test_numpy_in_a_rule_is_caught_on_the_refusing_device():
    with temporary_ops():
        name = register(*wrong_cube(lambda xp, g, x: 3 * g * np.square(x)))
        with pytest.raises(TypeError, match="RefusingArray"):
            check_op(name, "refusing")


def test_a_rule_that_returns_a_saved_array_is_caught():
    with temporary_ops():
        name = register(*wrong_quotient(lambda xp, g, b: b, lambda xp, g, a: a))
        with pytest.raises(AssertionError, match="a rule returned a saved array itself"):
            check_purity(cases(OPS[name])[0])


def test_a_view_that_does_not_say_so_is_caught():
    def upside_down(xp, x):
        """The rows in reverse order."""
        return x[::-1]

    samples = (sample((2, 3)), sample((0, 3)))
    with temporary_ops():
        name = register(
            *shaped(upside_down, INDEXING, lambda x: x[::-1], lambda xp, g: xp.flip(g, dims=(0,)), samples=samples)
        )
        with pytest.raises(AssertionError, match="set view=True in the entry"):
            check_op(name)


def test_a_wrong_value_is_caught():
    with temporary_ops():
        name = register(*pointwise(cube, lambda x: x**3 * (1 + 1e-11), lambda xp, g, x: 3 * g * x * x))
        with pytest.raises(AssertionError, match="output 0 differs from the reference"):
            check_op(name)
