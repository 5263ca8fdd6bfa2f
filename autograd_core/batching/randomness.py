"""Random numbers inside `vmap`: an error, the same for all samples, or different for each."""

from __future__ import annotations

from typing import Any

from autograd_core.batching.graph import raised
from autograd_core.batching.levels import Level, active
from autograd_core.batching.namespace import layer
from autograd_core.batching.shaping import spread
from autograd_core.engine.libraries import LAYERS, LIBRARY
from autograd_core.errors import VmapError


def stream_inside(stream: Any) -> Any:
    """A stream of random arrays as seen inside the current calls of `vmap`."""
    for level in active():
        if level.randomness == "error":
            raise RuntimeError(
                "a random function was called inside vmap without saying whether samples share its numbers: "
                "pass vmap(..., randomness='different') or randomness='same'"
            )
        stream = _Different(stream, level) if level.randomness == "different" else _Same(stream, level)
    return stream


class _Same:
    """Draws the same numbers for all samples."""

    def __init__(self, stream: Any, level: Level) -> None:
        self._stream, self._level = stream, level

    def __getattr__(self, name: str) -> Any:
        def draw(*args: Any) -> Any:
            return getattr(self._stream, name)(*map(self._shared, args))

        return draw

    def _shared(self, parameter: Any) -> Any:
        """A parameter of a draw as all samples see it."""
        if LAYERS.get(parameter.__class__) != self._level.depth:
            return parameter
        if parameter.level is not None:
            raise VmapError(
                "randomness='same' cannot draw numbers whose parameters differ between the samples of vmap; "
                "pass randomness='different'"
            )
        return parameter.held


class _Different:
    """Draws separate numbers for each sample."""

    def __init__(self, stream: Any, level: Level) -> None:
        self._stream, self._level = stream, level

    def _batch(self, array: Any) -> Any:
        array = raised(array, self._level.depth - 1)
        return layer(LIBRARY[array.__class__])(array, self._level)

    def uniform(self, shape: tuple[int, ...], dtype: Any, *bounds: float) -> Any:
        return self._batch(self._stream.uniform((self._level.size, *shape), dtype, *bounds))

    def probabilities(self, shape: tuple[int, ...], dtype: Any) -> Any:
        return self._batch(self._stream.probabilities((self._level.size, *shape), dtype))

    def normal(self, shape: tuple[int, ...], dtype: Any, *options: Any) -> Any:
        return self._batch(self._stream.normal((self._level.size, *shape), dtype, *options))

    def integers(self, low: int, high: int, shape: tuple[int, ...]) -> Any:
        return self._batch(self._stream.integers(low, high, (self._level.size, *shape)))

    def bernoulli(self, p: float, shape: tuple[int, ...]) -> Any:
        return self._batch(self._stream.bernoulli(p, (self._level.size, *shape)))

    def poisson(self, rate: Any) -> Any:
        return self._batch(self._stream.poisson(self._spread(rate)))

    def gamma(self, shape: Any) -> Any:
        return self._batch(self._stream.gamma(self._spread(shape)))

    def binomial(self, count: Any, p: Any) -> Any:
        return self._batch(self._stream.binomial(self._spread(count), self._spread(p)))

    def _spread(self, array: Any) -> Any:
        array = raised(array, self._level.depth)
        return spread(array.__class__, array, self._level)

    def permutation(self, n: int) -> Any:
        draws = [self._stream.permutation(n) for _ in range(self._level.size)]
        return self._batch(LIBRARY[draws[0].__class__].stack(draws) if draws else self._stream.integers(0, 1, (0, n)))
