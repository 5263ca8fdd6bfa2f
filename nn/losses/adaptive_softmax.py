"""Softmax over many classes of very different frequency (Grave et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from autograd_core import Tensor
from autograd_core import functional as core
from nn import functional as F
from nn.containers import ModuleList, Sequential
from nn.layers.linear import Linear
from nn.module import Module


class LogProbability(NamedTuple):
    """What `AdaptiveLogSoftmaxWithLoss` returns: the log-probability of each target, and their negative mean."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """Classes ordered by decreasing frequency, in clusters that begin at `cutoffs`; rare clusters get smaller layers.

    The head scores the classes of the first cluster and the other clusters; cluster i goes through in_features /
    div_value^(i + 1) features.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        rising = cutoffs == sorted(set(cutoffs)) and cutoffs[0] > 0 and cutoffs[-1] <= n_classes - 1
        if not rising or any(int(c) != c for c in cutoffs):
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each "
                f"value is between 1 and n_classes-1, not {cutoffs}"
            )
        self.in_features, self.n_classes, self.div_value, self.head_bias = in_features, n_classes, div_value, head_bias
        self.cutoffs = [*cutoffs, n_classes]
        self.shortlist_size, self.n_clusters = cutoffs[0], len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, device, dtype)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            width = int(in_features // div_value ** (i + 1))
            classes = self.cutoffs[i + 1] - self.cutoffs[i]
            place = {"bias": False, "device": device, "dtype": dtype}
            self.tail.append(Sequential(Linear(in_features, width, **place), Linear(width, classes, **place)))

    def reset_parameters(self) -> None:
        """Reinitialise all weights."""
        self.head.reset_parameters()
        for pair in self.tail:
            for layer in pair:  # type: ignore[attr-defined]  # a Sequential
                layer.reset_parameters()

    def forward(self, input: Tensor, target: Tensor) -> LogProbability:
        """(N, in_features) and classes (N), or one sample without N."""
        if input.ndim != target.ndim + 1 or target.ndim > 1 or input.shape[:-1] != target.shape:
            raise RuntimeError(f"input (N, in_features) and target (N) do not match: {input.shape}, {target.shape}")
        if target.numel() and not 0 <= int(target.min()) <= int(target.max()) < self.n_classes:
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{int(target.min())}, {int(target.max())}] were found. "
            )
        rows, classes = (input, target) if target.ndim else (input.unsqueeze(0), target.unsqueeze(0))
        head = F.log_softmax(self.head(rows), dim=1)
        cluster = core.bucketize(classes, core.tensor(self.cutoffs[:-1], device=classes.device), right=True)
        columns = core.where(cluster == 0, classes, self.shortlist_size + cluster - 1)
        output = core.gather(head, 1, columns.unsqueeze(1)).squeeze(1)
        for i, layers in enumerate(self.tail):
            of_it = core.nonzero(cluster == i + 1)[:, 0]
            if of_it.numel():
                within = F.log_softmax(layers(rows[of_it]), dim=1)
                places = (classes[of_it] - self.cutoffs[i]).unsqueeze(1)
                output = output.scatter_add(0, of_it, core.gather(within, 1, places).squeeze(1))
        return LogProbability(output if target.ndim else output.squeeze(0), -output.mean())

    def log_prob(self, input: Tensor) -> Tensor:
        """Log-probabilities of all classes: (N, in_features) to (N, n_classes)."""
        head = F.log_softmax(self.head(input), dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i, layers in enumerate(self.tail):
            parts.append(F.log_softmax(layers(input), dim=1) + head[:, self.shortlist_size + i].unsqueeze(1))
        return core.cat(parts, dim=1)

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each sample: (N, in_features) to (N)."""
        return core.argmax(self.log_prob(input), dim=1)
