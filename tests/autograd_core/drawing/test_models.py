"""Pictures of models: what is inside what, how deep it is opened, what is folded, and that drawing leaves no trace."""

import gc
import time
import weakref

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.engine.versions import last_write
from autograd_core.errors import NoGraphError
from nn import functional as F
from nn.models import mlp, resnet20


class Block(nn.Module):
    """x + relu(bn(conv(x)))."""

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x):
        return x + F.relu(self.bn(self.conv(x)))


def told(drawing, role="module"):
    return [(v.title, v.count) for v in drawing.graph.vertices if v.role == role]


def titles(drawing):
    return {c.title: (c.note, c.count) for c in drawing.graph.clusters.values()}


def flow(drawing):
    names = [v.title for v in drawing.graph.vertices]
    return [(names[e.source], names[e.target]) for e in drawing.graph.edges]


IMAGE = ag.ones(2, 3, 32, 32)


def test_texts_over_lines_stand_on_outlines_of_themselves_in_the_colour_of_what_is_behind():
    svg = ag.draw(nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 1)), nn.ReLU()), IMAGE).svg
    assert "paint-order" not in svg  # not all viewers know it
    inside, outside = (f'class="{c}">(2, 4, 32, 32) float32</text><text ' for c in ("tint", "halo"))
    assert (svg.count(inside), svg.count(outside)) == (1, 1)
    assert 'class="tint">0.0<tspan class="tint" font-weight="normal">  Conv2d</tspan></text><text ' in svg


def test_depth_says_which_modules_are_one_node():
    model = resnet20()
    whole = ag.draw(model, IMAGE, depth=0)
    assert flow(whole) == [("input", "CifarResNet"), ("CifarResNet", "output")]
    assert told(ag.draw(model, IMAGE, depth=1)) == [
        (name, 1) for name in ("conv1", "bn1", "layer1", "layer2", "layer3", "linear")
    ]
    second = ag.draw(model, IMAGE, depth=2)
    assert titles(second) == {f"layer{i}": ("Sequential", 1) for i in (1, 2, 3)}
    assert [t for t in told(second) if t[0][0].isdigit()] == [("0–2", 3), ("0", 1), ("1–2", 2), ("0", 1), ("1–2", 2)]
    assert titles(ag.draw(model, IMAGE, depth=3))["layer1.0–2"] == ("CifarBlock", 3)
    ops = ag.draw(model, IMAGE, depth=4)
    assert told(ops) == []
    assert {"layer2.0.conv1", "layer1.0–2.bn2", "linear"} <= titles(ops).keys()


def test_without_folding_every_block_is_drawn():
    model = nn.Sequential(*[Block(3) for _ in range(4)])
    folded, whole = ag.draw(model, IMAGE), ag.draw(model, IMAGE, fold=False)
    assert titles(folded)["0–3"] == ("Block", 4)
    assert {"0", "1", "2", "3"} <= titles(whole).keys()
    assert len([v for v in whole.graph.vertices if v.title == "conv"]) == 4
    (add,) = [i for i, v in enumerate(folded.graph.vertices) if v.title == "+"]
    assert [folded.graph.vertices[e.target].role for e in folded.graph.edges if e.source == add] == ["output"]


@pytest.mark.parametrize("changed", [1, 3])
def test_only_what_is_built_alike_is_folded(changed):
    blocks = [Block(3) for _ in range(5)]
    blocks[changed] = nn.Sequential(nn.Conv2d(3, 3, 1))
    assert {c.title for c in ag.draw(nn.Sequential(*blocks), IMAGE).graph.clusters.values()} >= {
        1: {"0", "1", "2–4"},
        3: {"0–2", "3", "4"},
    }[changed]


def test_siblings_that_do_not_follow_each_other_are_not_folded():
    class Parallel(nn.Module):
        def __init__(self):
            super().__init__()
            self.branches = nn.ModuleList([Block(3) for _ in range(3)])

        def forward(self, x):
            return sum(b(x) for b in self.branches)

    assert {"branches.0", "branches.1", "branches.2"} <= titles(ag.draw(Parallel(), IMAGE)).keys()


def test_a_module_that_is_called_twice_is_two_nodes():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.act, self.linear = nn.Tanh(), nn.Linear(2, 2)

        def forward(self, x):
            return self.act(self.linear(self.act(self.linear(x))))

    drawing = ag.draw(Shared(), ag.ones(1, 2), depth=1)
    assert told(drawing) == [(n, 1) for n in ("linear", "act", "linear · call 2", "act · call 2")]
    weights = [v for v in ag.draw(Shared(), ag.ones(1, 2)).graph.vertices if v.title == "weight"]
    assert len(weights) == 1


def test_a_constant_is_in_the_innermost_module_around_all_its_uses():
    class Shift(nn.Module):
        def forward(self, x, by):
            return x.tanh() * by

    class Shifts(nn.Module):
        def __init__(self):
            super().__init__()
            self.steps = nn.ModuleList([Shift() for _ in range(3)])

        def forward(self, x):
            by = ag.ones(2)
            for step in self.steps:
                x = step(x, by)
            return x

    whole = ag.draw(Shifts(), ag.zeros(2), fold=False)
    assert [v.path for v in whole.graph.vertices if v.role == "constant"] == [()]
    assert titles(ag.draw(Shifts(), ag.zeros(2)))["steps.0–2"] == ("Shift", 3)


def test_inputs_parameters_buffers_constants_and_outputs_are_told_apart():
    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(ag.ones(3))
            self.register_buffer("offset", ag.ones(3))

        def forward(self, x):
            return (x * self.weight + ag.ones(3) * self.offset) * self.offset

    drawing = ag.draw(Scale(), ag.ones(2, 3), lines=True)
    roles = {v.role: v.title for v in drawing.graph.vertices}
    assert {k: roles[k] for k in ("input", "parameter", "buffer", "output")} == {
        "input": "input",
        "parameter": "weight",
        "buffer": "offset",
        "output": "output",
    }
    assert "constant" in roles
    line = next(v.line for v in drawing.graph.vertices if v.role == "op")
    assert "test_models.py:" in line
    assert line.rpartition("/")[2] in drawing.svg


def test_arguments_may_be_a_tuple_or_named_and_integers():
    class Look(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Parameter(ag.ones(5, 2))

        def forward(self, index, x):
            return {"sum": F.embedding(index, self.table) + x}

    index, x = ag.tensor([1, 2]), ag.ones(2, 2)
    for example, names in (((index, x), {"input 0", "input 1"}), ({"x": x, "index": index}, {"x", "index"})):
        drawing = ag.draw(Look(), example)
        assert {v.title for v in drawing.graph.vertices if v.role == "input"} == names
        assert [v.title for v in drawing.graph.vertices if v.role == "output"] == ["sum"]


def test_a_call_knows_every_constant_and_value():
    drawing = ag.draw(lambda x, y: ((x + 1.0) * 2 - y).clamp(0, 9), (ag.tensor(1.0), ag.tensor(0.5)))
    assert [v.title for v in drawing.graph.vertices if v.role == "constant"] == ["1.0", "2"]
    assert [(v.title, v.value, v.gradient) for v in drawing.graph.vertices if v.role == "op"][:3] == [
        ("+", "2.0", "2.0"),
        ("×", "4.0", "1.0"),
        ("−", "3.5", "1.0"),
    ]
    assert any("multiply(a, b) = a × b" in v.hint for v in drawing.graph.vertices)


def test_operations_of_users_and_recomputed_ones_are_drawn_like_others():
    class Doubled(ag.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    y = ag.checkpoint(lambda t: t.tanh() * t, Doubled.apply(x), use_reentrant=False).sum()
    drawings = [ag.draw(y, show=show) for show in ("values", "grads", "stats")]
    assert all({"Doubled", "tanh"} <= {v.title for v in d.graph.vertices} for d in drawings)
    assert all("0x" not in v.hint for d in drawings for v in d.graph.vertices)
    (g,) = ag.grad(y, [x])
    size = float((g * g).mean()) ** 0.5
    assert next(v.magnitude for v in drawings[1].graph.vertices if v.title == "x") == pytest.approx(size)


def test_every_edge_bears_shape_and_dtype():
    drawing = ag.draw(mlp(2, 16, 1), ag.ones(4, 2))
    assert [e.label for e in drawing.graph.edges if e.label] == ["(4, 16) float32", "(4, 16) float32", "(4, 1) float32"]
    assert "(4, 16) float32" in drawing.svg


def test_drawing_leaves_model_graph_and_generator_as_they_were():
    model = nn.Sequential(Block(3), nn.Dropout(0.5), Block(3))
    frozen = model[0].conv.weight.requires_grad_(False)
    ag.manual_seed(7)
    before = {k: v.numpy().copy() for k, v in model.state_dict().items()}
    storages = {k: id(t.array) for k, t in dict(model.named_buffers()).items()}
    state = ag.get_rng_state()
    x = ag.ones(2, 3, 8, 8)
    for show in ("values", "grads", "stats"):
        ag.draw(model, x, show=show)
    assert frozen.node is None
    assert x.node is None
    assert all(p.grad is None for p in model.parameters())
    assert all(m._hooks is None for m in model.modules())
    assert {k: id(t.array) for k, t in dict(model.named_buffers()).items()} == storages
    for k, v in model.state_dict().items():
        np.testing.assert_array_equal(v.numpy(), before[k])
    first = ag.rand(3).numpy()
    ag.set_rng_state(state)
    np.testing.assert_array_equal(ag.rand(3).numpy(), first)


def test_drawing_leaves_gradients_saved_arrays_and_versions_of_a_graph():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    h = x * x
    h.retain_grad()
    y = (h.exp() + x).sum()
    saved, written = [y.node.saved, h.node.saved], last_write()
    for options in ({"show": "grads"}, {"show": "stats"}, {"flow": "both"}, {}):
        ag.draw(y, **options)
    assert all(a is b for a, b in zip([y.node.saved, h.node.saved], saved, strict=True))
    assert last_write() == written
    assert x.grad is None
    assert h.grad is None
    y.backward()
    np.testing.assert_allclose(x.grad.numpy(), 1 + 2 * x.detach().numpy() * np.exp(x.detach().numpy() ** 2), rtol=1e-6)


def test_a_failing_model_is_left_without_hooks():
    class Broken(nn.Module):
        def forward(self, x):
            raise ValueError("no")

    model = nn.Sequential(nn.Linear(2, 2), Broken())
    with pytest.raises(ValueError, match="no"):
        ag.draw(model, ag.ones(1, 2))
    assert all(m._hooks is None for m in model.modules())
    with pytest.raises(TypeError) as raised:
        ag.draw(model, (1, 2))
    assert raised.value.__notes__[-1].startswith("draw(model, example)")
    with pytest.raises(NoGraphError, match="do not depend"):
        ag.draw(lambda x: x.detach(), ag.ones(1))


def test_frozen_and_unused_parameters_are_flagged():
    class Partly(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.idle = nn.Linear(2, 2), nn.Linear(2, 2)
            self.used.bias.requires_grad_(False)

        def forward(self, x):
            return self.used(x)

    drawing = ag.draw(Partly(), ag.ones(1, 2))
    assert [v.flags for v in drawing.graph.vertices if v.title == "bias"] == [("frozen",)]
    assert drawing.notice == "No operation used idle.weight, idle.bias."
    assert [v.title for v in drawing.graph.vertices if v.flags == ("no gradient",)] == ["idle.weight", "idle.bias"]
    assert "⚠ no gradient" in drawing.svg


def test_a_drawing_holds_nothing_of_the_graph():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).exp().sum()
    held = weakref.ref(y.node.parents[0].saved[0])
    drawings = [ag.draw(y, show=show) for show in ("values", "grads", "stats")]
    del y
    gc.collect()
    assert held() is None
    assert all(d.svg for d in drawings)


def test_a_model_too_large_to_read_is_drawn_at_a_depth_that_is_not():
    model = nn.Sequential(*[mlp(*[2] * (12 + i)) for i in range(12)])
    drawing = ag.draw(model, ag.ones(1, 2))
    assert len(drawing.graph.vertices) < 400
    assert "from depth" in drawing.notice
    begin = time.perf_counter()
    assert len(ag.draw(model, ag.ones(1, 2), depth=9).graph.vertices) > 400
    assert time.perf_counter() - begin < 5
