"""Attention of 16-bit floats by cuDNN, which computes the weights in registers and keeps only the logarithms of sums.

Memory is linear in the lengths. Operands may have any strides that the library supports, such as those of heads beside
each other in memory; results lie like the query, key or value that they belong to.
"""

from math import prod
from typing import Any, NamedTuple

from backends import determinism
from backends.cupy_backend.cudnn_plans import TYPES, WORKSPACE, Cudnn, with_engines
from backends.cupy_backend.launch import VECTOR, Gpu
from backends.cupy_backend.layouts import memory_order, name_of
from backends.geometry import Array, Sizes

# Weights: below this the products are as fast, and their plans take a millisecond instead of a second.
LEAST = 1 << 20
WIDEST = 256  # numbers of a key or a value


class Placed(NamedTuple):
    """An array (N, H, L, E) in memory: its sizes, and its strides in elements."""

    shape: Sizes
    strides: Sizes


class Attention(NamedTuple):
    """The key of a plan.

    operands: query, key and value and, for the gradients in these, result, cotangent and logarithms of sums. The
    results are the attention and the logarithms, or three gradients. deterministic: only use engines with reproducible
    results.
    """

    dtype: str
    operands: tuple[Placed, ...]
    results: tuple[Placed, ...]
    scale: float
    is_causal: bool
    deterministic: bool

    @property
    def most(self) -> int:
        """How many plans are kept."""
        return 64

    @property
    def slow(self) -> bool:
        """Whether a plan takes a second to make."""
        return True

    def graph(self, cudnn: Any, **device: Any) -> Any:
        """The graph with its engines; operands, then results, are numbered from 1 on."""
        dtype, wide = getattr(cudnn.data_type, TYPES[self.dtype]), cudnn.data_type.FLOAT
        graph = cudnn.pygraph(io_data_type=dtype, intermediate_data_type=wide, compute_data_type=wide, **device)
        names = ("q", "k", "v", "o", "dO", "stats")[: len(self.operands)]
        given = {
            name: graph.tensor(
                dim=[*x.shape], stride=[*x.strides], data_type=wide if name == "stats" else dtype, name=name, uid=i + 1
            )
            for i, (name, x) in enumerate(zip(names, self.operands, strict=True))
        }
        given |= {"attn_scale": self.scale, **({"diagonal_band_right_bound": 0} if self.is_causal else {})}
        forward = len(self.results) == 2
        if forward:
            found = graph.sdpa(**given, generate_stats=True)
        else:
            found = graph.sdpa_backward(**given, use_deterministic_algorithm=self.deterministic)
        for i, (y, x) in enumerate(zip(found, self.results, strict=True)):
            y.set_output(True).set_data_type(wide if forward and i else dtype).set_dim([*x.shape])
            y.set_stride([*x.strides]).set_uid(len(names) + i + 1)
        # Gradients are added up in float32.
        workspace = WORKSPACE + max(8 * prod(x.shape) for x in self.operands)
        return with_engines(cudnn, graph, [cudnn.numerical_note.NONDETERMINISTIC] * self.deterministic, workspace)


def attention(
    gpu: Gpu, query: Array, key: Array, value: Array, scale: float, is_causal: bool
) -> tuple[Array, Array] | None:
    """The attention, and for every query the logarithm of the sum of the exponentials of its scores."""
    *lead, length, _ = query.shape
    keys, width = value.shape[-2:]
    most, fits = max(width, query.shape[-1]), not (width % 8 or query.shape[-1] % 8)
    # The logarithms of a single key could not be told from its weights.
    if not fits or most > WIDEST or keys == 1 or prod(lead) * length * keys < LEAST or query.dtype.itemsize != 2:
        return None
    q, k, v = (_ready(gpu, x) for x in (query, key, value))
    y, sums = _lying_as(gpu.xp, q, width), gpu.xp.empty((*q.shape[:-1], 1), dtype=gpu.xp.float32)
    if not _run(gpu, (q, k, v), (y, sums), scale, is_causal):
        return None
    return y.reshape(*lead, length, width), sums.reshape(*lead, length, 1)


def attention_gradients(
    gpu: Gpu, g: Array, query: Array, key: Array, value: Array, y: Array, sums: Array, scale: float, is_causal: bool
) -> list[Array] | None:
    """The gradients in query, key and value."""
    given = query, key, value
    q, k, v, y, g = (_ready(gpu, x) for x in (*given, y, g))
    sums = gpu.xp.ascontiguousarray(sums).reshape(*q.shape[:-1], 1)
    found = [_lying_as(gpu.xp, x, x.shape[-1]) for x in (q, k, v)]
    if not _run(gpu, (q, k, v, y, g, sums), tuple(found), scale, is_causal):
        return None
    return [x.reshape(like.shape) for x, like in zip(found, given, strict=True)]


def _run(gpu: Gpu, operands: tuple[Array, ...], results: tuple[Array, ...], scale: float, is_causal: bool) -> bool:
    given, found = (tuple([_placed(x) for x in some]) for some in (operands, results))
    key = Attention(name_of(operands[0].dtype), given, found, float(scale), bool(is_causal), determinism.wanted())
    return bool(gpu.library(Cudnn).run(key, *operands, *results, results=len(results)))


def _placed(x: Array) -> Placed:
    size = x.dtype.itemsize
    return Placed(x.shape, tuple([step // size for step in x.strides]))


def _ready(gpu: Gpu, x: Array) -> Array:
    """x as (N, H, L, E), copied if the library cannot read it: it reads vectors along the last axis."""
    x = by_heads(x)
    steps = x.strides
    fits = steps[-1] == x.dtype.itemsize and all(n == 1 or step > 0 for n, step in zip(x.shape, steps, strict=True))
    return x if fits and all(v % VECTOR == 0 for v in (gpu.address(x), *steps[:-1])) else x.copy()


def by_heads(x: Array) -> Array:
    """x with four axes."""
    return x.reshape(*(1,) * (4 - x.ndim), *x.shape) if x.ndim < 4 else x.reshape(-1, *x.shape[-3:])


def _lying_as(xp: Any, x: Array, width: int) -> Array:
    """An uninitialised array with the memory order of x, and `width` numbers along the last axis."""
    axes = [axis for axis in memory_order(x) if axis != 3]
    y = xp.empty((*[x.shape[axis] for axis in axes], width), dtype=x.dtype)
    return y.transpose(*[axes.index(axis) for axis in range(3)], 3)
