"""Values that operations check are checked in every replay of a captured step."""

import pytest

import autograd_core as ag
from autograd_core.distributions import Categorical, Normal, Uniform
from nn import functional as F


def test_class_indices_are_checked_in_every_replay():
    w = ag.zeros(2, 3, requires_grad=True)

    def step(x, target):
        w.grad = None
        loss = F.cross_entropy(x @ w, target)
        loss.backward()
        with ag.no_grad():
            w.sub_(w.grad)
        return loss

    run = ag.capture(step)
    for _ in range(3):
        run(ag.ones(2, 2), ag.tensor([0, 2]))
    before = w.clone()
    with pytest.raises(IndexError, match="targets must lie between 0 and 2"):
        run(ag.ones(2, 2), ag.tensor([0, 3]))
    assert ag.equal(w, before)
    ignored = run(ag.ones(2, 2), ag.tensor([0, -100]))
    assert not ag.isnan(ignored)
    assert not run.reasons


def test_computed_positions_are_checked_in_every_replay():
    run = ag.capture(ag.no_grad()(lambda table, at: F.embedding(at + 0, table)))
    for _ in range(3):
        run(ag.ones(3, 2), ag.tensor([0, 2]))
    with pytest.raises(RuntimeError, match="out of range"):
        run(ag.ones(3, 2), ag.tensor([0, 3]))


@pytest.mark.parametrize("odd", [-0.5, 1.5, float("nan")])
@pytest.mark.parametrize("factor", [1, 1.0])
def test_probabilities_are_checked_in_every_replay(odd, factor):
    """Those of an argument, and computed ones."""

    def step(x):
        return F.binary_cross_entropy(x if factor.__class__ is int else x * factor, ag.ones(3))

    run, x = ag.capture(step), ag.tensor([0.1, 0.5, 0.9])
    assert [run(x) for _ in range(4)] == [step(x)] * 4
    with pytest.raises(RuntimeError, match=r"must lie in \[0, 1\]|out of range"):
        run(ag.tensor([0.5, odd, 0.5]))
    assert run(x) == step(x)
    assert not run.reasons


def test_parts_of_an_argument_are_checked_as_the_argument_is():
    """All labels are classes, as a usual step sees too, so that both compute the same to the last bit."""
    w = ag.randn(6, 3)

    @ag.no_grad()
    def step(x, target):
        return F.cross_entropy(x @ w, target.view(-1)[::2])

    run, random = ag.capture(step), ag.Generator().manual_seed(0)
    for _ in range(20):
        x, target = ag.randn(50, 6, generator=random), ag.randint(0, 3, (10, 10), generator=random)
        assert run(x, target).item() == step(x, target).item()
    assert "ignore" not in run.source
    target[0, 1] = 99  # of a part that is not used
    assert run(x, target).item() == step(x, target).item()
    target[0, 0] = 3
    with pytest.raises(IndexError, match="targets must lie between 0 and 2"):
        run(x, target)
    assert not run.reasons


def test_losses_of_classes_that_are_looked_up_have_the_same_digits():
    """Only a replay knows whether some of them are ignored."""
    w, labels = ag.randn(6, 27, requires_grad=True), ag.randint(0, 27, (100,))

    def step(x, at):
        w.grad = None
        loss = F.cross_entropy(x @ w, labels[at])
        loss.backward()
        return loss

    run, random = ag.capture(step), ag.Generator().manual_seed(0)
    for i in range(12):
        labels[0] = -100 if i % 4 == 3 else 1
        x, at = ag.randn(50, 6, generator=random), ag.arange(50)
        found, slope = run(x, at).item(), w.grad
        assert (found, slope.tolist()) == (step(x, at).item(), w.grad.tolist())
    assert not run.reasons


@pytest.mark.parametrize(
    "function", [lambda x, m: x[m] * 2, lambda x, m: x[m.nonzero()[:, 0]] * 2], ids=["mask", "nonzero"]
)
def test_masks_from_outside_select_a_program(function):
    mask = ag.tensor([True, False, True, True])

    def step(x):
        return function(x, mask).sum(0), function(x, mask).shape

    run = ag.capture(ag.no_grad()(step))
    for _ in range(5):
        x = ag.randn(4, 2)
        assert run(x)[0].tolist() == step(x)[0].tolist()
    assert run.source
    assert not run.reasons
    for i in range(10):
        mask[:] = ag.tensor([True, i % 2 == 0, False, False])  # another number of elements
        found, expected = run(x), step(x)
        assert (found[0].tolist(), found[1]) == (expected[0].tolist(), expected[1])
    assert "masks, change" in run.reasons[0]


@pytest.mark.parametrize(
    "function, failing",
    [
        (ag.linalg.cholesky, [[0.0, 0.0], [0.0, 1.0]]),
        (lambda a: ag.linalg.solve(a, ag.ones(2)), [[1.0, 1.0], [1.0, 1.0]]),
    ],
)
def test_matrices_are_checked_in_every_replay(function, failing):
    w = ag.ones(2, 2, requires_grad=True)

    def step(a):
        w.grad = None
        loss = function(a * w).sum()
        loss.backward()
        return loss

    run = ag.capture(step)
    for scale in (1.0, 2.0, 3.0, 4.0):
        assert ag.equal(run(scale * ag.eye(2)), step(scale * ag.eye(2)))
    assert run.source
    assert not run.reasons
    with pytest.raises(ag.linalg.LinAlgError) as found:
        run(ag.tensor(failing))
    with pytest.raises(ag.linalg.LinAlgError) as expected:
        step(ag.tensor(failing))
    assert str(found.value) == str(expected.value)


def test_distributions_check_parameters_and_values_in_every_replay():
    scale = ag.ones(3, requires_grad=True)

    def step(x, shift, choice):
        scale.grad = None
        loss = -Normal(x, scale + shift).log_prob(2 * x).sum() - Categorical(logits=x).log_prob(choice).sum()
        loss = loss + Uniform(x, x + 1).icdf(shift).sum()
        loss.backward()
        return loss

    run, args = ag.capture(step), (ag.randn(3), ag.tensor(0.5), ag.tensor(2))
    for _ in range(4):
        assert ag.equal(run(*args), step(*args))
    assert run.source
    assert not run.reasons
    for changed in ((ag.randn(3), ag.tensor(-2.0), ag.tensor(2)), (ag.randn(3), ag.tensor(0.5), ag.tensor(3))):
        with pytest.raises(ValueError, match=r"out of range|to be within the support"):
            run(*changed)
