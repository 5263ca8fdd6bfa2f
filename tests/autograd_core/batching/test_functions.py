"""User-defined `Function`s inside `vmap`: by their operations, sample by sample, or by a rule of their own."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.func import grad, vmap


def values(*shape, seed=0, requires_grad=False):
    x = ag.tensor(np.random.default_rng(seed).normal(size=shape))
    return x.requires_grad_(requires_grad)


def close(a, b):
    a, b = (x.numpy(force=True) if isinstance(x, ag.Tensor) else x for x in (a, b))
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


def test_user_defined_functions_and_modules_run_inside():
    class Cube(ag.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 3 * x**2

    x = values(5, 3)
    close(vmap(grad(lambda x: Cube.apply(x).sum()))(x), 3 * x.numpy() ** 2)
    close(grad(lambda x: vmap(Cube.apply)(x).sum())(x), 3 * x.numpy() ** 2)


class Product(ag.Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx, g):
        a, b = ctx.saved_tensors
        return g * b, g * a


class ReadingProduct(Product):
    @staticmethod
    def forward(ctx, a, b):
        return Product.forward(ctx, a, b) if a.sum().item() is not None else None


class ProductWithRule(Product):
    @staticmethod
    def forward(a, b):
        return a * b

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def vmap(info, in_dims, a, b):
        rows = [x if d is None else x.movedim(d, 0) for x, d in zip((a, b), in_dims, strict=True)]
        return ProductWithRule.apply(*rows), 0


@pytest.mark.parametrize("product", [Product, ReadingProduct, ProductWithRule])
def test_gradients_of_what_user_defined_functions_take_from_outside(product):
    w, x, c = values(3, requires_grad=True), values(5, 3, seed=1), values(2, 3, seed=2)
    (vmap(lambda row: product.apply(row, w))(x) @ c[0]).sum().backward()
    close(w.grad, x.sum(0) * c[0])
    of_sample = vmap(lambda row: grad(lambda w: product.apply(row, w) @ c[0])(w.detach()))
    close(of_sample(x), x * c[0])
    nested = vmap(lambda c: vmap(lambda row: grad(lambda w: product.apply(row, w) @ c)(w.detach()))(x))
    close(nested(c), x * c[:, None])
    summed = grad(lambda w: vmap(lambda c: vmap(lambda row: product.apply(row, w) @ c)(x).sum())(c).sum())
    close(summed(w.detach()), x.sum(0) * c.sum(0))


def test_user_defined_functions_that_read_or_write_values_run_sample_by_sample():
    class Sine(ag.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return ag.from_numpy(np.sin(x.detach().numpy()))

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return ag.zeros(3, dtype=x.dtype).add_(ag.from_numpy(g.numpy() * np.cos(x.detach().numpy())))

    x = values(3)
    close(ag.autograd.functional.jacobian(Sine.apply, x), np.diag(np.cos(x.detach().numpy())))
    rows = values(2, 3)
    close(vmap(grad(lambda x: Sine.apply(x).sum()))(rows), np.cos(rows.numpy()))


class Scaled(ag.Function):
    """Twice its first argument, or three times that if there are samples."""

    seen = ()

    @staticmethod
    def forward(x, others):
        return 2 * x

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, g):
        return 2 * g, None

    @staticmethod
    def vmap(info, in_dims, x, others):
        Scaled.seen += ((*info, in_dims),)
        return 3 * Scaled.apply(x, others), in_dims[0]


def test_the_rule_of_a_user_defined_function_is_called_for_each_level(monkeypatch):
    monkeypatch.setattr(Scaled, "seen", ())
    x = values(4, 5)
    close(Scaled.apply(x, [x]), 2 * x.numpy())
    close(vmap(Scaled.apply, (0, None))(x, [x, 1]), 6 * x.numpy())
    close(vmap(lambda row: vmap(Scaled.apply, (0, None), randomness="same")(row, [row]))(x), 18 * x.numpy())
    close(vmap(lambda row: vmap(lambda _: Scaled.apply(row, []))(ag.ones(3)))(x)[:, 0], 6 * x.numpy())
    assert Scaled.seen == (
        (4, "error", (0, [None, None])), (5, "same", (0, [None])), (4, "error", (0, [0])), (4, "error", (0, []))
    )  # fmt: skip
    close(grad(lambda x: vmap(Scaled.apply, (1, None))(x, []).sum())(x), np.full((4, 5), 6.0))


def test_the_rule_of_a_user_defined_function_says_where_its_samples_are():
    class Spread(ag.Function):
        @staticmethod
        def forward(ctx, x):
            return x, x.sum()

        @staticmethod
        def vmap(info, in_dims, x):
            return (x.T, x.sum()), (-1, None)

    x = values(4, 5)
    same, total = vmap(Spread.apply, out_dims=(0, None))(x)
    close(same, x.numpy())
    close(total, x.numpy().sum())
