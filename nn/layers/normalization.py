"""Batch normalisation layers."""

import copy
from collections.abc import Callable
from typing import Any

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.errors import OperandError
from nn import functional as F
from nn import init
from nn.layers.affine import Affine
from nn.module import Module


class _NormBase(Affine):
    """Base of layers that can keep running statistics; ndims: the numbers of axes that they take."""

    _unnamed = ("num_features",)
    _shown: tuple[str, ...] = ("eps", "momentum", "affine", "bias", "track_running_stats")
    ndims: tuple[int, ...]
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    # PyTorch has counted batches since version 0.4.1; some files lack the count.
    _optional_keys, _version = ("num_batches_tracked",), 2

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        place = {"device": device, "dtype": dtype}
        self._affine(num_features, affine, affine and bias, device, dtype)
        tracked = track_running_stats
        self.register_buffer("running_mean", core.zeros(num_features, **place) if tracked else None)
        self.register_buffer("running_var", core.ones(num_features, **place) if tracked else None)
        self.register_buffer("num_batches_tracked", core.tensor(0, device=device) if tracked else None)

    def reset_running_stats(self) -> None:
        """Reset the running statistics."""
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            init.zeros_(self.num_batches_tracked)

    def reset_parameters(self) -> None:
        """Reset the running statistics, weight to 1 and bias to 0."""
        self.reset_running_stats()
        super().reset_parameters()

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim not in self.ndims:
            expected = " or ".join(f"{n}D" for n in self.ndims)
            raise ValueError(
                f"expected {expected} input (got {input.ndim}D input): {type(self).__name__} cannot take {input.shape}"
            )


class _BatchNorm(_NormBase):
    """Base of batch normalisations of every rank.

    (x - mean) / √(variance + eps), times weight plus bias (num_features) with `affine` (Ioffe and Szegedy 2015).
    Training uses the statistics of the batch and updates the running ones with `momentum` (None: cumulative average).
    Evaluation uses the running ones or, without `track_running_stats`, those of the batch.
    """

    averages_batches = True  # if momentum is None, which `optim.swa_utils.update_bn` makes use of

    def forward(self, input: Tensor) -> Tensor:
        return self.normalized(input, F.batch_norm)

    def normalized(self, input: Tensor, by: Callable[..., Tensor]) -> Tensor:
        """`by`, with the signature of `functional.batch_norm`, applied to the input with this layer's arguments."""
        self._check(input)
        momentum: Any = self.momentum or 0.0
        moves = self.training and self.track_running_stats  # which programs may change
        if moves and self.num_batches_tracked is not None and self.momentum is None:
            momentum = 1.0 / (
                self.num_batches_tracked.to(self.running_mean) + 1.0
            )  # not read: that would wait for a GPU
        by_batch = self.training or self.running_mean is None
        mean, variance = (None, None) if by_batch and not moves else (self.running_mean, self.running_var)
        counted = self.num_batches_tracked if moves else None
        return by(
            input, mean, variance, self.weight, self.bias, by_batch, momentum, self.eps, num_batches_tracked=counted
        )

    def _check(self, input: Tensor) -> None:
        self._check_input_dim(input)
        if input.shape[1] != self.num_features:
            raise OperandError(
                f"{type(self).__name__}({self.num_features}) takes {self.num_features} channels; "
                f"input of shape {input.shape} has {input.shape[1]}"
            )


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L), channel by channel."""

    ndims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of (N, C, H, W), channel by channel."""

    ndims = (4,)


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of (N, C, D, H, W), channel by channel."""

    ndims = (5,)


class SyncBatchNorm(_BatchNorm):
    """Batch normalisation of (N, C, ...) whose statistics are those of this process, under PyTorch's name."""

    ndims = (2, 3, 4, 5)

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype)

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """Replace batch normalisations in a module by layers of this class with the same state; returns the module."""
        if isinstance(module, BatchNorm1d | BatchNorm2d | BatchNorm3d):
            converted: Any = copy.copy(module)
            converted.__class__ = cls
            return converted
        for name, child in module.named_children():
            setattr(module, name, cls.convert_sync_batchnorm(child))
        return module
