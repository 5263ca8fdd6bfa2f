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
    distances,
    elementary,
    groups,
    indexing,
    joining,
    lapack,
    normalization,
    order,
    padding,
    pairwise,
    passes,
    points,
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
from backends.protocol import Backend, OneDevice, Random
from backends.settled import offer

# Measured: columns are fastest when they fit a core's level-2 cache together with the image and the result.
COLUMN_BYTES = 3 << 18
BLOCKWISE = (
    "airy", "bell", "bessel_j", "bessel_y", "digamma", "elu", "elu_gradient", "erf", "erfc", "erfcx", "erfcx_slope",
    "erfinv", "gelu", "gelu_gate", "gelu_gradient", "gelu_tanh", "gelu_tanh_gradient", "hardsigmoid", "hardswish",
    "hardswish_gradient", "leaky_gate", "lgamma", "log_ndtr", "logit", "mish", "mish_gradient", "modified_bessel_i",
    "modified_bessel_k", "ndtr", "ndtri", "scaled_i_slope", "scaled_k_slope", "sigmoid_gradient", "silu",
    "silu_gradient", "sinc", "sinc_slope", "softplus", "softplus_gradient", "tanh_gradient", "tanhshrink", "trigamma",
    "within", "zeta",
)  # fmt: skip

# In place of NumPy's functions.
FUNCTIONS: dict[str, Any] = {
    "all": partial(reduction.truth, np.logical_and),
    "any": partial(reduction.truth, np.logical_or),
    "argmax": reduction.argmax,
    "argmin": reduction.argmin,
    "argpartition": np.ndarray.argpartition,  # as `dot`
    "argsort": order.argsort,
    "ascontiguousarray": copies.contiguous,
    "broadcast_to": copies.broadcast_to,
    "clip": selection.clip,
    "concatenate": copies.concatenate,
    "copyto": copies.copyto,
    "dot": np.ndarray.dot,  # twice as fast as np.dot, which dispatches, for 16 numbers
    "empty": passes.empty,
    "fft": Deferred("scipy.fft"),  # four times as fast as NumPy's, which computes in float64
    "flip": copies.flip,
    "full": copies.full,
    "linalg": lapack.LINALG,
    "matmul": products.matmul,
    "max": partial(reduction.extreme, np.maximum),
    "min": partial(reduction.extreme, np.minimum),
    "moveaxis": copies.moveaxis,
    "nan_to_num": selection.nan_to_num,
    "nonzero": indexing.nonzero,
    "pad": padding.pad,
    "power": pairwise.power,
    "prod": reduction.product,
    "reshape": copies.reshape,
    "roll": copies.roll,
    "stack": copies.stack,
    "take": np.ndarray.take,  # as `dot`
    "take_along_axis": indexing.take_along_axis,
    "tril": partial(selection.triangle, "tril"),
    "triu": partial(selection.triangle, "triu"),
    "vdot": reduction.vdot,
    "where": selection.where,
    "zeros_like": padding.zeros_like,
    **elementary.FORMULAS,
    **pairwise.FORMULAS,
    **pairwise.LOGICAL,
}
# In place of generic kernels.
OWN: dict[str, Any] = {
    **{name: getattr(arithmetic, name) for name in KERNELS["arithmetic"]},
    **{name: getattr(selection, name) for name in ("add_relu", "gate", "rectify", "relu")},
    "converted": copies.converted,
    "euclidean": reduction.euclidean,
    "joined": joining.joined,
    "lu_factor": lapack.lu_factor,
    "product": products.product,
    "put_at": indexing.put_at,
    "running": scans.running,
    "solve_triangular": lapack.solve_triangular,
    "squared_deviations": reduction.squared_deviations,
    "sum_of_squares": reduction.sum_of_squares,
    "take_at": indexing.take_at,
    "total": reduction.total,
}
# These receive the generic kernel as their first argument, for what they leave to it.
WITH_GENERIC: dict[str, Any] = {
    "add_at": indexing.add_at,
    "add_points": points.add_points,
    "distances": distances.distances,
    "drop": selection.drop,
    "group_gradients": groups.group_gradients,
    "least_squares": lapack.least_squares,
    "linear": products.linear,
    "match_points": points.match_points,
    "mix_rows": indexing.mix_rows,
    "picked_nll": softmax.picked_nll,
    "pull": distances.pull,
    "normalize_groups": groups.normalize_groups,
    "read_points": points.read_points,
    "resample": resampling.resample,
    "rescale": updates.rescale,
    "softmax_nll": softmax.softmax_nll,
    "softmax_nll_gradient": softmax.softmax_nll_gradient,
}

# Kernels that offer settled functions.
SETTLED: dict[str, Any] = {
    "gate": selection.settle_gate,
    "linear": products.settle_linear,
    "relu": selection.settle_relu,
    "total": reduction.settle_total,
}
# These receive the generic kernel and the one named here.
BY_SIZE: dict[str, Any] = {
    name: getattr(normalization, name) for name in ("batch_gradients", "normalize_batch", "scale_channels")
}


class NumpyBackend(OneDevice):
    """NumPy arrays on the one device "cpu"."""

    name = "cpu"
    checks_values = True
    array_types: tuple[type, ...] = (np.ndarray, *sorted({*np.sctypeDict.values()}, key=lambda kind: kind.__name__))

    def __init__(self) -> None:
        self.namespace: SimpleNamespace = namespace_of(np, SimpleNamespace())
        vars(self.namespace).update(FUNCTIONS)
        library = Deferred("scipy.special")
        self.namespace.kernels = bind(
            self.namespace, COLUMN_BYTES, library, threads.in_blocks, products.tall, products.contract
        )
        kernels: dict[str, Any] = vars(self.namespace.kernels)
        kernels["silu"] = partial(special.silu, kernels["silu"])
        kernels |= {name: partial(special.blockwise, kernels[name]) for name in BLOCKWISE}
        for name, of_scipy in special.OF_SCIPY.items():
            kernels[name] = partial(special.in_double, library, of_scipy, kernels[name])
        kernels |= {name: partial(updates.in_blocks, k) for name, k in kernels.items() if name.endswith("_step")}
        kernels |= {name: partial(k, kernels[name]) for name, k in WITH_GENERIC.items()} | OWN
        kernels |= {name: partial(normalization.by_size, kernels[name], k) for name, k in BY_SIZE.items()}
        for name, settle in SETTLED.items():
            offer(kernels[name], settle)
        onednn.overlay(self.namespace.kernels)
        for name in onednn.KERNELS["softmax"]:
            inner, kernels[name] = kernels[name], partial(softmax.ordered, kernels[name])
            offer(kernels[name], partial(softmax.settle_ordered, inner))
        offer(products.matmul, products.settle_matmul)
        self.libraries = ((self.namespace, self.array_types),)
        self.random: Random = NumpyRandom()

    def from_host(self, array: np.ndarray, index: int | None, non_blocking: bool = False) -> Array:
        """The array itself."""
        _check_index(index)
        return array

    def to_host(self, array: Array, non_blocking: bool = False) -> Any:
        """The array itself; a NumPy scalar becomes a 0-d array."""
        return np.asarray(array)

    def transfer(self, array: Array, index: int | None) -> Array:
        """The array itself."""
        _check_index(index)
        return array

    def situation(self) -> object:
        """Changes when kernels might decide otherwise than before, and differs from thread to thread."""
        return _situation()

    def describe(self) -> str:
        """NumPy's version and the machine."""
        import platform

        blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return f"NumPy {np.__version__} ({blas['name']} {blas['version']}) on {platform.machine()}"


_situation = onednn.deferred("plans", "situation")


def _check_index(index: int | None) -> None:
    if index:
        raise ValueError(f"there is one device 'cpu'; 'cpu:{index}' does not exist")


def load() -> Backend:
    """The backend."""
    return NumpyBackend()
