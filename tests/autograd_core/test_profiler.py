"""Profiles of running programs, and counts of floating-point operations."""

import json
import threading

import pytest

import autograd_core as ag
import nn
import optim
from autograd_core import profiler
from autograd_core.profiler import ProfilerAction, profile, record_function, schedule, sites
from autograd_core.registry import COMPOSITIONS, OPS
from autograd_core.utils.flop_counter import FlopCounterMode


def names(prof):
    return [event.name for event in prof.events()]


def averages(prof, **options):
    return {average.key: average for average in prof.key_averages(**options)}


@pytest.fixture(autouse=True)
def functions_are_put_back():
    before = {name: entry.call.__code__ for name, entry in {**OPS, **COMPOSITIONS}.items()}
    walk = sites.walk.walk.__code__
    yield
    assert all({**OPS, **COMPOSITIONS}[name].call.__code__ is code for name, code in before.items())
    assert sites.walk.walk.__code__ is walk
    assert not sites._sites


def test_operations_rules_modules_and_optimizers_are_events():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with profile(with_modules=True, record_shapes=True, profile_memory=True) as prof:
        loss = model(ag.ones(2, 3)).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    found = averages(prof)
    assert found["linear"].count == found["linear backward: weight"].count == 2
    assert found["linear backward: input"].count == 1  # the first layer's input needs no gradient
    assert found["Sequential.1"].cpu_time_total >= found["tanh"].cpu_time_total > 0
    assert found["linear"].self_cpu_memory_usage == (2 * 4 + 2 * 1) * 4
    assert found["Sequential"].cpu_memory_usage == (2 * 4 + 2 * 4 + 2 * 1) * 4
    assert {"Optimizer.step#SGD.step", "Optimizer.zero_grad#SGD.zero_grad", "backward"} <= found.keys()
    by_shape = prof.key_averages(group_by_input_shape=True)
    assert [a.input_shapes for a in by_shape if a.key == "linear"] == [[[2, 3], [4, 3], [4]], [[2, 4], [1, 4], [1]]]
    inner = next(event for event in prof.events() if event.name == "tanh")
    assert (inner.cpu_parent.name, inner.cpu_parent.cpu_parent.name) == ("Sequential.1", "Sequential")


def test_no_time_counts_twice():
    x = ag.rand(20, 20, requires_grad=True)
    with profile() as prof:
        nn.functional.cross_entropy(x @ x, ag.arange(20)).backward()
        ag.stack([x, x]).sum()
    top = [event for event in prof.events() if event.cpu_parent is None]
    assert prof.key_averages().self_cpu_time_total == pytest.approx(sum(event.cpu_time_total for event in top))
    assert prof.total_average().count == len(prof.events())


def test_every_spelling_is_one_call():
    x, out = ag.ones(2), ag.empty(2)
    with profile() as prof:
        x + 1, ag.add(x, 1), x.add(1), 1 + x, ag.add(x, x, out=out), ag.ones(2, dtype=ag.int64) + x
    assert averages(prof)["add"].count == 6
    with profile() as prof:
        x.add_(1)
        x += 1
        x @ x
    assert averages(prof)["add"].count == 2
    assert averages(prof)["matmul"].count == averages(prof)["add_"].count == 1


def test_a_table_is_sorted_and_limited():
    with profile(with_stack=True) as prof:
        for _ in range(3):
            ag.ones(2).exp()
        ag.ones(500, 500) @ ag.ones(500, 500)
    lines = prof.key_averages().table(sort_by="count", row_limit=2, header="counts").splitlines()
    assert lines[0] == "counts"
    assert [line.split()[0] for line in lines[4:6]] == ["ones", "exp"]
    assert "Self CPU time total" in lines[-1]
    assert prof.key_averages().table(sort_by="self_cuda_time_total", row_limit=1).count("\n") == 6
    (line,) = {a.stack[0] for a in prof.key_averages(group_by_stack_n=1) if a.key == "exp"}
    assert line.rpartition(":")[0].endswith("test_profiler.py")


def test_parts_are_named():
    @record_function("decorated")
    def part(x):
        return x.exp()

    with profile() as prof, record_function("outer"):
        part(ag.ones(2))
    assert names(prof) == ["outer", "decorated", "ones", "exp"] or names(prof) == ["outer", "ones", "decorated", "exp"]
    part(ag.ones(2))
    assert len(prof.events()) == 4


def test_an_exception_ends_its_events():
    prof = profile(with_modules=True)
    with pytest.raises(RuntimeError), prof:
        nn.Sequential(nn.Linear(3, 4), nn.Linear(3, 4))(ag.ones(2, 3))
    assert all(event.end >= event.start for event in prof.events())
    with prof:
        ag.ones(2).exp()
    assert names(prof) == ["ones", "exp"]
    assert all(event.cpu_parent is None for event in prof.events())


def test_profiles_nest_and_see_other_threads():
    with profile() as outer:
        ag.ones(2).exp()
        with profile() as inner:
            worker = threading.Thread(target=lambda: ag.ones(2).sin())
            worker.start()
            worker.join()
        ag.ones(2).cos()
    assert names(inner) == ["ones", "sin"]
    assert names(outer) == ["ones", "exp", "ones", "sin", "ones", "cos"]
    assert len({event.thread for event in outer.events()}) == 2


def test_functions_checkpoints_and_batches():
    class Cube(ag.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            return g * 3 * ctx.saved_tensors[0] ** 2

    x = ag.ones(3, requires_grad=True)
    with profile() as prof:
        Cube.apply(x).sum().backward()
        ag.utils.checkpoint.checkpoint(ag.sin, x, use_reentrant=False).sum().backward()
        ag.vmap(ag.cos)(x)
    found = averages(prof)
    assert found["Cube"].count == found["Cube backward"].count == found["cos"].count == 1
    assert found["sin"].count == 2


def test_higher_orders_run_operations_within_rules():
    x = ag.ones(3, requires_grad=True)
    with profile() as prof:
        (g,) = ag.grad(x.exp().sum(), x, create_graph=True)
    event = next(event for event in prof.events() if event.name == "exp backward")
    assert [inner.name for inner in event.cpu_children] == ["multiply"]
    assert g.tolist() == x.exp().tolist()


def test_captured_steps_run_as_they_are():
    step = ag.capture(ag.no_grad()(lambda x: x.exp() + 1))
    for _ in range(4):
        step(ag.ones(2))
    with profile() as prof:
        y = step(ag.ones(2))
    assert names(prof) == ["ones", "exp", "add"]
    assert y.tolist() == step(ag.ones(2)).tolist()


def test_families_loaded_meanwhile_are_observed():
    code = """
import autograd_core as ag
from autograd_core.profiler import profile
with profile() as prof:
    x = ag.eye(2, requires_grad=True)
    ag.linalg.det(x).backward()
print([event.name for event in prof.events()])
"""
    import subprocess
    import sys

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "'det'" in found
    assert "'det backward'" in found


def test_schedules(tmp_path):
    seen = []
    cycles = schedule(skip_first=1, wait=1, warmup=1, active=2, repeat=2)
    assert [cycles(i).value for i in range(6)] == [0, 0, 1, 2, 3, 0]
    assert cycles(9) is ProfilerAction.NONE
    save = profiler.tensorboard_trace_handler(str(tmp_path / "traces"), use_gzip=True)

    def ready(prof):
        seen.append([event.name for event in prof.events() if event.scope == "operation"])
        save(prof)

    with profile(schedule=cycles, on_trace_ready=ready) as prof:
        for i in range(12):
            (ag.exp, ag.sin, ag.cos, ag.tan, ag.sqrt, ag.abs)[i % 6](ag.ones(1))
            prof.step()
    assert seen == [["ones", "tan", "ones", "sqrt"], ["ones", "sin", "ones", "cos"]]
    assert len(list((tmp_path / "traces").iterdir())) == 2
    with pytest.raises(AssertionError):
        schedule(wait=0, warmup=0, active=0)


def test_traces_are_json(tmp_path):
    with profile(record_shapes=True) as prof:
        ag.ones(2, 3).exp()
    prof.add_metadata("run", "first")
    prof.export_chrome_trace(tmp_path / "trace.json")
    trace = json.loads((tmp_path / "trace.json").read_text())
    assert trace["run"] == "first"
    assert [(event["name"], event["ph"]) for event in trace["traceEvents"]] == [("ones", "X"), ("exp", "X")]
    assert trace["traceEvents"][1]["args"] == {"Input Dims": [[2, 3]]}
    prof.export_stacks(tmp_path / "stacks.txt")
    assert (tmp_path / "stacks.txt").read_text().startswith("ones ")


def test_the_older_form():
    with ag.autograd.profiler.profile(record_shapes=True) as prof, ag.autograd.profiler.record_function("part"):
        ag.ones(2).exp()
    assert [event.key for event in prof.function_events] == ["part", "ones", "exp"]
    assert "exp" in prof.table()
    with ag.autograd.profiler.profile(enabled=False) as prof:
        ag.ones(2).exp()
    assert not prof.function_events


def test_flops_of_a_network():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5))
    with FlopCounterMode(display=False) as counter:
        model(ag.rand(2, 3, 8, 8)).sum().backward()
    conv, linear = 2 * (2 * 4 * 6 * 6) * 27, 2 * 2 * 5 * 144
    assert counter.get_total_flops() == 2 * conv + 3 * linear
    counts = counter.get_flop_counts()
    assert sum(counts["Sequential.0"].values()) == 2 * conv
    assert sum(counts["Sequential.3"].values()) == 3 * linear
    assert counts["Sequential"] == counts["Global"]
    assert "Sequential.3" in counter.get_table()
    assert "Sequential.3" not in counter.get_table(depth=1)


@pytest.mark.parametrize(
    "compute, forward, backward",
    [
        (lambda x: x @ x, 2 * 8**3, 2),
        (lambda x: nn.functional.linear(x[0], x), 2 * 8**2, 2),
        (lambda x: ag.einsum("ij,kj->ik", x, x), 2 * 8**3, 2),
        (lambda x: nn.functional.scaled_dot_product_attention(x, x, x), 4 * 8**3, 2),
        (lambda x: nn.functional.conv_transpose1d(x, x[:, :, None]), 2 * 8**3, 2),
        (lambda x: ag.vmap(lambda row: x @ row)(x), 2 * 8**3, 2),
    ],
    ids=["matmul", "linear", "einsum", "attention", "transposed convolution", "vmap"],
)
def test_flops_of_operations(compute, forward, backward):
    x = ag.rand(8, 8, requires_grad=True)
    with FlopCounterMode(display=False) as counter:
        compute(x.detach())
    assert counter.get_total_flops() == forward
    with FlopCounterMode(display=False) as counter:
        compute(x).sum().backward()
    assert counter.get_total_flops() == (1 + backward) * forward


def test_flops_of_a_recurrent_layer():
    with FlopCounterMode(display=False) as counter:
        nn.LSTM(3, 4)(ag.rand(5, 2, 3))[0].sum().backward()
    assert counter.get_flop_counts()["LSTM"] == {"lstm_scan": 2240, "lstm_scan backward": 4480}
