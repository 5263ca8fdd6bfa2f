"""oneDNN chooses its implementations by the processor; here it is told to take this one for an older one."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from backends.onednn import library

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="other processors have other instructions")


def run(instructions, *arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "ONEDNN_MAX_CPU_ISA": instructions, library.VARIABLE: ""},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("instructions", ["AVX2", "AVX512_CORE"])
def test_kernels_give_the_same_where_some_have_no_fast_implementation(instructions):
    here = Path(__file__).parent
    tests = (
        here / "test_kernels.py",
        here / "test_short_floats.py",
        f"{here.parent / 'test_passes.py'}::test_float16_is_rounded_as_numpy_does",
    )
    done = run(instructions, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, tests))
    assert done.returncode == 0, done.stdout


def test_without_avx2_numpy_computes():
    done = run("SSE41", "-c", "import autograd_core as ag; ag.randn(99, 99) @ ag.randn(99, 99); print(ag.config)")
    assert "in use: NumPy" in done.stdout
    assert "without AVX2" in done.stderr
