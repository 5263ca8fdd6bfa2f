"""The models of the zoo: sizes, shapes, names, gradients, and trained weights."""

import os
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn.models import CifarBlock

DATA = Path(os.environ.get("AUTOGRAD_DATA", Path(__file__).parents[3] / "shared" / "data"))
IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


COUNTS = {
    "alexnet": 61_100_840, "all_conv": 1_369_738, "densenet121": 7_978_856, "densenet169": 14_149_480,
    "densenet201": 20_013_928, "densenet_bc": 769_162, "lenet5": 61_706, "plain20": 269_722, "plain56": 853_018,
    "resnet18": 11_689_512, "resnet20": 269_722, "resnet32": 464_154, "resnet34": 21_797_672, "resnet44": 658_586,
    "resnet50": 25_557_032, "resnet56": 853_018, "resnet101": 44_549_160, "resnet110": 1_727_962,
    "resnet152": 60_192_808, "se_resnet18": 11_778_592, "se_resnet50": 28_088_024, "unet": 31_030_658,
    "vgg11": 132_863_336, "vgg13": 133_047_848, "vgg16": 138_357_544, "vgg19": 143_667_240, "vgg11_bn": 132_868_840,
    "vgg13_bn": 133_053_736, "vgg16_bn": 138_365_992, "vgg19_bn": 143_678_248, "zfnet": 62_357_608,
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTS)
def test_parameter_counts(name):
    model = nn.utils.skip_init(getattr(nn.models, name))
    assert sum(p.numel() for p in model.parameters()) == COUNTS[name]


def test_parameters_of_googlenet_without_its_auxiliary_classifiers():
    assert sum(p.numel() for p in nn.models.googlenet(aux_logits=False).parameters()) == 6_624_904


TOKENS = ag.tensor([[1, 4, 0, 2, 3, 1, 0, 4], [2, 2, 1, 0, 4, 3, 3, 1]])
SMALL = {
    "lenet5": (lambda: nn.models.lenet5(7), (2, 1, 28, 28), (2, 7)),
    "resnet20": (lambda: nn.models.resnet20(7), (2, 3, 32, 32), (2, 7)),
    "plain20": (lambda: nn.models.plain20(7), (2, 3, 16, 16), (2, 7)),
    "preact_resnet20": (lambda: nn.models.preact_resnet20(7), (2, 3, 16, 16), (2, 7)),
    "nf_resnet20": (lambda: nn.models.nf_resnet20(7), (2, 3, 16, 16), (2, 7)),
    "resnet18": (lambda: nn.models.resnet18(7), (2, 3, 64, 64), (2, 7)),
    "se_resnet18": (lambda: nn.models.se_resnet18(7), (2, 3, 64, 64), (2, 7)),
    "densenet": (lambda: nn.models.densenet_bc(16, 4, 7), (2, 3, 16, 16), (2, 7)),
    "googlenet": (lambda: nn.models.googlenet(7, aux_logits=False), (2, 3, 64, 64), (2, 7)),
    "all_conv A": (lambda: nn.models.all_conv("A", 7), (2, 3, 32, 32), (2, 7)),
    "all_conv B": (lambda: nn.models.all_conv("B", 7), (2, 3, 16, 16), (2, 7)),
    "strided_cnn": (lambda: nn.models.strided_cnn(7), (2, 1, 28, 28), (2, 7)),
    "unet valid": (lambda: nn.models.unet(width=2), (1, 1, 188, 188), (1, 2, 4, 4)),
    "unet same": (lambda: nn.models.unet(3, 5, "same", width=2, batch_norm=True), (1, 3, 32, 48), (1, 5, 32, 48)),
    "autoencoder": (lambda: nn.models.autoencoder(20, 8, 3), (4, 20), (4, 20)),
    "denoising": (lambda: nn.models.denoising_autoencoder(1, (2, 4)), (2, 1, 12, 8), (2, 1, 12, 8)),
    "encoder_decoder": (lambda: nn.models.encoder_decoder(3, 1, (4, 8)), (2, 3, 12, 8), (2, 1, 12, 8)),
    "no skips": (lambda: nn.models.encoder_decoder(3, 1, (4, 8), skips=False), (2, 3, 12, 8), (2, 1, 12, 8)),
    "char_window": (lambda: nn.models.char_window(5), TOKENS, (2, 5)),
    "char_rnn": (lambda: nn.models.char_rnn(5, 8), TOKENS, (2, 8, 5)),
    "char_lstm": (lambda: nn.models.char_lstm(5, 8, num_layers=2), TOKENS, (2, 8, 5)),
    "gpt": (lambda: nn.models.gpt(5, 8, 2, 2, 8), TOKENS, (2, 8, 5)),
    "gan": (lambda: nn.Sequential(*nn.models.gan(4, (1, 6, 6), 8)), (3, 4), (3, 1)),
    "dcgan": (lambda: nn.Sequential(*nn.models.dcgan(4, 1, 2)), (3, 4), (3, 1)),
}


@pytest.mark.parametrize("name", SMALL)
def test_forward_and_backward(name):
    make, given, shape = SMALL[name]
    ag.manual_seed(0)
    model = make()
    output = model(given if isinstance(given, ag.Tensor) else ag.rand(*given))
    scores = output[0] if isinstance(output, tuple) else output
    assert scores.shape == shape
    scores.square().mean().backward()
    assert all(p.grad is not None and np.isfinite(p.grad.numpy()).all() for p in model.parameters())


def test_googlenet_has_three_classifiers_in_training():
    model = nn.utils.skip_init(nn.models.googlenet, 5)
    outputs = model(ag.rand(2, 3, 64, 64))
    assert [tuple(t.shape) for t in outputs] == [(2, 5)] * 3
    assert outputs._fields == ("logits", "aux_logits2", "aux_logits1")
    assert model.eval()(ag.rand(2, 3, 64, 64)).shape == (2, 5)


# The first, some middle and the last keys of torchvision's checkpoints.
KEYS = {
    "resnet18": ["conv1.weight", "bn1.num_batches_tracked", "layer2.0.downsample.1.running_var", "fc.bias"],
    "resnet50": ["layer1.0.conv3.weight", "layer1.0.downsample.0.weight", "layer4.2.bn3.bias", "fc.weight"],
    "alexnet": ["features.0.weight", "features.3.bias", "classifier.1.weight", "classifier.6.bias"],
    "vgg16": ["features.0.weight", "features.28.bias", "classifier.0.weight", "classifier.6.bias"],
    "vgg16_bn": ["features.1.running_mean", "features.41.weight", "classifier.3.weight"],
    "densenet121": [
        "features.conv0.weight", "features.denseblock1.denselayer1.norm1.weight",
        "features.transition3.conv.weight", "features.denseblock4.denselayer16.conv2.weight",
        "features.norm5.running_var", "classifier.bias",
    ],
    "googlenet": [
        "conv1.conv.weight", "conv3.bn.running_mean", "inception3a.branch2.1.conv.weight",
        "inception5b.branch4.1.bn.bias", "aux1.conv.bn.weight", "aux2.fc2.bias", "fc.weight",
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", KEYS)
def test_names_are_torchvisions(name):
    keys = list(nn.utils.skip_init(getattr(nn.models, name)).state_dict())
    assert sorted(KEYS[name], key=keys.index) == KEYS[name]


def test_generating():
    start = TOKENS[:, :3]
    for model in (nn.models.char_lstm(5, 8), nn.models.gpt(5, 6, 1, 2, 8).eval()):
        ag.manual_seed(1)
        drawn = model.generate(start, 7)
        best = model.generate(start, 7, temperature=0)
        assert drawn.shape == best.shape == (2, 10)
        assert (best[:, :3] == start).all()
        output = model(best[:, 3:-1])
        if not isinstance(output, tuple):
            assert (output[:, -1].argmax(-1) == best[:, -1]).all()
    with pytest.raises(RuntimeError, match="up to 6 tokens"):
        model(best)


def test_what_does_not_fit_is_said():
    with pytest.raises(RuntimeError, match="multiple of 16"):
        nn.models.unet(padding="same", width=2)(ag.zeros(1, 1, 30, 32))
    with pytest.raises(RuntimeError, match="572 and 188 fit"):
        nn.models.unet(width=2)(ag.zeros(1, 1, 190, 188))
    with pytest.raises(RuntimeError, match="multiples of 4"):
        nn.models.encoder_decoder(widths=(4, 8))(ag.zeros(1, 1, 6, 8))
    with pytest.raises(ValueError, match="6·n"):
        nn.models.densenet_bc(101)
    with pytest.raises(ValueError, match="A, B, C"):
        nn.models.all_conv("D")
    with pytest.raises(ValueError, match="valid"):
        nn.models.unet(padding="full")
    with pytest.raises(ValueError, match="rnn, lstm, gru"):
        nn.models.CharRNN(5, cell="qrnn")


def test_alexnet_with_the_normalisation_of_its_time():
    kinds = [type(m).__name__ for m in nn.utils.skip_init(nn.models.alexnet, local_response_norm=True).features]
    assert kinds[:4] == ["Conv2d", "ReLU", "LocalResponseNorm", "MaxPool2d"]
    assert kinds.count("LocalResponseNorm") == 2


def test_perceptron_and_mlp():
    assert nn.models.perceptron(3)(ag.zeros(2, 3)).shape == (2, 1)
    layers = nn.models.mlp(2, 4, 4, 1, activation=nn.Tanh, dropout=0.1)
    assert [type(m).__name__ for m in layers] == ["Linear", "Tanh", "Dropout", "Linear", "Tanh", "Dropout", "Linear"]
    assert str(nn.models.mlp(2, [4, 4], 1)) == str(nn.models.mlp([2, 4, 4, 1])) == str(nn.models.mlp(2, 4, 4, 1))
    with pytest.raises(ValueError, match="numbers of inputs and outputs"):
        nn.models.mlp(3)


def test_resnet_bears_the_names_of_published_weights():
    keys = list(nn.models.resnet20().state_dict())
    assert keys[:3] == ["conv1.weight", "bn1.weight", "bn1.bias"]
    assert "layer1.0.conv1.weight" in keys
    assert keys[-2:] == ["linear.weight", "linear.bias"]


def test_shortcut_a_subsamples_and_pads_channels():
    x = ag.tensor(np.arange(32.0).reshape(1, 2, 4, 4))
    y = CifarBlock(2, 4, stride=2).shortcut(x).numpy()
    np.testing.assert_array_equal(y[0, 1:3], x.numpy()[0, :, ::2, ::2])
    assert not y[0, [0, 3]].any()
    with pytest.raises(ValueError, match='option must be "A", "B" or "plain"'):
        CifarBlock(2, 4, option="C")


@pytest.mark.parametrize("option", ["A", "B"])
def test_gradient_of_a_residual_block_matches_differences(option):
    ag.manual_seed(0)
    block = CifarBlock(2, 4, stride=2, option=option).double()
    x = ag.randn(3, 2, 4, 4, dtype="float64", requires_grad=True)
    weights = ag.tensor(np.cos(np.arange(48.0)).reshape(3, 4, 2, 2))

    def loss():
        return (block(x) * weights).sum()

    leaves = [x, *block.parameters()]
    for leaf, g in zip(leaves, ag.grad(loss(), leaves), strict=True):
        direction = np.sin(1.0 + np.arange(leaf.numel())).reshape(leaf.shape)
        values = []
        for sign in (1, -1):
            leaf.data.array[...] += sign * 1e-6 * direction
            values.append(loss().item())
            leaf.data.array[...] -= sign * 1e-6 * direction
        assert (values[0] - values[1]) / 2e-6 == pytest.approx((g.numpy() * direction).sum(), rel=1e-5, abs=1e-7)


def test_trained_resnet20_recognises_cifar10():
    files = [DATA / "cifar10_resnet20.safetensors", DATA / "cifar10_train4k_lossless.npz"]
    if not all(file.is_file() for file in files):
        pytest.skip("set AUTOGRAD_DATA to a folder with cifar10_resnet20.safetensors and cifar10_train4k_lossless.npz")
    pytest.importorskip("safetensors", reason='needs pip install "autograd-core[io]"')
    model = nn.models.resnet20().eval()
    model.load_state_dict(nn.load(files[0]))
    with np.load(files[1]) as data:
        images, labels = (data[key][:500] for key in data.files[:2])
    x = ((images / 255.0 - IMAGENET_MEAN) / IMAGENET_STD).astype(np.float32).transpose(0, 3, 1, 2)
    with ag.no_grad():
        found = [model(ag.tensor(x[i : i + 50])).numpy().argmax(1) for i in range(0, 500, 50)]
    assert (np.concatenate(found) == labels).mean() >= 0.99
