"""The command line draws what a callable makes, and says what is wrong in one line."""

import subprocess
import sys

import pytest

from autograd_core.drawing.command import main

TOOLS = """
import autograd_core as ag, nn
def expression():
    x = ag.tensor(2.0, requires_grad=True, name="x")
    return x * x
def pair():
    return nn.Linear(2, 1), ag.ones(3, 2)
model = nn.Linear(2, 1)
def product(a, b):
    return a * b
"""


def test_the_command_is_there(tmp_path):
    (tmp_path / "drawn_tools.py").write_text(TOOLS)
    command = [sys.executable, "-m", "autograd_core", "draw", "drawn_tools:expression", "--out", "x.svg"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("x.svg: 3 nodes, 3 edges")
    assert (tmp_path / "x.svg").read_text().startswith("<svg")
    usage = subprocess.run([sys.executable, "-m", "autograd_core"], capture_output=True, text=True, check=False)
    assert "draw module:callable" in usage.stderr


@pytest.mark.parametrize("target, more", [
    ("drawn_tools:pair", []), ("drawn_tools:product", ["--input", "5", "--input", "5"]), ("drawn_tools:product", None),
    ("drawn_tools:model", ["--input", "5,2", "--depth", "0"]),
    ("nn.models:mlp", None), ("drawn_tools:nothing", None), ("drawn_tools", None), ("drawn_tools:model", None),
])  # fmt: skip
def test_models_and_mistakes(tmp_path, monkeypatch, capsys, target, more):
    (tmp_path / "drawn_tools.py").write_text(TOOLS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    out = str(tmp_path / "model.html")
    if more is not None:
        main([target, "--out", out, *more])
        assert "nodes" in capsys.readouterr().out
        assert (tmp_path / "model.html").exists()
    else:
        with pytest.raises(SystemExit, match="draw: "):
            main([target, "--out", out])
