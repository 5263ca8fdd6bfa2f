"""Dual tensors: values with a tangent."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.autograd import forward_ad as fw
from autograd_core.func import jvp


def test_tangents_go_through_operations_and_layers_of_derivatives():
    x, v, w = (ag.tensor(a, dtype=ag.float64) for a in ([0.5, 1.5], [1.0, -2.0], [3.0, 4.0]))
    parameter = w.clone().requires_grad_()

    def function(x, w):
        return (x.exp() * w).cumsum(0)

    with fw.dual_level():
        dual = fw.make_dual(x, v)
        y = function(dual, parameter)
        primal, tangent = fw.unpack_dual(y)
        alone = fw.unpack_dual(dual)
    expected, slope = jvp(lambda x: function(x, w), (x,), (v,))
    np.testing.assert_allclose(primal.detach(), expected, rtol=1e-15)
    np.testing.assert_allclose(tangent.detach(), slope, rtol=1e-15)
    assert alone.primal.tolist() == x.tolist()
    assert alone.tangent is v
    assert not alone.primal.requires_grad
    # The tangent can itself be differentiated: d/dw of Σ (eˣ v w, cumulated).
    (g,) = ag.grad(tangent.sum(), parameter)
    np.testing.assert_allclose(g, np.exp(x) * v * [2, 1], rtol=1e-15)


def test_a_dual_tensor_can_be_written():
    x, v = ag.tensor([2.0, 3.0]), ag.tensor([1.0, 5.0])
    with fw.dual_level():
        dual = fw.make_dual(x, v)
        dual.mul_(3)
        dual[0] = 1.0
        assert fw.unpack_dual(dual).tangent.tolist() == [0.0, 15.0]
        assert fw.unpack_dual(ag.nn.functional.relu(fw.make_dual(-x, v), inplace=True)).tangent.tolist() == [0.0, 0.0]
    assert (dual.tolist(), x.tolist()) == ([1.0, 9.0], [2.0, 3.0])


def test_what_carries_no_tangent():
    x = ag.ones(2)
    with fw.dual_level():
        fw.make_dual(x, x)
        assert fw.unpack_dual(x * 2).tangent is None
        parameter = ag.ones(2, requires_grad=True)
        assert fw.unpack_dual(parameter * 2).tangent is None
        dual = fw.make_dual(x, 3 * x)
        assert fw.unpack_dual(dual.detach() * 2).tangent is None
        assert fw.unpack_dual(dual.floor()).tangent.tolist() == [0.0, 0.0]
    assert fw.unpack_dual(dual).tangent is None


def test_levels():
    x = ag.ones(2)
    with pytest.raises(RuntimeError, match="outside of a dual level"):
        fw.make_dual(x, x)
    with pytest.raises(RuntimeError, match="not entered"):
        fw.exit_dual_level()
    with fw.dual_level() as level:
        assert level == 0
        with pytest.raises(RuntimeError, match="one at a time"):
            fw.enter_dual_level()
        with pytest.raises(RuntimeError, match=r"shape \(3,\)"):
            fw.make_dual(x, ag.ones(3))
        with pytest.raises(ValueError, match="int64"):
            fw.make_dual(x.long(), x)
        with ag.no_grad(), pytest.raises(RuntimeError, match="no_grad"):
            fw.make_dual(x, x)
