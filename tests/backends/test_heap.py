import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="another C library")
ENABLED = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def output(program, setting):
    finished = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | setting, capture_output=True, text=True, check=True
    )
    return finished.stdout


TEMPORARIES = """
import resource
import numpy as np
import backends.heap

x = np.ones(1_000_000, np.float32)
for round in range(25):
    if round == 5:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    x / (2 * x)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.parametrize("setting, kept", [({}, True), ({"MALLOC_TRIM_THRESHOLD_": "131072"}, False)])
def test_temporary_arrays_do_not_fault_their_memory_in_again(setting, kept):
    assert (int(output(TEMPORARIES, setting)) < 1000) is kept


FLAGS = """
import re
import backends.heap

maps = open("/proc/self/smaps").read()
print(any("hg" in flags.split() for flags in re.findall(r"\\[heap\\][^[]*?VmFlags:(.*)", maps)))
"""


@pytest.mark.skipif(not ENABLED.exists(), reason="no huge pages")
@pytest.mark.parametrize("setting, huge", [({}, True), ({"MALLOC_TOP_PAD_": "131072"}, False)])
def test_the_heap_asks_for_huge_pages(setting, huge):
    assert output(FLAGS, setting).strip() == str(huge)


def test_a_limit_on_memory_is_respected():
    limited = "import resource; resource.setrlimit(resource.RLIMIT_DATA, (1 << 28, 1 << 28));" + TEMPORARIES
    assert output(limited, {"OPENBLAS_NUM_THREADS": "1"})
