"""Training: data sets, loaders, augmentation, the training loop, metrics, ensembles, search, validation, plots."""

from training import augmentation, data, datasets, distributed, metrics, plots
from training.datasets import Subset, TensorDataset, random_split
from training.diagnostics import dead_units
from training.ensembles import Ensemble, Snapshots, bootstrap
from training.history import Evaluation, History
from training.images import ImageFolder
from training.loaders import DataLoader
from training.plots import activation_curves, learning_curves
from training.rates import RateRange, find_learning_rate
from training.search import Range, SearchResult, grid, samples, search
from training.stopping import EarlyStopping
from training.surfaces import loss_surface
from training.trainer import evaluate, fit, predict
from training.validation import cross_validate, k_fold

__all__ = [
    "DataLoader", "EarlyStopping", "Ensemble", "Evaluation", "History", "ImageFolder", "Range", "RateRange",
    "SearchResult", "Snapshots", "Subset", "TensorDataset", "activation_curves", "augmentation", "bootstrap",
    "cross_validate", "data", "datasets", "dead_units", "distributed", "evaluate", "find_learning_rate", "fit", "grid",
    "k_fold", "learning_curves", "loss_surface", "metrics", "plots", "predict", "random_split", "samples", "search",
]  # fmt: skip
