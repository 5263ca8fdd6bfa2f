"""The device "meta", for models whose shapes are wanted but not their numbers: they take no memory."""

from functools import partial
from itertools import chain
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np

from backends import registry
from backends.deferred import Deferred
from backends.geometry import Geometry, Sizes, check_gradient, convolution_sizes
from backends.kernels import KERNELS, bind, namespace_of
from backends.meta_backend.arrays import Array, Function, MetaArray, blank, placed, pointwise, wrap
from backends.protocol import Backend, OneDevice
from backends.strides import channels_last_strides

COLUMN_BYTES = 1 << 40  # nothing is divided


def _made(function: Function) -> Function:
    return lambda *args, **kwargs: wrap(function(*args, **kwargs))


def _as_array(a: Any, dtype: Any = None, **_: Any) -> Any:
    if a.__class__ is not MetaArray:
        return wrap(np.asarray(a, dtype))
    return a if dtype is None else a.astype(dtype, copy=False)


def _empty(shape: Any, dtype: Any = np.float64) -> MetaArray:
    return blank(tuple(shape) if hasattr(shape, "__iter__") else (shape,), dtype)


def _full(shape: Any, fill_value: Any, dtype: Any = None) -> MetaArray:
    return _empty(shape, dtype or getattr(fill_value, "dtype", None) or np.asarray(fill_value).dtype)


def _as_strided(x: MetaArray, shape: Sizes, strides: Sizes) -> Any:
    return wrap(np.lib.stride_tricks.as_strided(x.held, shape, strides), x)


# In place of functions that NumPy does not leave to its operands.
FUNCTIONS: dict[str, Any] = {
    **{name: _made(getattr(np, name)) for name in ("arange", "eye", "identity", "indices", "linspace", "tri")},
    **dict.fromkeys(("array", "asarray"), _as_array),
    **dict.fromkeys(("empty", "ones", "zeros"), _empty),
    "ascontiguousarray": lambda a: a if a.flags.c_contiguous else blank(a.shape, a.dtype),
    "full": _full,
    "lib": SimpleNamespace(stride_tricks=SimpleNamespace(as_strided=_as_strided)),
    "ndarray": MetaArray,
    "asynchronous": True,  # kernels read no values
}


def _image(shape: Sizes, dtype: Any) -> MetaArray:
    return placed(shape, dtype, channels_last_strides(shape))


def _convolve(x: MetaArray, w: MetaArray, geometry: Geometry, bias: Any = None) -> MetaArray:
    return _image((x.shape[0], w.shape[0], *convolution_sizes(x.shape, w.shape, geometry)), x.dtype)


def _convolve_input(g: MetaArray, w: MetaArray, x_shape: Sizes, geometry: Geometry) -> MetaArray:
    out = convolution_sizes(x_shape, w.shape, geometry)
    check_gradient("convolve_input", g.shape, (x_shape[0], w.shape[0], *out))
    return _image(x_shape, g.dtype)


def _convolve_weight(g: MetaArray, x: MetaArray, w_shape: Sizes, geometry: Geometry) -> MetaArray:
    out = convolution_sizes(x.shape, w_shape, geometry)
    check_gradient("convolve_weight", g.shape, (x.shape[0], w_shape[0], *out))
    return blank(w_shape, g.dtype)


def _matrices(a: MetaArray) -> MetaArray:
    return blank(a.shape, a.dtype)


OWN: dict[str, Function] = {
    "cofactor": _matrices,
    "convolve": _convolve,
    "convolve_input": _convolve_input,
    "convolve_weight": _convolve_weight,
    "matrix_exp": _matrices,
}
# Kernels of single elements that look at values.
SPECIAL = chain.from_iterable(names for module, names in KERNELS.items() if module.startswith("special_functions."))


class Stream:
    """Random numbers that nobody sees, so none are drawn."""

    def __init__(self, seed: int) -> None:
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Start again; the seed is the state."""
        self.state = np.frombuffer(seed.to_bytes(8, "little"), np.uint8)

    def resume(self, state: Array) -> int:
        """Go on from a state; returns the seed in it."""
        self.state = state
        return int.from_bytes(state.tobytes(), "little")

    def uniform(self, shape: Sizes, dtype: Any, *_: float) -> MetaArray:
        """Floats."""
        return blank(shape, dtype)

    probabilities = normal = uniform

    def integers(self, low: int, high: int, shape: Sizes) -> MetaArray:
        """Numbers of int64."""
        return blank(shape, np.int64)

    def permutation(self, n: int) -> MetaArray:
        """The numbers 0 to n - 1."""
        return blank((n,), np.int64)

    def bernoulli(self, p: float, shape: Sizes) -> MetaArray:
        """Booleans."""
        return blank(shape, np.bool_)

    def poisson(self, rate: MetaArray, *_: Any) -> MetaArray:
        """Numbers with these parameters."""
        return blank(rate.shape, rate.dtype)

    gamma = binomial = poisson


class MetaBackend(OneDevice):
    """The backend of MetaArrays."""

    name = "meta"
    checks_values = False
    array_types: tuple[type, ...] = (MetaArray,)

    def __init__(self) -> None:
        self.namespace: SimpleNamespace = namespace_of(np, SimpleNamespace())
        vars(self.namespace).update(FUNCTIONS)
        kernels, host = (
            bind(self.namespace, COLUMN_BYTES, Deferred("scipy.special")),
            registry.get("cpu").namespace.kernels,
        )
        vars(kernels).update({name: partial(pointwise, getattr(host, name)) for name in SPECIAL} | OWN)
        self.namespace.kernels = kernels
        self.libraries = ((self.namespace, self.array_types),)
        self.random: Any = SimpleNamespace(generator=lambda seed, index: Stream(seed))

    def from_host(self, array: Any, index: int | None, non_blocking: bool = False) -> MetaArray:
        """An array of the same shape, dtype and memory order of axes."""
        return blank(array.shape, array.dtype, array)

    def to_host(self, array: MetaArray, non_blocking: bool = False) -> NoReturn:
        """Refuse."""
        array.refuse()

    def expect(self, check: Function, *args: Any) -> bool:
        """What a check finds out: that values are as they should be."""
        return True

    def describe(self) -> str:
        """A description of the backend."""
        return "shapes without elements"


def load() -> Backend:
    """The backend."""
    return MetaBackend()
