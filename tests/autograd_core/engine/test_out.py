"""`out=`: results written into tensors that exist already, never recorded and never partly."""

import pytest

import autograd_core as ag
from autograd_core.errors import DtypeError, OperandError

X = ag.tensor([[1.0, 2.0], [3.0, 4.0]])
CALLS = {
    "one operand": lambda out: ag.exp(X, out=out),
    "two operands": lambda out: ag.maximum(X, X.T, out=out),
    "scaled": lambda out: ag.add(X, X, alpha=2, out=out),
    "with a parameter": lambda out: ag.sum(X, dim=0, keepdim=False, out=out),
    "composition": lambda out: ag.clamp(X, 2, 3, out=out),
    "synonym": lambda out: ag.mean(X, axis=1, out=out),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_result_is_written_and_the_tensor_returned(name):
    expected = CALLS[name](None)
    target = ag.zeros_like(expected)
    assert CALLS[name](target) is target
    assert ag.equal(target, expected)


@pytest.mark.parametrize("name", CALLS)
def test_a_tensor_without_elements_takes_on_the_shape(name):
    target = ag.tensor([], dtype="float64")
    CALLS[name](target)
    assert ag.equal(target, CALLS[name](None).double())


def test_several_results_go_to_several_tensors():
    values, indices = ag.zeros(2), ag.zeros(2, dtype="int64")
    assert ag.max(X, dim=0, out=(values, indices)).values is values
    assert values.tolist() == [3, 4]
    assert indices.tolist() == [1, 1]
    with pytest.raises(OperandError, match="out= must hold 2 tensors, not 1"):
        ag.max(X, dim=0, out=(values,))


def test_the_target_may_be_an_operand_or_a_view():
    x = ag.tensor([1.0, 2.0, 3.0])
    ag.add(x[:2], x[1:], out=x[1:])
    assert x.tolist() == [1, 3, 5]


def test_a_write_is_noticed_by_graphs_that_saved_the_target():
    x, y = ag.ones(2, requires_grad=True), ag.ones(2)
    z = x * y
    ag.exp(ag.ones(2), out=y)
    with pytest.raises(RuntimeError, match="written in place"):
        z.sum().backward()


@pytest.mark.parametrize(
    "target, error, complaint",
    [
        (ag.zeros(2, 2, dtype="int64"), DtypeError, "float32 cannot be written to out= of int64"),
        ([0.0], TypeError, "must be a tensor"),
    ],
    ids=["dtype", "list"],
)
def test_a_target_that_does_not_fit_is_refused(target, error, complaint):
    with pytest.raises(error, match=complaint):
        ag.exp(X, out=target)


def test_a_target_of_another_shape_is_resized_with_a_warning():
    base = ag.zeros(3)
    target = base[:2]
    with pytest.warns(UserWarning, match=r"exp.*result has shape \(2, 2\) but out= has shape \(2,\)") as told:
        assert ag.exp(X, out=target) is target
    assert ag.equal(target, X.exp())
    assert (base.tolist(), told[0].filename) == ([0, 0, 0], __file__)


def test_gradients_are_not_lost_silently():
    x, target = ag.ones(2, requires_grad=True), ag.zeros(2)
    with pytest.raises(OperandError, match="not recorded"):
        ag.exp(x, out=target)
    with pytest.raises(OperandError, match="not recorded"):
        ag.exp(target, out=ag.zeros(2, requires_grad=True))
    with ag.no_grad():
        assert ag.exp(x, out=target).requires_grad is False
    assert ag.equal(target, ag.exp(x).detach())


def test_functions_that_make_tensors_take_options():
    target = ag.tensor([5.0, 6.0], dtype="float64")
    for make, expected in (
        (lambda **k: ag.zeros(2, **k), [0, 0]),
        (lambda **k: ag.arange(2, **k), [0, 1]),
        (lambda **k: ag.full((2,), 3, **k), [3, 3]),
        (lambda **k: ag.range(1, 2, **k), [1, 2]),
        (lambda **k: ag.bernoulli(ag.ones(2), **k), [1, 1]),
    ):
        assert make(out=target) is target
        assert (target.tolist(), target.dtype) == (expected, ag.float64)
    assert ag.rand(3, out=ag.empty(0)).shape == (3,)
    assert ag.ones(2, layout=ag.strided).layout is ag.strided
    assert isinstance(target.layout, ag.layout)
    with pytest.raises(RuntimeError, match="strided, not sparse"):
        target.new_ones(2, layout="sparse")
    with pytest.raises(RuntimeError, match="never reaches the end"):
        ag.range(3, 1)
    assert ag.range(0, 1, 0.3).shape == (4,)
