"""What a user installs is what pyproject.toml promises."""

import re
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

import autograd_core

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
PACKAGES = ("autograd_core", "backends", "nn", "optim", "training")
APART = {"nvrtc", "cuda12", "cuda13", "distributed"}
HEAVY = {
    "cupy", "graphviz", "hypothesis", "importlib.resources", "matplotlib", "multiprocessing", "pathlib", "pygraphviz",
    "pytest", "sklearn", "tempfile", "tqdm",
}  # fmt: skip


def named_extras(text):
    """The extras in every `autograd-core[one,two]` of a text."""
    return {extra.strip() for names in re.findall(r"autograd-core\[([\w\s,-]+)\]", text) for extra in names.split(",")}


def test_version_is_the_same_everywhere():
    assert autograd_core.__version__ == PROJECT["version"]
    assert f"## [{PROJECT['version']}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.parametrize("package", PACKAGES)
def test_package_is_typed(package):
    assert (ROOT / package / "py.typed").is_file(), f"create an empty {package}/py.typed, or mypy ignores our types"


def test_import_is_light():
    program = (
        "import sys, numpy; before = set(sys.modules); import autograd_core; "
        f"print(*sorted({HEAVY} & set(sys.modules) - before))"
    )
    command = [sys.executable, "-W", "error", "-c", program]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert not run.stdout.split(), "import these where they are used, not with autograd_core"


def test_model_files_are_imported_when_first_used():
    program = "import sys, nn; assert 'nn.onnx' not in sys.modules; assert nn.onnx.export"
    subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=ROOT, check=True)


def test_modules_do_not_import_each_other_in_circles():
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True)
    imports = {m: graph.find_modules_directly_imported_by(m) for m in graph.modules}
    imports["nn.modules"] -= {"nn"}  # all of which it offers under another name
    imports["backends.cupy_backend.launch"] -= {f"backends.cupy_backend.{name}_plans" for name in ("cudnn", "cublaslt")}
    TopologicalSorter(imports).prepare()  # its error names a circle


def test_all_holds_every_extra_but_the_large_ones():
    assert named_extras(*EXTRAS["all"]) == set(EXTRAS) - APART - {"all"}


@pytest.mark.parametrize("place", [*PACKAGES, "README.md", "docs", "examples", "benchmarks"])
def test_extras_that_texts_name_exist(place):
    root = ROOT / place
    files = [root] if root.is_file() else [file for file in root.rglob("*") if file.suffix in {".py", ".md"}]
    named = {extra for file in files for extra in named_extras(file.read_text("utf-8"))}
    assert named <= set(EXTRAS)
