"""Modules on the device "meta": made at once whatever their size, and given memory later."""

import copy
import io

import pytest

import autograd_core as ag
import nn
from nn import init


def large():
    with ag.device("meta"):
        return nn.Sequential(*[nn.Linear(1 << 20, 1 << 20) for _ in range(8)])  # 32 TiB


def small():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2))


def test_a_model_takes_no_memory():
    model = large()
    assert all(p.is_meta and p.requires_grad and isinstance(p, nn.Parameter) for p in model.parameters())
    assert sum(p.numel() for p in model.parameters()) == 8 * ((1 << 40) + (1 << 20))
    assert copy.deepcopy(model)[0].weight.is_meta
    assert model.state_dict()["7.bias"].shape == (1 << 20,)
    model(ag.empty(5, 1 << 20, device="meta")).sum().backward()
    assert model[0].weight.grad.shape == (1 << 20, 1 << 20)
    assert model.half()[0].weight.dtype == ag.float16


def test_initialisation_does_nothing():
    ag.manual_seed(0)
    state = ag.get_rng_state().tolist()
    weight = ag.empty(1 << 20, 1 << 20, device="meta")
    for fill in (
        init.normal_,
        init.trunc_normal_,
        init.xavier_uniform_,
        init.kaiming_normal_,
        init.orthogonal_,
        init.ones_,
    ):
        assert fill(weight) is weight
    init.sparse_(weight, 0.5)
    nn.LSTM(3, 4, device="meta")
    assert ag.get_rng_state().tolist() == state


def test_memory_comes_with_to_empty():
    with ag.device("meta"):
        model = small()
    with pytest.raises(NotImplementedError, match="to_empty"):
        model.to("cpu")
    source = small().eval()
    model(ag.ones(2, 3, 6, 6, device="meta")).sum().backward()
    model.to_empty(device="cpu").load_state_dict(source.state_dict())
    assert all(p.grad.is_cpu for p in model.parameters())
    x = ag.randn(2, 3, 6, 6)
    assert model.eval()(x).tolist() == source(x).tolist()


def test_memory_comes_with_assigned_tensors():
    with ag.device("meta"):
        model = small()
    source = small()
    model.load_state_dict(source.state_dict())
    assert model[0].weight.is_meta
    with pytest.raises(NotImplementedError, match="no data"):
        source.load_state_dict(model.state_dict())
    model.load_state_dict(source.state_dict(), assign=True)
    assert all(p.is_cpu and p.requires_grad and isinstance(p, nn.Parameter) for p in model.parameters())
    assert all(b.is_cpu for b in model.buffers())
    x = ag.randn(2, 3, 6, 6)
    assert model(x).tolist() == source(x).tolist()


def test_files_tell_their_shapes():
    with ag.device("meta"):
        state = small().state_dict()
    file = io.BytesIO()
    ag.save(state, file)
    file.seek(0)
    found = ag.load(file)
    assert {k: (v.device, v.shape, v.dtype, v.stride()) for k, v in found.items()} == {
        k: ("meta", v.shape, v.dtype, v.stride()) for k, v in state.items()
    }
    file = io.BytesIO()
    ag.save(small().state_dict(), file)
    file.seek(0)
    assert all(t.is_meta for t in ag.load(file, map_location="meta").values())


LAYERS = {
    "lstm": (nn.LSTM, (3, 4, 2, True, True), (2, 5, 3), (2, 5, 4)),
    "encoder": (nn.TransformerEncoderLayer, (8, 2, 16), (5, 2, 8), (5, 2, 8)),
    "transposed": (nn.ConvTranspose2d, (3, 4, 3, 2), (2, 3, 5, 5), (2, 4, 11, 11)),
    "norm": (nn.GroupNorm, (2, 4), (2, 4, 5), (2, 4, 5)),
    "lazy": (nn.LazyLinear, (3,), (2, 5), (2, 3)),
}


@pytest.mark.parametrize(("layer", "sizes", "given", "wanted"), LAYERS.values(), ids=LAYERS)
def test_layers_tell_the_shapes_of_their_results(layer, sizes, given, wanted):
    module = layer(*sizes, device="meta")
    y = module(ag.empty(*given, device="meta"))
    y = y[0] if isinstance(y, tuple) else y
    assert (y.device, y.shape) == ("meta", wanted)
    y.sum().backward()
    assert all(p.grad.is_meta for p in module.parameters())


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_of_the_same_length_need_no_values(mode):
    bags = ag.empty(4, 2, dtype=ag.int64, device="meta")
    assert nn.EmbeddingBag(10, 3, mode=mode, device="meta")(bags).shape == (4, 3)
