"""What colours and flags say of gradients and values."""

import math

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.drawing.writing.theme import ALARM, COLOURS, FAINT, INK, ON_ALARM, STEPS, ink_on, scale_of
from autograd_core.kinds import KINDS
from nn import functional as F


def by_title(drawing):
    return {v.title: v for v in drawing.graph.vertices}


def test_gradients_are_those_of_a_walk_and_edges_have_the_colour_of_what_flows():
    x, w = ag.tensor([3.0, 4.0], requires_grad=True, name="x"), ag.tensor([2.0, 0.5], requires_grad=True, name="w")
    y = (x * w).exp().sum()
    drawing = ag.draw(y, show="grads")
    found = by_title(drawing)
    gx, gw = (g.numpy() for g in ag.grad(y, [x, w]))
    assert found["x"].magnitude == pytest.approx(np.sqrt((gx**2).mean()), rel=1e-6)
    assert found["w"].magnitude == pytest.approx(np.sqrt((gw**2).mean()), rel=1e-6)
    assert found["Σ"].magnitude == 1
    assert all(e.magnitude == drawing.graph.vertices[e.source].magnitude for e in drawing.graph.edges)
    assert drawing._scale.colour(found["x"].magnitude) in drawing.svg
    assert "RMS of the gradient" in drawing.svg


def test_parameters_without_a_gradient_are_flagged():
    x = ag.tensor([1.0, -2.0], requires_grad=True, name="x")
    cut = ag.tensor([-1.0, -1.0], requires_grad=True, name="cut")
    found = by_title(ag.draw((x * cut.relu()).sum(), show="grads"))
    assert found["cut"].flags == ("gradient is 0",)
    assert found["x"].flags == ("gradient is 0",)


def test_a_model_is_differentiated_through_its_loss():
    model, x = nn.Linear(2, 3), ag.ones(4, 2)
    plain = ag.draw(model, x, show="grads")
    assert "sum of the outputs" in plain.notice
    drawing = ag.draw(model, x, show="grads", loss=lambda y: F.cross_entropy(y, ag.tensor([0, 1, 2, 0])))
    assert drawing.notice == ""
    loss = F.cross_entropy(model(x), ag.tensor([0, 1, 2, 0]))
    (g,) = ag.grad(loss, [model.bias])
    assert by_title(drawing)["bias"].magnitude == pytest.approx(np.sqrt((g.numpy() ** 2).mean()), rel=1e-5)


def test_vanishing_shows_as_falling_magnitudes():
    model = nn.Sequential(*[m for _ in range(6) for m in (nn.Linear(8, 8), nn.Sigmoid())])
    for p in model.parameters():
        p.data = ag.full(p.shape, 0.1)
    shown = ag.draw(model, ag.ones(2, 8), show="grads", depth=1).graph.vertices
    sizes = [v.magnitude for v in shown if v.note == "Linear"]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] / 100


@pytest.mark.parametrize("options", [{"show": "grads"}, {}])
def test_what_cannot_be_walked_says_why(options):
    x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    y = (x * x).sum()
    y.backward()
    drawing = ag.draw(y, **options)
    assert ("released" in drawing.notice) == bool(options)
    hooked = ag.tensor([1.0], requires_grad=True)
    hooked.register_hook(lambda g: pytest.fail("drawing called a hook"))
    assert ("hooks" in ag.draw((hooked * 2).sum(), **options).notice) == bool(options)


def test_hooks_of_what_is_not_drawn_are_not_called_either():
    x = ag.tensor([1.0], requires_grad=True)
    x.register_hook(lambda g: pytest.fail("drawing called a hook"))
    y = x
    for _ in range(20):
        y = y.tanh()
    assert "hooks" in ag.draw(y, show="grads", max_nodes=5).notice


def test_backward_that_has_not_run_is_said():
    x = ag.tensor(1.0, requires_grad=True, name="x")
    y = x * 2
    assert "backward() has not run yet" in ag.draw(y).notice
    y.backward()
    assert ag.draw(y).notice == ""


def test_the_first_nan_is_found():
    x = ag.tensor([1.0, -1.0, 4.0, 2.0], requires_grad=True, name="x")
    with ag.detect_anomaly():
        y = (x.sqrt() * 2).sum()
        drawing = ag.draw(y, show="stats", lines=True)
    found = by_title(drawing)
    assert found["x"].flags == ()
    assert found["√"].flags == ("NaN 25%", "it starts here")
    assert found["×"].flags == ("NaN 25%",)
    assert "test_colours.py:" in found["√"].line
    assert "⚠ it starts here" in drawing.svg


def test_dead_rectifiers_and_saturation_are_flagged():
    x = ag.tensor([[1.0, -1.0, -3.0], [2.0, -2.0, 1.0]], requires_grad=True)
    assert by_title(ag.draw(x.relu().sum(), show="stats"))["relu"].flags == ("dead 33%",)
    assert by_title(ag.draw((x * 20).sigmoid().sum(), show="stats"))["σ"].flags == ("saturated 100%",)
    assert by_title(ag.draw((x / 20).sigmoid().sum(), show="stats"))["σ"].flags == ()


def contrast(a, b):
    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_text_stands_out_from_what_is_behind_it():
    for theme in (1, 2):
        for back in ("paper", "plain", "shade", "cluster", "forward", "backward"):
            for ink in ("ink", "faint"):
                assert contrast(COLOURS[ink][theme], COLOURS[back][theme]) >= 4.5
        for line in ("edge", "leaf", "input", "output", "buffer"):
            assert contrast(COLOURS[line][theme], COLOURS["paper"][theme]) >= 3
    assert contrast(ON_ALARM, ALARM) >= 4.5
    assert all(contrast(ink_on(step), step) >= 4.5 for step in STEPS)
    assert all(contrast(ink, k.colour) >= 4.5 for k in KINDS for ink in (INK, FAINT))


def test_the_scale_covers_what_is_shown():
    scale = scale_of([1e-3, 5.0, 0.0, math.inf, math.nan])
    assert (scale.low, scale.high) == (-3, 1)
    assert [scale.colour(m) for m in (1e-9, 0.0, 9.9, math.inf)] == [STEPS[0], STEPS[0], STEPS[-1], STEPS[-1]]
    narrow = scale_of([1.5])
    assert narrow.high - narrow.low >= 3
    assert narrow.low <= 0 < narrow.high
