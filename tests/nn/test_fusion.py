"""Batch normalisation folded into the layers before it."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core import no_grad


def settled(model):
    """A model whose normalisations have statistics and weights of their own, in evaluation mode."""
    for i, (_, t) in enumerate([*model.named_parameters(), *model.named_buffers()]):
        if t.dtype.kind == "f":
            values = np.random.default_rng(i).uniform(0.5, 1.5, t.shape)
            t.data = ag.tensor(values, dtype=t.dtype)
    return model.eval()


def norms(model):
    return sum(isinstance(m, nn.layers.normalization._BatchNorm) for m in model.modules())


def check(model, x, left=0):
    model = settled(model)
    before = {name: t.numpy().copy() for name, t in model.state_dict().items()}
    with no_grad():
        wanted = model(x).numpy()
        for fused in (nn.fuse(model, x), nn.fuse(model)):
            np.testing.assert_allclose(fused(x).numpy(), wanted, rtol=2e-5, atol=1e-6 * abs(wanted).max())
            assert norms(fused) == left
            assert not fused.training
    for name, t in model.state_dict().items():
        np.testing.assert_array_equal(t.numpy(), before[name])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("affine", [True, False])
def test_convolutions_of_every_rank_and_linear_layers(bias, affine):
    for rank, conv, norm in (
        (1, nn.Conv1d, nn.BatchNorm1d),
        (2, nn.Conv2d, nn.BatchNorm2d),
        (3, nn.Conv3d, nn.BatchNorm3d),
    ):
        model = nn.Sequential(conv(4, 6, 3, padding=1, groups=2, bias=bias), norm(6, affine=affine), nn.ReLU())
        check(model, ag.randn(2, 4, *[5] * rank))
    check(nn.Sequential(nn.Linear(4, 3, bias=bias), nn.BatchNorm1d(3, affine=affine)), ag.randn(5, 4))


def test_a_residual_network():
    check(nn.models.resnet20(), ag.randn(2, 3, 16, 16))


class Block(nn.Module):
    def __init__(self, forward):
        super().__init__()
        self.conv, self.bn, self.bn2 = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.BatchNorm2d(3)
        self._forward = forward

    def forward(self, x):
        return self._forward(self, x)


@pytest.mark.parametrize(
    "forward",
    [
        lambda m, x: m.bn2(m.bn(x) + m.conv(x)),  # the layer's output is not what is normalised
        lambda m, x: m.bn(y := m.conv(x)) + m.bn2(y),  # or is used twice
        lambda m, x: m.bn(m.conv(m.conv(x))) + m.bn2(x),  # the layer is used twice
        lambda m, x: m.bn(m.conv(x)) + m.bn(x) + m.bn2(x),  # the normalisation is
        lambda m, x: m.bn2(m.bn(m.conv(x).relu())),
    ],
    ids=["sum", "output twice", "layer twice", "normalisation twice", "activation"],
)
def test_only_what_follows_a_layer_alone_is_folded(forward):
    check(Block(forward), ag.randn(2, 3, 2, 2), left=2)


def test_a_layer_that_shares_its_weight_stays():
    model = Block(lambda m, x: m.bn2(m.bn(m.conv(x)) + m.other(x)))
    model.other = nn.Conv2d(3, 3, 1)
    model.other.weight = model.conv.weight
    check(model, ag.randn(2, 3, 2, 2), left=2)


def test_statistics_of_the_batch_stay():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3, track_running_stats=False))
    check(model, ag.randn(4, 2), left=1)


def test_several_outputs_and_an_output_that_is_also_normalised():
    model = settled(Block(lambda m, x: {"raw": (y := m.conv(x)), "normal": m.bn2(m.bn(y))}))
    x = ag.randn(2, 3, 2, 2)
    fused = nn.fuse(model, x)
    assert norms(fused) == 2
    with no_grad():
        np.testing.assert_array_equal(fused(x)["raw"].numpy(), model(x)["raw"].numpy())


def test_copies_made_before_the_first_call_fold_themselves():
    x = ag.randn(4, 2)
    for copied in (copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))):
        model = copied(nn.fuse(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))))
        model(x)
        assert norms(model) == 0


def test_a_model_that_reads_its_layers_weights_is_refused():
    model = settled(Block(lambda m, x: m.bn2(m.bn(m.conv(x))) * m.conv.weight.sum()))
    with pytest.raises(RuntimeError, match="cannot be fused"):
        nn.fuse(model, ag.randn(2, 3, 2, 2))


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("kind, transpose", [("Linear", False), ("Conv1d", False), ("ConvTranspose1d", True)])
def test_a_pair_is_fused_by_hand(kind, transpose, affine):
    layer = nn.Linear(3, 4) if kind == "Linear" else getattr(nn, kind)(3, 4, 2, bias=affine)
    norm, x = nn.BatchNorm1d(4, affine=affine), ag.randn(5, 3, dtype="float64")
    x = x if kind == "Linear" else ag.randn(5, 3, 6, dtype="float64")
    for m in (layer.double(), norm.double()):
        for t in m.parameters():
            t.data = ag.rand_like(t.data) + 0.5
    norm(layer(x))
    fuse = (
        nn.utils.fuse_linear_bn_eval if kind == "Linear" else partial(nn.utils.fuse_conv_bn_eval, transpose=transpose)
    )
    with pytest.raises(ValueError, match="call eval"):
        fuse(layer, norm)
    fused = fuse(layer.eval(), norm.eval())
    assert fused.weight.requires_grad
    assert fused.bias.requires_grad == (layer.bias is not None)
    assert fused is not layer
    np.testing.assert_allclose(fused(x).detach().numpy(), norm(layer(x)).detach().numpy(), rtol=1e-10, atol=1e-12)


def test_pairs_that_do_not_fit():
    with pytest.raises(ValueError, match=r"returns 4 features, but .* takes 3"):
        nn.utils.fuse_linear_bn_eval(nn.Linear(2, 4).eval(), nn.BatchNorm1d(3).eval())
    with pytest.raises(ValueError, match="no running statistics"):
        nn.utils.fuse_conv_bn_eval(nn.Conv1d(2, 4, 1).eval(), nn.BatchNorm1d(4, track_running_stats=False).eval())
