"""Tensors from data and made to measure."""

import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import DtypeError


@pytest.mark.parametrize(
    "data, dtype",
    [(1, "i8"), (1.5, "f4"), (True, "?"), (2j, "c8"), ([1, 2], "i8"), ([1, 2.5], "f4"), ([True, 2], "i8"), ([1, 2j],
    "c8"),
     ([], "f4"), ([[], []], "f4"), ((1, (2)), "i8"), (range(3), "i8"), (np.float64(2), "f8"), (np.float32(2), "f4"),
     (np.bool_(1), "?"), ([np.float64(2)], "f8"), ([np.float32(2), 3.5], "f4"), ([np.int32(2)], "i4"), ([np.int32(2),
     3], "i8"),
     ([np.ones(2, "f4"), np.zeros(2, "f4")], "f4"), ([ag.tensor(1), ag.tensor(2.0)], "f4"), ([[ag.tensor(1.0), 2], [3,
     4]], "f4"),
     (np.ones((2, 2), "f2"), "f2"), (np.array(3, "u1"), "u1"), (memoryview(b"ab"), "i8"), (np.ones(3)[::-1], "f8")],
)  # fmt: skip
def test_dtype_follows_the_data(data, dtype):
    t = ag.tensor(data)
    assert t.dtype == np.dtype(dtype)
    plain = np.array(data, "f8") if not isinstance(data, complex) and dtype != "c8" else np.array(data)
    np.testing.assert_array_equal(t.numpy(), plain.astype(dtype))


def test_arrays_of_other_kinds(tmp_path):
    mapped = np.memmap(tmp_path / "data", "f4", "w+", shape=(3,))
    shared = ag.as_tensor(mapped)
    mapped[0] = 7
    assert shared[0] == 7
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.asmatrix([[1, 2], [3, 4]])
    assert ag.tensor(matrix)[0].shape == (2,)
    swapped = ag.tensor(np.array([1, 2], ">i4"))
    assert (swapped.dtype.isnative, swapped.tolist()) == (True, [1, 2])


@pytest.mark.parametrize("data", ["a", ["a"], None, [None], [1, None], {}, {1: 2}, {1, 2}, object(), np.array(["a"]),
                                  np.array([1, "a"], object), np.array(["2020-01-01"], "M8[D]"), np.zeros(1, [("a",
                                  "f4")]),
                                  np.ma.masked_array([1, 2], [0, 1])])  # fmt: skip
def test_what_is_no_number_is_a_type_error(data):
    with pytest.raises(TypeError):
        ag.tensor(data)


@pytest.mark.parametrize("data", [[[1, 2], [3]], [[1, 2], 3], [1, [2]], [[1], ag.ones(3)]])
def test_ragged_lists(data):
    with pytest.raises(ValueError, match="lists of different lengths"):
        ag.tensor(data)


@pytest.mark.parametrize(
    "data, dtype",
    [
        (2**63, None),
        (2**70, None),
        ([2**63], None),
        (300, "u1"),
        ([-256], "u1"),
        (-(2**63), "u1"),
        (np.int64(300), "u1"),
        ([np.int64(300)], "u1"),
        (np.uint64(2**63), "i8"),
        ([np.nan], "i4"),
        ([1j], "f4"),
        (np.array([1j]), "f4"),
    ],
)
def test_numbers_that_do_not_fit(data, dtype):
    with pytest.raises(RuntimeError, match=r"does not fit|cannot (make|convert)"):
        ag.tensor(data, dtype=dtype)


class Two:
    """An integer that is none of Python's."""

    def __index__(self):
        return 2


class Shared:
    """Memory of three numbers, by DLPack alone."""

    def __init__(self):
        self.numbers = np.arange(3.0)

    def __dlpack__(self, **options):
        return self.numbers.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.numbers.__dlpack_device__()


@pytest.mark.parametrize(
    "data, dtype, expected",
    [
        (Decimal("1.5"), "f4", 1.5), (Fraction(1, 2), "c8", 0.5), ([Decimal("1.5"), 2], "f8", [1.5, 2]),
        (Two(), "i4", 2), ([Two(), Two()], "f4", [2, 2]), (Two(), "?", True), (2**64, "f4", 2.0**64), ([-(2**70)], "f8",
        [-(2.0**70)]), (2**64, "?", True), (Shared(), None, [0, 1, 2]), (Shared(), "f4", [0, 1, 2]),
    ],
)  # fmt: skip
def test_objects_that_convert_themselves(data, dtype, expected):
    t = ag.tensor(data, dtype=dtype)
    assert (t.tolist(), t.dtype) == (expected, np.dtype(dtype or "f8"))
    if not isinstance(data, Shared):
        with pytest.raises((TypeError, ValueError), match=r"cannot make a tensor|does not fit"):
            ag.tensor(data)
    if isinstance(data, (Decimal, Fraction)):
        with pytest.raises(TypeError, match="cannot make a tensor"):
            ag.tensor(data, dtype="i8")


def test_dlpack_shares_memory():
    data = Shared()
    ag.as_tensor(data)[0] = 5
    assert data.numbers[0] == 5


def test_tensor_copies_and_the_others_share():
    for make, shares in ((ag.tensor, False), (ag.as_tensor, True), (ag.from_numpy, True), (ag.asarray, True)):
        a = np.zeros(2)
        t = make(a)
        a[0] = 5
        assert (t[0] == 5) == shares
        t[1] = 3
        assert (a[1] == 3) == shares
    a = np.zeros(2)
    assert ag.as_tensor(a, dtype="f4").dtype == ag.float32
    frozen = np.zeros(2)
    frozen.flags.writeable = False
    for make in (ag.tensor, ag.as_tensor, ag.from_numpy):
        t = make(frozen)
        t[0] = 1
    assert frozen[0] == 0


def test_as_tensor_passes_tensors_through():
    x = ag.ones(2, requires_grad=True)
    assert ag.as_tensor(x) is x
    assert ag.as_tensor(x, dtype="f8").requires_grad
    copy = ag.tensor(x)
    assert not copy.requires_grad
    assert copy.data_ptr() != x.data_ptr()


def test_from_numpy_returns_what_a_numpy_function_made_of_a_tensor():
    x = ag.arange(3)
    assert ag.from_numpy(np.isin(x, [0, 2])).tolist() == [True, False, True]
    assert ag.from_numpy(x) is x


def test_from_numpy_takes_arrays_only():
    with pytest.raises(TypeError, match="takes a NumPy array, not list"):
        ag.from_numpy([1, 2])


def test_gradients_need_floating_dtypes():
    for make in (
        lambda: ag.tensor([1], requires_grad=True),
        lambda: ag.zeros(2, dtype="i4", requires_grad=True),
        lambda: ag.ones(2, dtype=bool).requires_grad_(),
        lambda: ag.arange(3, requires_grad=True),
    ):
        with pytest.raises(RuntimeError, match="only floating point and complex"):
            make()


@pytest.mark.parametrize("make", [ag.zeros, ag.ones, ag.empty, ag.rand, ag.randn])
def test_shapes(make):
    for given, shape in (
        ((2, 3), (2, 3)),
        (((2, 3),), (2, 3)),
        (([2, 3],), (2, 3)),
        (((),), ()),
        ((), ()),
        ((0,), (0,)),
        ((np.int64(2),), (2,)),
        ((ag.tensor(2), 3), (2, 3)),
    ):
        assert make(*given).shape == shape
    t = make(size=(2, 1), dtype=ag.float64, device="cpu", requires_grad=True)
    assert (t.shape, t.dtype, t.device, t.requires_grad, t.is_leaf) == ((2, 1), ag.float64, "cpu", True, True)
    for bad, error, says in (
        ((-1,), RuntimeError, "negative"),
        ((2.5,), TypeError, "divide with //"),
        (("a",), TypeError, r"not \('a',\)$"),
    ):
        with pytest.raises(error, match=says):
            make(*bad)
    with pytest.raises(TypeError, match="passed twice"):
        make(2, size=(2,))


def test_full():
    assert ag.full((2,), 3).dtype == ag.int64
    assert ag.full((2,), True).dtype == ag.bool
    assert ag.full([2], 3, dtype=ag.float32).tolist() == [3.0, 3.0]
    assert ag.full((), ag.tensor(2.5)).item() == 2.5
    assert ag.full((2,), 1.5, name="bias").name == "bias"
    with pytest.raises(TypeError, match="number to fill with, not str"):
        ag.full((2,), "a")


def test_likes_take_after_their_tensor():
    x = ag.ones(2, 3, dtype="i4")
    for make in (ag.zeros_like, ag.ones_like, ag.empty_like, lambda t, **k: ag.full_like(t, 7, **k)):
        assert (make(x).shape, make(x).dtype) == ((2, 3), ag.int32)
        y = make(x, dtype=ag.float64, requires_grad=True)
        assert (y.dtype, y.is_leaf, y.requires_grad) == (ag.float64, True, True)
        assert not make(y).requires_grad
        with pytest.raises(TypeError):
            make([1, 2])
    assert ag.full_like(x, 2.5).tolist() == [[2] * 3] * 2
    assert ag.zeros_like(x, dtype="f4").tolist() == [[0.0] * 3] * 2
    y = ag.ones(2, dtype="f8")
    assert y.new_zeros(3).tolist() == [0.0] * 3
    assert y.new_ones((1, 2), dtype="i4", requires_grad=False).dtype == ag.int32
    assert y.new_full((2,), 3).dtype == y.new_tensor([1, 2]).dtype == y.new_empty(2, 2).dtype == ag.float64
    assert y.new_tensor([1], requires_grad=True).is_leaf
    assert y.new(2, 3).shape == y.new(x.shape).shape == y.new(size=(2, 3)).shape == (2, 3)
    assert (y.new([1, 2]).tolist(), y.new(2, 3).dtype) == ([1.0, 2.0], ag.float64)


@pytest.mark.parametrize(
    "arguments, dtype, expected",
    [((5,), "i8", [0, 1, 2, 3, 4]), ((1, 5, 2), "i8", [1, 3]), ((5, 0, -2), "i8", [5, 3, 1]), ((0,), "i8", []), ((1,
    1), "i8", []), ((0.0, 2), "f4", [0, 1]),
     ((5.0,), "f4", [0, 1, 2, 3, 4]), ((0, 1, 0.25), "f4", [0, 0.25, 0.5, 0.75]), ((0.5, 3.5), "f4", [0.5, 1.5, 2.5]),
     ((2**53 + 1, 2**53 + 3), "i8", [2**53 + 1, 2**53 + 2]), ((True,), "i8", [0])],
)  # fmt: skip
def test_arange(arguments, dtype, expected):
    t = ag.arange(*arguments)
    assert t.dtype == np.dtype(dtype)
    assert t.tolist() == expected


def test_arange_by_keyword_and_its_errors():
    assert (
        ag.arange(end=3).tolist()
        == ag.arange(start=0, end=3, step=1).tolist()
        == ag.arange(ag.tensor(3)).tolist()
        == [0, 1, 2]
    )
    assert [len(ag.arange(0, end, 0.1)) for end in (1, 1.1)] == [10, 11]
    assert ag.arange(0.5, 3.5, dtype=ag.int64).tolist() == ag.arange(3.1, dtype=ag.int64).tolist() == [0, 1, 2]
    assert ag.arange(0, -8.5, -4, dtype=ag.int8).tolist() == [0, -4, -8]  # counted as NumPy counts them
    for bad in ((5, 0), (0, 1, 0), (float("nan"),), (float("inf"),)):
        with pytest.raises(RuntimeError, match="never reaches the end"):
            ag.arange(*bad)
    with pytest.raises(TypeError, match="needs an end"):
        ag.arange()


def test_spaces_and_eye():
    assert ag.linspace(0, 1, 5).tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert ag.linspace(-1, 2, 5, dtype=ag.int64).tolist() == [-1, 0, 0, 1, 2]
    assert ag.linspace(4.3, -2.9, 7, dtype=ag.int64).tolist() == [4, 3, 2, 1, 0, -1, -2]
    assert ag.logspace(0.7, 2.2, 3, base=3, dtype=ag.int64).tolist() == [1, 3, 9]
    assert ag.linspace(ag.tensor(0.0), 1, steps=1).tolist() == [0.0]
    assert ag.linspace(0, 1, 0).shape == (0,)
    assert ag.linspace(0, 1j, 3).dtype == ag.complex64
    np.testing.assert_allclose(ag.logspace(0, 1j, 2, base=np.e), [1, np.exp(1j)], rtol=1e-6)
    with pytest.raises(DtypeError, match="are complex, not float32"):
        ag.linspace(0, 1j, 3, dtype=ag.float32)
    assert ag.logspace(0, 3, 4, base=2).tolist() == [1, 2, 4, 8]
    assert ag.eye(2, 3, dtype=ag.int64).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert ag.eye(0).shape == (0, 0)
    for bad in (lambda: ag.linspace(0, 1, -1), lambda: ag.eye(-1), lambda: ag.logspace(0, 1, -1)):
        with pytest.raises(RuntimeError, match="negative"):
            bad()


def test_one_hot():
    assert ag.one_hot(ag.tensor([0, 2])).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert ag.one_hot(ag.tensor(1), 3).tolist() == [0, 1, 0]
    assert ag.one_hot(ag.zeros(0, dtype=int), 3).shape == (0, 3)
    for bad in (ag.tensor([1.0]), ag.tensor([-1]), ag.zeros(0, dtype=int)):
        with pytest.raises(RuntimeError, match="one_hot"):
            ag.one_hot(bad)
    with pytest.raises(RuntimeError, match="between 0 and 1"):
        ag.one_hot(ag.tensor([2]), 2)
    with pytest.raises(RuntimeError, match="num_classes"):
        ag.one_hot(ag.tensor([2]), -2)


def test_meshgrid():
    a, b = ag.arange(2), ag.arange(3)
    for indexing in ("ij", "xy"):
        for got, expected in zip(
            ag.meshgrid(a, b, indexing=indexing), np.meshgrid(range(2), range(3), indexing=indexing), strict=True
        ):
            np.testing.assert_array_equal(got.numpy(), expected)
    assert [g.shape for g in ag.meshgrid([ag.tensor(1), b])] == [(1, 3)] * 2
    for bad in (ag.meshgrid, lambda: ag.meshgrid(ag.ones(2, 2)), lambda: ag.meshgrid(a, indexing="ji")):
        with pytest.raises(RuntimeError, match="meshgrid"):
            bad()


def test_the_legacy_constructor():
    assert ag.Tensor([1, 2]).dtype == ag.float32
    assert ag.Tensor(2, 3).shape == (2, 3)
    assert ag.Tensor().shape == (0,)
    assert ag.Tensor(np.ones(2)).dtype == ag.float32
    assert ag.Tensor(ag.ones(2, 3).shape).shape == ag.LongTensor(2, 3).shape == (2, 3)
    assert (
        ag.Tensor(np.prod((2, 3))).shape
        == ag.LongTensor(np.int32(6)).shape
        == ag.ones(1).new(np.int64(6)).shape
        == (6,)
    )
    big = ag.LongTensor([2**53 + 1])  # never rounded to a float
    assert big.tolist() == big.new([2**53 + 1]).tolist() == [2**53 + 1]
    assert ag.DoubleTensor([0.1]).tolist() == [0.1]


def test_legacy_constructors_share_the_memory_of_tensors_of_their_dtype():
    x = ag.zeros(3)
    for i, y in enumerate((ag.Tensor(x), ag.FloatTensor(x), x.new(x))):
        y[i] = 1
    ag.DoubleTensor(x).zero_()
    assert x.tolist() == [1, 1, 1]
    assert ag.FloatTensor(x.requires_grad_()).requires_grad


def test_names():
    assert (ag.tensor([1.0], name="w").name, ag.ones(1).name) == ("w", None)


def test_messages_say_what_to_do():
    with pytest.raises(TypeError, match=re.escape("data.filled(0)")):
        ag.tensor(np.ma.masked_array([1, 2], [0, 1]))
    with pytest.raises(DtypeError, match="NoneType: numbers, lists of numbers or arrays are needed"):
        ag.tensor([1, None])


def test_lists_of_recorded_tensors_come_with_a_warning():
    x = ag.tensor(2.0, requires_grad=True)
    for data in ([x, 1.0], [[x * 2]]):
        with pytest.warns(UserWarning, match="no gradient flows back"):
            assert not ag.tensor(data).requires_grad
    with ag.no_grad():
        ag.tensor([x])


def test_a_tensor_of_one_element_in_a_list_is_a_number():
    one, two = ag.tensor([1.0]), ag.tensor([[2.0]])
    assert ag.tensor([one, two]).tolist() == [1, 2]
    assert ag.tensor([[one, 3.0]]).tolist() == [[1, 3]]


@pytest.mark.parametrize("make, bounds", [(ag.arange, (0, 4)), (ag.linspace, (0, 3, 4))], ids=["arange", "linspace"])
def test_a_range_keeps_the_shape_of_an_out_with_as_many_elements(make, bounds):
    x = ag.zeros(2, 3)
    make(*bounds, out=x.narrow(1, 1, 2))
    assert x.tolist() == [[0, 0, 1], [0, 2, 3]]


def test_asarray_keeps_requires_grad_unless_told():
    x = ag.ones(2, requires_grad=True)
    assert ag.asarray(x) is x
    assert ag.asarray(x, copy=True).grad_fn is not None
    assert not ag.asarray(x, requires_grad=False).requires_grad
    assert x.requires_grad


def test_asarray_reads_the_bytes_of_buffers():
    x = np.arange(3.0, dtype=np.float32)
    ag.asarray(memoryview(x))[0] = 5
    assert x.tolist() == ag.asarray(x.tobytes()).tolist() == [5, 1, 2]
    assert ag.asarray(bytearray(b"ab"), dtype=ag.uint8).tolist() == [97, 98]


def test_strides_of_a_tensor_without_elements_are_row_major():
    assert ag.empty(2, 0, 3).stride() == (3, 3, 1)
    assert ag.empty(0).stride(0) == 1
