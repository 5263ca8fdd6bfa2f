"""The types of functions with several results."""

import pickle

import pytest

import autograd_core as ag
from autograd_core import return_types


@pytest.mark.parametrize(
    "name, compute",
    [
        ("max", lambda x: x.max(0)),
        ("topk", lambda x: x.topk(1)),
        ("median", lambda x: x.median(0)),
        ("nanmedian", lambda x: x.nanmedian(0)),
        ("histogram", lambda x: ag.histogram(x, 2)),
        ("linalg_svd", ag.linalg.svd),
        ("linalg_slogdet", ag.linalg.slogdet),
        ("aminmax", ag.aminmax),
    ],
)
def test_results_are_of_the_type_that_they_show_and_can_be_pickled(name, compute):
    found = compute(ag.tensor([[2.0, 1.0], [0.0, 3.0]]))
    assert isinstance(found, getattr(return_types, name))
    assert repr(found).startswith(f"return_types.{name}(")
    again = pickle.loads(pickle.dumps(found))
    assert type(again) is type(found)
    assert all(map(ag.equal, again, found))


def test_edges_of_several_coordinates():
    assert repr(ag.histogramdd(ag.eye(2), 2)).startswith("return_types.histogramdd(\nhist=tensor(")


def test_what_is_no_type():
    with pytest.raises(AttributeError, match="no attribute 'relu'"):
        return_types.relu
