"""Sparse gradients of embeddings, and the optimizers that take them."""

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from nn import functional as F

INDEX = [[1, 2, 5], [2, 7, 1]]


def table(rows=8, width=3):
    return ag.tensor(np.random.default_rng(0).normal(size=(rows, width)), requires_grad=True)


def looked_up(weight, index, sparse):
    return F.embedding(ag.tensor(index), weight, sparse=sparse)


def bagged(weight, index, sparse):
    factors = ag.arange(6, dtype=ag.float64).reshape(2, 3)
    return F.embedding_bag(ag.tensor(index), weight, mode="sum", per_sample_weights=factors, sparse=sparse)


@pytest.mark.parametrize("function", [looked_up, bagged])
def test_gradients_have_the_rows_that_were_used(function):
    found, expected = table(), table()
    for weight, sparse in ((found, True), (expected, False)):
        function(weight, INDEX, sparse).pow(2).sum().backward()
    assert found.grad.is_sparse
    assert found.grad._nnz() == 6
    assert found.grad.coalesce().indices().tolist() == [[1, 2, 5, 7]]
    ag.testing.assert_close(found.grad.to_dense(), expected.grad)


def test_rows_of_padding_are_left_out():
    embedding = nn.Embedding(8, 3, padding_idx=2, sparse=True)
    embedding(ag.tensor(INDEX)).sum().backward()
    assert embedding.weight.grad._indices().tolist() == [[1, 5, 7, 1]]


def test_a_computed_weight_gets_a_dense_gradient():
    weight = table()
    looked_up(weight * 2, INDEX, True).sum().backward()
    assert not weight.grad.is_sparse
    assert weight.grad[:, 0].tolist() == [0, 4, 4, 0, 0, 2, 0, 2]


@pytest.mark.parametrize("rows", [8, 40000])  # few elements, and so many that kernels add them
@pytest.mark.parametrize("order", ["sd", "ds", "sds", "dds", "sss", "ssd", "ddsd"])
def test_sparse_and_dense_gradients_add_up(order, rows):
    weight = ag.ones(rows, 3, requires_grad=True)
    uses = {"s": lambda: looked_up(weight, INDEX, True).sum(), "d": lambda: weight.sum() * 2}
    ag.stack([uses[kind]() for kind in order]).sum().backward()
    assert weight.grad.is_sparse is ("d" not in order)
    first = weight.grad.to_dense()[:3, 0].tolist()
    assert first == [order.count("d") * 2, *[order.count("d") * 2 + order.count("s") * 2] * 2]
    for kind in order:
        uses[kind]().backward()
    assert weight.grad.to_dense()[:3, 0].tolist() == [2 * n for n in first]


def test_second_derivatives_pass_through_sparse_gradients():
    slopes = []
    for sparse in (True, False):
        weight = table()
        (g,) = ag.grad(looked_up(weight, INDEX, sparse).pow(3).sum(), weight, create_graph=True)
        slopes.append(ag.grad((g.to_dense() ** 2).sum(), weight)[0].to_dense())
    ag.testing.assert_close(*slopes)


@pytest.mark.parametrize("dtype", [ag.float64, ag.bfloat16])
def test_weighted_bags(dtype):
    found = []
    for sparse in (True, False):
        weight = table().detach().to(dtype).requires_grad_()
        factors = ag.tensor([0.5, 2.0, -1.0, 4.0], dtype=dtype, requires_grad=True)
        y = nn.functional.embedding_bag(
            ag.tensor([1, 2, 2, 5]), weight, ag.tensor([0, 3]), mode="sum", per_sample_weights=factors, sparse=sparse
        )
        g, h = ag.grad(y.pow(3).sum(), (weight, factors), create_graph=True)
        assert (g.is_sparse, g.dtype) == (sparse, dtype)
        second = ag.grad((g.to_dense() ** 2).sum() + (h**2).sum(), (weight, factors))
        found.append([y, g.to_dense(), h, *[t.to_dense() for t in second]])
    for a, b in zip(*found, strict=True):
        ag.testing.assert_close(a, b)


def test_gradients_are_hooked_clipped_and_cleared():
    weight = table()
    weight.register_hook(lambda g: g * 2)
    looked_up(weight, [1, 1], True).sum().backward()
    assert weight.grad.to_dense()[1].tolist() == [4, 4, 4]
    assert nn.utils.clip_grad_norm_([weight], 1.0).item() == pytest.approx(48**0.5)
    assert weight.grad.norm().item() == pytest.approx(1, rel=1e-5)
    optim.SGD([weight], lr=1.0).zero_grad(set_to_none=False)
    assert weight.grad._nnz() == 0


def trained(make, sparse):
    weight = table()
    optimizer = make([weight])
    for step in range(4):
        optimizer.zero_grad()
        looked_up(weight, [[1, 2, 5], [2, 7, step]], sparse).pow(2).sum().backward()
        optimizer.step()
    return weight.detach()


STEPS = {
    "SGD": lambda params: optim.SGD(params, lr=0.1),
    "maximizing": lambda params: optim.SGD(params, lr=0.1, maximize=True),
    "momentum": lambda params: optim.SGD(params, lr=0.1, momentum=0.9, nesterov=True),
    "Adagrad": lambda params: optim.Adagrad(params, lr=0.1, lr_decay=0.1, initial_accumulator_value=0.2),
}


@pytest.mark.parametrize("name", STEPS)
def test_steps_are_those_of_dense_gradients(name):
    ag.testing.assert_close(trained(STEPS[name], True), trained(STEPS[name], False))


def test_sparse_adam_moves_the_rows_of_the_gradient():
    p, m, v = table().detach().numpy().copy(), np.zeros((8, 3)), np.zeros((8, 3))
    for t in range(1, 5):
        index = [1, 2, 5, 2, 7, t - 1]
        g = np.zeros_like(p)
        np.add.at(g, index, 2 * p[index])
        for row in set(index):
            m[row] += 0.1 * (g[row] - m[row])
            v[row] += 0.001 * (g[row] ** 2 - v[row])
            p[row] -= 0.1 * (1 - 0.999**t) ** 0.5 / (1 - 0.9**t) * m[row] / (v[row] ** 0.5 + 1e-3)
    found = trained(lambda params: optim.SparseAdam(params, lr=0.1, eps=1e-3), True)
    np.testing.assert_allclose(found.numpy(), p, rtol=1e-12)


def test_a_group_may_mix_both_kinds():
    rows, whole = table(), table()
    optimizer = optim.SGD([rows, whole], lr=0.1, momentum=0.5)
    before = rows.detach().clone()
    for _ in range(2):
        optimizer.zero_grad()
        (looked_up(rows, INDEX, True).sum() + whole.sum()).backward()
        optimizer.step()
    ag.testing.assert_close(before[5] - rows.detach()[5], ag.full((3,), 0.25, dtype=ag.float64))
    ag.testing.assert_close(before - whole.detach(), ag.full((8, 3), 0.25, dtype=ag.float64))
    assert optimizer.state_dict()["state"].keys() == {0, 1}


def test_sparse_adam_checks_its_options():
    with pytest.raises(ValueError, match="must be positive"):
        optim.SparseAdam([table()], lr=0.0)
    with pytest.raises(ValueError, match="requires dense parameter"):
        optim.SparseAdam([ag.eye(2).to_sparse()])
