"""All learning-rate schedules."""

from optim.combined_schedules import ChainedScheduler, ReduceLROnPlateau, SequentialLR
from optim.cycles import CyclicLR, OneCycleLR
from optim.schedules import EPOCH_DEPRECATION_WARNING as EPOCH_DEPRECATION_WARNING
from optim.schedules import (
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)

_LRScheduler = LRScheduler  # the name that schedules copied from PyTorch use

__all__ = [
    "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR",
    "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR", "PolynomialLR",
    "ReduceLROnPlateau", "SequentialLR", "StepLR",
]  # fmt: skip

for _name in __all__:
    globals()[_name].__module__ = __name__  # by which programs recognise a schedule of PyTorch
