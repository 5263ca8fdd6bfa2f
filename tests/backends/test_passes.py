import numpy as np
import pytest

import autograd_core as ag
import backends
from backends import buffers
from backends.numpy_backend import passes

kernels = backends.get("cpu").namespace.kernels
EXPECTED = {
    "add": lambda a, b: a + b,
    "add_relu": lambda a, b: np.maximum(a + b, 0),
    "increase": lambda a, b: a + b,
    "gate": lambda g, x: np.where(x <= 0, 0, g),
    "relu": lambda x: np.maximum(x, 0),
    "rectify": lambda y: np.maximum(y, 0),
}
LAYOUTS = {
    "plain": lambda a: a,
    "channels last": lambda a: np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1),
    "one channel": lambda a: np.moveaxis(a.reshape(4, 160, 512, 1), -1, 1),
    "gaps": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "reversed": lambda a: a[::-1],
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", EXPECTED)
def test_large_arrays_of_any_layout(name, layout, dtype):
    rng = np.random.default_rng(0)
    a, b = (LAYOUTS[layout](rng.standard_normal((4, 10, 32, 256)).astype(dtype)) for _ in range(2))
    a[0, 0, 0, :5], b[0, 0, 0, :5] = [np.nan, np.inf, -np.inf, 0, 1], [1, 2, 0, np.nan, -1]
    operands = (a, b)[: EXPECTED[name].__code__.co_argcount]
    expected = EXPECTED[name](*operands)
    with ag.config.using("numpy"):
        y = getattr(kernels, name)(*operands)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("operation", [np.add, np.subtract, np.multiply, np.divide])
def test_float16_is_rounded_as_numpy_does(operation):
    """From all exponents, to subnormal numbers and infinity."""
    bits = np.random.default_rng(0).integers(0, 2**16, (2, 1 << 18), np.uint16)
    a, b = bits.view(np.float16)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(getattr(kernels, operation.__name__)(a, b), operation(a, b))


def test_results_lie_in_pooled_memory_in_the_order_of_the_operands():
    a = LAYOUTS["channels last"](np.ones((4, 10, 32, 256)))
    y = passes.one_pass(np.add, a, a)
    assert type(y.base) is buffers._Owner
    assert y.strides == a.strides == buffers.empty_like(a).strides


def test_operands_that_do_not_lie_alike_are_left_to_others():
    a = np.ones((400, 400))
    for b in (a.T[:, :200], a[:, ::2], a.astype(np.float32)[:, :200]):
        assert passes.one_pass(np.add, a[:, :200].copy(), b) is None
    assert passes.one_pass(np.add, np.broadcast_to(a[0], a.shape), np.broadcast_to(a[0], a.shape)) is None
