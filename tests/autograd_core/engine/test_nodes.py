"""Nodes and their hooks, hooks on several gradients, and hooks around what a graph saves."""

import weakref

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.autograd import graph
from autograd_core.utils.checkpoint import checkpoint


def leaf(*values):
    return ag.tensor(values, requires_grad=True)


def cubes(x):
    return (x * x * x).sum()


def test_a_node_shows_what_computed_a_tensor():
    a, b = leaf(1.0, 2.0, 3.0).split((1, 2))
    node = (a * b).grad_fn
    assert isinstance(node, graph.Node)
    assert isinstance(node.next_functions[0][0], graph.Node)
    assert (node.name(), [(n.name(), k) for n, k in node.next_functions]) == (
        "multiply",
        [("split_sizes", 0), ("split_sizes", 1)],
    )
    assert a.grad_fn is b.grad_fn
    assert (a.output_nr, b.output_nr, repr(a.grad_fn)) == (0, 1, "<split_sizes>")
    node.metadata["seen"] = True
    assert node.metadata == {"seen": True}


def test_hooks_of_a_node_see_and_replace_gradients():
    x, w = leaf(1.0, 2.0), leaf(3.0)
    y = x * w
    seen = []
    y.grad_fn.register_prehook(lambda outputs: (outputs[0] * 10,))
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append((inputs, outputs)))
    handle = y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0], None))
    y.sum().backward(retain_graph=True)
    ((inputs, (output,)),) = seen
    assert (output.tolist(), inputs[0].tolist(), inputs[1].tolist()) == ([10.0, 10.0], [30.0, 30.0], [30.0])
    assert (x.grad.tolist(), w.grad) == ([30.0, 30.0], None)
    handle.remove()
    with pytest.raises(ValueError, match="read-only"):
        output.array[0] = 0
    (g,) = ag.grad((y**2).sum(), w, create_graph=True)
    assert ag.grad(g, w)[0].tolist() == [100.0 * 10]  # through the hook twice: d/dw of 10 · 2w·(1 + 4), walked again


def test_hooks_of_a_node_with_several_outputs():
    x = leaf(1.0, 2.0, 3.0)
    _, b = x.split((1, 2))
    seen = []
    b.grad_fn.register_hook(lambda inputs, outputs: seen.append((inputs[0].tolist(), outputs[0], outputs[1].tolist())))
    (b * 2).sum().backward()
    assert seen == [([0.0, 2.0, 2.0], None, [2.0, 2.0])]


@pytest.mark.parametrize(
    ("hook", "error", "message"),
    [
        (lambda i, o: (i[0], i[0]), RuntimeError, "returned"),
        (lambda i, o: (i[0][:1],), RuntimeError, "shapes"),
        (lambda i, o: (i[0].sum(),), RuntimeError, "shapes"),
        (lambda i, o: i[0], TypeError, "tuple"),
    ],
    ids=["too many", "shape", "sum", "no tuple"],
)
def test_what_a_hook_of_a_node_may_return(hook, error, message):
    x = leaf(1.0, 2.0)
    y = x.exp()
    y.grad_fn.register_hook(hook)
    with pytest.raises(error, match=message):
        y.sum().backward()
    assert x.grad is None


def test_hooks_of_a_node_see_complex_gradients_as_the_tensors_do():
    z = ag.tensor([1.0 + 2.0j], requires_grad=True)
    y = z * 1j
    seen = []
    y.grad_fn.register_hook(lambda inputs, outputs: seen.extend([*inputs[:1], *outputs]))
    y.backward(ag.tensor([1.0 + 1.0j]))
    assert [t.tolist() for t in seen] == [z.grad.tolist(), [1.0 + 1.0j]] == [[1.0 - 1.0j], [1.0 + 1.0j]]


def accumulation(x):
    return graph.get_gradient_edge(x).node


@pytest.mark.parametrize("create_graph", [False, True])
def test_hooks_of_a_leaf_follow_those_of_its_tensor(create_graph):
    x, seen = leaf(1.0, 2.0), []
    node = accumulation(x)

    def note(name):
        return lambda *gradients: seen.append((name, *[[g.tolist() for g in row] for row in gradients]))

    node.register_hook(note("after"))
    node.register_prehook(note("before"))
    removed = node.register_prehook(note("removed"))
    node.register_prehook(lambda outputs: (outputs[0] * 2,))
    x.register_hook(lambda g: seen.append(("tensor", g.tolist())))
    x.register_post_accumulate_grad_hook(lambda x: seen.append(("accumulated", x.grad.tolist())))
    removed.remove()
    for total in 6.0, 12.0:
        (x * 3).sum().backward(create_graph=create_graph)
        assert seen == [
            ("tensor", [3, 3]), ("before", [[3, 3]]), ("accumulated", [total, total]), ("after", [], [[6, 6]]),
        ]  # fmt: skip
        seen.clear()
    node.metadata["seen"] = True
    assert accumulation(x).metadata == {"seen": True}


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_hook_takes_a_gradient_away(create_graph):
    x = leaf(1.0, 2.0)
    y = x.exp()
    y.grad_fn.register_prehook(lambda outputs: (None,))
    z = (y + 3 * x).sum()
    z.backward(retain_graph=True, create_graph=create_graph)
    assert x.grad.tolist() == [3, 3]
    accumulation(x).register_prehook(lambda outputs: (None,))
    z.backward(create_graph=create_graph)
    assert x.grad.tolist() == [3, 3]


@pytest.mark.parametrize(
    ("hook", "error"),
    [(lambda g: (), RuntimeError), (lambda g: (g[0].sum(),), RuntimeError), (lambda g: g[0], TypeError)],
    ids=["too few", "shape", "no tuple"],
)
@pytest.mark.parametrize("node", [lambda x, y: accumulation(x), lambda x, y: y.grad_fn], ids=["leaf", "operation"])
def test_what_a_hook_before_a_node_may_return(hook, error, node):
    x = leaf(1.0, 2.0)
    y = x.exp()
    node(x, y).register_prehook(hook)
    with pytest.raises(error, match="a hook of a node"):
        y.sum().backward()
    assert x.grad is None


def test_hooks_of_a_node_whose_values_were_dropped():
    x = leaf(1.0, 2.0)
    y = checkpoint(lambda x: x.exp() * 2, x)
    seen = []
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append(outputs[0].tolist()))
    y.sum().backward()
    assert seen == [[1.0, 1.0]]
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.exp([1, 2]), rtol=1e-6)


@pytest.mark.parametrize("mode, expected", [("all", [[[2.0], None], [[5.0], [3.0]]]), ("any", [[2.0], [5.0]])])
def test_a_hook_on_several_gradients(mode, expected):
    a, b = leaf(3.0), leaf(5.0)
    seen = []

    def note(found):
        seen.append([g and g.tolist() for g in found] if mode == "all" else found.tolist())
        assert a.grad is None or mode == "any"

    handle = graph.register_multi_grad_hook((a, b), note, mode=mode)
    ag.grad(2 * a, a)
    ag.grad(a * b, (a, b))
    handle.remove()
    (a * b).backward()
    assert seen == expected
    with pytest.raises(ValueError, match="mode"):
        graph.register_multi_grad_hook((a,), note, mode="some")
    with pytest.raises(RuntimeError, match="tensor 1"):
        graph.register_multi_grad_hook((a, ag.ones(1)), note)


def test_a_gradient_is_asked_for_by_its_edge():
    x = leaf(1.0, 2.0)
    _, b = x.split(1)
    edge = graph.get_gradient_edge(b)
    assert (edge.node is b.grad_fn, edge.output_nr) == (True, 1)
    y, gone = b * 3, weakref.ref(b)
    del b
    assert gone() is None
    assert ag.grad(y, edge, retain_graph=True)[0].tolist() == [3.0]
    assert [g.tolist() for g in ag.grad(y, [edge, graph.get_gradient_edge(x)])] == [[3.0], [0.0, 3.0]]
    z = x * 2
    assert ag.grad(z.sum(), graph.GradientEdge(z.grad_fn, 0))[0].tolist() == [1.0, 1.0]
    with pytest.raises(RuntimeError, match="require a gradient"):
        graph.get_gradient_edge(ag.ones(1))


def test_edges_stand_for_tensors_at_both_ends_of_backward():
    x = leaf(1.0, 2.0)
    y = x * 2
    z = y * y
    ends = graph.get_gradient_edge(x), graph.get_gradient_edge(y), graph.get_gradient_edge(z)
    seed = ag.tensor([1.0, 10.0])
    for inputs in ends[0], [ends[0]], [ends[1], x]:
        ag.autograd.backward(ends[2], seed, inputs=inputs, retain_graph=True)
        assert x.grad.tolist() == [8.0, 160.0]
        x.grad = None
    ag.autograd.backward([y, ends[2]], [seed, seed], retain_graph=True)
    assert x.grad.tolist() == [10.0, 180.0]
    z.backward(seed, inputs=ends[1], retain_graph=True)  # a computed tensor, which it does not know
    assert (x.grad.tolist(), y.retains_grad) == ([10.0, 180.0], False)
    assert ag.grad(ends[2], ends[:2], seed, retain_graph=True)[1].tolist() == [4.0, 80.0]
    with pytest.raises(RuntimeError, match="pass one for each GradientEdge"):
        ag.grad(ends[2], x)
    del x
    z.backward(seed, inputs=ends[0])


def test_edges_are_those_that_a_graph_leads_through():
    x = leaf(1.0, 2.0)
    z = x * 2
    a, b = z.split(1)
    y = a * b
    edges = [graph.GradientEdge(*ends) for ends in y.grad_fn.next_functions]
    assert set(edges) == {graph.get_gradient_edge(a), graph.get_gradient_edge(b)}
    assert graph.GradientEdge(*edges[0].node.next_functions[0]) == graph.get_gradient_edge(z)
    assert graph.get_gradient_edge(a) != graph.get_gradient_edge(b)
    slopes = ag.grad(y, edges, retain_graph=True)
    assert {e.output_nr: g.tolist() for e, g in zip(edges, slopes, strict=True)} == {0: [4.0], 1: [2.0]}


class Cube(ag.Function):
    @staticmethod
    def forward(ctx, x):
        y = x**3
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * 3 * y / x


@pytest.mark.parametrize(
    "function",
    {
        "chain": lambda x: cubes(x.exp()),
        "list": lambda x: ag.cat([x, x * 2]).prod(0),
        "outputs": lambda x: x.var() * x.max(0).values,
        "Function": lambda x: Cube.apply(x * 1).sum(),
        "fused": lambda x: ag.softmax(x, 0)[0],
    }.items(),
    ids=lambda case: case[0],
)
def test_what_is_saved_goes_through_the_hooks(function):
    function = function[1]
    x = ag.tensor([0.5, 1.5, 2.5], dtype=ag.float64, requires_grad=True)
    packed = []

    def pack(t):
        packed.append(t.numpy(force=True).copy())
        return len(packed) - 1

    with graph.saved_tensors_hooks(pack, lambda i: ag.tensor(packed[i])):
        y = function(x)
    assert packed
    expected = ag.grad(function(x), x, create_graph=True)[0]
    for _ in range(2):  # unpacked anew by every walk
        (g,) = ag.grad(y, x, create_graph=True)
        np.testing.assert_array_equal(g.detach(), expected.detach())
    np.testing.assert_allclose(ag.grad(g.sum(), x)[0], ag.grad(expected.sum(), x)[0], rtol=1e-12)


def test_hooks_see_leaves_themselves_and_no_cycle_arises():
    x = leaf(1.0, 2.0)
    seen = []
    with graph.saved_tensors_hooks(lambda t: seen.append(t) or t, lambda t: t):
        y = x.exp() * x
    assert any(t is x for t in seen)
    assert all(t.node is None or t is x or t.grad_fn.name() == "exp" for t in seen)
    seen.clear()
    held = weakref.ref(y)
    del y
    assert held() is None


def test_the_innermost_hooks_count_and_may_be_forbidden():
    x, seen = leaf(1.0, 2.0), []
    outer = graph.saved_tensors_hooks(lambda t: seen.append("outer") or t, lambda t: t)
    inner = graph.saved_tensors_hooks(lambda t: seen.append("inner") or t, lambda t: t)
    with outer:
        with inner:
            x.exp()
        x.exp()
        with pytest.raises(RuntimeError, match="not now"), graph.disable_saved_tensors_hooks("not now"):
            pass
    x.exp()
    assert seen == ["inner", "outer"]
    with graph.disable_saved_tensors_hooks("not now"), pytest.raises(RuntimeError, match="not now"), outer:
        pass


def test_nested_blocks_of_one_pair_of_hooks_pack_once():
    x, seen = leaf(1.0, 2.0), []
    hooks = graph.saved_tensors_hooks(lambda t: seen.append(t) or t, lambda t: t)
    with hooks, hooks:
        y = x.exp().sum()
    y.backward()
    assert len(seen) == 1
    np.testing.assert_allclose(x.grad, np.exp([1.0, 2.0]), rtol=1e-6)


def test_hooks_that_misbehave():
    x = leaf(1.0, 2.0)
    with (
        graph.saved_tensors_hooks(lambda t: t.detach().mul_(2), lambda t: t),
        pytest.raises(RuntimeError, match=r"\.clone\(\)"),
    ):
        x.exp()
    with graph.saved_tensors_hooks(lambda t: 1, lambda t: t):
        y = x.exp()
    with pytest.raises(TypeError, match="must return a Tensor, not int"):
        y.sum().backward()
    with graph.saved_tensors_hooks(lambda t: t[:1], lambda t: t):
        y = x.exp()
    with pytest.raises(RuntimeError, match=r"shape \(1,\) for one of shape \(2,\)"):
        y.sum().backward()


@pytest.mark.parametrize(
    "layer", [nn.Sequential(nn.BatchNorm2d(16), nn.ReLU()), nn.MaxPool2d(2), nn.LSTM(16, 16), nn.Softmax(-1)]
)
def test_a_rule_gets_the_dtype_that_its_forward_saved(layer):
    """Kernels of libraries read memory as what it was when they wrote it."""
    gradients = []
    x = ag.tensor(np.random.default_rng(0).normal(size=(8, 16, 16, 16)).astype(np.float32), requires_grad=True)
    given = x[:, 0] if isinstance(layer, nn.LSTM) else x
    for dtype in (ag.float32, ag.float16):
        for _ in range(3):  # a shape that recurs is computed by kernels made for it
            with graph.saved_tensors_hooks(lambda t, dtype=dtype: t.to(dtype), lambda t: t):
                y = layer(given)
            y = y[0] if isinstance(y, tuple) else y
            gradients.append(ag.grad((y * y * y).sum(), x)[0])
    exact, rounded = gradients[2], gradients[5]
    assert rounded.dtype == ag.float32
    assert (exact - rounded).abs().max() <= 2**-7 * exact.abs().max()


def test_saved_tensors_on_the_cpu_and_copies_of_them():
    x = leaf(1.0, 2.0)
    with graph.save_on_cpu():
        cubes(x).backward()
    assert x.grad.tolist() == [3.0, 12.0]
    y = x * 1
    with graph.allow_mutation_on_saved_tensors():
        z = y**2
    y.mul_(5)
    assert ag.grad(z.sum(), x)[0].tolist() == [2.0, 4.0]
    z = x.exp()
    graph.increment_version(z)
    with pytest.raises(RuntimeError, match="written in place"):
        z.sum().backward()


def convolutions():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))


@pytest.mark.parametrize(
    "make, shape",
    [
        (convolutions, (2, 3, 8, 8)),
        (lambda: nn.LSTM(3, 4, num_layers=2), (5, 2, 3)),
        (lambda: nn.TransformerEncoderLayer(4, 2, dropout=0.0), (3, 2, 4)),
    ],
    ids=["convolutions", "LSTM", "Transformer"],
)
def test_what_layers_save_goes_through_the_hooks(make, shape):
    model, x = make(), ag.randn(*shape)

    def loss():
        y = model(x)
        return ((y[0] if isinstance(y, tuple) else y) ** 2).sum()

    expected = ag.grad(loss(), list(model.parameters()))
    with graph.saved_tensors_hooks(lambda t: t.numpy(force=True).copy(), ag.tensor):
        recorded = loss()
    for g, e in zip(ag.grad(recorded, list(model.parameters())), expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-5, atol=1e-6)
