"""Every operation and composition inside vmap gives what it gives for one sample after another."""

from dataclasses import replace

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.batching import vmap
from autograd_core.registry import COMPOSITIONS, OPS
from autograd_core.testing.gradients import cotangents, gradients
from autograd_core.testing.samples import case_of, samples_for

ENTRIES = [*OPS.values(), *COMPOSITIONS.values()]
DIFFERENTIABLE = [e for e in ENTRIES if e.order and getattr(e, "differentiable", True)]
COUNT = 2
# The shape of the result follows the values: where those of the samples differ, these say so instead.
VALUES_DECIDE = {"argwhere", "masked_select", "nonzero", "repeat_interleave", "unique", "unique_consecutive"}


class Calls:
    """One of an entry's samples: the arguments of each of a few calls, and those of one call for all of them."""

    def __init__(self, entry, sample, shared):
        cases = [case_of(entry, sample, seed) for seed in range(COUNT)]
        columns = list(zip(*[c.arrays() for c in cases], strict=True))
        # Outputs that are free up to a sign are what the library makes them; their gradients are no single numbers.
        self.free = cases[0].seen is not None
        self.case, self.dims = (
            replace(cases[0], seen=None),
            tuple(None if shared and i else 0 for i in range(len(columns))),
        )
        self.rows = [self._map(columns, lambda c, k=k: c[k]) for k in range(COUNT)]
        self.stacked = self._map(columns, np.stack)

    def _map(self, columns, choose):
        return [ag.as_tensor(c[0] if d is None else choose(c)) for c, d in zip(columns, self.dims, strict=True)]

    def __call__(self, *tensors):
        return tuple(y for y in self.case.call(*tensors) if isinstance(y, ag.Tensor))

    def gradient(self, *tensors):
        """Gradients of whatever is floating, and of a result with a graph, with fixed cotangents."""
        xs = [x.detach().requires_grad_() if x.dtype.kind == "f" else x for x in tensors]
        ys = [y for y in self(*xs) if y.requires_grad]
        return gradients(ys, [x for x in xs if x.requires_grad], cotangents(ys)) if ys else ()


def calls(entry, shared, most):
    found = [Calls(entry, s, shared) for s in samples_for(entry)[:most]]
    return [c for c in found if c.dims]


def compare(entry, call, function):
    """A function of tensors, once for all samples and once for each."""
    wanted = [function(*row) for row in call.rows]
    if not wanted[0]:
        return
    try:
        found = vmap(function, call.dims, randomness="same")(*call.stacked)
    except NotImplementedError:
        assert entry.name in VALUES_DECIDE, "list it there if the shape of its result follows the values"
        return
    for y, *alone in zip(found, *wanted, strict=True):
        assert y.dtype == alone[0].dtype
        expected = np.stack([a.numpy(force=True) for a in alone])
        np.testing.assert_allclose(y.numpy(force=True), expected, rtol=1e-10, atol=1e-10, equal_nan=True)


@pytest.mark.parametrize("shared", [False, True], ids=["every_argument", "first_argument"])
@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_values(entry, shared):
    for call in calls(entry, shared, 3 if shared else None):
        compare(entry, call, call)


@pytest.mark.parametrize("entry", DIFFERENTIABLE, ids=str)
def test_gradients(entry):
    for call in calls(entry, False, 2):
        if not call.free:
            compare(entry, call, call.gradient)


@pytest.mark.parametrize("entry", [e for e in OPS.values() if e in DIFFERENTIABLE], ids=str)
def test_batches_of_cotangents(entry):
    for sample in samples_for(entry)[:1]:
        case = case_of(entry, sample, 0)
        xs = [ag.as_tensor(a) for a in case.arrays()]
        xs = [x.detach().requires_grad_() for x in xs if x.dtype.kind == "f"]
        if len(xs) != len(case.arrays()):
            continue
        ys = [y for y in case.call(*xs) if isinstance(y, ag.Tensor) and y.requires_grad]
        rows = [[c * k for c in cotangents(ys)] for k in (1, -2)]
        batch = [ag.stack(c) for c in zip(*rows, strict=True)]
        options = {"retain_graph": True, "allow_unused": True}
        wanted = [ag.grad(ys, xs, row, **options) for row in rows]
        for g, *alone in zip(ag.grad(ys, xs, batch, is_grads_batched=True, **options), *wanted, strict=True):
            assert (g is None) == (alone[0] is None)
            if g is not None:
                np.testing.assert_allclose(g.numpy(), np.stack([a.numpy() for a in alone]), rtol=1e-10, atol=1e-10)
