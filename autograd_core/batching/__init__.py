"""`vmap`: functions of one sample, run on many samples at once."""

from autograd_core.batching.transform import vmap as vmap
