"""The CPU backend: NumPy."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from backends import onednn, threads
from backends.deferred import Deferred
from backends.geometry import Array
from backends.kernels import KERNELS, bind, namespace_of
from backends.numpy_backend import (
    arithmetic,
    copies,
    groups,
    indexing,
    joining,
    lapack,
    normalization,
    padding,
    pairwise,
    passes,
    products,
    reduction,
    resampling,
    scans,
    selection,
    softmax,
    special,
    updates,
)
from backends.numpy_backend.random import NumpyRandom
from backends.protocol import Backend, Random

# Measured: columns are fastest when they fit a core's level-2 cache together with the image and the result.
COLUMN_BYTES = 3 << 18
BLOCKWISE = (
    "airy", "bell", "bessel_j", "bessel_y", "digamma", "elu", "elu_gradient", "erf", "erfc", "erfcx", "erfcx_slope",
    "erfinv", "gelu", "gelu_gate", "gelu_gradient", "gelu_tanh", "gelu_tanh_gradient", "hardsigmoid", "hardswish",
    "hardswish_gradient", "leaky_gate", "lgamma", "log_ndtr", "mish", "mish_gradient", "modified_bessel_i",
    "modified_bessel_k", "ndtr", "ndtri", "scaled_i_slope", "scaled_k_slope", "sigmoid_gradient", "silu",
    "silu_gradient", "sinc", "sinc_slope", "softplus", "softplus_gradient", "tanh_gradient", "tanhshrink", "trigamma",
    "within", "zeta",
)  # fmt: skip


class NumpyBackend:
    """NumPy arrays on the one device "cpu"."""

    name = "cpu"
    checks_values = True
    array_types: tuple[type, ...] = (np.ndarray, *sorted({*np.sctypeDict.values()}, key=lambda kind: kind.__name__))

    def __init__(self) -> None:
        self.namespace: SimpleNamespace = namespace_of(np, SimpleNamespace())
        self.namespace.pad, self.namespace.where, self.namespace.clip = padding.pad, selection.where, selection.clip
        self.namespace.empty = passes.empty
        self.namespace.zeros_like = padding.zeros_like
        self.namespace.max, self.namespace.min = (partial(reduction.extreme, f) for f in (np.maximum, np.minimum))
        self.namespace.concatenate, self.namespace.copyto = copies.concatenate, copies.copyto
        self.namespace.ascontiguousarray, self.namespace.reshape = copies.contiguous, copies.reshape
        self.namespace.tril, self.namespace.triu = (partial(selection.triangle, name) for name in ("tril", "triu"))
        self.namespace.cumsum = partial(scans.cumulative, np.add)
        self.namespace.cumprod = partial(scans.cumulative, np.multiply)
        self.namespace.nonzero = indexing.nonzero
        self.namespace.prod, self.namespace.nan_to_num = reduction.product, selection.nan_to_num
        vars(self.namespace).update(pairwise.FORMULAS)
        self.namespace.dot = np.ndarray.dot  # twice as fast as np.dot, which dispatches, for 16 numbers
        library = Deferred("scipy.special")
        kernels = self.namespace.kernels = bind(
            self.namespace, COLUMN_BYTES, library, threads.in_blocks, products.tall, products.contract
        )
        for name in BLOCKWISE:
            setattr(kernels, name, partial(special.blockwise, getattr(kernels, name)))
        for name, of_scipy in special.OF_SCIPY.items():
            setattr(kernels, name, partial(special.in_double, library, of_scipy, getattr(kernels, name)))
        for name in [name for name in vars(kernels) if name.endswith("_step")]:
            setattr(kernels, name, partial(updates.in_blocks, getattr(kernels, name)))
        for name in KERNELS["arithmetic"]:
            setattr(kernels, name, getattr(arithmetic, name))
        for name in ("add_relu", "gate", "rectify", "relu"):
            setattr(kernels, name, getattr(selection, name))
        kernels.product, kernels.linear = products.product, partial(products.linear, kernels.linear)
        kernels.joined = joining.joined
        kernels.running, kernels.total = scans.running, reduction.total
        kernels.normalize_batch = normalization.normalize_batch
        kernels.batch_gradients = normalization.batch_gradients
        kernels.scale_channels = normalization.scale_channels
        kernels.group_gradients = partial(groups.group_gradients, kernels.group_gradients)
        kernels.add_at, kernels.take_at = partial(indexing.add_at, kernels.add_at), indexing.take_at
        kernels.mix_rows = partial(indexing.mix_rows, kernels.mix_rows)
        kernels.sum_of_squares = reduction.sum_of_squares
        kernels.resample = partial(resampling.resample, kernels.resample)
        kernels.softmax_nll = partial(softmax.softmax_nll, kernels.softmax_nll)
        self.namespace.linalg = lapack.LINALG
        kernels.lu_factor, kernels.solve_triangular = lapack.lu_factor, lapack.solve_triangular
        onednn.overlay(kernels)
        self.namespace.matmul = products.matmul
        self.libraries = ((self.namespace, self.array_types),)
        self.random: Random = NumpyRandom()

    def library(self, index: int | None) -> SimpleNamespace:
        """The only namespace."""
        return self.namespace

    def from_host(self, array: np.ndarray, index: int | None, non_blocking: bool = False) -> Array:
        """The array itself."""
        _check_index(index)
        return array

    def to_host(self, array: Array, non_blocking: bool = False) -> Any:
        """The array itself; a NumPy scalar becomes a 0-d array."""
        return np.asarray(array)

    def device_of(self, array: Array) -> str:
        """Always "cpu"."""
        return "cpu"

    def device_count(self) -> int:
        """Always one."""
        return 1

    def transfer(self, array: Array, index: int | None) -> Array:
        """The array itself."""
        _check_index(index)
        return array

    def current_device(self) -> int:
        """Always 0."""
        return 0

    def synchronize(self, index: int | None = None) -> None:
        """Nothing is ever pending."""

    def describe(self) -> str:
        """NumPy's version and the machine."""
        import platform

        blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return f"NumPy {np.__version__} ({blas['name']} {blas['version']}) on {platform.machine()}"


def _check_index(index: int | None) -> None:
    if index:
        raise ValueError(f"there is one device 'cpu'; 'cpu:{index}' does not exist")


def load() -> Backend:
    """The backend."""
    return NumpyBackend()
