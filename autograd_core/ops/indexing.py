"""Elements by position: indexing, gathering, and their transposes, which add."""

from typing import Any

import numpy as np

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import INDEXING
from autograd_core.ops import axes
from autograd_core.registry import Interval, booleans, composition, integers, op, sample
from autograd_core.tensor import Tensor

REAL = Interval(-2, 2)
INDICES = (
    sample((4, 3), index=1),
    sample((0, 3), index=slice(1, None)),
    sample((4, 3), index=(slice(None, None, -2), slice(1, None))),
    sample((5,), index=[0, 0, 3]),
    sample((4, 3), index=(Ellipsis, None, -1)),
    sample((3, 4), index=([0, 2, 0], [1, 1, 1])),
    sample((2, 2), index=np.array([[True, False], [True, True]])),
    sample((3, 2, 4), index=([1, 0], slice(None), [3, 3])),
)


@op(
    INDEXING,
    symbol="[ ]",
    domain=REAL,
    samples=INDICES,
    view=True,
    method=False,
    reference=lambda x, index: np.asarray(x)[index],
    vjp=lambda xp, g, x_shape, index: xp.place(g, index=index, shape=x_shape),
)
def getitem(xp, x, *, index):
    """The elements at `index`: integers, slices (negative steps too), None, Ellipsis, integer or boolean arrays."""
    y = x[index]
    if hasattr(y, "__setitem__"):
        return y
    # NumPy gives a copy of a single element; as an array of no axes it is a view.
    return x[(*index, ...) if index.__class__ is tuple else (index, ...)]


def _place_reference(x, index, shape):
    out = np.zeros(shape)
    np.add.at(out, index, x)
    return out


@op(
    INDEXING,
    symbol="[ ]=",
    domain=REAL,
    method=False,
    reference=_place_reference,
    samples=(
        sample((3,), index=1, shape=(4, 3)),
        sample((2,), index=slice(None, None, -2), shape=(4,)),
        sample((0, 3), index=slice(0), shape=(4, 3)),
        sample((3,), index=[0, 0, 3], shape=(5,)),
        sample((2, 1), index=np.array([True, False, True]), shape=(3, 1)),
    ),
    vjp=lambda xp, g, index: g[index],
)
def place(xp, x, *, index, shape):
    """Zeros of `shape` to which `input` is added at `index`: the transpose of indexing."""
    return xp.kernels.add_at(shape, x.dtype, index, x)


def _grid(xp, index, dim):
    """The index expression that picks along `dim` and keeps every other position."""
    n = index.ndim
    return tuple(index if i == dim else xp.arange(k).reshape([-1 if j == i else 1 for j in range(n)])
                 for i, k in enumerate(index.shape))  # fmt: skip


def _gather_reference(x, index, dim):
    out = np.empty(index.shape)
    for at in np.ndindex(index.shape):
        out[at] = x[(*at[:dim], index[at], *at[dim + 1 :])]
    return out


@op(INDEXING, symbol="gather", domain=REAL, signature=("x", "dim", "index"), reference=_gather_reference,
    samples=(sample((3, 4), integers((2, 4), 0, 3), dim=0), sample((2, 3), integers((2, 5), 0, 3), dim=1),
             sample((3, 4), integers((0, 4), 0, 3), dim=0)),
    vjp=(lambda xp, g, x_shape, index, dim: xp.spread(g, index, dim=dim, shape=x_shape), None))  # fmt: skip
def gather(xp, x, index, *, dim):
    """Elements picked along `dim` by an integer tensor: y[i, j] = x[index[i, j], j] for dim = 0."""
    if not x.ndim:
        return x.reshape(1)[index]
    _check_index(x.shape, index, dim, "gather")
    return x[_grid(xp, index, axes.one(dim, x.ndim))]


def _check_index(shape, index, dim, name):
    if index.ndim != len(shape):
        raise OperandError(f"{name}(): index has {index.ndim} axes but the tensor {len(shape)}; they must be as many")
    if index.dtype.kind not in "iu":
        raise OperandError(f"{name}(): index must hold integers, not {index.dtype}")
    at = axes.one(dim, len(shape))
    if any(k > n for i, (k, n) in enumerate(zip(index.shape, shape, strict=True)) if i != at):
        raise OperandError(f"{name}(): index of shape {index.shape} reaches beyond a tensor of shape {tuple(shape)}")


def _spread_reference(x, index, dim, shape):
    out = np.zeros(shape)
    for at in np.ndindex(index.shape):
        out[(*at[:dim], index[at], *at[dim + 1 :])] += x[at]
    return out


@op(
    INDEXING,
    symbol="spread",
    domain=REAL,
    method=False,
    reference=_spread_reference,
    samples=(
        sample((2, 4), integers((2, 4), 0, 3), dim=0, shape=(3, 4)),
        sample((2, 5), integers((2, 5), 0, 3), dim=1, shape=(2, 3)),
        sample((0, 4), integers((0, 4), 0, 3), dim=0, shape=(3, 4)),
    ),
    vjp=(lambda xp, g, index, dim: xp.gather(g, index=index, dim=dim), None),
)
def spread(xp, x, index, *, dim, shape):
    """Zeros of `shape` to which elements are added along `dim` at `index`: the transpose of `gather`."""
    if not shape:
        return x.sum().reshape(())
    return xp.kernels.add_at(shape, x.dtype, _grid(xp, index, axes.one(dim, len(shape))), x)


@composition(
    INDEXING,
    domain=REAL,
    reference=lambda x, dim, index, src: x + _spread_reference(src, index, dim, x.shape),
    samples=(
        sample((3, 4), 0, integers((2, 4), 0, 3), (2, 4)),
        sample((2, 3), 1, integers((2, 2), 0, 3), (2, 2)),
        sample((2, 3), 1, integers((0, 2), 0, 3), (2, 2)),
    ),
)
def scatter_add(input, dim, index, src):
    """`input` with the elements of `src` added along `dim` at `index`; repeated indices add up."""
    _check_index(input.shape, index, dim, "scatter_add")
    if any(k > s for k, s in zip(index.shape, src.shape, strict=True)):
        raise OperandError(f"scatter_add(): index of shape {index.shape} reaches beyond src of shape {src.shape}")
    if index.shape != src.shape:
        src = src[tuple(slice(k) for k in index.shape)]
    return input + spread(src, index, dim=dim, shape=input.shape)


@composition(
    INDEXING,
    domain=REAL,
    reference=lambda x, dim, index: np.take(x, index, dim),
    samples=(
        sample((3, 4), 0, integers((5,), 0, 3)),
        sample((2, 3), -1, integers((2,), 0, 3)),
        sample((2, 3), 0, integers((0,), 0, 2)),
    ),
)
def index_select(input, dim, index):
    """The slices of `input` along `dim` at the positions in a vector of integers."""
    if index.ndim > 1:
        raise IndexError(f"index_select(): index must be a vector, not of shape {index.shape}")
    if index.dtype.kind not in "iu":
        raise OperandError(f"index_select(): index must hold integers, not {index.dtype}")
    return _item(input, (*(slice(None),) * axes.one(dim, input.ndim), functional.ravel(index)))


@composition(INDEXING, domain=REAL, reference=lambda x, index, dim=None: np.take_along_axis(x, index, axis=dim),
             samples=(sample((3, 4), integers((1, 4), 0, 3), 0), sample((2, 3), integers((2, 2), 0, 3), dim=1),
                      sample((2, 3), integers((4,), 0, 6)), sample((2, 0), integers((1, 0), 0, 2), dim=0)))  # fmt: skip
def take_along_dim(input, indices, dim=None):
    """Elements picked along `dim`, where the other axes broadcast; without `dim`, from the flattened tensor."""
    if dim is None:
        return gather(functional.ravel(input), 0, functional.ravel(indices))
    if input.ndim != indices.ndim:
        raise OperandError(f"take_along_dim(): input of shape {input.shape} and indices of shape {indices.shape} must "
                           "have as many axes")  # fmt: skip
    at = axes.one(dim, input.ndim)
    shape = [max(a, b) if i != at else None for i, (a, b) in enumerate(zip(input.shape, indices.shape, strict=True))]
    source = functional.expand(input, tuple(input.shape[i] if k is None else k for i, k in enumerate(shape)))
    return gather(
        source, at, functional.expand(indices, tuple(indices.shape[i] if k is None else k for i, k in enumerate(shape)))
    )


@composition(
    INDEXING,
    domain=REAL,
    samples=(
        sample((4, 3), 0, 1, 2),
        sample((2, 3), -1, start=-2, length=2),
        sample((2, 3), 0, 2, 0),
        sample((0, 3), 0, 0, 0),
    ),
    reference=lambda x, dim, start, length: np.take(x, np.arange(length) + start % max(x.shape[dim], 1), dim),
)
def narrow(input, dim, start, length):
    """The slice from `start` of `length` along `dim`; a view."""
    n, at = axes.length(input, dim, "narrow"), axes.one(dim, input.ndim)
    start = int(start)
    if not -n <= start <= n:
        raise IndexError(f"narrow(): start {start} is out of range for an axis of length {n}")
    start = start + n if start < 0 else start
    if not 0 <= length <= n - start:
        raise OperandError(f"narrow(): {length} elements from {start} do not fit an axis of length {n}")
    return _item(input, (*(slice(None),) * at, slice(start, start + length)))


@composition(
    INDEXING,
    domain=REAL,
    samples=(sample(integers((3, 4), -1, 2)), sample(booleans((5,)), as_tuple=True), sample((0, 3))),
    reference=lambda x, as_tuple=False: np.nonzero(x) if as_tuple else np.argwhere(x),
)
def nonzero(input, as_tuple=False):
    """The positions of the elements that are not zero: a matrix with one row each, or a tuple of vectors."""
    array = input.array if input.ndim else input.array.reshape(1)
    found = [functional.as_tensor(v) for v in array.nonzero()]
    return tuple(found) if as_tuple else functional.stack(found, dim=-1)[:, : input.ndim]


@composition(
    INDEXING,
    domain=REAL,
    samples=(sample((2, 3), booleans((2, 3))), sample((2, 1), booleans((3,))), sample((0, 3), booleans((3,)))),
    reference=lambda x, mask: np.extract(*np.broadcast_arrays(mask, x)),
)
def masked_select(input, mask):
    """The elements where `mask` holds, in a vector."""
    if mask.dtype.kind != "b":
        raise OperandError(f"masked_select(): mask must hold booleans, not {mask.dtype}")
    try:
        shape = np.broadcast_shapes(input.shape, mask.shape)
    except ValueError as e:
        raise OperandError(f"masked_select(): {e}") from None
    return _item(functional.expand(input, shape), functional.expand(mask, shape))


@composition(INDEXING, domain=REAL, reference=lambda x, mask, value: np.where(mask, value, x),
             samples=(sample((2, 3), booleans((3,)), 1.5), sample((0, 3), booleans((3,)), -1.0)))  # fmt: skip
def masked_fill(input, mask, value):
    """`input` with `value`, in its dtype, where `mask` holds."""
    filled = functional.where(mask, value, input)
    return filled if filled.dtype == input.dtype else functional.astype(filled, input.dtype)


def plain_index(index: Any, like: Tensor) -> Any:
    """An index expression as the array library takes it: tensors and lists become arrays."""
    if index.__class__ is tuple:
        return tuple([_plain_item(i, like) for i in index])
    return _plain_item(index, like)


def _plain_item(i, like):
    if i.__class__ is int or i.__class__ is slice or i is None or i is Ellipsis:
        return i
    i = i.array if hasattr(i, "array") else i
    if isinstance(i, (list, np.ndarray)):
        i = functional.as_tensor(i, device=like.device).array
    if getattr(i, "dtype", None) is not None and i.dtype.kind not in "biu":
        if getattr(i, "size", 1):
            raise IndexError(f"tensors used as indices must hold integers or booleans, not {i.dtype}")
        i = i.astype(np.int64)
    return i


def steps(index: Any) -> tuple[Any, ...]:
    """The index expression as one step, or as two where PyTorch's meaning differs from NumPy's.

    An integer apart from index arrays, as in x[0, :, [1, 2]], counts as an array to NumPy, which then moves their axes
    to the front; to PyTorch it picks first.
    """
    if index.__class__ is not tuple or not any(getattr(i, "ndim", 0) for i in index):
        return (index,)
    index = [int(i) if getattr(i, "ndim", 1) == 0 and i.dtype.kind in "iu" else i for i in index]
    picks = [k for k, i in enumerate(index) if i.__class__ is int]
    chosen = sorted(picks + [k for k, i in enumerate(index) if hasattr(i, "ndim")])
    if not picks or chosen[-1] - chosen[0] < len(chosen):
        return (tuple(index),)
    first = [(slice(None),) * _axes_taken(i) if hasattr(i, "ndim") else (i,) for i in index]
    second = [i if hasattr(i, "ndim") or i is Ellipsis else slice(None) for i in index if i.__class__ is not int]
    return tuple(i for part in first for i in part), tuple(second)


def _axes_taken(array):
    return array.ndim if array.dtype.kind == "b" else 1


def _item(x, index):
    y = x
    try:
        for step in steps(plain_index(index, x)):
            y = getitem(y, index=step)
        return y
    except IndexError as e:
        raise IndexError(f"{e} [tensor of shape {x.shape}, index {index!r}]") from None


def install(tensor_type):
    """Indexing with brackets."""
    tensor_type.__getitem__ = _item
