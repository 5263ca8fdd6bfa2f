import gc
import os
import threading
import weakref
from contextlib import suppress

import numpy as np
import pytest

from backends import buffers, threads
from backends.geometry import Geometry
from backends.onednn import Unsupported, plans

STEPS = Geometry((1, 1), (1, 1), (1, 1), 1)


def operands(images=2):
    rng = np.random.default_rng(0)
    return rng.standard_normal((images, 16, 8, 8), np.float32), rng.standard_normal((16, 16, 3, 3), np.float32)


def test_a_plan_is_made_once(kernels):
    plans.state.plans.clear()
    for _ in range(3):
        kernels.convolve(*operands(), STEPS)
        made = len(plans.state.plans)
    assert made == len(plans.state.plans) > 0


def test_the_plans_not_used_for_longest_make_room(kernels, monkeypatch):
    monkeypatch.setattr(plans, "CAPACITY", 8)
    plans.state.plans.clear()
    first = kernels.convolve(*operands(1), STEPS)
    for images in range(2, 12):
        kernels.convolve(*operands(images), STEPS)
        np.testing.assert_array_equal(kernels.convolve(*operands(1), STEPS), first)
        assert len(plans.state.plans) <= 8
    assert any(key[1][0] == (1, 16, 8, 8) for key in plans.state.plans)


def test_what_is_unsupported_keeps_no_operands(kernels):
    @plans.planned
    def missing(_workshop, size):
        raise Unsupported(size)

    def compute(operand):
        try:
            missing(1)
        except Unsupported:
            missing(2)

    operand = np.zeros(3)
    alive = weakref.ref(operand)
    with suppress(Unsupported):
        compute(operand)
    del operand
    assert alive() is None


def test_threads_have_plans_of_their_own(kernels):
    x, w = operands()
    expected, right = kernels.convolve(x, w, STEPS), []

    def work():
        right.extend(np.array_equal(kernels.convolve(x, w, STEPS), expected) for _ in range(20))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert right == [True] * 80


@pytest.mark.parametrize("call", range(6))
def test_finalizers_have_plans_of_their_own(kernels, monkeypatch, call):
    x, w = operands()
    expected, address, calls = kernels.convolve(x, w, STEPS), plans.address, []

    class Dying:
        def __del__(self):
            kernels.convolve(-x, 2 * w, STEPS)

    def collecting(array):
        where = address(array)
        calls.append(where)
        if len(calls) == call + 1:
            last = Dying()
            last.itself = last
            del last
            gc.collect()
        return where

    monkeypatch.setattr(plans, "address", collecting)
    np.testing.assert_array_equal(kernels.convolve(x, w, STEPS), expected)


def test_an_interrupted_run_leaves_no_trace(kernels, monkeypatch):
    plans.state.plans.clear()
    x, w = operands()
    expected = kernels.convolve(x, w, STEPS)
    *_, plan = plans.state.plans.values()  # the one that reads x
    set_handle = plan.set_handle

    def interrupted(memory, where):
        set_handle(memory, where)
        raise KeyboardInterrupt

    monkeypatch.setattr(plan, "set_handle", interrupted)
    with pytest.raises(KeyboardInterrupt):
        kernels.convolve(-x, w, STEPS)
    monkeypatch.undo()
    np.testing.assert_array_equal(kernels.convolve(x, w, STEPS), expected)


def test_a_forked_child_computes_and_so_does_its_parent_afterwards(kernels):
    x, w = operands(64)
    expected = kernels.convolve(x, w, STEPS)
    child = os.fork()
    if not child:
        os._exit(0 if np.array_equal(kernels.convolve(x, w, STEPS), expected) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    np.testing.assert_array_equal(kernels.convolve(x, w, STEPS), expected)


def test_the_number_of_threads_may_change(kernels):
    before = threads.get_num_threads()
    x, w = operands(8)
    try:
        results = []
        for count in (1, 2, 1):
            threads.set_num_threads(count)
            results.append(kernels.convolve(x, w, STEPS))
            assert plans.state.setting == plans.changes.count
    finally:
        threads.set_num_threads(before)
    np.testing.assert_array_equal(results[0], results[2])
    np.testing.assert_allclose(results[0], results[1], atol=1e-4)


def test_a_gradient_in_such_memory_is_not_copied_as_a_view_would_be():
    import autograd_core as ag

    x, w = ag.ones(64, 512), ag.ones(512, 512, requires_grad=True)
    (x @ w).sum().backward()
    assert type(w.grad.array.base) is buffers._Owner
