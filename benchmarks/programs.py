"""The workloads in PyTorch's names, with one method each (``mlp_tiny`` for ``mlp-tiny``) that returns the step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import models
from benchmarks.steps import LEARNING_RATE, Step, chain_step, inference_step, margin_step, scalar_step, training_step
from benchmarks.workloads import (
    VOCABULARY,
    WORKLOADS,
    classification_batch,
    moons_batch,
    segmentation_batch,
    token_batch,
)


def unchanged(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Programs:
    """PyTorch's three packages, or ours with the same names, and how to run them.

    layout: brings a model and its images into a memory layout. compile: compiles a model.
    fold: folds the batch normalisations of a model in evaluation mode into its convolutions.
    """

    core: Any
    nn: Any
    optim: Any
    fold: Callable[[Any], Any]
    layout: Callable[[Any], Any] = unchanged
    compile: Callable[[Any], Any] = unchanged

    def chain(self) -> Step:
        one = np.ones((4, 4), np.float32)
        return chain_step(self.core.tensor(one, requires_grad=True), self.core.tensor(one))

    def scalar(self) -> Step:
        float64 = self.core.float64
        return scalar_step(lambda value: self.core.tensor(value, dtype=float64, requires_grad=True))

    def mlp_tiny(self) -> Step:
        model = models.mlp(self.nn, 2, 16, 16, 1)
        optimizer = self.optim.SGD(model.parameters(), lr=LEARNING_RATE)
        batch = self.core.tensor([[0.5, -0.3]]), self.core.tensor([[1.0]])
        return training_step(self.compile(model), self.nn.functional.mse_loss, optimizer, *batch)

    def moons(self) -> Step:
        model = models.mlp(self.nn, 2, 16, 16, 1)
        optimizer = self.optim.SGD(model.parameters(), lr=LEARNING_RATE)
        return margin_step(model, optimizer, *map(self.core.tensor, moons_batch()))

    def mlp(self) -> Step:
        return self._by_adam(models.mlp(self.nn, 784, 256, 128, 10), *classification_batch("mlp"))

    def mlp_wide(self) -> Step:
        return self._by_adam(models.mlp(self.nn, 784, 1024, 1024, 10), *classification_batch("mlp-wide"))

    def lenet5(self) -> Step:
        return self._classifier("lenet5", models.lenet5(self.nn))

    def resnet20(self) -> Step:
        return self._classifier("resnet20", models.resnet20(self.nn), weight_decay=1e-4)

    def resnet20_bf16(self) -> Step:
        return self._classifier("resnet20-bf16", models.resnet20(self.nn), weight_decay=1e-4, mixed=True)

    def vgg(self) -> Step:
        return self._classifier("vgg", models.vgg(self.nn))

    def unet(self) -> Step:
        loss = self.nn.functional.binary_cross_entropy_with_logits
        return self._training(models.unet(self.core, self.nn), loss, *segmentation_batch("unet"))

    def gpt(self) -> Step:
        context = WORKLOADS["gpt"].batch[1]
        return self._by_adam(models.gpt(self.core, self.nn, VOCABULARY, context), *token_batch("gpt"))

    def gpt_bf16(self) -> Step:
        context = WORKLOADS["gpt-bf16"].batch[1]
        model = models.gpt(self.core, self.nn, VOCABULARY, context)
        return self._by_adam(model, *token_batch("gpt-bf16"), mixed=True)

    def char_lstm(self) -> Step:
        return self._by_adam(models.char_lstm(self.nn, VOCABULARY), *token_batch("char-lstm"))

    def resnet20_eval(self) -> Step:
        return self._inference("resnet20-eval", models.resnet20(self.nn).eval())

    def resnet20_folded(self) -> Step:
        return self._inference("resnet20-folded", self.fold(models.resnet20(self.nn).eval()))

    def _by_adam(self, model: Any, inputs: Any, classes: Any, mixed: bool = False) -> Step:
        optimizer = self.optim.Adam(model.parameters(), lr=LEARNING_RATE)
        batch = map(self.core.tensor, (inputs, classes))
        return training_step(*self._functions(model, self.nn.functional.cross_entropy, mixed), optimizer, *batch)

    def _classifier(self, workload: str, model: Any, weight_decay: float = 0.0, mixed: bool = False) -> Step:
        loss = self.nn.functional.cross_entropy
        return self._training(model, loss, *classification_batch(workload), weight_decay=weight_decay, mixed=mixed)

    def _training(
        self, model: Any, loss: Any, images: Any, targets: Any, weight_decay: float = 0.0, mixed: bool = False
    ) -> Step:
        model = self.layout(model)
        optimizer = self.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=0.9, weight_decay=weight_decay)
        batch = self.layout(self.core.tensor(images)), self.core.tensor(targets)
        return training_step(*self._functions(model, loss, mixed), optimizer, *batch)

    def _functions(self, model: Any, loss: Any, mixed: bool) -> tuple[Any, Any]:
        """A model and its loss, compiled; mixed: in bfloat16 where `autocast` finds that accurate enough."""
        model = self.compile(model)
        if not mixed:
            return model, loss
        autocast = self.core.autocast("cpu", dtype=self.core.bfloat16)
        return unchanged, autocast(lambda inputs, targets: loss(model(inputs), targets))

    def _inference(self, workload: str, model: Any) -> Step:
        images, _ = classification_batch(workload)
        model = self.compile(self.layout(model))
        return inference_step(self.core.no_grad, model, self.layout(self.core.tensor(images)))
