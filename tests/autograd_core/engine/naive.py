"""Reverse mode in its simplest form, with storage that can be written and viewed: what the engine is compared with."""

import numpy as np

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
}
VIEWS = {
    "T": lambda a: a.T,
    "upside_down": lambda a: a[::-1],
    "first": lambda a: a[0],
    "mirrored": lambda a: a[..., ::-1],
}
HOLDING = {"multiply", "matmul", "tanh", "sin"}  # what keeps arrays for backward, and so can be released or go stale


class Value:
    """One computed array: it knows its parents, how to hand them their share, and which storage it was made of."""

    def __init__(self, array, parents=(), leaf=False, uses=(), holding=False):
        self.array, self.parents, self.uses, self.holding = array, parents, tuple(uses), holding
        self.needs = leaf or any(p.needs for p, _ in parents)
        self.leaf, self.hooks, self.released, self.grad = leaf, [], False, None

    def behind(self):
        """Every value with a gradient that this one depends on, itself first, parents after children."""
        order, seen = [], set()

        def visit(v):
            if id(v) not in seen and v.needs:
                seen.add(id(v))
                for p, _ in v.parents:
                    visit(p)
                order.append(v)

        visit(self)
        return order[::-1]

    def gradients(self, seed):
        """The gradient of every value behind this one, hooks applied: pairs in order."""
        cotangents, found = {id(self): seed}, []
        for v in self.behind():
            g = cotangents.pop(id(v), None)
            if g is None:
                continue
            for hook in v.hooks:
                g = hook(g)
            found.append((v, g))
            for p, share in v.parents:
                if p.needs:
                    part = unbroadcast(share(g), p.array.shape)
                    cotangents[id(p)] = cotangents.get(id(p), 0) + part
        return found

    def backward(self, seed, retain):
        """The gradient of every value behind this one, by identity, after those of leaves were added up."""
        found = self.gradients(seed)
        for v, g in found:
            if v.leaf:
                v.grad = g if v.grad is None else v.grad + g
            v.released = v.released or not retain
        return {id(v): g for v, g in found}


def unbroadcast(g, shape):
    return g.sum(tuple(range(g.ndim - len(shape)))) if g.ndim > len(shape) else g


class Storage:
    """Memory that tensors share: its current value, how often it was written, and how often with a graph."""

    def __init__(self, value):
        self.value, self.version, self.graphs = value, 0, 0


class Handle:
    """A tensor: a storage, the views that lead into it, and whether its history was cut."""

    def __init__(self, storage, path=(), cut=False):
        self.storage, self.path, self.cut, self._seen = storage, path, cut, None

    def part(self, array):
        for name in self.path:
            array = VIEWS[name](array)
        return array

    @property
    def value(self):
        whole = self.storage.value
        if self.cut:
            return Value(self.part(whole.array).copy())
        if not self.path:
            return whole
        if self._seen is None or self._seen[0] != self.storage.graphs:
            self._seen = self.storage.graphs, Value(self.part(whole.array), ((whole, self._share),))
        return self._seen[1]

    def _share(self, g):
        out = np.zeros(self.storage.value.array.shape)
        self.part(out)[...] = g
        return out

    def view(self, name):
        """A view of this tensor: it hangs on this one until the storage is written, from then on on the storage."""
        view, parent = Handle(self.storage, (*self.path, name), self.cut), self.value

        def share(g):
            out = np.zeros(parent.array.shape)
            VIEWS[name](out)[...] = g
            return out

        view._seen = self.storage.graphs, Value(VIEWS[name](parent.array), ((parent, share),))
        return view

    @property
    def use(self):
        return self.storage, self.storage.version

    def write(self, new, computed):
        """This part of the storage is `new` from now on, as a step of the graph; the step itself, where it is the
        result of an operation in the place of the whole.
        """
        whole, part = self.storage.value, self.part
        array = whole.array.copy()
        part(array)[...] = new.array

        def rest(g):
            g = g.copy()
            part(g)[...] = 0
            return g

        value = Value(array, ((whole, rest), (new, lambda g: unbroadcast(part(g), new.array.shape))))
        self.storage.value = new if computed and not self.path else value
        self.storage.version += 1
        self.storage.graphs += 1
        # What the step itself keeps survives its own write.
        new.uses = tuple([(s, s.version if s is self.storage and computed else v) for s, v in new.uses])

    def overwrite(self, array):
        """The same where nothing is recorded: the graph does not notice."""
        self.part(self.storage.value.array)[...] = array
        self.storage.version += 1


class Retained:
    """The gradient that a tensor retains: that of its value or, of a view whose storage was written through another
    tensor and whose new value nobody uses, of the value before.
    """

    def __init__(self, handle):
        self.handle, self.values, self.grad = handle, [handle.value], None

    def notice_write(self, storage):
        if self.handle.storage is storage:
            self.values = [self.handle.value, *(self.values if self.handle.path else ())]

    def add(self, found):
        g = next((found[id(v)] for v in self.values if id(v) in found), None)
        if g is not None:
            self.grad = g if self.grad is None else self.grad + g


def combined(name, left, right):
    """A Value of two Handles."""
    forward, shares = BINARY[name]
    a, b = left.value, right.value
    parents = tuple(zip((a, b), shares(a.array.copy(), b.array.copy()), strict=True))
    return Value(forward(a.array, b.array), parents, uses=(left.use, right.use), holding=name in HOLDING)


def applied(name, of):
    """A Value of one Handle."""
    forward, share = UNARY[name]
    a = of.value
    return Value(forward(a.array), ((a, share(a.array.copy())),), uses=(of.use,), holding=name in HOLDING)


def placed(value):
    """A Handle on storage of its own; an operation may have kept its result, too."""
    storage = Storage(value)
    value.uses += ((storage, 0),)
    return Handle(storage)
