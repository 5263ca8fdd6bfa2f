"""Operations with several outputs whose outputs are views: a write through one reaches the whole."""

import pytest

from autograd_core import tensor


@pytest.mark.parametrize(
    "split",
    [
        lambda y: y.split(2)[0],
        lambda y: y.chunk(2)[0],
        lambda y: y.reshape(2, 2).unbind()[0],
        lambda y: next(iter(y.reshape(2, 2))),
        lambda y: y.reshape(2, 2).split(1)[0][0],
    ],
    ids=["split", "chunk", "unbind", "iter", "split of a view"],
)
def test_writes_through_pieces_are_differentiable(split):
    x = tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    y = x * 1
    split(y).mul_(3.0)
    assert y.tolist() == [3.0, 6.0, 3.0, 4.0]
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0, 1.0, 1.0]


def test_pieces_without_axes_share_storage_too():
    x = tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    y.unbind()[0].mul_(3.0)
    y.sum().backward()
    assert y.tolist() == [3.0, 2.0]
    assert x.grad.tolist() == [3.0, 1.0]


def test_a_write_to_the_whole_reaches_its_pieces():
    x = tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    a, b = y.split(1)
    y.mul_(5.0)
    (a * b).sum().backward()
    assert x.grad.tolist() == [50.0, 25.0]
