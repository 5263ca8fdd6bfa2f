"""Writes in place inside `vmap`: to what was made there, to arguments, and to what lies outside."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import InplaceError, VmapError
from autograd_core.func import grad, vmap


def values(*shape, requires_grad=False):
    return ag.tensor(np.random.default_rng(0).normal(size=shape), requires_grad=requires_grad)


def close(a, b):
    a, b = (x.numpy(force=True) if isinstance(x, ag.Tensor) else x for x in (a, b))
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


def each(function, *columns):
    return ag.stack([function(*row) for row in zip(*columns, strict=True)])


def writes(x):
    y = ag.zeros_like(x)
    y[1] = x[0] * x[2]
    part = y[1:]
    part += x[:2]
    part[0].mul_(3)
    return y


def test_writes_in_place_to_what_was_made_inside():
    x = values(5, 3)
    close(vmap(writes)(x), each(writes, x))
    close(*[grad(lambda x, f=f: (f(x) ** 2).sum())(x) for f in (vmap(writes), lambda x: each(writes, x))])
    close(vmap(grad(lambda x: (writes(x) ** 2).sum()))(x), each(grad(lambda x: (writes(x) ** 2).sum()), x))


@pytest.mark.parametrize("shared", [False, True])
def test_writes_to_windows_reach_what_they_show(shared):
    def doubled(x):
        y = ag.ones(6, 2, dtype=ag.float64) if shared else x * x
        y.unfold(0, 2, 3)[..., 1].mul_(2)
        return y * x

    x = values(5, 6, 2)
    close(vmap(doubled)(x), each(doubled, x))
    close(*[grad(lambda x, f=f: (f(x) ** 2).sum())(x) for f in (vmap(doubled), lambda x: each(doubled, x))])


def test_writes_that_would_not_reach_the_base_are_refused():
    with pytest.raises(InplaceError, match="a copy here"):
        vmap(lambda x: (x * 1).as_strided((2,), (1,)).mul_(2))(values(5, 6))
    x = values(5, 6)
    close(vmap(lambda x: x.as_strided((2,), (1,)) * 2)(x), 2 * x[:, :2])


def test_writes_to_what_lies_outside_are_refused():
    x = values(5, 3)
    before = x.numpy().copy()
    w = values(5, 3, requires_grad=True)
    for shared in (x[:1].expand(5, 3), w):
        with pytest.raises(InplaceError, match="shared with the outside"):
            vmap(lambda x: x.mul_(2))(shared)
    with pytest.raises(VmapError, match="that they share"):
        vmap(lambda row: ag.zeros(3).add_(row))(x)
    close(x, before)


def test_what_all_samples_share_is_written_to_what_lies_outside():
    weight, buffer = values(3), ag.zeros(3, dtype=ag.float64)

    def loss(w, row):
        buffer.copy_(w.detach())
        return (w * row).sum()

    close(vmap(grad(loss), (None, 0))(weight, values(5, 3)), values(5, 3))
    close(buffer, weight)


@pytest.mark.parametrize("dim", [0, 1])
def test_writes_to_an_argument_reach_the_tensor_outside(dim):
    w = values(5, 3, requires_grad=True)
    x, y = w * 1, ag.ones_like(w.detach())
    row = x[1]

    def changed(a, b):
        b.mul_(a)
        a[1:].mul_(2)
        return a

    assert vmap(changed, dim, dim - 2)(x, y) is x
    ((x + y).sum() + row.sum()).backward()
    scale = ag.ones_like(w.detach())
    scale.movedim(dim, 0)[:, 1:] = 2
    close(x, w.detach() * scale)
    close(y, w)
    close(w.grad, 1 + scale * (1 + (ag.arange(5) == 1)[:, None]))
    with ag.no_grad():
        vmap(vmap(lambda a: a.zero_()))(w)
    assert not w.detach().any()


def test_shapes_of_arguments_may_change_in_place():
    w = values(5, 2, 3, requires_grad=True)
    x, changed = w * 1, vmap(lambda a: a.transpose_(0, 1))
    close(changed(w.detach()), w.mT)
    (changed(x).reshape(5, 6) @ ag.arange(6.0, dtype=ag.float64)).sum().backward()
    close(w.grad[0], ag.arange(6.0, dtype=ag.float64).reshape(3, 2).T)
    with pytest.raises(InplaceError, match="shape was changed in place"):
        vmap(lambda a: a.transpose_(0, 1).mul_(2))(x)


def test_a_write_to_an_argument_before_backward_is_noticed():
    x, w = values(5, 3), values(3, requires_grad=True)
    y = vmap(lambda x: (x * w).sum())(x)
    x.zero_()
    with pytest.raises(InplaceError, match="kept for backward"):
        y.sum().backward()


def test_what_a_sample_makes_is_its_own():
    def made(x):
        parts = x.new_zeros(4), x.new_ones(3), x.new_full((2, 3), 2.0), x.new_empty(3), x.new_zeros(3, dtype=ag.bool)
        like = ag.ones_like(x), ag.empty_like(x), ag.full_like(x, 2.0), ag.zeros_like(x, dtype=ag.float64)
        for part in (*parts, *like):
            part[..., -3:] = x
        assert all(part.shape == x.shape for part in like)
        return (*parts, *like)

    x = ag.arange(6.0).reshape(2, 3)
    zeros, ones, full, empty, flags, *like = vmap(made)(x)
    assert zeros.tolist() == [[0, 0, 1, 2], [0, 3, 4, 5]]
    assert ones.tolist() == empty.tolist() == x.tolist()
    assert full[:, 1].tolist() == x.tolist()
    assert flags.tolist() == [[False, True, True], [True, True, True]]
    assert all(part.tolist() == x.tolist() for part in like)


def test_a_shared_array_is_written_by_a_deeper_batch():
    logits, weights = ag.randn(3, 2, 2, dtype=ag.float64), ag.randn(4, dtype=ag.float64)

    def loss(logits, weight):
        return weight * nn.functional.cross_entropy(logits, ag.tensor([0, 1]))

    found = ag.func.jacrev(lambda x: vmap(vmap(loss, (0, None)), (None, 0))(x, weights))(logits)
    slopes = vmap(ag.func.grad(lambda x: loss(x, 1.0)))(logits)
    for k, weight in enumerate(weights):
        for i in range(3):
            ag.testing.assert_close(found[k, i, i], slopes[i] * weight)
