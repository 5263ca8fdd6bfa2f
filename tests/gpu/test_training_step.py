"""A training step starts work on a GPU and never waits for it: nothing is read back before the user asks."""

import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.testing.refusing import RefusingArray
from nn import functional as F

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, 0.1), "momentum": lambda p: optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
    "Adam": optim.Adam, "AdamW": lambda p: optim.AdamW(p, amsgrad=True), "NAdam": optim.NAdam, "RAdam": optim.RAdam,
    "RMSprop": optim.RMSprop, "Adagrad": optim.Adagrad, "Lion": optim.Lion, "LAMB": optim.LAMB,
    "LARS": lambda p: optim.LARS(p, 0.1),
    "Adafactor": optim.Adafactor, "Muon": lambda p: optim.Muon([q for q in p if q.ndim == 2]),
}  # fmt: skip


@pytest.fixture
def reads_refused(cupy, monkeypatch):
    """From the call on, whatever reads values of a device raises."""

    def refuse():
        def read(*args, **kwargs):
            raise AssertionError("a value was read from the GPU, which waits for it")

        monkeypatch.setattr(cupy, "asnumpy", read)
        monkeypatch.setattr(RefusingArray, "item", read)

    return refuse


class Images(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.2),
            nn.Conv2d(8, 8, 3, bias=False), nn.BatchNorm2d(8, momentum=None), nn.GELU(), nn.AdaptiveAvgPool2d(1),
            nn.Flatten(), nn.Linear(8, 5),
        )  # fmt: skip

    def forward(self, x):
        return self.layers(x)

    @staticmethod
    def batch():
        return ag.randn(4, 3, 8, 8, device="cuda"), ag.randint(0, 5, (4,), device="cuda")


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 8)
        self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.memory = nn.LSTM(8, 8, batch_first=True)
        self.last = nn.Linear(8, 11)

    def forward(self, x):
        y, _ = self.memory(self.block(self.table(x)))
        return self.last(y).transpose(1, 2)

    @staticmethod
    def batch():
        return ag.randint(0, 11, (3, 6), device="cuda"), ag.randint(0, 11, (3, 6), device="cuda")


def step(model, optimizer, x, target):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), target, label_smoothing=0.1)
    loss.backward()
    optim.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss


@pytest.mark.parametrize("make, name", [(Words, "AdamW"), *((Images, name) for name in OPTIMIZERS)])
def test_no_step_reads(make, name, reads_refused):
    model = make().to("cuda")
    optimizer = OPTIMIZERS[name](model.parameters())
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, 3)
    x, target = model.batch()
    reads_refused()
    for _ in range(2):
        step(model, optimizer, x, target)
        schedule.step()


LOSSES = {
    "binary": lambda y, t: F.binary_cross_entropy(y.sigmoid(), (t[:, None] > 2).float()),
    "logits": lambda y, t: F.binary_cross_entropy_with_logits(y, (t[:, None] > 2).float()),
    "mean square": lambda y, t: F.mse_loss(y, t[:, None].float()),
    "likelihood": lambda y, t: F.nll_loss(F.log_softmax(y.expand(-1, 5), 1), t),
    "Huber": lambda y, t: F.huber_loss(y, t[:, None].float()),
    "margin": lambda y, t: F.multi_margin_loss(y.expand(-1, 5), t),
    "normal": lambda y, t: F.gaussian_nll_loss(y, t[:, None].float(), y.exp()),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_no_loss_reads(loss, reads_refused):
    model, t = nn.Linear(3, 1).to("cuda"), ag.randint(0, 5, (4,), device="cuda")
    x = ag.randn(4, 3, device="cuda")
    reads_refused()
    loss(model(x), t).backward()


@pytest.mark.usefixtures("cupy")
def test_labels_are_checked_where_it_costs_no_waiting_or_on_request(monkeypatch):
    x = ag.randn(2, 3)
    with pytest.raises(IndexError, match="targets must lie between 0 and 2"):
        F.cross_entropy(x, ag.tensor([0, -1]))
    backend = ag.devices.backend_of("cuda")
    F.cross_entropy(x.cuda(), ag.tensor([0, -1]).cuda())
    monkeypatch.setattr(backend, "checks_values", True)
    with pytest.raises(IndexError, match="targets must lie between 0 and 2"):
        F.cross_entropy(x.cuda(), ag.tensor([0, -1]).cuda())
