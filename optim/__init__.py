"""Optimizers, learning-rate schedules and limits on gradients."""

from optim import lr_scheduler
from optim.adam import Adam, Adamax, AdamW, Lion, NAdam, RAdam
from optim.adaptive import ASGD, Adadelta, Adagrad, RMSprop, Rprop
from optim.clipping import clip_grad_norm_, clip_grad_value_
from optim.layerwise import LAMB, LARS, Adafactor, Muon
from optim.lbfgs import LBFGS
from optim.optimizer import Optimizer
from optim.sgd import SGD

__all__ = [
    "ASGD",
    "LAMB",
    "LARS",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "clip_grad_norm_",
    "clip_grad_value_",
    "lr_scheduler",
]
