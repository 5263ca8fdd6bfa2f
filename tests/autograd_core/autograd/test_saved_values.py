"""What nodes save, under PyTorch's names."""

import gc
import weakref

import pytest

import autograd_core as ag


def listed(t):
    return [name for name in dir(t.grad_fn) if name.startswith("_saved")]


def test_operands_results_and_parameters():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    assert y.grad_fn._saved_self is y.grad_fn._saved_other is x
    y = x.exp()
    assert y.grad_fn._saved_result.equal(y)
    assert y.grad_fn._saved_result.grad_fn is y.grad_fn
    assert y.grad_fn._saved_self is None
    z = ag.nn.functional.conv1d(x.reshape(1, 1, 2), x.reshape(1, 1, 2))
    assert listed(z) == ["_saved_geometry", "_saved_input", "_saved_weight"]
    assert z.grad_fn._saved_weight.tolist() == [[[1, 2]]]
    assert listed(x.exp()) == ["_saved_result"]
    assert (x.amax(0).grad_fn._saved_dim, listed(x.sum())) == (0, ["_saved_keepdim"])


def test_names_that_are_not_saved():
    x = ag.tensor(2.0, requires_grad=True)
    with pytest.raises(AttributeError, match=r"'exp' saves no 'weight', but \['result', 'self'\]"):
        x.exp().grad_fn._saved_weight
    assert not hasattr(x.exp().grad_fn, "_saved_unknown")
    assert not hasattr(x.clone().grad_fn.next_functions[0][0], "_saved_self")
    y = x.exp()
    y.backward()
    with pytest.raises(RuntimeError, match="released"):
        y.grad_fn._saved_result
    assert listed(y) == []


def test_hooks_of_a_single_saved_tensor():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    seen = []
    y = x * x
    y.grad_fn._raw_saved_self.register_hooks(lambda t: seen.append(t is x) or t.detach() * 10, lambda t: t / 10)
    assert y.grad_fn._saved_self.tolist() == [1, 2]
    y.sum().backward()
    assert (seen, x.grad.tolist()) == ([True], [2, 4])
    y = x.exp()
    y.grad_fn._raw_saved_result.register_hooks(lambda t: t, lambda t: t * 0)
    with pytest.raises(RuntimeError, match="has hooks already"):
        y.grad_fn._raw_saved_result.register_hooks(lambda t: t, lambda t: t)
    (g,) = ag.grad(y.sum(), x)
    assert g.tolist() == [0, 0]
    with pytest.raises(RuntimeError, match="not for another value"):
        x.amax(0).grad_fn._raw_saved_dim.register_hooks(lambda t: t, lambda t: t)


def test_values_that_hooks_have_packed():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    with ag.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), ag.tensor):
        y = x.exp()
    assert y.grad_fn._saved_result.equal(y)
    assert listed(y) == ["_saved_result"]


def test_no_reference_cycle():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp()
    y.grad_fn._raw_saved_result.register_hooks(lambda t: t, lambda t: t)
    array = weakref.ref(y.grad_fn.saved[0][0]._packed)
    gc.disable()
    try:
        del y
        assert array() is None
    finally:
        gc.enable()
