import sys

import pytest

import autograd_core as ag
from autograd_core.errors import InplaceError


def test_a_storage_holds_all_elements_of_which_a_view_shows_some():
    x = ag.arange(6.0).reshape(2, 3)
    held = x[1].storage()
    assert (len(held), held.nbytes(), held.element_size(), held.dtype) == (6, 24, 4, ag.float32)
    assert (held.tolist(), [*held], held[4], held[1:3].tolist()) == ([*range(6)], [*range(6)], 4.0, [1.0, 2.0])
    assert repr(held[:2]) == " 0.0\n 1.0\n[Storage of 2 float32 on cpu]"
    assert held.data_ptr() == x.T.untyped_storage().data_ptr() == x.data_ptr() != x.clone().storage().data_ptr()


@pytest.mark.parametrize("x, size", [
    (ag.tensor(3.0), 4), (ag.zeros(0, 3), 0), (ag.ones(3, dtype=ag.bfloat16), 6), (ag.tensor([True, False]), 2),
    (ag.ones(2, 3, dtype=ag.complex64), 48), (ag.ones(2, 3, 4, 4).contiguous(memory_format=ag.channels_last), 384),
    (ag.ones(1).expand(5), 4), (ag.ones(100_000)[::2], 400_000),
])  # fmt: skip
def test_an_untyped_storage_counts_bytes(x, size):
    held = x.untyped_storage()
    assert (held.nbytes(), held.size(), len(held), held.dtype) == (size, size, size, ag.uint8)
    assert sys.getsizeof(held) >= size


def test_writing_a_storage_changes_every_view_and_makes_graphs_stale():
    x = ag.zeros(2, requires_grad=True)
    y = x + 1
    z = y * y
    y.storage()[0] = 7.0
    assert y.tolist() == [7.0, 1.0]
    with pytest.raises(InplaceError):
        z.sum().backward()
