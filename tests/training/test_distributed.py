"""Several nodes that average their gradients are one node with the whole batch."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
import training
from nn.functional import mse_loss
from training.distributed import DistributedOptimizer, average_gradients, broadcast, on_threads, shard

RANDOM = np.random.default_rng(0)
DATA = training.TensorDataset(RANDOM.normal(size=(25, 3)), RANDOM.normal(size=(25, 2)))
OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.01),
    "Adam": lambda p: optim.Adam(p, 0.01),
    "LBFGS": lambda p: optim.LBFGS(p, line_search_fn="strong_wolfe", max_iter=3),
    "SAM": lambda p: optim.SAM(p, optim.SGD, 0.02, lr=0.1),
}


def trained(dataset, optimizer_of, start):
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).double()
    for p, value in zip(model.parameters(), start, strict=True):
        p.data = ag.tensor(value)
    optimizer = optimizer_of(model.parameters())
    x, y = dataset.batch(ag.arange(len(dataset)))

    def closure():
        optimizer.zero_grad()
        loss = mse_loss(model(x), y)
        loss.backward()
        return loss

    for _ in range(4):
        optimizer.step(closure)
    return [p.detach().numpy() for p in model.parameters()]


def start(seed):
    random = np.random.default_rng(seed)
    return [random.normal(size=shape) for shape in ((5, 3), (5,), (2, 5), (2,))]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_nodes_with_shares_step_as_one_with_all(name):
    make = OPTIMIZERS[name]
    nodes = on_threads(
        lambda c: trained(shard(DATA, c), lambda p: DistributedOptimizer(make(p), c, 100), start(c.rank)), 3
    )
    alone = trained(training.Subset(DATA, ag.arange(24)), make, start(0))
    for node in nodes:
        for p, expected, first in zip(node, alone, nodes[0], strict=True):
            np.testing.assert_allclose(p, expected, rtol=1e-9, atol=1e-12)
            np.testing.assert_array_equal(p, first)


def test_the_training_loop_and_schedules_take_it():
    def node(communicator):
        model = nn.Linear(3, 2).double()
        optimizer = DistributedOptimizer(optim.SGD(model.parameters(), 0.1), communicator)
        loader = training.DataLoader(shard(DATA, communicator), batch_size=4)
        schedule = optim.lr_scheduler.StepLR(optimizer, 1)
        training.fit(model, loader, optimizer, mse_loss, epochs=2, scheduler=schedule, progress=False)
        return optimizer.state_dict()["param_groups"][0]["lr"], model.weight.tolist()

    a, b = on_threads(node, 2)
    assert a == b
    assert a[0] == pytest.approx(0.001)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "complex64"])
def test_gradients_that_some_or_all_nodes_lack(dtype):
    def node(communicator):
        ps = [ag.zeros(2, dtype=dtype, requires_grad=True) for _ in range(3)]
        ps[0].grad = ag.full((2,), 2.0 + communicator.rank, dtype=dtype)
        if communicator.rank:
            ps[1].grad = ag.ones(2, dtype=dtype)
        average_gradients(ps, communicator)
        assert ps[2].grad is None
        assert ps[0].grad.dtype == ag.zeros(1, dtype=dtype).dtype
        return [p.grad.tolist() for p in ps[:2]]

    assert on_threads(node, 2) == [[[2.5, 2.5], [0.5, 0.5]]] * 2


def test_other_models_and_failures_are_said():
    with pytest.raises(ValueError, match="tensors unlike node 0; build the same model"):
        on_threads(lambda c: broadcast([ag.zeros(c.rank + 1)], c), 2)

    def node(communicator):
        if communicator.rank == 1:
            raise KeyError("lost")
        communicator.add(np.zeros(1))

    with pytest.raises(KeyError, match="lost"):
        on_threads(node, 3)


def test_example_on_threads_and_processes():
    example = Path(__file__).parents[2] / "examples" / "distributed_sgd.py"
    launchers = [[]]
    if shutil.which("mpiexec") and find_spec("mpi4py"):
        launchers.append(["mpiexec", "-n", "2"])
    for launcher in launchers:
        command = [*launcher, sys.executable, str(example), "--nodes", "2", "--epochs", "3"]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
        assert result.returncode == 0, result.stderr
        assert result.stdout.startswith("2 nodes, 3 epochs: test loss ")
        assert float(result.stdout.split()[-2]) > 85, result.stdout
