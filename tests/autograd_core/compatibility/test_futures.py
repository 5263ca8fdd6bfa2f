"""Values that are provided later."""

from threading import Thread

import pytest
from autograd_core.futures import Future, collect_all, wait_all

import autograd_core as ag


def test_a_value_is_waited_for_and_followed():
    first = Future[int]()
    second = first.then(lambda known: known.value() + 1)
    seen = []
    first.add_done_callback(seen.append)
    assert (first.done(), second.done(), seen) == (False, False, [])
    with pytest.raises(RuntimeError, match="no value yet"):
        first.value()
    setter = Thread(target=lambda: first.set_result(3))
    setter.start()
    assert (first.wait(), second.wait()) == (3, 4)
    setter.join()
    assert seen == [first]
    assert first.then(lambda known: known.wait() * 2).value() == 6
    assert isinstance(first, ag.Future)
    with pytest.raises(RuntimeError, match="set once"):
        first.set_result(5)


def test_an_exception_is_raised_by_whoever_waits():
    failed = Future()
    failed.set_exception(ValueError("lost"))
    followed = failed.then(lambda known: known.value())
    for future in (failed, followed, collect_all([failed])):
        with pytest.raises(ValueError, match="lost"):
            future.wait()
    assert failed.then(lambda _: 5).wait() == 5


def test_several_are_collected():
    several = [Future() for _ in range(3)]
    together = collect_all(several)
    for i, future in enumerate(reversed(several)):
        assert not together.done()
        future.set_result(i)
    assert together.wait() == several
    assert wait_all(several) == [2, 1, 0]
    assert collect_all([]).wait() == wait_all([]) == []
