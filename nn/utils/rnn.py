"""Sequences of different lengths in one tensor: padded to the longest, or packed step by step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, overload

from autograd_core import Tensor
from autograd_core import functional as core


class _Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Packed):
    """Sequences in order of decreasing length, step by step and without padding: data (total steps, ...).

    batch_sizes: the number of sequences at each step. sorted_indices: the batch index of each packed sequence;
    unsorted_indices: the inverse.
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Tensor,
        batch_sizes: Tensor,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        if unsorted_indices is None and sorted_indices is not None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """A copy with the data moved or converted; itself if there is nothing to do."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        order = [i if i is None else i.to(data.device) for i in (self.sorted_indices, self.unsorted_indices)]
        return PackedSequence(data, self.batch_sizes, *order)

    @property
    def is_cuda(self) -> bool:
        """Whether the data lie on a GPU."""
        return self.data.is_cuda

    def cpu(self) -> PackedSequence:
        """A copy on the CPU."""
        return self.to("cpu")

    def cuda(self) -> PackedSequence:
        """A copy on the current GPU."""
        return self.to("cuda")

    def pin_memory(self) -> PackedSequence:
        """A copy with the data in pinned memory."""
        return self._replace(data=self.data.pin_memory())

    def is_pinned(self) -> bool:
        """Whether the data lie in pinned memory."""
        return self.data.is_pinned()

    def double(self) -> PackedSequence:
        """A copy in float64."""
        return self.to(dtype="float64")

    def float(self) -> PackedSequence:
        """A copy in float32."""
        return self.to(dtype="float32")

    def half(self) -> PackedSequence:
        """A copy in float16."""
        return self.to(dtype="float16")

    def bfloat16(self) -> PackedSequence:
        """A copy in bfloat16."""
        return self.to(dtype="bfloat16")

    def long(self) -> PackedSequence:
        """A copy in int64."""
        return self.to(dtype="int64")

    def int(self) -> PackedSequence:
        """A copy in int32."""
        return self.to(dtype="int32")

    def short(self) -> PackedSequence:
        """A copy in int16."""
        return self.to(dtype="int16")

    def char(self) -> PackedSequence:
        """A copy in int8."""
        return self.to(dtype="int8")

    def byte(self) -> PackedSequence:
        """A copy in uint8."""
        return self.to(dtype="uint8")


@overload
def invert_permutation(permutation: Tensor) -> Tensor: ...
@overload
def invert_permutation(permutation: None) -> None: ...
def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The inverse permutation."""
    return None if permutation is None else core.argsort(permutation)


def pack_padded_sequence(
    input: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack (L, N, ...), or (N, L, ...) with batch_first, of sequences of these lengths.

    enforce_sorted: require lengths in decreasing order, and reorder nothing.
    """
    sizes = [int(n) for n in (lengths.tolist() if isinstance(lengths, Tensor) else lengths)]
    order = sorted(range(len(sizes)), key=lambda i: -sizes[i]) if not enforce_sorted else list(range(len(sizes)))
    sizes = [sizes[i] for i in order]
    _check_lengths(sizes, input, batch_first)
    batch_sizes = [sum(n > t for n in sizes) for t in range(sizes[0])]
    rows = _rows(batch_sizes, order, input.shape[1], batch_first)
    data = core.index_select(core.flatten(input, 0, 1), 0, core.tensor(rows, device=input.device))
    indices = None if enforce_sorted else core.tensor(order, device=input.device)
    return PackedSequence(data, core.tensor(batch_sizes), indices)


def _rows(batch_sizes: list[int], order: list[int], length: int, batch_first: bool) -> list[int]:
    """Where the packed steps are in a padded batch with its first two axes merged, the second of this length."""
    of_step, of_sequence = (1, length) if batch_first else (length, 1)
    return [t * of_step + i * of_sequence for t, count in enumerate(batch_sizes) for i in order[:count]]


def _check_lengths(sizes: list[int], input: Tensor, batch_first: bool) -> None:
    steps, n = input.shape[1::-1] if batch_first else input.shape[:2]
    if len(sizes) != n:
        raise RuntimeError(f"{len(sizes)} lengths were given for a batch of {n}")
    if sizes != sorted(sizes, reverse=True):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            f"`enforce_sorted=False` to pack_padded_sequence to sidestep this requirement. lengths: {sizes}"
        )
    if not sizes or sizes[-1] <= 0:
        raise RuntimeError(f"Length of all samples has to be greater than 0, but lengths are {sizes}")
    if sizes[0] > steps:
        raise RuntimeError(f"the longest sequence has {sizes[0]} steps, but the input only {steps}")


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """The padded batch (L, N, ...), or (N, L, ...), in its original order, and the lengths."""
    sizes = sequence.batch_sizes.tolist()
    length, n = len(sizes) if total_length is None else total_length, sizes[0]
    if length < len(sizes):
        raise ValueError(
            f"Expected total_length to be at least the length of the longest sequence in input, but got "
            f"total_length={total_length} and max sequence length being {len(sizes)}"
        )
    data, inverse = sequence.data, sequence.unsorted_indices
    order = list(range(n)) if inverse is None else invert_permutation(inverse).tolist()
    shape = (n, length) if batch_first else (length, n)
    rows = core.tensor(_rows(sizes, order, shape[1], batch_first), device=data.device)
    padding = core.full((n * length, *data.shape[1:]), padding_value, dtype=data.dtype, device=data.device)
    padded = core.reshape(core.index_copy(padding, 0, rows, data), (*shape, *data.shape[1:]))
    lengths = core.tensor([sum(size > i for size in sizes) for i in range(n)])
    return padded, lengths if inverse is None else lengths[inverse.cpu()]


def pad_sequence(
    sequences: Iterable[Tensor], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Sequences (L_i, ...) as one batch (L, N, ...), or (N, L, ...) with batch_first."""
    if padding_side not in ("left", "right"):
        raise ValueError(f"padding_side must be 'left' or 'right', not {padding_side!r}")
    sequences = tuple(sequences)
    if not sequences:
        raise RuntimeError("pad_sequence() received an empty list of sequences")
    longest = max(s.shape[0] for s in sequences)
    padded = []
    for s in sequences:
        missing = longest - s.shape[0]
        ends = (missing, 0) if padding_side == "left" else (0, missing)
        padded.append(core.pad(s, (*(0, 0) * (s.ndim - 1), *ends), value=padding_value))
    return core.stack(padded, dim=0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences (L_i, ...) of a padded batch."""
    batch = padded_sequences if batch_first else core.transpose(padded_sequences, 0, 1)
    return [row[: int(n)] for row, n in zip(core.unbind(batch), lengths.tolist(), strict=True)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences (L_i, ...)."""
    return pack_padded_sequence(pad_sequence(sequences), [s.shape[0] for s in sequences], False, enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences (L_i, ...) that were packed."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences, batch_first=True), batch_first=True)
