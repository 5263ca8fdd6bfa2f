"""The models of the zoo: sizes, shapes, names, gradients, and trained weights."""

import os
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn.models.resnet import BasicBlock

DATA = Path(os.environ.get("AUTOGRAD_DATA", Path(__file__).parents[3] / "shared" / "data"))
IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


@pytest.mark.parametrize(
    "name, count",
    [("lenet5", 61_706), ("resnet20", 269_722), ("resnet32", 464_154), ("resnet44", 658_586), ("resnet56", 853_018),
     ("resnet110", 1_727_962)],
)  # fmt: skip
def test_parameter_counts(name, count):
    assert sum(p.numel() for p in getattr(nn.models, name)().parameters()) == count


@pytest.mark.parametrize("name, shape", [("lenet5", (2, 1, 28, 28)), ("resnet20", (2, 3, 32, 32))])
def test_forward_and_backward(name, shape):
    model = getattr(nn.models, name)(num_classes=7)
    scores = model(ag.randn(*shape))
    assert scores.shape == (2, 7)
    nn.functional.cross_entropy(scores, ag.tensor([1, 3])).backward()
    assert all(p.grad is not None and np.isfinite(p.grad.numpy()).all() for p in model.parameters())


def test_perceptron_and_mlp():
    assert nn.models.perceptron(3)(ag.zeros(2, 3)).shape == (2, 1)
    layers = nn.models.mlp(2, 4, 4, 1, activation=nn.Tanh, dropout=0.1)
    assert [type(m).__name__ for m in layers] == ["Linear", "Tanh", "Dropout", "Linear", "Tanh", "Dropout", "Linear"]
    with pytest.raises(ValueError, match="number of inputs and of outputs"):
        nn.models.mlp(3)


def test_resnet_bears_the_names_of_published_weights():
    keys = list(nn.models.resnet20().state_dict())
    assert keys[:3] == ["conv1.weight", "bn1.weight", "bn1.bias"]
    assert "layer1.0.conv1.weight" in keys
    assert keys[-2:] == ["linear.weight", "linear.bias"]


def test_shortcut_a_subsamples_and_pads_channels():
    x = ag.tensor(np.arange(32.0).reshape(1, 2, 4, 4))
    y = BasicBlock(2, 4, stride=2).shortcut(x).numpy()
    np.testing.assert_array_equal(y[0, 1:3], x.numpy()[0, :, ::2, ::2])
    assert not y[0, [0, 3]].any()
    with pytest.raises(ValueError, match='option must be "A" or "B"'):
        BasicBlock(2, 4, option="C")


@pytest.mark.parametrize("option", ["A", "B"])
def test_gradient_of_a_residual_block_matches_differences(option):
    ag.manual_seed(0)
    block = BasicBlock(2, 4, stride=2, option=option).double()
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
    assert (np.concatenate(found) == labels).mean() >= 0.98
