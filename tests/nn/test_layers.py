"""Layers: what they compute, and what they refuse. For values see also test_module_values."""

import inspect
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
import nn
from nn import functional as F


def test_linear_is_an_affine_map():
    m = nn.Linear(3, 2, dtype="float64")
    x = np.arange(12.0).reshape(2, 2, 3)
    np.testing.assert_allclose(
        m(ag.tensor(x)).detach().numpy(), x @ m.weight.detach().numpy().T + m.bias.detach().numpy()
    )
    assert nn.Linear(3, 2, bias=False).bias is None


X = np.array([-3.0, -0.5, 2.0])
ACTIVATIONS = {
    "ReLU": [0, 0, 2],
    "ReLU6": [0, 0, 2],
    "LeakyReLU": [-0.03, -0.005, 2],
    "PReLU": [-0.75, -0.125, 2],
    "ELU": [np.expm1(-3), np.expm1(-0.5), 2],
    "CELU": [np.expm1(-3), np.expm1(-0.5), 2],
    "SELU": [-1.670568728767, -0.691758187803, 2.101401974711],
    "GELU": [-0.004049694095, -0.154268769363, 1.954499736104],
    "SiLU": X / (1 + np.exp(-X)),
    "Mish": X * np.tanh(np.log1p(np.exp(X))),
    "Sigmoid": 1 / (1 + np.exp(-X)),
    "LogSigmoid": -np.log1p(np.exp(-X)),
    "Softplus": np.log1p(np.exp(X)),
    "Softsign": [-0.75, -1 / 3, 2 / 3],
    "Tanh": np.tanh(X),
    "Tanhshrink": X - np.tanh(X),
    "Hardtanh": [-1, -0.5, 1],
    "Hardsigmoid": [0, 5 / 12, 5 / 6],
    "Hardswish": [0, -5 / 24, 5 / 3],
    "Hardshrink": [-3, 0, 2],
    "Softshrink": [-2.5, 0, 1.5],
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_layers_compute_their_function(name):
    x = ag.tensor(X[None])
    np.testing.assert_allclose(getattr(nn, name)()(x).detach().numpy()[0], ACTIVATIONS[name], rtol=1e-6)


INPLACE = ("ReLU", "ReLU6", "LeakyReLU", "ELU", "CELU", "SELU", "SiLU", "Mish", "Hardtanh", "Hardsigmoid", "Hardswish")


@pytest.mark.parametrize("layer", [*(getattr(nn, name) for name in INPLACE), partial(nn.Threshold, 0.1, 5.0)])
def test_inplace_activations_write_and_differentiate(layer):
    leaf = ag.tensor([-3.2, -0.4, 0.3, 2.0], dtype="float64", requires_grad=True)
    x = leaf * 1
    y = layer(inplace=True)(x)
    expected = layer()(leaf)
    assert y is x
    assert x.tolist() == expected.tolist()
    weights = ag.tensor([1.0, 2.0, 3.0, 4.0], dtype="float64")
    assert ag.grad((y * weights).sum(), leaf)[0].tolist() == ag.grad((expected * weights).sum(), leaf)[0].tolist()


def test_convolutions_say_whether_they_are_transposed():
    assert not nn.Conv1d(2, 2, 1).transposed
    assert nn.ConvTranspose3d(2, 2, 1).transposed


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", [1, "same"])
def test_padding_modes_of_convolution(mode, padding):
    m = nn.Conv2d(1, 1, 3, padding=padding, padding_mode=mode, bias=False, dtype="float64")
    x = np.arange(20.0).reshape(1, 1, 4, 5) ** 1.5
    numpys = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode]
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)], mode=numpys)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    expected = np.einsum("ncxyhw,ochw->noxy", windows, m.weight.detach().numpy())
    np.testing.assert_allclose(m(ag.tensor(x)).detach().numpy(), expected)


@pytest.mark.parametrize(
    "layer, shape, out",
    [
        (nn.Conv1d(2, 3, 3, stride=2), (4, 2, 9), (4, 3, 4)),
        (nn.Conv3d(1, 2, 2, padding="valid"), (1, 1, 3, 3, 3), (1, 2, 2, 2, 2)),
        (nn.Conv2d(2, 4, (3, 5), padding="same", groups=2), (1, 2, 6, 7), (1, 4, 6, 7)),
        (nn.MaxPool1d(2), (1, 2, 6), (1, 2, 3)),
        (nn.MaxPool2d(3, 2, 1), (1, 2, 6, 6), (1, 2, 3, 3)),
        (nn.MaxPool3d(2), (1, 1, 4, 4, 2), (1, 1, 2, 2, 1)),
        (nn.AvgPool1d(2), (1, 2, 6), (1, 2, 3)),
        (nn.AvgPool2d(2, ceil_mode=True), (1, 1, 5, 5), (1, 1, 3, 3)),
        (nn.AvgPool3d(2), (1, 1, 4, 4, 2), (1, 1, 2, 2, 1)),
        (nn.AdaptiveAvgPool1d(3), (2, 1, 7), (2, 1, 3)),
        (nn.AdaptiveAvgPool2d((None, 3)), (2, 5, 7), (2, 5, 3)),
        (nn.AdaptiveAvgPool3d(1), (2, 1, 3, 4, 5), (2, 1, 1, 1, 1)),
        (nn.Flatten(), (2, 3, 4), (2, 12)),
        (nn.Unflatten(1, (2, 3)), (4, 6), (4, 2, 3)),
        (nn.Softmax(dim=1), (2, 3), (2, 3)),
        (nn.BatchNorm3d(2), (2, 2, 1, 2, 3), (2, 2, 1, 2, 3)),
        (nn.Dropout1d(), (2, 3, 4), (2, 3, 4)),
        (nn.Dropout3d(), (2, 3, 4, 1, 1), (2, 3, 4, 1, 1)),
    ],
)
def test_shapes(layer, shape, out):
    assert layer(ag.randn(*shape)).shape == out


@given(st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_adaptive_pooling_takes_the_mean_of_its_cells(n, cells):
    x = np.arange(n, dtype=float) ** 2
    expected = [x[i * n // cells : -(-(i + 1) * n // cells)].mean() for i in range(cells)]
    np.testing.assert_allclose(F.adaptive_avg_pool1d(ag.tensor(x[None]), cells).numpy()[0], expected)


def test_indices_of_max_pooling():
    values, indices = nn.MaxPool2d(2, return_indices=True)(ag.tensor([[[1.0, 2.0], [4.0, 3.0]]]))
    assert (values.item(), indices.item()) == (4.0, 2)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: nn.Conv2d(3, 4, 3, groups=2), "in_channels must be divisible by groups"),
        (lambda: nn.Conv2d(4, 3, 3, groups=2), "out_channels must be divisible by groups"),
        (lambda: nn.Conv2d(3, 4, 3, groups=0), "positive"),
        (lambda: nn.Conv2d(3, 4, 3, stride=2, padding="same"), "strided"),
        (lambda: nn.Conv2d(3, 4, 3, padding="full"), "Invalid padding string"),
        (lambda: nn.Conv2d(3, 4, 3, padding_mode="mirror"), "padding_mode must be one of"),
        (lambda: nn.Dropout(2), "between 0 and 1, but got 2"),
        (lambda: nn.BatchNorm2d(3)(ag.ones(2, 3)), r"expected 4D input \(got 2D input\)"),
        (lambda: nn.BatchNorm1d(3)(ag.ones(1, 1, 1, 1)), "expected 2D or 3D input"),
        (lambda: nn.BatchNorm1d(3)(ag.ones(4, 2)), "takes 3 channels"),
        (lambda: nn.BatchNorm1d(3)(ag.ones(1, 3)), "more than one value per channel"),
        (lambda: nn.AdaptiveAvgPool2d(1)(ag.ones(2)), "adaptive_avg_pool2d.*has shape"),
        (lambda: nn.AdaptiveAvgPool2d((1, 1, 1))(ag.ones(1, 1, 2, 2)), "does not give 2 lengths"),
        (lambda: nn.Dropout2d()(ag.ones(2)), "dropout2d.*not shape"),
    ],
)
def test_misuse_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("layer", [nn.BatchNorm1d(3), nn.Linear(3, 1), nn.Conv1d(3, 1, 1), nn.LayerNorm(3)])
def test_wrong_widths_are_errors_of_both_kinds(layer):
    for error in (RuntimeError, ValueError):
        with pytest.raises(error):
            layer(ag.ones(5, 4, 2))


# Computed with PyTorch 2.13 in float64.
BATCH = np.arange(12.0).reshape(4, 3) ** 2 / 10


def test_batch_norm_moves_running_statistics():
    m = nn.BatchNorm1d(3, dtype="float64")
    y = m(ag.tensor(BATCH))
    np.testing.assert_allclose(y.detach().numpy()[0], [-0.9999994961, -1.0664355128, -1.1117979684], atol=1e-9)
    np.testing.assert_allclose(m.running_mean.numpy(), [0.315, 0.415, 0.535], rtol=1e-12)
    np.testing.assert_allclose(m.running_var.numpy(), [2.223, 2.823, 3.543], rtol=1e-12)
    with pytest.raises(ValueError, match="more than one value per channel"):
        m(ag.tensor(BATCH[:1]))
    assert m.num_batches_tracked.item() == 1


@pytest.mark.parametrize("eps", [1e-5, 1e-3, 0.3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_variance_of_a_constant_is_not_negative(dtype, eps):
    m = nn.BatchNorm1d(64, eps, dtype=dtype)
    m.running_var.zero_()
    m(ag.linspace(-3, 3, 64, dtype=dtype).expand(8, 64))
    assert (m.running_var >= 0).all()


def test_batch_norm_without_momentum_averages_all_batches():
    m = nn.BatchNorm1d(3, momentum=None, dtype="float64")
    m(ag.tensor(BATCH))
    m(ag.tensor(BATCH + 1))
    np.testing.assert_allclose(m.running_mean.numpy(), [3.65, 4.65, 5.85], rtol=1e-12)
    np.testing.assert_allclose(m.running_var.numpy(), [13.23, 19.23, 26.43], rtol=1e-12)
    y = m.eval()(ag.tensor(BATCH)).detach().numpy()
    np.testing.assert_allclose(y[0], [-1.003489374343879, -1.0375801188739218, -1.060102450838706], rtol=1e-10)
    assert m.num_batches_tracked.item() == 2
    nn.init.zeros_(m.weight)
    m.reset_parameters()
    assert (m.running_mean.tolist(), m.running_var.tolist()) == ([0.0] * 3, [1.0] * 3)
    assert (m.weight.tolist(), m.bias.tolist(), m.num_batches_tracked.item()) == ([1.0] * 3, [0.0] * 3, 0)


def test_running_statistics_can_be_left_alone():
    m, x = nn.BatchNorm1d(2), ag.tensor([[1.0, 2.0], [3.0, 6.0]])
    m.track_running_stats = False
    np.testing.assert_allclose(m(x).tolist(), [[-1, -1], [1, 1]], rtol=1e-4)
    assert (m.running_mean.tolist(), m.num_batches_tracked.item()) == ([0, 0], 0)
    np.testing.assert_allclose(m.eval()(x).tolist(), x.tolist(), rtol=1e-4)


def test_batch_norm_without_statistics_uses_the_batch_in_evaluation_too():
    m = nn.BatchNorm1d(3, track_running_stats=False, affine=False, dtype="float64").eval()
    assert m.state_dict() == {}
    np.testing.assert_allclose(m(ag.tensor(BATCH)).numpy().mean(0), [0.0] * 3, atol=1e-12)


def test_instance_normalisation_is_no_batch_normalisation():
    """It keeps its running statistics where those of batches are computed anew or taken away."""
    batchnorm = nn.modules.batchnorm
    assert all(isinstance(m, batchnorm._NormBase) for m in (nn.InstanceNorm1d(3), nn.BatchNorm1d(3)))
    assert [isinstance(m, batchnorm._BatchNorm) for m in (nn.InstanceNorm1d(3), nn.BatchNorm1d(3))] == [False, True]
    model = nn.Sequential(nn.InstanceNorm1d(3, track_running_stats=True), nn.BatchNorm1d(3))
    model[0].running_mean += 1
    batches = [ag.randn(4, 3, 5) for _ in range(3)]
    expected = nn.InstanceNorm1d(3, track_running_stats=True)
    expected.running_mean += 1
    for x in batches:
        expected(x)
    ag.optim.swa_utils.update_bn(batches, model)
    assert model[0].running_mean.tolist() == expected.running_mean.tolist()
    nn.stateless.replace_all_batch_norm_modules_(model)
    assert [m.running_mean is None for m in model] == [False, True]


def test_batch_norms_become_those_of_all_processes():
    model = nn.Sequential(nn.BatchNorm2d(3), nn.Sequential(nn.BatchNorm1d(3, affine=False), nn.InstanceNorm1d(3)))
    state = model.state_dict()
    assert nn.SyncBatchNorm.convert_sync_batchnorm(model) is model
    assert [type(m) for m in (model[0], *model[1])] == [nn.SyncBatchNorm, nn.SyncBatchNorm, nn.InstanceNorm1d]
    assert list(model.state_dict()) == list(state)
    x = ag.randn(2, 3, 4, 4)
    np.testing.assert_array_equal(model[0](x).tolist(), nn.BatchNorm2d(3)(x).tolist())
    assert state["0.num_batches_tracked"].item() == 1  # the layer has the tensors of the one before
    assert isinstance(nn.SyncBatchNorm.convert_sync_batchnorm(nn.BatchNorm3d(2)), nn.SyncBatchNorm)
    assert "momentum=0.2" in repr(nn.SyncBatchNorm(3, momentum=0.2))


@pytest.mark.parametrize("p", [0.2, 0.5, 0.9])
def test_dropout_keeps_the_mean_and_masks_the_gradient(p):
    ag.manual_seed(0)
    x = ag.ones(40_000, requires_grad=True)
    y = F.dropout(x, p)
    kept = y.detach().numpy() != 0
    np.testing.assert_allclose(y.detach().numpy()[kept], 1 / (1 - p), rtol=1e-6)
    assert abs(kept.mean() - (1 - p)) < 4 * (p * (1 - p) / 40_000) ** 0.5
    y.sum().backward()
    assert (x.grad.numpy() == y.detach().numpy()).all()


def test_dropout_at_its_ends():
    x = ag.ones(5)
    assert F.dropout(x, 0.0) is x
    assert F.dropout(x, 1.0).tolist() == [0.0] * 5
    assert F.dropout(x, 0.5, training=False) is x
    assert F.dropout(x, 1.0, inplace=True) is x
    assert x.tolist() == [0.0] * 5


def test_dropout2d_drops_whole_channels():
    ag.manual_seed(0)
    y = nn.Dropout2d(0.5)(ag.ones(8, 16, 3, 3)).numpy()
    assert set(np.unique(y)) == {0.0, 2.0}
    assert (y == y[:, :, :1, :1]).all()


def test_alpha_dropout_keeps_mean_and_variance():
    ag.manual_seed(0)
    layer = nn.AlphaDropout(0.3)
    y = layer(ag.randn(100_000)).numpy()
    assert abs(y.mean()) < 0.02
    assert abs(y.std() - 1) < 0.02
    assert layer.eval()(x := ag.ones(2)) is x


SCORES, LABELS = ag.tensor([[1.0, 2.0, 0.5], [0.1, 0.2, 3.0]], dtype="float64"), ag.tensor([1, 2])


@pytest.mark.parametrize(
    "loss, scores, target, value",
    [
        (nn.MSELoss(), [1.0, 2.0], [0.0, 4.0], 2.5),
        (nn.L1Loss(reduction="sum"), [1.0, 2.0], [0.0, 4.0], 3.0),
        (nn.HuberLoss(delta=1.5), [1.0, 2.0], [0.0, 4.0], (0.5 + 1.5 * 1.25) / 2),
        (nn.SmoothL1Loss(beta=2.0), [1.0, 2.0], [0.0, 4.0], (0.25 + 1.0) / 2),
        (
            nn.BCELoss(ag.tensor([1.0, 3.0], dtype="float64")),
            [0.5, 0.25],
            [1.0, 0.0],
            (np.log(2) - 3 * np.log(0.75)) / 2,
        ),
        (nn.BCEWithLogitsLoss(pos_weight=ag.tensor(2.0, dtype="float64")), [0.0, 0.0], [1.0, 0.0], 1.5 * np.log(2)),
        (nn.KLDivLoss(reduction="sum"), [0.0, 0.0], [1.0, 1.0], 0.0),
        (nn.CrossEntropyLoss(), SCORES, LABELS, 0.2869851243147052),
        (
            nn.CrossEntropyLoss(ag.tensor([1.0, 2.0, 3.0], dtype="float64"), label_smoothing=0.1),
            SCORES,
            LABELS,
            0.34264969639896126,
        ),
        (nn.NLLLoss(ignore_index=1), -SCORES, LABELS, 3.0),
    ],
)
def test_losses(loss, scores, target, value):
    if isinstance(scores, list):
        scores, target = ag.tensor(scores, dtype="float64"), ag.tensor(target, dtype="float64")
    assert loss(scores, target).item() == pytest.approx(value, rel=1e-7)


@pytest.mark.parametrize("loss", [nn.MSELoss, nn.CrossEntropyLoss, nn.BCELoss])
def test_a_loss_is_made_before_it_is_called(loss):
    with pytest.raises(TypeError, match="made first and called then"):
        loss(ag.ones(2, 3), ag.ones(2, 3))


def test_weights_of_losses_are_state():
    assert list(nn.CrossEntropyLoss(ag.ones(3)).state_dict()) == ["weight"]
    assert list(nn.CrossEntropyLoss().state_dict()) == []


def test_softplus_is_linear_from_a_low_threshold_on():
    x = ag.tensor([-1.0, 0.4, 0.6, 30.0], dtype="float64", requires_grad=True)
    y = nn.Softplus(2.0, threshold=1.0)(x)
    y.sum().backward()
    exact = np.log1p(np.exp([-2.0, 0.8])) / 2
    np.testing.assert_allclose(y.detach().numpy(), [*exact, 0.6, 30.0], rtol=1e-15)
    np.testing.assert_allclose(x.grad.numpy(), [*(1 / (1 + np.exp([2.0, -0.8]))), 1, 1], rtol=1e-15)


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
        (lambda: nn.MultiMarginLoss(weight=ag.ones(2, 2)), "weight must be a vector"),
        (lambda: nn.FractionalMaxPool2d(2, output_ratio=(0.5, 1.5)), r"but is \(0.5, 1.5\)"),
        (lambda: nn.FractionalMaxPool3d(2, output_ratio=0.0), r"but is 0\.0"),
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


@pytest.mark.parametrize(
    "layer", [nn.LayerNorm(3), nn.GroupNorm(1, 3), nn.RMSNorm(3), nn.InstanceNorm1d(3, affine=True)]
)
def test_normalisations_start_again(layer):
    for p in layer.parameters():
        p.data = ag.randn(3)
    layer.reset_parameters()
    assert layer.weight.tolist() == [1, 1, 1]
    assert getattr(layer, "bias", None) is None or layer.bias.tolist() == [0, 0, 0]


def test_the_parameters_of_a_layer_are_its_fields():
    assert str(inspect.signature(nn.ELU)) == "(alpha: 'float' = 1.0, inplace: 'bool' = False) -> None"
    assert [*inspect.signature(nn.CrossEntropyLoss).parameters][:3] == ["weight", "size_average", "ignore_index"]
    assert not hasattr(nn.ELU, "alpha")

    class Scaled(nn.ELU):
        scale: float = 2.0

    assert str(inspect.signature(Scaled)) == str(inspect.signature(nn.ELU))
    assert (Scaled(0.5).scale, Scaled.scale, repr(Scaled(0.5))) == (2.0, 2.0, "Scaled(alpha=0.5)")


@pytest.mark.parametrize("delta", ["1", 1 + 0j, None])
def test_the_delta_of_huber_losses_is_a_number(delta):
    with pytest.raises(TypeError, match="delta must be a number"):
        nn.HuberLoss(delta=delta)
