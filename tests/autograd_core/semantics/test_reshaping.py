"""In-place methods that change only how a tensor is seen."""

import pytest

import autograd_core as ag
from autograd_core.errors import InplaceError

# Programs on x of shape (1, 2, 3): each with the shape of x afterwards.
SHAPES = {
    "x.squeeze_()": (2, 3),
    "x.squeeze_(0).t_()": (3, 2),
    "x.transpose_(0, 2)": (3, 2, 1),
    "x.swapaxes_(0, 1)": (2, 1, 3),
    "x.swapdims_(1, 2)": (1, 3, 2),
    "x.unsqueeze_(-1)": (1, 2, 3, 1),
    "x.as_strided_((3, 2), (2, 1))": (3, 2),
}


@pytest.mark.parametrize("program", SHAPES)
def test_the_tensor_itself_takes_the_new_shape(program):
    a = ag.arange(6.0).requires_grad_()
    x = (a * 2).reshape(1, 2, 3).clone()
    address = x.data_ptr()
    assert eval(program, {"x": x}) is x
    assert (x.shape, x.data_ptr()) == (SHAPES[program], address)
    x *= 3
    x.sum().backward()
    assert a.grad.tolist() == [6.0] * 6


def test_a_view_stays_one():
    base = ag.zeros(2, 3)
    row = base[0]
    row.unsqueeze_(0).t_()
    row[2, 0] = 5
    assert base.tolist() == [[0, 0, 5], [0, 0, 0]]


@pytest.mark.parametrize("again", ["", "x.unsqueeze_(0).squeeze_(0)", "x.t_().t_()"])
@pytest.mark.parametrize("program", ["x.t_()", "x.transpose_(0, 1)", "x.as_strided_((3, 2), (1, 3))"])
def test_views_stay_as_they_are_and_see_what_is_written(program, again):
    a = ag.arange(6.0).reshape(2, 3).requires_grad_()
    x = a * 1
    row, scaled = x[0], x[1] * 10
    eval(program, {"x": x})
    eval(again or "None", {"x": x})
    assert (x.shape, row.shape, row.data_ptr()) == ((3, 2), (3,), x.data_ptr())
    row *= 2  # seen by x
    x[1:] *= 3  # seen by row
    weights = ag.tensor([[1.0, 2], [3, 4], [5, 6]])
    assert (x.tolist(), row.tolist()) == ([[0, 3], [6, 12], [12, 15]], [0, 6, 12])
    ((x * weights).sum() + (row * 100).sum() + scaled.sum()).backward()
    assert a.grad.tolist() == [[202, 618, 630], [12, 22, 28]]


def test_a_view_of_what_was_a_base_is_as_before():
    x = ag.zeros(2, 3)
    row = x[0]
    with pytest.raises(IndexError):
        x.transpose_(0, 5)
    assert row._base is x
    x.squeeze_().t_()
    x[0, 0] = 7
    assert (row.tolist(), x.shape) == ([7, 0, 0], (3, 2))


def test_a_leaf_that_requires_a_gradient_refuses():
    w = ag.ones(3, requires_grad=True)
    with pytest.raises(InplaceError, match=r"leaf.*no_grad"):
        w.unsqueeze_(0)
    with ag.no_grad():
        w.unsqueeze_(0)
    assert (w.shape, w.is_leaf, w.requires_grad) == ((1, 3), True, True)


def test_a_resized_tensor_keeps_its_elements_in_order():
    x = ag.arange(6.0)
    address = x.data_ptr()
    assert x.resize_(2, 2) is x
    assert (x.tolist(), x.data_ptr()) == ([[0, 1], [2, 3]], address)
    assert x.resize_(size=(2, 3)).shape == (2, 3)
    assert x.resize_((3, 3)).flatten()[:4].tolist() == [0, 1, 2, 3]
    x[2] = 0  # of undefined elements, which may be NaN
    assert ag.ones(2).new().resize_as_(x).copy_(x).tolist() == x.tolist()
    base = ag.zeros(4)
    view = base[1:]
    view.resize_(2, 1)[1] = 5
    view.resize_(4).fill_(7)
    assert (base.tolist(), view.tolist(), view._is_view()) == ([0, 0, 5, 0], [7] * 4, False)
    with pytest.raises(RuntimeError, match="cannot resize variables that require grad"):
        ag.ones(2, requires_grad=True).resize_(1)
    first = base[:1]
    with pytest.raises(InplaceError, match=r"resize_\(\) of a tensor with live views"):
        base.resize_(8)
    assert base.resize_(base.shape) is base
    base.resize_(2).fill_(3)
    assert (base.shape, first.tolist()) == ((2,), [3])


def test_a_resized_tensor_takes_a_memory_format():
    x = ag.arange(24.0)
    x.resize_((1, 2, 3, 4), memory_format=ag.channels_last)
    assert (x.stride(), x[0, 1, 0, 0].item()) == ((24, 1, 8, 2), 1)
    assert ag.empty(0).resize_as_(x, memory_format=ag.channels_last).stride() == x.stride()


def test_a_reshaped_tensor_still_retains_its_gradient():
    x = ag.ones(1, 2, requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.squeeze_()
    (y * y).sum().backward()
    assert y.retains_grad
    assert (y.grad.tolist(), x.grad.tolist()) == ([4, 4], [[8, 8]])


@pytest.mark.parametrize(
    "turned", [lambda x: x.t(), lambda x: x.transpose(0, -1), lambda x: x.movedim(0, 0)], ids="abc"
)
@pytest.mark.parametrize("shape", [(), (3,)])
def test_a_transpose_is_another_tensor_even_if_nothing_moves(turned, shape):
    x = ag.ones(shape, requires_grad=True) * 2
    y = turned(x)
    assert y is not x
    y.retain_grad()
    (y * 3).sum().backward()
    assert (y.grad.sum().item(), x.retains_grad) == (3 * y.numel(), False)
    turned(x.detach()).requires_grad_()
    z = x.detach()
    turned(z).mul_(2)
    assert z.sum().item() == 4 * z.numel()
