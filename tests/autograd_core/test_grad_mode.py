"""Grad mode: one setting per thread and per async task."""

import asyncio
import threading

import pytest

import autograd_core as ag


@pytest.fixture(autouse=True)
def recording():
    assert ag.is_grad_enabled()
    yield
    ag.set_grad_enabled(True)


@pytest.mark.parametrize("make, expected", [(ag.no_grad, False), (ag.inference_mode, False), (ag.enable_grad, True),
                                            (lambda: ag.set_grad_enabled(False), False)], ids=["no", "inference",
                                            "enable", "set"])  # fmt: skip
def test_context_managers_and_decorators(make, expected):
    with make():
        assert ag.is_grad_enabled() is expected
    assert ag.is_grad_enabled()

    @make()
    def function(x):
        """Kept."""
        return ag.is_grad_enabled(), x

    assert function(x=3) == (expected, 3)
    assert (function.__name__, function.__doc__) == ("function", "Kept.")
    assert ag.is_grad_enabled()


def test_decorators_without_parentheses():
    @ag.no_grad
    def function():
        return ag.is_grad_enabled()

    assert not function()
    assert ag.is_grad_enabled()


def test_inference_mode_can_be_left_for_a_while():
    @ag.inference_mode
    def modes():
        before = ag.is_grad_enabled()
        with ag.inference_mode(mode=False):
            return before, ag.is_grad_enabled()

    assert modes() == (False, True)


def test_a_decorated_generator_changes_the_mode_only_while_it_runs():
    @ag.no_grad()
    def numbers():
        seen = [ag.is_grad_enabled()]
        try:
            seen.append((yield 1))
            yield 2
        except KeyError:
            seen.append(ag.is_grad_enabled())
        try:
            yield 3
        finally:
            seen.append(ag.is_grad_enabled())
            closed.extend(seen)
        return "end"

    closed = []
    for generator, finish in ((numbers(), lambda g: g.close()), (numbers(), lambda g: next(g, None))):
        assert next(generator) == 1
        assert generator.send("sent") == 2
        assert ag.is_grad_enabled()
        assert generator.throw(KeyError()) == 3
        finish(generator)
        assert closed == [False, "sent", False, False]
        assert ag.is_grad_enabled()
        closed.clear()


def test_nesting_and_reuse():
    mode = ag.no_grad()
    with mode:
        with ag.enable_grad():
            assert ag.is_grad_enabled()
            with mode:
                assert not ag.is_grad_enabled()
            assert ag.is_grad_enabled()
        assert not ag.is_grad_enabled()
    assert ag.is_grad_enabled()


def test_exceptions_restore_the_mode():
    with pytest.raises(ZeroDivisionError), ag.no_grad():
        1 / 0
    assert ag.is_grad_enabled()


def test_as_a_function_it_lasts():
    ag.set_grad_enabled(False)
    assert not ag.is_grad_enabled()
    with ag.set_grad_enabled(True):
        assert ag.is_grad_enabled()
    assert not ag.is_grad_enabled()


def test_nothing_is_recorded():
    x = ag.ones(2, requires_grad=True)
    with ag.no_grad():
        y = x * 2
        assert (y.requires_grad, y.is_leaf) == (False, True)
        assert ag.ones(1, requires_grad=True).requires_grad
        with ag.enable_grad():
            assert (x * 2).requires_grad
    assert x.requires_grad


def test_threads_start_recording_and_do_not_disturb_each_other():
    seen = []
    with ag.no_grad():
        thread = threading.Thread(target=lambda: seen.append(ag.is_grad_enabled()))
        thread.start()
        thread.join()
        assert not ag.is_grad_enabled()
    assert seen == [True]


def test_async_tasks_have_modes_of_their_own():
    async def silent(log):
        with ag.no_grad():
            await asyncio.sleep(0)
            log.append(("silent", ag.is_grad_enabled()))
            await asyncio.sleep(0)

    async def recorded(log):
        for _ in range(3):
            log.append(("recorded", ag.is_grad_enabled()))
            await asyncio.sleep(0)

    async def both():
        log = []
        await asyncio.gather(silent(log), recorded(log))
        return set(log)

    assert asyncio.run(both()) == {("silent", False), ("recorded", True)}
