"""Initial values: their moments, bounds and structure."""

import math
from itertools import pairwise

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn import init


@pytest.fixture(autouse=True)
def _seeded():
    ag.manual_seed(0)


def weight(*shape):
    return nn.Parameter(ag.empty(*shape, dtype="float64"))


WIDE, KERNEL = (200, 300), (64, 32, 3, 5)
FAN_IN, FAN_OUT = 300, 200


@pytest.mark.parametrize(
    "fill, std, bounded",
    [
        (lambda t: init.uniform_(t, -2.0, 2.0), 2 / math.sqrt(3), True),
        (lambda t: init.normal_(t, 0.0, 3.0), 3.0, False),
        (init.xavier_uniform_, math.sqrt(2 / (FAN_IN + FAN_OUT)), True),
        (lambda t: init.xavier_normal_(t, gain=2.0), 2 * math.sqrt(2 / (FAN_IN + FAN_OUT)), False),
        (init.kaiming_uniform_, math.sqrt(2 / FAN_IN), True),
        (lambda t: init.kaiming_uniform_(t, a=math.sqrt(5)), math.sqrt(1 / (3 * FAN_IN)), True),
        (lambda t: init.kaiming_normal_(t, mode="fan_out", nonlinearity="relu"), math.sqrt(2 / FAN_OUT), False),
        (init.lecun_normal_, math.sqrt(1 / FAN_IN), False),
        (init.lecun_uniform_, math.sqrt(1 / FAN_IN), True),
    ],
)
def test_standard_deviations(fill, std, bounded):
    t = weight(*WIDE)
    assert fill(t) is t
    values = t.detach().numpy()
    assert t.requires_grad
    assert abs(values.mean()) < 4 * std / math.sqrt(values.size)
    assert values.std() == pytest.approx(std, rel=0.02)
    largest = abs(values).max()
    assert (largest <= math.sqrt(3) * std) if bounded else (largest > 3 * std)


def test_fans_count_the_receptive_field():
    assert init.fans(weight(*KERNEL)) == (32 * 15, 64 * 15)
    with pytest.raises(ValueError, match="fewer than 2 dimensions"):
        init.fans(weight(3))


@pytest.mark.parametrize(
    "a, b, mean, std", [(-2.0, 2.0, 0.0, 1.0), (0.5, 4.0, 1.0, 0.7), (-2.0, 2.0, 0.0, 0.02), (3.0, 9.0, 0.0, 1.0)]
)
def test_truncated_normal_follows_its_density(a, b, mean, std):
    values = np.sort(init.trunc_normal_(weight(20_000), mean, std, a, b).detach().numpy())
    assert a <= values[0]
    assert values[-1] <= b

    def below(x):
        return 0.5 * math.erfc((mean - x) / (std * math.sqrt(2)))

    expected = [(below(x) - below(a)) / (below(b) - below(a)) for x in values]
    observed = (np.arange(values.size) + 0.5) / values.size
    assert abs(observed - expected).max() < 1.63 / math.sqrt(values.size)  # Kolmogorov and Smirnov at one per cent


def test_truncated_normal_out_of_reach_warns():
    with pytest.warns(UserWarning, match="beyond 8 standard deviations"):
        assert init.trunc_normal_(weight(2), 0.0, 0.01, 2.0, 3.0).tolist() == [2.0, 2.0]
    with pytest.raises(RuntimeError, match=r"a=5\.0 exceeds b=2\.0"):
        init.trunc_normal_(weight(2), a=5.0, b=2.0)


@pytest.mark.parametrize("shape", [(5, 8), (8, 5), (6, 2, 3), (4, 4)])
def test_orthogonal_matrices_are(shape):
    values = init.orthogonal_(weight(*shape), gain=2.0).detach().numpy().reshape(shape[0], -1)
    gram = values @ values.T if values.shape[0] <= values.shape[1] else values.T @ values
    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-12)


def test_orthogonal_signs_are_random():
    signs = [init.orthogonal_(weight(1, 1)).item() for _ in range(64)]
    assert 16 < sum(s > 0 for s in signs) < 48


def test_structured_values():
    assert init.eye_(weight(2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert init.constant_(weight(2), 3.0).tolist() == [3, 3]
    assert (init.ones_(weight(1)).item(), init.zeros_(weight(1)).item()) == (1, 0)
    x = ag.randn(1, 4, 5, 5, dtype="float64")
    same = nn.functional.conv2d(x, init.dirac_(weight(4, 2, 3, 3), groups=2), padding=1, groups=2)
    np.testing.assert_allclose(same.detach().numpy(), x.numpy())
    zeros = (init.sparse_(weight(10, 4), 0.25).detach().numpy() == 0).sum(axis=0)
    assert zeros.tolist() == [3, 3, 3, 3]


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: init.eye_(weight(2)), "2 dimensions"),
        (lambda: init.sparse_(weight(2), 0.1), "Only tensors with 2 dimensions"),
        (lambda: init.dirac_(weight(2, 2)), "3, 4, or 5"),
        (lambda: init.dirac_(weight(3, 2, 1), groups=2), "divisible by groups"),
        (lambda: init.orthogonal_(weight(2)), "2 or more"),
        (lambda: init.kaiming_normal_(weight(2, 2), mode="fan"), "Mode fan not supported"),
        (lambda: init.calculate_gain("softmax"), "Unsupported nonlinearity softmax"),
    ],
)
def test_misuse_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_gains():
    assert str(init.calculate_gain("linear")) == "1"
    assert init.calculate_gain("tanh") == 5 / 3
    assert init.calculate_gain("relu") == math.sqrt(2)
    assert init.calculate_gain("leaky_relu", 0.2) == math.sqrt(2 / 1.04)
    assert init.calculate_gain("selu") == 0.75
    assert init.calculate_gain("conv2d") == 1
    with pytest.raises(ValueError, match="slope"):
        init.calculate_gain("leaky_relu", True)


@pytest.mark.parametrize("layer, fan_in", [(nn.Linear(100, 200), 100), (nn.Conv2d(8, 64, 3, groups=2), 36)])
def test_layers_start_within_one_over_root_fan_in(layer, fan_in):
    for t in layer.parameters():
        largest = abs(t.detach().numpy()).max()
        assert 0.9 / math.sqrt(fan_in) < largest <= 1 / math.sqrt(fan_in)
    before = layer.weight.tolist()
    layer.reset_parameters()
    assert layer.weight.tolist() != before


def test_seed_repeats_a_model():
    ag.manual_seed(3)
    first = nn.models.mlp(2, 3, 1).state_dict()
    ag.manual_seed(3)
    second = nn.models.mlp(2, 3, 1).state_dict()
    assert all(first[k].tolist() == second[k].tolist() for k in first)


def hidden_gradients(fill, layers):
    """Gradients of the first and the last layer of a network, some layers of which `fill` writes."""
    model = nn.models.mlp(3, 4, 4, 2, activation=nn.Tanh).double()
    for layer in layers:
        fill(model[layer].weight)
        fill(model[layer].bias)
    x = ag.tensor(np.random.default_rng(0).normal(size=(8, 3)))
    nn.functional.cross_entropy(model(x), ag.tensor([0, 1] * 4)).backward()
    return model[0].weight.grad.numpy(), model[4].weight.grad.numpy()


def test_zeros_and_constants_never_tell_hidden_units_apart():
    first, last = hidden_gradients(init.zeros_, (0, 2, 4))
    assert not first.any()
    assert not last.any()
    first, _ = hidden_gradients(lambda p: init.constant_(p, 0.5), (0, 2))
    assert first.any()
    np.testing.assert_allclose(first, first[:1].repeat(4, 0))
    first, _ = hidden_gradients(lambda p: init.normal_(p, std=0.5), (0, 2))
    assert np.ptp(first, axis=0).min() > 0


def test_selu_keeps_unit_variance_through_100_layers():
    model = nn.Sequential(*[layer for _ in range(100) for layer in (nn.Linear(200, 200, bias=False), nn.SELU())])
    for layer in model[::2]:
        init.lecun_normal_(layer.weight)
    with ag.no_grad():
        y = model(ag.randn(200, 200))
    assert abs(y.mean().item()) < 0.2
    assert 0.7 < y.var().item() < 1.4


def test_gradients_vanish_through_20_sigmoid_layers():
    layers = [layer for _ in range(20) for layer in (nn.Linear(30, 30), nn.Sigmoid())]
    model = nn.Sequential(*layers).double()
    for layer in model[::2]:
        init.xavier_normal_(layer.weight)
    model(ag.randn(16, 30, dtype="float64")).sum().backward()
    norms = [layer.weight.grad.norm().item() for layer in model[::2]]
    assert norms[0] < 1e-9 * norms[-1]
    assert all(later > earlier for earlier, later in pairwise(norms[:-3]))


def test_skipped_initial_values_leave_shapes_and_later_modules_alone():
    model = nn.utils.skip_init(nn.models.resnet20, num_classes=3)
    assert model.linear.weight.shape == (3, 64)
    weight = nn.Linear(50, 50).weight.detach().numpy()
    assert 0 < abs(weight).max() <= 1 / math.sqrt(50)


def test_older_names_of_initial_values():
    with pytest.warns(FutureWarning, match="constant_"):
        assert nn.init.constant(ag.zeros(2), 3.0).tolist() == [3.0, 3.0]
    with pytest.raises(AttributeError, match="'perfect'"):
        nn.init.perfect


def test_the_fan_that_a_mode_names():
    weight = ag.empty(64, 4, 3, 3)
    assert [nn.init._calculate_correct_fan(weight, mode) for mode in ("fan_in", "fan_out")] == [36, 576]
    with pytest.raises(ValueError, match="Mode fan_up not supported"):
        nn.init._calculate_correct_fan(weight, "fan_up")
