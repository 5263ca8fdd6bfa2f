"""Losses: arguments, edges and limits that the generated suite does not reach."""

import math

import numpy as np
import pytest

import autograd_core as ag
import nn.functional as F
from autograd_core.errors import HigherOrderError


def leaf(values):
    return ag.tensor(values, dtype="float64", requires_grad=True)


@pytest.mark.parametrize(
    "older, reduction", [({"reduce": False}, "none"), ({"size_average": False}, "sum"), ({"reduce": True}, "mean")]
)
@pytest.mark.parametrize("loss", [F.mse_loss, F.smooth_l1_loss, F.soft_margin_loss, F.hinge_embedding_loss, F.kl_div])
def test_the_older_arguments_say_how_to_reduce(loss, older, reduction):
    x, t = ag.tensor([0.5, -2.0]), ag.tensor([1.0, 3.0])
    with pytest.warns(UserWarning, match=f"reduction='{reduction}'"):
        assert loss(x, t, **older).tolist() == loss(x, t, reduction=reduction).tolist()


def test_a_reduction_in_the_place_of_an_older_argument_is_refused():
    with pytest.raises(TypeError, match="reduction='sum'"):
        F.mse_loss(ag.ones(2), ag.ones(2), "sum")


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, F.huber_loss, F.smooth_l1_loss])
def test_operands_of_different_shapes_are_suspicious(loss):
    with pytest.warns(UserWarning, match=r"shape \(2, 1\) but target \(2,\)"):
        assert loss(ag.ones(2, 1), ag.zeros(2), reduction="none").shape == (2, 2)


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, F.huber_loss])
def test_weights_have_the_shape_of_the_input(loss):
    with pytest.raises(ValueError, match="weight has shape"):
        loss(ag.ones(2, 3), ag.ones(2, 3), weight=ag.ones(3))


def test_a_variance_at_its_bound_still_gets_a_gradient():
    var = leaf([0.0])
    F.gaussian_nll_loss(ag.zeros(1, dtype="float64"), ag.ones(1, dtype="float64"), var, eps=0.5).backward()
    assert var.grad.item() == pytest.approx(0.5 * (1 / 0.5 - 1 / 0.5**2))
    with pytest.raises(ValueError, match="negative"):
        F.gaussian_nll_loss(ag.zeros(1), ag.zeros(1), -1.0)


def test_stirlings_term_has_no_pole_at_a_count_of_0():
    t = leaf([0.0, 2.0])
    F.poisson_nll_loss(ag.zeros(2, dtype="float64"), t, full=True, reduction="sum").backward()
    np.testing.assert_allclose(t.grad.numpy(), [0.0, math.log(2) + 1 / 4])


def test_margins_that_are_just_met_have_no_gradient():
    x = leaf([2.0, 1.0])
    F.multi_margin_loss(x, ag.tensor(0)).backward()
    assert x.grad.tolist() == [0, 0]
    for index in (ag.tensor(0), ag.tensor([0])):
        assert F.multi_margin_loss(x, index, reduction="none").shape == index.shape


def test_labels_after_the_first_negative_one_do_not_count():
    scores = ag.tensor([0.1, 0.2, 0.4, 0.8])
    assert F.multilabel_margin_loss(scores, ag.tensor([3, 0, -1, 1])).item() == pytest.approx(0.85)


def test_targets_must_be_classes():
    for loss in (F.multi_margin_loss, F.nll_loss):
        with pytest.raises((ValueError, IndexError), match="between 0 and 2"):
            loss(ag.ones(1, 3), ag.tensor([3]))


def test_one_score_for_each_class_is_not_a_batch_of_predictions():
    predictions = ag.tensor([2, 0, 1])
    with pytest.raises(RuntimeError, match="the scores come first"):
        F.cross_entropy(predictions, ag.tensor([2, 0, 1]))


def test_a_triplet_loss_takes_any_distance():
    a, b, c = ag.tensor([[0.0]]), ag.tensor([[1.0]]), ag.tensor([[1.5]])
    distance = lambda x, y: abs(x - y).sum(-1)  # noqa: E731
    assert F.triplet_margin_with_distance_loss(a, b, c, distance_function=distance).item() == 0.5
    assert F.triplet_margin_with_distance_loss(a, b, c, distance_function=distance, swap=True).item() == 1.5
    with pytest.raises(ValueError, match="positive"):
        F.triplet_margin_loss(a, b, c, margin=0)


def test_linear_cross_entropy_is_that_of_the_scores():
    x, w, b = ag.rand(4, 3), ag.rand(5, 2, 3), ag.rand(5, 2)
    t = ag.tensor([[0, 1], [2, 3], [4, 0], [1, 2]])
    wanted = F.cross_entropy(ag.einsum("ni,cki->nck", x, w) + b, t)
    assert F.linear_cross_entropy(x, w, t, linear_bias=b).item() == pytest.approx(wanted.item(), rel=1e-6)
    with pytest.raises(RuntimeError, match="probabilities"):
        F.linear_cross_entropy(x, w[:, 0], ag.rand(4, 5), ignore_index=0)


class TestCTC:
    def test_labels_that_do_not_fit_into_the_time(self):
        for zero_infinity, value, gradient in ((False, math.inf, True), (True, 0, False)):
            x = leaf(np.log([[[0.5, 0.5]]]))
            loss = F.ctc_loss(x, ag.tensor([[1, 1]]), (1,), (2,), zero_infinity=zero_infinity)
            loss.backward()
            assert loss.item() == value
            assert np.isnan(x.grad.numpy()).any() == gradient

    def test_no_time_for_no_labels_is_certain(self):
        assert F.ctc_loss(ag.zeros(3, 1, 2), ag.zeros(1, 2, dtype=int), (0,), (0,), reduction="none").tolist() == [0]

    def test_one_sample_needs_no_batch(self):
        x, t = ag.rand(5, 3).log_softmax(-1), ag.tensor([1, 2])
        alone = F.ctc_loss(x, t, ag.tensor(5), ag.tensor(2), reduction="none")
        assert alone.shape == ()
        assert alone.item() == F.ctc_loss(x.unsqueeze(1), t.unsqueeze(0), (5,), (2,), reduction="sum").item()

    def test_labels_in_a_row_and_in_rows_agree(self):
        x, lengths = ag.rand(6, 3, 4).log_softmax(-1), (2, 0, 1)
        rows = F.ctc_loss(x, ag.tensor([[1, 2], [9, 9], [3, 9]]), (6, 6, 4), lengths, reduction="none")
        assert rows.tolist() == F.ctc_loss(x, ag.tensor([1.0, 2.0, 3.0]), (6, 6, 4), lengths, reduction="none").tolist()

    def test_a_second_order_is_refused(self):
        x = leaf(np.log([[[0.5, 0.5]]]))
        (g,) = ag.grad(F.ctc_loss(x, ag.tensor([[1]]), (1,), (1,)), x, create_graph=True)
        with pytest.raises(HigherOrderError, match="once"):
            ag.grad(g.sum(), x)

    @pytest.mark.parametrize(
        "change, match",
        [
            ({"input_lengths": (4,)}, "input lengths"),
            ({"target_lengths": (3,)}, "target lengths"),
            ({"blank": 2}, "blank"),
            ({"input_lengths": ag.tensor([3.0])}, "integers"),
            ({"input_lengths": (3, 3)}, "1 input lengths"),
        ],
    )
    def test_arguments_must_fit(self, change, match):
        given = {"targets": ag.tensor([[1, 1]]), "input_lengths": (3,), "target_lengths": (2,), **change}
        with pytest.raises(RuntimeError, match=match):
            F.ctc_loss(ag.zeros(3, 1, 2), **given)


def test_probabilities_have_no_class_to_ignore():
    with pytest.raises(ValueError, match="ignore_index=1 is for classes, not for probabilities"):
        F.cross_entropy(ag.zeros(2, 3), ag.full((2, 3), 1 / 3), ignore_index=1)


def test_alignments_of_more_steps_than_are_computed_together():
    """The directional derivative agrees with a difference, and unreachable labels get no gradient."""
    rng = np.random.default_rng(0)
    x = leaf(rng.normal(size=(37, 3, 5)))
    targets, frames, labels = ag.tensor(rng.integers(1, 5, (3, 12))), ag.tensor([37, 33, 9]), ag.tensor([12, 0, 12])

    def loss(x):
        return F.ctc_loss(x.log_softmax(2), targets, frames, labels, reduction="sum", zero_infinity=True)

    loss(x).backward()
    direction = ag.tensor(rng.normal(size=x.shape)) * 1e-5
    difference = (loss(x + direction) - loss(x - direction)).item() / 2
    assert difference == pytest.approx((x.grad * direction).sum().item(), rel=1e-6)
    assert not x.grad[:, 2].any()
    assert not x.grad[33:, 1].any()


@pytest.mark.parametrize("rows", [30, 400])
@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("ignored", [-100, 3])
@pytest.mark.parametrize(("weighted", "smoothing"), [(False, 0.1), (True, 0.1), (True, 0.0)])
def test_cross_entropy_of_many_scores_is_that_of_float64(rows, reduction, ignored, weighted, smoothing):
    """Above and below the size from which a library computes it; a common offset of all scores loses no digits."""
    rng = np.random.default_rng(0)
    weight = rng.random(90).astype(np.float32) if weighted else None
    target, scores = ag.tensor(rng.integers(0, 90, rows)), 512 + (rng.normal(size=(rows, 90)) * 3).astype(np.float32)
    found = []
    for dtype, offset in (("float32", 0), ("float64", 512)):
        x = (ag.tensor(scores, dtype=dtype) - offset).requires_grad_()
        scales = None if weight is None else ag.tensor(weight, dtype=dtype)
        loss = F.cross_entropy(x, target, scales, ignore_index=ignored, reduction=reduction, label_smoothing=smoothing)
        loss.sum().backward()
        found.append((loss.detach().numpy(), x.grad.numpy()))
    (loss, slopes), (exact, exact_slopes) = found
    np.testing.assert_allclose(loss, exact, rtol=2e-6)
    np.testing.assert_allclose(slopes, exact_slopes, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("recorded", [False, True])
def test_many_weighted_losses_of_16_bits_are_added_in_32(smoothing, reduction, recorded):
    """A sum of small numbers in bfloat16 ends at 256."""
    rng = np.random.default_rng(0)
    scores, weight = (ag.tensor(rng.random(size)).bfloat16() for size in ((4000, 6), 6))
    target, found = ag.tensor(rng.integers(0, 6, 4000)), []
    for dtype in (ag.bfloat16, ag.float64):
        x, w = scores.to(dtype).requires_grad_(), weight.to(dtype).requires_grad_()
        loss = F.cross_entropy(x, target, w, reduction=reduction, label_smoothing=smoothing)
        slopes = ag.grad(loss, [x, w] if reduction == "sum" else x, create_graph=recorded)
        found.append([v.detach().double().numpy() for v in (loss, *slopes)])
    for value, exact in zip(*found, strict=True):
        np.testing.assert_allclose(value, exact, rtol=0.02, atol=0.01 * abs(exact).max())


@pytest.mark.parametrize("name", ["mse_loss", "smooth_l1_loss", "huber_loss", "soft_margin_loss"])
def test_targets_that_are_true_or_false(name):
    x, t = ag.tensor([0.2, 0.7], requires_grad=True), ag.tensor([True, False])
    loss = getattr(F, name)
    assert loss(x, t).item() == loss(x, t.float()).item()
    loss(x, t).backward()
    assert x.grad is not None


def test_nothing_is_learnt_from_weighted_losses_of_which_none_counts():
    for smoothing in (0.0, 0.1):
        x = ag.ones(2, 3, requires_grad=True)
        loss = F.cross_entropy(x, ag.tensor([1, 1]), ag.ones(3), ignore_index=1, label_smoothing=smoothing)
        loss.backward()
        assert loss.isnan()
        assert not x.grad.any()


@pytest.mark.parametrize("score, target", [(-13.0, 2.0**-19), (13.0, 1 - 2.0**-19)])
def test_the_loss_of_a_nearly_certain_class_keeps_its_digits(score, target):
    loss = ag.nn.functional.binary_cross_entropy_with_logits(ag.tensor(score), ag.tensor(target))
    assert loss.item() == pytest.approx(13 * 2.0**-19 + math.log1p(math.exp(-13)), rel=1e-6)
