import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends import strides

SLICES = st.sampled_from((slice(None), slice(None, None, 2), slice(None, None, -1), slice(1), slice(0)))


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 2, 6), (2, 1, 3, 3, 3)])
def test_strides_of_channels_last(shape):
    expected = np.moveaxis(np.empty((shape[0], *shape[2:], shape[1]), np.float32), -1, 1).strides
    assert strides.channels_last_strides(shape) == expected


@given(st.permutations(range(3)), st.tuples(SLICES, SLICES, SLICES), st.booleans())
@settings(max_examples=100, deadline=None)
def test_questions_are_answered_as_by_the_addresses(order, parts, repeated):
    x = np.empty((2, 3, 4), np.float32).transpose(order)[parts]
    if repeated:
        x = np.broadcast_to(x[:1], x.shape)
    steps = [range(0, k * s, s) if s else [0] * k for k, s in zip(x.shape, x.strides, strict=True)]
    places = sorted(a + b + c for a in steps[0] for b in steps[1] for c in steps[2])
    assert strides.may_overlap(x.shape, x.strides) == (len(set(places)) < x.size)
    dense = x.size > 0 and places == list(range(0, 4 * x.size, 4))
    assert strides.is_dense(x.shape, x.strides) == dense
    if dense:
        assert np.shares_memory(strides.in_memory(x), x)
        assert strides.in_memory(x).flags.c_contiguous
