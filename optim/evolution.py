"""Gradient-free search: populations of parameters compete by the loss that the closure returns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from autograd_core import Tensor, argsort, no_grad, rand, randint, randn, tensor
from autograd_core import functional as core
from optim.optimizer import Optimizer, Params


class Evolution(Optimizer):
    """Base of methods that treat all parameters as one vector, a "genome", and compare the losses of several."""

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Run one generation; closure: computes the loss, without gradients. Returns the best loss."""
        if closure is None:
            raise TypeError(f"{type(self).__name__} compares losses: call step(closure), which computes one")

        def loss(genome: Tensor) -> float:
            self.express(genome)
            return float(closure())

        with no_grad():
            before = self.genome()
            try:
                return self.evolve(loss)
            except BaseException:
                self.express(before)
                raise

    @abstractmethod
    def evolve(self, loss: Callable[[Tensor], float]) -> float:
        """Run one generation, set the parameters, and return the best loss."""

    def genome(self) -> Tensor:
        """All parameters as one vector."""
        return core.cat([p.detach().reshape(-1) for group in self.param_groups for p in group["params"]])

    def express(self, genome: Tensor) -> None:
        """Set the parameters to those of a genome."""
        start = 0
        for group in self.param_groups:
            for p in group["params"]:
                p.copy_(genome[start : start + p.numel()].reshape(p.shape))
                start += p.numel()


class GeneticAlgorithm(Evolution):
    """A genetic algorithm: the fittest survive, the others are mutated crossings of two survivors (Holland 1975).

    population_size: how many sets of parameters compete, at first all near the given one. survivors: the number kept
    per generation. sigma: standard deviation of the noise on a fraction `mutation_rate` of the genes. The parameters
    are set to the best.
    """

    population_size: int = 50
    survivors: int = 10
    sigma: float = 0.1
    mutation_rate: float = 0.1

    def _construct(self, params: Params, options: dict[str, Any], **hints: bool | None) -> None:
        population_size, survivors, sigma, mutation_rate = options.values()
        if not 1 <= survivors < population_size:
            raise ValueError(f"survivors must be at least 1 and fewer than {population_size=}, not {survivors}")
        if not sigma >= 0 or not 0 <= mutation_rate <= 1:
            raise ValueError(f"needs sigma ≥ 0 and 0 ≤ mutation_rate ≤ 1, not {sigma} and {mutation_rate}")
        super()._construct(params, options, **hints)
        self.population: Tensor | None = None

    def evolve(self, loss: Callable[[Tensor], float]) -> float:
        size, survivors, sigma, rate = (self.defaults[name] for name in self._fields)
        first, now = self.genome(), self.population
        place: dict[str, Any] = {"dtype": first.dtype, "device": first.device}
        if now is None:
            now = first + sigma * core.cat([core.zeros(1, len(first), **place), randn(size - 1, len(first), **place)])
        losses = [loss(genome) for genome in now]
        order = argsort(tensor(losses))
        best = now[order[:survivors]]
        mothers, fathers = (best[randint(0, survivors, (size - survivors,))] for _ in range(2))
        children = core.where(rand(*mothers.shape, **place) < 0.5, mothers, fathers)
        mutates = rand(*children.shape, **place) < rate
        children = core.where(mutates, children + sigma * randn(*children.shape, **place), children)
        self.population = core.cat([best, children])
        self.express(best[0])
        return min(losses)


class EvolutionStrategy(Evolution):
    """Gradient descent with a gradient estimated by random steps (Rechenberg 1973; Salimans et al. 2017).

    p ← p - 2·lr / (n·sigma)·Σ rᵢεᵢ, where the εᵢ are n / 2 normal steps of size sigma and their negatives, and rᵢ the
    ranks of their losses, scaled to -1/2 to 1/2. population_size: n, an even number.
    """

    lr: float = 0.1
    sigma: float = 0.1
    population_size: int = 40

    def _construct(self, params: Params, options: dict[str, Any], **hints: bool | None) -> None:
        sigma, population_size = options["sigma"], options["population_size"]
        if not sigma > 0 or population_size < 2 or population_size % 2:
            raise ValueError(f"needs a positive sigma and an even population_size, not {sigma} and {population_size}")
        super()._construct(params, options, **hints)

    def evolve(self, loss: Callable[[Tensor], float]) -> float:
        group = self.param_groups[0]
        sigma, pairs, centre = group["sigma"], group["population_size"] // 2, self.genome()
        half = randn(pairs, len(centre), dtype=centre.dtype, device=centre.device)
        steps = core.cat([half, -half])
        losses = [loss(centre + sigma * step) for step in steps]
        ranks = argsort(argsort(tensor(losses))).to(centre.dtype) / (2 * pairs - 1) - 0.5
        self.express(centre - group["lr"] / (pairs * sigma) * (ranks.to(centre.device) @ steps))
        return min(losses)
