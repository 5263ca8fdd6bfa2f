"""Operands of other classes whose `__torch_function__` says what an operation does with them."""

import pytest

import autograd_core as ag
import nn.functional as F


class Held:
    """Stands for a tensor; notes the operations that it meets."""

    seen = ()

    def __init__(self, value):
        self.value = value

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.seen += ((func, types),)
        plain = [tuple(map(cls.of, a)) if isinstance(a, tuple | list) else cls.of(a) for a in args]
        return func(*plain, **{k: cls.of(v) for k, v in (kwargs or {}).items()})

    @staticmethod
    def of(x):
        return x.value if isinstance(x, Held) else x


CALLS = (
    "ag.sin(v)",
    "ag.add(x, v, alpha=2)",
    "ag.mul(v, x)",
    "x.mul(v)",
    "ag.matmul(x, v)",
    "F.linear(x, v, v[0])",
    "ag.sum(v, dim=1, keepdim=True)",
    "F.softmax(v, dim=0)",
    "ag.gather(v, 1, at)",
    "ag.topk(v, 1).values",
    "ag.where(x > 0, v, x)",
    "ag.cat([x, v])",
    "ag.addmm(v, x, v)",
    "ag.einsum('ij,kj->ik', x, v)",
    "ag.linalg.norm(v)",
    "F.mse_loss(input=v, target=x)",
)


@pytest.mark.parametrize("call", CALLS)
def test_what_stands_for_a_tensor_is_asked(call):
    weight = ag.tensor([[1.0, 2.0], [3.0, 5.0]], requires_grad=True)
    names = {"ag": ag, "F": F, "x": ag.tensor([[1.0, 0.0], [2.0, 3.0]]), "at": ag.tensor([[1], [0]])}
    expected = eval(call, names | {"v": weight})
    (slope,) = ag.grad(expected.sum(), weight)
    held = Held(weight)
    Held.__getitem__ = lambda self, place: Held(self.value[place])
    found = eval(call, names | {"v": held})
    assert ag.equal(found, expected)
    assert ag.equal(ag.grad(found.sum(), weight)[0], slope)


def test_the_function_and_the_classes_are_told(monkeypatch):
    monkeypatch.setattr(Held, "seen", ())
    ag.sin(Held(ag.ones(2)))
    assert Held.seen == ((ag.sin, (Held,)),)


def test_a_class_may_decline():
    class Declines:
        __torch_function__ = classmethod(lambda *args: NotImplemented)

    class Accepts:
        __torch_function__ = classmethod(lambda cls, func, types, args, kwargs: len(types))

    assert ag.add(Declines(), Accepts()) == 2
    with pytest.raises(TypeError, match=r"sin\(\): Declines is not a tensor"):
        ag.sin(Declines())
    with pytest.raises(TypeError, match="unsupported operand"):
        ag.ones(2) + Declines()
    with pytest.raises(IndexError, match="only integers"):
        ag.ones(2)[Declines()]


def test_operators_and_brackets_ask():
    class Named:
        @classmethod
        def __torch_function__(cls, func, types, args, kwargs=None):
            return func.__name__

    x = ag.ones(3)
    assert (x + Named(), x * Named(), x < Named()) == ("add", "multiply", "lt")
    assert {x[Named()], x[0, Named()]} == {"__getitem__"}


def test_functions_that_consist_of_operations_ask_once_they_have_met_such_an_object():
    names = []

    class Named:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            names.append(func.__name__)

    ag.sin(Named())
    for function in (ag.logdet, ag.linalg.solve, ag.linalg.cholesky, ag.squeeze, ag.numel):
        function(Named())
    assert names == ["sin", "logdet", "solve", "cholesky", "squeeze", "numel"]
