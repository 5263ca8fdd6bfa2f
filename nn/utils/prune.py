"""Pruning, under the names of PyTorch's `torch.nn.utils.prune`: a mask holds part of a weight at 0.

A pruned weight is computed before every forward: the parameter `weight_orig` times the buffer `weight_mask`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from autograd_core import Tensor, linalg, no_grad
from autograd_core import functional as core
from nn.module import Module


class BasePruningMethod:
    """Base of pruning methods: computes a mask, and applies it as a hook.

    PRUNING_TYPE: whether `compute_mask` chooses elements ("unstructured"), slices along `dim` ("structured"), or works
    on the whole tensor ("global"). Of an already pruned weight it sees only the remaining part.
    """

    PRUNING_TYPE: ClassVar[str] = "global"
    _tensor_name: str

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """A mask of the shape of `t`, which holds the importance of the weight's elements."""
        raise NotImplementedError(f"{type(self).__name__} must define compute_mask()")

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    def apply_mask(self, module: Module) -> Tensor:
        """The original weight times its mask."""
        original: Tensor = getattr(module, f"{self._tensor_name}_orig")
        mask: Tensor = getattr(module, f"{self._tensor_name}_mask")
        return mask.to(original.dtype) * original

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """The pruned tensor, without a module."""
        mask = core.ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(t if importance_scores is None else importance_scores, mask)

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prune a weight of a module, and register the method as a hook."""
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        weight, earlier = getattr(module, name), _method_of(module, name)
        scores = weight if importance_scores is None else importance_scores
        if scores.shape != weight.shape:
            raise AssertionError(f"importance_scores have shape {scores.shape}, but {name} has {weight.shape}")
        if earlier is not None:
            method = PruningContainer(earlier, method)
        before = getattr(module, f"{name}_mask", None)
        with no_grad():
            mask = method.compute_mask(scores.detach(), core.ones_like(weight) if before is None else before)
        if earlier is None:
            delattr(module, name)
            module.register_parameter(f"{name}_orig", weight)
        else:
            module._unhook(earlier)
        module.register_buffer(f"{name}_mask", mask)
        method(module, ())
        module.register_forward_pre_hook(method)
        return method

    def remove(self, module: Module) -> None:
        """Make the pruned weight an ordinary parameter."""
        name = self._tensor_name
        weight: Tensor = getattr(module, f"{name}_orig")
        weight.data = self.apply_mask(module).detach()
        for part in ("", "_orig", "_mask"):
            delattr(module, name + part)
        module.register_parameter(name, weight)


class PruningContainer(BasePruningMethod):
    """Methods that prune a weight one after another, each the remaining part."""

    def __init__(self, *methods: BasePruningMethod) -> None:
        self._methods: list[BasePruningMethod] = []
        for method in methods:
            for part in method if isinstance(method, PruningContainer) else (method,):
                self.add_pruning_method(part)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Add another method for the same weight."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method).__name__} is not a pruning method")
        if self._methods and method._tensor_name != self._tensor_name:
            raise ValueError(f"a method for {method._tensor_name!r} cannot follow those for {self._tensor_name!r}")
        self._tensor_name = method._tensor_name
        self._methods.append(method)

    def __len__(self) -> int:
        return len(self._methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._methods)

    def __getitem__(self, index: int) -> BasePruningMethod:
        return self._methods[index]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask so far, combined with the last method's mask of the remaining part."""
        method, mask = self._methods[-1], default_mask.to(t.dtype).clone()
        left: Any = ...
        if method.PRUNING_TYPE == "unstructured":
            left = mask == 1
        elif method.PRUNING_TYPE == "structured":
            axis = method.dim % t.ndim  # type: ignore[attr-defined]  # structured methods have one
            others = tuple([i for i in range(t.ndim) if i != axis])
            left = (slice(None),) * axis + ((mask != 0).any(others),)
        mask[left] = method.compute_mask(t[left], mask[left])
        return mask


class Identity(BasePruningMethod):
    """Prunes nothing."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class CustomFromMask(BasePruningMethod):
    """Prunes where a given mask is 0."""

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask * self.mask.to(default_mask.dtype)


class _Ranked(BasePruningMethod):
    """Prunes the lowest ranks: a number of elements or slices (int), or a fraction of them (float)."""

    def __init__(self, amount: float) -> None:
        if isinstance(amount, bool) or not isinstance(amount, int | float):
            raise TypeError(f"amount must be a number, not {amount!r}")
        if amount < 0 or (isinstance(amount, float) and amount > 1):
            raise ValueError(f"amount must be a non-negative integer or a fraction in [0, 1], not {amount}")
        self.amount = amount

    def _rank(self, t: Tensor) -> Tensor:
        """A number for each element or slice; the lowest are pruned."""
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask with zeros where the lowest ranks are."""
        rank = self._rank(t).reshape(-1)
        count = self.amount if isinstance(self.amount, int) else round(self.amount * len(rank))
        if count > len(rank):
            raise ValueError(f"cannot prune {count} of {len(rank)}")
        lowest = core.topk(rank, count, largest=False)[1]
        if self.PRUNING_TYPE == "structured":
            return default_mask.index_fill(self.dim, lowest, 0)  # type: ignore[attr-defined]  # structured methods have one
        return default_mask.reshape(-1).index_fill(0, lowest, 0).reshape(default_mask.shape)


class RandomUnstructured(_Ranked):
    """Prunes random elements."""

    PRUNING_TYPE = "unstructured"

    def _rank(self, t: Tensor) -> Tensor:
        return -core.rand_like(t)  # PyTorch prunes the largest of these numbers


class L1Unstructured(_Ranked):
    """Prunes the elements of smallest magnitude."""

    PRUNING_TYPE = "unstructured"

    def _rank(self, t: Tensor) -> Tensor:
        return t.abs()


class RandomStructured(_Ranked):
    """Prunes random slices along an axis."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def _others(self, t: Tensor) -> tuple[int, ...]:
        if t.ndim < 2:
            raise ValueError(f"structured pruning needs a tensor of at least two axes, not shape {t.shape}")
        if not -t.ndim <= self.dim < t.ndim:
            raise IndexError(f"dim {self.dim} is out of range for {t.ndim} axes")
        return tuple([i for i in range(t.ndim) if i != self.dim % t.ndim])

    def _rank(self, t: Tensor) -> Tensor:
        self._others(t)
        return core.rand(t.shape[self.dim], device=t.device)


class LnStructured(RandomStructured):
    """Prunes the slices along an axis with the smallest n-norms."""

    def __init__(self, amount: float, n: float, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def _rank(self, t: Tensor) -> Tensor:
        return linalg.vector_norm(t, self.n, dim=self._others(t))


def identity(module: Module, name: str) -> Module:
    """Give a weight a mask of ones. Returns the module."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: float) -> Module:
    """Prune random elements: a number (int) or a fraction (float) of the remaining ones. Returns the module."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Module, name: str, amount: float, importance_scores: Tensor | None = None) -> Module:
    """Prune the elements of smallest magnitude or importance score. Returns the module."""
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: float, dim: int) -> Module:
    """Prune random slices along an axis. Returns the module."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Module, name: str, amount: float, n: float, dim: int, importance_scores: Tensor | None = None
) -> Module:
    """Prune the slices along an axis with the smallest n-norms. Returns the module."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prune where a mask is 0. Returns the module."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: Mapping[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several weights, given as (module, name), as if they were a single one."""
    places: Sequence[tuple[Module, str]] = list(parameters)
    if pruning_method.PRUNING_TYPE != "unstructured":
        raise TypeError(f"{pruning_method.__name__} prunes slices; global pruning is unstructured only")
    method = pruning_method(**kwargs)
    method._tensor_name = "all"
    weights = [getattr(module, name).detach() for module, name in places]
    scores = [(importance_scores or {}).get(place, w) for place, w in zip(places, weights, strict=True)]
    masks = [
        getattr(module, f"{name}_mask", core.ones_like(w)) for (module, name), w in zip(places, weights, strict=True)
    ]
    rows, before = (core.cat([t.detach().reshape(-1) for t in group]) for group in (scores, masks))
    found = PruningContainer(method).compute_mask(rows, before)
    for (module, name), part, w in zip(places, found.split([w.numel() for w in weights]), weights, strict=True):
        custom_from_mask(module, name, part.reshape(w.shape))


def remove(module: Module, name: str) -> Module:
    """Make a pruned weight an ordinary parameter. Returns the module."""
    method = _method_of(module, name)
    if method is None:
        raise ValueError(f"{name!r} of {type(module).__name__} is not pruned")
    method.remove(module)
    module._unhook(method)
    return module


def is_pruned(module: Module) -> bool:
    """Whether a weight of a module, or of one within it, is pruned."""
    return any(isinstance(hook.function, BasePruningMethod) for m in module.modules() for hook in m._hooks or ())


def _method_of(module: Module, name: str) -> BasePruningMethod | None:
    methods = [h.function for h in module._hooks or () if isinstance(h.function, BasePruningMethod)]
    return next((m for m in methods if m._tensor_name == name), None)
