import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import autograd_core as ag
from backends import threads


@pytest.fixture(autouse=True)
def two_threads():
    before = ag.get_num_threads()
    ag.set_num_threads(2)
    yield
    ag.set_num_threads(before)


def blas_threads():
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def together(_):
    """Returns only once two threads are in it."""
    meeting.wait(timeout=30)
    return threading.get_ident()


meeting = threading.Barrier(2)


def test_blocks_run_at_once_and_results_keep_their_order():
    assert len(set(threads.in_blocks(together, range(2)))) == 2
    assert threads.in_blocks(lambda i: i * i, range(100)) == [i * i for i in range(100)]
    assert threads.in_blocks(together, []) == []


def test_blas_has_one_thread_while_blocks_run_and_the_count_that_was_set_otherwise():
    assert threads.in_blocks(lambda _: blas_threads(), range(2)) == [{1}, {1}]
    assert blas_threads() == {2}
    ag.set_num_threads(1)
    assert blas_threads() == {1}


@pytest.mark.parametrize(
    ("texts", "count"),
    [
        (["150000 100000"], 2),
        (["max 100000"], 8),
        (["100000", "100000"], 1),
        (["-1", "100000"], 8),
        (["1600000 100000"], 8),
        ([], 8),
    ],
)
def test_the_count_respects_what_a_container_may_use(monkeypatch, tmp_path, texts, count):
    files = [tmp_path / str(i) for i in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text + "\n")
    monkeypatch.setattr(threads, "QUOTAS", ((str(tmp_path / "none"),), tuple(map(str, files))))
    monkeypatch.setattr(threads, "_count", None)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    assert ag.get_num_threads() == count
    if count < 8:
        assert blas_threads() == {count}


def test_a_library_that_is_loaded_while_blocks_run_has_one_thread_then_and_later():
    blas = threads._Blas()
    with blas:
        blas._libraries = []  # as if the import were still to come
        blas.resize(2)
        assert blas_threads() == {1}
    assert blas_threads() == {2}
    with blas:
        assert blas_threads() == {1}


def test_without_threadpoolctl_blas_keeps_its_threads(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    monkeypatch.setattr(threads, "_blas", threads._Blas())
    assert threads.in_blocks(lambda _: blas_threads(), range(2)) == [{2}, {2}]
    ag.set_num_threads(2)


def test_nested_blocks_run_where_they_are():
    def outer(_):
        inner = threads.in_blocks(lambda _: threading.get_ident(), range(3))
        return set(inner) == {threading.get_ident()}

    assert threads.in_blocks(outer, range(4)) == [True] * 4
    assert len(set(threads.in_blocks(together, range(2)))) == 2


def test_calls_from_several_threads_share_the_helpers():
    sums = [0] * 4

    def call(j):
        for _ in range(50):
            sums[j] += sum(threads.in_blocks(lambda i: i + j, range(10)))

    callers = [threading.Thread(target=call, args=(j,)) for j in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert sums == [50 * (45 + 10 * j) for j in range(4)]
    assert blas_threads() == {2}


@pytest.mark.parametrize("where", ["caller", "helper"])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_reaches_the_caller_after_the_blocks_at_hand(where, error):
    caller, running = threading.get_ident(), [0]

    def block(i):
        running[0] += 1
        here = together(i) == caller
        if here == (where == "caller"):
            running[0] -= 1
            raise error("stop")
        time.sleep(0.02)
        running[0] -= 1

    with pytest.raises(error, match="stop"):
        threads.in_blocks(block, range(2))
    assert running == [0]
    assert blas_threads() == {2}
    assert threads.in_blocks(abs, [-1, -2]) == [1, 2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork")
def test_a_forked_child_starts_threads_of_its_own():
    threads.in_blocks(abs, range(4))

    def in_child(_):
        # The fork happens while blocks run: the child must not wait for them, nor keep BLAS limited.
        child = os.fork()
        if child:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        fine = len(set(threads.in_blocks(together, range(2)))) == 2 and blas_threads() == {2}
        os._exit(0 if fine else 1)

    assert threads.in_blocks(in_child, range(2)) == [0, 0]


def test_others_hear_of_a_change(monkeypatch):
    heard: list[int] = []
    monkeypatch.setattr(threads, "_followers", [])
    threads.on_change(heard.append)
    ag.set_num_threads(3)
    assert heard == [3]
    assert ag.get_num_threads() == 3


@pytest.mark.parametrize("n,message", [(0, "but got 0"), (2**40, "of 32 bits"), (2.0, "got float"), (True, "got bool")])
def test_wrong_counts_are_refused(n, message):
    with pytest.raises(RuntimeError, match=message):
        ag.set_num_threads(n)
    assert ag.get_num_threads() == 2


@pytest.mark.parametrize("name,value,count", [("OMP_NUM_THREADS", "3,1", "3"), ("OPENBLAS_NUM_THREADS", "5", "5")])
def test_the_environment_sets_the_first_count(name, value, count):
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")} | {name: value}
    program = "import autograd_core as ag; print(ag.get_num_threads())"
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == count


def test_a_convolution_is_the_same_on_any_number_of_threads():
    rng = np.random.default_rng(0)
    x, w = (
        ag.tensor(rng.standard_normal(s, np.float32), requires_grad=True) for s in ((9, 16, 33, 31), (24, 16, 3, 3))
    )
    results = []
    with ag.config.using("numpy"):  # the other libraries promise it for one number of threads
        for n in (1, 2, 3):
            ag.set_num_threads(n)
            y = ag.conv2d(x, w, padding=1)
            results.append([t.numpy().copy() for t in (y.detach(), *ag.grad(y.sin().sum(), (x, w)))])
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)
