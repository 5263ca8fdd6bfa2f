"""Recurrent networks: packed sequences against single ones, states, and what is refused. Values: test_module_values."""

import copy

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core import functional as core
from nn.layers.recurrences import is_full
from nn.utils import rnn

LENGTHS = (3, 6, 2, 6)  # 17 of 24 steps of a padded batch
UNEVEN = (1, 9, 1, 2)  # 13 of 36
MODES = {"RNN": {}, "ReLU": {"nonlinearity": "relu"}, "LSTM": {}, "projected": {"proj_size": 3}, "GRU": {}}
LAYERS = {"ReLU": nn.RNN, "projected": nn.LSTM}


def of(mode, *sizes, **options):
    return LAYERS.get(mode, getattr(nn, mode, None))(*sizes, **MODES[mode], **options)


def sequences(lengths, dtype="float64"):
    random = np.random.default_rng(0)
    return [ag.tensor(random.normal(size=(n, 4)), dtype=dtype, requires_grad=True) for n in lengths]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("lengths", [LENGTHS, UNEVEN])
def test_a_packed_batch_is_its_sequences_one_by_one(mode, bidirectional, lengths):
    ag.manual_seed(0)
    layer = of(mode, 4, 5, num_layers=2, bidirectional=bidirectional).double()
    together, apart = sequences(lengths), sequences(lengths)
    assert is_full(rnn.pack_sequence(together, enforce_sorted=False).batch_sizes.tolist()) == (lengths == LENGTHS)
    packed, state = layer(rnn.pack_sequence(together, enforce_sorted=False))
    outputs = rnn.unpack_sequence(packed)
    states = state if isinstance(state, tuple) else (state,)
    for i, x in enumerate(apart):
        y, final = layer(x)
        np.testing.assert_allclose(outputs[i].detach().numpy(), y.detach().numpy(), rtol=1e-12)
        for s, f in zip(states, final if isinstance(final, tuple) else (final,), strict=True):
            np.testing.assert_allclose(s[:, i].detach().numpy(), f.detach().numpy(), rtol=1e-12)
        (y * y).sum().backward()
    sum((y * y).sum() for y in outputs).backward()
    for a, b in zip(together, apart, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_padding_moves_no_state_and_no_gradient(mode):
    """Beyond the size at which a library computes float32."""
    ag.manual_seed(0)
    layer, alone = of(mode, 4, 48), of(mode, 4, 48)
    alone.load_state_dict(layer.state_dict())
    xs, x = sequences((20, 11), "float32"), sequences((11,), "float32")[0]
    x.data = xs[1].data.clone()
    _, state = layer(rnn.pack_sequence(xs))
    _, expected = alone(x.unsqueeze(1))
    pairs = zip(state, expected, strict=True) if isinstance(state, tuple) else [(state, expected)]
    for s, e in pairs:
        np.testing.assert_allclose(s[0, 1].detach().numpy(), e[0, 0].detach().numpy(), rtol=0, atol=1e-6)
        s[0, 1].square().sum().backward(retain_graph=True)
        e.square().sum().backward(retain_graph=True)
    np.testing.assert_allclose(xs[1].grad.numpy(), x.grad.numpy(), rtol=0, atol=1e-6)
    assert not xs[0].grad.numpy().any()
    for p, q in zip(layer.parameters(), alone.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=0, atol=3e-6)


@pytest.mark.parametrize("mode", ["RNN", "LSTM", "GRU"])
def test_float32_as_exact_as_it_can_be(mode):
    ag.manual_seed(0)
    layer = getattr(nn, mode)(6, 33, num_layers=2, bidirectional=True, batch_first=True)
    double = getattr(nn, mode)(6, 33, num_layers=2, bidirectional=True, batch_first=True).double()
    double.load_state_dict(layer.state_dict())
    results = []
    for model in (layer, double):
        x = ag.tensor(
            np.random.default_rng(0).normal(size=(5, 7, 6)), dtype=model.weight_ih_l0.dtype, requires_grad=True
        )
        y, state = model(x)
        loss = (y * y).sum() + sum((s * s).sum() for s in (state if isinstance(state, tuple) else (state,)))
        loss.backward()
        results.append([y, x.grad, *(p.grad for p in model.parameters())])
    for single, exact in zip(*results, strict=True):
        single, exact = single.detach().numpy(), exact.detach().numpy()
        np.testing.assert_allclose(single, exact, rtol=0, atol=2e-6 * np.abs(exact).max())


@pytest.mark.parametrize("mode", ["RNN", "LSTM", "GRU"])
def test_layers_of_16_bits_are_computed_in_float32(mode):
    """At a size, and so often, that a library's kernel takes over, which keeps float32 for its gradients."""
    ag.manual_seed(0)
    layer, x = getattr(nn, mode)(32, 64), ag.randn(16, 8, 32)
    results = []
    for dtype in (ag.float32, ag.bfloat16):
        model = copy.deepcopy(layer).to(dtype)
        for _ in range(3):
            model.zero_grad()
            given = x.detach().to(dtype).requires_grad_()
            y, _ = model(given)
            (y * y).sum().backward()
        results.append([y, given.grad, *(p.grad for p in model.parameters())])
    for wide, narrow in zip(*results, strict=True):
        assert narrow.dtype == ag.bfloat16
        assert (wide - narrow.float()).abs().max() <= 2**-6 * wide.abs().max()


@pytest.mark.parametrize("mode", ["RNN", "LSTM", "GRU"])
def test_initial_states_of_any_strides(mode):
    layer, x, learned = getattr(nn, mode)(16, 32), ag.randn(8, 4, 16), ag.randn(1, 1, 32, requires_grad=True)
    gradients = []
    for lay in (lambda h: h.contiguous(), lambda h: h, lambda h: h.mT.contiguous().mT):
        for _ in range(3):  # from the second time a shape is seen a library's kernel may take over
            state = lay(learned.expand(1, 4, 32))
            y, last = layer(x, (state, state) if mode == "LSTM" else state)
            last = last[1] if mode == "LSTM" else last
            gradients.append(ag.grad((y * y).sum() + (last * last).sum(), learned)[0])
    for g in gradients:
        np.testing.assert_allclose(g.numpy(), gradients[0].numpy(), rtol=1e-4, atol=1e-5)


def test_padding_and_packing_are_inverse():
    data = sequences(LENGTHS)
    padded = rnn.pad_sequence(data, batch_first=True, padding_value=-1.0)
    assert padded.shape == (4, 6, 4)
    assert (padded[0, 3:] == -1).all()
    packed = rnn.pack_padded_sequence(padded, LENGTHS, batch_first=True, enforce_sorted=False)
    assert packed.batch_sizes.tolist() == [4, 4, 3, 2, 2, 2]
    again, lengths = rnn.pad_packed_sequence(packed, batch_first=True, padding_value=-1.0, total_length=7)
    assert lengths.tolist() == list(LENGTHS)
    assert (again[:, :6] == padded).all()
    assert (again[:, 6] == -1).all()
    assert rnn.pad_sequence(data, padding_side="left")[3:, 0].tolist() == data[0].tolist()
    assert packed.float().half().data.dtype == np.float16
    assert packed.cpu() is packed
    assert not packed.is_pinned()


@pytest.mark.parametrize("cast", ("double", "float", "half", "bfloat16", "long", "int", "short", "char", "byte"))
def test_packed_sequences_are_cast_as_tensors_are(cast):
    packed = rnn.pack_sequence([ag.ones(3), ag.ones(2)])
    assert getattr(packed, cast)().data.dtype == getattr(packed.data, cast)().dtype


def test_sequences_to_pad_may_come_from_a_generator():
    data = sequences(LENGTHS)
    assert (rnn.pad_sequence(s for s in data) == rnn.pad_sequence(data)).all()


def test_sequences_in_wrong_order_or_of_wrong_length_are_refused():
    x = ag.zeros(5, 2, 1)
    with pytest.raises(RuntimeError, match="enforce_sorted=False"):
        rnn.pack_padded_sequence(x, [2, 5])
    with pytest.raises(RuntimeError, match="greater than 0"):
        rnn.pack_padded_sequence(x, [2, 0])
    with pytest.raises(RuntimeError, match="3 lengths were given for a batch of 2"):
        rnn.pack_padded_sequence(x, [3, 2, 1])
    with pytest.raises(RuntimeError, match="has 9 steps"):
        rnn.pack_padded_sequence(x, [9, 1])
    with pytest.raises(RuntimeError, match="empty list of sequences"):
        rnn.pad_sequence([])
    with pytest.raises(ValueError, match="total_length"):
        rnn.pad_packed_sequence(rnn.pack_padded_sequence(x, [5, 4]), total_length=4)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: nn.LSTM(0, 4), "input_size must be greater than zero"),
        (lambda: nn.LSTM(4, 4, proj_size=4), "smaller than hidden_size"),
        (lambda: nn.GRU(4, 4, dropout=1.5), "range \\[0, 1\\]"),
        (lambda: nn.RNN(4, 4, nonlinearity="sin"), "Unknown nonlinearity"),
        (lambda: nn.RNNBase("CNN", 4, 4), "Unrecognized RNN mode"),
        (lambda: nn.LSTM(3, 4, 2, 0.5), "bias should be of type bool, got: float; pass others by name"),
        (lambda: nn.LSTM(3, 4, batch_first=1), "batch_first should be of type bool"),
        (lambda: nn.GRU(3, 4.0), "hidden_size should be of type int, got: float"),
        (lambda: nn.LSTM(3, 4)(ag.zeros(2, 2, 5)), "Expected 3, got 5"),
        (lambda: nn.LSTM(3, 4)(ag.zeros(3)), "Expected input to be 2D or 3D"),
        (lambda: nn.LSTM(3, 4)(ag.zeros(2, 2, 3, dtype="float64")), "does not match weight dtype"),
        (lambda: nn.GRU(3, 4)(ag.zeros(2, 2, 3), ag.zeros(1, 3, 4)), "Expected hidden size"),
        (lambda: nn.GRU(3, 4)(ag.zeros(2, 2, 3), ag.zeros(2, 4)), "hx should also be 3-D"),
        (lambda: nn.GRU(3, 4)(ag.zeros(2, 3), ag.zeros(1, 1, 4)), "hx should also be 2-D"),
        (lambda: nn.LSTM(3, 4)(ag.zeros(2, 3), ag.zeros(1, 4)), "a state of 2 tensors"),
        (lambda: nn.LSTMCell(3, 4)(ag.zeros(2, 5)), "input_size is 3"),
        (lambda: nn.GRUCell(3, 4)(ag.zeros(2, 3), ag.zeros(3, 4)), "shape \\(2, 4\\)"),
        (lambda: core.lstm_gates(ag.ones(3, 8), ag.ones(1, 2)), "takes gates of shape \\(1, 8\\), not \\(3, 8\\)"),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises((ValueError, RuntimeError, TypeError), match=message):
        make()


def test_a_weight_can_be_computed_from_another_one():
    layer = nn.GRU(3, 4)
    raw = layer.weight_ih_l0
    del layer.weight_ih_l0
    layer.weight_ih_l0 = 0.5 * raw
    layer(ag.ones(5, 2, 3))[0].sum().backward()
    assert raw.grad.any()


def test_dropout_between_layers():
    with pytest.warns(UserWarning, match="num_layers greater than 1"):
        nn.RNN(2, 3, dropout=0.5)
    layer = nn.RNN(2, 50, num_layers=2, dropout=0.5)
    x = ag.ones(3, 1, 2)
    assert layer(x)[0].tolist() != layer(x)[0].tolist()
    layer.eval()
    assert layer(x)[0].tolist() == layer(x)[0].tolist()


def test_readings():
    layer = nn.LSTM(4, 5, 2, bias=False, batch_first=True, dropout=0.1, bidirectional=True, proj_size=3)
    assert repr(layer) == (
        "LSTM(4, 5, proj_size=3, num_layers=2, bias=False, batch_first=True, dropout=0.1, bidirectional=True)"
    )
    assert [len(weights) for weights in layer.all_weights] == [3] * 4
    assert layer._flat_weights_names == [name for name, _ in layer.named_parameters()]
    assert repr(nn.RNNCell(2, 3, nonlinearity="relu", bias=False)) == "RNNCell(2, 3, bias=False, nonlinearity=relu)"


def test_a_state_may_be_a_list():
    x, h, c = ag.rand(1, 2, 3), ag.rand(1, 2, 3), ag.rand(1, 2, 3)
    layer, cell = nn.LSTM(3, 3), nn.LSTMCell(3, 3)
    assert layer(x, [h, c])[0].tolist() == layer(x, (h, c))[0].tolist()
    assert cell(x[0], [h[0], c[0]])[0].tolist() == cell(x[0], (h[0], c[0]))[0].tolist()
