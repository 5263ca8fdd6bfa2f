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

BUCKET = 2**22  # bytes per message: many small ones cost latency, one large one a copy of everything


class Communicator(ABC):
    """A node's view of a group of nodes: its `rank`, starting at 0, and the number of nodes, `size`."""

    rank: int
    size: int

    @abstractmethod
    def add(self, array: np.ndarray[Any, Any]) -> None:
        """Replace a host array on every node by the sum over all nodes, whose arrays have the same shape and dtype."""


class MPICommunicator(Communicator):
    """The processes started by `mpiexec`, or those of another mpi4py communicator."""

    def __init__(self, comm: Any = None) -> None:
        self._mpi = require("mpi4py.MPI", "MPICommunicator", "distributed")
        self._comm = self._mpi.COMM_WORLD if comm is None else comm
        self.rank, self.size = self._comm.rank, self._comm.size

    def add(self, array: np.ndarray[Any, Any]) -> None:
        self._comm.Allreduce(self._mpi.IN_PLACE, array)


class ThreadCommunicator(Communicator):
    """One of several threads in this process; created by `on_threads`."""

    def __init__(self, rank: int, arrays: list[Any], barrier: threading.Barrier) -> None:
        self.rank, self.size = rank, len(arrays)
        self._arrays, self._barrier = arrays, barrier

    def add(self, array: np.ndarray[Any, Any]) -> None:
        self._arrays[self.rank] = array
        self._barrier.wait()  # all arrays have arrived
        total = sum(self._arrays[1:], self._arrays[0])
        self._barrier.wait()  # all threads have read them
        array[...] = total


def on_threads(function: Callable[[Communicator], Any], size: int) -> list[Any]:
    """Run function(communicator) on several threads as the nodes of a group; returns the results by rank.

    An exception in one thread ends the others and is raised here.
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
    """A node's share of a data set: every `size`-th example, equally many on every node; the remainder is dropped."""
    n = len(dataset)
    return Subset(dataset, range(communicator.rank, n - n % communicator.size, communicator.size))


@no_grad()
def broadcast(tensors: Iterable[Tensor], communicator: Communicator) -> None:
    """Set tensors, such as the parameters and buffers of a model, to their values on node 0.

    Raises ValueError on nodes whose tensors differ in number, shape or dtype.
    """
    tensors = list(tensors)
    kinds = np.array([zlib.crc32(repr([(t.shape, t.dtype.name) for t in tensors]).encode())], np.int64)
    total = kinds.copy()
    communicator.add(total)
    if (total != communicator.size * kinds).any():
        raise ValueError(f"broadcast(): node {communicator.rank} has tensors unlike node 0; build the same model")
    for bucket in _buckets(tensors):
        flat = _flat(bucket)
        if communicator.rank:
            flat[...] = 0
        communicator.add(flat)
        _write(bucket, flat)


@no_grad()
def average_gradients(parameters: Iterable[Tensor], communicator: Communicator, bucket_bytes: int = BUCKET) -> None:
    """Replace every gradient by its mean over all nodes, in messages of about `bucket_bytes`.

    A missing gradient counts as 0; if no node has a gradient for a parameter, it stays None.
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
    """Wraps any optimizer: a step first averages the gradients of all nodes, so that their parameters stay equal.

    Every node computes the mean loss over its share of a batch; with shares of equal size the steps equal those of one
    node with the whole batch. Parameters start with the values of node 0. Buffers, such as running statistics, are not
    synchronised: call `broadcast(model.buffers(), communicator)` before evaluating.
    """

    def __init__(self, optimizer: Any, communicator: Communicator, bucket_bytes: int = BUCKET) -> None:
        self.optimizer, self.communicator, self.bucket_bytes = optimizer, communicator, bucket_bytes
        broadcast(self._parameters(), communicator)

    def _parameters(self) -> Iterator[Tensor]:
        return (p for group in self.param_groups for p in group["params"])

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of the wrapped optimizer."""
        return self.optimizer.param_groups

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set the gradients to None, or to zero."""
        self.optimizer.zero_grad(set_to_none)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Average the gradients, computed by `closure` if given, and step."""
        if closure is not None:
            return self.optimizer.step(lambda: self._averaged(closure()))
        average_gradients(self._parameters(), self.communicator, self.bucket_bytes)
        return self.optimizer.step()

    def _averaged(self, loss: Any) -> Any:
        """The mean loss, so that line searches make the same decisions on all nodes."""
        average_gradients(self._parameters(), self.communicator, self.bucket_bytes)
        mean = np.array([float(loss)])
        self.communicator.add(mean)
        return ag.tensor(mean[0] / self.communicator.size)

    def state_dict(self) -> dict[str, Any]:
        """The state of the wrapped optimizer."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from a saved state of the optimizer."""
        self.optimizer.load_state_dict(state_dict)


def _buckets(tensors: Sequence[Tensor], limit: int = BUCKET) -> Iterator[list[Tensor]]:
    """Runs of tensors of one dtype, each about as large as the limit."""
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
    """All elements in a new host array; 16-bit floats, which MPI lacks, as float32."""
    flat = ag.cat([t.detach().reshape(-1).cpu() for t in tensors])
    wide = flat.float() if flat.is_floating_point() and flat.dtype.itemsize < 4 else flat
    return np.array(wide.numpy())


def _write(tensors: Sequence[Tensor], flat: np.ndarray[Any, Any]) -> None:
    parts = ag.split(ag.tensor(flat), [t.numel() for t in tensors])
    for t, part in zip(tensors, parts, strict=True):
        t.copy_(part.reshape(t.shape).to(device=t.device))
