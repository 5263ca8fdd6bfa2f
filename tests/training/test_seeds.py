"""A seed decides everything that is random in a program, as in PyTorch."""

import numpy as np

import autograd_core as ag
import nn
import optim
from training import DataLoader, TensorDataset, random_split

# What PyTorch 2.13 prints on a CPU for the program below.
LOSSES = [
    1.418898, 1.382370, 1.377477, 1.372083, 1.310033, 1.227499, 1.247626, 1.333335, 1.143285, 1.169938, 1.170489,
    1.196774,
]  # fmt: skip


def losses():
    """Examples, their split, weights, the order of batches, and dropout are random."""
    ag.manual_seed(1337)
    x, y = ag.randn(120, 6, 8), ag.randint(0, 4, (120,))
    train, _ = random_split(TensorDataset(x, y), [0.8, 0.2])
    model = nn.Sequential(
        nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True), nn.Flatten(),
        nn.Linear(48, 16), nn.GELU(), nn.Dropout(0.3), nn.Linear(16, 4),
    )  # fmt: skip
    optimizer = optim.AdamW(model.parameters(), 1e-2)
    for _ in range(3):
        for inputs, target in DataLoader(train, 24, shuffle=True):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), target)
            loss.backward()
            optimizer.step()
            yield loss.item()


def test_a_network_learns_as_in_pytorch():
    np.testing.assert_allclose(list(losses()), LOSSES, atol=2e-5)


def test_two_runs_are_equal():
    assert list(losses()) == list(losses())
