"""What appears on stderr: a bar on a terminal, a few lines elsewhere."""

import io
import sys

import pytest

from training.progress import LINES, Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(show, epochs, validated=None, batches=3):
    with Progress(show, epochs, batches) as progress:
        for epoch in range(1, epochs + 1):
            for _ in range(batches):
                progress.batch(epoch, "loss 0.5, accuracy 90.0 %")
            progress.epoch(epoch, f"loss 0.{epoch:03}, accuracy 95.0 %", validated)


@pytest.mark.parametrize("epochs", [1, 3, 10, 57, 1000])
def test_few_lines_without_a_terminal(capsys, epochs):
    run(True, epochs)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == min(epochs, LINES)
    assert lines[-1] == f"epoch {epochs}/{epochs}: loss 0.{epochs:03}, accuracy 95.0 %"


def test_line_with_validation(capsys):
    run(True, 1, "loss 0.7000, accuracy 80.0 %")
    expected = "epoch 1/1: loss 0.001, accuracy 95.0 %; validation loss 0.7000, accuracy 80.0 %\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize("validated, shown", [(None, "loss 0.004, acc"), ("loss 0.7000", "validation loss 0.7000")])
def test_bar_on_a_terminal(monkeypatch, validated, shown):
    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    monkeypatch.setenv("COLUMNS", "80")
    run(True, 4, validated)
    last = screen.getvalue().split("\r")[-1]
    assert last.endswith("\n")
    for part in ("epoch 4/4: ", "12/12", shown):
        assert part in last


def test_silence(monkeypatch, capsys):
    run(False, 3)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    run(False, 3)
    assert not screen.getvalue()


def test_missing_library_says_how_to_install(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(ImportError, match=r'progress=False\) needs tqdm.*pip install "autograd-core\[train\]"'):
        run(True, 1)
