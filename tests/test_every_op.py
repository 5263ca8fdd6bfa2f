"""Every registered operation and composition passes the generated suite, on NumPy and on arrays that refuse NumPy."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_core.registry import COMPOSITIONS, OPS
from autograd_core.testing.strategies import samples_of
from autograd_core.testing.suite import CHECKS, check_cases, run

ENTRIES = [*OPS.values(), *COMPOSITIONS.values()]
DEVICES = ("cpu", "refusing")
SUITE = [
    pytest.param(entry, device, name, id=f"{entry.name}-{device}-{name.replace(' ', '_')}")
    for entry in ENTRIES
    for device in DEVICES
    for name in CHECKS
    if check_cases(name, entry)
]


@pytest.mark.parametrize("entry, device, name", SUITE)
def test_every_sample(entry, device, name):
    for case in check_cases(name, entry, device):
        run(name, case)


# All checks in one test, and a test per device: Hypothesis, without a database, overflows the stack after 960 parameter
# sets of one test.
@pytest.mark.parametrize("entry", ENTRIES, ids=str)
@settings(max_examples=4)
@given(data=st.data())
def test_other_values_shapes_and_layouts(entry, data):
    run_all(entry, "cpu", data)


@pytest.mark.parametrize("entry", ENTRIES, ids=str)
@settings(max_examples=2)
@given(data=st.data())
def test_other_values_shapes_and_layouts_elsewhere(entry, data):
    run_all(entry, "refusing", data)


def run_all(entry, device, data):
    for name, check in CHECKS.items():
        if check_cases(name, entry):
            run(name, data.draw(samples_of(entry, check.shapes, device, check.layouts), label=name))
