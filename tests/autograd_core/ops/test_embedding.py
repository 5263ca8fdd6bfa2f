"""Tables: which rows get how much gradient, renormalisation in place, bags."""

import math

import numpy as np
import pytest

import autograd_core as ag
import nn
import nn.functional as F
from autograd_core.errors import InplaceError, PositionError

INDEX = [[0, 2, 2], [1, 2, 0]]


def table():
    return ag.tensor(np.arange(8.0).reshape(4, 2), requires_grad=True)


@pytest.mark.parametrize(
    "options, uses",
    [
        ({}, [2, 1, 3, 0]),
        ({"padding_idx": -2}, [2, 1, 0, 0]),
        ({"scale_grad_by_freq": True}, [1, 1, 1, 0]),
        ({"scale_grad_by_freq": True, "padding_idx": 0}, [0, 1, 1, 0]),
    ],
)
def test_gradients_of_rows(options, uses):
    weight = table()
    y = F.embedding(ag.tensor(INDEX), weight, **options)
    y.sum().backward()
    assert y.tolist() == weight.detach()[ag.tensor(INDEX)].tolist()
    np.testing.assert_allclose(weight.grad.numpy()[:, 0], uses)


def test_rows_that_are_too_long_are_shortened_where_they_lie():
    weight = table()
    before = (weight * weight).sum()
    F.embedding(ag.tensor([2, 2]), weight, max_norm=1.0)
    with pytest.raises(InplaceError):
        before.backward()
    np.testing.assert_allclose(np.linalg.norm(weight.detach().numpy(), axis=1), [1, 13**0.5, 1, 85**0.5], rtol=1e-6)
    F.embedding(ag.tensor([3]), weight, max_norm=3.0, norm_type=1.0)
    np.testing.assert_allclose(abs(weight.detach().numpy()[3]).sum(), 3, rtol=1e-6)


def test_shortened_rows_are_short_enough_to_stay():
    weight = ag.randn(500, 5, generator=ag.Generator().manual_seed(0))
    F.embedding(ag.arange(500), weight, max_norm=1.0)
    assert (weight.norm(dim=1) <= 1).all()


def test_padding_gets_no_gradient_even_of_what_is_not_finite():
    weight = table()
    y = F.embedding(ag.tensor([1, 2]), weight, padding_idx=1)
    y.backward(ag.tensor([[math.nan, math.inf], [1.0, 1.0]]))
    assert weight.grad.tolist() == [[0, 0], [0, 0], [1, 1], [0, 0]]


def test_bags_that_are_all_empty_lead_to_the_table():
    weight = table()
    F.embedding_bag(ag.empty(0, dtype="int64"), weight, ag.tensor([0, 0]), mode="max").sum().backward()
    assert not weight.grad.any()


def test_a_table_of_integers_is_looked_up_but_not_learned():
    layer = nn.Embedding.from_pretrained(ag.tensor([[1, 2], [3, 4]]))
    assert layer(ag.tensor([1])).tolist() == [[3, 4]]
    assert not layer.weight.requires_grad
    with pytest.raises(RuntimeError, match="int64"):
        nn.Embedding.from_pretrained(ag.tensor([[1, 2]]), freeze=False)


@pytest.mark.parametrize("function", [F.embedding, F.embedding_bag])
def test_numbers_must_be_those_of_rows(function):
    for index in ([[4]], [[-1]]):
        with pytest.raises(PositionError, match="4 rows"):  # IndexError of one function, RuntimeError of the other
            function(ag.tensor(index), table())
    with pytest.raises(RuntimeError, match="integers"):
        function(ag.ones(1, 2), table())
    with pytest.raises(AssertionError if function is F.embedding else RuntimeError, match="padding_idx"):
        function(ag.tensor([[0]]), table(), padding_idx=4)


@pytest.mark.parametrize(
    "mode, rows",
    [("sum", [[6, 8], [0, 0], [2, 3]]), ("mean", [[3, 4], [0, 0], [2, 3]]), ("max", [[6, 7], [0, 0], [2, 3]])],
)
def test_bags_without_padding(mode, rows):
    index, offsets = ag.tensor([0, 2, 3, 2, 1]), ag.tensor([0, 3, 4])
    assert F.embedding_bag(index, table(), offsets, mode=mode, padding_idx=2).tolist() == rows


def test_what_follows_the_last_offset_is_in_no_bag():
    y = F.embedding_bag(ag.tensor([0, 1, 3]), table(), ag.tensor([0, 2]), mode="sum", include_last_offset=True)
    assert y.tolist() == [[2, 4]]


def test_of_equal_rows_the_first_is_the_largest():
    weight = ag.ones(3, 1, requires_grad=True)
    F.embedding_bag(ag.tensor([[2, 0]]), weight, mode="max").sum().backward()
    assert weight.grad.tolist() == [[0], [0], [1]]


@pytest.mark.parametrize(
    "change, error, match",
    [
        ({"mode": "prod"}, ValueError, "mode"),
        ({"offsets": ag.tensor([1])}, RuntimeError, "rise from 0"),
        ({"offsets": None}, ValueError, "vector of indices"),
        ({"offsets": ag.tensor([0, 2, 1])}, RuntimeError, "rise"),
        ({"per_sample_weights": ag.ones(3)}, NotImplementedError, "sum"),
        ({"mode": "max", "scale_grad_by_freq": True}, ValueError, "max"),
        ({"mode": "sum", "per_sample_weights": ag.ones(2)}, ValueError, "shape of input"),
        ({"offsets": ag.tensor([], dtype="int64"), "include_last_offset": True}, RuntimeError, "at least one"),
    ],
)
def test_what_bags_refuse(change, error, match):
    with pytest.raises(error, match=match):
        F.embedding_bag(ag.tensor([0, 1, 2]), table(), **{"offsets": ag.tensor([0, 1]), **change})
