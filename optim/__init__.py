"""Optimizers, learning-rate schedules, averages of weights, penalties and limits on gradients."""

from typing import Any

from autograd_core.clipping import clip_grad_adaptive_, clip_grad_norm_, clip_grad_value_
from optim import lr_scheduler, swa_utils
from optim.adam import Adam, Adamax, AdamW, Lion, NAdam, RAdam, SparseAdam
from optim.adaptive import ASGD, Adadelta, Adagrad, RMSprop, Rprop
from optim.evolution import EvolutionStrategy, GeneticAlgorithm
from optim.layerwise import LAMB, LARS, Adafactor, Muon
from optim.lbfgs import LBFGS
from optim.optimizer import Optimizer
from optim.penalties import elastic_penalty, l1_penalty, l2_penalty
from optim.sam import SAM
from optim.sgd import SGD

__all__ = [
    "ASGD", "LAMB", "LARS", "LBFGS", "SAM", "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax",
    "AveragedModel", "EvolutionStrategy", "GeneticAlgorithm", "Lion", "Muon", "NAdam", "Optimizer", "RAdam", "RMSprop",
    "Rprop", "SparseAdam", "clip_grad_adaptive_", "clip_grad_norm_", "clip_grad_value_", "elastic_penalty",
    "l1_penalty", "l2_penalty", "lr_scheduler", "swa_utils",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "AveragedModel":  # a module
        return swa_utils.AveragedModel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
