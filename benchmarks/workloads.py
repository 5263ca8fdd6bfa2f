"""The workloads, one row each, and the data that every engine receives."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks import flops


@dataclass(frozen=True)
class Workload:
    """One workload: its description and the engines that support it; for a network also its input batch and products.

    products: multiply-adds per sample of each convolution and matrix product, in forward order.
    """

    description: str
    peers: tuple[str, ...]
    batch: tuple[int, ...] = ()
    products: tuple[int, ...] = ()
    training: bool = True

    @property
    def flops(self) -> int:
        """Of the convolutions and products of one step: forward and both gradients, except that of the first input."""
        count = 3 * sum(self.products) - self.products[0] if self.products and self.training else sum(self.products)
        return 2 * self.batch[0] * count if self.products else 0


TORCH = ("torch", "torch-compile")
IMAGES = ("torch", "torch-cl", "torch-compile", "jax")
SMALL = ("tinygrad", "mygrad", "mygrad-off", "autograd")

VOCABULARY = 65  # characters of Shakespeare's plays

# Whole-graph compilers are excluded from the chain and the scalar expression: they would run one fused kernel.
WORKLOADS = {
    "overhead": Workload("100 × `h * x`, 4×4 float32, as multiples of bare `np.multiply`", ()),
    "import": Workload("import, above `import numpy`", ("torch", "jax", "tinygrad", "mygrad", "autograd")),
    "chain": Workload("100 × `h * x`, 4×4, forward + backward", ("torch", *SMALL)),
    "scalar": Workload("micrograd's README expression, forward + backward", ("torch", *SMALL, "micrograd")),
    "mlp-tiny": Workload(
        "MLP 2-16-16-1, batch 1, MSE, SGD step", (*TORCH, "jax", *SMALL, "micrograd"), (1, 2), flops.mlp(2, 16, 16, 1)
    ),
    "moons": Workload(
        "micrograd's README demo: MLP 2-16-16-1, 100 points, hinge + L2",
        ("torch", "micrograd"),
        (100, 2),
        flops.mlp(2, 16, 16, 1),
    ),
    "mlp": Workload(
        "MLP 784-256-128-10, batch 64, Adam step", (*TORCH, "jax", *SMALL), (64, 784), flops.mlp(784, 256, 128, 10)
    ),
    "mlp-wide": Workload(
        "MLP 784-1024-1024-10, batch 256, Adam step", (*TORCH, "jax"), (256, 784), flops.mlp(784, 1024, 1024, 10)
    ),
    "lenet5": Workload("LeNet-5, 28×28, batch 64, SGD step", (*IMAGES, *SMALL), (64, 1, 28, 28), flops.lenet5()),
    "resnet20": Workload("ResNet-20, 32×32, batch 128, SGD step", IMAGES, (128, 3, 32, 32), flops.resnet20()),
    "resnet20-bf16": Workload(
        "ResNet-20, batch 128, SGD step, autocast to bfloat16",
        ("torch", "torch-cl", "torch-compile"),
        (128, 3, 32, 32),
        flops.resnet20(),
    ),
    "vgg": Workload("VGG-style net, 32×32, batch 64, SGD step", IMAGES, (64, 3, 32, 32), flops.vgg()),
    "unet": Workload("U-Net, 128×128, batch 8, BCE, SGD step", IMAGES, (8, 3, 128, 128), flops.unet()),
    "gpt": Workload("GPT, 4 layers of 128, 16 × 128 tokens, Adam step", TORCH, (16, 128)),
    "gpt-bf16": Workload("GPT, 4 layers of 128, Adam step, autocast to bfloat16", TORCH, (16, 128)),
    "char-lstm": Workload("LSTM of 128, 32 × 64 characters, Adam step", TORCH, (32, 64)),
    "resnet20-eval": Workload(
        "ResNet-20, batch 128, inference", IMAGES, (128, 3, 32, 32), flops.resnet20(), training=False
    ),
    "resnet20-folded": Workload(
        "ResNet-20, batch 128, inference, BatchNorm folded",
        ("torch", "torch-cl", "torch-compile"),
        (128, 3, 32, 32),
        flops.resnet20(),
        training=False,
    ),
}


def classification_batch(name: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Standard-normal inputs of the workload's batch shape and labels below 10, the same for every engine."""
    rng = np.random.default_rng(0)
    shape = WORKLOADS[name].batch
    return rng.standard_normal(shape, dtype=np.float32), rng.integers(0, 10, shape[0])


def token_batch(name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tokens (N, L) below VOCABULARY, and the next token of each, flattened (N·L)."""
    tokens = np.random.default_rng(0).integers(0, VOCABULARY, WORKLOADS[name].batch)
    return tokens, np.roll(tokens, -1, axis=1).reshape(-1)


def segmentation_batch(name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Standard-normal images (N, C, H, W) and masks (N, 1, H, W) of 0 and 1."""
    rng = np.random.default_rng(0)
    count, _, *size = WORKLOADS[name].batch
    masks = rng.integers(0, 2, (count, 1, *size)).astype(np.float32)
    return rng.standard_normal(WORKLOADS[name].batch, dtype=np.float32), masks


def moons_batch() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Points (N, 2) on two interleaving half circles, and the circle of each as -1 or 1 (N, 1)."""
    angle = np.linspace(0, np.pi, WORKLOADS["moons"].batch[0] // 2)
    outer = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = np.concatenate([outer, [1.0, 0.5] - outer])
    points += np.random.default_rng(0).normal(0, 0.1, points.shape)
    return points.astype(np.float32), np.repeat(np.float32([-1, 1]), len(angle))[:, None]
