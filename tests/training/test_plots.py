"""Learning curves are written, show what was measured, and touch nothing else."""

import inspect
import re
import subprocess
import sys

import numpy as np
import pytest

import training
from nn.layers import activation, textbook_activations
from training import History, learning_curves

HISTORY = History(
    loss=[2.0, 1.0, 0.5], accuracy=[0.3, 0.6, 0.9], val_loss=[2.1, 1.2, 0.8], val_accuracy=[0.2, 0.5, 0.8]
)


def test_picture_of_one_run(tmp_path):
    path = tmp_path / "curves.png"
    learning_curves(HISTORY, path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_every_run_and_part_is_named(tmp_path):
    path = tmp_path / "curves.svg"
    import matplotlib as mpl

    with mpl.rc_context({"svg.fonttype": "none"}):
        learning_curves({"small": HISTORY, "large": History(loss=[1.0], accuracy=[0.5])}, path)
    text = path.read_text("utf-8")
    for label in ("small training", "small validation", "large training", "Loss", "Accuracy", "epoch"):
        assert text.count(f">{label}</text>") >= 1, label
    assert "large validation" not in text


def test_run_without_labels_has_no_accuracy(tmp_path):
    learning_curves(History(loss=[2.0, 1.0]), tmp_path / "curves.png")


def test_nothing_to_show():
    with pytest.raises(TypeError, match=r"takes the history of fit\(\), .* not \[0.5\]"):
        learning_curves([0.5], "curves.png")
    with pytest.raises(ValueError, match="at least one completed epoch"):
        learning_curves({"a": History(interrupted=True)}, "never.png")


def test_pyplot_stays_out(tmp_path):
    program = (
        "import sys; from training import History, learning_curves;"
        "learning_curves(History(loss=[1.0]), sys.argv[1]); sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    command = [sys.executable, "-W", "error", "-c", program, str(tmp_path / "curves.png")]
    assert subprocess.run(command, check=False).returncode == 0


def test_missing_library_says_how_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'learning curves needs matplotlib.*pip install "autograd-core\[train\]"'):
        learning_curves(HISTORY, "never.png")


def test_every_activation_is_drawn_with_its_derivative(tmp_path):
    training.activation_curves(tmp_path / "all.png")
    assert (tmp_path / "all.png").read_bytes().startswith(b"\x89PNG")
    drawn = {c.__name__ for c in training.plots.ACTIVATIONS}
    named = set(
        re.findall(r"^class ([A-Z]\w+)", "".join(map(inspect.getsource, (activation, textbook_activations))), re.M)
    )
    several = {"GLU", "Softmax", "LogSoftmax", "Softmin", "Softmax2d", "BipolarReLU", "Maxout"}
    assert drawn - {"Identity"} == named - several - {"Threshold"}  # which has no default


def test_curves_are_the_function_and_its_derivative(tmp_path, monkeypatch):
    from matplotlib.axes import Axes

    curves = {}
    monkeypatch.setattr(Axes, "plot", lambda panel, x, y, style, label: curves.update({label: (x, y)}))
    training.activation_curves(tmp_path / "square.svg", {"square": lambda x: x * x}, reach=2)
    np.testing.assert_allclose(curves["value"][0], np.linspace(-2, 2, 801), atol=1e-6)
    np.testing.assert_allclose(curves["value"][1], np.linspace(-2, 2, 801) ** 2, atol=1e-5)
    np.testing.assert_allclose(curves["derivative"][1], 2 * np.linspace(-2, 2, 801), atol=1e-5)
