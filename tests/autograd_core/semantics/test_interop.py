"""Tensors among Python numbers, NumPy functions, DLPack, copies and pickles."""

import copy
import pickle

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.testing import refusing

FAR = refusing.RefusingBackend.name


def leaf():
    x = ag.tensor([1.0, 2.0], requires_grad=True, name="w")
    (x * x).sum().backward()
    x._role = "parameter"
    return x


def test_numbers():
    assert (ag.tensor([1.5]).item(), ag.tensor(True).item(), type(ag.tensor(2).item())) == (1.5, True, int)
    assert (float(ag.tensor([1.5])), int(ag.tensor(2.7)), complex(ag.tensor(1.5)), bool(ag.tensor([2]))) == (
        1.5,
        2,
        1.5,
        True,
    )
    assert (ag.tensor([[1, 2]]).tolist(), ag.tensor(1.5).tolist(), ag.zeros(0, 2).tolist()) == ([[1, 2]], 1.5, [])
    assert [10, 20, 30][ag.tensor([1])] == 20
    assert list(range(ag.tensor(3))) == [0, 1, 2]
    assert round(float(ag.tensor(1.5, requires_grad=True))) == 2


@pytest.mark.parametrize("shape", [(2,), (0,), (1, 2)])
@pytest.mark.parametrize("convert", [float, int, complex, bool, ag.Tensor.item])
def test_numbers_of_other_than_one_element(convert, shape):
    with pytest.raises(RuntimeError, match=r"of one element|ambiguous"):
        convert(ag.ones(shape))


def test_indices_are_integers():
    for bad in (ag.tensor(1.0), ag.tensor([1, 2])):
        with pytest.raises(TypeError, match="can be an index"):
            [1, 2][bad]


def test_containers():
    x = ag.arange(6).reshape(3, 2)
    assert (len(x), [r.tolist() for r in x]) == (3, [[0, 1], [2, 3], [4, 5]])
    assert reversed(x).tolist() == [[4, 5], [2, 3], [0, 1]]
    a, b = ag.tensor([1.0, 2.0])
    assert (a.item(), b.item()) == (1, 2)
    for function in (len, iter, list):
        with pytest.raises(TypeError, match="0-d tensor"):
            function(ag.tensor(1))
    assert [v in x for v in (5, ag.tensor(5), np.int64(5), 7)] == [True, True, True, False]
    for bad in ("a", [1], None):
        with pytest.raises(RuntimeError, match="contains numbers"):
            assert bad in x


def test_hash_is_identity_and_equality_is_elementwise():
    x, y = ag.ones(2), ag.ones(2)
    assert len({x: 1, y: 2}) == 2
    assert hash(x) == id(x)
    assert (x == y).tolist() == (x == np.ones(2)).tolist() == (np.ones(2) == x).tolist() == [True, True]
    assert (x == None) is False  # noqa: E711  what PyTorch answers
    assert (x == "a") is False
    assert (x != None) is True  # noqa: E711
    with pytest.raises(TypeError):
        assert x < "a"


def test_numpy_shares_and_refuses():
    x = ag.ones(2)
    x.numpy()[0] = 5
    assert x[0] == 5
    y = ag.tensor(1.0) * 2
    y.numpy()[...] = 7
    assert y.item() == 7
    w = ag.ones(2, requires_grad=True)
    for bad in (w.numpy, (w * 2).numpy, lambda: np.asarray(w), lambda: np.add.accumulate(np.asarray(w))):
        with pytest.raises(RuntimeError, match=r"\.detach\(\)\.numpy\(\)"):
            bad()
    with ag.no_grad():
        assert np.shares_memory(w.numpy(), w.detach().numpy())
    forced = (w * 2).numpy(force=True)
    np.testing.assert_array_equal(forced, [2, 2])
    assert not np.shares_memory(w.detach().numpy(), w.numpy(force=True))


def test_array_protocol():
    x = ag.ones(2)
    assert np.asarray(x).dtype == np.float32
    assert np.shares_memory(np.asarray(x), x.numpy())
    assert not np.shares_memory(np.array(x), x.numpy())
    assert np.asarray(x, np.float64).dtype == np.float64
    with pytest.raises(ValueError, match="copy"):
        np.asarray(x, np.float64, copy=False)
    a = np.zeros(2)
    a += x.numpy()
    a[:] = x
    assert np.zeros(3)[ag.tensor([0, 1])].shape == (2,)


@pytest.mark.parametrize(
    "operand",
    [np.float64(2), np.float32(2), np.int64(2), np.full(2, 2.0, "f4"), [2.0, 2.0], (2, 2)],
    ids=["f8", "f4", "i8", "array", "list", "tuple"],
)
def test_operators_with_other_values(operand):
    x = ag.tensor([1.0, 3.0], requires_grad=True)
    for y, expected in (
        (operand * x, [2, 6]),
        (x * operand, [2, 6]),
        (operand - x, [1, -1]),
        (x / operand, [0.5, 1.5]),
    ):
        assert isinstance(y, ag.Tensor)
        assert (y.tolist(), y.dtype, y.requires_grad) == (expected, ag.float32, True)


@pytest.mark.parametrize("base", [list, tuple])
def test_a_subclass_of_list_or_tuple_brings_its_own_operators(base):
    class States(base):
        def __rmul__(self, factor):
            return [factor * x for x in self]

    step, states = ag.tensor(2.0), States((ag.ones(2), ag.ones(3)))
    assert [x.tolist() for x in step * states] == [[2, 2], [2, 2, 2]]


def test_arrays_keep_their_dtype_in_operators():
    assert (np.ones(2) * ag.ones(2)).dtype == (ag.ones(2) * np.ones(2)).dtype == ag.float64
    assert (np.ones((2, 2)) @ ag.ones(2, 2, dtype="f8")).tolist() == [[2, 2], [2, 2]]
    assert (np.ones(2) < ag.full((2,), 2.0)).tolist() == [True, True]
    for bad in ("a", None, {}, object()):
        with pytest.raises(TypeError):
            ag.ones(2) + bad
        with pytest.raises(TypeError):
            bad + ag.ones(2)


X = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]])
SAME = {
    "exp": np.exp, "absolute": np.abs, "power": lambda x: np.power(x, 2), "maximum": lambda x: np.maximum(x, 0.5),
    "rint": np.rint,
    "invert": lambda x: np.invert(x > 0), "isnan": np.isnan, "fabs": np.fabs, "sum": np.sum,
    "sum_axis": lambda x: np.sum(x, axis=0),
    "mean": lambda x: np.mean(x, 1, keepdims=True), "max": np.max, "max_axis": lambda x: np.max(x, axis=1),
    "min": np.min,
    "var": np.var, "std": lambda x: np.std(x, axis=0, ddof=1), "transpose": np.transpose,
    "transpose_axes": lambda x: np.transpose(x, (1, 0)),
    "stack": lambda x: np.stack([x, x], axis=1), "concatenate": lambda x: np.concatenate([x, x], axis=1),
    "clip": lambda x: np.clip(x, -1, 1),
    "clip_max": lambda x: np.clip(x, None, 1), "where": lambda x: np.where(x > 0, x, 0.0),
    "reshape": lambda x: np.reshape(x, (3, 2)),
    "squeeze": lambda x: np.squeeze(np.expand_dims(x, 0)), "argmax": lambda x: np.argmax(x, axis=1), "flip": np.flip,
    "prod": np.prod,
    "moveaxis": lambda x: np.moveaxis(x, 0, 1), "einsum": lambda x: np.einsum("ij,ij->i", x, x),
    "matmul": lambda x: np.matmul(x, x.T),
    "dot": lambda x: np.dot(x, x.T), "dot_scalar": lambda x: np.dot(2.0, x), "swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "all": lambda x: np.all(x > -3), "round": np.round, "copy": np.copy, "zeros_like": np.zeros_like,
    "size": lambda x: np.array(np.size(x)),
    "shape": lambda x: np.array(np.shape(x)), "allclose": lambda x: np.array(np.allclose(x, x)),
    "array_equal": lambda x: np.array(np.array_equal(x, x)),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_numpy_functions_compute_what_they_do_on_arrays(name):
    got, expected = SAME[name](ag.tensor(X)), SAME[name](X)
    assert isinstance(got, ag.Tensor) or name in ("size", "shape", "allclose", "array_equal")
    np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-12)


def test_numpy_functions_carry_gradients():
    x = ag.tensor(X, requires_grad=True)
    np.sum(np.exp(x) * X, axis=0).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp(X) * X)


WITHOUT_COUNTERPART = {
    r"np\.add\.reduceat": lambda x: np.add.reduceat(x, [0]),
    r"np\.linalg\.trace": np.linalg.trace,
    r"np\.unwrap": np.unwrap,
    r"np\.modf": np.modf,
    r"np\.exp with where": lambda x: np.exp(x, where=True),
}


@pytest.mark.parametrize("name", WITHOUT_COUNTERPART)
def test_what_has_no_counterpart_drops_no_gradient(name):
    with pytest.raises(TypeError, match=name):
        WITHOUT_COUNTERPART[name](ag.tensor(X, requires_grad=True))


@pytest.mark.parametrize("name", WITHOUT_COUNTERPART)
def test_what_has_no_counterpart_gives_arrays(name):
    np.testing.assert_array_equal(WITHOUT_COUNTERPART[name](ag.tensor(X)), WITHOUT_COUNTERPART[name](X))


def test_tensors_are_saved_and_counted_by_numpy(tmp_path):
    x = ag.tensor(X)
    np.savez(tmp_path / "x.npz", x=x, parts=[x, x])
    np.testing.assert_array_equal(np.load(tmp_path / "x.npz")["parts"], [X, X])
    np.testing.assert_array_equal(
        np.histogram(x, bins=ag.linspace(-3.0, 3.0, 5))[0], np.histogram(X, [-3, -1.5, 0, 1.5, 3])[0]
    )
    assert np.may_share_memory(x, x.T)
    assert not np.shares_memory(x, x.clone())


def test_numpy_writes_into_no_tensor_unnoticed():
    x, array = ag.tensor(X), np.zeros_like(X)
    np.copyto(array, x)
    np.testing.assert_array_equal(array, X)
    for write in (
        lambda: np.copyto(x, array),
        lambda: np.copyto(src=array, dst=x),
        lambda: np.add.at(x, 0, 1.0),
        lambda: np.nanmax(array, axis=0, out=x[0]),
    ):
        with pytest.raises(TypeError, match="no counterpart"):
            write()


def test_dlpack_both_ways():
    x = ag.arange(3.0)
    np.from_dlpack(x)
    a = np.ones(2, "f4")
    t = ag.from_dlpack(a)
    a[0] = 5
    assert t[0] == 5
    assert ag.from_dlpack(x).data_ptr() == x.data_ptr()
    assert x.__dlpack_device__() == (1, 0)
    assert ag.from_dlpack(ag.tensor(1.0) * 2).item() == 2
    assert ag.utils.dlpack.from_dlpack(ag.utils.dlpack.to_dlpack(x)).data_ptr() == x.data_ptr()
    with pytest.raises(BufferError, match="detach"):
        np.from_dlpack(ag.ones(1, requires_grad=True))


def test_dlpack_copies_on_request_and_to_other_devices():
    x = ag.arange(3.0)
    assert ag.from_dlpack(x, device="cpu", copy=False).data_ptr() == x.data_ptr()
    copied, far = ag.from_dlpack(x, copy=True), ag.from_dlpack(np.ones(2, "f4"), device=FAR)
    x.zero_()
    assert (copied.tolist(), far.device.type, far.tolist()) == ([0, 1, 2], FAR, [1, 1])
    with pytest.raises(ValueError, match="copy=False"):
        ag.from_dlpack(x, device=FAR, copy=False)


@pytest.mark.parametrize(
    "make", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copy", "deepcopy", "pickle"]
)
def test_copies_of_leaves(make):
    x = leaf()
    twin = make(x)
    assert (twin is x, twin.is_leaf, twin.requires_grad) == (False, True, True)
    assert (twin.tolist(), twin.name, twin._role) == (x.tolist(), "w", "parameter")
    assert (twin.data_ptr() == x.data_ptr()) == (make is copy.copy)
    (twin * 3).sum().backward()
    assert twin.grad.tolist() == [3, 3]  # which begins without a gradient
    assert x.grad.tolist() == [2, 4]
    assert make(ag.tensor(1.5)).item() == 1.5
    if make is copy.deepcopy:
        with pytest.raises(RuntimeError, match="only leaves"):
            make(x * 2)
    else:  # without the graph
        computed = make((x * 2)[1:])
        assert (computed.tolist(), computed.is_leaf, computed.requires_grad) == ((x * 2)[1:].tolist(), True, True)


@pytest.mark.parametrize("function", [ag.tanh, ag.linalg.det, ag.special.erf, nn.functional.softsign])
def test_functions_are_pickled_by_name(function):
    assert pickle.loads(pickle.dumps(function)) is function


def test_deepcopy_knows_what_it_copied_and_keeps_the_memory_order():
    x = ag.tensor(np.asfortranarray(np.ones((2, 3))))
    first, second = copy.deepcopy([x, x])
    assert first is second
    assert first.stride() == x.stride() == (1, 2)


def test_deep_copies_of_tensors_in_one_memory_are_in_one_memory():
    x, array = ag.arange(24.0).reshape(4, 6).clone(), np.arange(3.0)
    whole, part, column, other, bare = copy.deepcopy([x, x[1:, ::2], x.T[1], ag.from_numpy(array[::-1]), array])
    assert (part.stride(), other.tolist()) == ((6, 2), [2, 1, 0])
    whole[2, 2], part[0], bare[0] = 99, -1, 7
    assert part[1].tolist() == [12, 99, 16]
    assert column.tolist() == [1, 7, 13, 19]
    assert whole[1].tolist() == [-1, 7, -1, 9, -1, 11]
    assert other.tolist() == [2, 1, 7]
    assert x[2, 2] == 14


def test_metadata():
    x = ag.ones(2, 3)
    assert (x.size(), x.size(-1), x.numel(), x.nelement(), x.dim(), x.ndimension()) == ((2, 3), 3, 6, 6, 2, 2)
    assert x.to_dense() is x
    assert x.to_dense(ag.float64).dtype == ag.float64
    assert (x.stride(), x.stride(1), x.element_size(), x.nbytes, x.itemsize) == ((3, 1), 1, 4, 24, 4)
    assert (x.T.shape, x.mT.shape, ag.ones(2, 3, 4).T.shape, ag.ones(2, 3, 4).mT.shape) == (
        (3, 2),
        (3, 2),
        (4, 3, 2),
        (2, 4, 3),
    )
    assert all(f(x) is x for f in (ag.atleast_1d, ag.atleast_2d))
    assert ag.broadcast_tensors(x, ag.ones(3))[0] is x
    assert (x.is_contiguous(), x.contiguous() is x, x.t().is_contiguous()) == (True, True, False)
    assert x.t().contiguous().stride() == (2, 1)
    assert (x.expand_as(ag.ones(4, 2, 3)).shape, x.view_as(ag.ones(6)).shape, x.reshape_as(ag.ones(3, 2)).shape) == (
        (4, 2, 3),
        (6,),
        (3, 2),
    )
    assert (x.is_floating_point(), x.is_complex(), ag.is_tensor(x), ag.is_tensor(1), ag.numel(input=x)) == (
        True,
        False,
        True,
        False,
        6,
    )
    assert x.type(x.type()).dtype == x.dtype
    assert [x.to(dtype).type() for dtype in ("bool", "bfloat16", "complex64", "uint16")] == [
        "torch.BoolTensor", "torch.BFloat16Tensor", "torch.ComplexFloatTensor", "torch.UInt16Tensor",
    ]  # fmt: skip
    assert (x.type(), x.type(ag.float64).dtype, x.type_as(ag.ones(1, dtype="f8")).dtype) == (
        "torch.FloatTensor",
        ag.float64,
        ag.float64,
    )
    casts = {"double": "f8", "half": "f2", "float": "f4", "int": "i4", "long": "i8", "short": "i2", "char": "i1",
             "byte": "u1", "bool": "?",
             "cfloat": "c8", "cdouble": "c16"}  # fmt: skip
    for name, dtype in casts.items():
        assert getattr(x, name)().dtype == np.dtype(dtype)
    with pytest.raises(IndexError, match="out of range"):
        x.size(2)
    with pytest.raises(RuntimeError, match="last two axes"):
        ag.ones(2).mT


def test_detach_in_place():
    w = ag.ones(2, requires_grad=True)
    y = w * 2
    assert y.detach_() is y
    assert (y.is_leaf, y.requires_grad) == (True, False)
    with pytest.raises(RuntimeError, match="view"):
        (w * 2)[:1].detach_()


def test_contiguous_passes_the_gradient():
    w = ag.ones(2, 3, requires_grad=True)
    (w.t().contiguous() * ag.arange(6.0).reshape(3, 2)).sum().backward()
    assert w.grad.tolist() == [[0, 2, 4], [1, 3, 5]]
