"""This project's engine."""

import autograd_core as ag
import nn
import optim
from benchmarks.programs import Programs

programs = Programs(ag, nn, optim, nn.fuse)
