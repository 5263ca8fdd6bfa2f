"""Operators that a program defines itself."""

import numpy as np
import pytest
from autograd_core.library import custom_op, register_autograd, register_fake, register_vmap

import autograd_core as ag
from autograd_core.testing import gradcheck
from autograd_core.utils import cpp_extension


def test_an_operator_has_the_derivative_that_it_is_given():
    @custom_op("tests::scaled_sine", mutates_args=())
    def scaled_sine(x: ag.Tensor, shift: float = 0.0, *, scale: float = 1.0) -> ag.Tensor:
        return ag.from_numpy(np.sin(x.detach().numpy() + shift) * scale)

    x = ag.rand(3, dtype=ag.float64, requires_grad=True)
    with pytest.raises(RuntimeError, match="tests::scaled_sine has no derivative"):
        scaled_sine(x).sum().backward()
    assert ag.allclose(ag.ops.tests.scaled_sine(x, 0.5), (x + 0.5).sin())

    def save(ctx, inputs, keyword_only_inputs, output):
        ctx.save_for_backward(inputs[0])
        ctx.shift, ctx.scale = inputs[1], keyword_only_inputs["scale"]

    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * (x + ctx.shift).cos() * ctx.scale, None

    register_autograd("tests::scaled_sine", backward, setup_context=save)
    assert gradcheck(lambda x: scaled_sine(x, scale=2.0, shift=0.1), (x,))
    assert register_fake("tests::scaled_sine")(save) is scaled_sine.register_fake(save) is save
    assert ag.allclose(ag.vmap(scaled_sine)(x[None]), x.sin())

    def rule(info, in_dims, x, shift, *, scale):
        return info.batch_size * scaled_sine(x, shift, scale=scale), in_dims[0]

    assert register_vmap("tests::scaled_sine", rule) is scaled_sine.register_vmap()(rule) is rule
    assert ag.allclose(ag.vmap(lambda x: scaled_sine(x, scale=2.0))(x), 6 * x.sin())


def test_an_operator_can_write_to_its_arguments():
    def fill(x: ag.Tensor, value: float) -> None:
        x.fill_(value)

    x = ag.zeros(2)
    custom_op("tests::fill", fill, mutates_args={"x"}, schema="(Tensor(a!) x, float value) -> ()")
    assert ag.ops.tests.fill(x, value=3.0) is None
    assert x.tolist() == [3, 3]


def test_names_of_pytorchs_own_operators():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    add, fill = ag.ops.aten.add.Tensor, ag.ops.aten.fill_.Scalar
    assert {ag.ops.aten.add.Tensor: 1, ag.ops.aten._pin_memory.default: 2}[add] == 1
    ag.ops.aten.sum(add(x, x)).backward()
    assert (x.grad.tolist(), fill(ag.ones(2), 3.0).tolist()) == ([2, 2], [3, 3])
    with pytest.raises(AttributeError, match="_pin_memory"):
        ag.ops.aten._pin_memory(x)
    with pytest.raises(AttributeError, match="__len__"):
        ag.ops.aten.add.__len__


def test_without_an_operator():
    with pytest.raises(ValueError, match="'namespace::name', not 'fill'"):
        custom_op("fill", print, mutates_args=())
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ag.ops.nothing
    with pytest.raises(OSError, match=r"_C.so: libraries compiled for PyTorch"):
        ag.ops.load_library("_C.so")
    with pytest.raises(OSError, match="nothing can be compiled"):
        cpp_extension.load("kernels", sources=["kernels.cpp"])
