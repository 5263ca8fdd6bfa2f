import logging
import os
import shutil
import subprocess
import sys

import pytest

from backends.onednn import choice, library

PROGRAM = """
import logging, sys
logging.basicConfig(stream=sys.stdout, format="%(name)s: %(message)s")
import autograd_core as ag
import backends
assert "backends.onednn.library" not in sys.modules
x, w = ag.ones(1, 16, 16, 16), ag.ones(16, 16, 3, 3)
for _ in range(2):
    assert ag.conv2d(x, w).sum().item() == 16 * 14 * 14 * 144
try:
    ag.config.kernels = "onednn"
except backends.BackendUnavailable as e:
    print("refused:", e)
"""


def run(path):
    """What a program says that computes with the library at `path`."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, library.VARIABLE: str(path)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def stub(folder, source, *needed, name="libdnnl.so.3"):
    """A library compiled from C, that needs others."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    (folder / "stub.c").write_text(source)
    path = folder / name
    named = f"-Wl,-soname,{name},--no-as-needed"
    subprocess.run([compiler, "-shared", "-fPIC", named, "-o", path, folder / "stub.c", *needed], check=True)
    return path


def expect(lines, words):
    logged, refused = lines
    assert logged.startswith("backends: ")
    assert words in logged
    assert refused.startswith("refused: ")
    assert words in refused


def test_a_missing_library_costs_one_line_that_says_what_to_do(tmp_path):
    expect(run(tmp_path / "libdnnl.so.3"), "pip install onednn-cpu-gomp")


def test_what_is_no_library(tmp_path):
    (tmp_path / "libdnnl.so.3").touch()
    expect(run(tmp_path / "libdnnl.so.3"), "cannot be loaded as oneDNN")


def test_another_library(tmp_path):
    expect(run(stub(tmp_path, "int other(void) { return 1; }")), "cannot be loaded as oneDNN")


def test_without_openmp(tmp_path):
    runtime = stub(tmp_path, "", name="libgomp.so.9")
    path = stub(tmp_path, "", runtime)
    runtime.unlink()
    expect(run(path), "apt install libgomp1")


def test_a_wrong_version(tmp_path):
    source = """
    struct { int parts[3]; const char *hash; unsigned cpu, gpu; } v = {{2, 7, 3}, "", 2, 0};
    void *dnnl_version(void) { return &v; }
    """
    expect(run(stub(tmp_path, source)), "is oneDNN 2.7.3, but version 3 is needed")


def test_switched_off_nothing_is_logged():
    (refused,) = run("off")
    assert "unset" in refused


@pytest.mark.parametrize("value", ["on", "1"])
def test_switched_on_it_is_the_installed_one(monkeypatch, value):
    monkeypatch.delenv(library.VARIABLE, raising=False)
    installed = library.find()
    monkeypatch.setenv(library.VARIABLE, value)
    assert library.find() == installed


def test_kernels_are_chosen_at_run_time(caplog):
    import autograd_core as ag

    with pytest.raises(AttributeError, match="kernel"):
        ag.config.kernel = "numpy"

    with caplog.at_level(logging.DEBUG, "backends"):
        with ag.config.using("numpy"):
            assert ag.config.kernels == "numpy"
            assert not choice.active()
            assert "in use: NumPy" in repr(ag.config)
        with ag.config.using("onednn"):
            assert choice.active()
            assert "oneDNN 3." in repr(ag.config)
    assert not caplog.records
    with pytest.raises(ValueError, match="'auto', 'onednn', 'numpy', not 'mkl'"):
        ag.config.kernels = "mkl"


def test_small_steps_do_not_load_the_library():
    program = """
import autograd_core as ag, nn, optim
from backends.onednn import choice
net, x = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1)), ag.randn(4, 2)
optimizer = optim.Adam(net.parameters())

@ag.capture
def step(x):
    optimizer.zero_grad()
    loss = net(x).square().mean()
    loss.backward()
    optimizer.step()
    return loss

for _ in range(5):
    step(x)
assert step.source and not step.reasons
assert choice.asked() is None
"""
    subprocess.run([sys.executable, "-c", program], check=True)
