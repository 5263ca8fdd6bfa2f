"""Neural networks: modules, layers, losses, initialisation, models, and saving and loading them."""

# Names in paragraphs, not in columns.
# isort: off
# fmt: off
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from nn import attention, functional, init, models, utils
from nn import modules as modules
from nn import grad as grad
from nn.blocks.dense import DenseBlock, DenseLayer, Transition
from nn.blocks.inception import ConvBlock, Inception
from nn.blocks.residual import BasicBlock, Bottleneck, PreActBlock, PreActBottleneck
from nn.blocks.squeeze_excite import SqueezeExcite
from nn.blocks.standardized import WSConv2d
from nn.containers import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from nn.files import load, save
from nn.fusion import fuse
from nn.layers.activation import (
    CELU, ELU, GELU, GLU, SELU, Hardshrink, Hardsigmoid, Hardswish, Hardtanh, LeakyReLU, LogSigmoid, LogSoftmax, Mish,
    PReLU, ReLU, ReLU6, RReLU, Sigmoid, SiLU, Softmax, Softmax2d, Softmin, Softplus, Softshrink, Softsign, Tanh,
    Tanhshrink, Threshold,
)
from nn.layers.adaptive_pooling import (
    AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d, AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d,
)
from nn.layers.attention import CausalSelfAttention, LearnedEncoding, MultiheadAttention, SinusoidalEncoding
from nn.layers.convolution import Conv1d, Conv2d, Conv3d
from nn.layers.distance import CosineSimilarity, PairwiseDistance
from nn.layers.dropout import AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout
from nn.layers.embedding import Embedding, EmbeddingBag
from nn.layers.textbook_activations import (
    ISRLU, ISRU, SQNL, ArcTan, BipolarReLU, Gaussian, Heaviside, Maxout, Sign, Sine,
)
from nn.layers.fractional_pooling import FractionalMaxPool2d, FractionalMaxPool3d
from nn.layers.power_pooling import LPPool1d, LPPool2d, LPPool3d
from nn.layers.weighted_pooling import (
    DistanceWeightedPool1d, DistanceWeightedPool2d, DistanceWeightedPool3d, SumPool1d, SumPool2d, SumPool3d,
)
from nn.layers.instance_norm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from nn.layers.layer_norm import GroupNorm, LayerNorm, LocalResponseNorm, RMSNorm
from nn.layers.lazy import (
    LazyBatchNorm1d, LazyBatchNorm2d, LazyBatchNorm3d, LazyConv1d, LazyConv2d, LazyConv3d, LazyConvTranspose1d,
    LazyConvTranspose2d, LazyConvTranspose3d, LazyInstanceNorm1d, LazyInstanceNorm2d, LazyInstanceNorm3d, LazyLinear,
)
from nn.layers.linear import Bilinear, Flatten, Identity, Linear, Unflatten
from nn.layers.noise import GaussianNoise, WeightNoise
from nn.layers.normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d, SyncBatchNorm
from nn.layers.padding import (
    CircularPad1d, CircularPad2d, CircularPad3d, ConstantPad1d, ConstantPad2d, ConstantPad3d, ReflectionPad1d,
    ReflectionPad2d, ReflectionPad3d, ReplicationPad1d, ReplicationPad2d, ReplicationPad3d, ZeroPad1d, ZeroPad2d,
    ZeroPad3d,
)
from nn.layers.perceptron import Perceptron
from nn.layers.pooling import AvgPool1d, AvgPool2d, AvgPool3d, MaxPool1d, MaxPool2d, MaxPool3d
from nn.layers.recurrent import GRU, LSTM, RNN, RNNBase
from nn.layers.recurrent_cells import GRUCell, LSTMCell, RNNCell, RNNCellBase
from nn.layers.renormalization import BatchRenorm1d, BatchRenorm2d, BatchRenorm3d
from nn.layers.resampling import (
    ChannelShuffle, Fold, PixelShuffle, PixelUnshuffle, Unfold, Upsample, UpsamplingBilinear2d, UpsamplingNearest2d,
)
from nn.layers.transformer import (
    Transformer, TransformerDecoder, TransformerDecoderLayer, TransformerEncoder, TransformerEncoderLayer,
)
from nn.layers.transposed_convolution import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from nn.layers.unpooling import MaxUnpool1d, MaxUnpool2d, MaxUnpool3d
from nn.losses.adaptive_softmax import AdaptiveLogSoftmaxWithLoss
from nn.losses.likelihood_losses import CTCLoss, GaussianNLLLoss, LinearCrossEntropyLoss, PoissonNLLLoss
from nn.losses.loss import (
    BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, HuberLoss, KLDivLoss, L1Loss, MSELoss, NLLLoss, NLLLoss2d,
    SmoothL1Loss,
)
from nn.losses.margin_losses import (
    CosineEmbeddingLoss, HingeEmbeddingLoss, MarginRankingLoss, MultiLabelMarginLoss, MultiLabelSoftMarginLoss,
    MultiMarginLoss, SoftMarginLoss, TripletMarginLoss, TripletMarginWithDistanceLoss,
)
from nn.module import Module
from nn.parallel import DataParallel
from nn.parameter import Buffer, Parameter, UninitializedParameter
from nn.saliency import guided_backprop, saliency
from nn.stateless import functional_call, stack_module_state
from nn.summaries import summary
# fmt: on
# isort: on

if TYPE_CHECKING:
    from nn import onnx as onnx
else:

    def __getattr__(name):
        if name == "onnx":  # imported when first used: thirty files that most programs do not need
            return import_module("nn.onnx")
        raise AttributeError(f"module 'nn' has no attribute {name!r}", name=name, obj=sys.modules[__name__])


__all__ = [
    "CELU", "ELU", "GELU", "GLU", "GRU", "ISRLU", "ISRU", "LSTM", "RNN", "SELU", "SQNL", "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveLogSoftmaxWithLoss", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d", "AlphaDropout", "ArcTan", "AvgPool1d", "AvgPool2d", "AvgPool3d", "BCELoss",
    "BCEWithLogitsLoss", "BasicBlock", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "BatchRenorm1d", "BatchRenorm2d",
    "BatchRenorm3d", "Bilinear", "BipolarReLU", "Bottleneck", "Buffer", "CTCLoss", "CausalSelfAttention",
    "ChannelShuffle", "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d",
    "ConstantPad3d", "Conv1d", "Conv2d", "Conv3d", "ConvBlock", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d",
    "CosineEmbeddingLoss", "CosineSimilarity", "CrossEntropyLoss", "DataParallel", "DenseBlock", "DenseLayer",
    "DistanceWeightedPool1d", "DistanceWeightedPool2d", "DistanceWeightedPool3d", "Dropout", "Dropout1d", "Dropout2d",
    "Dropout3d", "Embedding", "EmbeddingBag", "FeatureAlphaDropout", "Flatten", "Fold", "FractionalMaxPool2d",
    "FractionalMaxPool3d", "GRUCell", "Gaussian", "GaussianNLLLoss", "GaussianNoise", "GroupNorm", "Hardshrink",
    "Hardsigmoid", "Hardswish", "Hardtanh", "Heaviside", "HingeEmbeddingLoss", "HuberLoss", "Identity", "Inception",
    "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "KLDivLoss", "L1Loss", "LPPool1d", "LPPool2d", "LPPool3d",
    "LSTMCell", "LayerNorm", "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyConv1d", "LazyConv2d",
    "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d", "LazyInstanceNorm1d",
    "LazyInstanceNorm2d", "LazyInstanceNorm3d", "LazyLinear", "LeakyReLU", "LearnedEncoding", "Linear",
    "LinearCrossEntropyLoss", "LocalResponseNorm", "LogSigmoid", "LogSoftmax", "MSELoss", "MarginRankingLoss",
    "MaxPool1d", "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d", "Maxout", "Mish", "Module",
    "ModuleDict", "ModuleList", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "MultiMarginLoss",
    "MultiheadAttention", "NLLLoss", "NLLLoss2d", "PReLU", "PairwiseDistance", "Parameter", "ParameterDict",
    "ParameterList", "Perceptron", "PixelShuffle", "PixelUnshuffle", "PoissonNLLLoss", "PreActBlock",
    "PreActBottleneck", "RMSNorm", "RNNBase", "RNNCell", "RNNCellBase", "RReLU", "ReLU", "ReLU6", "ReflectionPad1d",
    "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d", "Sequential",
    "SiLU", "Sigmoid", "Sign", "Sine", "SinusoidalEncoding", "SmoothL1Loss", "SoftMarginLoss", "Softmax",
    "Softmax2d", "Softmin", "Softplus", "Softshrink", "Softsign", "SqueezeExcite", "SumPool1d", "SumPool2d",
    "SumPool3d", "SyncBatchNorm", "Tanh", "Tanhshrink", "Threshold", "Transformer", "TransformerDecoder",
    "TransformerDecoderLayer", "TransformerEncoder", "TransformerEncoderLayer", "Transition", "TripletMarginLoss",
    "TripletMarginWithDistanceLoss", "Unflatten", "Unfold", "UninitializedParameter", "Upsample",
    "UpsamplingBilinear2d", "UpsamplingNearest2d", "WSConv2d", "WeightNoise", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
    "attention", "functional", "functional_call", "fuse", "guided_backprop", "init", "load", "models", "saliency",
    "save", "stack_module_state", "summary", "utils",
]  # fmt: skip

# Libraries look through `vars(nn.modules.activation)` for a layer by its name.
vars(modules).update({name: globals()[name] for name in __all__ if isinstance(globals()[name], type)})
