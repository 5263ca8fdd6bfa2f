"""Products of sparse tensors, alone, in batches and inside `vmap`; gradient checks; zeros in a sparse layout."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.testing import GradientError, gradcheck, gradgradcheck

LAYOUTS = "sparse_coo", "sparse_csr", "sparse_csc"


def matrix(layout="sparse_coo", requires_grad=False):
    s = ag.sparse_coo_tensor([[0, 1, 1, 3], [2, 0, 2, 1]], [3.0, 4.0, 5.0, -1.0], (4, 3), dtype=ag.float64)
    return s.to_sparse(layout=layout).requires_grad_(requires_grad)


def batch(requires_grad=False):
    s = ag.sparse_coo_tensor([[0, 0, 1], [0, 1, 2], [1, 2, 0]], [1.0, 2.0, 3.0], (2, 3, 4), dtype=ag.float64)
    return s.coalesce().requires_grad_(requires_grad)


def dense(*shape, requires_grad=False):
    numbers = np.random.default_rng(0).normal(size=shape)
    return ag.tensor(numbers, requires_grad=requires_grad)


def close(a, b):
    np.testing.assert_allclose(*[(t.to_dense() if t.is_sparse else t).detach() for t in (a, b)], rtol=1e-12)


PRODUCTS = {
    "bmm": lambda s: ag.bmm(s, dense(2, 4, 5)),
    "matmul": lambda s: dense(2, 5, 3) @ s,
    "baddbmm": lambda s: ag.baddbmm(dense(2, 3, 5), s, dense(2, 4, 5), beta=0.5, alpha=2),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_of_batches(name):
    close(PRODUCTS[name](batch()), PRODUCTS[name](batch().to_dense()))
    assert gradcheck(PRODUCTS[name], batch(requires_grad=True))


def test_batches_that_do_not_fit_are_refused():
    for other in (dense(3, 4, 5), dense(2, 3, 5), batch()):
        with pytest.raises(RuntimeError, match="batch of sparse matrices"):
            batch() @ other


@pytest.mark.parametrize("reduce", ["mean", "amax", "amin", "max", "min"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_terms_of_a_product_can_be_reduced_otherwise(reduce, layout):
    s, d = matrix(layout, requires_grad=True), dense(3, 2, requires_grad=True)
    terms = [[v * d.detach().numpy()[k] for k, v in enumerate(row) if v] for row in s.to_dense().tolist()]
    expected = [getattr(np, reduce)(row, axis=0) if row else np.zeros(2) for row in terms]
    np.testing.assert_allclose(ag.sparse.mm(s, d, reduce).detach(), expected, rtol=1e-12)
    assert gradcheck(lambda s, d: ag.sparse.mm(s, d, reduce), (s, d))
    with pytest.raises(RuntimeError, match="'sum', 'mean', 'max' or 'min'"):
        ag.sparse.mm(s, d, "median")


def test_products_as_sparse_tensors():
    s, d = matrix(), dense(3, 2)
    whole, rows = ag.smm(s, d), ag.hspmm(s, d)
    for found in (whole, s.smm(d), rows):
        close(found, s @ d)
    assert (whole.sparse_dim(), rows.sparse_dim(), rows.indices().tolist()) == (2, 1, [[0, 1, 3]])
    close(ag.sspaddmm(whole, s, d, beta=0.5, alpha=2), 2.5 * (s @ d))


INSIDE = {
    "product": lambda s, x: s @ x,
    "vector": lambda s, x: s @ x[:, 0],
    "from the left": lambda s, x: x.t() @ s.t(),
    "elementwise": lambda s, x: (s * x[:, 0]).sum(0).to_dense(),
    "sum": lambda s, x: x[:, 0].expand(4, 3) - s,
}


@pytest.mark.parametrize("name", INSIDE)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_samples_meet_a_sparse_tensor_that_they_share(name, layout):
    x, function = dense(5, 3, 2), INSIDE[name]
    found, s = {}, matrix(layout)
    for key, shared in (("sparse", s), ("dense", s.to_dense())):
        shared = shared.detach().requires_grad_()
        y = ag.vmap(lambda x, shared=shared: function(shared, x))(x)
        y.square().sum().backward()
        inner = ag.vmap(ag.func.grad(lambda x, shared=shared: function(shared, x).square().sum()))(x)
        found[key] = y, inner, shared.grad
    for a, b in zip(found["sparse"][:2], found["dense"][:2], strict=True):
        close(a, b)
    at = s.to_dense() != 0
    close(found["sparse"][2].to_dense()[at], found["dense"][2][at])


def test_gradients_of_sparse_tensors_are_checked_at_their_positions():
    s, d = matrix(requires_grad=True), dense(3, 2, requires_grad=True)
    for masked in (True, False):
        assert gradcheck(ag.sparse.mm, (s, d), masked=masked)
    assert gradcheck(lambda s: (s * s, s.to_dense()), s, fast_mode=True)
    assert gradcheck(ag.sparse.softmax, (matrix(requires_grad=True), 1))
    assert gradgradcheck(lambda s, d: (s * s) @ d, (matrix("sparse_csr", requires_grad=True), d))
    assert ag.sparse.as_sparse_gradcheck(gradcheck)(lambda s: s.to_dense(), s)

    class Wrong(ag.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 3

    with pytest.raises(GradientError):
        gradcheck(lambda s: Wrong.apply(s.coalesce().values()), s)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_zeros_in_a_sparse_layout(layout):
    x = dense(4, 3)
    made = [
        ag.zeros(1 << 20, 1 << 20, layout=layout),
        ag.empty((4, 3), layout=layout, dtype=ag.float32),
        ag.zeros_like(x, layout=layout, dtype=ag.float32),
        x.new_zeros(4, 3, layout=layout).float(),
    ]
    assert {(s.layout, s.dtype) for s in made} == {(layout, ag.float32)}
    assert ag.zeros(2, 2, layout=layout, requires_grad=True).requires_grad
    s = matrix(layout)
    for like in (ag.zeros_like(s), ag.empty_like(s), s.new_zeros(4, 3), s.new_empty((4, 3))):
        assert (like.layout, like.shape, like.dtype, like._nnz()) == (layout, (4, 3), ag.float64, 0)
    assert ag.zeros_like(s, layout="strided").layout == "strided"
    with pytest.raises(RuntimeError, match="to_sparse"):
        ag.ones(2, 2, layout=layout)


def test_compressed_matrices_by_their_layout():
    for layout in LAYOUTS[1:]:
        s = ag.sparse_compressed_tensor([0, 1, 2], [1, 0], [3.0, 4.0], layout=layout)
        assert (s.layout, s.to_dense().tolist()) == (
            layout,
            [[0.0, 3.0], [4.0, 0.0]] if layout == "sparse_csr" else [[0.0, 4.0], [3.0, 0.0]],
        )
    with pytest.raises(NotImplementedError, match="sparse_csr"):
        ag.sparse_compressed_tensor([0, 1], [0], [[[1.0]]], layout="sparse_bsr")


def test_the_setting_of_checks_is_kept():
    checks = ag.sparse.check_sparse_tensor_invariants

    @checks()
    def inside():
        return checks.is_enabled()

    assert not checks.is_enabled()
    assert inside()
    with checks(), checks(False):
        assert not checks.is_enabled()
    checks.enable()
    assert checks.is_enabled()
    checks.disable()
    assert not checks.is_enabled()
