"""What the generated suite cannot say of linear algebra: errors, singular matrices, empty stacks, equal results."""

import numpy as np
import pytest
import scipy.linalg

import autograd_core as ag
from autograd_core import linalg
from autograd_core.testing import gradcheck, gradgradcheck

ONE = [[1.0, 0.0], [0.0, 1.0]]
SINGULAR = [[1.0, 2.0], [2.0, 4.0]]


def of_rank(rank, n=4, seed=0):
    random = np.random.default_rng(seed)
    return ag.tensor(random.normal(size=(n, rank)) @ random.normal(size=(rank, n)), requires_grad=True)


def complex_tensor(*shape):
    random = np.random.default_rng(0)
    return ag.tensor(random.normal(size=shape) + 1j * random.normal(size=shape), requires_grad=True)


def test_the_gradient_of_a_matrix_that_a_stack_is_multiplied_with_is_a_single_product():
    rows, weight = ag.randn(5, 2, 3, requires_grad=True), ag.randn(3, 4, requires_grad=True)
    (found,) = ag.autograd.grad((rows @ weight).sum(), weight, create_graph=True)
    assert found.grad_fn.name() == "matmul"  # and not the sum of a stack of products
    ag.testing.assert_close(found, rows.sum((0, 1))[:, None].expand(3, 4))


@pytest.mark.parametrize("rank", [3, 2, 1])
def test_the_determinant_of_singular_matrices_has_exact_derivatives(rank):
    a = of_rank(rank)
    assert gradcheck(ag.det, a)
    assert gradgradcheck(ag.det, a)


def test_the_determinant_of_a_stack_of_regular_and_singular_matrices():
    a = ag.tensor([ONE, SINGULAR], dtype="float64", requires_grad=True)
    a.det().sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), [ONE, [[4, -2], [-2, 1]]], atol=1e-14)


@pytest.mark.parametrize(
    "call, message",
    [
        (ag.inverse, r"Batch element 1\): the matrix is singular: pivot 2"),
        (lambda a: linalg.solve(a, ag.ones(2, 1)), r"Batch element 1\): the matrix is singular"),
        (lambda a: ag.cholesky(-a), r"Batch element 0\): the leading minor of order 1"),
        (lambda a: linalg.cholesky_ex(a - 2 * a.tril(-1), check_errors=True), r"Batch element 1\).* order 2"),
        (linalg.lu_factor, r"Batch element 1\): U\[2,2\] is zero"),
    ],
)
def test_errors_say_which_matrix(call, message):
    with pytest.raises(linalg.LinAlgError, match=message) as caught:
        call(ag.tensor([ONE, SINGULAR]))
    assert isinstance(caught.value, RuntimeError)
    assert isinstance(caught.value, np.linalg.LinAlgError)


def test_unchecked_forms_tell_by_info():
    a = ag.tensor([ONE, SINGULAR])
    inverse, info = linalg.inv_ex(a)
    assert info.tolist() == [0, 2]
    assert np.isinf(inverse.numpy()[1]).all()
    assert inverse[0].tolist() == ONE
    x, info = linalg.solve_ex(a, ag.ones(2, 1))
    assert info.tolist() == [0, 2]
    assert np.isnan(x.numpy()[1]).all()
    factor, info = linalg.cholesky_ex(a - 5 * a.tril(-1))
    assert info.tolist() == [0, 2]
    assert np.isnan(factor.numpy()[1]).all()
    stack = ag.stack([ag.eye(2), ag.tensor([[1.0, 0.0], [np.nan, 1.0]]), ag.eye(2) * np.nan])
    assert linalg.cholesky_ex(stack)[1].tolist() == [0, 2, 1]


@pytest.mark.parametrize("p", ["nuc", "fro", 1])
def test_the_condition_of_a_singular_matrix_in_a_stack_is_infinite(p):
    found = linalg.cond(ag.tensor([ONE, SINGULAR]), p)
    assert (found.isinf().tolist(), found[0].item()) == ([False, True], linalg.cond(ag.tensor(ONE), p).item())


EMPTY = {
    "det": (ag.det, (0,)),
    "slogdet": (lambda a: a.slogdet()[1], (0,)),
    "inverse": (ag.inverse, (0, 2, 2)),
    "cholesky": (ag.cholesky, (0, 2, 2)),
    "qr": (lambda a: linalg.qr(a).R, (0, 2, 2)),
    "eigh": (lambda a: linalg.eigh(a)[1], (0, 2, 2)),
    "svdvals": (linalg.svdvals, (0, 2)),
    "svd": (lambda a: linalg.svd(a)[0], (0, 2, 2)),
    "lu": (lambda a: linalg.lu(a).L, (0, 2, 2)),
    "pinv": (linalg.pinv, (0, 2, 2)),
    "lstsq": (lambda a: linalg.lstsq(a, a).solution, (0, 2, 2)),
    "matrix_exp": (ag.matrix_exp, (0, 2, 2)),
    "matrix_power": (lambda a: a.matrix_power(-3), (0, 2, 2)),
    "solve_triangular": (lambda a: linalg.solve_triangular(a, a, upper=True), (0, 2, 2)),
    "nuclear norm": (lambda a: linalg.matrix_norm(a, "nuc"), (0,)),
}


@pytest.mark.parametrize("call, shape", EMPTY.values(), ids=EMPTY)
def test_a_stack_of_no_matrices(call, shape):
    a = ag.zeros(0, 2, 2, requires_grad=True)
    y = call(a)
    assert y.shape == shape
    y.sum().backward()
    assert a.grad.shape == (0, 2, 2)


@pytest.mark.parametrize("name", EMPTY)
def test_a_stack_of_matrices_without_rows(name):
    a = ag.zeros(2, 0, 0, requires_grad=True)
    EMPTY[name][0](a).sum().backward()
    assert a.grad.shape == (2, 0, 0)


def test_integers_and_shapes_are_refused():
    with pytest.raises(TypeError, match="floating point"):
        ag.inverse(ag.ones(2, 2, dtype="int64"))
    with pytest.raises(RuntimeError, match="square"):
        ag.det(ag.ones(2, 3))
    with pytest.raises(RuntimeError, match="last two axes"):
        linalg.svd(ag.ones(3))


def test_what_depends_on_the_phases_of_complex_vectors_has_no_gradient():
    a = complex_tensor(3, 3)
    for vectors in (linalg.eig(a)[1], linalg.eigh(a)[1], linalg.svd(a)[0]):
        assert gradient_of_projector(vectors, a)
        with pytest.raises(RuntimeError, match="exp"):
            ag.grad((vectors * vectors).real.sum(), a, retain_graph=True)


def gradient_of_projector(vectors, a):
    (g,) = ag.grad((vectors[0] * vectors[1].conj()).abs().sum(), a, retain_graph=True)
    return np.isfinite(g.numpy()).all()


def test_complete_qr_of_a_tall_matrix_says_why_it_has_no_gradient():
    q, _ = linalg.qr(ag.ones(3, 2, requires_grad=True) + ag.eye(3, 2), "complete")
    with pytest.raises(RuntimeError, match="not unique"):
        q.sum().backward()


def test_qr_without_q_is_differentiable():
    a = of_rank(3, 3)
    q, r = linalg.qr(a, "r")
    assert q.shape == (0,)
    (g,) = ag.grad(r.sum(), a)
    (wanted,) = ag.grad(linalg.qr(a).R.sum(), a)
    np.testing.assert_allclose(g.numpy(), wanted.numpy())


def test_lstsq_fills_in_what_the_driver_tells():
    a, b = ag.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]]), ag.tensor([[1.0], [2.0], [3.0]])
    shapes = {d: [x.shape for x in linalg.lstsq(a, b, driver=d)[1:]] for d in ("gels", "gelsy", "gelsd", "gelss")}
    assert shapes == {
        "gels": [(1,), (0,), (0,)],
        "gelsy": [(0,), (), (0,)],
        "gelsd": [(1,), (), (2,)],
        "gelss": [(1,), (), (2,)],
    }
    assert linalg.lstsq(a[None], b[None], driver="gels").singular_values.shape == (0,)
    solution, residuals, rank, values = linalg.lstsq(a, b, driver="gelsd")
    assert (solution.tolist(), residuals.tolist(), rank.item(), values.tolist()) == ([[1], [1]], [9], 2, [2, 1])


def test_a_zero_beta_ignores_the_input():
    bad = ag.full((2, 2), float("nan"))
    assert ag.addmm(bad, ag.eye(2), ag.eye(2), beta=0).tolist() == ONE


def test_addr_promotes():
    y = ag.addr(ag.ones(2, 3, dtype="int64"), ag.ones(2), ag.ones(3, dtype="float64"))
    assert (y.dtype, y.tolist()) == (ag.float64, [[2, 2, 2]] * 2)


def test_addmm_of_integers_refuses_fractions():
    one = ag.eye(2, dtype="int64")
    with pytest.raises(RuntimeError, match="must be integers"):
        ag.addmm(one, one, one, alpha=0.5)


def test_einsum_takes_numbers_in_the_place_of_letters():
    x, y = ag.arange(6.0).reshape(2, 3), ag.arange(12.0).reshape(3, 4)
    assert ag.einsum(x, [0, 1], y, [1, 2], [2, 0]).tolist() == ag.einsum("ij,jk->ki", x, y).tolist()
    assert ag.einsum(x, [..., 5], x, [..., 5]).tolist() == ag.einsum("...j,...j", x, x).tolist()
    with pytest.raises(ValueError, match="from 0 to 51"):
        ag.einsum(x, [0, 52])
    with pytest.raises(ValueError, match="not a letter"):
        ag.einsum("i1", x)


def test_the_order_of_a_chain_is_the_cheapest():
    a, b, c = ag.ones(2, 50), ag.ones(50, 50), ag.ones(50, 1)
    product = linalg.multi_dot([a.requires_grad_(), b, c])
    shapes = [node.shapes for node in (product.node, *product.node.parents) if getattr(node, "shapes", None)]
    assert shapes[0] == ((2, 50), (50, 1))  # a @ (b @ c)


def test_low_rank_factors_multiply_to_the_matrix():
    a = of_rank(2, 8)
    for matrix, (u, s, v) in ((a, ag.svd_lowrank(a, q=2)), (a[:3], ag.svd_lowrank(a[:3], q=2))):
        product = u * s @ v.mT
        np.testing.assert_allclose(product.numpy(force=True), matrix.numpy(force=True), atol=1e-12)
    assert gradcheck(lambda x: ag.svd_lowrank(x, q=2)[1], a[:2].detach().requires_grad_(), nondet_tol=1e-10)


def test_principal_components_are_those_of_the_centered_rows():
    x = ag.tensor(np.random.default_rng(0).normal(size=(6, 3)) + 5)
    _, s, v = ag.pca_lowrank(x)
    _, wanted, vh = np.linalg.svd(x.numpy() - x.numpy().mean(0))
    np.testing.assert_allclose(s.numpy(), wanted)
    np.testing.assert_allclose(abs(v.mT.numpy()), abs(vh))
    np.testing.assert_allclose(ag.pca_lowrank(x.to_sparse())[1], wanted)


def test_some_eigenvalues_of_a_pair_of_matrices():
    rng = np.random.default_rng(0)
    a, b = (ag.tensor(m @ m.T + np.eye(5)) for m in rng.normal(size=(2, 5, 5)))
    expected, _ = scipy.linalg.eigh(a.numpy(), b.numpy())
    for largest, order in ((True, expected[::-1]), (False, expected)):
        values, vectors = ag.lobpcg(a, 2, b, largest=largest)
        np.testing.assert_allclose(values, order[:2])
        np.testing.assert_allclose(a @ vectors, b @ vectors * values, atol=1e-12)
        np.testing.assert_allclose(vectors.T @ b @ vectors, np.eye(2), atol=1e-12)
    assert ag.lobpcg(a, X=ag.ones(5, 3))[1].shape == (5, 3)
    np.testing.assert_allclose(ag.lobpcg(a)[0], ag.linalg.eigvalsh(a)[-1:])
    np.testing.assert_allclose(ag.lobpcg(a.to_sparse(), 2, b.to_sparse())[0], ag.lobpcg(a, 2, b)[0])
    with pytest.raises(RuntimeError, match="k=6"):
        ag.lobpcg(a, 6)


def test_the_names_of_arguments():
    a, b = ag.tensor([[4.0, 0.0], [0.0, 1.0]]), ag.ones(2, 1)
    factor = ag.linalg.cholesky(A=a)
    assert (linalg.det(A=a).item(), ag.det(input=a).item(), linalg.svdvals(A=a).tolist()) == (4, 4, [4, 1])
    assert linalg.vector_norm(input=a, ord=1).item() == linalg.vector_norm(x=a, ord=1).item() == 5
    assert ag.cholesky_solve(input=b, input2=factor).tolist() == [[0.25], [1]]
    assert ag.cholesky_inverse(input=factor).tolist() == [[0.25, 0], [0, 1]]
    assert ag.triangular_solve(input=b, A=a).solution.tolist() == [[0.25], [1]]
    assert ag.special.spherical_bessel_j0(x=ag.zeros(1)).tolist() == [1]


def test_a_power_is_a_tensor_of_one_integer():
    a = ag.tensor([[2.0, 1.0], [0.0, 1.0]])
    assert ag.matrix_power(a, ag.tensor(2)).tolist() == [[4, 3], [0, 1]]


def test_every_power_of_a_matrix_is_recorded():
    a = ag.tensor([[np.nan, 1.0], [0.0, 1.0]], requires_grad=True)
    assert ag.grad(ag.matrix_power(a, 0).sum(), a)[0].tolist() == [[0, 0], [0, 0]]


def test_not_a_number_is_not_zero():
    x = ag.tensor([0.0, np.nan, 2.0], requires_grad=True)
    y = linalg.vector_norm(x, 0)
    assert (y.item(), ag.grad(y, x)[0].tolist()) == (2, [0, 0, 0])
