"""Embeddings: rows of a table, looked up one by one or in bags."""


import numpy as np

from autograd_core import dtypes, functional, linalg
from autograd_core.engine.libraries import all_below
from autograd_core.engine.versions import record_write
from autograd_core.errors import DtypeError, OperandError, PositionError
from autograd_core.kinds import INDEXING
from autograd_core.registry import NO_GRADIENT, composition, integers, op, sample
from autograd_core.tensor import wrap
from backends.generic.indexing import grid


def _slow_sum_of_rows(x, index, count):
    out = np.zeros((count, x.shape[-1]))
    for at in np.ndindex(index.shape):
        out[index[at]] += x[at]
    return out


def _shared(xp, g, share):
    """Each row's share of its cotangent; a share of 0 gives 0, even if the cotangent is not finite."""
    if share is None:
        return g
    share = xp.reshape(share, shape=(*share.shape, 1))
    return xp.where(share > 0, g * share, 0)


@op(INDEXING, symbol="rows", method=False, reference=lambda x, index, share=None: np.take(x, index, axis=0),
    samples=(sample((4, 3), integers((2, 3), 0, 4), None),
             sample((4, 3), integers((), 0, 4), None),
             sample((4, 3), integers((0,), 0, 4), None),
             sample((4, 0), integers((2,), 0, 4), None)),
    vjp=(lambda xp, g, x_shape, index, share: xp.add_rows(_shared(xp, g, share), index, count=x_shape[0]), None, None))
def take_rows(xp, x, index, share=None):
    """The rows of a matrix at `index`; `share` is the fraction of each row's gradient that is passed back."""
    return xp.take(x, index, axis=0)


@op(INDEXING, symbol="one-hot", method=False, reference=lambda index, count: np.eye(count, dtype=np.int64)[index],
    samples=(sample(integers((2, 3), 0, 4), count=5), sample(integers((), 0, 4), count=4),
             sample(integers((0,), 0, 4), count=4)), vjp=NO_GRADIENT)
def place_ones(xp, index, *, count):
    """Rows of length `count` with a 1 at `index` and 0 elsewhere, in int64."""
    rows = xp.zeros((*index.shape, count), dtypes.int64)
    rows[grid(xp, index[..., None], index.ndim)] = 1
    return rows


@op(INDEXING, symbol="Σ rows", method=False, reference=_slow_sum_of_rows,
    samples=(sample((5, 3), integers((5,), 0, 4), count=4),
             sample((2, 3, 2), integers((2, 3), 0, 4), count=5),
             sample((3,), integers((), 0, 2), count=2),
             sample((0, 3), integers((0,), 0, 4), count=4)),
    vjp=(lambda xp, g, index: xp.take_rows(g, index), None))
def add_rows(xp, x, index, *, count):
    """A matrix of `count` rows: the sums of the rows of `input` with the same `index`."""
    return xp.kernels.add_at((count, x.shape[-1]), x.dtype, index, x)


@op(INDEXING, symbol="Σ w rows", method=False, wide=True,
    reference=lambda x, index, to, factors=None, count=0: _slow_sum_of_rows(
        x[index] * _or_ones(factors, index)[:, None], to, count),
    samples=(sample((5, 3), integers((6,), 0, 5), integers((6,), 0, 4), (6,), count=4),
             sample((5, 3), integers((6,), 0, 5), integers((6,), 0, 4), None, count=5),
             sample((2, 3), integers((0,), 0, 2), integers((0,), 0, 2), None, count=2)),
    vjp=(lambda xp, g, x_shape, index, to, factors: xp.mix_rows(g, to, index, factors, count=x_shape[0]),
         None,
         None,
         lambda xp, g, x, index, to: xp.sum(xp.take_rows(g, to) * xp.take_rows(x, index), dim=-1)))
def mix_rows(xp, x, index, to, factors=None, *, count):
    """A matrix of `count` rows: the rows of `input` at `index`, times `factors`, added at `to`."""
    return xp.kernels.mix_rows(x, index, to, factors, count)


def _checked(input, weight, padding_idx, name):
    """The non-negative index of the padding row, after checking all arguments."""
    if input.dtype.kind not in dtypes.INTEGERS:
        raise DtypeError(f"{name}(): input must hold integers, not {input.dtype}")
    if weight.ndim != 2:
        raise OperandError(f"{name}(): weight must have the shape (rows, width), not {weight.shape}")
    count = weight.shape[0]
    if not all_below(input, count):
        raise PositionError(f"{name}(): indices must lie between 0 and {count - 1}, because weight has {count} rows; "
                            f"found {input.array.min().item()} to {input.array.max().item()}")
    if padding_idx is None:
        return None
    if not -count <= padding_idx < count:
        error = AssertionError if name == "embedding" else OperandError  # as in PyTorch
        raise error(f"{name}(): padding_idx={padding_idx} is not one of the {count} rows of weight")
    return padding_idx % count


def _shrink(weight, input, max_norm, norm_type):
    """Rescale in place the rows that are looked up and longer than `max_norm`."""
    rows, table = input.array.reshape(-1), weight.array
    found = wrap(table)[wrap(rows)]
    norm = linalg.vector_norm(found, norm_type, dim=-1, keepdim=True, dtype="float64")  # where 1e-7 is not rounded away
    table[rows] = functional.where(norm > max_norm, found * (max_norm / (norm + 1e-7)), found).array
    record_write(table)


def _uses(input, weight):
    """The number of look-ups of each row, in the dtype of the weight."""
    ones = functional.ones(input.shape + (1,), dtype="int64", device=input.device)
    return functional.astype(add_rows(ones, input, count=weight.shape[0])[:, 0], weight.dtype)


def _of_rows(weight, sparse):
    """`take_rows` and `mix_rows`; for a leaf, if `sparse`, those with sparse gradients."""
    if not (sparse and weight.is_leaf and weight.requires_grad):
        return take_rows, mix_rows
    from autograd_core.ops.sparse import graph

    return graph.take_rows, graph.mix_rows


def _look_up(input, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse):
    if max_norm is not None:
        _shrink(weight.detach(), input, max_norm, norm_type)
    share = None
    if scale_grad_by_freq:
        share = 1 / _uses(input, weight)[input]
    if padding_idx is not None:
        share = functional.where(input == padding_idx, 0, 1 if share is None else share)
        share = functional.astype(share, weight.dtype)
    take, _ = _of_rows(weight, sparse)
    return take(weight, input, share)


@composition(INDEXING, method=False, reference=lambda index, weight: weight[index],
             samples=(sample(integers((2, 3), 0, 4), (4, 3)),
                      sample(integers((), 0, 4), (4, 3)),
                      sample(integers((0,), 0, 4), (4, 3))))
def embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    """The rows of `weight` at the indices in `input`, in the shape (..., width).

    padding_idx: a row without gradient. max_norm: rows that are looked up and have a larger norm, of order `norm_type`,
    are first rescaled in place. scale_grad_by_freq: a row's gradient is the mean over its uses, not the sum.
    sparse: the gradient of a leaf is a sparse tensor, with the rows that were looked up.
    """
    padding_idx = _checked(input, weight, padding_idx, "embedding")
    return _look_up(input, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)


def _slow_bags(
    index, weight, offsets=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, mode="mean", sparse=False,
    per_sample_weights=None, include_last_offset=False, padding_idx=None
):
    if offsets is None:
        bags = [
            list(zip(row, k, strict=True)) for row, k in zip(index, _or_ones(per_sample_weights, index), strict=True)
        ]
    else:
        ends = offsets[1:] if include_last_offset else np.append(offsets, len(index))[1:]
        pairs = list(zip(index, _or_ones(per_sample_weights, index), strict=True))
        bags = [pairs[a:b] for a, b in zip(offsets, ends, strict=False)]
    out = np.zeros((len(bags), weight.shape[1]))
    for i, bag in enumerate(bags):
        rows = [weight[j] * k for j, k in bag if j != padding_idx]
        if rows:
            out[i] = getattr(np, mode)(rows, axis=0)
    return out


def _or_ones(weights, index):
    return np.ones(index.shape) if weights is None else weights


@composition(INDEXING, method=False, reference=_slow_bags,
             samples=(sample(integers((5,), 0, 4), (4, 3), np.array([0, 2, 2])),
                      sample(integers((2, 3), 0, 4), (4, 3), mode="max"),
                      sample(integers((2, 3), 0, 4), (4, 2), None, None, 2.0, False, "sum", False, (2, 3)),
                      sample(integers((5,), 0, 4), (4, 2), np.array([0, 3, 5]), mode="max", include_last_offset=True),
                      sample(integers((0,), 0, 4), (4, 3), np.array([0, 0])),
                      sample(integers((2, 0), 0, 4), (4, 3))))
def embedding_bag(
    input, weight, offsets=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, mode="mean", sparse=False,
    per_sample_weights=None, include_last_offset=False, padding_idx=None
):
    """The sum, mean or maximum of the rows of `weight` in each bag of indices; 0 for an empty bag.

    input: one bag per row; or concatenated bags, with `offsets` giving the start of each (and the end of the last, with
    include_last_offset). per_sample_weights: factors of the rows, for sums. Indices equal to `padding_idx` do not
    count. The other parameters are those of `embedding`.
    """
    padding_idx = _checked(input, weight, padding_idx, "embedding_bag")
    offsets, per_sample_weights = (
        v if v is None else functional.as_tensor(v, device=input.device) for v in (offsets, per_sample_weights)
    )
    _check_bags(input, offsets, mode, per_sample_weights, scale_grad_by_freq)
    bounds = _bounds(input, offsets, include_last_offset)
    index = functional.ravel(input)[: bounds[-1]]
    if max_norm is not None:
        _shrink(weight.detach(), index, max_norm, norm_type)
    if mode == "max":
        return _largest(index, bounds, weight, padding_idx)
    if scale_grad_by_freq:
        share = 1 / functional.clamp(_uses(index, weight), min=1)
        weight = take_rows(weight, functional.arange(weight.shape[0], device=input.device), share)
    count = len(bounds) - 1
    lengths = bounds[1:] - bounds[:-1]
    bags = np.repeat(np.arange(count), lengths)
    members, bag = (functional.as_tensor(v, device=input.device) for v in (lengths, bags))
    factors = per_sample_weights
    if factors is not None:
        factors = functional.astype(functional.ravel(factors)[: bounds[-1]], weight.dtype)
    if padding_idx is not None:
        kept = index != padding_idx
        index, bag, factors = index[kept], bag[kept], factors if factors is None else factors[kept]
        members = functional.bincount(bag, minlength=count)
    _, mix = _of_rows(weight, sparse)
    total = mix(weight, index, bag, factors, count=count)
    return total if mode == "sum" else total / functional.clamp(members, min=1).unsqueeze(-1)


def _largest(index, bounds, weight, padding_idx):
    """The maximum of each bag, with the gradient to the first of tied rows."""
    ends = functional.as_tensor(bounds, device=index.device).unsqueeze(-1)
    width = int((bounds[1:] - bounds[:-1]).max(initial=0))
    if not width:
        return add_rows(take_rows(weight, index), index, count=len(bounds) - 1)
    places = ends[:-1] + functional.arange(width, device=index.device)
    rows = index[functional.clamp(places, max=len(index) - 1)]
    counted = places < ends[1:]
    if padding_idx is not None:
        counted = counted & (rows != padding_idx)
    candidates = functional.where(counted.unsqueeze(-1), weight.detach()[rows], -np.inf)
    chosen = functional.gather(rows, 1, functional.argmax(candidates, dim=1))
    return functional.where(counted.any(dim=1, keepdim=True), functional.gather(weight, 0, chosen), 0)


def _check_bags(input, offsets, mode, per_sample_weights, scale_grad_by_freq):
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"embedding_bag(): mode must be 'sum', 'mean' or 'max', not {mode!r}")
    if (
        input.ndim not in (1, 2)
        or (input.ndim == 2) != (offsets is None)
        or (offsets is not None and offsets.ndim != 1)
    ):
        raise OperandError(
            "embedding_bag() takes a matrix with one bag per row and no offsets, or a vector of indices and one of "
            "offsets"
        )
    if scale_grad_by_freq and mode == "max":
        raise ValueError("embedding_bag(): scale_grad_by_freq does not apply to mode='max'")
    if per_sample_weights is not None:
        if mode != "sum":
            raise NotImplementedError("embedding_bag(): per_sample_weights are for mode='sum'")
        if per_sample_weights.shape != input.shape:
            raise OperandError(f"embedding_bag(): per_sample_weights must have the shape of input, {input.shape}, "
                               f"not {per_sample_weights.shape}")


def _bounds(input, offsets, include_last_offset):
    """The start of each bag in the flattened indices, and the end of the last, as an array."""
    if offsets is None:
        count, width = input.shape
        return np.arange(count + 1) * width
    if offsets.dtype.kind not in dtypes.INTEGERS:
        raise DtypeError(f"embedding_bag(): offsets must be integers, not {offsets.dtype}")
    starts = offsets.cpu().numpy().astype(np.int64)
    if (starts[1:] < starts[:-1]).any() or (starts.size and (starts[0] != 0 or starts[-1] > len(input))):
        raise OperandError(
            f"embedding_bag(): offsets must rise from 0 to at most {len(input)}, but are {starts.tolist()}"
        )
    if include_last_offset and not starts.size:
        raise OperandError("embedding_bag(): include_last_offset needs at least one offset")
    return starts if include_last_offset else np.concatenate((starts, (len(input) if starts.size else 0,)))
