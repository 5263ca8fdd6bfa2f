"""Every registered operation and composition passes the generated suite, on NumPy and on arrays that refuse NumPy."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_core.registry import COMPOSITIONS, OPS
from autograd_core.testing import check_op
from autograd_core.testing.strategies import layouts, samples_of
from autograd_core.testing.suite import check_drawn

ENTRIES = [*OPS.values(), *COMPOSITIONS.values()]
DEVICES = ("cpu", "refusing")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_every_sample(entry, device):
    check_op(entry, device)


# Hypothesis, without a database, overflows the stack after 960 parameter sets of one test.
@pytest.mark.parametrize("entry", ENTRIES, ids=str)
@settings(max_examples=4)
@given(data=st.data())
def test_other_values_shapes_and_layouts(entry, data):
    case, layout = data.draw(samples_of(entry)), data.draw(layouts())
    for device in DEVICES:
        check_drawn(replace(case, device=device), layout)
