"""Sparse tensors against dense ones: values, gradients, and what PyTorch's methods tell of them."""

import copy
import pickle

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.testing.refusing  # registers the device "refusing"
import nn
from autograd_core import sparse
from autograd_core.testing import gradcheck, gradgradcheck

INDICES = [[0, 2, 1, 2, 0], [1, 0, 2, 3, 1]]  # the position (0, 1) twice
OTHERS = [[2, 0, 1], [3, 2, 2]]


def values(count=5, seed=0, width=()):
    numbers = np.random.default_rng(seed).uniform(0.5, 2, (count, *width))
    return ag.tensor(numbers, requires_grad=True)


def made(v, layout="sparse_coo"):
    s = ag.sparse_coo_tensor(INDICES, v, (3, 4))
    return s if layout == "sparse_coo" else s.to_sparse(layout=layout)


def other(v):
    return ag.sparse_coo_tensor(OTHERS, v, (3, 4))


def dense(rows, columns, seed=1):
    numbers = np.random.default_rng(seed).normal(size=(rows, columns))
    return ag.tensor(numbers, device=ag.get_default_device())


# Name -> function of a sparse tensor (3, 4), and the same of a dense one.
SAME = {
    "negative": lambda s: -s,
    "scaled": lambda s: s * 3,
    "scaled by a tensor": lambda s: ag.tensor(2.0, dtype=ag.float64) * s,
    "divided": lambda s: s / 4,
    "square root": lambda s: s.to(ag.complex128).real.sqrt(),
    "power": lambda s: s**2,
    "expm1": ag.expm1,
    "relu": lambda s: (s - s * 2).relu() + s.relu(),
    "times a dense tensor": lambda s: s * dense(3, 4),
    "times a row": lambda s: s * dense(1, 4),
    "transposed": lambda s: s.t(),
    "twice transposed": lambda s: s.T.transpose(0, 1),
    "sum": lambda s: s.sum(),
    "sum over rows": lambda s: s.sum(0),
    "sum over columns": lambda s: s.sum(1, keepdim=True),
    "norm": lambda s: s.norm(),
    "norm of order 3": lambda s: ag.norm(s, 3),
    "times a matrix": lambda s: s @ dense(4, 2),
    "times a vector": lambda s: s.mv(dense(4, 1)[:, 0]),
    "a matrix times": lambda s: dense(2, 3) @ s,
    "times itself": lambda s: s @ s.t(),
    "addmm": lambda s: ag.addmm(dense(3, 2), s, dense(4, 2), beta=0.5, alpha=2),
    "linear": lambda s: nn.functional.linear(dense(2, 4), s, dense(1, 3)[0]),
    "added to a dense tensor": lambda s: dense(3, 4) + s,
    "subtracted from a dense tensor": lambda s: dense(3, 4) - s,
    "cat": lambda s: ag.cat([s, s * 2], 1),
    "stack": lambda s: ag.stack([s, s * 2], 1),
    "row": lambda s: s[2],
    "column": lambda s: s[:, 1],
    "some columns": lambda s: s[:, 1:3] + s.narrow(1, 0, 2),
    "floor of a quotient": lambda s: s // 0.3,
    "rows": lambda s: s.index_select(0, ag.tensor([2, 0, 2])),
    "unbind": lambda s: s.unbind()[0],
    "unsqueeze": lambda s: s.unsqueeze(1),
    "squeeze": lambda s: s.unsqueeze(0).squeeze(0),
    "reshape": lambda s: s.reshape(2, -1),
    "flatten": lambda s: s.flatten(),
    "float32 and back": lambda s: s.float().double(),
    "clone": lambda s: s.clone().detach() + s,
}


@pytest.mark.parametrize("layout", ["sparse_coo", "sparse_csr", "sparse_csc"])
@pytest.mark.parametrize("name", SAME)
def test_functions_give_what_those_of_dense_tensors_give(name, layout):
    v, function = values(), SAME[name]
    found, expected = function(made(v, layout)).to_dense(), function(made(v).to_dense())
    ag.testing.assert_close(found, expected)
    weights = ag.tensor(np.random.default_rng(2).normal(size=expected.shape))
    slopes = [ag.grad((y * weights).sum(), v)[0] for y in (found, expected)]
    ag.testing.assert_close(*slopes)


@pytest.mark.parametrize("name", SAME)
def test_functions_compute_where_the_values_are(name):
    v, far = values(), values().detach().to("refusing").requires_grad_()
    with ag.device("refusing"):
        found = SAME[name](ag.sparse_coo_tensor(INDICES, far, (3, 4), device="refusing")).to_dense()
        found.sum().abs().backward()
    expected = SAME[name](made(v)).to_dense()
    expected.sum().abs().backward()
    assert found.device == "refusing:0"
    ag.testing.assert_close(found.cpu(), expected)
    ag.testing.assert_close(far.grad.cpu(), v.grad)


@pytest.mark.parametrize("name", ["power", "times itself", "norm", "rows", "times a row", "reshape"])
def test_gradients_of_the_second_order(name):
    assert gradcheck(lambda v: SAME[name](made(v)).to_dense(), values())
    assert gradgradcheck(lambda v: SAME[name](made(v)).to_dense(), values())


def test_products_are_differentiated_by_both_factors():
    def product(v, w, b):
        return (made(v) @ other(w).t() @ b, other(w) * made(v) @ dense(4, 1))

    operands = values(), values(3, 1), dense(3, 2).requires_grad_()
    for i in range(2):
        assert gradcheck(lambda *args, i=i: product(*args)[i], operands)
        assert gradgradcheck(lambda *args, i=i: product(*args)[i], operands)


def test_sums_and_products_of_two_patterns():
    v, w = values(), values(3, 1)
    a, b = made(v), other(w)
    ag.testing.assert_close((a + b).to_dense(), a.to_dense() + b.to_dense())
    ag.testing.assert_close((a - b).to_dense(), a.to_dense() - b.to_dense())
    ag.testing.assert_close((a * b).to_dense(), a.to_dense() * b.to_dense())
    assert (a * b)._nnz() == 2
    assert (a.coalesce() + b.coalesce()).is_coalesced()
    rows = a.to_sparse_csr() + b.to_sparse_csr()
    assert rows.layout == ag.sparse_csr
    ag.testing.assert_close(rows.to_dense(), a.to_dense() + b.to_dense())
    assert (rows * a.to_sparse_csr()).layout == ag.sparse_csr


@pytest.mark.parametrize("dim", [0, 1])
def test_softmax_is_over_what_is_there(dim):
    def masked(v, function):
        full = made(v).to_dense()
        return ag.where(full == 0, 0, function(ag.where(full == 0, -ag.inf, full), dim))

    v = values()
    for ours, functions in ((sparse.softmax, ag.softmax), (sparse.log_softmax, ag.log_softmax)):
        ag.testing.assert_close(ours(made(v), dim).to_dense(), masked(v, functions))
        assert gradgradcheck(lambda v, ours=ours: ours(made(v), dim).to_dense(), v)


def test_the_gradient_of_a_sparse_leaf_has_its_positions():
    s = ag.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3), requires_grad=True)
    (s @ ag.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])).sum().backward()
    assert s.grad.is_sparse
    assert s.grad._indices().tolist() == [[0, 1], [2, 0]]
    assert s.grad._values().tolist() == [11, 3]
    (s * 2).sum().backward()
    assert s.grad.to_dense().tolist() == [[0, 0, 13], [5, 0, 0]]
    assert s.is_leaf
    assert ag.grad((s * s).sum(), s)[0].to_dense().tolist() == [[0, 0, 6], [8, 0, 0]]


def test_a_given_gradient_may_have_other_positions():
    v = values(2)
    s = ag.sparse_coo_tensor([[0, 1], [2, 0]], v, (2, 3))
    s.backward(ag.sparse_coo_tensor([[0, 0, 1], [2, 2, 1]], [1.0, 2.0, 5.0], (2, 3)), retain_graph=True)
    assert v.grad.tolist() == [3, 0]
    s.backward(ag.ones(2, 3))
    assert v.grad.tolist() == [4, 1]


def test_positions_may_be_integers_of_a_floating_dtype():
    s = ag.sparse_coo_tensor(ag.tensor(INDICES).float(), ag.ones(5), (3, 4))
    assert s._indices().dtype == ag.int64
    assert s._indices().tolist() == INDICES
    with pytest.raises(RuntimeError, match="integers"):
        ag.sparse_coo_tensor([[0.5]], [1.0])


def test_values_at_one_place_add_up():
    s = ag.sparse_coo_tensor(INDICES, [1.0, 2, 3, 4, 5])
    assert (s.shape, s._nnz(), s.is_coalesced()) == ((3, 4), 5, False)
    with pytest.raises(RuntimeError, match=r"please call \.coalesce\(\) first"):
        s.values()
    c = s.coalesce()
    assert (c.indices().tolist(), c.values().tolist()) == ([[0, 1, 2, 2], [1, 2, 0, 3]], [6, 3, 2, 4])
    assert c.coalesce() is c
    assert s.to_dense().tolist() == c.to_dense().tolist() == [[0, 6, 0, 0], [0, 0, 3, 0], [2, 0, 0, 4]]


def test_the_last_axes_may_be_dense():
    v = values(5, width=(2,))
    s = ag.sparse_coo_tensor(INDICES, v, (3, 4, 2))
    assert (s.sparse_dim(), s.dense_dim()) == (2, 1)
    full = s.to_dense()
    for function in (lambda t: t.sum(2), lambda t: t.sum((0, 2)), lambda t: t.permute(1, 0, 2), lambda t: t.sum((0, 1)),
                     lambda t: t * 2, lambda t: t[1], lambda t: t.reshape(4, 6), lambda t: t.reshape(12, 2),
                     lambda t: t.index_select(2, ag.tensor([1]))):  # fmt: skip
        ag.testing.assert_close(function(s).to_dense(), function(full))
    ag.testing.assert_close(sparse.softmax(s, 2).to_dense().sum(2), (full != 0).any(2).double())
    ag.testing.assert_close((s + full.to_sparse()).to_dense(), 2 * full)
    ag.testing.assert_close((s * full.to_sparse()).to_dense(), full**2)
    rows = ag.tensor([[0.0, 0], [1, 0]]).to_sparse(1)
    assert (rows._indices().tolist(), rows._values().tolist()) == ([[1]], [[1, 0]])


@pytest.mark.parametrize("dtype", [ag.int32, ag.int64])
@pytest.mark.parametrize("rows", [[0, 0, 2, 2, 2], [3, 3], []])
def test_row_indices_are_compressed(rows, dtype):
    """As torch_geometric asks for it: rows without entries, also behind the last one, and no entries at all."""
    ends = ag._convert_indices_from_coo_to_csr(ag.tensor(rows, dtype=dtype), 5, out_int32=dtype == ag.int32)
    assert ends.dtype == dtype
    np.testing.assert_array_equal(ends, np.cumsum([0, *np.bincount(np.array(rows, int), minlength=5)]))


def test_compressed_layouts():
    c = ag.sparse_csr_tensor([0, 1, 3], [2, 0, 2], [3.0, 4, 5])
    assert (c.shape, c.layout, c.is_sparse, c.is_sparse_csr) == ((2, 3), ag.sparse_csr, False, True)
    assert c.to_dense().tolist() == [[0, 0, 3], [4, 0, 5]]
    assert c.t().layout == ag.sparse_csc
    assert (dense := c.to_dense()).to_sparse(layout=ag.strided) is dense
    assert c.t().ccol_indices().tolist() == c.crow_indices().tolist() == [0, 1, 3]
    by_columns = c.to_sparse_csc()
    assert by_columns.ccol_indices().tolist() == [0, 1, 1, 3]
    assert by_columns.row_indices().tolist() == [1, 0, 1]
    assert by_columns.values().tolist() == [4, 3, 5]
    assert by_columns.to_sparse_csr().col_indices().tolist() == [2, 0, 2]
    assert c.to_sparse_coo().indices().tolist() == [[0, 1, 1], [2, 0, 2]]
    unordered = ag.sparse_csr_tensor([0, 2], [1, 0], [1.0, 2.0], (1, 2))
    assert unordered.values().tolist() == [1, 2]
    assert (unordered + unordered).to_dense().tolist() == [[4, 2]]
    assert ag.sparse_csc_tensor([0, 0, 1], [1], [7.0]).to_dense().tolist() == [[0, 0], [0, 7]]


def test_large_tensors_take_the_same_ways_as_small_ones():
    s = ag.sparse_coo_tensor([[5, 4000], [7, 8]], [1.0, 2.0], (5000, 5000), requires_grad=True)
    whole = ag.sparse_coo_tensor((5000, 5000), dtype=ag.complex128) + s.double() * 2
    assert whole.dtype == ag.complex128
    assert whole.coalesce()._values().tolist() == [2, 4]
    (s * 3 + s).sum().backward()
    (-s).sum().backward()
    assert s.grad._values().tolist() == [3, 3]


def test_making_and_masking():
    x = dense(3, 3)
    x[0, 1] = x[2] = 0
    assert x.to_sparse()._nnz() == 5
    ag.testing.assert_close(x.to_sparse().to_dense(), x)
    assert ag.eye(2).to_sparse_csr().crow_indices().tolist() == [0, 1, 2]
    assert ag.sparse_coo_tensor((2, 3)).to_dense().tolist() == [[0] * 3] * 2
    assert ag.sparse_coo_tensor([[1]], 5.0, (3,)).to_dense().tolist() == [0, 5, 0]
    mask = ag.sparse_coo_tensor([[0, 2], [0, 1]], [1.0, 1.0], (3, 3))
    assert x.sparse_mask(mask)._values().tolist() == [x[0, 0].item(), 0]
    assert x.to_sparse().sparse_mask(mask)._values().tolist() == [x[0, 0].item(), 0]
    old = sparse.FloatTensor(ag.tensor([[0], [1]]), ag.tensor([2.0]), ag.Size([1, 3]))
    assert isinstance(old, sparse.FloatTensor)
    assert not isinstance(x, sparse.DoubleTensor)
    assert (old.type(), old.shape) == ("torch.sparse.FloatTensor", (1, 3))
    diagonals = sparse.spdiags(ag.tensor([[1.0, 2, 3], [4, 5, 6]]), ag.tensor([0, 1]), (3, 3))
    assert diagonals.to_dense().tolist() == [[1, 5, 0], [0, 2, 6], [0, 0, 3]]
    sampled = sparse.sampled_addmm(mask.double(), x, x, beta=2)
    ag.testing.assert_close(sampled.to_dense(), mask.double().to_dense() * (x @ x + 2))


@pytest.mark.parametrize(
    ("rows", "offsets", "shape"),
    (((3, 3), [-1, 0], (3, 3)), ((5,), [0, 1], (3, 3)), ((2, 5), [0, 0], (5, 5)), ((1, 3), [0], (3, 2, 3))),
)
def test_diagonals_need_an_offset_each(rows, offsets, shape):
    with pytest.raises(RuntimeError, match="spdiags"):
        sparse.spdiags(ag.ones(rows), ag.tensor(offsets), shape)


def test_writes():
    s = ag.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3))
    before = s.clone()
    s.mul_(2)
    s += before
    assert s.to_dense().tolist() == [[0, 0, 9], [12, 0, 0]]
    assert before.copy_(s).to_dense().tolist() == s.to_dense().tolist()
    s.zero_()
    assert (s._nnz(), before._nnz()) == (0, 2)
    assert s.sparse_resize_((4, 3), 2, 0).shape == (4, 3)
    assert ag.zeros_like(before)._nnz() == 0
    with pytest.raises(TypeError, match="as a whole"):
        before[0] = 1


def test_copies_files_and_modules(tmp_path):
    s = ag.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3), requires_grad=True)
    rows = s.detach().to_sparse_csr()
    for again in (pickle.loads(pickle.dumps(s)), copy.deepcopy(s)):
        assert again.requires_grad
        assert again.to_dense().tolist() == s.to_dense().tolist()
    assert copy.deepcopy(rows).layout == ag.sparse_csr

    class Graph(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("adjacency", s.detach())

    model = Graph().double()
    assert model.adjacency.dtype == ag.float64
    path = tmp_path / "model.pt"
    ag.save({"rows": rows, **model.state_dict()}, path)
    loaded = ag.load(path)
    assert loaded["rows"].crow_indices().tolist() == [0, 1, 2]
    fresh = Graph().double()
    fresh.adjacency.zero_()
    fresh.load_state_dict({"adjacency": loaded["adjacency"]})
    assert fresh.adjacency.to_dense().tolist() == s.to_dense().tolist()


def test_they_print_as_in_pytorch():
    s = ag.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3))
    assert repr(s.requires_grad_()) == (
        "tensor(indices=tensor([[0, 1],\n"
        "                       [2, 0]]),\n"
        "       values=tensor([3., 4.]),\n"
        "       size=(2, 3), nnz=2, layout=sparse_coo, requires_grad=True)"
    )
    assert repr(s.detach().to_sparse_csr()) == (
        "tensor(crow_indices=tensor([0, 1, 2]),\n"
        "       col_indices=tensor([2, 0]),\n"
        "       values=tensor([3., 4.]), size=(2, 3), nnz=2, layout=sparse_csr)"
    )


def s23():
    return ag.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3))


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: s23().exp(), NotImplementedError, r"exp\(\) of sparse tensors"),
        (lambda: s23() == s23(), NotImplementedError, r"eq\(\) of sparse tensors"),
        (lambda: s23() < s23(), NotImplementedError, r"lt\(\) of sparse tensors"),
        (lambda: ag.vmap(lambda x: s23() * x)(ag.ones(2, 2, 3)), NotImplementedError, r"leave vmap\(\)"),
        (lambda: s23() + 1, RuntimeError, "to_dense"),
        (lambda: s23() / s23(), RuntimeError, "requires a scalar or zero-dim"),
        (lambda: s23().numpy(), TypeError, "can't convert Sparse layout"),
        (lambda: s23() @ s23(), ag.errors.OperandError, r"cannot be multiplied \(2x3 and 2x3\)"),
        (lambda: s23()[:, None], NotImplementedError, "indexed by integers"),
        (lambda: s23() + s23().t(), RuntimeError, "cannot be added"),
        (
            lambda: ag.sparse_coo_tensor([[1, 0]], [1.0, 2.0], is_coalesced=True),
            RuntimeError,
            "cannot set is_coalesced",
        ),
        (lambda: ag.sparse_coo_tensor((1 << 40, 1 << 40)), RuntimeError, "multiplication overflow"),
        (lambda: s23().crow_indices(), RuntimeError, "layout sparse_csr"),
        (lambda: ag.ones(2).coalesce(), RuntimeError, "got strided"),
        (lambda: ag.eye(2).to_sparse_bsr((1, 1)), NotImplementedError, "BSR"),
        (lambda: ag.sparse_coo_tensor([[2]], [1.0], (2,)), RuntimeError, "size is 2 but found index 2"),
        (lambda: ag.sparse_coo_tensor([[0, 1]], [1.0]), RuntimeError, "must have same nnz"),
        (lambda: ag.sparse_csr_tensor([0, 2, 1], [0], [1.0]), RuntimeError, "must rise from 0"),
        (lambda: ag.cat([s23(), ag.ones(2, 3)]), RuntimeError, "not both"),
    ],
)
def test_what_they_refuse(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_nothing_of_them_is_imported_before_they_are_used():
    import subprocess
    import sys

    code = "import sys, autograd_core; assert not [m for m in sys.modules if 'sparse' in m]"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_step_with_sparse_tensors_is_captured_as_it_is():
    adjacency = s23()

    @ag.capture
    def step(x):
        return adjacency @ x

    x = ag.ones(3, 2)
    for _ in range(4):
        assert step(x).tolist() == [[3, 3], [4, 4]]
