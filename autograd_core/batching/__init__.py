"""Functions of one sample, run on many at once."""

from autograd_core.batching.transform import vmap as vmap
