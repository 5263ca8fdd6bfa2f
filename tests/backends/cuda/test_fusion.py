"""Functions of single elements as one kernel: what operations are made of, written in CUDA C++ and run on the CPU."""

from functools import cache

import numpy as np
import nvrtc
import pytest
import shim
from ml_dtypes import bfloat16

from autograd_core.registry import OPS
from backends import kernels
from backends.cupy_backend import fusion
from backends.cupy_backend.launch import NAMES, OPTIONS, VECTOR, Gpu, Unusable, source_of
from backends.cupy_backend.table import ACTIVATIONS
from backends.deferred import Deferred

PLAIN = kernels.namespace_of(np, kernels.bind(np, 1 << 20, Deferred("scipy.special")))
# Operations that must be one kernel, with their options.
OPERATIONS = {
    "leaky_relu": {}, "elu": {"alpha": 0.5}, "hardsigmoid": {}, "clamp_number": {"min": -1.5}, "xlogy": {}, "entr": {},
    "softplus": {"beta": 2.0}, "logsigmoid": {}, "tanhshrink": {},
}  # fmt: skip
TWO = ("xlogy", *[name for name in ACTIVATIONS if name.endswith("_gradient")])
CASES = [(name, dtype) for name in (*OPERATIONS, *ACTIVATIONS) for dtype in (np.float32, np.float64)]
CASES.remove(("gelu", np.float64))  # in pieces
CASES += [("gelu_tanh", np.float16), ("silu_gradient", bfloat16)]
each_case = pytest.mark.parametrize("name, dtype", CASES, ids=lambda v: v if isinstance(v, str) else np.dtype(v).name)


def function_of(name):
    if name in OPERATIONS:
        return getattr(OPS[name].forward, "__wrapped__", OPS[name].forward)
    return lambda xp, *operands: getattr(xp.kernels, name)(*operands)


def instance_of(name, dtype):
    """The struct, and an instance of the kernel for it."""
    struct, dtype = f"{name}_{'double' if dtype is np.float64 else 'float'}", np.dtype(dtype)
    return struct, f"fused<{struct}, {NAMES[dtype.name]}, {VECTOR // dtype.itemsize}, {1 + (name in TWO)}>"


@cache
def everything():
    """The source of all functions, and their instances."""
    written = {}
    for name, dtype in CASES:
        struct, wide = instance_of(name, dtype)[0], np.dtype(np.float64 if dtype is np.float64 else np.float32)
        given = function_of(name), 1 + (name in TWO), wide, OPERATIONS.get(name, {})
        written[struct] = fusion.written(struct, *given)
    return "fused\n" + "".join(written.values()), [instance_of(*case)[1] for case in CASES]


@each_case
def test_functions(name, dtype):
    if shim.COMPILER is None:
        pytest.skip("needs g++ to run CUDA sources on the CPU")
    struct, instance = instance_of(name, dtype)

    def start(source, expression, *rest):
        assert source == "fused\n" + fusion.written("Fused", function, len(operands), wide, statics)
        assert expression.replace("Fused", struct) == instance
        shim.run(*shim.compiled(*everything()), instance, *rest)

    wide = np.dtype(np.float64 if dtype is np.float64 else np.float32)
    x = np.concatenate([np.linspace(-30, 30, 2001), [-1e4, 1e4, np.inf, -np.inf, np.nan]]).astype(dtype)
    function, statics = function_of(name), OPERATIONS.get(name, {})
    operands = (np.cos(np.arange(x.size)).astype(dtype), x) if name in TWO else (x,)
    y = fusion.fused(Gpu(np, start, shim.address), function, *operands, **statics)
    assert y.dtype == dtype
    with np.errstate(all="ignore"):
        exact = function(PLAIN, *(v.astype(np.float64) for v in operands), **statics)
    # Of float32 every digit, in the tails and next to the zero of a slope, too.
    relative, absolute = {2: (1.6e-2, 1.6e-2), 4: (2e-6, 1e-37), 8: (1e-13, 1e-300)}[x.itemsize]
    np.testing.assert_allclose(y.astype(np.float64), exact, rtol=relative, atol=absolute)


@pytest.mark.skipif(nvrtc.library() is None, reason="needs nvidia-cuda-nvrtc")
def test_functions_compile():
    source, instances = everything()
    nvrtc.compiled(source_of(source), instances, *OPTIONS, "--gpu-architecture=compute_80")


@pytest.mark.skipif(nvrtc.library() is None, reason="needs nvidia-cuda-nvrtc")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_everything_that_can_be_said_compiles(dtype):
    def function(xp, x):
        y = x
        for name, form in (fusion.FORMS | fusion.TESTS | fusion.LOGIC).items():
            y = xp.where(x > 0, fusion.FUNCTIONS[name](*((x, y) if "{1}" in form else (y,))), y).astype(x.dtype)
        return -xp.clip(xp.full_like(y, np.inf), np.nan, -np.inf) * y

    source = "fused\n" + fusion.written("F", function, 1, np.dtype(dtype), {})
    instance = f"fused<F, {fusion.TYPES[dtype]}, 1, 1>"
    nvrtc.compiled(source_of(source), [instance], *OPTIONS, "--gpu-architecture=compute_80")


def test_what_one_element_does_not_say_is_left_to_the_function():
    gpu = Gpu(np, lambda *given: pytest.fail("a kernel was started"), shim.address)
    x, whole = np.ones((3, 4), np.float32), np.ones((3, 4), np.int64)
    for function in (
        lambda xp, x: x - x.max(),
        lambda xp, x: x if (x > 0).all() else -x,
        lambda xp, x: x[::-1],
        lambda xp, x: xp.cumsum(x, 0),
        lambda xp, x: x > 0,
        lambda xp, x: x.astype(xp.float16) + 1,
        lambda xp, x: xp.sqrt(2.0) * x,
    ):
        assert fusion.fused(gpu, function, x) is None

    def double(xp, *operands, factor=2.0):
        return operands[0] * factor

    assert fusion.fused(gpu, double, whole) is None
    assert fusion.fused(gpu, double, x[:, ::2]) is None
    assert fusion.fused(gpu, double, x, x.T) is None
    assert fusion.fused(gpu, double, x[:0]) is None
    assert fusion.fused(gpu, double, x, x, x, x) is None
    assert fusion.fused(gpu, double, x, None) is None
    assert fusion.fused(gpu, double, x, factor=x) is None


def test_changes_in_place_are_seen_by_whoever_shares_the_symbol():
    def function(xp, x):
        y = z = x * 2
        kept = y.copy()
        y += 1
        return xp.multiply(z, kept, out=xp.empty_like(x))

    text = fusion.written("F", function, 1, np.dtype(np.float32), {})
    assert "const float t1 = t0 + (0x1.0000000000000p+0f);" in text
    assert "times(t1, t0)" in text


def test_a_function_with_ever_new_parameters_is_compiled_so_often_only():
    started = []
    gpu, x = Gpu(np, lambda source, *rest: started.append(source), shim.address), np.ones(4, np.float32)

    def scale(xp, x, *, factor):
        return x * factor

    done = [fusion.fused(gpu, scale, x, factor=float(i)) is not None for i in range(2 * fusion.VARIANTS)]
    assert sum(done) == len(set(started)) == fusion.VARIANTS
    assert fusion.fused(gpu, scale, x, factor=0.0) is not None


def test_one_that_does_not_compile_is_left_alone(caplog):
    def refuse(*given):
        raise Unusable("no")

    def half(xp, x):
        return x / 2

    gpu, x = Gpu(np, refuse, shim.address), np.ones(4, np.float32)
    assert fusion.fused(gpu, half, x) is None
    assert fusion.fused(gpu, half, x) is None
    assert len(caplog.records) == 1
