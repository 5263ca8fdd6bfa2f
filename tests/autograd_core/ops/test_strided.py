"""Views by strides, over the whole storage, and the gradients of elements that share memory."""

import copy

import numpy as np
import pytest

import autograd_core as ag


def leaf(*shape):
    return ag.arange(1.0, 1 + np.prod(shape)).reshape(shape).clone().requires_grad_()


# A view of a 2 × 3 leaf: its elements, and the gradient of (their sum) in each element of the leaf.
VIEWS = {
    "x.as_strided((2, 2), (1, 1))": ([[1, 2], [2, 3]], [[1, 2, 1], [0, 0, 0]]),
    "x.t().as_strided((2,), (4,), 1)": ([2, 6], [[0, 1, 0], [0, 0, 1]]),
    "x[1].as_strided((2,), (1,))": ([4, 5], [[0, 0, 0], [1, 1, 0]]),
    "x[0].as_strided((2,), (3,))": ([1, 4], [[1, 0, 0], [1, 0, 0]]),
    "x[:, 1:].as_strided((2,), (1,), 0)": ([1, 2], [[1, 1, 0], [0, 0, 0]]),
    "x.expand(2, 2, 3).as_strided((3,), (1,))": ([1, 2, 3], [[1, 1, 1], [0, 0, 0]]),
    "x.as_strided((0, 2), (1, 1))": (np.empty((0, 2)).tolist(), [[0, 0, 0], [0, 0, 0]]),
    "x.as_strided((), ())": (1, [[1, 0, 0], [0, 0, 0]]),
}


@pytest.mark.parametrize("program", VIEWS)
def test_views_and_their_gradients(program):
    x = leaf(2, 3)
    y = eval(program, {"x": x})
    values, gradient = VIEWS[program]
    assert (y.tolist(), ag.autograd.grad(y.sum(), x)[0].tolist()) == (values, gradient)


def test_elements_of_the_source_that_share_memory_share_the_gradient():
    x = leaf(3).expand(2, 3)
    y = x.as_strided((3,), (1,))
    (g,) = ag.autograd.grad(y.sum(), x)
    assert g.tolist() == [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]


def test_what_lies_elsewhere_is_refused():
    x = leaf(2, 3)
    with pytest.raises(RuntimeError, match="beyond a storage of 6"):
        x.as_strided((2,), (6,))
    with pytest.raises(RuntimeError, match="negative"):
        x.as_strided((2,), (-1,))
    with pytest.raises(RuntimeError, match="as many strides"):
        x.as_strided((2, 2), (1,))
    with pytest.raises(RuntimeError, match=r"shape \(3,\), not \(2,\)"):
        x.as_strided_scatter(ag.ones(3), (2,), (1,))


@pytest.mark.parametrize(
    "copied",
    ["x.clone()", "x.double()", "ag.zeros_like(x)", "ag.tensor(x)", "copy.deepcopy(x)", "ag.cat([x, x])",
     "ag.cat([ag.ones(2, 1), x], 1)", "ag.stack([x, x])[0]", "x.roll(1, 1)", "x.T.cumsum(0)",
     "x.double().T.cumprod(1)"],
)  # fmt: skip
def test_a_copy_of_repeated_elements_can_be_written_through_a_vector(copied):
    made = eval(copied, {"x": ag.arange(3.0).expand(2, 3), "ag": ag, "copy": copy})
    made.view(-1)[1] = 9
    assert made[0, 1] == 9
    assert made.is_contiguous()


def test_windows_that_share_memory_cannot_be_written():
    x = ag.zeros(4)
    with pytest.raises(RuntimeError, match="share memory"):
        x.unfold(0, 2, 1).add_(1)
    x.unfold(0, 2, 2).add_(1)
    assert x.tolist() == [1, 1, 1, 1]


def test_creation_by_layout():
    assert ag.empty_strided((2, 3), (1, 2)).stride() == (1, 2)
    assert ag.empty_permuted((2, 3, 4), (2, 0, 1)).stride() == (3, 1, 6)
    assert ag.ones(1).new_empty_strided((2,), (3,)).stride() == (3,)
    with pytest.raises(RuntimeError, match="not an order"):
        ag.empty_permuted((2, 3), (0, 0))
    assert ag.tril_indices(3, 3, -1).tolist() == [[1, 2, 2], [0, 0, 1]]
    assert ag.triu_indices(2, 3, 1).tolist() == [[0, 0, 1], [1, 2, 2]]
    assert (ag.scalar_tensor(5).dtype, ag.frombuffer(bytearray(4), dtype="int16").tolist()) == (ag.float32, [0, 0])
    shared = np.zeros(2)
    assert ag.asarray(shared).data_ptr() == shared.ctypes.data != ag.asarray(shared, copy=True).data_ptr()
    with pytest.raises(ValueError, match="copy=False"):
        ag.asarray([1.0], copy=False)


def test_a_storage_whose_axes_are_in_another_order():
    x = leaf(4, 2, 3)
    y = ag.nn.functional.pad(x.transpose(0, 1), (0, 0, 1, 1))  # in the order of x
    row, column, last = y.stride()
    windows = y.as_strided((2, 4, 3, 3), (row, column, column, last))
    assert windows.tolist() == y.unfold(1, 3, 1).transpose(2, 3).tolist()
    assert ag.autograd.grad(windows.sum(), x)[0][:, 0, 0].tolist() == [2, 3, 3, 2]
    z = y.detach()
    z.as_strided((2, 3), (row, last)).fill_(7)
    assert z[:, 0].tolist() == [[7] * 3] * 2
