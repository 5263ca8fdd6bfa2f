"""Every operation in a captured step gives what it gives as it is, for other values than those of the capture."""

from collections import defaultdict

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import families
from autograd_core.errors import TracingError
from autograd_core.registry import COMPOSITIONS, OPS
from autograd_core.testing.samples import cases

families.load_all()
ONCE = {"ctc_posterior", "gamma_path", "beta_path", "geqrf"}  # without derivatives of some inputs
# What reads values in Python: to choose a shape or an algorithm; and memory.
REFUSED = {
    "allclose", "argwhere", "as_strided", "as_strided_copy", "as_strided_scatter", "bincount", "eig", "embedding_bag",
    "equal", "histc", "histogram", "histogramdd", "index_reduce", "masked_scatter",
    "masked_select", "nonzero", "nonzero_static", "restride", "segment_reduce", "unique",
    "unique_consecutive", "unstride",
}  # fmt: skip
GROUPS = defaultdict(list)
for entry in [*OPS.values(), *COMPOSITIONS.values()]:
    if entry.name not in ONCE and entry.home.startswith("autograd_core.ops"):
        GROUPS[entry.home.removeprefix("autograd_core.ops.")].append(entry)


def outcome(case, tensors):
    """The outputs of a case and the gradients of its inputs; None if it cannot be captured."""
    try:
        outputs = [y for y in case.call(*tensors) if isinstance(y, ag.Tensor)]
        of = [y for y in outputs if y.requires_grad]
        given = [x for x in tensors if x.requires_grad]
        grads = ag.grad(of, given, [ag.full_like(y, 0.7) for y in of], allow_unused=True) if of and given else ()
        return [y.detach() for y in outputs], [g for g in grads if g is not None]
    except TracingError:
        return None


def flat(found):
    return [] if found is None else [*found[0], *found[1]]


@pytest.mark.parametrize("group", GROUPS)
def test_captured(group):
    rounds = [[cases(entry, seed=seed)[0] for entry in GROUPS[group]] for seed in range(4)]

    def step(tensors):
        return [outcome(case, part) for case, part in zip(rounds[0], tensors, strict=True)]

    def all_of(call):
        ag.manual_seed(0)
        return [call([case.tensors(requires_grad=True) for case in some]) for some in rounds]

    run = ag.capture(step)
    found, expected = all_of(run), all_of(step)
    assert run.reasons == []
    for replayed, plain in zip(found[2:], expected[2:], strict=True):
        for entry, ours, theirs in zip(GROUPS[group], replayed, plain, strict=True):
            assert (ours is None) == (entry.name in REFUSED), entry.name
            for a, b in zip(flat(ours), flat(ours and theirs), strict=True):
                assert a.dtype == b.dtype, entry.name
                np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=entry.name)
