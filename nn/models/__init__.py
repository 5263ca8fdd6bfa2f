"""Models by name."""

# Names in paragraphs, not in columns.
# isort: off
# fmt: off
from nn.models.alexnet import AlexNet, alexnet, zfnet
from nn.models.all_conv import all_conv, strided_cnn
from nn.models.autoencoder import (
    Autoencoder, EncoderDecoder, autoencoder, conv_autoencoder, denoising_autoencoder, encoder_decoder,
)
from nn.models.cascade import CascadeCorrelation, cascade_correlation
from nn.models.char_model import CharRNN, char_lstm, char_rnn, char_window
from nn.models.cifar_resnet import (
    CifarBlock, CifarResNet, PreActCifarResNet, plain20, plain56, preact_resnet20, preact_resnet56, resnet20, resnet32,
    resnet44, resnet56, resnet110,
)
from nn.models.densenet import DenseNet, densenet121, densenet169, densenet201, densenet_bc
from nn.models.gan import dcgan, gan
from nn.models.gates import NandNetwork, logic_gate, nand
from nn.models.googlenet import GoogLeNet, googlenet
from nn.models.gpt import GPT, GPTBlock, gpt
from nn.models.lenet import lenet5
from nn.models.nf_resnet import NFResNet, nf_resnet18, nf_resnet20
from nn.models.perceptron import mlp, perceptron
from nn.models.resnet import ResNet, resnet18, resnet34, resnet50, resnet101, resnet152, se_resnet18, se_resnet50
from nn.models.unet import UNet, unet
from nn.models.vgg import VGG, vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn
# fmt: on
# isort: on

__all__ = [
    "GPT", "VGG", "AlexNet", "Autoencoder", "CascadeCorrelation", "CharRNN", "CifarBlock", "CifarResNet", "DenseNet",
    "EncoderDecoder", "GPTBlock", "GoogLeNet", "NFResNet", "NandNetwork", "PreActCifarResNet", "ResNet", "UNet",
    "alexnet", "all_conv", "autoencoder", "cascade_correlation", "char_lstm", "char_rnn", "char_window",
    "conv_autoencoder", "dcgan", "denoising_autoencoder", "densenet121", "densenet169", "densenet201", "densenet_bc",
    "encoder_decoder", "gan", "googlenet", "gpt", "lenet5", "logic_gate", "mlp", "nand", "nf_resnet18", "nf_resnet20",
    "perceptron", "plain20", "plain56", "preact_resnet20", "preact_resnet56", "resnet18", "resnet20", "resnet32",
    "resnet34", "resnet44", "resnet50", "resnet56", "resnet101", "resnet110", "resnet152", "se_resnet18", "se_resnet50",
    "strided_cnn", "unet", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn", "zfnet",
]  # fmt: skip
