"""Parametrizations of weights: weight normalisation, spectral normalisation, orthogonal matrices."""

from __future__ import annotations

from functools import partial
from typing import Any

from autograd_core import Tensor, finfo, linalg, no_grad
from autograd_core import functional as core
from nn import functional as F
from nn.layers.transposed_convolution import _ConvTranspose
from nn.module import Module
from nn.utils.parametrize import register_parametrization


def norm_except(weight: Tensor, dim: int) -> Tensor:
    """The norm of each slice along `dim`, with the other axes kept as 1; the norm of everything (0-d) for dim -1."""
    if dim == -1:
        return linalg.vector_norm(weight)
    return linalg.vector_norm(weight, dim=tuple(i for i in range(weight.ndim) if i != dim % weight.ndim), keepdim=True)


class _WeightNorm(Module):
    """w = g·v / ‖v‖ (Salimans and Kingma 2016), with one norm per slice along `dim`, or a single one (-1)."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_v * (weight_g / norm_except(weight_v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Norm and direction of a weight."""
        return norm_except(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Let a module learn norm (`original0`) and direction (`original1`) of a weight. Returns the module.

    It also loads states saved by the hook-based form, `nn.utils.weight_norm`.
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    module.register_load_state_dict_pre_hook(partial(_renamed, name))
    return module


def _renamed(name: str, _: Module, state: dict[str, Any], prefix: str, *__: Any) -> None:
    for i, part in enumerate("gv"):
        if f"{prefix}{name}_{part}" in state:
            state[f"{prefix}parametrizations.{name}.original{i}"] = state.pop(f"{prefix}{name}_{part}")


class _SpectralNorm(Module):
    """A weight divided by its largest singular value (Miyato et al. 2018), by one step of power iteration per use."""

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(f"dim must be within the {weight.ndim} axes of the weight, not {dim}")
        if n_power_iterations <= 0:
            raise ValueError(f"n_power_iterations must be positive, not {n_power_iterations}")
        self.dim, self.eps, self.n_power_iterations = dim % weight.ndim, eps, n_power_iterations
        if weight.ndim > 1:
            rows = self._matrix(weight.detach())
            for name, count in (("_u", rows.shape[0]), ("_v", rows.shape[1])):
                start = core.randn(count, dtype=weight.dtype, device=weight.device)
                self.register_buffer(name, F.normalize(start, dim=0, eps=eps))
            self._iterate(rows, 15)

    def _matrix(self, weight: Tensor) -> Tensor:
        return core.movedim(weight, self.dim, 0).flatten(1)

    @no_grad()
    def _iterate(self, rows: Tensor, count: int) -> None:
        for _ in range(count):
            self._u.copy_(F.normalize(rows @ self._v, dim=0, eps=self.eps))
            self._v.copy_(F.normalize(rows.mH @ self._u, dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        rows = self._matrix(weight)
        if self.training:
            self._iterate(rows.detach(), self.n_power_iterations)
        # Copied, so that a second forward before backward does not change the saved values.
        return weight / core.vdot(self._u.clone(), rows @ self._v.clone())

    def right_inverse(self, value: Tensor) -> Tensor:
        """The weight itself; any multiple would do."""
        return value


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a weight by its largest singular value, with the outputs along `dim`. Returns the module."""
    if dim is None:
        dim = 1 if isinstance(module, _ConvTranspose) else 0
    parametrization = _SpectralNorm(getattr(module, name), n_power_iterations, dim, eps)
    return register_parametrization(module, name, parametrization)


class _Orthogonal(Module):
    """A matrix with orthonormal rows or columns, whichever are fewer (Lezcano-Casado 2019).

    orthogonal_map: "matrix_exp" or "cayley" of a skew-symmetric matrix, times `base` with trivialization; or
    "householder" reflections.
    """

    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, use_trivialization: bool = True) -> None:
        super().__init__()
        if weight.dtype.kind == "c" and orthogonal_map == "householder":
            raise ValueError("the householder parametrization does not support complex tensors")
        self.shape, self.orthogonal_map = weight.shape, orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)
        self.use_trivialization = use_trivialization

    def forward(self, x: Tensor) -> Tensor:
        tall = x.shape[-2] >= x.shape[-1]
        if not tall:
            x = x.mT
        q = self._reflections(x) if self.orthogonal_map == "householder" else self._rotation(x)
        if self.use_trivialization and self.base is not None:
            q = self.base @ q
        return q if tall else q.mT

    def _rotation(self, x: Tensor) -> Tensor:
        n, k = x.shape[-2:]
        x = core.tril(x)
        if n != k:
            x = core.pad(x, (0, n - k))
        a = x - x.mH
        if self.orthogonal_map == "matrix_exp":
            q = linalg.matrix_exp(a)
        else:
            identity = core.eye(n, dtype=x.dtype, device=x.device)
            q = linalg.solve(identity - a / 2, identity + a / 2)
        return q[..., :k]

    def _reflections(self, x: Tensor) -> Tensor:
        a = core.tril(x, diagonal=-1)
        tau = 2.0 / (1.0 + (a * a).sum(dim=-2))
        signs = core.diagonal(x.detach(), dim1=-2, dim2=-1).trunc()
        return linalg.householder_product(a, tau) * signs.unsqueeze(-2)

    @no_grad()
    def right_inverse(self, q: Tensor) -> Tensor:
        """The originals of this matrix or, if it is not orthogonal, of one near it."""
        if q.shape != self.shape:
            raise ValueError(f"Expected a matrix or batch of matrices of shape {self.shape}. Got {q.shape}.")
        tall = q.mT if q.shape[-2] < q.shape[-1] else q
        n, k = tall.shape[-2:]
        if self.use_trivialization:
            if n != k:
                extra = core.randn(*tall.shape[:-1], n - k, dtype=q.dtype, device=q.device)
                self.base = _orthogonalized(core.cat([tall, extra], dim=-1))
            else:
                self.base = tall.clone() if _is_orthogonal(tall) else _orthogonalized(tall)
            return -core.eye(q.shape[-2], q.shape[-1], dtype=q.dtype, device=q.device).expand(q.shape).clone()
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                f"without trivialization a matrix cannot be assigned to the map {self.orthogonal_map!r}; "
                "use use_trivialization=True or 'householder'"
            )
        a, tau = core.geqrf(tall)
        diagonal = core.diagonal(a, dim1=-2, dim2=-1)
        signs = core.sign(diagonal) * core.where(tau == 0, -1.0, 1.0)
        a = core.diagonal_scatter(a, signs.to(a.dtype), dim1=-2, dim2=-1)
        return a if tall is q else a.mT


def _orthogonalized(a: Tensor) -> Tensor:
    x, tau = core.geqrf(a)
    return linalg.householder_product(x, tau) * core.sgn(core.diagonal(x, dim1=-2, dim2=-1)).unsqueeze(-2)


def _is_orthogonal(q: Tensor) -> bool:
    n, k = q.shape[-2:]
    identity = core.eye(k, dtype=q.dtype, device=q.device)
    tolerance = 10.0 * n * finfo(q.dtype).eps
    return bool(core.allclose(q.mH @ q, identity, atol=tolerance))


def orthogonal(
    module: Module, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Module:
    """Keep a weight orthogonal: "matrix_exp" (square), "cayley" or "householder" (the rest). Returns the module."""
    weight: Any = getattr(module, name)
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1] or weight.dtype.kind == "c"
        orthogonal_map = "matrix_exp" if square else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    return register_parametrization(module, name, _Orthogonal(weight, orthogonal_map, use_trivialization), unsafe=True)
