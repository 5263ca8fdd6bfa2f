"""Tensor: an array, its gradient, and the node that computed it."""

from __future__ import annotations

import weakref

import numpy as np

from autograd_core.dtypes import INEXACT, is_numeric
from autograd_core.engine.nodes import Leaf, RetainGrad, add_hook, source_of
from autograd_core.errors import DeviceError, DtypeError, OperandError, warn
from autograd_core.public_dtypes import OF
from autograd_core.sizes import Size
from backends.buffers import apart, rejoined

new = object.__new__


class Tensor:
    """A multi-dimensional array that remembers how it was computed.

    Make one with `tensor(...)`, `zeros(...)` or `randn(...)`; every operation of the functional form is also a method.
    """

    # Unset unless used, at no cost in the hot path. __dict__: attributes that programs set, as in
    # `weight.no_decay = True`; alias: see engine/inplace.py; name, role: labels.
    __slots__ = ("__dict__", "__weakref__", "_alias", "_grad", "_name", "_role", "array", "node")

    @property
    def shape(self):
        """The length of every axis."""
        return Size(self.array.shape)

    @property
    def ndim(self):
        """The number of axes."""
        return self.array.ndim

    @property
    def dtype(self):
        """The type of the elements."""
        return OF[self.array.dtype]

    @property
    def itemsize(self):
        """The size of one element in bytes."""
        return self.array.dtype.itemsize

    @property
    def nbytes(self):
        """The size of all elements in bytes."""
        return self.array.size * self.array.dtype.itemsize

    @property
    def requires_grad(self):
        """Whether a backward walk would compute a gradient for this tensor. Settable on leaves."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, on):
        if not self.is_leaf:
            raise RuntimeError("requires_grad of a computed tensor is not settable; .detach() makes a leaf of it")
        if on.__class__ is not bool:
            raise RuntimeError(f"requires_grad must be True or False, not {on!r:.80}")
        Tensor.requires_grad_(self, on)  # a subclass may define its own by assigning this

    def requires_grad_(self, requires_grad=True):
        """Turn recording on or off for this leaf; returns it."""
        if requires_grad.__class__ is not bool:
            raise TypeError(f"requires_grad_() takes True or False, not {requires_grad!r:.80}")
        if not requires_grad and self.node is not None and self.node.op is not None:
            raise RuntimeError("only a leaf can stop requiring a gradient; use .detach() for a computed tensor")
        if requires_grad and self.node is None:
            check_differentiable(self.array.dtype)
            self.node = Leaf(self)
        elif not requires_grad:
            self.node = None
        return self

    @property
    def is_leaf(self):
        """Whether the tensor was made by the user rather than computed from tensors that require a gradient."""
        return self.node is None or self.node.op is None

    @property
    def grad(self):
        """The sum of the gradients of all backward walks since it was None; computed tensors get one on request."""
        if self._grad is None and self.node is not None and self.node.op is not None and not self.retains_grad:
            warn(
                "a computed tensor has no .grad unless retain_grad() was called on it; to update a parameter, write "
                "`with no_grad(): w -= lr * w.grad`, because `w = w - lr * w.grad` computes another tensor"
            )
        return self._grad

    @grad.setter
    def grad(self, grad):
        if grad is not None:
            if not isinstance(grad, Tensor):
                raise TypeError(f"a gradient must be a Tensor or None, not {type(grad).__name__}")
            if grad is self:
                raise RuntimeError("a tensor cannot be its own .grad; assign a .clone() of it")
            if grad.array.shape != self.array.shape:
                raise OperandError(f"the gradient has shape {grad.shape} but the tensor {self.shape}")
            if grad.array.dtype != self.array.dtype:
                raise DtypeError(f"the gradient is {grad.dtype} but the tensor {self.dtype}")
            if grad.array.__class__ is not self.array.__class__ and grad.device != self.device:
                raise DeviceError(f"the gradient is on {grad.device} but the tensor on {self.device}")
        self._grad = grad

    @grad.deleter
    def grad(self):
        self._grad = None

    @property
    def grad_fn(self):
        """The node that computed this tensor, an `autograd.graph.Node`; None for a leaf."""
        return None if self.is_leaf else source_of(self.node)[0]

    @property
    def output_nr(self):
        """Which output of `grad_fn` this tensor is."""
        return source_of(self.node)[1]

    @property
    def name(self):
        """A label for graph pictures and error messages; None if none was given."""
        return getattr(self, "_name", None)

    @name.setter
    def name(self, name):
        self._name = name

    @property
    def data(self):
        """The same storage without the graph; writes through it do not make graphs stale.

        Assigning `x.data = other` replaces the storage.
        """
        own_scalar(self)
        return wrap(apart(self.array))

    @data.setter
    def data(self, other):
        source = other.array if isinstance(other, Tensor) else other
        if not hasattr(source, "dtype") or not is_numeric(source.dtype):
            raise TypeError(f"data must be a Tensor or an array of numbers, not {other!r:.80}")
        if self.node is not None and source.dtype.kind not in INEXACT:
            raise RuntimeError(f"data of dtype {source.dtype} cannot replace that of a tensor that requires a gradient")
        self.array = rejoined(source)  # as it was, after x.data += 1

    def detach(self):
        """The same values and storage, without history: no gradient flows through it."""
        own_scalar(self)
        return wrap(self.array)

    def register_hook(self, hook):
        """Call `hook(gradient)` when this tensor's gradient is known; a returned Tensor replaces the gradient."""
        if self.node is None:
            raise RuntimeError("register_hook() on a tensor that does not require a gradient")
        return add_hook(self.node, "hooks", hook)

    def register_post_accumulate_grad_hook(self, hook):
        """Call `hook(leaf)` after each backward walk that changed this leaf's `.grad`."""
        if self.node.__class__ is not Leaf:
            raise RuntimeError("register_post_accumulate_grad_hook() is for leaves that require a gradient")
        Leaf.followed = True
        return add_hook(self.node, "after", hook)

    def retain_grad(self):
        """Keep `.grad` for this computed tensor too."""
        if self.node is None:
            raise RuntimeError("retain_grad() on a tensor that does not require a gradient")
        if self.is_leaf or self.retains_grad:
            return
        add_hook(self.node, "hooks", RetainGrad(weakref.ref(self)))

    @property
    def retains_grad(self):
        """Whether `retain_grad()` was called on this computed tensor."""
        hooks = (self.node and self.node.hooks) or ()
        return any(h.__class__ is RetainGrad and h.tensor() is self for h in hooks)

    def __hash__(self):
        return id(self)


def check_differentiable(dtype):
    """Raise unless gradients exist in this dtype."""
    if dtype.kind not in INEXACT:
        raise RuntimeError(
            f"only floating point and complex tensors can require a gradient; this one is {dtype}, .float() converts it"
        )


def own_scalar(t):
    """Replace an immutable NumPy scalar by a 0-d array before anything can share or write it."""
    if isinstance(t.array, np.generic):
        t.array = np.asarray(t.array)


def as_plain(t):
    """A tensor of a subclass as one of Tensor itself, on the same array and node."""
    return t if t.__class__ is Tensor else wrap(t.array, t.node)


def wrap(array, node=None):
    """A Tensor on this very array."""
    t = new(Tensor)
    t.array, t.node, t._grad = array, node, None
    return t
