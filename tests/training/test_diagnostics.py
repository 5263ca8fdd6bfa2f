"""Dead units are those that no example wakes, however the ReLU is written."""

import numpy as np

import autograd_core as ag
import nn
import training


class Functional(nn.Module):
    def __init__(self, linear):
        super().__init__()
        self.first, self.norm = linear, nn.BatchNorm1d(4)

    def forward(self, x):
        return nn.functional.relu(self.norm(ag.relu(self.first(x))))


def test_units_that_are_0_for_every_example():
    random = np.random.default_rng(0)
    x = ag.tensor(random.normal(size=(40, 3)))
    loader = training.DataLoader(training.TensorDataset(x, ag.zeros(40)), 7)
    linear = nn.Linear(3, 4).double()
    linear.bias.data = ag.tensor([0.0, -100.0, 100.0, 1e-9 - (x @ linear.weight[3]).max().item()], dtype="float64")
    dead = training.dead_units(nn.Sequential(linear, nn.ReLU()), loader)
    assert {k: v.tolist() for k, v in dead.items()} == {"1": [False, True, False, False]}
    net = Functional(linear).double()
    net.norm.bias.data = ag.tensor([0.0, 1.0, -1e6, 0.0])
    before = {k: v.tolist() for k, v in net.state_dict().items()}
    dead = training.dead_units(net, loader)
    assert {k: v.tolist() for k, v in dead.items()} == {
        "": [False, True, False, False],
        " (2)": [False, False, True, False],
    }
    assert net.training
    assert {k: v.tolist() for k, v in net.state_dict().items()} == before
    assert all(m._hooks is None for m in net.modules())


def test_residual_networks():
    model = nn.models.resnet18(3)
    model.layer2[0].bn1.weight.data.zero_()
    model.layer2[0].bn1.bias.data.fill_(-1.0)
    loader = training.DataLoader(training.TensorDataset(ag.randn(2, 3, 32, 32), [0, 1]), 2)
    dead = training.dead_units(model, loader)
    assert len(dead) == 17
    assert [name for name, mask in dead.items() if mask.all()] == ["layer2.0"]
    assert dead["layer2.0"].shape == (128, 4, 4)
