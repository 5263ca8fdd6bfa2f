"""A training that is interrupted and continued is, to the last bit, the one that was not."""

import itertools
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from nn.files import load
from training import DataLoader, EarlyStopping, History, Snapshots, TensorDataset, fit, metrics
from training.samplers import DistributedSampler

PROGRAM = Path(__file__)
EPOCHS = 6
RNG = np.random.default_rng(0)
POINTS = RNG.standard_normal((50, 2)).astype(np.float32)
SIDES = TensorDataset(POINTS, (POINTS[:, 0] > POINTS[:, 1]).astype(np.int64))
SCHEDULES = {
    "cosine": lambda o: (optim.lr_scheduler.CosineAnnealingLR(o, EPOCHS), "epoch"),
    "plateau": lambda o: (optim.lr_scheduler.ReduceLROnPlateau(o, patience=0), "epoch"),
    "cycle": lambda o: (optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=7 * EPOCHS, cycle_momentum=False), "batch"),
    "none": lambda o: (None, "epoch"),
}


LEGACY = np.random.mtrand._rand  # the global generator, which programs use


def seed_all():
    ag.manual_seed(0)
    random.seed(0)
    LEGACY.seed(0)


class Noisy:
    """A data set whose examples change by numbers from every generator that a program may use."""

    def __init__(self):
        self.own = np.random.default_rng(3)

    def __len__(self):
        return len(SIDES)

    def __getitem__(self, i):
        x, y = SIDES[i]
        noise = self.own.normal() + random.gauss(0, 1) + LEGACY.normal() + ag.randn(()).item()
        return x + 0.1 * noise, y


class Run:
    """The parts of a training, as a program makes them when it starts."""

    def __init__(self, schedule="cosine", generator=True, workers=0):
        seed_all()
        self.model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))
        self.optimizer = optim.AdamW(self.model.parameters(), lr=0.05)
        self.scheduler, self.interval = SCHEDULES[schedule](self.optimizer)
        self.stopping, self.snapshots = EarlyStopping(self.model, patience=9), Snapshots(self.model, 2)
        own = ag.Generator().manual_seed(5) if generator else None
        self.loader = DataLoader(Noisy(), 8, shuffle=True, generator=own, num_workers=workers)

    def fit(self, epochs=EPOCHS, **options):
        options = {"callbacks": [self.stopping, self.snapshots], "progress": False} | options
        return fit(
            self.model, self.loader, self.optimizer, epochs=epochs, scheduler=self.scheduler, interval=self.interval,
            validate=DataLoader(SIDES, 16), metrics={"f1": metrics.f1}, **options,
        )  # fmt: skip

    def result(self, history):
        """Everything that must be equal, as bytes and numbers."""
        states = [m.state_dict() for m in (self.model, *self.snapshots.models)] + [self.stopping._best]
        moments = [t for s in self.optimizer.state.values() for t in s.values() if isinstance(t, ag.Tensor)]
        tensors = [t.numpy().tobytes() for t in [*(t for s in states for t in s.values()), *moments]]
        measured = {k: v for k, v in vars(history).items() if k not in ("seconds", "interrupted")}
        best = self.stopping.best_epoch, self.stopping.best_loss
        return tensors, measured, best, ag.rand(3).tolist(), random.random(), LEGACY.random()


# Capturing looks at every object of the process, of which a session of tests has millions: two of these cases do.
@pytest.mark.parametrize(
    ("schedule", "generator", "capture"),
    [*itertools.product(SCHEDULES, (False, True), (False,)), ("cycle", True, True), ("plateau", False, True)],
)
def test_in_steps_of_other_lengths(tmp_path, schedule, generator, capture):
    whole = Run(schedule, generator)
    expected = whole.result(whole.fit(capture=capture))
    for epochs in (1, 4, EPOCHS):
        ag.manual_seed(7)  # what else a program draws does not matter
        parts = Run(schedule, generator)
        history = parts.fit(epochs, capture=capture, checkpoint=tmp_path / "run.pt")
        assert len(history) == len(history.seconds) == epochs
    assert parts.result(history) == expected


def test_with_worker_processes(tmp_path):
    whole = Run(workers=2)
    expected = whole.result(whole.fit(3))
    Run(workers=2).fit(1, checkpoint=tmp_path / "run.pt")
    parts = Run(workers=2)
    assert parts.result(parts.fit(3, checkpoint=tmp_path / "run.pt")) == expected


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes are not killed so here")
@pytest.mark.parametrize("capture", [False, True])
def test_killed_amid_a_step(tmp_path, capture):
    command = [sys.executable, str(PROGRAM), str(tmp_path / "run.pt"), str(int(capture))]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run(command, check=False, env=environment, timeout=120).returncode == -signal.SIGKILL
    assert len(load(tmp_path / "run.pt")["history"]["loss"]) == 3
    whole, parts = Run(), Run()
    expected = whole.result(whole.fit(capture=capture))
    assert parts.result(parts.fit(capture=capture, checkpoint=tmp_path / "run.pt")) == expected


def killed_in_the_fourth_epoch(path, capture):
    run, steps = Run(), []

    class Loader(DataLoader):
        def __iter__(self):
            for batch in super().__iter__():
                steps.append(batch)
                if len(steps) == 3 * len(self) + 4:
                    os.kill(os.getpid(), signal.SIGKILL)
                yield batch

    run.loader = Loader(run.loader.dataset, 8, shuffle=True, generator=run.loader.generator)
    run.fit(capture=capture, checkpoint=path)


def test_a_failure_while_writing_leaves_the_file(tmp_path, monkeypatch):
    Run().fit(1, checkpoint=tmp_path / "run.pt")
    before = (tmp_path / "run.pt").read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        Run().fit(2, checkpoint=tmp_path / "run.pt")
    assert (tmp_path / "run.pt").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]


def test_what_is_complete_or_ended_by_a_callback_stays_so(tmp_path, capsys):
    first = Run().fit(3, checkpoint=tmp_path / "run.pt")
    again = Run()
    assert vars(again.fit(3, checkpoint=tmp_path / "run.pt", progress=True)) == vars(first)
    assert "3 of 3 epochs are in the checkpoint" in capsys.readouterr().err
    assert again.stopping.best_epoch == min(range(3), key=first.val_loss.__getitem__) + 1
    ended = Run().fit(checkpoint=tmp_path / "ended.pt", callbacks=[lambda history: len(history) == 2])
    more = Run()
    more.fit(4, checkpoint=tmp_path / "run.pt", callbacks=[len, more.stopping, more.snapshots])
    again = Run().fit(checkpoint=tmp_path / "ended.pt", callbacks=[lambda history: pytest.fail("called again")])
    assert len(ended) == len(again) == 2


def test_shares_of_a_distributed_sampler_change_with_the_epoch(tmp_path):
    seen = []

    class Shares(DistributedSampler):
        def __iter__(self):
            seen.append(list(super().__iter__()))
            return iter(seen[-1])

    for epochs in (2, 3):
        run = Run()
        run.loader = DataLoader(SIDES, 10, sampler=Shares(SIDES, 2, 1))
        run.fit(epochs, checkpoint=tmp_path / "run.pt")
    expected = Shares(SIDES, 2, 1)
    for epoch in range(3):
        expected.set_epoch(epoch)
        assert seen[epoch] == list(expected)


def test_a_checkpoint_of_another_training_changes_nothing(tmp_path):
    Run().fit(1, checkpoint=tmp_path / "run.pt")

    def refused(error, match, path="run.pt", **changed):
        run = Run()
        vars(run).update({name: make(run) for name, make in changed.items()})
        before = run.result(History())
        with pytest.raises(error, match=match) as raised:
            run.fit(checkpoint=tmp_path / path)
        seed_all()
        assert run.result(History())[:3] == before[:3]
        return "".join(getattr(raised.value, "__notes__", []))

    assert "delete it" in refused(RuntimeError, "Missing key", model=lambda _: nn.Linear(2, 2))
    groups = lambda run: optim.Adam([{"params": [p]} for p in run.model.parameters()])  # noqa: E731
    assert "run.pt' is of another training" in refused(ValueError, "groups", optimizer=groups)
    refused(ValueError, "continues model, optimizer, scheduler, .*, not model, optimizer, c", scheduler=lambda _: None)
    refused(ValueError, "another training", loader=lambda _: DataLoader(SIDES, 8))
    nn.save(nn.Linear(2, 2), tmp_path / "weights.pt")
    refused(ValueError, "is no checkpoint of fit.*name another file", "weights.pt")


def test_what_cannot_be_continued_is_said_before_the_first_step(tmp_path):
    run = Run()
    run.scheduler = type("Halving", (), {"step": lambda self: None})()
    with pytest.raises(TypeError, match="scheduler Halving has no state_dict"):
        run.fit(checkpoint=tmp_path / "run.pt")
    for wrong, error in ((3, TypeError), (tmp_path / "no" / "run.pt", FileNotFoundError)):
        with pytest.raises(error, match="checkpoint"):
            Run().fit(checkpoint=wrong)
    assert list(tmp_path.iterdir()) == []


if __name__ == "__main__":
    killed_in_the_fourth_epoch(sys.argv[1], bool(int(sys.argv[2])))
