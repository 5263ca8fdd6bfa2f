"""Versions of storage: what was written after a node kept it is noticed, and views share the count."""

import re

import pytest

import autograd_core as ag
from autograd_core.errors import InplaceError

STALE = {
    "y = b * a; b += 1": ("multiply", 0, 1),
    "b += 1; b += 1; y = b * a; b += 1": ("multiply", 2, 3),
    "y = a.exp(); y.detach().add_(1); y.detach()[0] = 3": ("exp", 0, 2),
    "d = b.data; y = a * d; d.zero_()": ("multiply", 0, 1),
    "d = b.data; y = a * d[1:]; d.T[0] = 3": ("multiply", 0, 1),
    "z = a * a; y = z.sin(); z[1] = 0": ("sin", 0, 1),
    "z = a * a; v = z[1:]; y = v.sin(); z.zero_()": ("sin", 0, 1),
}


@pytest.mark.parametrize("program", STALE)
def test_stale_saved_arrays(program):
    op, saved, now = STALE[program]
    scope = {"a": ag.tensor([2.0, 3.0], requires_grad=True), "b": ag.ones(2)}
    exec(compile(program.replace("; ", "\n"), "program.py", "exec"), scope)
    line = program.count(";") + 1
    versions = f"kept for backward at version {saved}, is at version {now} now"
    pattern = rf"{op}: '\w+' of shape \(\d,\), {versions}: .*by program\.py:{line}; .*clone"
    with pytest.raises(InplaceError, match=pattern):
        scope["y"].sum().backward()
    assert scope["a"].grad is None


def test_writes_that_no_rule_needs_are_harmless():
    a, b = ag.tensor([2.0], requires_grad=True), ag.ones(1)
    y = a + b
    b += 1
    z = (a * 3).sum()
    y.backward()
    z.backward()
    assert a.grad.tolist() == [4]


@pytest.mark.parametrize("shapes", [((2, 3), (3, 2)), ((3,), (3,)), ((4, 2, 3), (3, 2)), ((2, 3), (3,))])
@pytest.mark.parametrize("written", [0, 1])
def test_a_factor_of_a_constant_can_be_written(shapes, written):
    operands = [ag.rand(*shape, dtype=ag.float64) for shape in shapes]
    a = operands[written].requires_grad_()

    def product():
        operands[written] = a * a
        return operands[0] @ operands[1]

    expected = ag.autograd.grad(product().sum(), a, create_graph=True)[0]
    y = product()
    operands[written].zero_()
    slope = ag.autograd.grad(y.sum(), a, create_graph=True)[0]
    ag.testing.assert_close(slope, expected)
    ag.testing.assert_close(*(ag.autograd.grad(g.square().sum(), a)[0] for g in (slope, expected)))
    y = product()
    operands[1 - written].add_(1)
    with pytest.raises(InplaceError, match="matmul"):
        y.sum().backward()


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "expm1"])
def test_an_operand_that_is_written_is_found_from_the_result(name):
    function, a = getattr(ag, name), ag.tensor([-200.0, -1.0, 0.5, 200.0], dtype=ag.float64, requires_grad=True)
    if name == "expm1":
        a = a.detach().clamp(max=2).requires_grad_()
    (expected,) = ag.autograd.grad(function(a).square().sum(), a)
    x = a * 1
    x[:] = function(x)  # as detectors write sigmoids over the logits
    ag.testing.assert_close(ag.autograd.grad(x.square().sum(), a)[0], expected)

    x = a * 1
    y = function(x)
    x.zero_()
    (slope,) = ag.autograd.grad(y.square().sum(), a, create_graph=True)
    ag.testing.assert_close(slope, expected)
    second = ag.autograd.grad(slope.sum(), a)[0]
    (slope,) = ag.autograd.grad(function(a).square().sum(), a, create_graph=True)
    ag.testing.assert_close(second, ag.autograd.grad(slope.sum(), a)[0])

    x = a * 1
    y = function(x)
    z = y + 0
    y.zero_()  # only the operand is needed
    ag.testing.assert_close(
        ag.autograd.grad((z * expected).sum(), a, retain_graph=True),
        ag.autograd.grad((function(a) * expected).sum(), a),
    )
    x.zero_()
    with pytest.raises(InplaceError, match=f"{name}: 'x'"):
        z.sum().backward()


def test_the_line_of_every_kind_of_write_is_named():
    for program in ("b += 1", "b[0] = 2", "b.add_(1)", "b.fill_(2)", "b.uniform_()", "b.copy_(b + 1)", "b.zero_()"):
        b, a = ag.ones(1), ag.ones(1, requires_grad=True)
        y = a * b
        exec(compile("\n\n" + program, "there.py", "exec"), {"b": b})
        with pytest.raises(InplaceError, match=re.escape("there.py:3")):
            y.backward()


def test_a_version_counts_the_writes_to_a_storage():
    x = ag.zeros(3)
    assert x._version == 0
    x[0] = 1
    x[1:].add_(1)
    assert x._version == x[1:]._version == 2


def test_the_data_of_a_scalar_is_its_storage():
    x = ag.tensor([1.0, 2.0], requires_grad=True).max()
    x.data.fill_(3)
    assert x.item() == 3


def test_data_has_a_version_of_its_own():
    x = ag.tensor([[2.0, 3.0], [4.0, 5.0]], requires_grad=True)
    y, array = (x * x).sum(), x.array
    d = x.data
    d[0] = 7
    d.T[1:].zero_()
    x.data += 1
    y.backward()
    assert x.grad.tolist() == [[16, 2], [10, 2]]  # of the values at the time of the backward walk
    assert (x._version, d._version, d.storage_offset(), d[1].data.storage_offset()) == (0, 2, 0, 2)
    d.copy_(x.detach().T)  # the memory is still known to be the same
    assert x.tolist() == [[8, 5], [1, 1]]
    assert x.array is array


def test_views_name_the_tensor_that_owns_their_memory():
    x = ag.ones(2, 3)
    assert all(v._is_view() and v._base is x for v in (x[0], x.T, x.view(6)[1:], x.expand(4, 2, 3), x.unbind(1)[2]))
    assert not any(v._is_view() or v._base for v in (x, x.detach(), x.T.reshape(6), x[[0]], x.contiguous(), x + 1))
