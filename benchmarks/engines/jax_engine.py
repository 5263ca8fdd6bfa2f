"""JAX: whole steps under ``jit``, with donated parameters, and channels-last images as XLA's convolutions prefer.

A network takes its parameters from an iterator, in the order of its layers.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.nn import relu

from benchmarks.engines import plain
from benchmarks.steps import LEARNING_RATE, Step
from benchmarks.workloads import classification_batch, segmentation_batch

Take = Callable[[], Any]
Network = Callable[[Any, Take, "Norms"], Any]
Loss = Callable[[Any, Any], Any]
Moments = list[Any]
Update = Callable[[Any, Any, Moments, Any], tuple[Any, Moments]]


class Norms:
    """Batch normalisation by the batch, whose statistics it lists, or by given running statistics."""

    def __init__(self, running: Sequence[Any] | None = None) -> None:
        self.running: Iterator[Any] | None = None if running is None else iter(running)
        self.batch: list[Any] = []

    def __call__(self, x: Any, parameters: Any) -> Any:
        scale, shift = parameters
        if self.running is None:
            mean, variance = jnp.mean(x, (0, 1, 2)), jnp.var(x, (0, 1, 2))
            self.batch.append((mean, variance))
        else:
            mean, variance = next(self.running)
        return (x - mean) * (lax.rsqrt(variance + 1e-5) * scale) + shift


def mlp_tiny() -> Step:
    batch = jnp.array([[0.5, -0.3]]), jnp.array([[1.0]])
    return _training(_mlp, lambda scores, target: jnp.mean((scores - target) ** 2), plain.layers(2, 16, 16, 1), batch)


def mlp() -> Step:
    return _training(_mlp, _cross_entropy, plain.layers(784, 256, 128, 10), classification_batch("mlp"), _adam, 2)


def mlp_wide() -> Step:
    parameters = plain.layers(784, 1024, 1024, 10)
    return _training(_mlp, _cross_entropy, parameters, classification_batch("mlp-wide"), _adam, 2)


def lenet5() -> Step:
    parameters = plain.weights((5, 5, 1, 6), (6,), (5, 5, 6, 16), (16,)) + plain.layers(400, 120, 84, 10)
    return _training(_lenet5, _cross_entropy, parameters, _channels_last(classification_batch("lenet5")), _momentum, 1)


def resnet20() -> Step:
    batch = _channels_last(classification_batch("resnet20"))
    return _training(_resnet20, _cross_entropy, _resnet20_parameters(), batch, partial(_momentum, decay=1e-4), 1)


def resnet20_eval() -> Step:
    images, _ = _channels_last(classification_batch("resnet20-eval"))
    parameters = _resnet20_parameters()
    running = _running(parameters)
    network = jax.jit(lambda x: _resnet20(x, iter(parameters).__next__, Norms(running)))
    return lambda: network(images).block_until_ready()


def vgg() -> Step:
    widths = [3, 64, 64, 128, 128, 256, 256]
    parameters = _normalized(*pairwise(widths)) + plain.layers(256 * 4 * 4, 10)
    return _training(_vgg, _cross_entropy, parameters, _channels_last(classification_batch("vgg")), _momentum, 1)


def unet() -> Step:
    parameters: list[Any] = []
    for channels, width in (3, 16), (16, 32), (32, 64), (64, 128):
        parameters += _normalized((channels, width), (width, width))
    for width in (64, 32, 16):
        parameters += plain.weights((2, 2, 2 * width, width), (width,))
        parameters += _normalized((2 * width, width), (width, width))
    parameters += plain.weights((1, 1, 16, 1), (1,))
    batch = _channels_last(segmentation_batch("unet"))
    return _training(_unet, _binary_cross_entropy, parameters, batch, _momentum, 1)


def _mlp(x: Any, take: Take, norms: Norms, layers: int = 3) -> Any:
    for _ in range(layers - 1):
        x = relu(x @ take() + take())
    return x @ take() + take()


def _lenet5(x: Any, take: Take, norms: Norms) -> Any:
    for padding in ("SAME", "VALID"):
        x = _max_pool(relu(_convolve(x, take(), padding=padding) + take()))
    return _mlp(x.reshape(len(x), -1), take, norms)


def _resnet20(x: Any, take: Take, norms: Norms) -> Any:
    x = relu(norms(_convolve(x, take()), take()))
    for stride in (1, 1, 1, 2, 1, 1, 2, 1, 1):
        out = relu(norms(_convolve(x, take(), stride), take()))
        out = norms(_convolve(out, take()), take())
        if stride > 1:
            padding = x.shape[-1] // 2
            x = jnp.pad(x[:, ::stride, ::stride], ((0, 0), (0, 0), (0, 0), (padding, padding)))
        x = relu(out + x)
    return _mlp(jnp.mean(x, (1, 2)), take, norms, layers=1)


def _vgg(x: Any, take: Take, norms: Norms) -> Any:
    for _ in range(3):
        x = _max_pool(_double(x, take, norms))
    return _mlp(x.reshape(len(x), -1), take, norms, layers=1)


def _unet(x: Any, take: Take, norms: Norms) -> Any:
    skips: list[Any] = []
    for _ in range(4):
        x = _double(_max_pool(x) if skips else x, take, norms)
        skips.append(x)
    for skip in skips[-2::-1]:
        x = lax.conv_transpose(x, take(), (2, 2), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")) + take()
        x = _double(jnp.concatenate([skip, x], -1), take, norms)
    return _convolve(x, take()) + take()


def _double(x: Any, take: Take, norms: Norms) -> Any:
    for _ in range(2):
        x = relu(norms(_convolve(x, take()), take()))
    return x


def _convolve(x: Any, kernel: Any, stride: int = 1, padding: str | None = None) -> Any:
    pairs = padding or 2 * [2 * (kernel.shape[0] // 2,)]
    return lax.conv_general_dilated(x, kernel, (stride, stride), pairs, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def _max_pool(x: Any) -> Any:
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def _normalized(*convolutions: tuple[int, int]) -> list[Any]:
    """A 3×3 kernel, then (scale, shift), for each (channels, out_channels)."""
    parameters: list[Any] = []
    for channels, out_channels in convolutions:
        parameters += plain.weights((3, 3, channels, out_channels))
        parameters.append((np.ones(out_channels, np.float32), np.zeros(out_channels, np.float32)))
    return parameters


def _resnet20_parameters() -> list[Any]:
    widths = [3, *7 * [16], *6 * [32], *6 * [64]]
    return _normalized(*pairwise(widths)) + plain.layers(64, 10)


def _running(parameters: Sequence[Any]) -> list[Any]:
    pairs = [pair for pair in parameters if isinstance(pair, tuple)]
    return [(jnp.zeros(scale.shape), jnp.ones(scale.shape)) for scale, _ in pairs]


def _channels_last(batch: tuple[Any, Any]) -> tuple[Any, Any]:
    images, targets = batch
    move = (0, 2, 3, 1)
    return jnp.array(images.transpose(move)), jnp.array(targets.transpose(move) if targets.ndim == 4 else targets)


def _cross_entropy(scores: Any, labels: Any) -> Any:
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(scores), labels[:, None], 1))


def _binary_cross_entropy(scores: Any, targets: Any) -> Any:
    return jnp.mean(jnp.maximum(scores, 0) - scores * targets + jnp.log1p(jnp.exp(-jnp.abs(scores))))


def _sgd(p: Any, g: Any, moments: Moments, count: Any) -> tuple[Any, Moments]:
    return p - LEARNING_RATE * g, moments


def _momentum(p: Any, g: Any, moments: Moments, count: Any, decay: float = 0.0) -> tuple[Any, Moments]:
    velocity = 0.9 * moments[0] + g + decay * p
    return p - LEARNING_RATE * velocity, [velocity]


def _adam(p: Any, g: Any, moments: Moments, count: Any) -> tuple[Any, Moments]:
    mean, square = 0.9 * moments[0] + 0.1 * g, 0.999 * moments[1] + 0.001 * g * g
    root = jnp.sqrt(square / (1 - 0.999**count))
    return p - LEARNING_RATE * mean / (1 - 0.9**count) / (root + 1e-8), [mean, square]


def _training(
    network: Network, loss: Loss, parameters: list[Any], batch: tuple[Any, Any], update: Update = _sgd, moments: int = 0
) -> Step:
    """A step that waits for its result; `moments`: the number of arrays that `update` keeps per parameter."""
    leaves, tree = jax.tree.flatten(parameters)

    def objective(leaves: list[Any], inputs: Any, targets: Any) -> tuple[Any, list[Any]]:
        norms = Norms()
        take = iter(jax.tree.unflatten(tree, leaves)).__next__
        return loss(network(inputs, take, norms), targets), norms.batch

    @partial(jax.jit, donate_argnums=0)
    def advance(state: Any, inputs: Any, targets: Any) -> Any:
        leaves, moments, running, count = state
        gradients, statistics = jax.grad(objective, has_aux=True)(leaves, inputs, targets)
        updated = [update(*each, count + 1) for each in zip(leaves, gradients, moments, strict=True)]
        running = jax.tree.map(lambda old, new: 0.9 * old + 0.1 * new, running, statistics)
        return [leaf for leaf, _ in updated], [kept for _, kept in updated], running, count + 1

    zeros = [[jnp.zeros(leaf.shape) for _ in range(moments)] for leaf in leaves]
    state = [jnp.array(leaf) for leaf in leaves], zeros, _running(parameters), jnp.zeros(())
    inputs, targets = map(jnp.array, batch)

    def step() -> None:
        nonlocal state
        state = jax.block_until_ready(advance(state, inputs, targets))

    return step
