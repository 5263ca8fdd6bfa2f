"""Reductions and writes by position where elements meet: ties, zeros, and several for one place."""

import math

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.ops.positions import scatter


def wide(values, requires_grad=True):
    return ag.tensor(values, dtype="f8", requires_grad=requires_grad)


# x, src (all sent to place 0 of x), reduce, include_self: the first element, and both gradients for a cotangent of 6.
MEETINGS = {
    "ties share, the element before among them": ([2.0, 5.0], [2.0, 2.0], "amax", True, 2, [2, 6], [2, 2]),
    "and not where it does not count": ([2.0, 5.0], [2.0, 2.0], "amin", False, 2, [0, 6], [3, 3]),
    "nan is the extremum": ([1.0, 5.0], [np.nan, 2.0], "amax", True, np.nan, [np.nan, 6], [np.nan, np.nan]),
    "one zero": ([3.0, 5.0], [0.0, 2.0], "prod", True, 0, [0, 6], [36, 0]),
    "two zeros": ([0.0, 5.0], [0.0, 2.0], "prod", True, 0, [0, 6], [0, 0]),
    "zero in an element that does not count": ([0.0, 5.0], [3.0, 2.0], "prod", False, 6, [0, 6], [12, 18]),
    "mean": ([3.0, 5.0], [6.0, 0.0], "mean", True, 3, [2, 6], [2, 2]),
    "mean of what was sent": ([3.0, 5.0], [6.0, 0.0], "mean", False, 3, [0, 6], [3, 3]),
    "sum of what was sent": ([3.0, 5.0], [6.0, 0.0], "sum", False, 6, [0, 6], [6, 6]),
}


@pytest.mark.parametrize(
    "function, case",
    [("scatter_reduce", case) for case in MEETINGS]
    + [("index_reduce", case) for case in MEETINGS if "sum" not in case],
)
def test_reductions_where_elements_meet(function, case):
    values, sent, reduce, include_self, expected, dx, dsrc = MEETINGS[case]
    x, src = wide(values), wide(sent)
    y = getattr(ag, function)(x, 0, ag.tensor([0, 0]), src, reduce, include_self=include_self)
    np.testing.assert_equal(y.tolist(), [expected, 5])
    np.testing.assert_allclose([g.numpy() for g in ag.autograd.grad(y, (x, src), wide([6, 6], False))], [dx, dsrc])


def test_the_product_is_exact_at_zeros_to_second_order():
    x, src = wide([3.0]), wide([0.0, 0.0])
    y = x.scatter_reduce(0, ag.tensor([0, 0]), src, "prod")
    (g,) = ag.autograd.grad(y, src, create_graph=True)
    (h,) = ag.autograd.grad(g[0], src)
    assert (g.tolist(), h.tolist()) == ([0, 0], [0, 3])


# Of two values for place 0, the last one stays, and it alone has a gradient.
LAST = {
    "x.scatter(0, i, v)": "scatter",
    "x.index_copy(0, i, v)": "index_copy",
    "x.index_put((i,), v)": "index_put",
    "x.put(i, v)": "put",
}


@pytest.mark.parametrize("program", LAST)
@pytest.mark.parametrize("step", [1, -1], ids=["forwards", "backwards in memory"])
def test_the_last_value_stays(program, step):
    values = wide([7.0, 8.0, 9.0][::step])
    x, v = wide([1.0, 2.0]), values[::step]
    y = eval(program, {"x": x, "i": ag.tensor([0, 0, 1]), "v": v})
    (dx, dv) = ag.autograd.grad(y, (x, v), wide([5.0, 6.0], False))
    assert (y.tolist(), dx.tolist(), dv.tolist()) == ([8, 9], [0, 0], [0, 5, 6])


def test_integers_have_a_mean_and_bounds():
    x, i, src = ag.tensor([1, 9]), ag.tensor([0, 0]), ag.tensor([4, 5])
    got = [x.scatter_reduce(0, i, src, r, include_self=False).tolist() for r in ("mean", "max", "min", "prod")]
    assert got == [[4, 9], [5, 9], [4, 9], [20, 9]]


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("wide_of_x, counted", [(3, 5), (4, 15)], ids=["whole slices", "parts of slices"])
def test_a_mean_counts_an_expanded_index_once_for_whole_slices(dim, wide_of_x, counted, monkeypatch):
    x, src, index = ag.randn(2, wide_of_x), ag.randn(5, 3), ag.tensor([1, 0, 1, 1, 0])[:, None].expand(5, 3)
    if dim:
        x, src, index = x.T, src.T, index.T
    expected = [x.scatter_reduce(dim, index.contiguous(), src, "mean", include_self=own) for own in (True, False)]
    sizes, spread = [], scatter.spread
    monkeypatch.setattr(
        scatter, "spread", lambda v, *rest, **named: sizes.append(v.numel()) or spread(v, *rest, **named)
    )
    for own, values in zip((True, False), expected, strict=True):
        assert x.scatter_reduce(dim, index, src, "mean", include_self=own).equal(values)
    assert sizes == [15, counted] * 2


def test_scatter_combines_on_request():
    x, i = wide([1.0, 2.0], False), ag.tensor([0, 0])
    assert x.scatter(0, i, 3.0, reduce="add").tolist() == [7, 2]
    assert x.scatter(0, i, value=3.0, reduce="multiply").tolist() == [9, 2]
    with pytest.raises(RuntimeError, match="'add' or 'multiply'"):
        x.scatter(0, i, 3.0, reduce="mean")
    with pytest.raises(TypeError, match="src, a tensor, or value"):
        x.scatter(0, i)


def test_dtypes_must_agree():
    for call in (
        lambda x, i, s: x.scatter_add(0, i, s),
        lambda x, i, s: x.index_add(0, i, s),
        lambda x, i, s: x.index_put((i,), s),
        lambda x, i, s: x.put(i, s),
    ):
        with pytest.raises(RuntimeError, match="dtype"):
            call(wide([1.0]), ag.tensor([0]), ag.ones(1))


@pytest.mark.parametrize(
    "fill",
    [
        lambda x, v: x.scatter(0, ag.tensor([0]), v),
        lambda x, v: x.index_fill(0, ag.tensor([0]), v),
        lambda x, v: x.masked_fill(ag.tensor([True, False]), v),
        ag.full_like,
        lambda x, v: x.clone().fill_(v),
    ],
    ids=["scatter", "index_fill", "masked_fill", "full_like", "fill_"],
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int64", "uint8"])
def test_complex_numbers_fill_real_tensors_if_they_are_real(fill, dtype):
    x = ag.ones(2, dtype=dtype)
    filled = fill(x, 3 + 0j)
    assert (filled[0].item(), filled.dtype) == (3, x.dtype)
    with pytest.raises(RuntimeError, match="imaginary part"):
        fill(x, 3j)
    with pytest.raises(RuntimeError, match=r"imaginary part|take \.real"):
        x.index_fill(0, ag.tensor([0]), ag.tensor(3j))


def test_added_slices_of_integers_have_a_whole_factor():
    assert ag.ones(3, dtype="int64").index_add(0, ag.tensor([0, 2]), ag.tensor([3, 3]), alpha=1.5).tolist() == [4, 1, 4]


def test_masks_write_one_value():
    x, mask = wide([1.0, 2.0]), ag.tensor([True, False])
    value = wide(5.0)
    y = x.masked_fill(mask, value)
    assert [g.tolist() for g in ag.autograd.grad(y.sum(), (x, value))] == [[0, 1], 1]
    with pytest.raises(RuntimeError, match="one value"):
        x.masked_fill(mask, wide([5.0]))
    with pytest.raises(RuntimeError, match="imaginary"):
        x.masked_fill(mask, 1j)
    with pytest.raises(RuntimeError, match="selects 1"):
        x.masked_scatter(mask, wide([]))


def test_segments_for_each_row_and_by_offsets():
    x = ag.tensor([[1.0, 2.0, 4.0], [3.0, 5.0, 7.0]])
    lengths = ag.tensor([[2, 0, 1], [0, 3, 0]])
    found = ag.segment_reduce(x, "max", lengths=lengths, axis=1)
    assert found.tolist() == [[2, -math.inf, 4], [-math.inf, 7, -math.inf]]
    assert np.array_equal(
        ag.segment_reduce(x[0], "mean", offsets=ag.tensor([0, 2, 2, 3])).tolist(), [1.5, math.nan, 4], equal_nan=True
    )
    assert ag.segment_reduce(x[0], "mean", offsets=[0, 2, 2, 3], initial=1.0).tolist() == [2, 1, 5]
    broken = wide([1.0, math.nan, 2.0])
    ag.segment_reduce(broken, "max", lengths=[3]).backward()
    assert broken.grad.tolist() == [0, 1, 0]
    for wrong, message in (
        ({"lengths": [1, 1]}, "do not add up to an axis of 3"),
        ({}, "takes the lengths"),
        ({"lengths": [[3]]}, "of shape"),
    ):
        with pytest.raises(RuntimeError, match=message):
            ag.segment_reduce(x[0], "sum", **wrong)
    with pytest.raises(RuntimeError, match="reduce must be one of"):
        ag.segment_reduce(x[0], "median", lengths=[3])
