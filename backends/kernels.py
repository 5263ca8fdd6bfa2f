"""The kernels every backend offers, bound to its array library."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

from backends.generic import (
    activations,
    adaptive_steps,
    airy,
    attention,
    bessel,
    factorizations,
    gamma,
    gelu,
    im2col,
    indexing,
    joining,
    modified_bessel,
    normal,
    normalization,
    optimizers,
    patches,
    points,
    pooling,
    products,
    quantiles,
    recurrent,
    reduction,
    resampling,
    scans,
    selection,
    sinc,
    softmax,
    special,
)
from backends.geometry import Array

MODULES = (
    activations,
    adaptive_steps,
    airy,
    bessel,
    factorizations,
    gamma,
    gelu,
    indexing,
    joining,
    modified_bessel,
    normal,
    optimizers,
    patches,
    points,
    pooling,
    reduction,
    products,
    quantiles,
    recurrent,
    resampling,
    scans,
    selection,
    sinc,
    softmax,
    special,
)
NAMES = (
    "convolve",
    "convolve_relu",
    "convolve_input",
    "convolve_weight",
    *normalization.KERNELS,
    *attention.KERNELS,
    "product",
    "linear",
    "linear_relu",
    "max_pool",
    "max_of_windows",
    "take_taps",
    "put_taps",
    "avg_pool",
    "avg_pool_input",
    "take_plane",
    "add_plane",
    "add_at",
    "joined",
    "diagonal",
    "patches",
    "add_patches",
    "read_points",
    "add_points",
    "match_points",
    "resample",
    "max_of_cells",
    "erf",
    "erfc",
    "erfinv",
    "ndtri",
    "erfcx",
    "erfcx_slope",
    "bell",
    "airy",
    "bessel_j",
    "bessel_y",
    "modified_bessel_i",
    "modified_bessel_k",
    "scaled_i_slope",
    "scaled_k_slope",
    "gelu",
    "gelu_gate",
    "gelu_gradient",
    "gelu_tanh",
    "gelu_tanh_gradient",
    "mish",
    "mish_gradient",
    "sigmoid",
    "sigmoid_gradient",
    "silu",
    "silu_gradient",
    "tanh",
    "tanh_gradient",
    "ndtr",
    "log_ndtr",
    "lgamma",
    "digamma",
    "trigamma",
    "zeta",
    "sinc",
    "sinc_slope",
    "bounded",
    "elu",
    "elu_gradient",
    "hardsigmoid",
    "hardswish",
    "hardswish_gradient",
    "leaky_gate",
    "leaky_relu",
    "within",
    "softplus",
    "softplus_gradient",
    "tanhshrink",
    "special",
    "fused",
    "drop",
    "gate",
    "relu",
    "rectify",
    "add",
    "add_relu",
    "increase",
    *softmax.KERNELS,
    *recurrent.KERNELS,
    "recurrence",
    "total",
    "running",
    "lu_factor",
    "row_order",
    "solve_triangular",
    "cholesky",
    "inverse",
    "solve",
    "cofactor",
    "matrix_exp",
    "sgd_step",
    "adam_step",
    "nadam_step",
    "radam_step",
    "adamax_step",
    "lion_step",
    "adagrad_step",
    "adadelta_step",
    "rmsprop_step",
    "rprop_step",
    "asgd_step",
    "unscale",
)


def bind(
    xp: Any,
    column_bytes: int,
    functions: Any,
    in_blocks: im2col.InBlocks = im2col.serially,
    matmul: Callable[..., Array] | None = None,
    contract: Callable[..., Array] | None = None,
) -> SimpleNamespace:
    """The generic kernels over the namespace `xp`; convolutions make columns of about `column_bytes` at a time.

    functions: scipy.special or its counterpart for these arrays, offered as `special`. in_blocks, matmul, contract: as
    in `im2col.Schedule`.
    """
    schedule = im2col.Schedule(
        column_bytes, in_blocks, matmul or xp.matmul, contract or (lambda a, b: xp.matmul(a.swapaxes(0, 1), b))
    )
    kernels = SimpleNamespace(
        special=functions,
        fused=None,  # a function of single elements as one kernel, where a backend can make it so
        convolve=partial(im2col.convolve, xp, schedule=schedule),
        convolve_input=partial(im2col.convolve_input, xp, schedule=schedule),
        convolve_weight=partial(im2col.convolve_weight, xp, schedule=schedule),
    )
    kernels.convolve_relu = lambda *operands: kernels.rectify(kernels.convolve(*operands))
    kernels.linear_relu = lambda *operands: kernels.rectify(kernels.linear(*operands))
    for module in (normalization, attention):
        for name in module.KERNELS:
            setattr(kernels, name, partial(getattr(module, name), xp, kernels))
    for module in MODULES:
        for name in NAMES:
            kernel = getattr(module, name, None)
            if kernel is not None and kernel.__module__ == module.__name__:  # not what it imports for itself
                setattr(kernels, name, partial(kernel, xp))
    kernels.zeta = partial(gamma.zeta, xp, functions)
    return kernels


class Namespace(SimpleNamespace):
    """The functions of an array library, with its kernels beside them.

    What the library itself loads on demand (NumPy: fft, random, testing, ...) is looked up on demand here too.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(self.library, name)


def namespace_of(library: Any, kernels: SimpleNamespace) -> Namespace:
    """Every public name that an array library has loaded, with `kernels` beside them."""
    public = {name: value for name, value in vars(library).items() if not name.startswith("_")}
    return Namespace(**public, library=library, kernels=kernels)
