"""Gated elements: gated linear units, and dropout for a given mask."""

import numpy as np

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import CHANNELWISE, ELEMENTWISE
from autograd_core.ops import axes
from autograd_core.ops.domains import REAL
from autograd_core.registry import booleans, composition, op, sample


def _slow_glu(x, dim=-1):
    a, b = np.split(x, 2, dim)
    return a / (1 + np.exp(-b))


@composition(CHANNELWISE, domain=REAL, method=False, real_only=True, reference=_slow_glu,
             samples=(sample((2, 4)), sample((2, 4, 3), dim=1), sample((0, 4)), sample((2, 0))))
def glu(input, dim=-1):
    """a·sigmoid(b), for the two halves a and b of the input along `dim` (Dauphin et al. 2017)."""
    n = axes.length(input, dim, "glu")
    if n % 2:
        raise OperandError(f"glu() needs an axis of even length; axis {dim} of shape {input.shape} has length {n}")
    a, b = functional.split_sizes(input, sizes=(n // 2, n // 2), dim=dim)
    return a * functional.sigmoid(b)


@op(ELEMENTWISE, symbol="drop", domain=REAL, floating=True, method=False, holomorphic=True,
    samples=(sample((2, 3), booleans((2, 3)), scale=1.25), sample((2, 3, 4), booleans((2, 3, 1)), scale=2.0)),
    reference=lambda x, keep, scale: x * keep * scale,
    vjp=(lambda xp, g, keep, scale: xp.drop(g, keep, scale=scale), None))
def drop(xp, input, keep, *, scale):
    """input·scale where `keep` holds, and 0 elsewhere (Srivastava et al. 2014): dropout with a given mask."""
    return xp.kernels.drop(input, keep, scale)
