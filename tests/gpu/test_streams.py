"""Streams, events, and what is said of a GPU's memory."""

import pytest

import autograd_core as ag

GIB = 1 << 30
pytestmark = pytest.mark.usefixtures("cupy")


def test_streams_are_current_inside_of_a_block():
    first, second = ag.cuda.Stream(), ag.cuda.Stream(device=1, priority=-1)
    assert ag.cuda.current_stream() == ag.cuda.default_stream()
    with ag.cuda.stream(first):
        assert ag.cuda.current_stream() == first
        with second, second:
            assert (ag.cuda.current_device(), ag.cuda.current_stream()) == (1, second)
            assert ag.cuda.current_stream(0) == first
        assert ag.cuda.current_device() == 0
    with ag.cuda.stream(None):
        assert ag.cuda.current_stream() == ag.cuda.default_stream()
    ag.cuda.set_stream(first)
    assert ag.cuda.current_stream() == first
    assert len({first, second, ag.cuda.current_stream()}) == 2
    assert first.cuda_stream != second.cuda_stream
    assert first.query()
    first.synchronize()


def test_streams_wait_for_each_other():
    first, second = ag.cuda.Stream(), ag.cuda.Stream()
    second.wait_stream(first)
    assert second.raw.waited == [first.raw]
    event = first.record_event()
    with second:
        event.wait()
    event.wait(first)
    assert (second.raw.waited, first.raw.waited) == ([first.raw] * 2, [first.raw])
    event.synchronize()
    assert event.query()


def test_memory_is_kept_until_a_stream_has_used_it():
    x, stream = ag.ones(2, device="cuda"), ag.cuda.Stream()
    x.record_stream(stream)
    assert stream.raw.kept == [(id, x.array)]
    with pytest.raises(RuntimeError, match="on a GPU"):
        ag.ones(2).record_stream(stream)


def test_events_measure_time():
    start, end = (ag.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    end.record(ag.cuda.Stream())
    assert start.elapsed_time(end) == 1.0
    assert start.raw.timed
    assert not ag.cuda.Event().raw.timed
    with pytest.raises(NotImplementedError):
        ag.cuda.Event(interprocess=True)


def test_memory(cupy):
    assert (ag.cuda.memory_allocated(), ag.cuda.memory_reserved()) == (3 * GIB, 5 * GIB)
    ag.cuda.empty_cache()
    assert ag.cuda.memory_reserved() == 3 * GIB
    assert ag.cuda.mem_get_info("cuda:1") == (100 * GIB, 141 * GIB)
    ag.cuda.set_per_process_memory_fraction(0.5)
    assert cupy.get_default_memory_pool().fraction == 0.5
    with pytest.raises(ValueError, match="between 0 and 1"):
        ag.cuda.set_per_process_memory_fraction(2)


def test_the_peak_is_counted_from_a_reset_on(cupy):
    pool = cupy.get_default_memory_pool()
    assert ag.cuda.max_memory_allocated() == 3 * GIB
    (hook,) = cupy.cuda.MemoryHook.active
    for used in (7 * GIB, 4 * GIB):
        pool.used = used
        hook.malloc_postprocess(device_id=0, size=1, mem_size=1, mem_ptr=0, pmem_id=0)
    assert ag.cuda.max_memory_allocated() == 7 * GIB
    ag.cuda.reset_peak_memory_stats()
    assert ag.cuda.max_memory_allocated() == 4 * GIB
    assert len(cupy.cuda.MemoryHook.active) == 1


def test_parts_of_a_program_are_named_for_profilers(cupy):
    @ag.cuda.nvtx.range("step {} of {total}", 1, total=2)
    def step():
        ag.cuda.nvtx.mark("here")

    step()
    step()
    with pytest.raises(ZeroDivisionError), ag.cuda.nvtx.range("failing"):
        1 / 0
    assert cupy.ranges == ["step 1 of 2", "here", None] * 2 + ["failing", None]
