"""Distributed SGD: every node computes gradients on its share of the digits, and all step by their average.

    python examples/distributed_sgd.py --nodes 4                 nodes are threads of this process
    mpiexec -n 4 python -m mpi4py examples/distributed_sgd.py    nodes are processes, on one machine or several

The second command needs `pip install "autograd-core[distributed]"`.
"""

import os

# Several nodes share the cores, so each computes with one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from options import Parser, whole

import autograd_core as ag
import nn
import optim
from training import DataLoader, evaluate, fit
from training.datasets import digits
from training.distributed import DistributedOptimizer, MPICommunicator, on_threads, shard


def node(communicator, epochs):
    train_set, test_set = digits(seed=0)
    model = nn.Sequential(nn.Flatten(), nn.models.mlp(64, 64, 10))
    optimizer = DistributedOptimizer(optim.SGD(model.parameters(), lr=0.1, momentum=0.9), communicator)
    order = ag.Generator().manual_seed(communicator.rank)
    loader = DataLoader(shard(train_set, communicator), 64 // communicator.size, shuffle=True, generator=order)
    fit(model, loader, optimizer, epochs=epochs, progress=False)
    if communicator.rank == 0:  # the same model on every node
        tested = evaluate(model, DataLoader(test_set, batch_size=500))
        print(f"{communicator.size} nodes, {epochs} epochs: test {tested}", flush=True)


def main():
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=whole(1), default=2, help="threads, where mpiexec started no processes")
    parser.add_argument("--epochs", type=whole(1), default=10)
    options = parser.parse_args()
    if {"PMI_SIZE", "OMPI_COMM_WORLD_SIZE"} & os.environ.keys():
        node(MPICommunicator(), options.epochs)
    else:
        on_threads(lambda communicator: node(communicator, options.epochs), options.nodes)


if __name__ == "__main__":
    main()
