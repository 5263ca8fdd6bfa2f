"""Families of operations are registered when one of them is first used, wherever it is first asked for."""

import subprocess
import sys

from autograd_core.families import FAMILY
from autograd_core.family_index import INDEX

# One name of a family for each way to ask for it.
FIRST_USES = {
    "diff": "x.requires_grad_(); ag.diff(x).sum().backward(); assert x.grad.tolist() == [-1, 0, 1]",  # a function
    "median": "from autograd_core import functional; assert functional.median(x).item() == 2",
    "Tensor.cumsum": "assert x.cumsum(0).tolist() == [1, 3, 6]",
    "Tensor.renorm_": "assert ag.tensor([[3.0, 4.0]]).renorm_(2, 0, 5.0).tolist() == [[3, 4]]",
    "linalg.det": "assert ag.linalg.det(ag.eye(2)).item() == 1",
    "special.i0": "assert ag.special.i0(ag.zeros(1)).tolist() == [1]",
    "sinc_": "assert ag.sinc_(ag.zeros(1)).tolist() == [1]",  # the write of a function
    "tile": "import numpy as np; assert np.tile(x, 1).tolist() == [1, 2, 3]",  # NumPy's function
    "unfold": "assert hasattr(x, 'unfold') and hasattr(ag, 'fold_windows') and not hasattr(ag, 'nonsense')",
    "trace": "r = RULES[type(x.array)]; assert r.trace(ag.eye(2).array) == r.trace(ag.eye(2).array) == 2",  # in a rule
}
PROGRAM = """
import sys, autograd_core as ag
from autograd_core.families import FAMILY
from autograd_core.engine.libraries import RULES

def use(name, program):
    module = f"autograd_core.ops.{FAMILY[name]}"
    assert module not in sys.modules
    exec(program, globals() | {"x": ag.tensor([1.0, 2.0, 3.0])})
    assert module in sys.modules
"""


def test_the_first_use_registers_the_family():
    uses = "".join(f"use({name!r}, {program!r})\n" for name, program in FIRST_USES.items())
    subprocess.run([sys.executable, "-W", "error", "-c", PROGRAM + uses], check=True, timeout=120)


def test_importing_the_package_registers_no_family():
    program = "import sys, autograd_core; print(*[m for m in sys.modules if m.startswith('autograd_core.ops.')])"
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=120)
    assert not {f"autograd_core.ops.{family}" for family in INDEX} & set(run.stdout.split())


def test_a_name_is_searched_for_once():
    program = """
import autograd_core as ag
for name in ("nn", "lerp", "dropout"):
    assert name not in vars(ag)
    assert getattr(ag, name) is vars(ag)[name]
assert "nn" not in ag.__all__ and "lerp" in ag.__all__
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=120)


def test_a_name_belongs_to_one_family():
    assert sum(len(names.split()) for names in INDEX.values()) == len(FAMILY)


def test_names_are_listed_before_their_first_use():
    program = """
import autograd_core as ag
assert {"cumsum", "Tensor", "draw", "nn", "bfloat16"} <= {*dir(ag)}
assert "det" in dir(ag.linalg)
from autograd_core import *
assert cumsum is ag.cumsum and Tensor and no_grad and bfloat16
assert vmap is ag.vmap and load is ag.load and FloatTensor is ag.FloatTensor
assert not {"np", "sys", "linalg", "Any", "config", "nn"} & {*globals()}
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=120)
