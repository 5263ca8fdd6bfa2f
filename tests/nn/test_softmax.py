"""Functions along an axis that older programs do not name."""

import pytest

import autograd_core as ag
import nn
from nn import functional as F


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
def test_the_axis_that_is_not_named(name):
    function = getattr(F, name)
    for shape, dim in (((3,), 0), ((2, 3), 1), ((2, 3, 4), 0), ((2, 3, 4, 5), 1)):
        x = ag.randn(shape)
        with pytest.warns(UserWarning, match=f"axis {dim}") as caught:
            found = function(x)
        assert ag.equal(found, function(x, dim=dim))
        assert caught[0].filename == __file__
    assert function(ag.ones(2, dtype=ag.float16), 0, 3, ag.float32).dtype == ag.float32
    assert nn.Softmax(0)(ag.zeros(2)).tolist() == [0.5, 0.5]
