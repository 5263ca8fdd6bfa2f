"""Indexing inside `vmap`: positions that differ between samples, and those that all share."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.func import grad, vmap


def values(*shape):
    return ag.tensor(np.random.default_rng(0).normal(size=shape))


def close(a, b):
    a, b = (x.numpy(force=True) if isinstance(x, ag.Tensor) else x for x in (a, b))
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


def test_positions_that_differ_between_samples():
    x, i = values(5, 3, 4), ag.tensor([0, 2, 1, 1, 0])
    close(vmap(lambda x, i: x[i])(x, i), x.numpy()[np.arange(5), i.numpy()])
    close(vmap(lambda x, i: x[..., i])(x, i), x.numpy()[np.arange(5), :, i.numpy()])
    close(vmap(lambda i: x[0, i])(i), x.numpy()[0, i.numpy()])
    pairs = ag.tensor([[0, 0], [2, 1], [1, 2], [0, 1], [2, 2]])
    close(
        vmap(lambda x, i: x[:, i])(x, pairs), np.stack([a[:, k] for a, k in zip(x.numpy(), pairs.numpy(), strict=True)])
    )
    twice = lambda take: grad(lambda x: (take(x) ** 2).sum())(x)  # noqa: E731
    close(
        twice(lambda x: vmap(lambda x, i: x[:, i])(x, pairs)),
        twice(lambda x: ag.stack([x[k][:, pairs[k]] for k in range(5)])),
    )


def test_one_position_that_all_samples_share_is_a_list_of_one():
    x, places = values(5, 4), ag.full((3, 1), 2)
    for f in (
        lambda i: x[i],
        lambda i: x[:, i],
        lambda i: x.index_add(0, i, ag.ones(1, 4, dtype=x.dtype)),
        lambda i: x.index_put((i,), ag.ones(1, 4, dtype=x.dtype)),
        lambda i: x.index_copy(0, i, ag.ones(1, 4, dtype=x.dtype)),
    ):
        close(vmap(f)(places), ag.stack([f(i) for i in places]))


READS = {
    "rows": lambda x, i, j: x[i],
    "columns": lambda x, i, j: x[:, i],
    "columns, by a matrix": lambda x, i, j: x[:, j],
    "last": lambda x, i, j: x[:, :, j],
    "two": lambda x, i, j: x[1:, j, j[1]],
    "apart": lambda x, i, j: x[j, :, j[0]],
    "selected": lambda x, i, j: x.index_select(2, i),
    "gathered": lambda x, i, j: x.gather(1, j.unsqueeze(-1).expand(3, 3, 3)),
}


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("dims", [(0, 0), (None, 0), (0, None)], ids=["both", "index", "operand"])
def test_gradients_of_what_is_read_where_samples_differ(name, dims):
    x, i, j = values(5, 3, 3, 3), ag.arange(10).reshape(5, 2) % 3, ag.arange(45).reshape(5, 3, 3) // 4 % 3
    given = tuple([v if dim == 0 else v[0] for v, dim in zip((x, i, j), (*dims, dims[1]), strict=True)])

    def slope(x, i, j):
        return grad(lambda x: (READS[name](x, i, j) ** 3).sum())(x)

    found = vmap(slope, (*dims, dims[1]))(*given)
    one = [tuple(v[n] if v.ndim > k else v for v, k in zip(given, (3, 1, 2), strict=True)) for n in range(5)]
    close(found, ag.stack([slope(*v) for v in one]))
