"""What operations compute at the edges of what they take: weights, nothing to reduce, numbers, repeated positions."""

import math

import numpy as np
import pytest

import autograd_core as ag

F = ag.functional
INF, NAN = math.inf, math.nan
X = ag.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], dtype="float64")
SCORES = [[0.3, -1.2, 0.8], [1.1, 0.4, -0.5], [-0.7, 0.2, 0.9], [0.1, 0.6, -0.4]]
WEIGHT = [0.5, 2.0, 1.25]


def wide(values, requires_grad=False):
    return ag.tensor(values, dtype="float64", requires_grad=requires_grad)


def whole(values):
    return ag.tensor(values, dtype="int64")


def zeros(*shape):
    return ag.zeros(shape, dtype="float64")


def same(t, expected, tolerance=1e-12):
    np.testing.assert_allclose(t.numpy(force=True), expected, rtol=tolerance, atol=tolerance)


def gradient(function, *values, seed=None):
    """The result and the gradients of what it returns, for a cotangent of ones or `seed`."""
    xs = [wide(v, requires_grad=True) for v in values]
    y = function(*xs)
    y.backward(ag.ones_like(y) if seed is None else wide(seed))
    return (y.tolist(), *[x.grad.tolist() for x in xs])


def naive_cross_entropy(scores, target, weight, ignored, reduction, smoothing):
    losses, counted = [], 0.0
    for row, t in zip(scores, target, strict=True):
        total = math.log(math.fsum(map(math.exp, row)))
        shares = [w * (total - v) for v, w in zip(row, weight, strict=True)]
        kept = t != ignored
        losses.append(((1 - smoothing) * shares[t] + smoothing * math.fsum(shares) / len(row)) if kept else 0.0)
        counted += weight[t] if kept else 0.0
    return losses if reduction == "none" else math.fsum(losses) / (counted if reduction == "mean" else 1)


@pytest.mark.parametrize("smoothing", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("ignored", [-100, 1])
def test_cross_entropy_of_indices(ignored, weight, reduction, smoothing):
    target = [2, 1, 0, 1]
    loss = F.cross_entropy(
        wide(SCORES),
        whole(target),
        weight and wide(weight),
        ignore_index=ignored,
        reduction=reduction,
        label_smoothing=smoothing,
    )
    same(loss, naive_cross_entropy(SCORES, target, weight or [1.0] * 3, ignored, reduction, smoothing))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy_of_probabilities_weighs_every_class(reduction, smoothing):
    target = np.array([[0.2, 0.5, 0.3], [0.0, 1.0, 0.0], [0.6, 0.2, 0.2], [0.1, 0.1, 0.8]])
    shares = (target * (1 - smoothing) + smoothing / 3) * WEIGHT
    logp = np.array(SCORES) - np.log(np.exp(SCORES).sum(1, keepdims=True))
    losses = -(shares * logp).sum(1)
    expected = {"mean": losses.mean(), "sum": losses.sum(), "none": losses}[reduction]
    same(
        F.cross_entropy(wide(SCORES), wide(target), wide(WEIGHT), reduction=reduction, label_smoothing=smoothing),
        expected,
    )


@pytest.mark.parametrize("function", [F.cross_entropy, F.nll_loss])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_a_mean_over_ignored_targets_alone_is_nan_and_has_no_gradient(function, weight):
    value, g = gradient(lambda x: function(x, whole([-100] * 4), weight and wide(weight)), SCORES)
    assert math.isnan(value)
    assert g == [[0.0] * 3] * 4


@pytest.mark.parametrize("function", [F.cross_entropy, F.nll_loss])
@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("target", [2, [2]])
def test_one_sample_needs_no_batch(function, reduction, target):
    alone = function(wide(SCORES[0]), whole(target), reduction=reduction)
    assert alone.shape == ()
    same(alone, function(wide(SCORES[:1]), whole([2])).item())


def test_probabilities_of_one_sample():
    same(F.cross_entropy(wide(SCORES[0]), wide([0.0, 0.0, 1.0])), F.cross_entropy(wide(SCORES[:1]), whole([2])).item())


def test_targets_of_small_integers():
    for dtype in ("uint8", "int32"):
        target = ag.tensor([2, 1, 0, 1], dtype=dtype)
        same(F.cross_entropy(wide(SCORES), target), F.cross_entropy(wide(SCORES), target.long()).item())


@pytest.mark.parametrize(
    "function, losses, count",
    [(F.mse_loss, [2.0, 12.0, 1.0], 6), (F.l1_loss, [2.0, 6.0, 1.0], 6), (F.huber_loss, [1.0, 4.5, 0.5], 3)],
)
def test_weights_of_elements(function, losses, count):
    """As in PyTorch, the mean is over the weights, but over the elements for the Huber loss."""
    x, t, weight = wide([0.0, 0.0, 0.0]), wide([1.0, 2.0, 1.0]), wide([2.0, 3.0, 1.0])
    same(function(x, t, weight=weight, reduction="none"), losses)
    same(function(x, t, weight=weight, reduction="sum"), sum(losses))
    same(function(x, t, weight=weight), sum(losses) / count)


@pytest.mark.parametrize("reduction, expected", [("mean", 0.75), ("sum", 1.5), ("none", [1.0, 0.5])])
def test_bernoulli_losses_weigh(reduction, expected):
    target, weight = wide([1.0, 0.0]), wide([1.0, 0.5]) / math.log(2)
    same(F.binary_cross_entropy(wide([0.5, 0.5]), target, weight, reduction=reduction), expected)
    same(F.binary_cross_entropy_with_logits(zeros(2), target, weight, reduction=reduction), expected)
    doubled = F.binary_cross_entropy_with_logits(zeros(2), target, weight, reduction="none", pos_weight=wide(2.0))
    same(doubled, [2.0, 0.5])


def test_kl_div_of_logarithms_and_of_zeros():
    x, p = wide([[-1.0, -0.5]]), wide([[0.25, 0.75]])
    same(F.kl_div(x, p.log(), reduction="batchmean", log_target=True), F.kl_div(x, p, reduction="sum").item())
    same(F.kl_div(x, wide([[0.0, 1.0]]), reduction="none"), [[0.0, 0.5]])
    assert math.isnan(F.kl_div(wide([0.0]), wide([-1.0])).item())
    same(F.kl_div(wide(0.0), wide(0.5), reduction="batchmean"), 0.5 * math.log(0.5))


@pytest.mark.filterwarnings("ignore:.*degrees of freedom:UserWarning")
@pytest.mark.parametrize("arguments, expected", [
    ({}, 1.0), ({"dim": True}, 1.0), ({"dim": False}, 2 / 3), ({"unbiased": False}, 2 / 3), ({"correction": 2}, 2.0),
    ({"correction": None}, 1.0), ({"dim": 0, "unbiased": True, "keepdim": True}, [1.0]), ({"correction": 3}, math.inf),
])  # fmt: skip
def test_degrees_of_freedom(arguments, expected):
    x = wide([1.0, 2.0, 3.0])
    same(x.var(**arguments), expected)
    same(x.std(**arguments), np.sqrt(expected))


def test_axes_of_a_number():
    x = wide(3.0)
    for reduce in (F.sum, F.mean, F.prod, F.amax, F.logsumexp):
        value, g = gradient(lambda t, reduce=reduce: reduce(t, dim=(0,)), 3.0)
        assert (value, g) == (pytest.approx(3.0), pytest.approx(1.0))
    assert gradient(lambda t: t.prod(dim=0), 3.0) == (3.0, 1.0)
    assert (x.flip(0).item(), x.movedim(0, -1).item(), x.std(dim=0, correction=0).item()) == (3.0, 3.0, 0.0)


def test_no_axes_at_all_are_none_of_them_but_to_a_reduction():
    x = wide([[1.0, 2.0]])
    assert x.flip(()).tolist() == x.squeeze(()).unsqueeze(0).squeeze(0).tolist() == [[1.0, 2.0]]
    assert x.sum(dim=()).item() == x.sum(dim=[]).item() == x.amax([]).item() + 1 == ag.masked.sum(x, []).item() == 3.0
    assert x.sum(np.int64(1)).tolist() == x.mean(np.int64(0)).sum(0, keepdim=True).tolist() == [3.0]
    same(x.logsumexp(dim=()), math.log(math.exp(1) + math.exp(2)))


def test_empty_vectors_join_along_any_axis():
    nothing = ag.zeros(0, requires_grad=True)
    ag.cat([nothing, nothing], 1).sum().backward()
    assert nothing.grad.shape == (0,)


def test_small_integers_stay_small_except_where_their_results_would_not_fit():
    a = ag.tensor([100, 1], dtype=ag.int8)
    assert (ag.vander(a, 3).tolist(), ag.linalg.vander(a).dtype) == ([[10000, 100, 1], [1, 1, 1]], ag.int64)
    assert [c.tolist() for c in ag.unravel_index(a, (2, 2**20))] == [[0, 0], [100, 1]]
    assert ag.tensordot(ag.ones(1, 2, dtype=ag.int8), ag.ones(3, 2, dtype=ag.int8), ((0, 1), (0, 1))).dtype == ag.int8
    assert ag.sgn(ag.tensor([True, False])).tolist() == [True, False]


def test_integers_add_and_multiply_up_in_int64():
    x = ag.tensor([200, 100], dtype="uint8")
    assert [x.sum().dtype, x.prod().dtype] == [np.int64, np.int64]
    assert [x.sum().item(), x.prod(dtype="float64").item()] == [300, 20000.0]


@pytest.mark.parametrize("extremum", ["max", "min"])
def test_extrema(extremum):
    function, pair = getattr(ag, extremum), getattr(np, f"{extremum}imum")
    assert function(X, other=wide([2.0, 2.0, 5.0])).tolist() == pair(X.numpy(), [2.0, 2.0, 5.0]).tolist()
    assert np.isnan(gradient(function, [1.0, NAN, 2.0])[1]).all()


PAIRS = wide([[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], [[6.0, 7.0, 8.0], [9.0, 10.0, 11.0]]])


def test_an_integer_apart_from_index_arrays_picks_first():
    at = whole([2, 0])
    assert PAIRS[1, :, at].tolist() == PAIRS[1][:, at].tolist() == [[8.0, 6.0], [11.0, 9.0]]
    assert PAIRS[whole(1), :, at].tolist() == [[8.0, 6.0], [11.0, 9.0]]
    assert PAIRS[0, None, :, ag.tensor([True, False, True])].tolist() == [[[0.0, 2.0], [3.0, 5.0]]]
    assert PAIRS[:, 1, at].tolist() == [[5.0, 3.0], [11.0, 9.0]]
    written = PAIRS * 1
    written[1, :, at] = wide([[-1.0, -2.0], [-3.0, -4.0]])
    assert written[1].tolist() == [[-2.0, 7.0, -1.0], [-4.0, 10.0, -3.0]]


def test_of_values_written_to_one_position_only_the_last_has_a_gradient():
    x, v, s = wide([1.0, 2.0, 3.0]), wide([4.0, 5.0], requires_grad=True), wide([1.0, 1.0, 1.0], requires_grad=True)
    y = x * 1
    y[whole([0, 0])] = v
    (g,) = ag.autograd.grad(y, v, s, create_graph=True)
    (h,) = ag.autograd.grad((g * wide([2.0, 3.0])).sum(), s)
    assert (y.tolist(), g.tolist(), h.tolist()) == ([5.0, 2.0, 3.0], [0.0, 1.0], [3.0, 0.0, 0.0])


def test_positions_that_are_not_zero():
    x = whole([[0, 3], [5, 0]])
    assert x.nonzero().tolist() == [[0, 1], [1, 0]]
    assert [v.tolist() for v in x.nonzero(as_tuple=True)] == [[0, 1], [1, 0]]
    assert (whole(4).nonzero().shape, whole(0).nonzero().shape) == ((1, 0), (0, 0))
    assert [v.tolist() for v in whole(4).nonzero(as_tuple=True)] == [[0]]


def test_selections():
    assert X.masked_select(ag.tensor([True, False, True])).tolist() == [1.0, 3.0, 4.0, 6.0]
    assert X.take_along_dim(whole([5, 0])).tolist() == [6.0, 1.0]
    assert X.take_along_dim(whole([[2], [0]]), 1).tolist() == [[3.0], [4.0]]
    assert X.narrow(1, -2, 1).tolist() == [[2.0], [5.0]]
    assert wide(7.0).gather(0, whole([0, 0])).tolist() == [7.0, 7.0]
    filled = whole([1, 2]).masked_fill(ag.tensor([True, False]), 2.5)
    assert (filled.dtype, filled.tolist()) == (np.int64, [2, 2])
    assert X.where(X > 2, 0.0).tolist() == [[0.0, 0.0, 3.0], [4.0, 5.0, 6.0]]
    assert +X is X


def test_pieces():
    assert [p.shape for p in zeros(0, 2).chunk(3)] == [(0, 2)] * 3
    assert ag.vstack([wide(1.0), wide([[2.0]])]).tolist() == [[1.0], [2.0]]
    assert ag.hstack([wide(1.0), wide([2.0, 3.0])]).tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    "equation, shapes",
    [
        ("ij,kj->ik", [(2, 1), (3, 4)]),
        ("ij,ij->ij", [(2, 1), (2, 4)]),
        ("i,i,i->", [(1,), (3,), (3,)]),
        ("a,b,c->cab", [(2,), (3,), (4,)]),
        ("a,b,c,d->", [(2,), (3,), (4,), (2,)]),
    ],
)
def test_einsum_stretches_axes_of_length_1_and_takes_unconnected_operands(equation, shapes):
    values = [np.arange(1.0, 1 + math.prod(s)).reshape(s) for s in shapes]
    same(ag.einsum(equation, *map(wide, values)), np.einsum(equation, *values))


@pytest.mark.parametrize(
    "dilation, kernel, expected",
    [(1, [1.0, 2.0], [5.0, 8.0, 3.0]), (2, [1.0, 2.0], [4.0, 7.0, 2.0]), (1, [1.0, 0.0, 1.0], [2.0, 4.0, 2.0])],
)
def test_same_padding_puts_the_odd_element_at_the_end(dilation, kernel, expected):
    assert F.conv1d(wide([[1.0, 2.0, 3.0]]), wide([[kernel]]), padding="same", dilation=dilation).tolist() == [expected]


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_padding_is_never_a_view(mode):
    x = ag.zeros(1, 2, 3)
    for widths in ((0, 0), (0, -1)):
        F.pad(x, widths, mode).fill_(1)
    assert x.tolist() == [[[0] * 3] * 2]


@pytest.mark.parametrize(
    "mode, expected",
    [("constant", [2.0, 3.0, 0.0, 0.0]), ("replicate", [2.0, 3.0, 3.0, 3.0]), ("circular", [2.0, 3.0, 2.0, 3.0])],
)
def test_negative_widths_crop_in_every_mode(mode, expected):
    assert F.pad(wide([[1.0, 2.0, 3.0]]), (-1, 2), mode=mode).tolist() == [expected]


@pytest.mark.parametrize("base, exponent, expected, slope", [
    (-2.0, 3.0, -8.0, NAN), (-2.0, 2.0, 4.0, NAN), (0.0, 2.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0),
    (0.0, -1.0, INF, -INF), (2.0, 3.0, 8.0, 8 * math.log(2)), (-2, 3.0, -8.0, NAN), (0, 0.5, 0.0, 0.0),
])  # fmt: skip
def test_powers_of_a_number(base, exponent, expected, slope):
    value, g = gradient(lambda y: base**y, exponent)
    assert value == expected
    assert g == pytest.approx(slope, nan_ok=True)


def test_the_gradient_of_a_remainder_is_the_quotient_it_was_made_with():
    for function, a, q in ((ag.remainder, 1.0, 9.0), (ag.fmod, 1.0, 9.0), (ag.fmod, -1.0, -9.0)):
        _, left, right = gradient(function, a, 0.1)
        assert (left, right) == (1.0, -q), (function, a)


def test_sums_and_differences_of_multiples():
    assert gradient(lambda a, b: ag.add(a, b, alpha=3), 1.0, 2.0) == (7.0, 1.0, 3.0)
    assert gradient(lambda a, b: a.sub(b, alpha=-2), 1.0, 2.0) == (5.0, 1.0, 2.0)
    assert whole([1, 2]).add(3, alpha=2).tolist() == [7, 8]
    assert ag.zeros(2).add_(ag.ones(2), alpha=4).tolist() == [4.0, 4.0]
    yes = ag.ones(1, dtype="bool")
    assert [ag.add(~yes, yes, alpha=k).tolist() for k in (0, 2)] == [[False], [True]]
    assert ag.addr(~yes[None], yes, yes, beta=3, alpha=2).tolist() == [[True]]
    for dtype, alpha in ((ag.int32, 1.5), (ag.bool, 0.5), (ag.float32, 2j)):
        for function in (ag.add, ag.sub, ag.Tensor.add_):
            with pytest.raises(TypeError, match="alpha"):
                function(ag.ones(2, dtype=dtype), 1, alpha=alpha)


def test_rounded_quotients():
    a, b = [7, -7, 2**62 + 1], [2, 2, -1]
    assert ag.div(whole(a), whole(b), rounding_mode="floor").tolist() == [3, -4, -(2**62 + 1)]
    assert ag.div(whole(a), whole(b), rounding_mode="trunc").tolist() == [3, -3, -(2**62 + 1)]
    assert wide([7.0, -7.0]).div(2, rounding_mode="trunc").tolist() == [3.0, -3.0]
    assert wide([1.0]).divide(4, rounding_mode=None).tolist() == [0.25]


@pytest.mark.parametrize("copies", [1, 1 << 15])
@pytest.mark.parametrize("slope", [0.25, 1.0, 0.0, -2.0, 3.0])
def test_prelu_of_one_slope_is_its_definition(copies, slope):
    """In NumPy and in a library."""
    weight = ag.tensor([slope], requires_grad=True)
    assert F.prelu(ag.tensor([NAN, INF]).repeat(copies), weight)[:2].tolist() == pytest.approx([NAN, INF], nan_ok=True)
    x = ag.tensor([2.0, -3.0, 0.0, -1.0]).repeat(copies).requires_grad_()
    y = F.prelu(x, weight)
    y.sum().backward()
    assert y[:4].tolist() == [2, -3 * slope, 0, -slope]
    assert x.grad[-4:].tolist() == [1, slope, slope, slope]
    assert weight.grad.tolist() == [-4 * copies]


def test_prelu_of_a_number():
    for weight in (0.5, [0.5]):
        assert F.prelu(wide(-2.0), wide(weight)).tolist() == -1.0


def test_clamp_between_tensors():
    value, x, low, high = gradient(ag.clamp, [-2.0, 0.5, 3.0, NAN], [-1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 2.0, 1.0])
    assert value[:3] == [-1.0, 0.5, 2.0]
    assert math.isnan(value[3])
    assert (x[:3], low[:3], high[:3]) == ([0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0])
    assert np.isnan(wide([0.5]).clamp(min=wide([NAN])).numpy()).all()
    value, x, low, high = gradient(ag.clamp, [1.0, 2.0, 5.0], [1.0, 0.0, 3.0], [2.0, 2.0, 0.0])
    assert (value, x, low, high) == ([1, 2, 0], [1, 1, 0], [0, 0, 0], [0, 0, 1])  # on a bound, and between none
    assert whole([1, 5]).clamp(max=2.5).tolist() == [1.0, 2.5]


def test_a_negative_bound_above_unsigned_integers_wraps_around():
    x = ag.tensor([1, 200], dtype=ag.uint8)
    assert (x.clamp(max=-1).tolist(), x.clamp(max=-246).tolist()) == ([1, 200], [1, 10])
    for call in (lambda: x.clamp(max=-256), lambda: x.clamp(min=256)):
        with pytest.raises(RuntimeError, match="out of bounds"):
            call()


def test_an_overflow_of_lcm_is_not_negative():
    for dtype in (ag.int32, ag.int64):
        most = ag.iinfo(dtype).max
        assert ag.lcm(ag.tensor(most, dtype=dtype), ag.tensor(most - 1, dtype=dtype)).item() == most - 1


def test_clamp_has_the_common_dtype_of_both_bounds():
    low, high = ag.tensor(2, dtype=ag.uint8), ag.tensor(300, dtype=ag.int32)
    y = ag.tensor([True, False]).clamp(low, high)
    assert (y.dtype, y.tolist()) == (ag.int32, [2, 2])
    assert whole([1]).clamp(ag.tensor(0.0, dtype=ag.float64), ag.ones(1)).dtype == ag.float32
