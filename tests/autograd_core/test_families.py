"""Families of operations are registered when one of them is first used, wherever it is first asked for."""

import subprocess
import sys

import pytest

from autograd_core.families import FAMILY
from autograd_core.family_index import INDEX

# Each in a process of its own: the first use of a family.
FIRST_USES = {
    "function": "assert ag.cumsum(x, 0).tolist() == [1, 3, 6]",
    "functional form": "from autograd_core import functional; assert functional.median(x).item() == 2",
    "method": "assert x.cumsum(0).tolist() == [1, 3, 6]",
    "in-place method": "assert x.cumsum_(0).tolist() == [1, 3, 6]",
    "module": "assert ag.linalg.det(ag.eye(2)).item() == 1; assert ag.special.i0(ag.zeros(1)).tolist() == [1]",
    "gradient": "x.requires_grad_(); ag.cumprod(x, 0).sum().backward(); assert x.grad.tolist() == [9, 4, 2]",
    "NumPy's function": "import numpy as np; assert np.cumsum(x).tolist() == [1, 3, 6]",
    "write of a function": "assert ag.sinc_(ag.zeros(1)).tolist() == [1]",
    "hasattr": "assert hasattr(x, 'logdet') and hasattr(ag, 'logdet') and not hasattr(ag, 'nonsense')",
    "rule": "from autograd_core.registry import RULES; r = RULES[type(x.array)]; "
    "assert r.cumsum(x.array, dim=0).tolist() == r.cumsum(x.array, dim=0).tolist() == [1, 3, 6]",
}


@pytest.mark.parametrize("name", FIRST_USES)
def test_the_first_use_registers_the_family(name):
    program = f"import autograd_core as ag; x = ag.tensor([1.0, 2.0, 3.0]); {FIRST_USES[name]}"
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=120)


def test_importing_the_package_registers_no_family():
    program = "import sys, autograd_core; print(*[m for m in sys.modules if m.startswith('autograd_core.ops.')])"
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=120)
    assert not {f"autograd_core.ops.{family}" for family in INDEX} & set(run.stdout.split())


def test_a_name_belongs_to_one_family():
    assert sum(len(names.split()) for names in INDEX.values()) == len(FAMILY)
