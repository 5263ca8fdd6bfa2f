"""Lazy layers, buffers by assignment, embeddings, and what layers refuse. Values: test_module_values."""

import copy

import numpy as np
import pytest

import autograd_core as ag
import nn


def test_a_lazy_layer_becomes_what_it_stands_for():
    model = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(5)).double()
    parameters = list(model.parameters())
    assert [p.numel() for p in parameters] == [0, 4, 0, 0, 0, 5]
    assert model[0].has_uninitialized_params()
    waiting = [isinstance(copy.deepcopy(p), nn.UninitializedParameter) for p in parameters]
    assert waiting == [True, False, True, True, True, False]
    assert all(isinstance(p, nn.Parameter) for p in parameters)
    assert model(ag.zeros(2, 3, 8, 8, dtype="float64")).shape == (2, 5)
    assert [type(m) for m in model] == [nn.Conv2d, nn.BatchNorm2d, nn.Flatten, nn.Linear]
    assert all(a is b for a, b in zip(parameters, model.parameters(), strict=True))
    assert [tuple(p.shape) for p in parameters] == [(4, 3, 3, 3), (4,), (4,), (4,), (5, 144), (5,)]
    assert not any(isinstance(p, nn.UninitializedParameter) for p in model.parameters())
    with pytest.raises(RuntimeError, match="has its elements"):
        parameters[0].materialize((2,))
    assert (model[0].in_channels, model[1].num_features, model[3].in_features) == (3, 4, 144)
    assert all(p.dtype == np.float64 for p in parameters)
    assert 0 < abs(model[3].weight.detach().numpy()).max() <= 1 / 12


def test_a_lazy_model_becomes_what_it_loads():
    complete = nn.Sequential(
        nn.LazyConv2d(4, 3, groups=2),
        nn.LazyBatchNorm2d(),
        nn.LazyConvTranspose2d(6, 2, groups=2),
        nn.Flatten(),
        nn.LazyLinear(3),
    ).eval()
    lazy = copy.deepcopy(complete)
    lazy.load_state_dict(copy.deepcopy(lazy).state_dict())
    assert lazy[0].has_uninitialized_params()
    mixin = nn.modules.lazy.LazyModuleMixin
    assert [isinstance(layer, mixin) for layer in lazy] == [True, True, True, False, True]
    x = ag.ones(1, 6, 5, 5)
    complete(x)
    lazy.load_state_dict(complete.state_dict())
    assert str(lazy) == str(complete)
    assert not any(isinstance(layer, mixin) for layer in lazy)
    assert ag.equal(lazy(x), complete(x))
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        complete[4].load_state_dict(nn.LazyLinear(3).state_dict())


class Outer(nn.modules.lazy.LazyModuleMixin, nn.Module):
    def __init__(self, rank):
        super().__init__()
        self.rank, self.weight = rank, nn.UninitializedParameter(dtype=ag.float64)

    def initialize_parameters(self, x, y=None):
        if self.rank:
            self.weight.materialize((x.shape[-1], self.rank))
            nn.init.ones_(self.weight)

    def forward(self, x, y=None):
        return x @ self.weight


class Complete(Outer):
    pass


def test_a_module_of_a_program_can_be_lazy():
    lazy = Outer(2)
    lazy.cls_to_become = Complete
    (weight,) = lazy.parameters()
    assert isinstance(weight, nn.UninitializedParameter)
    assert (lazy.has_uninitialized_params(), weight.requires_grad, weight.dtype) == (True, True, np.float64)
    assert lazy(ag.ones(1, 3, dtype=ag.float64), y=1).tolist() == [[3, 3]]
    assert list(lazy.parameters()) == [weight]
    assert (type(lazy), lazy.has_uninitialized_params(), type(weight)) == (Complete, False, ag.Tensor)
    lazy(ag.ones(2, 3, dtype=ag.float64))  # is not asked again
    other = Outer(2)
    other.load_state_dict(other.state_dict())
    assert other.has_uninitialized_params()
    other.load_state_dict(lazy.state_dict())
    assert ag.equal(other.weight, weight)
    with pytest.raises(RuntimeError, match="left parameters without elements"):
        Outer(0)(ag.ones(1, 3))
    with pytest.raises(NotImplementedError, match="initialize_parameters"):
        nn.modules.lazy.LazyModuleMixin.initialize_parameters(lazy)


def test_a_lazy_layer_keeps_its_hooks_and_mode():
    layer, seen = nn.LazyLinear(2).eval(), []
    layer.register_forward_hook(lambda *_: seen.append(1))
    layer(ag.zeros(1, 3))
    assert (seen, layer.training) == ([1], False)
    with pytest.raises(RuntimeError, match="cannot infer its number of inputs"):
        nn.LazyConv3d(1, 1)(ag.zeros(2, 2))


def test_buffers_by_assignment():
    module = nn.Module()
    module.mean = nn.Buffer(ag.ones(2))
    module.mask = nn.Buffer(ag.zeros(2), persistent=False)
    assert [name for name, _ in module.named_buffers()] == ["mean", "mask"]
    assert list(module.state_dict()) == ["mean"]
    module.mean = ag.zeros(2)
    assert list(module.state_dict()) == ["mean"]
    assert isinstance(nn.Buffer(), nn.Buffer)
    assert not isinstance(module.mean, nn.Parameter)


def test_embeddings():
    table = nn.Embedding(5, 3, padding_idx=-1)
    assert table.weight[4].tolist() == [0, 0, 0]
    table(ag.tensor([4, 1])).sum().backward()
    assert table.weight.grad.sum(dim=1).tolist() == [0, 3, 0, 0, 0]
    frozen = nn.Embedding.from_pretrained(ag.ones(2, 3))
    assert not frozen.weight.requires_grad
    assert nn.EmbeddingBag.from_pretrained(ag.ones(2, 3), freeze=False, mode="sum").weight.requires_grad
    assert repr(nn.Embedding(5, 3, padding_idx=-1, max_norm=2.0)) == "Embedding(5, 3, padding_idx=4, max_norm=2.0)"
    assert repr(nn.EmbeddingBag(5, 3, padding_idx=1)) == "EmbeddingBag(5, 3, mode='mean', padding_idx=1)"
    with pytest.raises(AssertionError, match="padding_idx"):
        nn.Embedding(5, 3, padding_idx=5)
    with pytest.raises(AssertionError, match=r"must have shape \(5, 3\)"):
        nn.Embedding(5, 3, _weight=ag.ones(3, 5))
    with pytest.raises(AssertionError, match="two axes"):
        nn.Embedding.from_pretrained(ag.ones(3))


def test_output_sizes_of_transposed_convolution():
    layer = nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1)
    x = ag.zeros(1, 1, 5, 5)
    assert layer(x).shape == (1, 1, 9, 9)
    assert layer(x, output_size=(10, 9)).shape == (1, 1, 10, 9)
    assert layer(x, output_size=(1, 1, 9, 10)).shape == (1, 1, 9, 10)
    assert layer(x[0], output_size=(1, 9, 10)).shape == (1, 9, 10)
    with pytest.raises(ValueError, match=r"valid sizes range from \[9, 9\] to \[10, 10\]"):
        layer(x, output_size=(11, 9))
    with pytest.raises(ValueError, match='Only "zeros"'):
        nn.ConvTranspose1d(1, 1, 1, padding_mode="reflect")


def test_unpooling_and_fractional_pooling():
    x = ag.tensor(np.random.default_rng(0).permutation(32).reshape(1, 2, 4, 4).astype(float))
    values, indices = nn.MaxPool2d(2, return_indices=True)(x)
    y = nn.MaxUnpool2d(2)(values, indices)
    assert y.max() == x.max()
    assert np.count_nonzero(y.numpy()) in (7, 8)
    samples = ag.full((1, 2, 2), 0.5, dtype="float64")
    assert nn.FractionalMaxPool2d(2, output_ratio=0.5, _random_samples=samples)(x).shape == (1, 2, 2, 2)
    assert nn.FractionalMaxPool3d(1, output_size=2)(x.unsqueeze(0)).shape == (1, 1, 2, 2, 2)
    with pytest.raises(ValueError, match="either output_size or output_ratio"):
        nn.FractionalMaxPool2d(2)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: nn.GroupNorm(3, 4), "divisible by num_groups"),
        (lambda: nn.InstanceNorm2d(3)(ag.zeros(2, 2)), "expected 3D or 4D"),
        (lambda: nn.InstanceNorm1d(3, affine=True)(ag.zeros(2, 4, 5)), "was given 4 channels"),
        (lambda: nn.ReflectionPad2d(1)(ag.zeros(3, 3)), r"takes 3 or 4 axes, not shape \(3, 3\)"),
        (lambda: nn.Softmax2d()(ag.zeros(2, 2)), "3D or 4D"),
        (lambda: nn.Bilinear(0, 1, 1), "in1_features"),
        (lambda: nn.MultiMarginLoss(p=3), "p 1 or 2"),
        (lambda: nn.TripletMarginLoss(margin=0), "TripletMarginLoss: expected margin"),
        (lambda: nn.TripletMarginWithDistanceLoss(margin=-1), "got -1 instead"),
        (lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 5, []), "length larger than 0"),
        (lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 5, [3, 2]), "increasing order"),
        (lambda: nn.AdaptiveLogSoftmaxWithLoss(8, 5, [2])(ag.zeros(1, 8), ag.tensor([7])), "values in range"),
        (lambda: nn.AdaptiveLogSoftmaxWithLoss(8, 5, [2])(ag.zeros(2, 8), ag.tensor([1])), "do not match"),
        (lambda: nn.LinearCrossEntropyLoss(2, 3, label_smoothing=2), "between 0 and 1"),
        (lambda: nn.LinearCrossEntropyLoss(2, 3, weight=ag.ones(2)), "weight must have shape"),
        (lambda: nn.MultiheadAttention(8, 0), "greater than 0"),
        (lambda: nn.TransformerEncoderLayer(8, 2, activation="sin"), "relu/gelu"),
        (lambda: nn.Transformer(8, 2, 1, 1)(ag.zeros(2, 3, 8), ag.zeros(2, 4, 8)), "the same batch size"),
        (lambda: nn.Transformer(8, 2, 1, 1)(ag.zeros(2, 3, 6), ag.zeros(2, 3, 6)), "d_model=8"),
        (lambda: nn.DistanceWeightedPool1d(3, sigma=0), "positive sigma"),
    ],
)
def test_what_layers_refuse(make, message):
    with pytest.raises((ValueError, RuntimeError), match=message):
        make()


def test_instance_normalisation_of_other_channels_warns_where_it_does_not_matter():
    with pytest.warns(UserWarning, match="does not matter"):
        nn.InstanceNorm1d(3)(ag.randn(2, 4, 5))


def test_adaptive_softmax_is_a_distribution():
    layer = nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10], div_value=2.0)
    x = ag.randn(3, 8)
    log_p = layer.log_prob(x)
    np.testing.assert_allclose(log_p.exp().sum(dim=1).tolist(), 1, rtol=1e-5)
    target = ag.tensor([2, 7, 19])
    output, loss = layer(x, target)
    np.testing.assert_allclose(output.tolist(), log_p.gather(1, target[:, None])[:, 0].tolist(), rtol=1e-5)
    assert loss.item() == pytest.approx(-output.mean().item())
    assert layer.predict(x).tolist() == log_p.argmax(dim=1).tolist()
    assert layer(x[0], target[0]).output.ndim == 0
    layer.reset_parameters()
    assert layer.log_prob(x).tolist() != log_p.tolist()


def test_masks_of_transformers():
    ag.manual_seed(0)
    model = nn.Transformer(8, 2, 1, 1, 16, dropout=0.0, batch_first=True).eval()
    source, target = ag.randn(2, 5, 8), ag.randn(2, 4, 8)
    mask = nn.Transformer.generate_square_subsequent_mask(4)
    assert mask[0].tolist() == [0, -np.inf, -np.inf, -np.inf]
    padding = ag.tensor([[False] * 5, [False] * 3 + [True] * 2])
    y = model(source, target, tgt_mask=mask, src_key_padding_mask=padding, memory_key_padding_mask=padding)
    later = ag.cat([target[:, :3], ag.randn(2, 1, 8)], dim=1)
    hidden = ag.cat([source[:, :3], ag.randn(2, 2, 8)], dim=1)
    z = model(hidden, later, tgt_mask=mask, src_key_padding_mask=padding, memory_key_padding_mask=padding)
    np.testing.assert_allclose(z[1, :3].tolist(), y[1, :3].tolist(), atol=1e-5)
    assert abs(z[0] - y[0]).max().item() > 1e-3


# How PyTorch 2.13 prints them.
READINGS = {
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
def test_readings(text):
    assert repr(READINGS[text]()) == text


@pytest.mark.parametrize(
    "layer", [nn.LayerNorm(3), nn.GroupNorm(1, 3), nn.RMSNorm(3), nn.InstanceNorm1d(3, affine=True)]
)
def test_normalisations_start_again(layer):
    for p in layer.parameters():
        p.data = ag.randn(3)
    layer.reset_parameters()
    assert layer.weight.tolist() == [1, 1, 1]
    assert getattr(layer, "bias", None) is None or layer.bias.tolist() == [0, 0, 0]
