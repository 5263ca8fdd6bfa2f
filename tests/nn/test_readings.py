"""How layers are printed: as in PyTorch 2.13."""

import pytest

import autograd_core as ag
import nn

READINGS = {
    "Conv2d(2, 4, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), dilation=(2, 2), groups=2, bias=False, "
    "padding_mode=reflect)": lambda: nn.Conv2d(2, 4, 3, 2, 1, 2, 2, False, "reflect"),
    "Conv1d(1, 2, kernel_size=(3,), stride=(1,), padding=same)": lambda: nn.Conv1d(1, 2, 3, padding="same"),
    "AvgPool2d(kernel_size=2, stride=2, padding=0)": lambda: nn.AvgPool2d(2),
    "AvgPool1d(kernel_size=(2,), stride=(2,), padding=(0,))": lambda: nn.AvgPool1d(2),
    "AdaptiveAvgPool2d(output_size=(1, 1))": lambda: nn.AdaptiveAvgPool2d((1, 1)),
    "BatchNorm1d(3, eps=1e-05, momentum=None, affine=False, bias=False, track_running_stats=True)": (
        lambda: nn.BatchNorm1d(3, momentum=None, affine=False)
    ),
    "Dropout2d(p=0.3, inplace=True)": lambda: nn.Dropout2d(0.3, inplace=True),
    "Unflatten(dim=1, unflattened_size=(2, 3))": lambda: nn.Unflatten(1, (2, 3)),
    "Identity()": lambda: nn.Identity(5),
    "ReLU(inplace=True)": lambda: nn.ReLU(inplace=True),
    "LeakyReLU(negative_slope=0.01, inplace=True)": lambda: nn.LeakyReLU(inplace=True),
    "Hardtanh(min_val=-1.0, max_val=1.0)": nn.Hardtanh,
    "Hardswish()": lambda: nn.Hardswish(inplace=True),
    "Softplus(beta=1.0, threshold=20.0)": nn.Softplus,
    "GELU(approximate='none')": nn.GELU,
    "PReLU(num_parameters=3)": lambda: nn.PReLU(3, 0.1),
    "Softshrink(0.5)": nn.Softshrink,
    "Threshold(threshold=0.1, value=20)": lambda: nn.Threshold(0.1, 20),
    "LogSoftmax(dim=1)": lambda: nn.LogSoftmax(1),
    "CrossEntropyLoss()": lambda: nn.CrossEntropyLoss(ag.ones(3)),
    "GLU(dim=1)": lambda: nn.GLU(1),
    "RReLU(lower=0.1, upper=0.2, inplace=True)": lambda: nn.RReLU(0.1, 0.2, inplace=True),
    "Softmin(dim=0)": lambda: nn.Softmin(0),
    "LayerNorm((3, 4), eps=1e-05, elementwise_affine=True, bias=False)": lambda: nn.LayerNorm((3, 4), bias=False),
    "RMSNorm((4,), eps=None, elementwise_affine=True)": lambda: nn.RMSNorm(4),
    "GroupNorm(2, 4, eps=1e-05, affine=False, bias=False)": lambda: nn.GroupNorm(2, 4, affine=False),
    "InstanceNorm2d(3, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=False)": lambda: (
        nn.InstanceNorm2d(3)
    ),
    "LocalResponseNorm(5, alpha=0.0001, beta=0.75, k=1.0)": lambda: nn.LocalResponseNorm(5),
    "ConvTranspose2d(2, 4, kernel_size=(3, 3), stride=(2, 2), "
    "padding=(1, 1), dilation=(2, 2), output_padding=(1, 1), groups=2, bias=False)": lambda: nn.ConvTranspose2d(
        2, 4, 3, 2, 1, output_padding=1, groups=2, bias=False, dilation=2
    ),
    "LazyConv2d(0, 4, kernel_size=(3, 3), stride=(1, 1))": lambda: nn.LazyConv2d(4, 3),
    "AdaptiveMaxPool2d(output_size=(None, 3))": lambda: nn.AdaptiveMaxPool2d((None, 3)),
    "MaxUnpool2d(kernel_size=(2, 2), stride=(2, 2), padding=(0, 0))": lambda: nn.MaxUnpool2d(2),
    "LPPool2d(norm_type=2, kernel_size=3, stride=2, ceil_mode=False)": lambda: nn.LPPool2d(2, 3, stride=2),
    "ZeroPad2d((1, 2, 3, 4))": lambda: nn.ZeroPad2d((1, 2, 3, 4)),
    "ConstantPad1d(padding=(2, 2), value=3.5)": lambda: nn.ConstantPad1d(2, 3.5),
    "ReflectionPad3d((1, 1, 1, 1, 1, 1))": lambda: nn.ReflectionPad3d(1),
    "Upsample(scale_factor=2.0, mode='nearest')": lambda: nn.Upsample(scale_factor=2),
    "Upsample(size=(3, 4), mode='bilinear')": lambda: nn.Upsample((3, 4), mode="bilinear"),
    "PixelShuffle(upscale_factor=3)": lambda: nn.PixelShuffle(3),
    "PixelUnshuffle(downscale_factor=3)": lambda: nn.PixelUnshuffle(3),
    "ChannelShuffle(groups=2)": lambda: nn.ChannelShuffle(2),
    "Unfold(kernel_size=3, dilation=1, padding=1, stride=1)": lambda: nn.Unfold(3, padding=1),
    "Fold(output_size=(4, 5), kernel_size=2, dilation=1, padding=0, stride=1)": lambda: nn.Fold((4, 5), 2),
    "Bilinear(in1_features=2, in2_features=3, out_features=4, bias=False)": lambda: nn.Bilinear(2, 3, 4, bias=False),
    "RNNCell(3, 4)": lambda: nn.RNNCell(3, 4),
    "GRU(3, 4, num_layers=2)": lambda: nn.GRU(3, 4, 2),
    "FeatureAlphaDropout(p=0.3, inplace=False)": lambda: nn.FeatureAlphaDropout(0.3),
}


@pytest.mark.parametrize("text", READINGS)
def test_layers_read_as_in_pytorch(text):
    assert repr(READINGS[text]()) == text
