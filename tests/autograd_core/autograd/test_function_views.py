"""Functions that return their arguments, or views: what of them can be written in place, and what is noticed."""

import gc
import weakref

import pytest

import autograd_core as ag
from autograd_core.errors import InplaceError, OperandError
from autograd_core.testing import gradcheck, gradgradcheck


def function(forward, backward=lambda ctx, g: g * 10, **others):
    methods = {"forward": forward, "backward": backward, **others}
    return type("Ten", (ag.Function,), {name: staticmethod(method) for name, method in methods.items()})


def leaf():
    return ag.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)


def padded(ctx, g):
    return 10 * ag.cat([g, ag.zeros(2)])


SAME = function(lambda ctx, x: x)
RESHAPED = function(lambda ctx, x: x.view(2, 2), lambda ctx, g: 10 * g.reshape(4))
PART = function(lambda ctx, x: x[:2], padded)
INNER = function(lambda ctx, x: (x * 1)[:2], padded)  # a view, but not of the argument
KINDS = {"same": SAME, "reshaped": RESHAPED, "part": PART, "inner": INNER}
VIEWS = pytest.mark.parametrize("views", [SAME, RESHAPED, PART], ids=["same", "reshaped", "part"])
WRITES = {
    "method": lambda y: y.mul_(2),
    "position": lambda y: y.__setitem__(0, 7.0),
    "part": lambda y: y[0].zero_(),
    "operand with a gradient": lambda y: y.add_(ag.ones((), requires_grad=True)),
}


@VIEWS
def test_a_view_of_the_argument_keeps_its_gradient_and_its_base(views):
    x = leaf()
    h = x * 1
    y = views.apply(h)
    assert (y is h, y._base is h, y.requires_grad, y.data_ptr()) == (False, True, True, h.data_ptr())
    assert views.apply(h[:])._base is h
    y.clone().mul_(2).sum().backward()
    assert x.grad.tolist() == ([20.0] * 2 + [0.0] * 2 if views is PART else [20.0] * 4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("write", WRITES)
def test_a_returned_view_cannot_be_written(kind, write):
    views = KINDS[kind]
    for x in (leaf(), leaf() * 1):
        y = views.apply(x)
        with pytest.raises(InplaceError, match=r"view that Ten returned.*clone"):
            WRITES[write](y)
    y = views.apply(ag.ones(4))  # nothing is recorded
    y.mul_(2)
    with pytest.raises(InplaceError, match="view that Ten returned"):
        y.mul_(ag.ones((), requires_grad=True))
    with ag.no_grad():
        y = views.apply(leaf())
        y.mul_(2)


@VIEWS
def test_a_write_through_another_tensor_is_noticed_where_the_view_is_used(views):
    x = leaf()
    for write in (lambda h: h.mul_(2), lambda h: h[:1].mul_(2), lambda h: h.__setitem__(0, x[0])):
        h = x * 1
        y = views.apply(h)
        before = y.sum()
        write(h)
        for used in (lambda y: y.sum().backward(), lambda y: ag.autograd.grad(y[0].sum(), x)):
            with pytest.raises(InplaceError, match="Ten returned a view, whose memory was then written"):
                used(y)
        (g,) = ag.autograd.grad(before, x, retain_graph=True)  # computed from the values before the write
        assert g.sum().item() == (20.0 if views is PART else 40.0)
        h.sum().backward()  # which needs nothing of the view
    constant = ag.ones(4)
    y = views.apply(constant)
    constant.mul_(ag.ones((), requires_grad=True))
    with pytest.raises(InplaceError, match="written through another"):
        y.sum().backward()


def test_what_shares_memory_without_being_a_view_can_be_written():
    x = leaf()
    y = function(lambda ctx, x: x.detach()).apply(x * 1)
    y.mul_(2).sum().backward()
    assert x.grad.tolist() == [20.0] * 4


def test_several_outputs():
    pair = function(lambda ctx, x: (x, x[:2], x * 2), lambda ctx, g, h, k: 10 * g + padded(ctx, h) + 2 * k)
    x = leaf()
    y, part, double = pair.apply(x * 1)
    for t in (y, part):
        with pytest.raises(InplaceError, match="view that Ten returned"):
            t.mul_(2)
    double.mul_(3)
    (y.sum() + part.sum() + double.sum()).backward()
    assert x.grad.tolist() == [26.0, 26.0, 16.0, 16.0]

    def both(ctx, x):
        y = x * 1
        return y[:2], y

    nested = function(both, lambda ctx, h, g: 10 * g + padded(ctx, h))
    part, y = nested.apply(leaf())
    assert part._base is y
    y.mul_(2)
    with pytest.raises(InplaceError, match="written through another"):
        (part.sum() + y.sum()).backward()
    assert type(function(lambda ctx, x: [x, x]).apply(x)) is list


def test_arguments_that_are_returned_without_a_gradient_stay_as_they_are():
    def forward(ctx, x, n):
        ctx.mark_non_differentiable(x)
        return x, n, x * 2

    x, n = leaf(), ag.ones(2, dtype=ag.int64)
    y, m, z = function(forward, lambda ctx, g, _, h: (2 * h, None)).apply(x, n)
    assert (y.requires_grad, x.requires_grad, y._base, m._base is n) == (False, True, None, True)
    m.add_(1)
    assert n.tolist() == [2, 2]
    z.sum().backward()
    assert x.grad.tolist() == [2.0] * 4
    with ag.no_grad():
        y = SAME.apply(x)
    assert (y is x, y.requires_grad) == (False, False)


def test_a_returned_argument_that_was_saved_is_the_argument():
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x

    def backward(ctx, g):
        return g * ctx.saved_tensors[0] * 10

    x = leaf()
    y = function(forward, backward).apply(x * x)
    (g,) = ag.autograd.grad(y.pow(2).sum(), x, create_graph=True)
    assert g.tolist() == [40 * v**5 for v in x.tolist()]
    # The backward of y² is 20 y s with y' = 10 s, s = x² and the saved s: d/dx (20 y s · 2x) as PyTorch has it.
    assert ag.autograd.grad(g.sum(), x)[0].tolist() == [920.0, 53120.0, 592920.0, 3307520.0]
    separate = function(lambda x: x, backward, setup_context=lambda ctx, inputs, output: ctx.save_for_backward(*inputs))
    with pytest.raises(OperandError, match="view_as"):
        separate.apply(x)
    assert separate.apply(x.detach()).tolist() == x.tolist()


def test_writes_to_saved_tensors_are_noticed():
    def forward(ctx, x, w):
        ctx.save_for_backward(w)
        return x * w

    x = leaf()
    for w in (ag.ones(4), ag.tensor(2.0), leaf() * 1):
        y = function(forward, lambda ctx, g: (g * ctx.saved_tensors[0], None)).apply(x, w)
        w.mul_(3)
        with pytest.raises(InplaceError, match=r"Ten: 'saved'.*written in place"):
            y.sum().backward()


def test_of_several_outputs_only_those_that_are_saved_must_stay_as_they_are():
    def forward(ctx, x):
        e = x.exp()
        ctx.save_for_backward(e)
        return e, 2 * x

    def program(x, write):
        e, twice = function(forward, lambda ctx, g, h: ctx.saved_tensors[0] * g + 2 * h).apply(x)
        exec(write, {"e": e, "twice": twice})
        return e * twice**2

    x = leaf().detach().double().requires_grad_()
    assert gradcheck(lambda x: program(x, "twice[1:] *= 3"), x)
    assert gradgradcheck(lambda x: program(x, "twice[1:] *= 3"), x)
    with pytest.raises(InplaceError, match="Ten: 'y'"):
        program(x, "e.mul_(3)").sum().backward()


def test_arguments_marked_dirty_must_be_returned_and_their_writes_are_counted():
    def forward(ctx, x):
        x.numpy()[...] *= 3  # which the tensor does not see
        ctx.mark_dirty(x)
        return x

    x = leaf()
    h = x * 1
    square, view = h * h, SAME.apply(h)
    assert function(forward, lambda ctx, g: 3 * g).apply(h) is h
    for stale in (square, view):
        with pytest.raises(InplaceError, match="written"):
            stale.sum().backward()
    h.sum().backward()
    assert x.grad.tolist() == [3.0] * 4
    with pytest.raises(InplaceError, match="view that Ten returned"):
        function(forward, lambda ctx, g: 3 * g).apply(SAME.apply(x * 1))
    forgotten = function(lambda ctx, x: (ctx.mark_dirty(x), x * 2)[1])
    for x in (leaf() * 1, ag.ones(4)):
        with pytest.raises(OperandError, match="must return"):
            forgotten.apply(x)


def test_outputs_are_the_tensors_that_forward_made_and_leave_no_cycle():
    def forward(ctx, x):
        ctx.kept = y = x * 2
        y.tag = "made inside"
        return y

    gc.disable()
    try:
        y = function(forward, lambda ctx, g: g * ctx.kept).apply(leaf())
        assert (y.tag, y.requires_grad, y._base) == ("made inside", True, None)
        alive = weakref.ref(y)
        del y
        assert alive() is None
    finally:
        gc.enable()
