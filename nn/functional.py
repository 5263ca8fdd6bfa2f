"""Layers and losses as functions, under the names of PyTorch's `torch.nn.functional`.

Most are re-exported operations of `autograd_core`; this module adds those that draw random numbers, have a mode, or
write in place.
"""

from __future__ import annotations

from functools import partial

# Names in paragraphs, not in columns.
# isort: off
# fmt: off
from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.compatibility.absent import refuse
from autograd_core.functional import (
    adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d, adaptive_max_pool1d, adaptive_max_pool2d,
    adaptive_max_pool3d, affine_grid, avg_pool1d, avg_pool2d, avg_pool3d, batch_norm, bilinear, binary_cross_entropy,
    binary_cross_entropy_with_logits, channel_shuffle, conv1d, conv2d, conv3d, conv_tbc, conv_transpose1d,
    conv_transpose2d, conv_transpose3d, cosine_embedding_loss, cosine_similarity, cross_entropy, ctc_loss, embedding,
    embedding_bag, fold, fractional_max_pool2d, fractional_max_pool3d, gaussian_nll_loss, gelu, glu, grid_sample,
    group_norm, hardshrink, hinge_embedding_loss, huber_loss, instance_norm, interpolate, kl_div, l1_loss, layer_norm,
    linear, linear_cross_entropy, local_response_norm, logsigmoid, lp_pool1d, lp_pool2d, lp_pool3d,
    margin_ranking_loss, max_pool1d, max_pool2d, max_pool3d, max_unpool1d, max_unpool2d, max_unpool3d, mse_loss,
    multi_margin_loss, multilabel_margin_loss, multilabel_soft_margin_loss, nll_loss, normalize, one_hot, pad,
    pairwise_distance, pdist, pixel_shuffle, pixel_unshuffle, poisson_nll_loss, prelu, rms_norm, sigmoid,
    smooth_l1_loss, soft_margin_loss, softshrink, softsign, tanh, tanhshrink, triplet_margin_loss,
    triplet_margin_with_distance_loss, upsample, upsample_bilinear, upsample_nearest,
)
from autograd_core.functional import im2col as unfold
from nn import grad as grad
from nn.functions.softmax import log_softmax, softmax, softmin
from nn.functions.inplace import either
from nn.functions.attention import multi_head_attention_forward, scaled_dot_product_attention
from nn.functions.noise import (
    alpha_dropout, dropout, dropout1d, dropout2d, dropout3d, feature_alpha_dropout, gumbel_softmax, rrelu,
)
# fmt: on
# isort: on

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices", "adaptive_max_pool2d", "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d", "adaptive_max_pool3d_with_indices", "affine_grid", "alpha_dropout", "avg_pool1d",
    "avg_pool2d", "avg_pool3d", "batch_norm", "bilinear", "binary_cross_entropy", "binary_cross_entropy_with_logits",
    "celu", "celu_", "channel_shuffle", "conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d",
    "conv_transpose2d", "conv_transpose3d", "cosine_embedding_loss", "cosine_similarity", "cross_entropy", "ctc_loss",
    "dropout", "dropout1d", "dropout2d", "dropout3d", "elu", "elu_", "embedding", "embedding_bag",
    "feature_alpha_dropout", "fold", "fractional_max_pool2d", "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d", "fractional_max_pool3d_with_indices", "gaussian_nll_loss", "gelu", "glu", "grid_sample",
    "group_norm", "gumbel_softmax", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "hardtanh_",
    "hinge_embedding_loss", "huber_loss", "instance_norm", "interpolate", "kl_div", "l1_loss", "layer_norm",
    "leaky_relu", "leaky_relu_", "linear", "linear_cross_entropy", "local_response_norm", "log_softmax", "logsigmoid",
    "lp_pool1d", "lp_pool2d", "lp_pool3d", "margin_ranking_loss", "max_pool1d", "max_pool1d_with_indices", "max_pool2d",
    "max_pool2d_with_indices", "max_pool3d", "max_pool3d_with_indices", "max_unpool1d", "max_unpool2d", "max_unpool3d",
    "mish", "mse_loss", "multi_head_attention_forward", "multi_margin_loss", "multilabel_margin_loss",
    "multilabel_soft_margin_loss", "nll_loss", "normalize", "one_hot", "pad", "pairwise_distance", "pdist",
    "pixel_shuffle", "pixel_unshuffle", "poisson_nll_loss", "prelu", "relu", "relu6", "relu_", "rms_norm", "rrelu",
    "rrelu_", "scaled_dot_product_attention", "selu", "selu_", "sigmoid", "silu", "smooth_l1_loss", "soft_margin_loss",
    "softmax", "softmin", "softplus", "softshrink", "softsign", "tanh", "tanhshrink", "threshold", "threshold_",
    "triplet_margin_loss", "triplet_margin_with_distance_loss", "unfold", "upsample", "upsample_bilinear",
    "upsample_nearest",
]  # fmt: skip
__getattr__ = partial(refuse, "nn.functional")


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0)."""
    return either(core.relu, input, inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x above 0, `negative_slope`·x elsewhere."""
    return either(core.leaky_relu, input, inplace, negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x above 0, alpha·(exp(x) - 1) elsewhere."""
    return either(core.elu, input, inplace, alpha)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x above 0, alpha·(exp(x / alpha) - 1) elsewhere."""
    return either(core.celu, input, inplace, alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Self-normalising ELU."""
    return either(core.selu, input, inplace)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x·sigmoid(x)."""
    return either(core.silu, input, inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x·tanh(softplus(x))."""
    return either(core.mish, input, inplace)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x clipped to [min_val, max_val]."""
    return either(core.hardtanh, input, inplace, min_val, max_val)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """x clipped to [0, 6]."""
    return either(core.relu6, input, inplace)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """The piecewise linear approximation of the sigmoid."""
    return either(core.hardsigmoid, input, inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x·hardsigmoid(x)."""
    return either(core.hardswish, input, inplace)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x above `threshold`, `value` elsewhere."""
    return either(core.threshold, input, inplace, threshold, value)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta·x)) / beta, and x where beta·x exceeds a `threshold` below 20.

    PyTorch also returns x above 20; here all digits are kept.
    """
    y = core.softplus(input, beta)
    return y if threshold >= 20 else core.where(beta * input > threshold, input, y)


relu_ = partial(relu, inplace=True)
leaky_relu_ = partial(leaky_relu, inplace=True)
rrelu_ = partial(rrelu, inplace=True)
elu_ = partial(elu, inplace=True)
celu_ = partial(celu, inplace=True)
selu_ = partial(selu, inplace=True)
hardtanh_ = partial(hardtanh, inplace=True)
threshold_ = partial(threshold, inplace=True)

adaptive_max_pool1d_with_indices = partial(adaptive_max_pool1d, return_indices=True)
adaptive_max_pool2d_with_indices = partial(adaptive_max_pool2d, return_indices=True)
adaptive_max_pool3d_with_indices = partial(adaptive_max_pool3d, return_indices=True)
fractional_max_pool2d_with_indices = partial(fractional_max_pool2d, return_indices=True)
fractional_max_pool3d_with_indices = partial(fractional_max_pool3d, return_indices=True)
max_pool1d_with_indices = partial(max_pool1d, return_indices=True)
max_pool2d_with_indices = partial(max_pool2d, return_indices=True)
max_pool3d_with_indices = partial(max_pool3d, return_indices=True)
