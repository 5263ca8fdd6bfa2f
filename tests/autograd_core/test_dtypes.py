"""Promotion as PyTorch's tables have it, dtype names, and the default dtype."""

import math

import numpy as np
import pytest

import autograd_core as ag
import nn.functional as F
from autograd_core import dtypes
from autograd_core.errors import DtypeError, OperandError

NAMES = ["?", "u1", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "c8", "c16"]
# torch.result_type of two tensors with axes, row and column in the order of NAMES ...
ARRAYS = """
?   u1  i1  i2  i4  i8  f2  f4  f8  c8  c16
u1  u1  i2  i2  i4  i8  f2  f4  f8  c8  c16
i1  i2  i1  i2  i4  i8  f2  f4  f8  c8  c16
i2  i2  i2  i2  i4  i8  f2  f4  f8  c8  c16
i4  i4  i4  i4  i4  i8  f2  f4  f8  c8  c16
i8  i8  i8  i8  i8  i8  f2  f4  f8  c8  c16
f2  f2  f2  f2  f2  f2  f2  f4  f8  c8  c16
f4  f4  f4  f4  f4  f4  f4  f4  f8  c8  c16
f8  f8  f8  f8  f8  f8  f8  f8  f8  c16 c16
c8  c8  c8  c8  c8  c8  c8  c8  c16 c8  c16
c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16
"""
# ... of a tensor with axes (row) and one without (column); float16 with complex is complex32 there, complex64 here ...
WITH_SCALAR_TENSOR = """
?   u1  i1  i2  i4  i8  f2  f4  f8  c8  c16
u1  u1  u1  u1  u1  u1  f2  f4  f8  c8  c16
i1  i1  i1  i1  i1  i1  f2  f4  f8  c8  c16
i2  i2  i2  i2  i2  i2  f2  f4  f8  c8  c16
i4  i4  i4  i4  i4  i4  f2  f4  f8  c8  c16
i8  i8  i8  i8  i8  i8  f2  f4  f8  c8  c16
f2  f2  f2  f2  f2  f2  f2  f2  f2  c8  c8
f4  f4  f4  f4  f4  f4  f4  f4  f4  c8  c8
f8  f8  f8  f8  f8  f8  f8  f8  f8  c16 c16
c8  c8  c8  c8  c8  c8  c8  c8  c8  c8  c8
c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16
"""
# ... and of either with True, 2, 2.5 and 2j.
WITH_NUMBER = """
?   i8  f4  c8
u1  u1  f4  c8
i1  i1  f4  c8
i2  i2  f4  c8
i4  i4  f4  c8
i8  i8  f4  c8
f2  f2  f2  c8
f4  f4  f4  c8
f8  f8  f8  c16
c8  c8  c8  c8
c16 c16 c16 c16
"""
NUMBERS = (True, 2, 2.5, 2j)


def rows(table):
    return zip(NAMES, [line.split() for line in table.strip().splitlines()], strict=True)


@pytest.fixture
def float64_default():
    ag.set_default_dtype(ag.float64)
    yield
    ag.set_default_dtype(ag.float32)


@pytest.mark.parametrize(
    "shape, other, table", [((2,), (2,), ARRAYS), ((), (), ARRAYS), ((2,), (), WITH_SCALAR_TENSOR)]
)
def test_promotion_of_two_tensors(shape, other, table):
    for a, row in rows(table):
        for b, expected in zip(NAMES, row, strict=True):
            x, y = ag.ones(shape, dtype=a), ag.ones(other, dtype=b)
            for left, right in ((x, y), (y, x)):
                assert ag.result_type(left, right) == expected, (a, b)
                assert (left * right).dtype == expected, (a, b)
            if shape == other:
                assert ag.promote_types(a, b) == expected


def test_unsigned_integers():
    x = ag.from_numpy(np.array([0, 65535], "u2"))
    assert (x.dtype, x.long().tolist(), ag.iinfo(x.dtype).max) == (ag.uint16, [0, 65535], 65535)
    assert ag.result_type(x, ag.ones(1, dtype=ag.int16)) == ag.int32
    assert ag.ones(1, dtype=ag.uint32).to(ag.uint64).dtype == ag.uint64
    with pytest.raises(DtypeError, match="uint64 and int8 have no integer dtype"):
        ag.ones(1, dtype=ag.uint64) + ag.ones(1, dtype=ag.int8)


def test_quotients_of_small_integers_have_room_for_large_ones():
    x = ag.tensor([128], dtype="uint8")
    assert [(x / 256).item(), (x / ag.tensor(256)).item(), (512 / x).item()] == [0.5, 0.5, 4]
    assert ag.addcmul(ag.ones(1), x, x).item() == 128**2 + 1


def test_integers_stay_integers_next_to_a_factor():
    x = ag.tensor([3, 5])
    for value in (2, 2.0, 2.9):
        assert ag.addcmul(x, x, x, value=value).tolist() == x.clone().addcmul_(x, x, value=value).tolist() == [21, 55]


def test_nothing_may_be_divided_by_zero():
    x = ag.ones(2, 0, dtype="int32")
    for y in (x // 0, x % ag.zeros((), dtype="int32"), ag.div(x, 0, rounding_mode="trunc")):
        assert (y.shape, y.dtype) == ((2, 0), "int32")


def test_similarity_of_different_dtypes():
    x, y = ag.tensor([3.0, 4.0], dtype="float64"), ag.tensor([1, 0])
    assert ag.cosine_similarity(x, y, 0).item() == ag.cosine_similarity(y, x, 0).item() == 0.6


def test_numbers_in_lists_have_the_precision_of_the_tensors_they_meet():
    x = ag.tensor([0.1, 0.2], dtype="float64")
    assert (x - [0.1, 0.2]).tolist() == ([0.1, 0.2] - x).tolist() == [0, 0]
    assert (x == [0.1, 0.2]).all()
    assert ag.maximum(x, [0.3, 0.1]).tolist() == [0.3, 0.2]
    assert (x * [1j, 2]).tolist() == [0.1j, 0.4]
    assert [(x.to(kind) + [0.5, 1.5]).dtype for kind in ("float16", "float32", "int64")] == [ag.float32] * 3


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("number", [0.1, 70000.0, 1e-8, 3000, 2.0, 0.0])
@pytest.mark.parametrize("made", [float, ag.tensor, np.float64])
@pytest.mark.parametrize("function", ["add", "sub", "mul", "div", "floor_divide"])
def test_numbers_next_to_16_bits_are_not_rounded_first(function, made, number, dtype):
    if function in ("div", "floor_divide") and number == 0:
        return
    x = ag.tensor([1.1, 2.3, 3.7, 500.0], dtype=dtype, requires_grad=True)
    wide = x.detach().float().requires_grad_()
    for reflected in (False, True):
        y, exact = (getattr(ag, function)(*((made(number), t) if reflected else (t, made(number)))) for t in (x, wide))
        assert y.dtype == dtype
        assert y.tolist() == exact.to(dtype).tolist()
        (g,), (exact,) = (ag.grad(v.float().sum(), t) for v, t in ((y, x), (exact, wide)))
        assert g.dtype == dtype
        np.testing.assert_allclose(g.float().numpy(), exact.to(dtype).float().numpy(), rtol=ag.finfo(dtype).eps)


@pytest.mark.parametrize("made", [int, np.int64, np.int16])
def test_numbers_out_of_the_range_of_integers_are_compared_as_they_are(made):
    x = ag.tensor([1, 200], dtype="uint8")
    for number in (300, -1):
        below = [number > 0] * 2
        assert [(x < made(number)).tolist(), (x != made(number)).tolist()] == [below, [True] * 2]
        assert ag.le(x, made(number), out=ag.empty(2, dtype="int32")).tolist() == below
        assert x.clone().eq_(made(number)).tolist() == [0, 0]
    assert (ag.tensor(5, dtype="int8") > made(-300)).item()


def test_numbers_out_of_the_range_of_integers_wrap_around():
    x, signed = ag.tensor([1, 0, 3], dtype="uint8"), ag.tensor([100], dtype="int8")
    assert ag.add(x, x, alpha=-3).tolist() == [254, 0, 250]
    assert ag.add(ag.zeros(1, dtype="int32"), x, alpha=-300).tolist() == [-300, 0, -900]
    assert [(x + 300).tolist(), (-1 - x).tolist(), (x * -1).tolist()] == [[45, 44, 47], [254, 255, 252], [255, 0, 253]]
    assert (signed + 200).tolist() == [44]
    assert ag.vmap(lambda row: row - 257)(x).tolist() == [0, 255, 2]
    assert [(x // 257).tolist(), (x % -1).tolist(), (1000 // ag.tensor([7], dtype="uint8")).item()] == [
        [1, 0, 3],
        x.tolist(),
        33,
    ]
    assert [(x & 1001).tolist(), (-1 ^ x).tolist(), (x | -256).tolist()] == [[1, 0, 1], [254, 255, 252], x.tolist()]
    assert [(x << 257).tolist(), x.fmod(258).tolist(), (ag.ones(1, dtype="int64") & (2**64 - 1)).item()] == [
        [2, 0, 6],
        [1, 0, 1],
        1,
    ]
    assert [(x > -1).tolist(), (x < 1000).tolist(), (x == 257).tolist()] == [[True] * 3, [True] * 3, [False] * 3]


def test_negative_numbers_in_unsigned_tensors_wrap_around():
    x, mask = ag.tensor([1, 2, 3], dtype="uint8"), ag.tensor([False, True, False])
    for made in (
        x.clone().masked_fill_(mask, -1), ag.where(mask, -1, x), x.index_fill(0, ag.tensor([1]), -1),
        x.scatter(0, ag.tensor([1]), -1), ag.tensor([1, -1, 3], dtype="uint8"),
    ):  # fmt: skip
        assert made.tolist() == [1, 255, 3]
    x[1] = -255
    assert x.tolist() == [1, 1, 3]
    assert [t.item() for t in (ag.full((), -1, dtype="uint16"), x.new_full((), -2), x[0].fill_(-3))] == [
        65535,
        254,
        253,
    ]
    for number in (-256, 256, -1.5):
        with pytest.raises(OperandError, match="out of bounds for uint8"):
            x.fill_(number)


@pytest.mark.parametrize("shape", [(2,), ()])
def test_promotion_with_python_numbers(shape):
    for a, row in rows(WITH_NUMBER):
        x = ag.ones(shape, dtype=a)
        for number, expected in zip(NUMBERS, row, strict=True):
            assert ag.result_type(x, number) == ag.result_type(number, x) == expected, (a, number)
            assert (x * number).dtype == (number * x).dtype == expected, (a, number)


def test_three_levels_at_once():
    assert ag.result_type(ag.ones(2, dtype="i4"), ag.tensor(1.0, dtype="f2"), 2.5) == ag.float16
    assert ag.result_type(ag.ones(2, dtype="u1"), ag.tensor(7), 3) == ag.uint8
    assert ag.result_type(ag.ones(2, dtype="i4"), ag.tensor(7), 3j) == ag.complex64
    assert ag.result_type(1, 2.5) == ag.float32


@pytest.mark.parametrize("op", [ag.add, ag.mul, ag.maximum, ag.where])
def test_gradients_keep_the_dtype_of_their_tensor(op):
    x = ag.tensor([1.0, 2.0], dtype="f2", requires_grad=True)
    y = ag.tensor([3.0, 4.0], dtype="f8", requires_grad=True)
    (op(ag.tensor([True, False]), x, y) if op is ag.where else op(x, y)).sum().backward()
    assert (x.grad.dtype, y.grad.dtype) == (ag.float16, ag.float64)


def test_the_default_dtype_decides_for_python_floats_only(float64_default):
    assert ag.get_default_dtype() == ag.float64
    assert ag.tensor(1.5).dtype == ag.tensor([1.5]).dtype == ag.zeros(2).dtype == ag.rand(2).dtype == ag.float64
    assert ag.tensor(2j).dtype == ag.complex128
    assert ag.tensor(np.ones(2, "f4")).dtype == ag.float32
    assert (ag.ones(2, dtype="i4") * 2.5).dtype == ag.float64
    assert (ag.ones(2, dtype="f4") * 2.5).dtype == ag.float32
    assert repr(ag.tensor([1.5], dtype=ag.float32)) == "tensor([1.5000], dtype=float32)"


def test_16_bit_default_dtypes(float64_default):
    for dtype in (ag.float16, ag.bfloat16):
        ag.set_default_dtype(dtype)
        made = [ag.tensor(1.5), ag.ones(2), ag.rand(2), ag.linspace(0, 1, 3), ag.tensor([1, 2]) / 2, ag.arange(3).exp()]
        assert {x.dtype for x in made} == {ag.nn.Linear(2, 1).weight.dtype} == {dtype}
        assert repr(ag.tensor([1.5])) == "tensor([1.5000])"


@pytest.mark.parametrize("bad", [ag.int64, ag.complex64, ag.bool, int])
def test_the_default_dtype_is_floating(bad):
    with pytest.raises(TypeError, match="must be floating point"):
        ag.set_default_dtype(bad)


@pytest.mark.parametrize(
    "given, expected",
    [(float, "f8"), (int, "i8"), (bool, "?"), (complex, "c16"), ("float16", "f2"), (np.float32, "f4"),
    (np.dtype(">i4"), "<i4"),
     (ag.float, "f4"), (ag.int, "i4"), (ag.long, "i8"), (ag.half, "f2"), (ag.double, "f8"), (ag.short, "i2"),
     (ag.cfloat, "c8")],
)  # fmt: skip
def test_names_of_dtypes(given, expected):
    assert ag.zeros(1, dtype=given).dtype == np.dtype(expected)
    assert ag.zeros(1).to(dtype=given).dtype == np.dtype(expected)


@pytest.mark.parametrize("bad", ["U3", object, "M8[s]", "V8", "no such dtype"])
def test_what_no_tensor_holds(bad):
    with pytest.raises(TypeError):
        ag.zeros(1, dtype=bad)


@pytest.mark.parametrize("bad", [[1.0], np.ones(2)])
def test_what_is_no_dtype_is_told(bad):
    for call in (lambda: ag.tensor([1.0], bad), lambda: ag.zeros(2, dtype=bad), lambda: ag.ones(2).to(bad)):
        with pytest.raises(TypeError, match=r"expected a dtype, such as float32, not"):
            call()


def test_can_cast_goes_up_the_categories():
    order = [ag.bool, ag.int64, ag.float16, ag.complex64]
    assert [[ag.can_cast(a, b) for b in order] for a in order] == [[i <= j for j in range(4)] for i in range(4)]


def test_bfloat16_computes_and_differentiates():
    pytest.importorskip("ml_dtypes")
    x = ag.tensor([1.5, -2.0], dtype=ag.bfloat16, requires_grad=True)
    (x * x + 2.5).sum().backward()
    assert repr(x) == "tensor([ 1.5000, -2.0000], dtype=bfloat16, requires_grad=True)"
    assert repr(x.grad) == "tensor([ 3., -4.], dtype=bfloat16)"
    assert ag.promote_types(ag.bfloat16, "f2") == ag.float32
    assert ag.promote_types(ag.int64, ag.bfloat16) == ag.tensor(np.ones(2, ag.bfloat16)).dtype == ag.bfloat16


def test_bfloat16_is_ordered_with_nan_last():
    x = ag.tensor([1.0, math.nan, 3.0, math.inf, -math.inf], dtype=ag.bfloat16)
    assert x.sort().indices.tolist() == [4, 0, 2, 3, 1]
    assert x.topk(2).indices.tolist() == [1, 3]
    assert x.unique()[:4].tolist() == [-math.inf, 1.0, 3.0, math.inf]
    assert x.kthvalue(2).values == x.nanmedian() == 1.0
    assert ag.finfo(ag.bfloat16).eps == 2**-7
    assert ag.finfo().eps == 2**-23
    assert repr(ag.finfo()).startswith("finfo(resolution=1e-06, min=-3.40282e+38, max=3.40282e+38, eps=1.19209e-07, ")
    assert 2 * ag.finfo(ag.float16).max == 131008  # Python's floats do not overflow
    with pytest.raises(TypeError, match="iinfo"):
        ag.finfo(ag.int64)


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b, c: ag.functional.hardsigmoid(a),
        lambda a, b, c: ag.add(a, b, alpha=0.7),
        lambda a, b, c: ag.addcmul(a, b, c, value=0.7),
        lambda a, b, c: ag.addcdiv(a, b, c, value=0.7),
        lambda a, b, c: ag.addmm(a, b, c, beta=1.3, alpha=0.7),
    ],
    ids=["hardsigmoid", "add", "addcmul", "addcdiv", "addmm"],
)
def test_16_bits_are_rounded_once(function):
    narrow = [(3 * ag.sin(ag.arange(k, k + 64.0))).reshape(8, 8).bfloat16() for k in (1, 3, 9)]
    assert ag.equal(function(*narrow), function(*[x.float() for x in narrow]).bfloat16())


@pytest.mark.parametrize("function", [ag.addcmul, ag.addcdiv])
@pytest.mark.parametrize("number", [1.1, 1.1 + 2.3j])
def test_numbers_beside_16_bits_keep_their_digits_and_imaginary_parts(function, number):
    wide, half = (
        ag.tensor([number], dtype=ag.complex128 if isinstance(number, complex) else ag.float64),
        ag.tensor([0.5]),
    )
    assert ag.equal(function(wide, wide, half.half()), function(wide, wide, half.to(wide.dtype)))


@pytest.mark.parametrize(
    "function",
    [lambda x: x.softmax(0), lambda x: x.log_softmax(0), lambda x: x[:1].expand(2000), lambda x: x[:1].repeat(2000)],
    ids=["softmax", "log_softmax", "expand", "repeat"],
)
def test_gradients_of_16_bits_add_up_in_float32(function):
    x = ag.sin(ag.arange(2000.0)).bfloat16()
    g = (ag.cos(ag.arange(2000.0)) ** 2).bfloat16()
    found, exact = (ag.func.vjp(function, v)[1](g.to(v.dtype))[0].double() for v in (x, x.double()))
    assert (found - exact).abs().max() < 0.02 * exact.abs().max()


POWERS = {"square": lambda x: x**2, "cube": lambda x: x**3.0, "inverse": lambda x: x**-1}
CONVERTED = {f.__name__: f for f in (ag.exp, ag.sin, ag.sqrt, ag.log1p, ag.erf)} | POWERS


@pytest.mark.parametrize(
    ("function", "dtype"),
    [pytest.param(f, "bfloat16", id=name) for name, f in CONVERTED.items()]
    + [pytest.param(f, "float16", id=f"{name} of float16") for name, f in POWERS.items()],
)
def test_functions_of_many_16_bit_floats_are_those_of_float32(function, dtype):
    dtype = getattr(ag, dtype)
    x, g = (ag.rand(1 << 14).to(dtype) for _ in range(2))
    x[:4] = ag.tensor([1e-30, 0.0, math.inf, math.nan])
    y, pull = ag.func.vjp(function, x)
    wide, pull_wide = ag.func.vjp(function, x.float())
    assert y.dtype == dtype
    assert ag.allclose(y, wide.to(dtype), rtol=ag.finfo(dtype).eps, atol=0, equal_nan=True)
    if dtype == ag.bfloat16:
        assert ag.allclose(pull(g)[0], pull_wide(g.float())[0].to(dtype), rtol=0, atol=0, equal_nan=True)


LABELS = (ag.arange(128.0) * 7 % 128).long()


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.cross_entropy(x, LABELS),
        lambda x: F.cross_entropy(x, LABELS, reduction="none", ignore_index=7, label_smoothing=0.1),
        lambda x: F.mse_loss(x, x.detach().flip(0)),
        lambda x: ag.amax(x, 1),
        lambda x: ag.amin(x, (0, 1)),
        lambda x: x.new_zeros(50, 1024).index_add(0, LABELS % 50, x),
        lambda x: x.new_zeros(128, 1024).scatter_add(1, LABELS[:, None].expand(128, 1024), x),
    ],
    ids=["cross_entropy", "smoothed", "mse", "amax", "amin", "index_add", "scatter_add"],
)
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_functions_of_rows_of_many_16_bit_floats_are_those_of_float32(function, dtype):
    dtype = getattr(ag, dtype)
    x = ag.rand(128, 1024, generator=ag.Generator().manual_seed(0)).to(dtype)
    y, pull = ag.func.vjp(function, x)
    wide, pull_wide = ag.func.vjp(function, x.float())
    assert y.dtype == dtype
    assert ag.equal(y, wide.to(dtype))
    (dx,), (dx_wide,) = (f(ag.ones_like(v)) for f, v in ((pull, y), (pull_wide, wide)))
    assert ag.allclose(dx.float(), dx_wide, rtol=2 * ag.finfo(dtype).eps, atol=2 * ag.finfo(dtype).tiny)


def test_bfloat16_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ml_dtypes", None)
    with pytest.raises(ImportError, match="pip install ml_dtypes"):
        dtypes.bfloat16()


def test_what_becomes_integers_has_no_gradient():
    x = ag.tensor([1.5, -2.0], requires_grad=True)
    for y in (x.long(), x.bool(), x.to("int32"), x.type(ag.uint8), x.sum(dtype=ag.int64), x.cumsum(0, dtype=ag.int64)):
        assert y.dtype.kind in "biu"
        assert not y.requires_grad
    (x * x.int()).sum().backward()
    assert x.grad.tolist() == [1, -2]


@pytest.mark.parametrize("number", [np.float64(0.3), np.float32(0.5), np.int64(3)], ids=["f8", "f4", "i8"])
def test_numpy_numbers_among_the_parameters_do_not_widen_the_result(number):
    x = ag.linspace(0.1, 0.9, 12).requires_grad_()
    q = x.view(1, 3, 4)
    for y in (
        F.elu(x, alpha=number), F.elu(x, number), F.leaky_relu(x, number), F.softplus(x, beta=number),
        x.norm(number), F.smooth_l1_loss(x, 2 * x, beta=number), F.hardtanh(x, -number, number),
        F.scaled_dot_product_attention(q, q, q, scale=1 / number), x.half().logit(eps=number / 9),
    ):  # fmt: skip
        assert y.dtype in (ag.float32, ag.float16)
        assert ag.grad(y.sum(), x)[0].dtype == ag.float32
    assert F.elu(input=x, alpha=number).dtype == ag.float32


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int64"])
def test_a_distance_between_samples_does_not_widen_them(dtype):
    y = ag.ones(3, dtype=dtype)
    kept = "float32" if dtype == "int64" else dtype
    for dx in (0.5, ag.tensor(0.5), ag.tensor(0.5, dtype=ag.float64)):
        assert [f(y, dx=dx).dtype.name for f in (ag.trapezoid, ag.cumulative_trapezoid)] == [kept] * 2
