import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_core.registry import COMPOSITIONS, OPS, Interval, Values
from autograd_core.testing.layouts import LAYOUTS
from autograd_core.testing.samples import SHAPES, filled, samples_for, spaced
from autograd_core.testing.strategies import broadcastable_shapes, layouts, samples_of, shapes, tensors

ENTRIES = st.sampled_from([*OPS.values(), *COMPOSITIONS.values()])


@given(count=st.integers(0, 80), seed=st.integers(0, 2**32 - 1))
def test_values_differ_lie_in_the_domain_and_keep_away_from_kinks(count, seed):
    domain = Interval(-2, 3, kinks=(-2, 0, 1.5))
    values = spaced(domain, count, seed)
    assert values.shape == (count,)
    assert ((domain.low <= values) & (values <= domain.high)).all()
    assert all((abs(values - k) > 0.04).all() for k in domain.kinks)
    assert np.diff(np.sort(values)).min(initial=5) > 0.4 * 4.85 / max(count, 1)


def test_values_of_one_domain_differ_across_inputs():
    domain = Interval(-1, 1)
    a, b, n = filled([Values((2, 3), domain), Values((4,), domain), Values((50,), Interval(0, 3), "int64")])
    assert len({*a.ravel().tolist(), *b.tolist()}) == 10
    assert set(n.tolist()) == {0, 1, 2}


@given(shapes(min_dims=1, max_dims=2, min_side=1, max_side=3))
def test_shapes_keep_their_bounds(shape):
    assert 1 <= len(shape) <= 2
    assert all(1 <= k <= 3 for k in shape)


@given(broadcastable_shapes(3))
def test_shapes_broadcast(found):
    assert len(found) == 3
    np.broadcast_shapes(*found)


@given(
    tensors(domain=Interval(0.5, 2), requires_grad=True, layout=layouts())
    | tensors(domain=(0.5, 2), requires_grad=True)
)
def test_tensors(t):
    assert t.requires_grad
    assert t.is_leaf
    assert ((t.array >= 0.5) & (t.array <= 2)).all()


@given(tensors(shape=(2, 3), dtype="float32"))
def test_tensors_of_a_shape_and_dtype(t):
    assert (t.shape, t.dtype) == ((2, 3), np.float32)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 3)])
def test_layouts_keep_shape_dtype_and_values(name, shape):
    a = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)
    b = LAYOUTS[name](a)
    assert (b.shape, b.dtype) == (a.shape, a.dtype)
    assert not np.shares_memory(a, b)
    assert name == "expanded" or (a == b).all()


def test_layouts_are_what_they_say():
    a = np.arange(6.0).reshape(2, 3)
    assert LAYOUTS["transposed"](a).flags.f_contiguous
    assert max(LAYOUTS["reversed"](a).strides) < 0
    assert not LAYOUTS["sliced"](a).flags.forc
    assert LAYOUTS["expanded"](a).strides[0] == 0
    assert not LAYOUTS["read-only"](a).flags.writeable


@given(data=st.data(), entry=ENTRIES, shapes=st.sampled_from(sorted(SHAPES)))
def test_calls_of_every_entry(data, entry, shapes):
    if samples_for(entry, shapes):
        case = data.draw(samples_of(entry, shapes))
        assert len(case.call(*case.tensors())) == len(case.expected())
