"""Weight and spectral normalisation by hooks, with the state keys of older models (weight_g, weight_v; weight_orig)."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor, no_grad
from autograd_core import functional as core
from nn import functional as F
from nn.layers.transposed_convolution import _ConvTranspose
from nn.module import Module
from nn.parameter import Parameter, refuse_lazy
from nn.utils.parametrizations import _WeightNorm


class _WeightNormHook:
    def __init__(self, name: str, dim: int | None) -> None:
        self.name, self.compute = name, _WeightNorm(dim)

    def value(self, module: Module) -> Tensor:
        return self.compute(getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v"))

    def __call__(self, module: Module, args: Any) -> None:
        setattr(module, self.name, self.value(module))


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Let a module learn norm (`weight_g`) and direction (`weight_v`) of a weight."""
    hook = _WeightNormHook(name, dim)
    _check_free(module, name)
    weight = getattr(module, name)
    with no_grad():
        g, v = hook.compute.right_inverse(weight)
    delattr(module, name)
    module.register_parameter(f"{name}_g", Parameter(g))
    module.register_parameter(f"{name}_v", Parameter(v))
    hook(module, ())
    module.register_forward_pre_hook(hook)
    return module


class _SpectralNormHook:
    def __init__(self, name: str, dim: int, eps: float, n_power_iterations: int) -> None:
        self.name, self.dim, self.eps, self.n_power_iterations = name, dim, eps, n_power_iterations

    def rows(self, weight: Tensor) -> Tensor:
        return core.movedim(weight, self.dim, 0).flatten(1)

    def parts(self, module: Module) -> Any:
        return (getattr(module, self.name + part) for part in ("_orig", "_u", "_v"))

    def value(self, module: Module) -> Tensor:
        weight, u, v = self.parts(module)
        # Copied, so that a second forward before backward does not change the saved values.
        return weight / (u.clone() @ (self.rows(weight) @ v.clone()))

    @no_grad()
    def iterate(self, module: Module) -> None:
        weight, u, v = self.parts(module)
        rows = self.rows(weight)
        for _ in range(self.n_power_iterations):
            v.copy_(F.normalize(rows.T @ u, dim=0, eps=self.eps))
            u.copy_(F.normalize(rows @ v, dim=0, eps=self.eps))

    def __call__(self, module: Module, args: Any) -> None:
        if module.training:
            self.iterate(module)
        setattr(module, self.name, self.value(module))


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a weight (`weight_orig`) by its largest singular value; see `parametrizations.spectral_norm`."""
    _check_free(module, name)
    if n_power_iterations <= 0:
        raise ValueError(f"n_power_iterations must be positive, not {n_power_iterations}")
    if dim is None:
        dim = 1 if isinstance(module, _ConvTranspose) else 0
    hook = _SpectralNormHook(name, dim, eps, n_power_iterations)
    weight: Tensor = getattr(module, name)
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.detach())
    for part, count in zip(("_u", "_v"), hook.rows(weight.detach()).shape, strict=True):
        start = core.randn(count, dtype=weight.dtype, device=weight.device)
        module.register_buffer(name + part, F.normalize(start, dim=0, eps=eps))
    module.register_forward_pre_hook(hook)
    return module


Hook = _WeightNormHook | _SpectralNormHook


def _hooks_of(module: Module, name: str) -> list[Hook]:
    hooks = [hook.function for hook in module._hooks or ()]
    return [hook for hook in hooks if isinstance(hook, Hook) and hook.name == name]


def _check_free(module: Module, name: str) -> None:
    if _hooks_of(module, name):
        raise RuntimeError(f"{name!r} of {type(module).__name__} is already normalised")
    refuse_lazy(getattr(module, name), "normalised")


def _removed(module: Module, name: str, what: str, kind: type, parts: tuple[str, ...]) -> Module:
    for hook in _hooks_of(module, name):
        if isinstance(hook, kind):
            with no_grad():
                value = hook.value(module)
            for part in parts:
                delattr(module, f"{name}{part}")
            delattr(module, name)
            module.register_parameter(name, Parameter(value.detach()))
            module._unhook(hook)
            return module
    raise ValueError(f"{what} of '{name}' not found in {module!r}")


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight an ordinary parameter again. Returns the module."""
    return _removed(module, name, "weight_norm", _WeightNormHook, ("_g", "_v"))


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight an ordinary parameter again. Returns the module."""
    return _removed(module, name, "spectral_norm", _SpectralNormHook, ("_orig", "_u", "_v"))
