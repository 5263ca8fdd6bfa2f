"""The table of a model: what layers cost, and how far they see."""

import numpy as np
import pytest

import autograd_core as ag
import nn


def test_a_table_of_lenet():
    text = str(nn.summary(nn.models.lenet5(), (1, 1, 28, 28)))
    assert text.splitlines()[4:6] == [
        "2      MaxPool2d  1×6×14×14            0              0   4.6 KiB    6×6",
        "3      Conv2d     1×16×10×10       2,416        240,000   6.2 KiB  14×14",
    ]
    assert text.splitlines()[-1].split() == ["total", "61,706", "416,520", "58.6", "KiB"]


def test_parameters_of_the_lecture():
    assert nn.summary(nn.models.mlp(1, 2, 1), (1, 1)).parameters == 7  # one-dimensional regression
    assert nn.summary(nn.models.mlp(2, 2, 1), (1, 2)).parameters == 9  # two-dimensional classification
    assert nn.summary(nn.Conv2d(1, 5, 3), (1, 1, 7, 7)).parameters == 50  # five kernels of 3×3 with biases


@pytest.mark.parametrize(
    "name, multiply_adds, field",
    [
        ("resnet18", 1_814_073_344, 435),
        ("resnet50", 4_089_184_256, 427),
        ("alexnet", 714_188_480, 195),
        ("vgg16", 15_470_264_320, 212),
    ],
)
def test_published_costs_and_receptive_fields(name, multiply_adds, field):
    s = nn.summary(nn.utils.skip_init(getattr(nn.models, name)), (1, 3, 224, 224))
    assert s.multiply_adds == multiply_adds
    assert max(r.receptive_field[0] for r in s.rows if r.receptive_field) == field


class Skip(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide, self.narrow = nn.Conv1d(1, 1, 5, padding=2), nn.Conv1d(1, 1, 1)
        self.up, self.last = nn.ConvTranspose1d(1, 1, 4, stride=2), nn.Conv1d(1, 1, 3)

    def forward(self, x):
        return self.last(self.up(ag.relu(self.wide(x) + self.narrow(x))))


def test_receptive_fields_are_where_gradients_reach():
    model = Skip()
    assert [r.receptive_field for r in nn.summary(model, (1, 1, 20)).rows] == [(5,), (1,), (6,), (7,)]
    for p in model.parameters():
        p.data = ag.rand_like(p.data) + 0.1  # so that no ReLU is silent and no gradient cancels
    for i in (18, 19):
        x = ag.rand(1, 1, 20, requires_grad=True)
        model(x)[0, 0, i].backward()
        assert np.count_nonzero(x.grad.numpy()) == 7


def test_an_input_without_a_batch_and_axes_that_change():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2))
    assert [r.receptive_field for r in nn.summary(model, (3, 8, 8)).rows] == [(3, 3), (4, 4)]
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Unflatten(0, (1, 4)), nn.Flatten(2), nn.Conv1d(4, 1, 5))
    assert nn.summary(model, (3, 8, 8)).rows[-1].receptive_field is None


def test_costs_of_sequences_and_of_several_inputs():
    lstm = nn.LSTM(4, 6, bidirectional=True).double()
    s = nn.summary(lstm, (5, 2, 4))
    assert s.multiply_adds == 5 * 2 * 2 * 24 * (4 + 6)
    attention = nn.summary(nn.MultiheadAttention(8, 2), [(5, 1, 8), (7, 1, 8), (7, 1, 8)])
    assert attention.rows[-1].multiply_adds == (2 * 5 + 7 + 7) * 64 + 2 * 5 * 7 * 8
    assert nn.summary(nn.Bilinear(2, 3, 4), [(1, 2), (1, 3)]).multiply_adds == 2 * 12 + 4 * 3
    assert nn.summary(nn.GRUCell(3, 4), [(2, 3), (2, 4)]).multiply_adds == 2 * 12 * (3 + 4)


class Written(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight, self.inner = nn.Parameter(ag.ones(3, 4)), nn.Linear(4, 2)

    def forward(self, x):
        return self.inner(x @ self.weight)


def test_products_in_a_forward_count_for_the_layer_that_calls_them():
    rows = nn.summary(Written(), (5, 3)).rows
    assert [(r.path, r.layer, r.multiply_adds) for r in rows] == [
        ("inner", "Linear", 5 * 4 * 2),
        ("", "Written", 5 * 3 * 4),
    ]


def test_tokens_and_shared_weights_and_nothing_left_behind():
    model = nn.models.gpt(11, layers=1)
    s = nn.summary(model, ag.randint(0, 11, (1, 4)))
    assert s.parameters == sum(row.parameters for row in s.rows)
    assert s.rows[-1].parameters == 0  # the embedding's
    assert all(m.training and m._hooks is None for m in model.modules())
    model.lm_head.requires_grad_(False)
    assert nn.summary(model, ag.randint(0, 11, (1, 4))).trainable == s.parameters - 11 * 128


def test_what_is_inside_a_layer_counts_for_it():
    weight_norm = nn.utils.parametrizations.weight_norm
    model = nn.Sequential(weight_norm(nn.Linear(3, 8, bias=False)), nn.TransformerEncoderLayer(8, 2, 16))
    s = nn.summary(model, (5, 1, 3))
    assert s.parameters == sum(row.parameters for row in s.rows) == sum(p.numel() for p in model.parameters())
    assert [(r.path, r.parameters) for r in s.rows][:2] == [("0", 32), ("1.self_attn", 4 * 72)]
    assert {r.receptive_field for r in s.rows} == {None}
    model[0].requires_grad_(False)
    assert str(nn.summary(model, (5, 1, 3))).splitlines()[-1].split() == ["trainable", f"{s.parameters - 32:,}"]
    assert nn.summary(nn.Identity(), (1, 3)).memory == 0  # the input itself


@pytest.mark.parametrize(
    "model, given, message",
    [
        (
            nn.models.lenet5,
            (1, 28, 28),
            r"\(1, 28, 28\) was refused in 7 of Sequential: Linear\(in_f.*is \(1, 1, 28, 28\) m",
        ),
        (
            lambda: nn.models.mlp(3, 4, 2),
            (1, 5),
            r"\(1, 5\) was refused in 0 of Sequential: Linear\(in_f.*\(1, 5\) does not end with the 3 f",
        ),
        (lambda: nn.Embedding(5, 3), (1, 4), "must hold integers, .*give the tensor itself"),
        (
            lambda: nn.Bilinear(2, 4, 1),
            [(2,), (3,)],
            r"shape \(2,\), \(3,\) was refused .*is \(1, 2\), \(1, 3\) meant\?",
        ),
    ],
)
def test_a_refused_input_names_the_layer_and_the_fix(model, given, message):
    model = model()
    with pytest.raises(RuntimeError, match=message):
        nn.summary(model, given)
    assert all(m.training and m._hooks is None for m in model.modules())


@pytest.mark.parametrize("given", ["abc", 3, None, {"x": (1, 3)}])
def test_what_is_no_shape(given):
    with pytest.raises(TypeError, match=r"takes the shape of the input, such as \(1, 3, 224, 224\), or a tensor, not"):
        nn.summary(nn.Identity(), given)


class Branches(nn.Module):
    def __init__(self, output):
        super().__init__()
        self.weight, self.output = nn.Parameter(ag.ones(3)), output

    def forward(self, x):
        return self.output(x * self.weight)


def test_outputs_of_any_structure():
    rows = nn.summary(nn.Sequential(Branches(lambda y: {"a": [None, y], "b": 1})), (2, 3)).rows
    assert [(r.layer, r.output_shape, r.parameters) for r in rows] == [("Branches", (2, 3), 3)]
    assert nn.summary(Branches(lambda y: None), (2, 3)).rows == ()
