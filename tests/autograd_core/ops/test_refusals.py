"""Arguments that lie outside what an operation can use raise errors of PyTorch's types, which name what is wrong."""

import pytest

import autograd_core as ag
from nn import functional as F

FACTORS = ag.tensor([[2.0, 1.0], [0.5, 2.5]])
X = ag.arange(6.0).reshape(2, 3)
V = ag.tensor([1.0, 2.0, 3.0])
LOG_PROBS = ag.full((5, 2, 4), 0.25).log()
SPEECH = {"targets": [[1, 2], [3, 1]], "input_lengths": [5, 5], "target_lengths": [2, 2], "blank": 0}


def solved(pivots, dtype="int32"):
    return ag.linalg.lu_solve(FACTORS, ag.tensor(pivots, dtype=dtype), ag.ones(2, 1))


def ctc(log_probs=LOG_PROBS, **given):
    given = SPEECH | given
    return F.ctc_loss(log_probs, ag.tensor(given.pop("targets")), **given)


def unpacked(pivots):
    return ag.lu_unpack(FACTORS, ag.tensor(pivots, dtype="int32"))


def sorted_by(sorter):
    return ag.searchsorted(V, V, sorter=ag.tensor(sorter))


def labelled(targets):
    return ctc(targets=targets)


@pytest.mark.parametrize(
    "call, message, values",
    [
        (solved, "pivots lie between 1 and 2", ([3, 2], [0, 2], [-1, 2])),
        (unpacked, "pivots lie between 1 and 2", ([3, 2], [0, 2], [-1, 2])),
        (sorted_by, "index out of range", ([0, 1, 3], [-1, 0, 1])),
        (labelled, "labels must lie between 0 and 3", ([[1, 4], [1, 1]], [[-1, 1], [1, 1]], [1, 2, 3, 4])),
        (lambda f: ctc(input_lengths=f), "input lengths must lie between 0 and T = 5", ([6, 5], [-1, 5])),
        (lambda n: ctc(target_lengths=n), "target lengths do not fit", ([3, 1], [-1, 1])),
    ],
)
def test_values_out_of_range(call, message, values):
    for value in values:
        with pytest.raises(RuntimeError, match=message):
            call(value)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: solved([1, 2], "int64"), "pivots are int32"),
        (lambda: solved([1]), "2 rows have as many pivots"),
        (lambda: ctc(ag.zeros(5, 2, 4, dtype=ag.int64)), "takes log-probabilities, not int64"),
        (lambda: ag.histogramdd(ag.tensor(1.0), []), r"takes points \(\.\.\., N\)"),
    ],
)
def test_dtypes_and_shapes(call, message):
    with pytest.raises(RuntimeError, match=message):
        call()


def test_labels_beyond_their_number_may_be_anything():
    ag.testing.assert_close(
        ctc(targets=[[1, 99], [-1, 99]], target_lengths=[1, 0]), ctc(targets=[[1, 0], [0, 0]], target_lengths=[1, 0])
    )


def test_a_range_needs_an_end():
    with pytest.raises(TypeError, match=r"range\(\) needs an end"):
        ag.range(3)


HUGE = {
    "tensor_split": lambda n: ag.tensor_split(V, n),
    "vander": lambda n: ag.vander(V, n),
    "linalg.vander": lambda n: ag.linalg.vander(V, N=n),
    "combinations": lambda n: ag.combinations(V, n),
    "conv_transpose1d": lambda n: F.conv_transpose1d(X[None], ag.ones(2, 1, 2), stride=n),
    "histc": lambda n: ag.histc(V, n),
    "bincount": lambda n: ag.bincount(ag.tensor([1]), minlength=n),
    "multinomial": lambda n: ag.multinomial(V, n, replacement=True),
    "repeat_interleave": lambda n: ag.repeat_interleave(V, ag.tensor([n, 1, 1])),
    "adaptive_avg_pool1d": lambda n: F.adaptive_avg_pool1d(X[None], n),
    "interpolate to a size": lambda n: F.interpolate(X[None], size=n),
    "interpolate by a factor": lambda n: F.interpolate(X[None], scale_factor=float(n)),
    "one_hot": lambda n: F.one_hot(ag.tensor([1]), n),
    "rand": ag.rand,
    "randn": lambda n: ag.randn(n, n),
    "randperm": ag.randperm,
    "randint": lambda n: ag.randint(0, 5, (n,)),
    "hann_window": ag.hann_window,
    "zeros": ag.zeros,
    "eye": ag.eye,
}


@pytest.mark.parametrize("count", [2**40, 2**62])
@pytest.mark.parametrize("name", HUGE)
def test_a_result_that_has_no_room(name, count):
    """At once, and as PyTorch's RuntimeError."""
    with pytest.raises(RuntimeError):
        HUGE[name](count)
