"""Modules in another dtype or order in memory, and whole copies of them."""

import copy
import pickle

import pytest

import autograd_core as ag
import nn


def small():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1, bias=False))


def test_conversion_to_another_order_in_memory():
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Conv3d(1, 2, 2))
    assert model.to(memory_format=ag.channels_last) is model
    assert model[0].weight.is_contiguous(memory_format=ag.channels_last)
    assert model[2].weight.is_contiguous()
    model.to(memory_format=ag.contiguous_format)
    assert model[0].weight.is_contiguous()


def test_conversion_keeps_parameters_and_spares_integers():
    m = small()
    p = m[0].weight
    m(ag.ones(2, 2)).sum().backward()
    assert m.double() is m
    assert m[0].weight is p
    assert p.dtype == p.grad.dtype == m[1].running_mean.dtype == ag.float64
    assert m[1].num_batches_tracked.dtype == ag.int64
    assert m.half()[0].weight.dtype == ag.float16
    assert m.to("cpu", ag.float64)[0].weight.dtype == ag.float64
    assert m.to(ag.ones(1))[0].weight.dtype == ag.float32
    assert m.float().cpu()[0].weight.requires_grad


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_whole_and_separate(twin):
    m = small()
    m[3].weight = m[0].get_parameter("weight")  # tied
    other = twin(m)
    assert repr(other) == repr(m)
    assert other[0].weight is not m[0].weight
    assert other[0].weight is dict(other.named_parameters())["0.weight"]
    assert other[0].weight.tolist() == m[0].weight.tolist()
    assert isinstance(other[0].weight, nn.Parameter)
    assert other[3].weight is other[0].weight
    other[0].weight = nn.Parameter(ag.zeros(3, 2))
    assert m.state_dict()["0.weight"].tolist() != other.state_dict()["0.weight"].tolist()
