"""Functions that draw random numbers, and the `inplace` forms."""

import numpy as np
import pytest

import autograd_core as ag
import nn.functional as F


@pytest.fixture(autouse=True)
def _seeded():
    ag.manual_seed(0)


@pytest.mark.parametrize("function, shape, spatial", [
    (F.dropout1d, (20, 3, 4), 2), (F.dropout1d, (20, 4), 1), (F.dropout2d, (20, 3, 2, 2), (2, 3)),
    (F.dropout2d, (20, 3, 4), 2), (F.dropout3d, (20, 3, 2, 2, 1), (2, 3, 4)), (F.dropout3d, (20, 2, 2, 1), (1, 2, 3)),
    (F.feature_alpha_dropout, (20, 3, 4), 2),
])  # fmt: skip
def test_channels_are_dropped_as_a_whole(function, shape, spatial):
    y = function(ag.ones(*shape), 0.5, True).numpy()
    assert (np.ptp(y, axis=spatial) == 0).all()
    assert len(np.unique(y.round(5))) == 2


@pytest.mark.parametrize("function", [F.alpha_dropout, F.feature_alpha_dropout])
def test_alpha_dropout_keeps_mean_and_variance(function):
    y = function(ag.randn(40000, 1), 0.3, True)
    assert abs(y.mean().item()) < 0.03
    assert y.var().item() == pytest.approx(1, abs=0.05)


def test_masks_are_drawn_in_the_order_of_memory():
    def dropped(x):
        ag.manual_seed(3)
        y = F.dropout(x, 0.5)
        assert y.stride() == x.stride()
        return y.tolist()

    x = ag.ones(5, 4, 3)
    expected = ag.tensor(dropped(x))
    assert dropped(x.transpose(0, 1)) == expected.transpose(0, 1).tolist()
    assert dropped(x.permute(2, 0, 1)) == expected.permute(2, 0, 1).tolist()


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 5), (2, 3, 4, 5, 6)])
def test_masks_do_not_depend_on_the_layout_that_kernels_choose(shape):
    x = ag.ones(shape)
    last = x.movedim(1, -1).contiguous().movedim(-1, 1).clone()  # no view
    ag.manual_seed(3)
    expected = F.dropout(x, 0.5).tolist()
    ag.manual_seed(3)
    y = F.dropout(last, 0.5)
    assert (y.tolist(), y.stride()) == (expected, last.stride())


def test_nothing_is_dropped_outside_of_training():
    x = ag.rand(2, 3, 4)
    for function in (F.dropout, F.dropout1d, F.dropout2d, F.alpha_dropout, F.feature_alpha_dropout):
        assert function(x, 0.5, False) is x


def test_probabilities_in_tensors():
    for function in (F.dropout, F.dropout1d, F.alpha_dropout):
        kept = []
        for p in (0.5, ag.tensor(0.5)):
            ag.manual_seed(0)
            kept.append(function(ag.ones(4, 3, 5), p, training=True))
        assert ag.equal(*kept)


def test_channels_of_other_shapes_are_dropped_with_a_warning():
    for function, axes in ((F.dropout2d, "3 or 4 axes"), (F.dropout3d, "4 or 5 axes")):
        with pytest.warns(UserWarning, match=axes):
            y = function(ag.ones(200, 5), 0.25)
        assert set(y.numpy().round(4).ravel()) == {0, np.float32(1.3333)}


@pytest.mark.parametrize(
    "function, given, match",
    [
        (F.dropout, (1.5,), "between 0 and 1"),
        (F.dropout2d, (), "3 or 4 axes"),
        (F.rrelu, (0.5, 0.1), "lower <= upper"),
        (F.feature_alpha_dropout, (0.5, True), "N, C"),
    ],
)
def test_what_does_not_fit_is_refused(function, given, match):
    with pytest.raises(ValueError, match=match):
        function(ag.ones(2), *given)


def test_random_slopes():
    x = ag.full((1000,), -1.0, requires_grad=True)
    slopes = -F.rrelu(x, 0.1, 0.4, training=True)
    assert 0.1 <= slopes.min().item() < 0.12
    assert 0.38 < slopes.max().item() <= 0.4
    assert F.rrelu(x, 0.1, 0.4)[0].item() == -0.25


def test_gumbel_samples_follow_the_probabilities():
    p = ag.tensor([0.2, 0.8])
    logits = p.log().expand(5000, 2).clone().requires_grad_()
    hard = F.gumbel_softmax(logits, hard=True)
    assert set(hard.detach().numpy().round(6).ravel()) == {0, 1}
    assert hard.mean(0)[1].item() == pytest.approx(0.8, abs=0.03)
    hard[:, 0].sum().backward()
    assert logits.grad.numpy().all()
    np.testing.assert_allclose(F.gumbel_softmax(logits, tau=0.5).sum(-1).numpy(force=True), 1, rtol=1e-5)


@pytest.mark.parametrize("name, given", [
    ("relu", ()), ("leaky_relu", (0.2,)), ("elu", (0.5,)), ("celu", (0.5,)), ("selu", ()), ("hardtanh", (-0.5, 0.5)),
    ("threshold", (0.1, 7.0)), ("rrelu", (0.1, 0.3)),
])  # fmt: skip
def test_forms_with_an_underscore_write_into_their_input(name, given):
    x = ag.tensor([-2.0, 0.3])
    y = getattr(F, name)(x, *given)
    assert getattr(F, f"{name}_")(x, *given) is x
    assert x.tolist() == y.tolist()
