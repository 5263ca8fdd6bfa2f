"""A state machine that runs the same random programs on the engine and on a naive one, and compares all gradients."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, multiple, precondition, rule

import autograd_core as ag
from autograd_core.errors import GraphReleasedError, InplaceError

spec = importlib.util.spec_from_file_location("naive", Path(__file__).with_name("naive.py"))
naive = importlib.util.module_from_spec(spec)
spec.loader.exec_module(naive)

OURS = {
    "T": lambda x: x.T,
    "upside_down": lambda x: x[::-1],
    "first": lambda x: x[0],
    "mirrored": lambda x: x[..., ::-1],
}
SEED = np.array([[0.5, -1.25], [2.0, 0.75]])


class Programs(RuleBasedStateMachine):
    """Grow a graph of matrices 2 × 2 and their rows, write into them, run backward from anywhere, and compare."""

    tensors, hooks = Bundle("tensors"), Bundle("hooks")

    @initialize()
    def start(self):
        self.leaves, self.retaining, self.marked = [], [], []

    # Growing the graph.

    @rule(target=tensors, seed=st.integers(0, 99))
    def make_leaf(self, seed):
        a = np.random.default_rng(seed).uniform(-1, 1, (2, 2))
        pair = ag.tensor(a, requires_grad=True), naive.Handle(naive.Storage(naive.Value(a.copy(), leaf=True)))
        self.leaves.append((pair[0], pair[1].value))
        return pair

    @rule(target=tensors, name=st.sampled_from(sorted(naive.BINARY)), left=tensors, right=tensors)
    def combine(self, name, left, right):
        (x, a), (y, b) = left, right
        if name == "matmul" and (x.ndim, y.ndim) != (2, 2):
            name = "multiply"
        return getattr(ag, name)(x, y), naive.placed(naive.combined(name, a, b))

    @rule(target=tensors, name=st.sampled_from(sorted(naive.UNARY)), of=tensors)
    def apply(self, name, of):
        return getattr(ag, name)(of[0]), naive.placed(naive.applied(name, of[1]))

    @rule(target=tensors, name=st.sampled_from(sorted(naive.VIEWS)), of=tensors)
    def view(self, name, of):
        x, a = of
        name = "upside_down" if x.ndim == 1 else name
        return OURS[name](x), a.view(name)

    @rule(target=tensors, of=tensors)
    def detach(self, of):
        return of[0].detach(), naive.Handle(of[1].storage, of[1].path, cut=True)

    @rule(target=tensors, name=st.sampled_from(sorted(naive.UNARY)), of=tensors)
    def apply_unrecorded(self, name, of):
        with ag.no_grad():
            y = getattr(ag, name)(of[0])
        assert not y.requires_grad
        return y, naive.placed(naive.Value(naive.applied(name, of[1]).array))

    # Writing.

    @rule(
        target=tensors,
        of=tensors,
        through=st.sampled_from([None, *sorted(naive.VIEWS)]),
        by=tensors,
        name=st.sampled_from(["add", "multiply", "copy"]),
    )
    def write(self, of, through, by, name):
        """Into a tensor, or into what is computed from it where it is a leaf, directly or through a view."""
        (x, a), (y, b) = of, by
        if a.storage.value.leaf or any(x is t for t in self.marked):
            x, a = self.apply("negative", (x, a))
        v, c = (x, a) if through is None else self.view(through, (x, a))
        if y.ndim > v.ndim:
            y, b = self.view("first", (y, b))
        if a.cut:
            return multiple()
        if name == "copy":
            new = b.value
            v[...] = y
        else:
            new = naive.combined(name, c, b)
            getattr(v, f"{name}_")(y)
        c.write(new, computed=name != "copy")
        for _, kept in self.retaining:
            kept.notice_write(c.storage)
        for tensor, handle in ((x, a), (v, c)):
            np.testing.assert_allclose(tensor.numpy(force=True), handle.value.array)
        return multiple((x, a), (v, c))

    @rule(of=tensors, factor=st.sampled_from([0.5, -2.0]))
    def write_unrecorded(self, of, factor):
        x, a = of
        with ag.no_grad():
            x.mul_(factor)
        a.overwrite(a.value.array * factor)

    # Hooks.

    @rule(target=hooks, of=tensors, factor=st.sampled_from([2.0, -1.0, None]))
    def hook(self, of, factor):
        x, a = of
        if not x.requires_grad:
            return None
        self.marked.append(x)
        ours = (lambda g: None) if factor is None else (lambda g: g * factor)
        theirs = (lambda g: g) if factor is None else (lambda g: g * factor)
        a.value.hooks.append(theirs)
        return x.register_hook(ours), a.value, theirs

    @rule(hook=consumes(hooks))
    def unhook(self, hook):
        if hook is not None:
            handle, value, theirs = hook
            handle.remove()
            value.hooks.remove(theirs)

    @rule(of=tensors)
    def retain_grad(self, of):
        x, a = of
        if x.requires_grad and not x.is_leaf and not any(x is t for t, _ in self.retaining):
            self.marked.append(x)
            x.retain_grad()
            self.retaining.append((x, naive.Retained(a)))

    # Walking.

    @rule(of=tensors, retain=st.booleans())
    def backward(self, of, retain):
        x, a = of
        assert x.requires_grad == a.value.needs
        if not x.requires_grad:
            with pytest.raises(RuntimeError, match="records nothing"):
                x.sum().backward()
            return
        seed = SEED[: x.shape[0]] if x.ndim == 2 else SEED[0]
        error = self.expected_error(a.value)
        if error is None:
            x.backward(ag.tensor(seed), retain_graph=retain)
            self.keep(a.value.backward(seed, retain))
        elif self.run_or_fail(lambda: x.backward(ag.tensor(seed), retain_graph=True), error):
            self.keep(a.value.backward(seed, retain=True))
        self.compare()

    def keep(self, found):
        for _, kept in self.retaining:
            kept.add(found)

    @rule(of=tensors)
    def ask_for_gradients(self, of):
        x, a = of
        error = self.expected_error(a.value)
        if not x.requires_grad or not self.leaves:
            return
        seed = SEED[: x.shape[0]] if x.ndim == 2 else SEED[0]
        found = []

        def ask():
            leaves = [leaf for leaf, _ in self.leaves]
            found[:] = ag.grad(x, leaves, ag.tensor(seed), retain_graph=True, allow_unused=True)

        if error is None:
            ask()
        elif not self.run_or_fail(ask, error):
            return
        wanted = {id(v): g for v, g in a.value.gradients(seed)}
        for g, (_, leaf) in zip(found, self.leaves, strict=True):
            assert (g is None) == (id(leaf) not in wanted)
            if g is not None:
                np.testing.assert_allclose(g.numpy(), wanted[id(leaf)], rtol=1e-9, atol=1e-9)
        if any(id(leaf) in wanted for _, leaf in self.leaves):
            self.keep(wanted)  # ag.grad() commits what tensors retain
        self.compare()

    def expected_error(self, value):
        """What a walk from here may raise, and whether it must."""
        behind = value.behind()
        if any(v.released and v.holding for v in behind):
            return (GraphReleasedError, InplaceError), True
        if any(storage.version != version for v in behind for storage, version in v.uses):
            return (InplaceError,), False
        return None

    def run_or_fail(self, walk, error):
        kinds, must = error
        try:
            walk()
        except kinds:
            return False
        assert not must
        return True

    @rule(factor=st.sampled_from([2.0, -0.5]))
    def scale_gradients(self, factor):
        """In place: nothing else may lie in the same memory."""
        for tensor, value in (*self.leaves, *self.retaining):
            if value.grad is not None:
                tensor.grad.mul_(factor)
                value.grad = value.grad * factor
        self.compare()

    @precondition(lambda self: self.leaves)
    @rule()
    def clear(self):
        for tensor, value in (*self.leaves, *self.retaining):
            tensor.grad = value.grad = None

    @rule(dropped=consumes(tensors))
    def drop(self, dropped):
        del dropped

    def compare(self):
        for tensor, value in (*self.leaves, *self.retaining):
            assert (tensor.grad is None) == (value.grad is None)
            if value.grad is not None:
                np.testing.assert_allclose(tensor.grad.numpy(), value.grad, rtol=1e-9, atol=1e-9)


TestPrograms = Programs.TestCase
TestPrograms.settings = settings(max_examples=60, stateful_step_count=30)
