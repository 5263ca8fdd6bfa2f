"""Work in processes: `eval` of texts, some of which end their process, hang, or fail only the first time."""

from time import monotonic

import pytest

from benchmarks.gpu import workers
from benchmarks.gpu.workers import LATE, Failure, here, side_by_side

ABORT, EXIT, HANG = "__import__('os').abort()", "__import__('os')._exit(3)", "__import__('time').sleep(60)"
LONG = 600  # seconds, though nothing takes more than a few: processes may be stopped for minutes
ONCE = "__import__('os').environ['CUDA_LAUNCH_BLOCKING']"


def test_what_fails_takes_nothing_with_it():
    texts = ["1 + 1", ABORT, "1 / 0", EXIT, ONCE, HANG, "2 + 2"]
    found = {item[0]: answer for item, answer in side_by_side(eval, [(t,) for t in texts], processes=2, limit=0.5)}
    assert (found["1 + 1"], found["2 + 2"]) == (2, 4)
    failures = [found[text] for text in (ABORT, EXIT, "1 / 0", ONCE, HANG)]
    assert [failure.crashed for failure in failures] == [True, True, False, False, True]
    assert [failure.reason for failure in failures] == [
        "Fatal Python error: Aborted",
        "the process ended with 3",
        "ZeroDivisionError: division by zero",
        "KeyError: 'CUDA_LAUNCH_BLOCKING' (not where every kernel is waited for)",
        "Timeout (0:00:00.500000)!",
    ]
    assert all("_answer" in failure.trace for failure in failures[2:])


def test_a_mistake_of_python_costs_no_process():
    texts = ["setattr(__import__('os'), 'seen', 3)", "1 / 0", "__import__('os').seen"]
    found = dict(side_by_side(eval, [(text,) for text in texts], processes=1, limit=LONG))
    assert found[texts[1],].reason == "ZeroDivisionError: division by zero"
    assert found[texts[2],] == 3


class Slow:
    """Takes two seconds to reach a process, as one may to start on a busy machine, and is an empty dict there."""

    def __reduce__(self):
        return eval, ("__import__('time').sleep(2) or {}",)


def test_the_limit_is_that_of_the_work_alone(monkeypatch):
    monkeypatch.setattr(workers, "GRACE", 0.5)
    ((_, answer),) = side_by_side(eval, [("1 + 1", Slow())], processes=1, limit=1)
    assert answer == 2


def test_what_hangs_at_the_end_is_named(monkeypatch):
    monkeypatch.setattr(workers, "LEAST", 0.2)
    items = [("1 + 1",), (HANG,)]
    found = dict(side_by_side(eval, items, processes=2, limit=LONG, end=monotonic() + 4))
    assert found[items[1]].reason.startswith("was not done after ")


def test_the_time_that_there_is_ends_all_work():
    start = monotonic()
    answers = list(side_by_side(eval, [("1 + 1",), (HANG,), (HANG,)], processes=2, limit=LONG, end=start + 1.5))
    assert answers in ([], [(("1 + 1",), 2)])
    assert monotonic() - start < 10


def test_what_is_late_is_not_begun():
    items, now = [("1 + 1",), ("2 + 2",)], monotonic()

    def ends(item):
        return now if item == ("1 + 1",) else now + 60

    found = [(("1 + 1",), LATE), (("2 + 2",), 4)]
    assert list(side_by_side(eval, items, None, ends, processes=1, limit=LONG)) == found
    assert list(here(eval, items, None, ends)) == found


def test_work_that_begins_late_ends_soon(monkeypatch):
    monkeypatch.setattr(workers, "LEAST", 0.5)
    start = monotonic()
    ((_, answer),) = side_by_side(eval, [(HANG,)], None, lambda item: start + 0.1, processes=1, limit=LONG)
    assert answer is LATE or answer.reason == "Timeout (0:00:00.500000)!"
    assert monotonic() - start < 10


def test_a_process_that_cannot_be_started_costs_one_answer(monkeypatch):
    made, failures = workers._Process, [OSError("Cannot allocate memory")]

    def process(*given):
        if failures:
            raise failures.pop()
        return made(*given)

    monkeypatch.setattr(workers, "_Process", process)
    first, second = side_by_side(eval, [("1 + 1",), ("2 + 2",)], processes=1, limit=LONG)
    assert first[1].reason == "OSError: Cannot allocate memory"
    assert second[1] == 4


def test_a_process_that_cannot_be_ended_is_left_behind(monkeypatch):
    monkeypatch.setattr(workers, "GRACE", 0.5)
    monkeypatch.setattr(workers._Process, "end", lambda self: self.live.discard(self))
    start = monotonic()
    assert list(side_by_side(eval, [(f"{HANG[:-4]}(3)",)], processes=1, limit=LONG, end=start + 0.5)) == []
    assert monotonic() - start < 2.5


def test_the_same_without_processes():
    (_, two), (_, failure) = here(eval, [("1 + 1",), ("1 / 0",)])
    assert two == 2
    assert isinstance(failure, Failure)
    assert failure.reason == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize("name", ["backends.cupy_backend.table", "autograd_core.cuda.graphs"])
def test_warnings_come_back_once(name):
    warning, warned = f"__import__('logging').getLogger('{name}').warning('slow') or 3", {}
    found = list(side_by_side(eval, [(warning,), (f"{warning} ",)], processes=1, limit=LONG, warned=warned))
    assert [answer for _, answer in found] == [3, 3]
    assert warned == {"slow": warning}
    warned.clear()
    assert list(here(eval, [(warning,)], warned=warned)) == [((warning,), 3)]
    assert warned == {"slow": warning}


def test_processes_have_the_variables_that_are_asked_for():
    ask = "__import__('os').environ['AUTOGRAD_CORE_CUDA_WITHOUT']"
    variables = {"AUTOGRAD_CORE_CUDA_WITHOUT": "all"}
    assert list(side_by_side(eval, [(ask,)], variables, processes=1, limit=LONG)) == [((ask,), "all")]
    assert not list(here(eval, [(ask,)], variables))
