"""Optimizers, learning-rate schedules and limits on gradients."""

from optim import schedules as lr_scheduler
from optim.adam import Adam, AdamW
from optim.clipping import clip_grad_norm_, clip_grad_value_
from optim.optimizer import Optimizer
from optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "clip_grad_norm_", "clip_grad_value_", "lr_scheduler"]
