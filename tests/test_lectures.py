"""The numbers, formulas and programs that the lectures print, each as it stands there."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import autograd_core as ag
import backends.cupy_backend
import nn
import optim
import training
from nn import functional as F

NUMBERS = st.floats(-30, 30)
IMAGE = [
    [1, 0, 0, 0, 0, 1],
    [0, 1, 0, 0, 1, 0],
    [0, 0, 1, 1, 0, 0],
    [1, 0, 0, 0, 1, 0],
    [0, 1, 0, 0, 1, 0],
    [0, 0, 1, 0, 1, 0],
]
KERNELS = {1: [[1, -1, -1], [-1, 1, -1], [-1, -1, 1]], 2: [[-1, 1, -1], [-1, 1, -1], [-1, 1, -1]]}


def image(rows):
    return ag.tensor(rows).double().reshape(1, 1, len(rows), -1)


def convolved(kernel, stride):
    return F.conv2d(image(IMAGE), image(KERNELS[kernel]), stride=stride)[0, 0].tolist()


def test_convolution_of_the_6_by_6_image():
    assert convolved(1, 1) == [[3, -1, -3, -1], [-3, 1, 0, -3], [-3, -3, 0, 1], [3, -2, -2, -1]]
    assert convolved(1, 2) == [[3, -3], [-3, 0]]
    assert convolved(2, 1) == [[-1, -1, -1, -1], [-1, -1, -2, 1], [-1, -1, -2, 1], [-1, 0, -4, 3]]
    assert convolved(2, 2) == [[-1, -1], [-1, -2]]


def test_stride_3_on_7_by_7_takes_the_floor_of_what_does_not_fit():
    assert pytest.approx(2.33, abs=0.01) == (7 - 3) / 3 + 1
    assert F.conv2d(ag.zeros(1, 1, 7, 7), ag.zeros(1, 1, 3, 3), stride=3).shape == (1, 1, 2, 2)


FILTERS = {
    "identity": ([[0, 0, 0], [0, 1, 0], [0, 0, 0]], 1, 1),
    "edge": ([[1, 0, -1], [0, 0, 0], [-1, 0, 1]], 1, 0),
    "edge, four neighbours": ([[0, 1, 0], [1, -4, 1], [0, 1, 0]], 1, 0),
    "edge, eight neighbours": ([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], 1, 0),
    "sharpen": ([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], 1, 1),
    "box blur": ([[1, 1, 1], [1, 1, 1], [1, 1, 1]], 9, 1),
    "Gaussian blur": ([[1, 2, 1], [2, 4, 2], [1, 2, 1]], 16, 1),
}


@pytest.mark.parametrize("name", FILTERS)
def test_fixed_filters(name):
    kernel, divisor, on_flat = FILTERS[name]
    layer = nn.Conv2d(1, 1, 3, bias=False).double()
    layer.weight.data = image(kernel) / divisor
    flat, slope = ag.full((1, 1, 4, 4), 3.0, dtype="float64"), image(np.add.outer(np.arange(4), np.arange(4)) / 2)
    np.testing.assert_allclose(layer(flat).detach().numpy(), 3 * on_flat)
    np.testing.assert_allclose(layer(slope).detach().numpy(), on_flat * slope[..., 1:3, 1:3].numpy(), atol=1e-15)
    spot = np.zeros((5, 5))
    spot[2, 2] = 1
    response = layer(image(spot))[0, 0].detach().numpy()
    np.testing.assert_allclose(response, np.array(kernel)[::-1, ::-1] / divisor)


def test_convolution_commutes_with_shifts():
    layer = nn.Conv1d(2, 3, 3, padding=1, padding_mode="circular")
    x = ag.randn(1, 2, 9)
    shifted = layer(ag.roll(x, 2, -1)).detach().numpy()
    np.testing.assert_allclose(shifted, np.roll(layer(x).detach().numpy(), 2, -1), atol=1e-6)


@pytest.mark.parametrize("size", [3, 5, 7])
def test_padding_that_keeps_the_size(size):
    x, w = ag.zeros(1, 1, 7, 7), ag.zeros(1, 1, size, size)
    assert F.conv2d(x, w, padding=(size - 1) // 2).shape == F.conv2d(x, w, padding="same").shape == x.shape


@given(st.integers(1, 40), st.integers(1, 7), st.integers(1, 4), st.integers(0, 3))
def test_size_of_a_convolution(n, k, s, p):
    if n + 2 * p >= k:
        assert nn.Conv1d(1, 1, k, s, p)(ag.zeros(1, 1, n)).shape[-1] == (n + 2 * p - k) // s + 1


def test_parameters_of_a_layer():
    assert sum(p.numel() for p in nn.Conv2d(1, 5, 3).parameters()) == 50
    assert nn.Linear(36, 16).weight.numel() == 576  # what a 3×3 kernel with 9 makes of a 6×6 image
    assert sum(p.numel() for p in nn.models.mlp(1, 2, 1).parameters()) == 7
    assert sum(p.numel() for p in nn.models.mlp(2, 2, 1).parameters()) == 9


def test_pooling():
    x = image([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]])
    assert nn.MaxPool2d(2)(x)[0, 0].tolist() == [[6, 8], [3, 4]]
    assert nn.AvgPool2d(2)(x)[0, 0].tolist() == [[3.25, 5.25], [2, 2]]
    assert nn.SumPool2d(2)(x)[0, 0].tolist() == [[13, 21], [8, 8]]


def test_the_gradient_of_max_pooling_goes_to_the_maximum():
    x = image([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]).requires_grad_()
    (nn.MaxPool2d(2)(x) * image([[10, 20], [30, 40]])).sum().backward()
    assert x.grad[0, 0].tolist() == [[0, 0, 0, 0], [0, 10, 0, 20], [30, 0, 0, 0], [0, 0, 0, 40]]


def test_max_pooling_hardly_notices_a_shift():
    x = ag.tensor([[0.1, 1.0, 0.2, 0.1]])
    shifted = ag.tensor([[0.3, 0.1, 1.0, 0.2]])
    pool = nn.MaxPool1d(3, stride=1, padding=1)
    changed = (pool(x) != pool(shifted)).sum().item()
    assert (changed, (x != shifted).sum().item()) == (2, 4)


@given(arrays(float, 5, elements=NUMBERS))
def test_derivative_of_gelu_as_printed(x):
    t = ag.tensor(x, requires_grad=True)
    F.gelu(t, approximate="tanh").sum().backward()
    inner = 0.0356774 * x**3 + 0.797885 * x
    # The slide has 0.535161: a digit was lost.
    printed = 0.5 * np.tanh(inner) + (0.0535161 * x**3 + 0.398942 * x) / np.cosh(inner.clip(-300, 300)) ** 2 + 0.5
    np.testing.assert_allclose(t.grad.numpy(), printed, atol=1e-4)


@given(NUMBERS)
def test_derivatives_of_a_logistic_neuron(z):
    x, w = ag.tensor(2.0, dtype="float64", requires_grad=True), ag.tensor(z / 2, dtype="float64", requires_grad=True)
    y = ag.sigmoid(x * w)
    y.backward()
    slope = y.item() * (1 - y.item())
    assert w.grad.item() == pytest.approx(2 * slope, rel=1e-9, abs=1e-14)
    assert x.grad.item() == pytest.approx(z / 2 * slope, rel=1e-9, abs=1e-14)


@given(NUMBERS)
def test_activations_as_printed(x):
    t = ag.tensor(x, dtype="float64")
    assert ag.sigmoid(t).item() == pytest.approx(1 / (1 + math.exp(-x)))
    assert ag.tanh(t).item() == pytest.approx(2 / (1 + math.exp(-2 * x)) - 1, abs=1e-15)
    assert ag.relu(t).item() == x * (x > 0)
    assert nn.LeakyReLU(0.1)(t).item() == pytest.approx(max(0.1 * x, x))
    assert nn.ELU(0.2)(t).item() == pytest.approx(x if x > 0 else 0.2 * (math.exp(x) - 1), abs=1e-15)


@given(st.integers(-(10**6), 10**6))
def test_sigmoidal_functions_have_the_limits_0_and_1(n):
    for function in (ag.sigmoid, lambda x: ag.tanh(x) / 2 + 0.5, lambda x: ag.atan(x) / math.pi + 0.5):
        y = function(ag.tensor(float(n), dtype="float64")).item()
        assert 0 <= y <= 1
        assert function(ag.tensor(1e18)).item() == pytest.approx(1)
        assert function(ag.tensor(-1e18)).item() == pytest.approx(0, abs=1e-7)


def test_cross_entropy_as_printed():
    def softmax(x):
        return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)

    def cross_entropy(x, y):
        m = y.shape[0]
        p = softmax(x)
        log_likelihood = -np.log(p[range(m), y])
        return np.sum(log_likelihood) / m

    x = np.random.default_rng(0).normal(size=(6, 4))
    y = np.array([0, 3, 1, 1, 2, 0])
    t = ag.tensor(x, requires_grad=True)
    loss = nn.CrossEntropyLoss()(t, ag.tensor(y))
    assert loss.item() == pytest.approx(cross_entropy(x, y), rel=1e-14)
    loss.backward()
    np.testing.assert_allclose(t.grad.numpy(), (softmax(x) - np.eye(4)[y]) / 6)


def test_three_normalisations_of_the_squared_error():
    y, a = ag.tensor([[1.0, 2.0], [3.0, 5.0]]), ag.tensor([[0.0, 2.0], [1.0, 1.0]])
    total = nn.MSELoss(reduction="sum")(a, y).item()
    assert total == 21
    assert (total / (2 * 2), total / 2, total) == (5.25, 10.5, 21)  # 1/2n Σ‖y - a‖², ½ Σ (t - y)², Σ (t - y)²
    assert nn.MSELoss()(a, y).item() == 5.25  # over all elements


@given(arrays(float, 4, elements=st.floats(0.001, 0.999)), arrays(float, 4, elements=st.sampled_from([0.0, 1.0])))
def test_binary_cross_entropy_is_a_cost_and_cancels_the_sigmoids_slope(a, y):
    loss = nn.BCELoss()(ag.tensor(a), ag.tensor(y)).item()
    assert loss == pytest.approx(-np.mean(y * np.log(a) + (1 - y) * np.log(1 - a)))
    assert loss > 0
    assert nn.BCELoss()(ag.tensor(np.where(y == 1, 1 - 1e-9, 1e-9)), ag.tensor(y)).item() == pytest.approx(0, abs=1e-8)
    z = ag.tensor(np.log(a / (1 - a)), requires_grad=True)
    nn.BCEWithLogitsLoss(reduction="sum")(z, ag.tensor(y)).backward()
    np.testing.assert_allclose(z.grad.numpy(), a - y, rtol=1e-9, atol=1e-12)


def test_batch_normalisation_as_printed():
    x = np.random.default_rng(0).normal(3, 2, size=(6, 4))
    layer = nn.BatchNorm1d(4).double()
    layer.weight.data, layer.bias.data = (
        ag.tensor([1.0, 2.0, 3.0, 4.0]).double(),
        ag.tensor([0.0, 1.0, 0.0, 1.0]).double(),
    )
    mean, variance = x.mean(0), x.var(0)
    expected = [1, 2, 3, 4] * (x - mean) / np.sqrt(variance + 1e-5) + [0, 1, 0, 1]
    np.testing.assert_allclose(layer(ag.tensor(x)).detach().numpy(), expected, rtol=1e-12)


def test_equations_of_back_propagation():
    ag.manual_seed(0)
    net = nn.models.mlp(3, 4, 2, activation=nn.Sigmoid).double()
    x, target = ag.randn(1, 3, dtype="float64"), ag.randn(1, 2, dtype="float64")
    z1 = net[0](x).detach().numpy()
    a1 = 1 / (1 + np.exp(-z1))
    out = net(x)
    (0.5 * (out - target).square().sum()).backward()
    delta2 = (out - target).detach().numpy()  # (1), of a linear output
    delta1 = delta2 @ net[2].weight.detach().numpy() * a1 * (1 - a1)  # (2)
    np.testing.assert_allclose(net[2].bias.grad.numpy(), delta2[0])  # (3)
    np.testing.assert_allclose(net[0].bias.grad.numpy(), delta1[0])
    np.testing.assert_allclose(net[2].weight.grad.numpy(), delta2.T @ a1)  # (4)
    np.testing.assert_allclose(net[0].weight.grad.numpy(), delta1.T @ x.numpy())


def test_one_hidden_layer_approximates_any_function():
    x = np.linspace(0, 1, 201)
    target = np.sin(9 * x) + (x > 0.5)
    errors = []
    for units in (5, 20, 80):
        net = nn.Sequential(nn.Linear(1, units), nn.Sigmoid(), nn.Linear(units, 1, bias=False)).double()
        with ag.no_grad():  # steps next to each other; α by least squares
            net[0].weight.fill_(8.0 * units)
            net[0].bias.copy_(ag.tensor(-8.0 * units * (np.arange(units) / units)))
            hidden = net[1](net[0](ag.tensor(x[:, None])))
            net[2].weight.data = ag.linalg.lstsq(hidden, ag.tensor(target[:, None]))[0].T
            errors.append(abs(net(ag.tensor(x[:, None])).numpy()[:, 0] - target)[abs(x - 0.5) > 0.02].max())
    assert errors[0] > 3 * errors[1] > 6 * errors[2]
    assert errors[2] < 0.15


def test_linear_neurons_collapse_into_one():
    net = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 4), nn.Linear(4, 2)).double()
    x = ag.randn(7, 3, dtype="float64")
    weight = net[2].weight @ net[1].weight @ net[0].weight
    bias = net(ag.zeros(1, 3, dtype="float64"))
    np.testing.assert_allclose((x @ weight.T + bias).detach().numpy(), net(x).detach().numpy())


def test_a_line_is_folded_by_relu_and_by_nothing_linear():
    layer, x = nn.Linear(1, 2), ag.linspace(-1, 1, 50, dtype="float64").reshape(-1, 1)
    layer.weight.data, layer.bias.data = ag.tensor([[1.0], [-1.0]]).double(), ag.zeros(2, dtype="float64")
    rank = [np.linalg.matrix_rank(np.diff(y.detach().numpy(), axis=0)) for y in (layer(x), ag.relu(layer(x)))]
    assert rank == [1, 2]


def test_ridge_regression_in_closed_form():
    random = np.random.default_rng(0)
    x, y, alpha = random.normal(size=(30, 3)), random.normal(size=30), 0.7
    w = ag.tensor(np.linalg.solve(x.T @ x + alpha * np.eye(3), x.T @ y), requires_grad=True)
    ((ag.tensor(x) @ w - ag.tensor(y)).square().sum() + alpha * w.square().sum()).backward()
    np.testing.assert_allclose(w.grad.numpy(), 0, atol=1e-12)


def test_l2_update_rule():
    w = nn.Parameter(ag.tensor([2.0, -3.0], dtype="float64"))
    (w * ag.tensor([0.5, 1.0], dtype="float64")).sum().backward()
    optim.SGD([("w", w)], lr=0.1, weight_decay=0.4).step()
    expected = (1 - 0.1 * 0.4) * np.array([2.0, -3.0]) - 0.1 * np.array([0.5, 1.0])
    np.testing.assert_allclose(w.detach().numpy(), expected)


def test_standardised_and_whitened_data():
    ag.manual_seed(0)
    x = ag.randn(200, 3, dtype="float64") @ ag.randn(3, 3, dtype="float64") + 5
    standard = (x - x.mean(0)) / x.std(0)
    variances, axes = ag.linalg.eigh(ag.cov(standard.T))
    white = standard @ axes / variances.sqrt()
    np.testing.assert_allclose(white.mean(0).numpy(), 0, atol=1e-12)
    np.testing.assert_allclose(ag.cov(white.T).numpy(), np.eye(3), atol=1e-12)


def test_regions_multiply_with_depth():
    fold = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1)).double()
    with ag.no_grad():  # a tent over [0, 1]
        for p, value in zip(fold.parameters(), ([[1.0], [1.0]], [0.0, -0.5], [[2.0, -4.0]], [0.0]), strict=True):
            p.copy_(ag.tensor(value))
        x = ag.linspace(0, 1, 4097, dtype="float64").reshape(-1, 1)
        for depth in (1, 2, 3, 4):
            x = fold(x)
            slopes = np.sign(np.diff(x.numpy()[:, 0]))
            assert np.count_nonzero(np.diff(slopes)) + 1 == 2**depth


ROOT = Path(__file__).parent.parent
PACKAGES = {"core": ag, "nn": nn, "optim": optim, "training": training, "backends": backends}


def exists(name):
    """Whether a name of the table is a file, or an attribute of what its first part stands for, or of `nn`."""
    if "/" in name:
        return (ROOT / name).is_file()
    first, *rest = name.partition("(")[0].split(".")
    owners = [PACKAGES[first]] if first in PACKAGES else [getattr(nn, first, None), getattr(F, first, None)]
    for part in rest:
        owners = [getattr(owner, part, None) for owner in owners]
    return any(owner is not None for owner in owners)


def test_every_row_of_the_table_names_what_exists():
    text = (ROOT / "docs" / "lectures.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| item")]
    assert len(rows) >= 120
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 3, row
        for name in re.findall("`([^`]+)`", cells[1]):
            assert exists(name), f"{name} in {row}"
        for part in cells[2].split(","):
            path, _, name = part.strip().strip("`").partition("::")
            if path.endswith(".py"):
                file = ROOT / path
                assert file.is_file(), path
                assert not name or f"def {name}(" in file.read_text(), part
            else:
                assert part.strip() == "–", row
