"""`Tensor.dtype`: PyTorch's attributes and NumPy's, one object per dtype, taken by NumPy, and never inside."""

import copy
import pickle
import sys

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core import dtypes, public_dtypes

NAMES = (
    "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32",
    "float64", "complex64", "complex128",
)  # fmt: skip
every_dtype = pytest.mark.parametrize("dtype", [getattr(ag, name) for name in NAMES], ids=NAMES)
# is_floating_point, is_complex, is_signed, itemsize, to_real(), to_complex() of torch.<name>
IN_PYTORCH = {
    "bool": (False, False, False, 1, "bool", None),
    "uint8": (False, False, False, 1, "uint8", None),
    "int8": (False, False, True, 1, "int8", None),
    "int64": (False, False, True, 8, "int64", None),
    "float16": (True, False, True, 2, "float16", "complex32"),
    "bfloat16": (True, False, True, 2, "bfloat16", "complex64"),
    "float32": (True, False, True, 4, "float32", "complex64"),
    "float64": (True, False, True, 8, "float64", "complex128"),
    "complex32": (False, True, True, 4, "float16", "complex32"),
    "complex64": (False, True, True, 8, "float32", "complex64"),
    "complex128": (False, True, True, 16, "float64", "complex128"),
    "float8_e4m3fn": (True, False, True, 1, "float8_e4m3fn", None),
    "float8_e5m2": (True, False, True, 1, "float8_e5m2", None),
}


@pytest.mark.parametrize("name", IN_PYTORCH)
def test_attributes_of_pytorch(name):
    dtype = getattr(ag, name)
    floating, complex_, signed, size, real, complexes = IN_PYTORCH[name]
    assert (dtype.is_floating_point, dtype.is_complex, dtype.is_signed, dtype.itemsize) == (
        floating, complex_, signed, size)  # fmt: skip
    assert dtype.to_real() is getattr(ag, real)
    if complexes is None:
        with pytest.raises(RuntimeError, match=f"no complex numbers with parts of {name}"):
            dtype.to_complex()
    else:
        assert dtype.to_complex() is getattr(ag, complexes)


@every_dtype
def test_one_object_for_each_dtype(dtype):
    x = ag.ones(2, dtype=dtype)
    same = (
        x.dtype, x[0].dtype, x.sum().to(dtype).dtype, ag.zeros_like(x).dtype, ag.from_numpy(x.numpy()).dtype,
        ag.dtype(dtype), ag.dtype(dtype.dtype), ag.dtype(dtype.type), copy.copy(dtype), copy.deepcopy(dtype),
        pickle.loads(pickle.dumps(dtype)), pickle.loads(pickle.dumps(dtype, 2)), ag.promote_types(dtype, dtype),
        ag.result_type(x, x), x.untyped_storage()._elements.view(dtype).dtype,
    )  # fmt: skip
    assert all(found is dtype for found in same)
    assert isinstance(dtype, ag.dtype)
    assert type(dtype) is ag.dtype
    assert isinstance(dtype, np.dtype)
    assert not isinstance(dtype.dtype, ag.dtype)


def test_names_of_one_dtype():
    assert ag.half is ag.float16
    assert ag.float is ag.float32
    assert ag.double is ag.float64
    assert (ag.int, ag.long, ag.short) == (ag.int32, ag.int64, ag.int16)
    assert (ag.chalf, ag.cfloat, ag.cdouble) == (ag.complex32, ag.complex64, ag.complex128)
    assert ag.from_numpy(np.zeros(2, np.longlong)).dtype is ag.int64  # which NumPy has twice


@every_dtype
def test_equals_and_hashes_as_numpys(dtype):
    own = dtype.dtype
    for other in (own, own.type, dtype):
        assert dtype == other
        assert other == dtype
        assert (dtype != other, other != dtype) == (False, False)
    assert dtype == str(dtype)
    assert (own in {dtype}, dtype in {own: 1}, dtype in (own,), own in [dtype]) == (True,) * 4
    different = ag.int32 if dtype == ag.float32 else ag.float32
    assert dtype != different
    assert dtype != different.dtype
    assert different.dtype != dtype
    assert dtype not in (None, "nothing", 5, [1], different)


@every_dtype
def test_prints_and_answers_as_numpys(dtype):
    own = dtype.dtype
    assert (str(dtype), repr(dtype), f"{dtype}") == (str(own), repr(own), f"{own}")
    for name in ("name", "kind", "char", "num", "type", "str", "itemsize", "alignment", "byteorder", "isnative",
                 "fields", "names", "shape", "hasobject", "base"):  # fmt: skip
        assert getattr(dtype, name) == getattr(own, name)
    assert dtype.newbyteorder("=") == own
    with pytest.raises(AttributeError, match="nothing"):
        _ = dtype.nothing


def test_prints_as_pytorchs_where_the_package_is_called_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", ag)
    assert [str(ag.bool), repr(ag.bfloat16), f"{ag.int64}"] == ["torch.bool", "torch.bfloat16", "torch.int64"]
    assert repr(ag.ones(1, dtype=ag.float64)) == "tensor([1.], dtype=torch.float64)"
    assert ag.finfo(ag.float32).dtype == "float32"


@every_dtype
def test_numpy_takes_it(dtype):
    own = dtype.dtype
    a = np.ones(4, np.uint8)
    made = (
        np.dtype(dtype), np.zeros(2, dtype).dtype, np.array([1], dtype=dtype).dtype, a.astype(dtype).dtype,
        np.empty_like(a, dtype).dtype, np.promote_types(dtype, own), np.frombuffer(bytes(16), dtype).dtype,
    )  # fmt: skip
    assert all(type(found) is type(own) and found == own for found in made)
    assert np.issubdtype(dtype, np.inexact) == np.issubdtype(own, np.inexact)
    assert np.can_cast(dtype, own)


CONVERSIONS = (
    lambda x, d: x.to(d), lambda x, d: x.to(dtype=d), lambda x, d: x.to("cpu", d), lambda x, d: x.type(d),
    lambda x, d: x.astype(d), lambda x, d: x.sum(0, dtype=d), lambda x, d: x.cumsum(0, dtype=d),
    lambda x, d: ag.prod(x, 0, dtype=d), lambda x, d: ag.zeros(2, dtype=d), lambda x, d: ag.full((2,), 1, dtype=d),
    lambda x, d: ag.tensor([1, 2], dtype=d), lambda x, d: ag.as_tensor(np.ones(2), dtype=d), lambda x, d: x.view(d),
    lambda x, d: ag.ones_like(x, dtype=d), lambda x, d: x.new_zeros(2, dtype=d), lambda x, d: ag.eye(2, dtype=d),
    lambda x, d: ag.asarray([1], dtype=d), lambda x, d: ag.frombuffer(bytearray(16), dtype=d),
    lambda x, d: x.new_tensor([1], dtype=d),
)  # fmt: skip


@every_dtype
def test_arrays_have_numpys(dtype):
    """Given as this object, as NumPy's dtype, as a scalar type or by its name, it means the same."""
    x = ag.ones(2, 16, dtype="uint8")
    for convert in CONVERSIONS:
        for given in (dtype, dtype.dtype, dtype.type, str(dtype)):
            y = convert(x, given)
            assert y.dtype is dtype
            assert type(y.array.dtype) is type(dtype.dtype)


def test_softmax_and_mean_in_a_dtype():
    x = ag.ones(2, 3, dtype=ag.float16, requires_grad=True)
    for y in (x.softmax(1, ag.float64), ag.log_softmax(x, 1, dtype=ag.float64), x.mean(1, dtype=ag.float64)):
        assert y.dtype is ag.float64
        y.sum().backward()
        assert x.grad.dtype is ag.float16


def test_functions_that_give_dtypes():
    x = ag.ones(2, dtype=ag.float16)
    assert ag.get_default_dtype() is ag.float32
    assert ag.promote_types(ag.int64, np.float16) is ag.float16
    assert ag.promote_types("complex64", ag.float64) is ag.complex128
    assert ag.result_type(x, 2.5) is ag.result_type(x.numpy(), ag.ones(2, dtype=ag.int64)) is ag.float16
    assert ag.get_autocast_dtype("cpu") is ag.get_autocast_cpu_dtype() is ag.bfloat16
    assert ag.get_autocast_dtype("cuda") is ag.get_autocast_gpu_dtype() is ag.float16
    assert ag.FloatTensor.dtype is ag.float32
    assert ag.types._dtype is ag.dtype
    assert x.untyped_storage().dtype is ag.uint8
    ag.set_default_dtype(ag.float64)
    try:
        assert ag.get_default_dtype() is ag.ones(2).dtype is ag.tensor(1.0).dtype is ag.float64
    finally:
        ag.set_default_dtype(np.float32)


def test_limits():
    assert ag.finfo(ag.bfloat16).bits == ag.finfo("bfloat16").bits == 16
    assert ag.finfo(ag.ones(2).dtype).eps == np.finfo(np.float32).eps
    assert (ag.finfo(ag.float8_e5m2).max, ag.finfo(ag.float8_e4m3fnuz).max) == (57344, 240)
    assert ag.iinfo(ag.int16).max == 2**15 - 1
    assert ag.can_cast(ag.int8, ag.float16)


def test_modules_and_optimizers():
    model = nn.Linear(2, 2).to(ag.float64)
    assert all(p.dtype is ag.float64 for p in model.parameters())
    assert nn.Linear(2, 2, dtype=ag.float16).weight.dtype is ag.float16
    optimizer = optim.Adam(model.parameters())
    model(ag.ones(1, 2, dtype=ag.float64)).sum().backward()
    optimizer.step()
    assert all(s["exp_avg"].dtype is ag.float64 for s in optimizer.state.values())
    optimizer.load_state_dict(optimizer.state_dict())


def test_files_hold_pytorchs(tmp_path):
    path = tmp_path / "state.pt"
    state = {name: getattr(ag, name) for name in NAMES}
    ag.save(state, path)
    found = ag.load(path)
    assert all(found[name] is dtype for name, dtype in state.items())


def test_numpys_is_no_default_for_none():
    assert ag.float64 != None  # noqa: E711  NumPy takes None for float64
    assert np.dtype(np.float64) == None  # noqa: E711


def test_objects_are_made_once():
    assert public_dtypes.OF[dtypes.float32] is ag.float32
    assert public_dtypes.OF[np.dtype("float32")] is ag.float32


def test_compositions_take_arrays_as_before():
    x = np.ones((2, 4), np.float32)
    assert ag.is_floating_point(x)
    assert not ag.is_complex(x)
    assert ag.linalg.vector_norm(x).item() == pytest.approx(8**0.5)
    assert nn.functional.cosine_similarity(x, ag.tensor(x)).tolist() == pytest.approx([1, 1])
    assert nn.functional.cross_entropy(ag.tensor(x), np.array([1, 3])).item() == pytest.approx(np.log(4))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normalizations_take_arrays_as_before(dtype):
    x, weight = np.arange(12, dtype=dtype).reshape(1, 2, 6) ** 2, np.ones(2, dtype)
    normal = ag.instance_norm(ag.tensor(x))
    assert ag.allclose(ag.instance_norm(x, weight=weight), normal)
    running = ag.zeros(2, dtype=dtype), ag.ones(2, dtype=dtype)
    assert ag.allclose(ag.instance_norm(ag.tensor(x), *running, weight), normal)
    assert ag.allclose(ag.batch_norm(ag.tensor(x), None, None, weight, weight, training=True), normal + 1)
    assert ag.batch_norm(x, ag.zeros(2), ag.ones(2), weight, eps=0).tolist() == x.tolist()
