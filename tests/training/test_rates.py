"""The range test of learning rates."""

import pytest

import autograd_core as ag
import nn
import optim
import training
from nn.functional import mse_loss


def test_it_suggests_a_rate_that_learns_and_leaves_no_trace():
    ag.manual_seed(0)
    x = ag.randn(64, 3)
    data = training.TensorDataset(x, (x @ ag.tensor([[1.0], [-2.0], [0.5]])) + 1)
    loader = training.DataLoader(data, batch_size=16)
    model = nn.Sequential(nn.Linear(3, 1), nn.Dropout(0.0)).eval()
    optimizer = optim.SGD(model.parameters(), lr=0.7, momentum=0.5)
    before = {k: v.tolist() for k, v in model.state_dict().items()}
    found = training.find_learning_rate(model, loader, optimizer, mse_loss, lowest=1e-5, highest=100.0, steps=80)
    assert {k: v.tolist() for k, v in model.state_dict().items()} == before
    assert optimizer.param_groups[0]["lr"] == 0.7
    assert not optimizer.state
    assert not model.training
    assert len(found.rates) == len(found.losses) < 80  # the loss exploded
    assert found.rates[1] / found.rates[0] == pytest.approx(1e7 ** (1 / 79))
    assert 1e-3 < found.suggestion < 0.5
    optimizer.param_groups[0]["lr"] = found.suggestion
    history = training.fit(model, loader, optimizer, mse_loss, epochs=40, progress=False)
    assert history.loss[-1] < 0.05


@pytest.mark.parametrize("seed", range(5))
def test_noise_of_the_first_batches_suggests_nothing(seed):
    ag.manual_seed(seed)
    x = ag.randn(64, 3)
    loader = training.DataLoader(training.TensorDataset(x, x.sum(1, keepdim=True) + ag.randn(64, 1)), 16, shuffle=True)
    model = nn.Linear(3, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    found = training.find_learning_rate(model, loader, optimizer, mse_loss, lowest=1e-6, highest=10.0)
    assert 0.02 < found.suggestion < 0.2  # 0.06 for whole batches


def test_misuse_is_named():
    with pytest.raises(ValueError, match=r"not lowest=1, highest=0\.1"):
        training.find_learning_rate(None, [1], None, lowest=1, highest=0.1)
    with pytest.raises(ValueError, match="no batches"):
        training.find_learning_rate(None, [], None)
