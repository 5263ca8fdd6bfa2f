"""Indexing and gathering, and their transposes, which accumulate."""

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.engine.applying import apply
from autograd_core.engine.libraries import VMAP
from autograd_core.engine.overriding import overridden
from autograd_core.errors import OperandError, PositionError
from autograd_core.kinds import INDEXING
from autograd_core.ops import axes
from autograd_core.registry import OPS, booleans, composition, integers, op, sample
from autograd_core.semantics.subscripts import holds_batches, is_basic, plain_index, steps
from autograd_core.tensor import Tensor
from backends.generic.indexing import grid

INDICES = (
    sample((4, 3), index=1),
    sample((2, 3), index=()),
    sample((0, 3), index=slice(1, None)),
    sample((4, 3), index=(slice(None, None, -2), slice(1, None))),
    sample((5,), index=[0, 0, 3]),
    sample((4, 3), index=(Ellipsis, None, -1)),
    sample((3, 4), index=([0, 2, 0], [1, 1, 1])),
    sample((2, 2), index=np.array([[True, False], [True, True]])),
    sample((3, 2, 4), index=([1, 0], slice(None), [3, 3])),
)


@op(INDEXING, symbol="[ ]", view=True, method=False, samples=INDICES, reference=lambda x, index: np.asarray(x)[index],
    vjp=lambda xp, g, x_shape, index: xp.place(g, index=index, shape=x_shape))
def getitem(xp, x, *, index):
    """The elements at `index`: integers, slices (negative steps too), None, Ellipsis, integer or boolean arrays."""
    y = x[index] if is_basic(index) else _taken(xp, x, index)
    if hasattr(y, "__setitem__"):
        return y
    # NumPy copies a single element; as a 0-d array it is a view.
    return x[(*index, ...) if index.__class__ is tuple else (index, ...)]


GETITEM = OPS["getitem"]


def _taken(xp, x, index):
    parts = index if index.__class__ is tuple else (index,)
    return xp.kernels.take_at(x, index) if any(hasattr(i, "ndim") for i in parts) else x[index]


def _slow_place(x, index, shape):
    out = np.zeros(shape)
    np.add.at(out, index, x)
    return out


@op(INDEXING, symbol="[ ]=", method=False, reference=_slow_place,
    samples=(sample((3,), index=1, shape=(4, 3)),
             sample((2,), index=slice(None, None, -2), shape=(4,)),
             sample((0, 3), index=slice(0), shape=(4, 3)),
             sample((3,), index=[0, 0, 3], shape=(5,)),
             sample((2, 1), index=np.array([True, False, True]), shape=(3, 1))),
    vjp=lambda xp, g, index: g[index])
def place(xp, x, *, index, shape):
    """Zeros of `shape` to which `input` is added at `index`: the transpose of indexing."""
    return xp.kernels.add_at(shape, x.dtype, index, x)


def _slow_gather(x, index, dim):
    out = np.empty(index.shape)
    for at in np.ndindex(index.shape):
        out[at] = x[(*at[:dim], index[at], *at[dim + 1 :])] if x.ndim else x
    return out


def _dense(call):
    """Accepts PyTorch's `sparse_grad`, without effect: gradients are dense."""

    def gather(input, dim, index, *, sparse_grad=False):
        return call(input, dim, index)

    return gather


@op(INDEXING, symbol="gather", form=_dense, signature=("x", "dim", "index"), reference=_slow_gather,
    samples=(sample((3, 4), integers((2, 4), 0, 3), dim=0), sample((2, 3), integers((2, 5), 0, 3), dim=1),
             sample((3, 4), integers((0, 4), 0, 3), dim=0), sample((), integers((1,), 0, 1), dim=0)),
    vjp=(lambda xp, g, x_shape, index, dim: xp.spread(g, index, dim=dim, shape=x_shape), None))
def gather(xp, x, index, *, dim):
    """Elements picked along `dim` by an integer tensor: y[i, j] = x[index[i, j], j] for dim = 0."""
    at = axes.one(dim, x.ndim)
    if not index.size:
        return xp.zeros(index.shape, x.dtype)
    check_index(x.shape or (1,), index if index.ndim else index.reshape(1), at, "gather")
    try:
        return xp.kernels.take_at(x, grid(xp, index, at)) if x.ndim and index.ndim else x.reshape(-1)[index]
    except IndexError as e:
        raise PositionError(f"gather(): {e}") from None


def check_index(shape, index, dim, name):
    """Raise unless an index fits a shape for picking along `dim`."""
    if index.ndim != len(shape):
        raise OperandError(f"{name}(): index has {index.ndim} axes but the tensor {len(shape)}; use the same number")
    if index.dtype.kind not in dtypes.INTEGERS:
        raise OperandError(f"{name}(): index must hold integers, not {index.dtype}")
    for i, k in enumerate(index.shape):
        if k > shape[i] and i != dim:
            raise OperandError(
                f"{name}(): index of shape {index.shape} reaches beyond a tensor of shape {tuple(shape)}"
            )


def _slow_spread(x, index, dim, shape):
    out = np.zeros(shape)
    for at in np.ndindex(index.shape):
        out[(*at[:dim], index[at], *at[dim + 1 :])] += x[at]
    return out


@op(INDEXING, symbol="spread", method=False, reference=_slow_spread,
    samples=(sample((2, 4), integers((2, 4), 0, 3), dim=0, shape=(3, 4)),
             sample((2, 5), integers((2, 5), 0, 3), dim=1, shape=(2, 3)),
             sample((0, 4), integers((0, 4), 0, 3), dim=0, shape=(3, 4))),
    vjp=(lambda xp, g, index, dim: xp.gather(g, index=index, dim=dim), None))
def spread(xp, x, index, *, dim, shape):
    """Zeros of `shape` to which elements are added along `dim` at `index`: the transpose of `gather`."""
    if not shape:
        return x.sum().reshape(())
    if not index.size:
        return xp.zeros(shape, x.dtype)
    x, index = (a if a.ndim else a.reshape(1) for a in (x, index))
    try:
        return xp.kernels.add_at(shape, x.dtype, grid(xp, index, axes.one(dim, len(shape))), x)
    except IndexError as e:
        raise PositionError(f"an index for adding along axis {dim} of {tuple(shape)}: {e}") from None


@composition(INDEXING, reference=lambda x, dim, index: np.take(x, index, dim) if x.ndim else x,
             samples=(sample((3, 4), 0, integers((5,), 0, 3)),
                      sample((2, 3), -1, integers((2,), 0, 3)),
                      sample((2, 3), 0, integers((0,), 0, 2)),
                      sample((), 0, integers((1,), 0, 1))))
def index_select(input, dim, index):
    """The slices of `input` along `dim` at the positions in a vector of integers."""
    at = axes.one(dim, input.ndim)
    if index.ndim > 1:
        raise IndexError(f"index_select(): index must be a vector, not of shape {index.shape}")
    if index.dtype.kind not in dtypes.INTEGERS:
        raise OperandError(f"index_select(): index must hold integers, not {index.dtype}")
    index = index if index.ndim else functional.reshape(index, (1,))
    if input.ndim:
        return _item(input, (*(slice(None),) * at, index))
    if index.shape != (1,):
        raise IndexError(f"index_select(): only one position can be taken from a 0-d tensor, not {index.shape[0]}")
    return _item(functional.reshape(input, (1,)), (index,)).reshape(())


@composition(INDEXING,
             samples=(sample((3, 4), integers((2, 2), -12, 12)),
                      sample((3,), integers((), 0, 3)),
                      sample((2, 3), integers((0,), 0, 6))),
             reference=np.take)
def take(input, index):
    """The elements at positions in the flattened tensor, in the shape of `index`; negative ones count from the end."""
    if index.dtype.kind not in dtypes.INTEGERS:
        raise OperandError(f"take(): index must hold integers, not {index.dtype}")
    picked = _item(functional.ravel(input), (functional.ravel(index),))
    return functional.reshape(picked, index.shape)


@composition(INDEXING, reference=lambda x, index, dim=None: np.take_along_axis(x, index, axis=dim),
             aliases=("take_along_axis",),
             samples=(sample((3, 4), integers((1, 4), 0, 3), 0), sample((2, 3), integers((2, 2), 0, 3), dim=1),
                      sample((2, 3), integers((4,), 0, 6)), sample((2, 0), integers((1, 1), 0, 2), dim=0)))
def take_along_dim(input, indices, dim=None):
    """Elements picked along `dim`, with the other axes broadcast; without `dim`, from the flattened tensor."""
    if dim is None:
        return gather(functional.ravel(input), 0, functional.ravel(indices))
    if input.ndim != indices.ndim:
        raise OperandError(f"take_along_dim(): input of shape {input.shape} and indices of shape {indices.shape} must "
                           "have as many axes")
    at = axes.one(dim, input.ndim)
    x, i = tuple(input.shape), tuple(indices.shape)
    if (x[:at], x[at + 1:]) != (i[:at], i[at + 1:]):
        others = functional.broadcast_shapes(x[:at] + (1,) + x[at + 1:], i[:at] + (1,) + i[at + 1:])
        input, indices = [functional.expand(v, others[:at] + (v.shape[at],) + others[at + 1:])
                          for v in (input, indices)]
    return gather(input, at, indices)


@composition(INDEXING,
             samples=(sample((2, 3), booleans((2, 3))), sample((2, 1), booleans((3,))), sample((0, 3), booleans((3,)))),
             reference=lambda x, mask: np.extract(*np.broadcast_arrays(mask, x)))
def masked_select(input, mask):
    """The elements where `mask` holds, in a vector."""
    if mask.dtype.kind != "b":
        raise OperandError(f"masked_select(): mask must hold booleans, not {mask.dtype}")
    return _item(*masked(input, mask, "masked_select"))


def masked(input, mask, name):
    """A tensor and a mask expanded to one shape."""
    try:
        shape = np.broadcast_shapes(input.shape, mask.shape)
    except ValueError as e:
        raise OperandError(f"{name}(): {e}") from None
    return functional.expand(input, shape), functional.expand(mask, shape)


def _item(x, index):
    try:
        if is_basic(index):
            return apply(GETITEM, (x,), {"index": index})
        plain = plain_index(index, x)
        y, plain = VMAP.resolved(x, plain) if holds_batches(plain) else (x, plain)
        parts = steps(plain, y.ndim)
        for part in parts:
            y = apply(GETITEM, (y,), {"index": part})
        return y
    except IndexError as e:
        if (answer := overridden(Tensor.__getitem__, (x, index), {})) is not NotImplemented:
            return answer
        raise IndexError(f"{e} [tensor of shape {x.shape}, index {index!r}]") from None


def install(tensor_type):
    """Indexing with brackets."""
    _item.__name__ = "__getitem__"
    tensor_type.__getitem__ = _item
