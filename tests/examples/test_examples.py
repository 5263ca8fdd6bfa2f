"""The examples, run as a user runs them."""

import os
import re
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits.py"
SIGMOID = ROOT / "examples" / "sigmoid_derivative.py"
SLIDES = ROOT.parent / "shared" / "seeds" / "001_b7ecadbc813b6485.txt"
PATH = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
# One thread: where test workers already fill the cores, more only wait for each other. The lines of the packages are
# not counted here, which would take as long again: other tests run them.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
ENVIRONMENT |= {"PYTHONPATH": PATH, "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}


def run(*arguments, cwd):
    command = [sys.executable, "-W", "error", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=100)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A short run from a foreign directory, and the folder it wrote to."""
    place = tmp_path_factory.mktemp("elsewhere")
    return run(DIGITS, "--epochs", 3, "--out", "results", cwd=place), place / "results"


def test_digits_runs(digits):
    result, _ = digits
    assert result.returncode == 0, result.stderr
    assert len(result.stderr.splitlines()) == 6, "one line per epoch and model where there is no terminal"


def test_digits_models_learn_and_survive_their_files(digits):
    found = re.findall(r"^(MLP|CNN)  test accuracy ([\d.]+) %, .* ([\d.]+) %$", digits[0].stdout, re.MULTILINE)
    assert [name for name, _, _ in found] == ["MLP", "CNN"]
    for name, before, after in found:
        assert before == after
        assert float(before) > {"MLP": 85, "CNN": 93}[name]


def test_digits_writes_pictures_and_weights(digits):
    _, out = digits
    names = {path.name for path in out.iterdir()}
    assert names == {f"{m}{end}" for m in ("mlp", "cnn") for end in (".safetensors", "_loss.svg")} | {
        "learning_curves.png"
    }
    assert (out / "learning_curves.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (out / "cnn_loss.svg").read_text("utf-8")


def test_digits_weights_are_safetensors(digits):
    from safetensors.numpy import load_file

    tensors = load_file(digits[1] / "cnn.safetensors")
    assert tensors["0.weight"].shape == (16, 1, 3, 3)
    assert all(np.isfinite(t).all() for t in tensors.values())


def test_digits_help_names_every_option(tmp_path):
    result = run(DIGITS, "--help", cwd=tmp_path)
    assert result.returncode == 0
    for option in ("--epochs", "--device", "--seed", "--out"):
        assert option in result.stdout


@pytest.mark.parametrize(
    "example, arguments, message",
    [
        ("digits", ("--epochs", "-3"), "argument --epochs: '-3' is not an integer of at least 1"),
        ("digits", ("--epochs", "abc"), "argument --epochs: 'abc' is not an integer of at least 1"),
        ("digits", ("--epochs", "0"), "argument --epochs: '0' is not an integer of at least 1"),
        ("digits", ("--epochs",), "argument --epochs: expected one argument"),
        ("digits", ("--seed", "1.5"), "argument --seed: '1.5' is not an integer of at least 0"),
        ("digits", ("--device", "tpu"), r"argument --device: invalid choice: 'tpu' \(choose from '?cpu'?, '?cuda'?\)"),
        ("digits", ("--out", str(DIGITS)), ".*File exists.*"),
        ("digits", ("--speed", "9"), "unrecognized arguments: --speed 9"),
        ("playground", ("--layers", "8", "0"), "argument --layers: '0' is not an integer of at least 1"),
        ("pose", ("--out", f"{DIGITS}/a.png"), "argument --out: .*digits.py'"),
    ],
)
def test_wrong_options_give_one_line(monkeypatch, capsys, example, arguments, message):
    path = str(DIGITS.with_stem(example))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(sys, "argv", [path, *arguments])
    monkeypatch.syspath_prepend(DIGITS.parent)
    with pytest.raises(SystemExit) as end:
        runpy.run_path(path, run_name="__main__")
    output, errors = capsys.readouterr()
    assert end.value.code == 2
    assert re.fullmatch(f"{example}.py: error: {message}\n", errors)
    assert not output


def test_digits_says_how_to_install_what_a_gpu_needs(tmp_path):
    (tmp_path / "cupy.py").write_text("raise ImportError('blocked by a test')")
    blocked = {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join([str(tmp_path), PATH])}
    command = [sys.executable, str(DIGITS), "--device", "cuda"]
    result = subprocess.run(command, cwd=tmp_path, env=blocked, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert re.fullmatch(r'digits.py: error: .*pip install "autograd-core\[cuda12\]".*\n', result.stderr)


@pytest.fixture
def as_from_a_terminal():
    """Ctrl-C works in programs that the test starts, even where a shell started the tests in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("as_from_a_terminal")
def test_digits_ctrl_c_keeps_what_was_learned(tmp_path):
    command = [sys.executable, DIGITS, "--epochs", "300", "--out", tmp_path]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, env=ENVIRONMENT, text=True, stdout=pipe, stderr=pipe)
    assert process.stderr.readline().startswith("epoch 30/300: loss")
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert "Interrupted: what the MLP has learned so far is in" in output
    assert "Traceback" not in errors
    from safetensors.numpy import load_file

    assert load_file(tmp_path / "mlp.safetensors")["1.0.weight"].shape == (128, 64)
    assert not (tmp_path / "cnn.safetensors").exists()


def slide_program(text):
    """The example's part that the slide shows: from the first import to the line that draws the legend."""
    return text[text.index("import autograd_core") : text.index("plt.legend();") + len("plt.legend();")]


def test_sigmoid_derivative_is_right(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    names = {}
    exec(slide_program(SIGMOID.read_text("utf-8")), names)
    _, analytical, autodiff = (line.get_ydata() for line in plt.gca().lines)
    plt.close("all")
    np.testing.assert_allclose(autodiff, analytical, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(autodiff, names["x"].grad.numpy())
    z = 1 / (1 + np.exp(-np.linspace(-10, 10, 100)))
    np.testing.assert_allclose(autodiff, z * (1 - z), rtol=0, atol=1e-6)


def test_sigmoid_derivative_writes_its_picture(tmp_path):
    example = tmp_path / "examples" / SIGMOID.name
    example.parent.mkdir()
    example.write_text(SIGMOID.read_text("utf-8"))
    result = run(example, cwd="/")
    assert result.returncode == 0, result.stderr
    picture = tmp_path / "runs" / "sigmoid_derivative.png"
    assert result.stdout == f"wrote {picture}\n"
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(not SLIDES.is_file(), reason="the slides are not part of this repository")
def test_sigmoid_derivative_is_the_slide():
    slides = SLIDES.read_text("utf-8")
    program = re.search(r"^# Autodiff example\n+```\n(.*?)\n```", slides, re.MULTILINE | re.DOTALL)[1]

    def without_imports(text):
        return [line for line in text.splitlines() if not line.startswith("import ")]

    assert without_imports(slide_program(SIGMOID.read_text("utf-8"))) == without_imports(program)


def test_depth_hurts_plain_networks_only(tmp_path):
    result = run(ROOT / "examples" / "degradation.py", "--epochs", 3, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    loss = {
        name: float(value)
        for name, value in re.findall(r"^(\w+) +training loss ([\d.]+)$", result.stdout, re.MULTILINE)
    }
    assert loss["plain56"] > 3 * loss["plain20"]
    assert loss["resnet56"] < loss["plain56"] / 3


def test_residual_networks_survive_the_loss_of_a_block(tmp_path):
    result = run(ROOT / "examples" / "lesions.py", "--epochs", 7, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    rows = re.findall(r"^(\w+) +(?:without )?(\S+) +error +([\d.]+) %$", result.stdout, re.MULTILINE)
    errors = {name: [float(error) for n, path, error in rows if n == name] for name in ("resnet20", "plain20")}
    assert len(errors["resnet20"]) == len(errors["plain20"]) == 8
    assert errors["plain20"][0] < 20
    assert min(errors["plain20"][1:]) > 60
    assert errors["resnet20"][0] < 5
    assert sorted(errors["resnet20"][1:])[-2] < 30  # the very first block is the one that counts
    assert np.median(errors["resnet20"][1:]) < 10


def test_the_surface_of_the_loss_is_drawn(tmp_path):
    result = run(ROOT / "examples" / "loss_surface.py", "--epochs", 1, "--steps", 3, "--out", "a/b.png", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "a" / "b.png").read_bytes().startswith(b"\x89PNG")
    rises = re.findall(r"^(\w+) +loss ([\d.]+) to ([\d.]+)$", result.stdout, re.MULTILINE)
    assert [name for name, _, _ in rises] == ["plain20", "resnet20"]
    assert all(float(highest) > 10 * float(lowest) for _, lowest, highest in rises)


def test_parts_of_a_body_are_found(tmp_path):
    result = run(ROOT / "examples" / "pose.py", "--steps", 120, "--out", "pose.png", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "pose.png").read_bytes().startswith(b"\x89PNG")
    distances = re.findall(r"([\d.]+) pixels off", result.stdout)
    assert len(distances) == 6
    assert max(map(float, distances)) < 4


def test_guided_gradients_keep_to_the_digits(tmp_path):
    result = run(ROOT / "examples" / "saliency.py", "--epochs", 5, "--out", "maps.png", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "maps.png").read_bytes().startswith(b"\x89PNG")
    plain, guided = map(float, re.findall(r"([\d.]+) times as strong", result.stdout))
    assert guided > plain + 0.2 > 1.2


def test_a_playground_learns_what_no_line_separates(tmp_path):
    arguments = ("--data", "xor", "--layers", 4, "--activation", "relu", "--steps", 300, "--out", "xor.png")
    result = run(ROOT / "examples" / "playground.py", *arguments, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "xor.png").read_bytes().startswith(b"\x89PNG")
    assert float(re.search(r"xor: ([\d.]+) %", result.stdout)[1]) > 95
