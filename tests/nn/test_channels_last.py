"""Images stay channels-last in memory through whole networks: no layer makes the next one copy."""

import pytest

import autograd_core as ag
import autograd_core.testing.refusing  # registers the device "refusing", whose arrays have CuPy's order in memory
import backends
import nn
from backends.geometry import channels_last
from nn import functional as F


class EncoderDecoder(nn.Module):
    """A U-Net of one level."""

    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.middle = nn.Sequential(nn.Conv2d(8, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.up = nn.Parameter(ag.randn(16, 8, 2, 2))
        self.last = nn.Conv2d(16, 2, 1)

    def forward(self, x):
        skip = self.down(x)
        inner = self.middle(F.max_pool2d(skip, 2))
        return self.last(ag.cat([skip, F.conv_transpose2d(inner, self.up, stride=2)], dim=1))


def vgg_style():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Dropout2d(0.1),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(16, 8, 3, padding=1),
        nn.Sigmoid(),
        nn.AdaptiveAvgPool2d(1),
    )


def lies_channels_last(x):
    """Gaps do not matter: part of the channels of an image is one, too."""
    strides = [s for s, k in zip(channels_last(x).strides, channels_last(x).shape, strict=True) if k > 1]
    return strides == sorted(strides, reverse=True)


@pytest.mark.parametrize("make", [nn.models.resnet20, vgg_style, EncoderDecoder])
@pytest.mark.parametrize("kernels, device", [("numpy", "cpu"), ("auto", "cpu"), ("auto", "refusing")])
def test_convolutions_and_normalisations_find_images_channels_last(make, kernels, device, monkeypatch):
    model, bound, copied = make().to(device), backends.get(device).namespace.kernels, []

    def watch(name, images):
        kernel = getattr(bound, name)

        def watched(*args, **given):
            found = [args[i] for i in images]
            copied.extend(a.shape for a in found if not lies_channels_last(a))
            return kernel(*args, **given)

        monkeypatch.setattr(bound, name, watched)

    x = ag.randn(4, 3, 16, 16, device=device)
    with ag.config.using(kernels):
        model(x).sum().backward()  # kernels that are loaded when they are first called are there now
    watch("convolve", [0])
    watch("convolve_input", [0])
    watch("convolve_weight", [0, 1])
    watch("batch_gradients", [0, 1])
    with ag.config.using(kernels):
        y = model(x)
        assert set(copied) <= {x.shape}  # what the user gave is as it is
        copied.clear()
        (y * ag.randn(*y.shape, device=device)).sum().backward()
        assert set(copied) <= {x.shape, y.shape}
