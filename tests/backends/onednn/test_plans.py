import gc
import os
import signal
import threading
import weakref
from contextlib import suppress

import numpy as np
import pytest

from backends import buffers, threads
from backends.geometry import Geometry, Window
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


class Dying:
    def __init__(self, last):
        self.last, self.itself = last, self

    def __del__(self):
        self.last()


def in_finalizer(compute, _monkeypatch):
    Dying(compute)
    gc.collect()


def in_collection(compute, monkeypatch):
    with monkeypatch.context() as m:
        m.setattr(gc, "callbacks", [lambda *_: compute()])
        gc.collect()


def in_handler(compute, monkeypatch):
    before = signal.signal(signal.SIGUSR1, lambda *_: compute())
    try:
        signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("interrupt", [in_finalizer, in_collection, in_handler])
@pytest.mark.parametrize("place", ["address", "set_handle"])
@pytest.mark.parametrize("call", range(9))
@pytest.mark.parametrize("kernel", ["convolve", "convolve_weight", "silu_gradient", "max_of_windows", "adam_step"])
def test_what_computes_in_the_middle_of_a_run_changes_nothing(kernels, monkeypatch, kernel, call, place, interrupt):
    images = operands()[0]
    window = Window((2, 2), (2, 2), (0, 0), (1, 1))
    options = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "step": 1}
    compute = {
        "convolve": lambda sign: kernels.convolve(sign * images, sign * operands()[1], STEPS),
        "convolve_weight": lambda sign: kernels.convolve_weight(images, sign * images, (16, 16, 3, 3), STEPS),
        "silu_gradient": lambda sign: kernels.silu_gradient(images, sign * images),
        "max_of_windows": lambda sign: kernels.max_of_windows(images / (sign > 0), window, False)[0],
        "adam_step": lambda sign: stepped(kernels, sign, options),
    }[kernel]
    with np.errstate(divide="ignore"):
        expected, other, count, nested = compute(1), compute(-1), 0, []

    def interrupted(*arguments):
        nonlocal count
        count += 1
        if count == call + 1:
            interrupt(lambda: nested.append(compute(-1)), monkeypatch)
        return original(*arguments)

    targets = [plans] if place == "address" else [p for p in plans.state.plans.values() if hasattr(p, place)]
    original = getattr(targets[0], place)
    with monkeypatch.context() as m, np.errstate(divide="ignore"):
        for target in targets:
            m.setattr(target, place, interrupted)
        np.testing.assert_array_equal(compute(1), expected)
        np.testing.assert_array_equal(compute(1), expected)
    for found in nested:
        np.testing.assert_array_equal(found, other)


def stepped(kernels, sign, options):
    p, g, m, v = (np.full(1 << 15, value, np.float32) for value in (sign, 3, sign, 2))
    kernels.adam_step(p, g, m, v, **options)
    return p


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
