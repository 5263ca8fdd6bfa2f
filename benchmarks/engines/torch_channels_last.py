"""PyTorch with the image workloads in its channels-last layout, which most programs do not ask for."""

from functools import partial

import torch

from benchmarks.engines import torch_engine

lenet5 = partial(torch_engine.lenet5, torch.channels_last)
resnet20 = partial(torch_engine.resnet20, torch.channels_last)
