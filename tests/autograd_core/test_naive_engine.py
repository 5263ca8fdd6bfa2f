"""A state machine that runs the same random programs on the engine and on a naive one, and compares all gradients."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, rule

import autograd_core as ag


class Naive:
    """Reverse mode in its simplest form: every value knows its parents and how to hand them their share."""

    def __init__(self, value, parents=()):
        self.value, self.parents, self.grad = np.asarray(value, float), parents, None

    def backward(self):
        order, seen = [], set()

        def visit(v):
            if id(v) not in seen:
                seen.add(id(v))
                for p, _ in v.parents:
                    visit(p)
                order.append(v)

        visit(self)
        cots = {id(self): np.ones_like(self.value)}
        for v in reversed(order):
            g = cots.pop(id(v), None)
            if g is None:
                continue
            if not v.parents:
                v.grad = g if v.grad is None else v.grad + g
            for p, share in v.parents:
                gp = share(g)
                cots[id(p)] = cots[id(p)] + gp if id(p) in cots else gp


BINARY = {
    "add": (lambda a, b: a + b, lambda a, b: (lambda g: g, lambda g: g)),
    "subtract": (lambda a, b: a - b, lambda a, b: (lambda g: g, lambda g: -g)),
    "multiply": (lambda a, b: a * b, lambda a, b: (lambda g: g * b, lambda g: g * a)),
    "matmul": (lambda a, b: a @ b, lambda a, b: (lambda g: g @ b.T, lambda g: a.T @ g)),
}
UNARY = {
    "tanh": (np.tanh, lambda a: lambda g: g / np.cosh(a) ** 2),
    "sin": (np.sin, lambda a: lambda g: g * np.cos(a)),
    "negative": (np.negative, lambda a: lambda g: -g),
    "mT": (np.transpose, lambda a: lambda g: g.T),
    "flip": (lambda a: a[::-1], lambda a: lambda g: g[::-1]),
    "half": (lambda a: a * 0.5, lambda a: lambda g: g * 0.5),
}
OURS = {"mT": lambda x: x.mT, "flip": lambda x: x[::-1], "half": lambda x: x * 0.5}


class Programs(RuleBasedStateMachine):
    """Grow a graph of 2×2 matrices, run backward from anywhere in it, drop tensors, and compare."""

    values = Bundle("values")

    @initialize()
    def start(self):
        self.leaves = []

    @rule(target=values, seed=st.integers(0, 99))
    def make_leaf(self, seed):
        a = np.random.default_rng(seed).uniform(-1, 1, (2, 2))
        pair = ag.tensor(a, requires_grad=True), Naive(a)
        self.leaves.append(pair)
        return pair

    @rule(target=values, name=st.sampled_from(sorted(BINARY)), left=values, right=values)
    def combine(self, name, left, right):
        forward, shares = BINARY[name]
        (x, a), (y, b) = left, right
        share_a, share_b = shares(a.value, b.value)
        return getattr(ag, name)(x, y), Naive(forward(a.value, b.value), ((a, share_a), (b, share_b)))

    @rule(target=values, name=st.sampled_from(sorted(UNARY)), of=values)
    def apply(self, name, of):
        forward, share = UNARY[name]
        x, a = of
        ours = OURS.get(name) or getattr(ag, name)
        return ours(x), Naive(forward(a.value), ((a, share(a.value)),))

    @rule(of=values, extra_hook=st.booleans())
    def backward(self, of, extra_hook):
        x, a = of
        seen = []
        handle = x.register_hook(seen.append) if extra_hook else None
        x.sum().backward(retain_graph=True)
        a.backward()
        if handle is not None:
            handle.remove()
            assert len(seen) == 1
        self.compare()

    @rule(of=values)
    def ask_for_gradients(self, of):
        x, a = of
        before = [leaf.grad for leaf, _ in self.leaves]
        found = ag.grad(x.sum(), [leaf for leaf, _ in self.leaves], retain_graph=True, allow_unused=True)
        twins = [naive for _, naive in self.leaves]
        kept = [n.grad for n in twins]
        for n in twins:
            n.grad = None
        a.backward()
        for g, n in zip(found, twins, strict=True):
            assert (g is None) == (n.grad is None)
            if g is not None:
                np.testing.assert_allclose(g.numpy(), n.grad, rtol=1e-9, atol=1e-9)
        for n, k in zip(twins, kept, strict=True):
            n.grad = k
        assert all(b is leaf.grad for b, (leaf, _) in zip(before, self.leaves, strict=True))

    @rule(of=values)
    def clear(self, of):
        for leaf, naive in self.leaves:
            leaf.grad = naive.grad = None

    @rule(dropped=consumes(values))
    def drop(self, dropped):
        del dropped

    def compare(self):
        for leaf, naive in self.leaves:
            assert (leaf.grad is None) == (naive.grad is None)
            if naive.grad is not None:
                np.testing.assert_allclose(leaf.grad.numpy(), naive.grad, rtol=1e-9, atol=1e-9)


TestPrograms = Programs.TestCase
TestPrograms.settings = settings(max_examples=60, stateful_step_count=25)
