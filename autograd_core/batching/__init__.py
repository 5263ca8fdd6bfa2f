"""`vmap`: functions of one sample, run on many samples at once."""

from autograd_core.batching.graph import lifted
from autograd_core.batching.levels import active
from autograd_core.batching.picks import resolved
from autograd_core.batching.randomness import stream_inside
from autograd_core.batching.samples import by_rule, one_by_one
from autograd_core.batching.transform import vmap as vmap
from autograd_core.engine.libraries import VMAP

VMAP.active, VMAP.lifted, VMAP.one_by_one, VMAP.by_rule = active, lifted, one_by_one, by_rule
VMAP.resolved, VMAP.stream_inside = resolved, stream_inside
