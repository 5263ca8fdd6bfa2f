import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.testing import GradientError, gradcheck, gradgradcheck


def leaf(*values):
    return ag.tensor(values, dtype="float64", requires_grad=True)


def detached_slope(x):
    return x * (x * x).detach()


def test_right_gradients_pass_to_second_order():
    x, w = leaf(0.3, -1.2), leaf(2.0, 0.7)
    assert gradcheck(lambda a, b: (a * b).tanh() + a.exp(), (x, w))
    assert gradgradcheck(lambda a, b: (a * b).tanh() + a.exp(), (x, w))


def test_several_outputs_and_other_arguments():
    x = leaf(0.3, -1.2, 2.0)
    assert gradcheck(lambda a, n: (a**n, a.sum(), a.argmax()), (x, 3))
    assert gradcheck(lambda a: a[:0], x)


def test_a_kink_beside_the_point_is_not_taken_for_a_wrong_gradient():
    x = leaf(1e-4, -1e-4)
    assert gradcheck(lambda a: a.relu() * a.exp(), x)
    assert gradgradcheck(lambda a: a.relu() * a.exp(), x)
    assert gradcheck(lambda a: a.max() / 100 + 1e4, leaf(9.0, 9.002))  # where the least step is lost in rounding
    with pytest.raises(GradientError, match="is wrong in 2 of 2 elements"):
        gradcheck(lambda a: a.relu() * a.detach().exp(), leaf(1e-4, 1.0))


def test_a_function_may_hold_what_it_is_differentiated_by():
    layer, x = nn.Linear(3, 2, dtype="float64"), leaf(0.3, -1.2, 2.0)
    before = layer.weight.tolist()
    for fast in (False, True):
        assert gradcheck(lambda *_: layer(x).tanh(), tuple(layer.parameters()), fast_mode=fast)
    assert layer.weight.tolist() == before


def test_a_graph_of_vmap_is_checked():
    slopes = ag.func.jacrev(lambda x: x.exp().cumsum(0))
    assert gradcheck(slopes, leaf(0.3, -1.2))
    assert gradgradcheck(slopes, leaf(0.3, -1.2))


@pytest.mark.parametrize("shape", [(), (0,), (2, 0)])
def test_scalars_and_nothing(shape):
    x = ag.full(shape, 0.5, dtype="float64", requires_grad=True)
    assert gradcheck(lambda a: a.exp() * a, x)
    assert gradgradcheck(lambda a: a.exp() * a, x)


def test_the_error_names_output_input_element_and_both_numbers():
    x, w = leaf(1.0, 2.0), leaf(3.0)
    with pytest.raises(GradientError) as caught:
        gradcheck(lambda a, b: (a + b, b * detached_slope(a)), (x, w))
    assert "with respect to input 0 is wrong in 2 of 2 elements; the worst, at (1,), is" in str(caught.value)


def test_one_output_element_at_a_time():
    # For these two cotangents together the mistakes cancel; alone, each shows.
    x = leaf(1.0)
    u, v = (ag.testing.gradients.cotangent((), seed) for seed in (0, 1))

    def wrong(a):
        return a + (a.detach() - a) * float(v), a + (a - a.detach()) * float(u)

    assert gradcheck(wrong, x, fast_mode=True)
    with pytest.raises(GradientError, match=r"the gradient of output 0 at \(0,\) with respect to input 0"):
        gradcheck(wrong, x)


def test_both_parts_of_complex_numbers_are_moved():
    z = ag.tensor([1 + 2j, -0.5j], dtype="complex128", requires_grad=True)
    assert gradcheck(lambda z: (z * z.conj(), z.exp()), z)
    assert gradgradcheck(lambda z: z.abs() * z, z)
    for part in ("real", "imag"):
        with pytest.raises(GradientError, match="by differences"):
            gradcheck(lambda z, part=part: z + getattr(z.detach(), part), z)


def test_the_fast_mode_names_the_worst_element_too():
    with pytest.raises(GradientError, match="is wrong in 1 of 1 elements; the worst, at"):
        gradcheck(detached_slope, leaf(1.0), fast_mode=True)


def test_it_can_answer_instead_of_raising():
    assert not gradcheck(detached_slope, leaf(1.0), raise_exception=False)
    assert not gradgradcheck(lambda a: a * detached_slope(a), leaf(1.0), raise_exception=False)


def test_a_wrong_second_order_is_caught_where_the_first_is_right():
    def forgets_the_cotangent(x):
        y = x.exp()
        y.register_hook(lambda g: g.detach())
        return y

    assert gradcheck(forgets_the_cotangent, leaf(0.5, 2.0))
    with pytest.raises(GradientError, match="with respect to input 1 is wrong in 2 of 2 elements"):
        gradgradcheck(forgets_the_cotangent, leaf(0.5, 2.0))


def test_float32_is_refused_with_the_remedy():
    remedy = "too inaccurate; make input 1 with dtype=float64"
    with pytest.raises(ValueError, match=remedy):
        gradcheck(ag.multiply, (leaf(1.0), ag.tensor([1.0], requires_grad=True)))


def test_float32_is_checked_as_far_as_differences_of_it_can():
    x = ag.tensor([0.5, -2.0], requires_grad=True)
    assert gradcheck(lambda x: x * x.exp(), x, eps=1e-2, atol=1e-2)
    assert gradgradcheck(lambda x: x * x.exp(), x, eps=1e-2, atol=1e-2)
    with pytest.raises(GradientError, match="is wrong in"):
        gradcheck(lambda x: x * x.exp() + x.detach(), x, eps=1e-2, atol=1e-2)


def test_there_must_be_something_to_check():
    with pytest.raises(ValueError, match="at least one input with requires_grad=True"):
        gradcheck(ag.exp, ag.tensor([1.0]))
    with pytest.raises(TypeError, match="a function first and then its inputs, not Tensor"):
        gradcheck(leaf([1.0]), ag.exp)
    with pytest.raises(ValueError, match="eps must be positive, not nan"):
        gradcheck(fn=ag.exp, inputs=leaf([1.0]), eps=float("nan"))
    with pytest.raises(ValueError, match="returns Tensors, not int"):
        gradcheck(lambda x: 5, leaf([1.0]))
    with pytest.raises(ValueError, match="returns Tensors, not float"):
        gradcheck(lambda x: [x.sum().item()], leaf(1.0))


def test_randomness_is_noticed():
    def noisy(x):
        return x * ag.randn(2, dtype="float64")

    with pytest.raises(GradientError, match="output 0 differs between two calls"):
        gradcheck(noisy, leaf(1.0, 2.0))


def test_writing_into_an_input_is_noticed():
    def careless(x):
        y = x * 2
        x.array[0] += 1
        return y

    with pytest.raises(GradientError, match="input 0 was written"):
        gradcheck(careless, leaf(1.0, 2.0))


def test_a_gradient_of_another_shape_or_dtype_is_noticed():
    x = leaf(1.0, 2.0)
    x.register_hook(lambda g: ag.tensor(g.numpy().astype("float32")))
    with pytest.raises(GradientError, match=r"input 0, float64 of shape \(2,\), is float32"):
        gradcheck(lambda a: a * 3, x)


def test_layouts_other_than_row_major():
    x = ag.as_tensor(np.arange(1.0, 7).reshape(2, 3).T).requires_grad_()
    assert gradcheck(lambda a: a.log() @ a.T, x)


def test_another_device():
    x = ag.tensor([0.5, 2.0], dtype="float64", device="refusing", requires_grad=True)
    assert gradcheck(lambda a: (a * a).log().cpu(), x)
    assert gradgradcheck(lambda a: (a * a).log(), x)
