"""Traces: the calls that a function consists of."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import TracingError
from autograd_core.tracing import trace

X = ag.tensor([[1.0, -2.0], [3.0, 4.0]])


def _names(found):
    return [call.op.name for call in found.calls]


def test_calls_in_order_with_operands_parameters_and_results():
    found = trace(lambda x: (x * 2).sum(1), X)
    assert _names(found) == ["multiply", "sum"]
    product, total = found.calls
    assert product.operands == (found.inputs[0], 2)
    assert total.operands == product.results
    assert total.statics["dim"] == 1
    assert found.outputs is total.results[0]
    np.testing.assert_array_equal(found.outputs.held, [-2.0, 14.0])


def test_what_depends_on_no_input_is_computed_once():
    weight = ag.tensor([[1.0, 0.0], [0.0, 2.0]], requires_grad=True)
    found = trace(lambda x: ((weight * 3) @ x, weight + 1), X)
    assert _names(found) == ["matmul"]
    np.testing.assert_array_equal(found.calls[0].operands[0], [[3, 0], [0, 6]])
    np.testing.assert_array_equal(found.outputs[1], [[2, 1], [1, 3]])


def test_structures_of_arguments_and_results():
    found = trace(lambda pair, scale: {"sum": pair[0] + pair[1], "n": 3}, (X, X * 2), scale=1.5)
    assert len(found.inputs) == 2
    assert found.outputs["n"] == 3
    np.testing.assert_array_equal(found.outputs["sum"].held, X.numpy() * 3)


def test_operations_with_several_outputs():
    found = trace(lambda x: x.max(1)[1] + x.unbind(0)[0].long(), X)
    assert _names(found) == ["max_along", "unbind", "astype", "add"]
    assert found.calls[-1].operands[0] is found.calls[0].results[1]


def test_in_place_writes_name_the_new_value():
    def function(x):
        y = x * 2
        before = y.clone()
        y += 1
        return y.relu_() - before

    found = trace(function, X)
    assert _names(found) == ["multiply", "add", "relu", "subtract"]  # nothing is ever copied
    np.testing.assert_array_equal(found.outputs.held, function(X).numpy())
    assert found.calls[-1].operands == (found.calls[2].results[0], found.calls[0].results[0])


def test_an_input_that_is_written_keeps_its_value():
    x = X.clone()
    found = trace(lambda x: x.mul_(2), x)
    np.testing.assert_array_equal(found.inputs[0].held, X.numpy())
    np.testing.assert_array_equal(x.numpy(), X.numpy())


def test_nothing_is_recorded_for_gradients():
    x = X.clone().requires_grad_()
    trace(lambda x: (x * x).sum(), x)
    assert x.grad is None
    assert ag.is_grad_enabled()


def test_errors_of_the_function_are_its_own():
    with pytest.raises(RuntimeError, match="matmul"):
        trace(lambda x: x @ ag.ones(3, 3), X)
    with pytest.raises(AttributeError, match="nothing"):
        trace(lambda x: x.nothing, X)


@pytest.mark.parametrize("read", ["__bool__", "__float__", "__int__", "__array__", "item", "tolist", "numpy"])
def test_values_cannot_be_read(read):
    with pytest.raises(TracingError, match="where"):
        trace(lambda x: getattr(x.sum(), read)(), X)


def test_views_cannot_be_written():
    def function(x):
        y = x * 2
        y[0].add_(1)
        return y

    with pytest.raises(TracingError, match="has views"):
        trace(function, X)


@pytest.mark.parametrize(
    "compute",
    [lambda x: 1 / x, lambda x: x.log(), lambda x: (x - 1).softmax(0).sqrt() - x / 0],
    ids=["a number first", "a logarithm", "several"],
)
def test_what_numpy_warns_of_is_no_error_where_warnings_are(compute):
    x = ag.tensor([0.0, -np.inf])
    with np.errstate(all="raise"):
        values, found = compute(x), trace(compute, x)
        samples = ag.vmap(compute)(ag.stack([x, x]))
    np.testing.assert_array_equal(found.outputs.held, values)
    np.testing.assert_array_equal(samples[1], values)
