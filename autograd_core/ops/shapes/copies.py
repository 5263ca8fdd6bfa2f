"""Copying variants of views: `permute_copy` and the like, each derived from the operation it is named after."""

import functools

from autograd_core import functional
from autograd_core.kinds import SHAPE
from autograd_core.ops.shapes.diagonals import diagonal
from autograd_core.ops.shapes.parts import narrow, select
from autograd_core.ops.shapes.shape import expand, permute, squeeze, t, transpose, unsqueeze, view
from autograd_core.ops.shapes.splitting import split, split_with_sizes, unbind
from autograd_core.ops.shapes.strided import as_strided
from autograd_core.ops.shapes.windows import unfold
from autograd_core.registry import composition, sample

VIEWS = (as_strided, diagonal, expand, narrow, permute, select, split, split_with_sizes, squeeze, t, transpose, unbind,
         unfold, unsqueeze, view)


def _copying(view):
    @functools.wraps(view)
    def copy(*args, **given):
        result = view(*args, **given)
        return tuple(map(functional.clone, result)) if isinstance(result, tuple) else functional.clone(result)

    name = view.__name__
    copy.__name__ = copy.__qualname__ = f"{name}_copy"
    copy.__doc__ = f"`{name}`, but in new memory."
    source = view.entry
    return composition(source.kind, domain=source.domain, reference=source.reference, samples=source.samples,
                       method=name == "narrow", by_memory=view is as_strided)(copy)


for _view in VIEWS:
    _copying(_view)


@composition(SHAPE, samples=(sample((2, 3)), sample((0, 2))), reference=lambda x: x, method=False)
def alias_copy(input):
    """The same elements in new memory."""
    return functional.clone(input)
