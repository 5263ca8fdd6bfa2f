"""`checkpoint` where PyTorch has it."""

from autograd_core.recomputation import checkpoint as checkpoint
from autograd_core.recomputation import checkpoint_sequential as checkpoint_sequential
