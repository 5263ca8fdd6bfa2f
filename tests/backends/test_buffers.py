from hypothesis import given, settings
from hypothesis import strategies as st

from backends import buffers


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4)), max_size=30))
@settings(max_examples=100, deadline=None)
def test_memory_that_somebody_refers_to_is_never_handed_out(steps):
    held = {}
    for number, (name, rows) in enumerate(steps):
        array = buffers.empty((rows, 1 << 15))
        array[...] = number
        # Of the array itself nothing is left but a view on it.
        held[name] = array[-1:].T[::2], number
        del array
        for view, written in held.values():
            assert (view == written).all()
    assert buffers.pool.held <= buffers.LIMIT


def test_arrays_made_of_an_owner_do_not_give_its_memory_away():
    array = buffers.empty((1 << 15,))
    array[...] = 1
    for make in (
        lambda owner: owner[:10],
        lambda owner: owner.view(),
        lambda owner: owner.copy(),
        lambda owner: owner + 1,
    ):
        made = make(array.base)
        del made
        buffers.empty((1 << 15,))[...] = 2
        assert (array == 1).all()


def test_memory_is_used_again_and_bounded(monkeypatch):
    array = buffers.empty((3, 1 << 16))
    assert buffers.address(array) % buffers.ALIGNMENT == 0
    where = buffers.address(array)
    del array
    array = buffers.empty((3, 1 << 16))
    assert buffers.address(array) == where
    monkeypatch.setattr(buffers.pool, "limit", 1 << 20)
    rest = [buffers.empty((1, 1 << 17)) for _ in range(6)]
    del array, rest
    assert buffers.pool.held <= 1 << 20
    assert buffers.pool.held == sum(size * len(free) for size, free in buffers.pool.free.items())
