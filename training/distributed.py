"""Distributed SGD: every node computes gradients on its share of the examples, and all step by the average."""

from __future__ import annotations

import threading
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core import Tensor, no_grad
from training.datasets import Dataset, Subset
from training.extras import require

BUCKET = 2**22  # bytes of a message: many small ones cost their latency, one large one a copy of everything


class Communicator(ABC):
    """A node's view of a group of nodes that all do the same: its `rank`, from 0 on, and their number, `size`."""

    rank: int
    size: int

    @abstractmethod
    def add(self, array: np.ndarray[Any, Any]) -> None:
        """Replace an array of the host, on every node, by the sum of all nodes' arrays of that shape and dtype."""


class MPICommunicator(Communicator):
    """The processes that `mpiexec` started, or those of another communicator of mpi4py."""

    def __init__(self, comm: Any = None) -> None:
        self._mpi = require("mpi4py.MPI", "MPICommunicator", "distributed")
        self._comm = self._mpi.COMM_WORLD if comm is None else comm
        self.rank, self.size = self._comm.rank, self._comm.size

    def add(self, array: np.ndarray[Any, Any]) -> None:
        self._comm.Allreduce(self._mpi.IN_PLACE, array)


class ThreadCommunicator(Communicator):
    """One thread of several in this process; made by `on_threads`."""

    def __init__(self, rank: int, arrays: list[Any], barrier: threading.Barrier) -> None:
        self.rank, self.size = rank, len(arrays)
        self._arrays, self._barrier = arrays, barrier

    def add(self, array: np.ndarray[Any, Any]) -> None:
        self._arrays[self.rank] = array
        self._barrier.wait()  # all arrays are there
        total = sum(self._arrays[1:], self._arrays[0])
        self._barrier.wait()  # nobody reads them any more
        array[...] = total


def on_threads(function: Callable[[Communicator], Any], size: int) -> list[Any]:
    """function(communicator) on so many threads, as the nodes of one group; their results by rank.

    What one of them raises ends the others, and is raised here.
    """
    barrier, arrays = threading.Barrier(size), [None] * size

    def node(rank: int) -> Any:
        try:
            return function(ThreadCommunicator(rank, arrays, barrier))
        except BaseException:
            barrier.abort()
            raise

    with ThreadPoolExecutor(size) as pool:
        runs = [pool.submit(node, rank) for rank in range(size)]
    errors = [e for run in runs if (e := run.exception()) is not None]
    if errors:
        raise next((e for e in errors if not isinstance(e, threading.BrokenBarrierError)), errors[0])
    return [run.result() for run in runs]


def shard(dataset: Dataset, communicator: Communicator) -> Subset:
    """A node's share of a data set: every `size`-th example, as many on every node; what is left over is left out."""
    n = len(dataset)
    return Subset(dataset, ag.arange(communicator.rank, n - n % communicator.size, communicator.size))


@no_grad()
def broadcast(tensors: Iterable[Tensor], communicator: Communicator) -> None:
    """Give tensors, such as the parameters and buffers of a model, the values that they have on node 0.

    Raises ValueError on nodes whose tensors differ in number, shape or dtype.
    """
    tensors = list(tensors)
    kinds = np.array([zlib.crc32(repr([(t.shape, str(t.dtype)) for t in tensors]).encode())], np.int64)
    total = kinds.copy()
    communicator.add(total)
    if (total != communicator.size * kinds).any():
        raise ValueError(f"broadcast(): node {communicator.rank} has other tensors than the rest; build the same model")
    for bucket in _buckets(tensors):
        flat = _flat(bucket)
        if communicator.rank:
            flat[...] = 0
        communicator.add(flat)
        _write(bucket, flat)


@no_grad()
def average_gradients(parameters: Iterable[Tensor], communicator: Communicator, bucket_bytes: int = BUCKET) -> None:
    """Replace every gradient by its mean over all nodes, in messages of about `bucket_bytes`.

    Where some nodes have no gradient of a parameter, theirs count as 0; where none has one, there is none.
    """
    parameters = list(parameters)
    present = np.array([p.grad is not None for p in parameters], np.int64)
    communicator.add(present)
    gradients = []
    for p, count in zip(parameters, present, strict=True):
        if count:
            p.grad = ag.zeros_like(p) if p.grad is None else p.grad
            gradients.append(p.grad)
    for bucket in _buckets(gradients, bucket_bytes):
        flat = _flat(bucket)
        communicator.add(flat)
        flat /= communicator.size
        _write(bucket, flat)


class DistributedOptimizer:
    """Around any optimizer: a step averages the gradients of all nodes first, so that all nodes stay alike.

    Every node computes the mean loss over its own share of a batch; shares of equal size make the steps those of one
    node with the whole batch. Parameters start as those of node 0. Buffers, such as running statistics, stay each
    node's own: `broadcast(model.buffers(), communicator)` before evaluating.
    """

    def __init__(self, optimizer: Any, communicator: Communicator, bucket_bytes: int = BUCKET) -> None:
        self.optimizer, self.communicator, self.bucket_bytes = optimizer, communicator, bucket_bytes
        broadcast(self._parameters(), communicator)

    def _parameters(self) -> Iterator[Tensor]:
        return (p for group in self.param_groups for p in group["params"])

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Those of the optimizer."""
        return self.optimizer.param_groups  # type: ignore[no-any-return]  # an optimizer's are dicts

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or set them to zero."""
        self.optimizer.zero_grad(set_to_none)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Average the gradients, those that `closure` computes if there is one, and let the optimizer step."""
        if closure is not None:
            return self.optimizer.step(lambda: self._averaged(closure()))
        average_gradients(self._parameters(), self.communicator, self.bucket_bytes)
        return self.optimizer.step()

    def _averaged(self, loss: Any) -> Any:
        """The mean loss, so that line searches decide alike on all nodes."""
        average_gradients(self._parameters(), self.communicator, self.bucket_bytes)
        mean = np.array([float(loss)])
        self.communicator.add(mean)
        return ag.tensor(mean[0] / self.communicator.size)

    def state_dict(self) -> dict[str, Any]:
        """That of the optimizer."""
        return self.optimizer.state_dict()  # type: ignore[no-any-return]  # an optimizer's is a dict

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from a saved state of the optimizer."""
        self.optimizer.load_state_dict(state_dict)


def _buckets(tensors: Sequence[Tensor], limit: int = BUCKET) -> Iterator[list[Tensor]]:
    """Neighbours of one dtype, together about as large as the limit."""
    bucket: list[Tensor] = []
    size = 0
    for t in tensors:
        if bucket and (t.dtype != bucket[0].dtype or size + t.numel() * t.dtype.itemsize > limit):
            yield bucket
            bucket, size = [], 0
        bucket.append(t)
        size += t.numel() * t.dtype.itemsize
    if bucket:
        yield bucket


def _flat(tensors: Sequence[Tensor]) -> np.ndarray[Any, Any]:
    """All elements in a new array of the host; 16-bit floats, of which MPI knows none, in 32 bits."""
    flat = ag.cat([t.detach().reshape(-1).cpu() for t in tensors])
    wide = flat.float() if flat.is_floating_point() and flat.dtype.itemsize < 4 else flat
    return np.array(wide.numpy())


def _write(tensors: Sequence[Tensor], flat: np.ndarray[Any, Any]) -> None:
    parts = ag.split(ag.tensor(flat), [t.numel() for t in tensors])
    for t, part in zip(tensors, parts, strict=True):
        t.copy_(part.reshape(t.shape).to(device=t.device))
