"""Captured steps and what changes around them: gradients, states, parameters, arguments, failures."""

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim

pytestmark = pytest.mark.usefixtures("cupy")


def tensor(*values):
    return ag.tensor([float(v) for v in values], device="cuda")


def made(optimizer=lambda p: optim.SGD(p, 0.1, momentum=0.9)):
    w = nn.Parameter(tensor(1, 2, 3))
    return w, optimizer([w])


def numbers(found):
    if isinstance(found, (list, tuple)):
        return [n for v in found for n in numbers(v)]
    return [] if found is None else [found]


def agree(make, calls=12):
    """Compare a step with itself captured. make: gives the step, what happens before call i, and what to compare."""
    found = []
    for wrap in (lambda step: step, lambda step: ag.cuda.graph(step, warmup=2)):
        ag.manual_seed(0)
        step, before, state = make()
        run, rows = wrap(step), []
        for i in range(calls):
            before(i)
            result = run(tensor(i, 1, 2))
            rows.append(numbers([None if result is None else result.tolist(), state()]))
        found.append(rows)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-5, atol=1e-6)
    return run


def launches(run):
    return sum(c.graph.launches for c in run._captures.values() if c.graph is not None)


def backward_of(w):
    def step(x):
        loss = (w * x).sum()
        loss.backward()
        return loss

    return step


@pytest.mark.parametrize("to_none", [True, False])
def test_gradients_may_be_zeroed_outside(to_none):
    def make():
        w, optimizer = made()

        def before(i):
            if i:
                optimizer.step()
            optimizer.zero_grad(to_none)

        return backward_of(w), before, lambda: (w.tolist(), w.grad.tolist())

    run = agree(make)
    assert run.reasons == []
    assert launches(run) > 6


@pytest.mark.parametrize("every, replayed", [(100, 12), (4, 6)])
def test_gradients_may_add_up(every, replayed):
    def make():
        w, optimizer = made()

        def before(i):
            if i % every == 0:
                optimizer.zero_grad(set_to_none=False)

        return backward_of(w), before, lambda: (w.grad.tolist(),)

    assert launches(agree(make, 16)) >= replayed


def test_gradients_that_are_sometimes_none():
    def make():
        w, optimizer = made()
        return backward_of(w), lambda i: i % 4 or optimizer.zero_grad(), lambda: (w.grad.tolist(),)

    assert agree(make, 60).reasons == ["what it relies on changes time and again"]


def test_two_steps_that_share_parameters():
    def make(graphs):
        (g, of_g), (d, of_d) = made(lambda p: optim.Adam(p, 0.1)), made(lambda p: optim.Adam(p, 0.1))

        def discriminate(x):
            of_d.zero_grad()
            (d * (g * x).detach()).sigmoid().sum().backward()
            of_d.step()

        def generate(x):
            of_g.zero_grad()
            (-(d * (g * x)).sigmoid().sum()).backward()
            of_g.step()

        steps = [ag.cuda.graph(step, warmup=2) if graphs else step for step in (discriminate, generate)]
        for i in range(8):
            for step in steps:
                step(tensor(i, 1, 2))
        return steps, [g.tolist(), d.tolist(), d.grad.tolist()]

    (steps, captured), (_, plain) = make(True), make(False)
    np.testing.assert_allclose(captured, plain, rtol=1e-5)
    assert [launches(step) for step in steps] == [6, 6]


@pytest.mark.parametrize("scaled", [False, True])
def test_a_capture_that_fails_leaves_gradients_and_scales(scaled):
    def make():
        w, optimizer = made()
        scaler = ag.amp.GradScaler("cuda", init_scale=8.0, growth_interval=2, enabled=scaled)

        def step(x):
            loss = (w * x).sum()
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            scaler.step(optimizer)
            read = loss.item()
            scaler.update()
            return tensor(read)

        return step, lambda i: None, lambda: (w.tolist(), w.grad.tolist(), scaler.get_scale())

    assert "cudaErrorStreamCaptureUnsupported" in agree(make).reasons[0]


def test_an_interrupt_while_it_is_recorded():
    w, optimizer = made()
    interrupts = False

    def step(x):
        optimizer.zero_grad()
        (w * x).sum().backward()
        if interrupts:
            raise KeyboardInterrupt
        optimizer.step()

    run, x = ag.cuda.graph(step, warmup=1), tensor(1, 1, 1)
    run(x)
    before, interrupts = w.grad.tolist(), True
    with pytest.raises(KeyboardInterrupt):
        run(x)
    assert w.grad.tolist() == before
    interrupts = False
    run(x)
    assert launches(run) == 1


def test_schedules_inside():
    def make():
        w, optimizer = made()
        parts = [optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=4), optim.lr_scheduler.StepLR(optimizer, 2)]
        schedule = optim.lr_scheduler.SequentialLR(optimizer, parts, milestones=[4])

        def step(x):
            optimizer.zero_grad()
            (w * x).sum().backward()
            optimizer.step()
            schedule.step()

        return step, lambda i: None, lambda: (w.tolist(), optimizer.param_groups[0]["lr"], schedule.last_epoch)

    assert launches(agree(make)) == 10


def test_states_that_are_loaded_and_options_that_are_set():
    def make():
        w, optimizer = made(lambda p: optim.Adam(p, 0.1))
        v = nn.Parameter(tensor(1, 1, 1))
        scaler, saved = ag.amp.GradScaler("cuda", init_scale=8.0, growth_interval=2), []

        def step(x):
            optimizer.zero_grad()
            v.grad = None
            scaler.scale((w * x + v).sum()).backward()
            scaler.step(optimizer)
            scaler.update()

        def before(i):
            if i == 5:
                saved[:] = optimizer.state_dict(), scaler.state_dict()
            elif i == 8:
                for owner, state in zip((optimizer, scaler), saved, strict=True):
                    owner.load_state_dict(state)
            elif i == 12:
                scaler.set_growth_factor(4.0)
            elif i == 16:
                optimizer.param_groups[0]["lr"] = 0.01
            elif i == 18:
                optimizer.add_param_group({"params": [v]})

        count = optimizer.state[w]
        return step, before, lambda: (w.tolist(), v.tolist(), scaler.get_scale(), count.get("step"))

    assert agree(make, 24).reasons == []


def test_seeds_and_states_of_random_numbers():
    def make():
        saved = []

        def before(i):
            if i == 5:
                ag.manual_seed(7)
            elif i == 8:
                ag.cuda.manual_seed(9)
                saved[:] = [ag.cuda.get_rng_state()]
            elif i == 11:
                ag.cuda.set_rng_state(saved[0])

        return lambda x: x + ag.rand_like(x), before, lambda: None

    assert launches(agree(make, 14)) == 12


def test_parameters_that_are_replaced_or_frozen():
    def make():
        net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1)).to("cuda")
        optimizer = optim.SGD(net.parameters(), 0.1)

        def step(x):
            optimizer.zero_grad()
            net(x).sum().backward()
            optimizer.step()

        def before(i):
            if i == 4:
                net[1].weight.data = tensor(1, 2, 3)[None]
            elif i in (8, 12):
                net[0].requires_grad_(i == 12)

        return step, before, lambda: [p.tolist() for p in net.parameters()]

    assert agree(make, 16).reasons == []


def test_modules_in_training_and_evaluation():
    net = nn.Dropout(0.5)
    run = ag.cuda.graph(net, warmup=1)
    for training in (True, False):
        net.train(training)
        found = [run(tensor(1, 1, 1)).tolist() for _ in range(3)]
    assert found == [[1, 1, 1]] * 3
    assert launches(run) == 4


def test_a_step_must_write_in_place():
    def make():
        w, _ = made()

        def step(x):
            w.data = w.data * 0.5 + x

        return step, lambda i: None, w.tolist

    assert "gives other memory" in agree(make).reasons[0]


@pytest.mark.parametrize("cyclic", [False, True])
def test_a_tensor_that_is_kept_for_the_next_call(cyclic):
    def make():
        kept = {"state": tensor(1, 1, 1)}

        def step(x):
            previous = kept["state"]
            kept["state"] = previous * 0.5 + x
            lost = [previous * 2]  # which only the collector finds
            if cyclic:
                lost.append(lost)
            return previous * 3

        return step, lambda i: None, lambda: [t.tolist() for t in kept.values()]

    assert "keeps a tensor of shape (3,) that it made" in agree(make).reasons[0]


def test_cycles_are_nothing_kept():
    def step(x):
        cycle = [x * 2]
        cycle.append(cycle)
        return cycle[0] + 1

    run = agree(lambda: (step, lambda i: None, lambda: None))
    assert launches(run) > 0


def test_a_stream_waits_for_a_step_that_fails(cupy):
    def step(x):
        raise KeyError("a mistake")

    run, x = ag.cuda.graph(step), tensor(1)
    with pytest.raises(KeyError):
        run(x)
    (capture,) = run._captures.values()
    assert capture.stream in cupy.cuda.Stream.null.waited


CONSTANTS = {
    "a list": lambda x: x * tensor(1, 2, 3),
    "a tensor": lambda x: x * ag.arange(3).cuda(),
    "an index": lambda x: x[np.array([2, 0, 1])],
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_what_lies_in_host_memory_is_not_recorded(name):
    run = agree(lambda: (CONSTANTS[name], lambda i: None, lambda: None))
    assert "copies from the host" in run.reasons[0]


def test_averages_are_counted_in_python():
    def make():
        net = nn.Linear(3, 1).to("cuda")
        average = optim.swa_utils.AveragedModel(net)

        def step(x):
            with ag.no_grad():
                net.bias += x.sum()
            average.update_parameters(net)

        return step, lambda i: None, lambda: (average.module.bias.tolist(), average.n_averaged)

    assert "AveragedModel counts in Python" in agree(make).reasons[0]


def test_what_is_differentiated_outside_runs_as_it_is():
    w, _ = made()
    for step, argument in (
        (lambda x: (x * w).sum(), tensor),
        (lambda x: (x * x).sum().backward() or x.detach().sum(), lambda *values: w * 1),
    ):
        run = ag.cuda.graph(step, warmup=1)
        for _ in range(4):
            w.grad = None
            y = run(argument(2, 4, 6))
            if y.requires_grad:
                y.backward()
            assert w.grad.tolist() == [2, 4, 6]
        assert len(run.reasons) == 1


def test_gradients_of_arguments():
    def step(x):
        (x * x).sum().backward()
        return x.grad * 1

    run = ag.cuda.graph(step, warmup=2)
    assert [run(tensor(i).requires_grad_()).tolist() for i in range(6)] == [[2 * i] for i in range(6)]


def test_named_arguments_and_ones_that_are_no_key():
    run = ag.cuda.graph(lambda x, *, factor=1, rest=None: x * factor, warmup=1)
    assert [run(tensor(1, 2), factor=3).tolist() for _ in range(3)] == [[3, 6]] * 3
    assert run(tensor(1, 2), factor=3, rest=np.ones(3)).tolist() == [3, 6]
    named = ag.capture(lambda x, *, factor: x * factor)
    assert [named(tensor(1, 2), factor=3).tolist() for _ in range(6)] == [[3, 6]] * 6
    for factor in range(80):
        assert run(tensor(1, 2), factor=factor).tolist() == [factor, 2 * factor]
    assert len(run.reasons) == 2


def test_a_tensor_that_is_passed_twice():
    run = ag.cuda.graph(lambda a, b: a.add_(1) + b, warmup=1)
    for _ in range(3):
        x = tensor(1)
        assert run(x, x).tolist() == [4]


def test_many_random_numbers():
    def step(x):
        for _ in range(300):
            x = x + ag.rand_like(x)
        return x

    assert launches(agree(lambda: (step, lambda i: None, lambda: None), 4)) == 2
