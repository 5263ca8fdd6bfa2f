"""Functions of single elements as one kernel: what operations are made of, written in CUDA C++ and run on the CPU."""

import itertools
import re
from functools import cache, partial
from types import SimpleNamespace

import numpy as np
import nvrtc
import pytest
import shim
from ml_dtypes import bfloat16

from autograd_core.engine.libraries import RULES
from autograd_core.engine.precision import in_one_pass
from autograd_core.registry import OPS
from backends import kernels
from backends.cupy_backend import fusion, symbols
from backends.cupy_backend.launch import OPTIONS, Gpu, Unusable, source_of
from backends.cupy_backend.table import POINTWISE
from backends.deferred import Deferred

PLAIN = kernels.namespace_of(np, kernels.bind(np, 1 << 20, Deferred("scipy.special")))
# Operations of which forward and rules must be one kernel each, with their options.
OPERATIONS = {
    "leaky_relu": {}, "elu": {"alpha": 0.5}, "hardsigmoid": {}, "entr": {}, "xlogy": {},
    "clamp_number": {"min": -1.5}, "softplus": {"beta": 2.0}, "logsigmoid": {}, "tanhshrink": {},
    "silu": {}, "mish": {}, "gelu_erf": {}, "gelu_tanh": {}, "gelu_gate": {}, "logistic_loss": {},
    "ndtr": {}, "log_ndtr": {},
}  # fmt: skip
CASES = [
    *[(name, "forward", dtype) for name in OPERATIONS for dtype in (np.float32, np.float64)],
    *[(name, "rule", dtype) for name in OPERATIONS for dtype in (np.float32, np.float64)],
    *[(name, "kernel", dtype) for name in POINTWISE for dtype in (np.float32, np.float64)],
    ("sinc", "forward", np.float64),
    ("gelu_tanh", "forward", np.float16),
    ("gelu_tanh", "rule", bfloat16),
]


pytestmark = pytest.mark.usefixtures("symbols")


def computed(name, kind, dtype, start):
    """The result of one kernel, and what it is in float64."""
    gpu = Gpu(np, start, shim.address)
    x = np.concatenate([np.linspace(-30, 30, 2001), [-1e4, 1e4, np.inf, -np.inf, np.nan]]).astype(dtype)
    g = np.cos(np.arange(x.size)).astype(dtype)
    operands = (g, x) if name in ("xlogy", "logistic_loss") or name.endswith("_gradient") else (x,)
    if kind == "kernel":
        return getattr(fusion, name)(gpu, *operands), getattr(PLAIN.kernels, name)(*_wide(operands))
    o = OPS[name]
    statics = o.statics | OPERATIONS.get(name, {})
    if kind == "forward":
        function = getattr(o.forward, "__wrapped__", o.forward)
        return fusion.fused(gpu, function, *operands, **statics), function(PLAIN, *_wide(operands), **statics)
    given = dict(zip(o.inputs, operands, strict=True)) | statics
    exact = dict(zip(o.inputs, _wide(operands), strict=True)) | statics
    if "y" in o.keep:
        given["y"], exact["y"] = o.forward(PLAIN, *operands, **statics), o.forward(PLAIN, *_wide(operands), **statics)
    xp = SimpleNamespace(kernels=SimpleNamespace(fused=partial(fusion.fused, gpu)))
    y = in_one_pass(o.rules[0], range(len(o.keep)))(xp, g, [given[k] for k in o.keep])
    return y, o.rules[0](RULES[np.ndarray], g.astype(np.float64), [exact[k] for k in o.keep])


def _wide(arrays):
    return [a.astype(np.float64) for a in arrays]


@cache
def everything():
    """The source of all kernels, and their instances."""
    written = []
    for case in CASES:
        with np.errstate(all="ignore"):
            computed(*case, lambda source, expression, *rest: written.append((source, expression)))
    texts = [source.removeprefix("fused\n").replace("Fused", f"Fused{i}") for i, (source, _) in enumerate(written)]
    return "fused\n" + "".join(texts), [name.replace("Fused", f"Fused{i}") for i, (_, name) in enumerate(written)]


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda i: f"{'-'.join(CASES[i][:2])}-{CASES[i][2].__name__}")
def test_functions(number):
    if shim.COMPILER is None:
        pytest.skip("needs g++ to run CUDA sources on the CPU")
    source, instances = everything()
    started = []

    def start(_, expression, *rest):
        started.append(expression)
        shim.run(*shim.compiled(source, instances), instances[number], *rest)

    with np.errstate(all="ignore"):
        y, exact = computed(*CASES[number], start)
    assert len(started) == 1
    assert y.dtype == CASES[number][2]
    # Of float32 every digit, in the tails and next to the zero of a slope, too; but a loss is a difference.
    relative, absolute = {2: (1.6e-2, 1.6e-2), 4: (2e-6, 1e-37), 8: (1e-13, 1e-300)}[y.itemsize]
    absolute = 1e-6 if CASES[number][0] == "logistic_loss" else absolute
    np.testing.assert_allclose(y.astype(np.float64), exact, rtol=relative, atol=absolute)


@pytest.mark.parametrize("name", [*sorted({*POINTWISE} - {"tanh_gradient"}), "bell"])
def test_float32_is_accurate_without_float64(name):
    if shim.COMPILER is None:
        pytest.skip("needs g++ to run CUDA sources on the CPU")
    function, sources = (lambda xp, *operands: getattr(xp.kernels, name)(*operands)), []

    def start(source, *rest):
        sources.append(source)
        shim.start(source, *rest)

    rng, zeros = np.random.default_rng(0), np.arange(-500, 500) * 2.0**-24
    spread = (
        np.linspace(-14.5, 14.5, 40001),
        rng.standard_normal(20000),
        *np.outer([1, -1], np.geomspace(1e-37, 20, 2000)),
    )
    near = [zeros - z for z in (1.1924312, 1.2784646, 0.7517915, 0.7524614)]  # where slopes are 0
    x = np.concatenate([*spread, *near]).astype(np.float32)
    operands = (np.ones_like(x), x) if name.endswith("_gradient") else (x,)
    with np.errstate(all="ignore"):
        y = fusion.fused(Gpu(np, start, shim.address), function, *operands)
        exact = function(PLAIN, *_wide(operands))
    assert len(sources) == 1
    assert "double" not in sources[0]
    last_place = np.spacing(abs(exact).astype(np.float32)).astype(np.float64)
    off = np.where(abs(exact) > 1e-35, abs(y - exact) / last_place, 0)
    assert off.max() < 8.5, (x[off.argmax()], y[off.argmax()])


@pytest.mark.skipif(nvrtc.library() is None, reason="needs nvidia-cuda-nvrtc")
def test_functions_compile():
    source, instances = everything()
    nvrtc.compiled(source_of(source), instances, *OPTIONS, "--gpu-architecture=compute_80")


@pytest.mark.skipif(nvrtc.library() is None, reason="needs nvidia-cuda-nvrtc")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_everything_that_can_be_said_compiles(dtype):
    def function(xp, x):
        y = x
        for name, form in (symbols.FORMS | symbols.TESTS | symbols.LOGIC).items():
            y = xp.where(x > 0, symbols.FUNCTIONS[name](*((x, y) if "{1}" in form else (y,))), y).astype(x.dtype)
        return -xp.clip(xp.full_like(y, np.inf), np.nan, -np.inf) * y

    source = "fused\n" + symbols.written("F", function, [np.dtype(dtype)], {})[0]
    instance = f"fused<F, {symbols.TYPES[dtype]}, {symbols.TYPES[dtype]}, 1, 1, 0>"
    (text,) = nvrtc.compiled(source_of(source), [instance], *OPTIONS, "--gpu-architecture=compute_80").values()
    # Sine, cosine and tangent of large numbers are reduced with one product in float64.
    assert dtype == "float64" or set(nvrtc.in_double(text)) <= {"mul.f64"}


@pytest.mark.skipif(nvrtc.library() is None, reason="needs nvidia-cuda-nvrtc")
@pytest.mark.parametrize(
    ("name", "masked", "result"), [("multiply", 0, "Half"), ("where", 1, "Half"), ("less", 0, "bool")]
)
def test_16_bytes_are_read_and_written_at_once(name, masked, result):
    dtypes = [np.dtype(bool)] * masked + [np.dtype(np.float32)] * 2
    text, _ = symbols.written("F", lambda xp, *operands: getattr(xp, name)(*operands), dtypes, {})
    instance = f"fused<F, Half, {result}, 8, {len(dtypes)}, 0, {masked}>"
    (text,) = nvrtc.compiled(
        source_of("fused\n" + text), [instance], *OPTIONS, "--gpu-architecture=compute_90"
    ).values()
    moved = re.findall(r"(?:ld|st)\.global\.v4\.\w+", text)  # masks are 8 bytes
    assert moved.count("ld.global.v4.u32") == 2
    assert moved.count("ld.global.v4.u16") == masked
    assert len(moved) == 3 + masked


def test_what_one_element_does_not_say_is_left_to_the_function():
    gpu = Gpu(np, lambda *given: pytest.fail("a kernel was started"), shim.address)
    x, whole = np.ones((3, 4), np.float32), np.ones((3, 4), np.int64)
    for function in (
        lambda xp, x: x - x.max(),
        lambda xp, x: x if (x > 0).all() else -x,
        lambda xp, x: x[::-1],
        lambda xp, x: xp.cumsum(x, 0),
        lambda xp, x: x.astype(xp.float16) + 1,
        lambda xp, x: xp.sqrt(2.0) * x,
        lambda xp, x: x,
    ):
        assert fusion.fused(gpu, function, x) is None

    def double(xp, *operands, factor=2.0):
        return operands[0] * factor

    assert fusion.fused(gpu, double, whole) is None
    assert fusion.fused(gpu, double, whole > 0) is None
    assert fusion.fused(gpu, double, x, x.T) is None
    assert fusion.fused(gpu, double, x[:0]) is None
    assert fusion.fused(gpu, double, x, x, x, x, x) is None
    assert fusion.fused(gpu, double, x, None) is None
    assert fusion.fused(gpu, double, x, factor=x) is None


@pytest.mark.parametrize("dtype", [np.float32, bfloat16])
def test_operands_of_one_element(dtype):
    if shim.COMPILER is None:
        pytest.skip("needs g++ to run CUDA sources on the CPU")

    def function(xp, a, b, c, d, *, number):
        return (a - b) * number + c / d

    gpu, x, one = Gpu(np, shim.start, shim.address), np.linspace(1, 2, 21).astype(dtype), np.asarray(3, dtype)
    expanded = np.broadcast_to(one, x.shape)
    for operands in ((x, one, x, x), (one, x, one, x), (one, one[None], one, one), (x, x, x, x),
                     (x, expanded, x, x), (expanded, expanded, one, expanded)):  # fmt: skip
        exact = function(np, *_wide(operands), number=0.3)
        y = fusion.fused(gpu, function, *operands, number=0.3)
        np.testing.assert_allclose(y.astype(np.float64), exact, rtol=1e-2 if y.itemsize == 2 else 1e-6)
        assert (y.shape, y.dtype) == (exact.shape, dtype)
    assert fusion.fused(gpu, function, x, one[None, None], x, x, number=0.3) is None  # a result with more axes
    assert fusion.fused(gpu, function, x, x[:3], x, x, number=0.3) is None


@pytest.mark.parametrize("dtype", [np.float32, bfloat16])
@pytest.mark.parametrize("shape", [(2, 3, 4, 8), (3, 2, 5, 7), (2, 16, 3, 1)])
@pytest.mark.parametrize("channels_last", [False, True])
def test_operands_that_are_repeated(dtype, shape, channels_last):
    if shim.COMPILER is None:
        pytest.skip("needs g++ to run CUDA sources on the CPU")

    def function(xp, a, b, c):
        return a * b - c

    gpu, rng = Gpu(np, shim.start, shim.address), np.random.default_rng(0)

    def draw(*sizes):
        x = rng.standard_normal(sizes)
        return (x.transpose(0, 3, 1, 2) if channels_last and len(sizes) == 4 else x).astype(dtype, order="K")

    whole = draw(shape[0], *shape[2:], shape[1]) if channels_last else draw(*shape)
    n, c, _, w = whole.shape
    expanded = np.broadcast_to(draw(n)[:, None, None, None], whole.shape)
    for other in (draw(c)[:, None, None], draw(n)[:, None, None, None], draw(w), expanded, np.asarray(2, dtype), whole):
        for operands in ((whole, other, other), (other, whole, whole), (whole, other, np.asarray(3, dtype))):
            y = fusion.fused(gpu, function, *operands)
            exact = function(np, *_wide(operands))
            np.testing.assert_allclose(y.astype(np.float64), exact, rtol=2e-2, atol=2e-2 if y.itemsize == 2 else 1e-6)
            assert y.shape == whole.shape
            assert np.all((np.array(y.strides) == whole.strides) | (np.array(y.shape) == 1))


@pytest.mark.parametrize("dtype", [np.float32, bfloat16, np.float64])
def test_masks(dtype):
    if shim.COMPILER is None:
        pytest.skip("needs g++ to run CUDA sources on the CPU")

    def chosen(xp, keep, a, b):
        return xp.where(~keep, a * b, b)

    def is_less(xp, a, keep, b):
        return (a < b) & keep

    gpu, rng = Gpu(np, shim.start, shim.address), np.random.default_rng(0)
    for shape in ((5, 16), (3, 7)):
        a, b = (rng.standard_normal(shape).astype(dtype) for _ in range(2))
        masks = [rng.random(sizes) < 0.5 for sizes in (shape, shape[1:], (shape[0], 1), ())]
        for keep in (*masks, masks[0].copy(order="F"), np.asfortranarray(masks[0])[:, ::-1]):
            y = fusion.fused(gpu, chosen, np.asarray(keep), a, b)
            np.testing.assert_allclose(_wide([y])[0], chosen(np, keep, *_wide([a, b])), rtol=1e-2)
            assert (y.shape, y.dtype) == (shape, dtype)
            test = fusion.fused(gpu, is_less, a, np.asarray(keep), b)
            np.testing.assert_array_equal(test, is_less(np, a, keep, b))
            assert test.dtype == bool


@pytest.mark.parametrize("dtype", [np.float32, bfloat16])
def test_results_are_written_where_they_are_wanted_unless_that_is_read_elsewhere(dtype):
    if shim.COMPILER is None:
        pytest.skip("needs g++ to run CUDA sources on the CPU")

    def less(xp, a, b):
        return a - b

    gpu, memory = Gpu(np, shim.start, shim.address), np.arange(60).astype(dtype)
    a, b, apart = memory[:20].reshape(4, 5), memory[20:40].reshape(4, 5), np.empty((4, 5), dtype)
    for out, operands in (
        (a, (a, b)),
        (b, (a, b)),
        (a, (a, a)),
        (apart, (a, b)),
        (apart.T, (a.T, b.T)),
        (a, (a, b[0])),
        (a, (a, a[::-1])),
    ):
        expected = _wide([operands[0]])[0] - operands[1].astype(np.float64)
        assert fusion.fused(gpu, less, *operands, out=out) is out
        np.testing.assert_array_equal(out.astype(np.float64), expected)
    before = memory.copy()
    for out, second in ((memory[5:25].reshape(4, 5), b), (a, a[0]), (memory[:40:2].reshape(4, 5), b),
                        (np.empty((4, 5)), b), (a[0], b)):  # fmt: skip
        assert fusion.fused(gpu, less, a, second, out=out) is None
    np.testing.assert_array_equal(memory, before)


def test_operands_that_lie_otherwise_are_copied_only_if_they_may():
    started, x = [], np.ones((4, 4), np.float32)
    gpu = Gpu(np, lambda *given: started.append(given), shim.address)

    def add(xp, a, b):
        return a + b

    for a, b in ((x, x.T), (x, x[::-1]), (x.T, np.ones((4, 8), np.float32)[:, ::2])):
        assert fusion.fused(gpu, add, a, b, copies=False) is None
        assert not started
        assert fusion.fused(gpu, add, a, b) is not None
        started.clear()
    for a, b in ((x, x), (x.T, x.T), (x, x[0]), (x, x[:, 0].copy()[:, None])):
        assert fusion.fused(gpu, add, a, b, copies=False) is not None


def test_places_of_operands():
    y = np.zeros((2, 3, 4, 5), int)
    for sizes in itertools.product(*[(1, n) for n in y.shape]):
        place = fusion._place(x := np.arange(np.prod(sizes)).reshape(sizes), y)
        turns = [kept for kept, _ in itertools.groupby(n > 1 for n in sizes)]
        too_many = len(turns) == 4 and turns[0]
        assert (place is None) == (too_many or sizes == y.shape), sizes
        if place:
            i = np.arange(y.size)
            read = i * 0 if place == fusion.ONE else i // place.each % place.rows * place.width + i % place.width
            np.testing.assert_array_equal(x.reshape(-1)[read], np.broadcast_to(x, y.shape).reshape(-1))


def test_ever_new_numbers_are_one_kernel():
    started = []
    gpu, x = Gpu(np, lambda source, *rest: started.append(source), shim.address), np.ones(4, np.float32)

    def scale(xp, x, *, number):
        return x * number

    for i in range(2 * fusion.VARIANTS):
        fusion.fused(gpu, scale, x, number=i / 7)
    assert len(started) == 2 * fusion.VARIANTS
    assert len(set(started)) == 1


def test_rules_do_not_read_what_they_do_not_use():
    started = []
    gpu = Gpu(np, lambda source, expression, *rest: started.append(expression), shim.address)
    xp, x = SimpleNamespace(kernels=SimpleNamespace(fused=partial(fusion.fused, gpu))), np.ones(4, np.float32)
    rule = in_one_pass(lambda xp, g, s: g * s[0] * 2, (0,))
    rule(xp, x, [x, x, x])
    assert started == ["fused<Fused, float, float, 4, 2, 0>"]


def test_changes_in_place_are_seen_by_whoever_shares_the_symbol():
    def function(xp, x):
        y = z = x * 2
        kept = y.copy()
        y += 1
        return xp.multiply(z, kept, out=xp.empty_like(x))

    text, _ = symbols.written("F", function, [np.dtype(np.float32)], {})
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
