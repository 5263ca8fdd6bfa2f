"""Data sets and loaders under the names of PyTorch's `torch.utils.data`."""

from __future__ import annotations

import re
from types import ModuleType, SimpleNamespace

from autograd_core.compatibility import importing
from training.datasets import ChainDataset as ChainDataset
from training.datasets import ConcatDataset as ConcatDataset
from training.datasets import Dataset as Dataset
from training.datasets import IterableDataset as IterableDataset
from training.datasets import StackDataset as StackDataset
from training.datasets import Subset as Subset
from training.datasets import TensorDataset as TensorDataset
from training.datasets import WorkerInfo as WorkerInfo
from training.datasets import collate as default_collate  # noqa: F401
from training.datasets import converted as default_convert  # noqa: F401
from training.datasets import get_worker_info as get_worker_info
from training.datasets import pinned as pin_memory  # noqa: F401
from training.datasets import random_split as random_split
from training.loaders import DataLoader as DataLoader
from training.loaders import _ParallelPass as _MultiProcessingDataLoaderIter  # noqa: F401
from training.loaders import _Pass as _BaseDataLoaderIter
from training.samplers import BatchSampler as BatchSampler
from training.samplers import DistributedSampler as DistributedSampler
from training.samplers import RandomSampler as RandomSampler
from training.samplers import Sampler as Sampler
from training.samplers import SequentialSampler as SequentialSampler
from training.samplers import SubsetRandomSampler as SubsetRandomSampler
from training.samplers import WeightedRandomSampler as WeightedRandomSampler

_SingleProcessDataLoaderIter = _BaseDataLoaderIter
_DatasetKind = SimpleNamespace(Map=0, Iterable=1)
np_str_obj_array_pattern = re.compile("[SaUO]")  # in the names of NumPy's dtypes of text and of objects


def __getattr__(name: str) -> ModuleType:
    """A part of PyTorch's package, such as `sampler`, which is this module again."""
    if (part := importing.part(f"utils.data.{name}")) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
    return part
