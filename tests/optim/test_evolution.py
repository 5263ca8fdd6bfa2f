"""Search without gradients."""

import pytest

import autograd_core as ag
import optim


def fitted(make, generations):
    """A line through points, found without gradients; the losses of all generations."""
    ag.manual_seed(0)
    w, b = ag.zeros(1, 1, dtype="float64", requires_grad=True), ag.zeros(1, dtype="float64", requires_grad=True)
    x = ag.linspace(-1, 1, 20, dtype="float64").reshape(-1, 1)
    optimizer = make([w, b])

    def closure():
        return ((x * w + b - (2 * x - 1)) ** 2).mean()

    losses = [optimizer.step(closure) for _ in range(generations)]
    return losses, closure().item(), (w.item(), b.item())


def test_a_genetic_algorithm_never_loses_its_best():
    losses, last, (w, b) = fitted(lambda ps: optim.GeneticAlgorithm(ps, 40, 8, sigma=0.2, mutation_rate=0.5), 60)
    assert losses == sorted(losses, reverse=True)
    assert last == losses[-1] < 1e-3
    assert (w, b) == (pytest.approx(2, abs=0.1), pytest.approx(-1, abs=0.1))


def test_an_evolution_strategy_descends():
    losses, last, (w, b) = fitted(lambda ps: optim.EvolutionStrategy(ps, lr=0.01, sigma=0.1, population_size=20), 120)
    assert last < 1e-2 < losses[0]
    assert (w, b) == (pytest.approx(2, abs=0.15), pytest.approx(-1, abs=0.15))


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda ps: optim.GeneticAlgorithm(ps, 5, 5), ValueError, "fewer than population_size=5"),
        (lambda ps: optim.GeneticAlgorithm(ps, mutation_rate=1.5), ValueError, "≤ 1, not 0.1 and 1.5"),
        (lambda ps: optim.EvolutionStrategy(ps, sigma=0.0), ValueError, "needs a positive sigma"),
        (lambda ps: optim.EvolutionStrategy(ps).step(), TypeError, "compares losses"),
    ],
)
def test_misuse_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make([ag.ones(1)])
