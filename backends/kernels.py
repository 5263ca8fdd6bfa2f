"""The kernels that every backend offers, bound to its array library."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from backends.generic import im2col, optimizers
from backends.geometry import Array

# By module of `backends.generic`.
KERNELS = {
    "activations": (
        "mish", "mish_gradient", "sigmoid", "sigmoid_gradient", "silu", "silu_gradient", "tanh",
        "tanh_gradient", "bounded", "elu", "elu_gradient", "hardsigmoid", "hardswish", "hardswish_gradient",
        "huber", "leaky_gate", "leaky_relu", "within", "softplus", "softplus_gradient", "tanhshrink",
    ),
    "adaptive_steps": ("adagrad_step", "adadelta_step", "rmsprop_step", "rprop_step", "asgd_step"),
    "special_functions.airy": ("airy",),
    "alignment": ("ctc_arrivals", "ctc_occupations"),
    "arithmetic": ("add", "subtract", "multiply", "divide", "increase", "in_place"),
    "attention": ("attention", "attention_gradients"),
    "channels": ("prelu", "prelu_gradient"),
    "conversion": ("converted",),
    "distances": ("distances", "pull"),
    "special_functions.bessel": ("bessel_j", "bessel_y"),
    "factorizations": (
        "lu_factor", "row_order", "solve_triangular", "cholesky", "inverse", "solve", "least_squares",
        "cofactor", "matrix_exp",
    ),
    "special_functions.gamma": ("lgamma", "digamma", "trigamma", "zeta"),
    "gelu": ("gelu", "gelu_gate", "gelu_gradient", "gelu_tanh", "gelu_tanh_gradient"),
    "im2col": ("convolve", "convolve_input", "convolve_weight"),
    "indexing": ("take_plane", "add_plane", "take_at", "put_at", "add_at", "mix_rows", "diagonal"),
    "joining": ("joined",),
    "special_functions.modified_bessel": ("modified_bessel_i", "modified_bessel_k", "scaled_i_slope", "scaled_k_slope"),
    "special_functions.pathwise": ("gamma_path", "beta_path"),
    "special_functions.normal": ("erfcx", "erfcx_slope", "bell", "ndtr", "log_ndtr"),
    "normalization": (
        "normalize_batch", "batch_gradients", "scale_channels", "normalize_rows", "row_gradients", "normalize_groups",
        "group_gradients",
    ),
    "optimizers": ("sgd_step", "adam_step", "nadam_step", "radam_step", "adamax_step", "lion_step", "rescale", "norm",
                   "counted", "adjust_scale"),
    "patches": ("patches", "add_patches"),
    "points": ("read_points", "add_points", "match_points"),
    "pooling": ("max_pool", "max_of_windows", "take_taps", "put_taps", "avg_pool", "avg_pool_input"),
    "products": ("product", "linear"),
    "special_functions.quantiles": ("erfinv", "logit", "ndtri"),
    "recurrent": ("rnn", "rnn_gradients", "lstm", "lstm_gradients", "gru", "gru_gradients"),
    "recurrent_steps": ("rnn_state", "rnn_slopes", "lstm_state", "lstm_slopes", "gru_state", "gru_slopes"),
    "reduction": ("total", "sum_of_squares", "euclidean", "squared_deviations"),
    "resampling": ("resample", "max_of_cells"),
    "scans": ("recurrence", "running"),
    "selection": ("drop", "gate", "relu", "rectify", "add_relu"),
    "special_functions.sinc": ("sinc", "sinc_slope"),
    "softmax": (
        "softmax", "log_softmax", "softmax_gradient", "log_softmax_gradient", "softmax_nll",
        "softmax_nll_gradient", "smoothed_nll", "smoothed_nll_gradient", "picked_nll", "nll_gradient",
    ),
    "special_functions.special": ("erf", "erfc"),
    "weighted_loss": ("weighted_nll", "weighted_nll_gradient"),
}  # fmt: skip
# Modules whose kernels call other kernels, which may be another backend's: they receive the table of all kernels.
COMBINED = ("attention", "normalization", "recurrent", "weighted_loss")


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
    # fused: computes an elementwise function in one kernel; cast: converts floats by vectors; track: updates running
    # statistics in one kernel; None if there is no such kernel. wide: operations whose kernels compute 16-bit floats in
    # float32 themselves.
    kernels = SimpleNamespace(special=functions, fused=None, cast=None, track=None, wide=frozenset())
    offer(kernels, xp, *KERNELS)
    for name in KERNELS["im2col"]:
        setattr(kernels, name, partial(getattr(kernels, name), schedule=schedule))
    kernels.zeta = partial(kernels.zeta, functions)
    kernels.convolve_relu = lambda *operands: kernels.rectify(kernels.convolve(*operands))
    kernels.convolve_onto = partial(_convolve_onto, kernels)
    kernels.linear_relu = lambda *operands: kernels.rectify(kernels.linear(*operands))
    kernels.steps = partial(optimizers.steps, kernels)
    return kernels


def _convolve_onto(
    kernels: SimpleNamespace, y: Array, x: Array, w: Array, geometry: Any, bias: Array | None = None, relu: bool = False
) -> Array:
    """y + convolve(...), or max(that, 0), in place of y."""
    y = kernels.increase(y, kernels.convolve(x, w, geometry, bias))
    return kernels.rectify(y) if relu else y


def offer(kernels: SimpleNamespace, xp: Any, *modules: str) -> None:
    """Put the kernels of some generic modules, over the namespace `xp`, among `kernels`."""
    for module in modules:
        found, others = import_module(f"backends.generic.{module}"), [kernels] * (module in COMBINED)
        for name in KERNELS[module]:
            setattr(kernels, name, partial(getattr(found, name), xp, *others))


class Namespace(SimpleNamespace):
    """The functions of an array library, with its kernels beside them.

    Submodules that the library loads on demand (NumPy: fft, random, testing, ...) are loaded on demand here too.
    """

    asynchronous = False  # whether calls return before the work is done

    def __getattr__(self, name: str) -> Any:
        return getattr(self.library, name)


def namespace_of(library: Any, kernels: SimpleNamespace) -> Namespace:
    """Every public name that an array library has loaded, plus `kernels`."""
    public = {name: value for name, value in vars(library).items() if not name.startswith("_")}
    return Namespace(**public, library=library, kernels=kernels)
