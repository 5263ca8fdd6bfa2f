"""`checkpoint` where PyTorch has it."""

from autograd_core.autograd.recomputation import checkpoint as checkpoint
from autograd_core.autograd.recomputation import checkpoint_sequential as checkpoint_sequential
