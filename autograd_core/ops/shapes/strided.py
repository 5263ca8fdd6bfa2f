"""Views given by their strides over the whole storage of a tensor, and their transpose.

A geometry is (shape, strides, offset), the latter two in elements. Where elements of the source share a place, its
value counts as their mean, so a gradient is divided among them, as in PyTorch.
"""

import operator

import numpy as np

from autograd_core import functional
from autograd_core.engine.versions import View, address, storage
from autograd_core.errors import OperandError
from autograd_core.kinds import SHAPE
from autograd_core.registry import OPS, composition, op, sample
from autograd_core.tensor import own_scalar
from backends.strides import may_overlap


def _in_order(array):
    """The array with its axes in the order of its memory, which is C-contiguous if there are no gaps."""
    return array.transpose(sorted(range(array.ndim), key=lambda axis: -array.strides[axis]))


def _is_dense(array):
    return _in_order(array).flags.c_contiguous


def geometry(array):
    """The geometry of an array in its storage, or of its copy if the storage has gaps."""
    root, shape, width = storage(array), array.shape, array.dtype.itemsize
    if not _is_dense(root):
        steps = [1]
        for k in reversed(shape[1:]):
            steps.insert(0, steps[0] * k)
        return shape, _plain(shape, steps), 0
    offset = (address(array) - address(root)) // width
    return shape, _plain(shape, [s // width for s in array.strides]), offset


def _plain(shape, strides):
    """The strides, with 0 where they have no effect."""
    return tuple([s if k > 1 else 0 for k, s in zip(shape, strides, strict=False)])


def _extent(shape, strides, offset):
    """The storage length that a geometry needs."""
    return offset + sum(s * (k - 1) for k, s in zip(shape, strides, strict=True)) + 1 if 0 not in shape else 0


def _at(xp, memory, shape, strides, offset):
    """The view of a vector that a geometry describes."""
    width = memory.dtype.itemsize
    return xp.lib.stride_tricks.as_strided(memory[offset:], shape, tuple([s * width for s in strides]))


def _laid(xp, x, where, length):
    """A vector of zeros to which `x` is added at the places of a geometry."""
    memory = xp.zeros(length, x.dtype)
    if may_overlap(*where[:2]):
        xp.add.at(memory, _at(xp, xp.arange(length), *where).reshape(-1), x.reshape(-1))
    else:
        _at(xp, memory, *where)[...] = x
    return memory


def _averaged(xp, memory, where):
    """The vector divided by the number of elements of a geometry at each place."""
    if not may_overlap(*where[:2]):
        return memory
    return memory / xp.maximum(_laid(xp, xp.ones(where[0], memory.dtype), where, memory.shape[0]), 1)


def laid_out(xp, x, old, new=((0,), (0,), 0)):
    """A copy of `x` in the geometry `old`, in a storage large enough for `new` too."""
    length = max(_extent(*old), _extent(*new))
    return _at(xp, _averaged(xp, _laid(xp, x, old, length), old), *old)


def _slow_restride(x, old, new):
    places = np.lib.stride_tricks.as_strided(np.arange(20)[old[2] :], old[0], [8 * s for s in old[1]]).ravel()
    memory = {int(p): float(np.mean(x.ravel()[places == p])) for p in places}
    taken = np.lib.stride_tricks.as_strided(np.arange(20)[new[2] :], new[0], [8 * s for s in new[1]])
    return np.array([memory.get(int(p), 0.0) for p in taken.ravel()]).reshape(new[0])


def _slow_unstride(x, old, new):
    matrix = [_slow_restride(e.reshape(old[0]), old, new).ravel() for e in np.eye(int(np.prod(old[0])))]
    return (np.array(matrix).reshape(len(matrix), x.size) @ x.ravel()).reshape(old[0])


WHOLE = ((2, 3), (3, 1), 0)
OVERLAPPING = ((3, 2), (1, 1), 1)
STRETCHED = ((2, 3), (0, 1), 0)


@op(SHAPE, symbol="strides", view=True, method=False,
    samples=(sample((2, 3), old=WHOLE, new=((2, 2), (2, 1), 1)),
             sample((2, 3), old=WHOLE, new=OVERLAPPING),
             sample((2, 3), old=((2, 3), (1, 2), 0), new=((4,), (1,), 2)),
             sample((2, 0), old=((2, 0), (0, 0), 0), new=((0,), (1,), 0))),
    reference=_slow_restride, vjp=lambda xp, g, old, new: xp.unstride(g, old=old, new=new))
def restride(xp, x, *, old, new):
    """The view with the geometry `new` of the storage in which `input` has the geometry `old`, if it has it."""
    x = x if hasattr(x, "__setitem__") else xp.asarray(x)
    root = storage(x)
    if not _is_dense(root) or geometry(x) != old:
        x = laid_out(xp, x, old, new)
        root = storage(x)
    memory = _in_order(root).reshape(-1).view(x.dtype)
    if _extent(*new) > memory.shape[0]:
        raise OperandError(
            f"as_strided(): size {new[0]}, strides {new[1]} and offset {new[2]} reach beyond a storage of "
            f"{memory.shape[0]} elements"
        )
    return _at(xp, memory, *new)


@op(SHAPE, symbol="stridesᵀ", method=False, wide=True,
    samples=(sample((2, 2), old=WHOLE, new=((2, 2), (2, 1), 1)),
             sample((3, 2), old=WHOLE, new=OVERLAPPING),
             sample((3, 2), old=STRETCHED, new=OVERLAPPING),
             sample((0,), old=WHOLE, new=((0,), (1,), 0))),
    reference=_slow_unstride, vjp=lambda xp, g, old, new: xp.restride(g, old=old, new=new))
def unstride(xp, x, *, old, new):
    """The transpose of `restride`: each element is added to the source elements at its place."""
    length = max(_extent(*old), _extent(*new))
    return _at(xp, _averaged(xp, _laid(xp, x, new, length), old), *old).copy()


def _taken(input, size, stride, storage_offset):
    """The geometries of a tensor and of the requested view."""
    own_scalar(input)
    old = geometry(input.array)
    size, stride = (tuple(map(operator.index, v)) for v in (size, stride))
    offset = old[2] if storage_offset is None else operator.index(storage_offset)
    if len(size) != len(stride):
        raise OperandError(f"as_strided(): {len(size)} lengths need as many strides, not {len(stride)}")
    if min((*size, *stride, offset)) < 0:
        raise OperandError(f"as_strided(): size {size}, stride {stride} and offset {offset} must not be negative")
    return old, (size, stride, offset)


@composition(SHAPE, by_memory=True,
             samples=(sample((2, 3), size=(2, 2), stride=(1, 2)),
                      sample((2, 3), size=(3, 2), stride=(1, 1), storage_offset=1),
                      sample((6,), size=(), stride=(), storage_offset=4),
                      sample((2, 0), size=(0,), stride=(1,))),
             reference=lambda x, size, stride, storage_offset=0: np.lib.stride_tricks.as_strided(
                 x.ravel()[storage_offset:], size, [x.itemsize * s for s in stride]))
def as_strided(input, size, stride, storage_offset=None):
    """The view of a tensor's storage with these strides and this offset, in elements."""
    old, new = _taken(input, size, stride, storage_offset)
    alias = getattr(input, "_alias", None)
    if alias.__class__ is not View:
        return restride(input, old=old, new=new)
    whole = geometry(alias.base.array)
    if not _covers(old, new):
        return restride(alias.base, old=whole, new=new)  # the view exceeds the input
    y = restride(input, old=old, new=new)
    y._alias = View(alias.base, ((OPS["restride"], {"old": whole, "new": new}, None),), alias.by)
    return y


def _covers(old, new):
    """Whether a geometry covers only elements of another one."""
    memory = np.arange(max(_extent(*old), _extent(*new)))
    return bool(np.isin(_at(np, memory, *new), _at(np, memory, *old)).all())


def _slow_scatter(x, src, size, stride, storage_offset=0):
    out = x.flatten()
    np.lib.stride_tricks.as_strided(out[storage_offset:], size, [x.itemsize * s for s in stride])[...] = src
    return out.reshape(x.shape)


@composition(SHAPE, by_memory=True,
             samples=(sample((2, 3), (2, 2), size=(2, 2), stride=(1, 2)),
                      sample((6,), (2,), size=(2,), stride=(3,), storage_offset=1),
                      sample((2, 0), (0,), size=(0,), stride=(1,))),
             reference=_slow_scatter)
def as_strided_scatter(input, src, size, stride, storage_offset=None):
    """`input` with the elements that `as_strided` shows replaced by `src`."""
    old, new = _taken(input, size, stride, storage_offset)
    if src.shape != new[0]:
        raise OperandError(f"as_strided_scatter(): src has shape {src.shape}, not {new[0]}; .expand() it first")
    if _extent(*new) > storage(input.array).size:
        raise OperandError(f"as_strided_scatter(): size {size} and stride {stride} reach beyond the storage")
    return functional.put_view(input, src, path=(("restride", (("old", old), ("new", new)), None),))
