"""The fixtures that a user's own tests get. `pytester` runs them in a session of their own."""

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

SUITE = '''
import autograd_core as ag
import pytest
from autograd_core.kinds import ELEMENTWISE
from autograd_core.registry import Interval, op


def test_gradients(gradcheck, gradgradcheck):
    x = ag.tensor([0.5, 2.0], dtype="float64", requires_grad=True)
    assert gradcheck(lambda x: x.log(), x)
    assert gradgradcheck(lambda x: x.log(), x)


@pytest.mark.parametrize("factor", [3, 3.003])
def test_an_operation(check_op, temporary_ops, factor):
    @op(ELEMENTWISE, symbol="x³", domain=Interval(-2, 2), reference=lambda x: x**3,
        vjp=lambda xp, g, x: factor * g * x * x)
    def cube(xp, x):
        """x³."""
        return x * x * x

    check_op("cube")


def test_it_is_forgotten():
    assert not hasattr(ag.functional, "cube")
'''


@pytest.fixture(autouse=True)
def only_ours(monkeypatch):
    """Found by name, installed or not."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "autograd_core.testing.plugin")


def test_fixtures_pass_what_is_right_and_fail_a_wrong_rule(pytester):
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["FAILED *test_an_operation[[]3.003[]]*"])
    result.stdout.fnmatch_lines(["*GradientError: the gradient of all outputs, weighted, with*input 0 is wrong*"])


def test_starting_pytest_loads_no_hypothesis(pytester):
    pytester.makepyfile("def test_nothing():\n    import sys\n    assert 'hypothesis' not in sys.modules")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_the_page_on_testing(pytester):
    page = (Path(__file__).parents[3] / "docs" / "testing.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    pytester.makepyfile("\n\n".join(blocks))
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=5)
