"""Operations that users define with a backward of their own, and the search for a gradient that went wrong."""

import gc
import weakref

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import AnomalyError, GraphReleasedError, HigherOrderError, InplaceError, OperandError
from autograd_core.testing import gradcheck, gradgradcheck


class Exp(ag.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y


class ScaledProduct(ag.Function):
    @staticmethod
    def forward(ctx, x, y, scale):
        ctx.save_for_backward(x, y)
        ctx.scale = scale
        return x * y * scale, (x > y).to(dtype=ag.float64)

    @staticmethod
    def backward(ctx, g, unused):
        assert unused.shape == g.shape
        x, y = ctx.saved_tensors
        return g * y * ctx.scale, g * x * ctx.scale, None


def leaf(*shape, seed=0):
    return ag.tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True)


def test_saved_outputs_differentiate_to_any_order():
    x = leaf(3)
    y = Exp.apply(x)
    for _ in range(3):
        (y,) = ag.grad(y.sum(), x, create_graph=True)
        np.testing.assert_allclose(y.numpy(force=True), np.exp(x.numpy(force=True)))


def test_the_names_of_torch_autograd_lead_to_their_modules():
    assert ag.autograd.gradcheck(Exp.apply, leaf(3))
    assert ag.autograd.functional.jacobian(Exp.apply, ag.zeros(1)).item() == 1
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        _ = ag.autograd.other


def test_several_outputs_and_arguments_without_gradient():
    x, y = leaf(3), leaf(3, seed=1)
    product, larger = ScaledProduct.apply(x, y, 2.0)
    (product * product + larger).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 8 * (x * y * y).numpy(force=True))
    np.testing.assert_allclose(y.grad.numpy(), 8 * (x * x * y).numpy(force=True))


def test_the_node_shows_what_the_context_keeps():
    x, y = leaf(3), leaf(3, seed=1)
    product, _ = ScaledProduct.apply(x, y, 2.0)
    node = product.grad_fn
    assert (node.name(), node.scale, node.needs_input_grad) == ("ScaledProduct", 2.0, (True, True, False))
    assert [t is s for t, s in zip(node.saved_tensors, (x, y), strict=True)] == [True, True]
    (saved,) = (y := Exp.apply(x)).grad_fn.saved_tensors
    assert saved.data_ptr() == y.data_ptr()
    with ag.autograd.graph.saved_tensors_hooks(lambda t: t.numpy(force=True), ag.tensor):
        packed = Exp.apply(x)
    packed.grad_fn.register_hook(lambda *_: None)
    np.testing.assert_array_equal(packed.grad_fn.saved_tensors[0].numpy(), saved.numpy())
    product.sum().backward()
    assert node.scale == 2.0
    with pytest.raises(GraphReleasedError, match="ScaledProduct: what it saved"):
        _ = node.saved_tensors
    with pytest.raises(AttributeError, match="nothing"):
        _ = node.nothing


def test_the_separate_form_of_setup_context():
    class Double(ag.Function):
        @staticmethod
        def forward(x, factor=2):
            return x * factor

        @staticmethod
        def setup_context(ctx, inputs, output):
            _, ctx.factor = inputs

        @staticmethod
        def backward(ctx, g):
            return g * ctx.factor, None

    x = leaf(2)
    Double.apply(x).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


class Product(ag.Function):
    @staticmethod
    def forward(ctx, x, y, scale):
        ctx.save_for_forward(x, y)
        ctx.scale = scale
        return x @ y * scale, x.new_ones(()), x.sum()

    @staticmethod
    def jvp(ctx, x_tangent, y_tangent, scale_tangent):
        assert scale_tangent is None
        x, y = ctx.saved_tensors
        scale = ctx.scale
        del ctx.scale  # it is called once
        return (x_tangent @ y + x @ y_tangent) * scale, None, x_tangent.sum()


def test_the_linear_map_of_jvp_serves_every_walk_of_one_graph():
    x, y = leaf(3, 4), leaf(4, 2)
    product, *_ = Product.apply(x, y, 2.0)

    def gradient(seed):
        return ag.grad(product, x, seed, retain_graph=True)[0]

    seeds = leaf(5, 3, 2, seed=2).detach()
    expected = ag.stack([2.0 * seed @ y.detach().T for seed in seeds])
    ag.testing.assert_close(ag.func.vmap(gradient)(seeds), expected)
    ag.testing.assert_close(ag.stack([gradient(seed) for seed in seeds]), expected)


@pytest.mark.parametrize("constant", [(), (0,), (1,)])
def test_without_backward_the_gradients_are_those_of_jvp(constant):
    operands = [t.detach() if i in constant else t for i, t in enumerate((leaf(3, 4), leaf(4, 2)))]
    assert gradcheck(lambda x, y: Product.apply(x, y, 2.0), operands)
    assert gradgradcheck(lambda x, y: Product.apply(x, y, 2.0), operands)
    tangents = [leaf(*t.shape, seed=1).detach() for t in operands]
    with ag.autograd.forward_ad.dual_level():
        duals = map(ag.autograd.forward_ad.make_dual, operands, tangents)
        slope = ag.autograd.forward_ad.unpack_dual(Product.apply(*duals, 2.0)[0]).tangent
    ag.testing.assert_close(slope, 2.0 * (tangents[0] @ operands[1] + operands[0] @ tangents[1]))


def test_what_a_function_saves_is_released_and_leaves_no_cycle():
    gc.disable()
    try:
        x = leaf(3)
        y = Exp.apply(x)
        (g,) = ag.grad(y.sum(), x, create_graph=True)
        alive = weakref.ref(y)
        del y, g
        assert alive() is None
        y = Exp.apply(x)
        y.sum().backward()
        with pytest.raises(GraphReleasedError, match="Exp"):
            y.sum().backward()
        h = leaf(3) * 2
        y, _ = ScaledProduct.apply(h, leaf(3), 1.0)  # it saves its arguments
        alive = weakref.ref(h)
        del h
        assert alive() is not None
        y.sum().backward()
        assert alive() is None
    finally:
        gc.enable()


def test_gradients_take_the_shape_and_dtype_of_the_argument():
    class Shifted(ag.Function):
        shape = (2, 3)

        @staticmethod
        def forward(ctx, x):
            return x + ag.zeros(2, 3), "more", None

        @staticmethod
        def backward(ctx, g, *_):
            return ag.ones(Shifted.shape, dtype=ag.float64), None

    x = ag.ones(3, requires_grad=True)
    y, *others = Shifted.apply(x)
    assert others == ["more", None]
    y.sum().backward(retain_graph=True)
    assert (x.grad.tolist(), x.grad.dtype) == ([2.0] * 3, ag.float32)
    for Shifted.shape in ((2, 2), ()):
        with pytest.raises(OperandError, match="for argument 0 of"):
            y.sum().backward(retain_graph=True)


def test_a_computed_number_may_be_marked_dirty():
    class Same(ag.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 3

    x = ag.tensor(2.0, requires_grad=True)
    Same.apply(x * 1).backward()
    assert x.grad.item() == 3


def test_an_argument_marked_dirty_goes_on_as_the_output():
    class Doubled(ag.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(2)

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = leaf(3)
    y = x * 1
    squared = y * y
    part = y[:2]
    y.retain_grad()
    assert Doubled.apply(y) is y
    (y * y).sum().backward(retain_graph=True)
    np.testing.assert_allclose(x.grad.numpy(), 8 * x.numpy(force=True))
    np.testing.assert_allclose(y.grad.numpy(), 2 * y.numpy(force=True))
    np.testing.assert_allclose(ag.grad(part.sum(), x)[0].numpy(), [2, 2, 0])
    with pytest.raises(InplaceError, match="written in place"):
        squared.sum().backward()
    with pytest.raises(InplaceError, match="leaf"):
        Doubled.apply(x)


def test_outputs_without_gradient():
    class Split(ag.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, *gradients):
            seen.extend(g is None for g in gradients)
            return sum(g * k for g, k in zip(gradients, (2, 3), strict=True) if g is not None)

    class Positive(ag.Function):
        @staticmethod
        def forward(ctx, x):
            y = x * (x > 0)
            ctx.mark_non_differentiable(y)
            return y

    seen, x = [], leaf(3)
    Split.apply(x)[1].sum().backward()
    assert seen == [True, False]
    assert x.grad.tolist() == [3.0] * 3
    assert not Positive.apply(x).requires_grad


def test_once_differentiable():
    class Cube(ag.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        @ag.autograd.function.once_differentiable
        def backward(ctx, g):
            assert not ag.is_grad_enabled()
            (x,) = ctx.saved_tensors
            return 3 * g * x**2

    x = leaf(3)
    (g,) = ag.grad((Cube.apply(x) ** 2).sum(), x, create_graph=True)
    np.testing.assert_allclose(g.numpy(force=True), 6 * x.numpy(force=True) ** 5)
    with pytest.raises(HigherOrderError, match="once_differentiable"):
        g.sum().backward()


def test_gradients_are_checked():
    class Wrong(Exp):
        @staticmethod
        def backward(ctx, g):
            return g, g

    class Number(Exp):
        @staticmethod
        def backward(ctx, g):
            return 1.0

    with pytest.raises(TypeError, match="for argument 0 gives float"):
        Number.apply(leaf(2)).sum().backward()
    with pytest.raises(OperandError, match="returned 2 gradients for 1 arguments"):
        Wrong.apply(leaf(2)).sum().backward()
    with pytest.raises(RuntimeError, match=r"write Function\.apply"):
        ag.Function()(ag.ones(1))
    with pytest.raises(NotImplementedError, match="forward"):
        ag.Function.apply(leaf(2))


def test_outputs_without_gradient_and_constants():
    class Both(ag.Function):
        @staticmethod
        def forward(ctx, x):
            rounded = x.round()
            ctx.mark_non_differentiable(rounded)
            return x * 1, rounded

        @staticmethod
        def backward(ctx, g, unused):
            return g

    kept, rounded = Both.apply(leaf(3))
    assert kept.requires_grad
    assert not rounded.requires_grad
    assert not Exp.apply(ag.ones(2)).requires_grad


def test_backward_is_given_none_for_an_output_that_is_no_tensor():
    class Doubled(ag.Function):
        @staticmethod
        def forward(ctx, x):
            return "twice", x * 2, 3, x * 4

        @staticmethod
        def backward(ctx, name, g, number, unused):
            assert name is number is None
            return g * 2 + unused * 4

    x = leaf(2)
    name, y, number, _ = Doubled.apply(x)
    assert (name, number) == ("twice", 3)
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_drawn_like_any_operation():
    assert "Exp" in ag.draw(Exp.apply(leaf(2)).sum()).dot


def test_anomaly_names_operation_shapes_and_line():
    x = ag.tensor([1.0, 0.0], requires_grad=True)
    with (
        pytest.raises(AnomalyError, match=r"sqrt .* infinite .*shape \(2,\).*test_function\.py:\d+"),
        ag.detect_anomaly(),
    ):
        x.sqrt().sum().backward()
    assert x.grad is None
    x.sqrt().sum().backward()  # silent again
    assert x.grad.tolist() == [0.5, np.inf]


def test_anomaly_finds_nan_also_when_recording():
    x = ag.tensor([0.0], requires_grad=True)
    with pytest.raises(AnomalyError, match=r"sqrt .* NaN"), ag.detect_anomaly():
        ag.grad((x.sqrt() * 0.0).sum(), x, create_graph=True)


def test_anomaly_mode_nests_and_switches_off():
    x = ag.tensor([0.0], requires_grad=True)
    with ag.detect_anomaly(), ag.detect_anomaly(False):
        x.sqrt().sum().backward()
    assert np.isinf(x.grad.item())


def test_anomaly_mode_that_lasts_and_names_the_line_of_an_error_in_backward():
    x = ag.tensor([0.0], requires_grad=True)
    ag.autograd.set_detect_anomaly(True, check_nan=False)
    try:
        assert (ag.is_anomaly_enabled(), ag.is_anomaly_check_nan_enabled()) == (True, False)
        x.sqrt().sum().backward()
        y = x + 1
        y.grad_fn.register_prehook(lambda outputs: 1 / 0)
        with pytest.raises(ZeroDivisionError) as raised:
            y.sum().backward()
        assert "computed at" in raised.value.__notes__[0]
        with ag.autograd.set_detect_anomaly(True), pytest.raises(AnomalyError):
            x.sqrt().sum().backward()
        assert not ag.is_anomaly_check_nan_enabled()
    finally:
        ag.autograd.set_detect_anomaly(False)
    assert not ag.is_anomaly_enabled()


def test_integer_outputs_and_constant_ones_arrive_as_zeros():
    class Parts(ag.Function):
        @staticmethod
        def forward(ctx, x):
            rounded = x.round()
            ctx.mark_non_differentiable(rounded)
            return 2 * x, x.long(), rounded

        @staticmethod
        def backward(ctx, g, of_integers, of_rounded):
            assert (of_integers.dtype, of_integers.tolist()) == (ag.int64, [0, 0])
            assert (of_rounded.dtype, of_rounded.tolist()) == (ag.float32, [0, 0])
            return 2 * g

    x = ag.ones(2, requires_grad=True)
    Parts.apply(x)[0].sum().backward()
    assert x.grad.tolist() == [2, 2]


class LookUp(ag.Function):
    """Rows of a table, with a sparse gradient."""

    @staticmethod
    def forward(ctx, table, index):
        ctx.save_for_backward(index)
        ctx.shape = table.shape
        return table[index]

    @staticmethod
    def backward(ctx, g):
        (index,) = ctx.saved_tensors
        return ag.sparse_coo_tensor(index[None], g, ctx.shape), None


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("table, is_sparse", [(lambda w: w, True), (lambda w: 2 * w, False)], ids=["leaf", "computed"])
def test_backward_may_return_sparse_gradients(table, is_sparse, recorded):
    w, index = ag.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True), ag.tensor([0, 2, 2])
    (g,) = ag.autograd.grad(LookUp.apply(table(w), index).sum(), w, create_graph=recorded)
    (expected,) = ag.autograd.grad(table(w)[index].sum(), w)
    assert g.is_sparse == is_sparse
    assert g.to_dense().tolist() == expected.tolist()


def test_sparse_gradients_of_a_function_add_up_with_others():
    w, index = ag.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True), ag.tensor([0, 2, 2])
    for _ in range(2):
        (LookUp.apply(w, index).sum() + LookUp.apply(w, index[:1]).sum()).backward()
    assert w.grad.is_sparse
    assert w.grad.to_dense().tolist() == [[4.0, 4.0], [0.0, 0.0], [4.0, 4.0]]
    (LookUp.apply(w, index).sum() + w.sum()).backward()
    assert w.grad.to_dense().tolist() == [[6.0, 6.0], [1.0, 1.0], [7.0, 7.0]]
