"""NumPy's functions on tensors give what they give on arrays, and keep the gradient."""

import numpy as np
import pytest
from scipy import special

import autograd_core as ag

A = np.array([[2.0, -1.0, 0.5], [1.0, 3.0, -0.25], [0.75, 0.5, 4.0]])
B = np.array([[0.5, 1.5, -2.0], [3.0, 0.25, 1.0], [-1.0, 2.0, 0.125]])
CALLS = {
    "arctan2": np.arctan2,
    "argsort": lambda a, b: np.argsort(a, axis=0),
    "array_split": lambda a, b: np.array_split(a, 2, axis=1),
    "clip": lambda a, b: np.clip(a, -0.5, 2),
    "cross": np.cross,
    "cumprod flat": lambda a, b: np.cumprod(a),
    "cumsum": lambda a, b: np.cumsum(a, axis=1),
    "cumsum flat": lambda a, b: np.cumsum(a),
    "degrees": lambda a, b: np.degrees(a),
    "diag": lambda a, b: np.diag(a, k=1),
    "diagonal": lambda a, b: np.diagonal(a, offset=-1),
    "diff": lambda a, b: np.diff(a, n=2, axis=0),
    "dot": np.dot,
    "expand_dims": lambda a, b: np.expand_dims(a, axis=1),
    "fft": lambda a, b: np.fft.fft(a, axis=0),
    "fft2": lambda a, b: np.fft.fft2(a, axes=(0, 1)),
    "rfft": lambda a, b: np.fft.rfft(a, n=4),
    "flip": lambda a, b: np.flip(a),
    "hypot": np.hypot,
    "inner": np.inner,
    "inv": lambda a, b: np.linalg.inv(a),
    "det": lambda a, b: np.linalg.det(a),
    "norm": lambda a, b: np.linalg.norm(a),
    "norm of rows": lambda a, b: np.linalg.norm(a, ord=3, axis=1, keepdims=True),
    "eigh": lambda a, b: np.linalg.eigvalsh(a @ a.T),
    "solve": np.linalg.solve,
    "kron": np.kron,
    "logaddexp": np.logaddexp,
    "matmul": np.matmul,
    "maximum": np.maximum,
    "median": lambda a, b: np.median(a[:2], axis=0),
    "moveaxis": lambda a, b: np.moveaxis(a, 0, -1),
    "nansum": lambda a, b: np.nansum(a, axis=1),
    "outer": lambda a, b: np.outer(a[0], b[0]),
    "power": lambda a, b: np.power(abs(a), b),
    "quantile": lambda a, b: np.quantile(a, 0.3, axis=1),
    "repeat": lambda a, b: np.repeat(a, 2, axis=0),
    "repeat flat": lambda a, b: np.repeat(a, 3),
    "roll": lambda a, b: np.roll(a, 1, axis=1),
    "roll flat": lambda a, b: np.roll(a, 2),
    "rot90": lambda a, b: np.rot90(a, k=3, axes=(0, 1)),
    "sort": lambda a, b: np.sort(a),
    "sort flat": lambda a, b: np.sort(a, axis=None),
    "split": lambda a, b: np.split(a, [1, 2]),
    "square": lambda a, b: np.square(a),
    "std": lambda a, b: np.std(a, axis=0, ddof=1),
    "swapaxes": lambda a, b: np.swapaxes(a, 0, 1),
    "take_along_axis": lambda a, b: np.take_along_axis(a, np.array([[0], [2], [1]]), axis=1),
    "tensordot": lambda a, b: np.tensordot(a, b, axes=1),
    "tensordot of pairs": lambda a, b: np.tensordot(a, b, axes=([0, 1], [1, 0])),
    "tile": lambda a, b: np.tile(a, (2, 1)),
    "trace": lambda a, b: np.trace(a, offset=1),
    "transpose": lambda a, b: np.transpose(a, axes=(1, 0)),
    "tril": lambda a, b: np.tril(a, k=-1),
    "var": lambda a, b: np.var(a),
    "vstack": lambda a, b: np.vstack([a, b]),
    "where": lambda a, b: np.where(a > b, a, b),
    "add.outer": lambda a, b: np.add.outer(a, b[0]),
    "add.reduce": lambda a, b: np.add.reduce(a, keepdims=True),
    "maximum.reduce over no axes": lambda a, b: np.maximum.reduce(a, axis=()),
    "append": lambda a, b: np.append(a, b, axis=1),
    "broadcast_arrays beside a number": lambda a, b: np.broadcast_arrays(a, 2.0)[0],
    "clip into an array of NumPy's defaults": lambda a, b: np.clip(a=a, a_min=-0.5, a_max=2, out=None),
    "cross of broadcast vectors": lambda a, b: np.cross(a[:, None], b),
    "gradient at points": lambda a, b: np.gradient(a, np.array([0, 1, 3]), axis=1),
    "meshgrid of a list": lambda a, b: np.meshgrid([1.0, 2.0], a[0], copy=True)[1],
    "quantile of a list": lambda a, b: np.quantile([0.5, 2.0], abs(b[1]) / 4) * a,
    "reshape by name": lambda a, b: np.reshape(a, shape=(9, 1), order="C"),
    "roll along two axes": lambda a, b: np.roll(a, 1, axis=(0, 1)),
    "stack of rows": lambda a, b: np.stack(a, axis=1),
    "std with a correction": lambda a, b: np.std(a, axis=0, correction=1),
    "sum by name": lambda a, b: np.sum(a=a, axis=0),
    "take_along the last axis": lambda a, b: np.take_along_axis(a, np.array([[0], [2], [1]])),
    "vdot of matrices": np.vdot,
    "append flat": np.append,
    "append a list": lambda a, b: np.append(a, [b[0, 0], 2.0]),
    "column_stack": lambda a, b: np.column_stack((a, b[0])),
    "concatenate flat": lambda a, b: np.concatenate((a, b), None),
    "cross of columns": lambda a, b: np.cross(a, b, axisa=0, axisb=1, axisc=0),
    "diff after a number": lambda a, b: np.diff(a, axis=0, prepend=1.5, append=b[:1]),
    "dot of more axes": lambda a, b: np.dot(a.reshape(1, 3, 3), b.reshape(3, 1, 3).swapaxes(1, 2)),
    "einsum beside an array": lambda a, b: np.einsum("ij,jk,k->i", a, B, b[0], optimize=True),
    "gammaln": lambda a, b: special.gammaln(abs(a)),
    "gradient": lambda a, b: np.gradient(a, 0.5, axis=0),
    "hsplit": lambda a, b: np.hsplit(a, [1]),
    "hstack of rows": lambda a, b: np.hstack(a),
    "imag": lambda a, b: np.imag(a * 1j),
    "maximum.reduce": lambda a, b: np.maximum.reduce(a, axis=1),
    "max over no axes": lambda a, b: np.max(a, axis=(), keepdims=True),
    "mean by position": lambda a, b: np.mean(a, 1, None, None, True),
    "meshgrid": lambda a, b: np.meshgrid(a[0], b[0, :2]),
    "multiply.accumulate": lambda a, b: np.multiply.accumulate(a),
    "corrcoef of columns": lambda a, b: np.corrcoef(a, rowvar=False),
    "corrcoef of two": np.corrcoef,
    "cov": lambda a, b: np.cov(a),
    "cov of two": lambda a, b: np.cov(a[0], b, True, True),
    "cov with weights": lambda a, b: np.cov(a, b, ddof=0, fweights=[1, 3, 2], aweights=[1, 0.5, 1]),
    "cov of a single observation": lambda a, b: np.cov(a[:1], rowvar=False, ddof=0),
    "count_nonzero over no axes": lambda a, b: np.count_nonzero(a > 1, axis=()),
    "cumsum of a dtype": lambda a, b: np.cumsum(a, 0, np.float32),
    "diagflat": lambda a, b: np.diagflat(a[0], 1),
    "nan_to_num": lambda a, b: np.nan_to_num(np.where(A > 0, a, np.nan), True, 7.0),
    "R alone": lambda a, b: abs(np.linalg.qr(a, mode="r")),
    "nonzero": lambda a, b: list(np.nonzero(a > 0)),
    "pad": lambda a, b: np.pad(a, ((1, 0), (0, 2)), constant_values=7),
    "pad edges": lambda a, b: np.pad(a[None, None], ((0, 0), (0, 0), (1, 2), (2, 1)), mode="edge"),
    "pad as mirrored": lambda a, b: np.pad(a, ((4, 1), (0, 7)), "symmetric"),
    "pad as reflected beyond the width": lambda a, b: np.pad(a, (5, 6), "reflect"),
    "pad around beyond the width": lambda a, b: np.pad(a, ((0, 8), (4, 0)), "wrap"),
    "percentile": lambda a, b: np.percentile(a, 30, axis=1),
    "select": lambda a, b: np.select([A > 1, A > 0], [a, b], 0.5),
    "singular values": lambda a, b: np.linalg.svd(a, compute_uv=False),
    "solve for matrices": lambda a, b: np.linalg.solve(np.stack([a, b, a + b]), b),
    "solve for a vector": lambda a, b: np.linalg.solve(np.stack([a, b]), b[0]),
    "std over no axes": lambda a, b: np.std(a, axis=()),
    "std of a dtype": lambda a, b: np.std(a, 0, np.float32),
    "sum of a dtype": lambda a, b: np.sum(a, 0, np.float32),
    "swapaxes by name": lambda a, b: np.swapaxes(a, axis1=0, axis2=1),
    "take": lambda a, b: np.take(a, [2, 0], axis=-1),
    "take flat": lambda a, b: np.take(a, [[7, 0]]),
    "outer of matrices": lambda a, b: np.outer(a, b[0]),
    "tile by name": lambda a, b: np.tile(a, reps=(2, 1)),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_tensor_gives_what_an_array_gives(name):
    x, y = (ag.tensor(v, requires_grad=True) for v in (A, B))
    expected, result = CALLS[name](A, B), CALLS[name](x, y)
    pairs = zip(expected, result, strict=True) if isinstance(expected, (list, tuple)) else [(expected, result)]
    for wanted, got in pairs:
        assert isinstance(got, ag.Tensor)
        assert got.requires_grad == (wanted.dtype.kind in "fc")
        tolerance = 1e-6 if wanted.dtype == "f4" else 1e-12
        np.testing.assert_allclose(got.detach().numpy(), wanted, rtol=tolerance, atol=1e-14)
        assert got.dtype == wanted.dtype


def test_what_is_no_number_is_broadcast_by_numpy():
    x, nothing = np.broadcast_arrays(ag.ones(2), None)  # as in Matplotlib's bar()
    assert (x.tolist(), nothing.tolist()) == ([1, 1], [None, None])


def test_an_uneven_split_is_refused_as_by_numpy():
    with pytest.raises(ValueError, match="3 elements do not divide into 2 equal parts"):
        np.split(ag.tensor(A), 2)


@pytest.mark.parametrize("function", [np.mean, np.std, np.var, np.median, np.nanmean, lambda x: np.quantile(x, 0.25)])
def test_numpy_takes_means_of_integers(function):
    y = function(ag.tensor([True, False, True, True]))
    assert y.dtype == ag.float32
    assert y.item() == pytest.approx(function(np.array([True, False, True, True], float)))


OF_INTEGERS = {"norm": np.linalg.norm, "inv": np.linalg.inv, "gradient": lambda x: np.gradient(x, axis=0),
               "power": lambda x: np.linalg.matrix_power(x, -2)}  # fmt: skip


@pytest.mark.parametrize("function", OF_INTEGERS.values(), ids=OF_INTEGERS)
@pytest.mark.parametrize("dtype", ["int64", "uint8"])
def test_functions_of_integers_give_what_numpy_gives(function, dtype):
    x = np.array([[2, 1], [1, 3]], dtype)
    np.testing.assert_allclose(function(ag.tensor(x)).numpy(), function(x), rtol=1e-6)


def test_one_option_by_two_names_is_refused_as_by_numpy():
    with pytest.raises(ValueError, match="ddof and correction"):
        np.std(ag.tensor(A), ddof=1, correction=0)


@pytest.mark.parametrize("dtype", [np.longdouble, np.clongdouble])
def test_long_doubles_are_numbers(dtype):
    x, two = ag.tensor(A), dtype(2)
    for y in (x * two, two * x, np.multiply(two, x), ag.multiply(two, x)):
        assert y.dtype == np.result_type(x.dtype, np.complex64 if dtype is np.clongdouble else x.dtype)
        np.testing.assert_array_equal(y.numpy(), 2 * A)
    assert ag.add(two, two).dtype == (ag.complex64 if dtype is np.clongdouble else ag.float32)
    with pytest.raises(TypeError, match="not <U1"):
        x * np.str_("2")


def test_a_function_writes_into_a_tensor():
    x, y = ag.tensor(A), ag.empty(3, 3, dtype="float64")
    assert np.clip(x, 0, 1, out=y) is y
    np.testing.assert_array_equal(y.numpy(), np.clip(A, 0, 1))


def test_a_ufunc_writes_into_a_tensor():
    x, y = ag.tensor(A), ag.empty(3, 3, dtype="float64")
    assert np.add(x, B, out=y) is y
    np.testing.assert_array_equal(y.numpy(), A + B)


def test_an_array_takes_values_but_no_gradient():
    total = A.copy()
    total += ag.tensor(B)
    np.testing.assert_array_equal(total, A + B)
    with pytest.raises(RuntimeError, match="requires a gradient"):
        total += ag.tensor(B, requires_grad=True)


def test_a_ufunc_that_shares_only_its_name_is_left_to_numpy():
    np.testing.assert_array_equal(special.kl_div(ag.tensor(abs(A)), 1.0), special.kl_div(abs(A), 1.0))
    with pytest.raises(TypeError, match="kl_div has no counterpart"):
        special.kl_div(ag.tensor(A, requires_grad=True), 1.0)


OPTIONS = {
    "sum of some": lambda a: np.sum(a, axis=0, where=A > 0),
    "mean of some": lambda a: np.mean(a, where=A > 0),
    "max from a start": lambda a: np.max(a, initial=2.0),
    "add.reduce of some": lambda a: np.add.reduce(a, where=A > 0),
    "median of two axes": lambda a: np.median(a, axis=(0, 1)),
    "padding with means": lambda a: np.pad(a, 1, "mean"),
    "padding with two values": lambda a: np.pad(a, 1, constant_values=(1, 2)),
    "quantile by a step function": lambda a: np.quantile(a, 0.4, method="inverted_cdf"),
    "reshape by columns": lambda a: np.reshape(a, (9,), order="F"),
    "take around": lambda a: np.take(a, [4], axis=1, mode="wrap"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_without_a_counterpart_is_left_to_numpy(name):
    np.testing.assert_allclose(OPTIONS[name](ag.tensor(A)), OPTIONS[name](A), rtol=1e-12)
    with pytest.raises((TypeError, NotImplementedError)):
        OPTIONS[name](ag.tensor(A, requires_grad=True))


def test_a_ufunc_takes_a_mask_that_is_a_tensor():
    total = np.add(A, B, out=np.zeros((3, 3)), where=ag.tensor(A > 0))
    np.testing.assert_array_equal(total, np.where(A > 0, A + B, 0))


class Foreign:
    """An array of another library, such as JAX, of which NumPy knows only how to convert it."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


@pytest.mark.parametrize(
    "function",
    [np.add, np.maximum, np.matmul, np.dot, np.kron, np.linalg.solve, np.allclose, np.isclose, np.array_equal],
    ids=lambda function: function.__name__,
)
def test_arrays_of_other_libraries_are_operands(function):
    for other in (A, B):
        expected = function(A, other), function(other, A)
        found = function(ag.tensor(A), Foreign(other)), function(Foreign(other), ag.tensor(A))
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("asked", [{}, {"return_index": True, "return_counts": True}, {"equal_nan": False}])
def test_distinct_numbers_are_those_of_numpy(asked):
    x = np.array([2, np.nan, 1, np.nan, 2])
    expected, found = np.unique(x, **asked), np.unique(ag.tensor(x), **asked)
    for wanted, got in zip(expected, found, strict=True) if isinstance(expected, tuple) else [(expected, found)]:
        np.testing.assert_array_equal(got.numpy(), wanted)


SPELLINGS = {
    "expand_dims": lambda lib, a: lib.expand_dims(a, axis=1),
    "permute_dims": lambda lib, a: lib.permute_dims(a, axes=(1, 0)),
    "take_along_axis": lambda lib, a: lib.take_along_axis(a, a.argmax(axis=1, keepdims=True), axis=1),
    "flip": lambda lib, a: lib.flip(a, axis=0),
    "roll": lambda lib, a: lib.roll(a, 1, axis=1),
    "tensordot": lambda lib, a: lib.tensordot(a, a, axes=1),
    "fftn": lambda lib, a: lib.fft.fftn(a, axes=(0,)),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_our_own_functions_take_numpy_spellings(name):
    np.testing.assert_allclose(SPELLINGS[name](ag, ag.tensor(A)).numpy(), SPELLINGS[name](np, A))
