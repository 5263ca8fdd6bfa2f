"""Training: data sets, loaders, the training loop, metrics and learning curves."""

from training import datasets, metrics, plots
from training.datasets import Subset, TensorDataset, random_split
from training.history import Evaluation, History
from training.loaders import DataLoader
from training.plots import learning_curves
from training.rates import RateRange, find_learning_rate
from training.trainer import evaluate, fit

__all__ = [
    "DataLoader",
    "Evaluation",
    "History",
    "RateRange",
    "Subset",
    "TensorDataset",
    "datasets",
    "evaluate",
    "find_learning_rate",
    "fit",
    "learning_curves",
    "metrics",
    "plots",
    "random_split",
]
