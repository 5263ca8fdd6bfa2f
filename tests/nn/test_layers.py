"""Layers: what they compute, how they read, and what they refuse."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
import nn
from nn import functional as F

# How PyTorch 2.13 prints them.
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
}


@pytest.mark.parametrize("text", READINGS)
def test_layers_read_as_in_pytorch(text):
    assert repr(READINGS[text]()) == text


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
