from functools import partial

import pytest

import autograd_core as ag

IMAGES = ag.arange(24.0).reshape(1, 2, 3, 4)
LAST = (24, 1, 8, 2)


@pytest.mark.parametrize(
    "arranged",
    [
        lambda x, f: x.contiguous(memory_format=f),
        lambda x, f: x.to(memory_format=f),
        lambda x, f: x.to(ag.float64, memory_format=f).float(),
        lambda x, f: x.clone(memory_format=f),
        lambda x, f: x.float(memory_format=f),
    ],
    ids=("contiguous", "to", "to another dtype", "clone", "float"),
)
def test_channels_last_moves_strides_and_no_value(arranged):
    x = IMAGES.clone().requires_grad_()
    y = arranged(x, ag.channels_last)
    assert y.tolist() == x.tolist()
    assert y.stride() == LAST
    assert y.is_contiguous(memory_format=ag.channels_last)
    assert not y.is_contiguous()
    assert y.contiguous().is_contiguous()
    assert arranged(y, ag.preserve_format).stride() == LAST
    (y * y).sum().backward()
    assert x.grad.tolist() == (2 * x).tolist()


new_tensors = pytest.mark.parametrize(
    "make",
    [ag.zeros_like, ag.ones_like, ag.empty_like, ag.rand_like, partial(ag.full_like, fill_value=2)],
    ids=["zeros", "ones", "empty", "rand", "full"],
)


@new_tensors
def test_new_tensors_are_ordered_like_the_given_one(make):
    for x in (IMAGES.permute(3, 1, 0, 2), IMAGES.contiguous(memory_format=ag.channels_last)):
        for options in ({}, {"dtype": "float64"}, {"memory_format": ag.preserve_format}):
            assert make(x, **options).stride() == x.stride()
    spread, every_other = ag.ones(3, 1).expand(3, 4), ag.ones(4, 6).T[::2]
    assert (make(spread).stride(), make(every_other).stride()) == ((4, 1), (1, 3))
    assert ag.vmap(make, randomness="different")(ag.ones(2, 3, 4).mT).shape == (2, 4, 3)


@new_tensors
def test_new_tensors_in_a_format(make):
    t = make(IMAGES, memory_format=ag.channels_last, requires_grad=True)
    assert (t.shape, t.stride(), t.is_leaf, t.requires_grad) == (IMAGES.shape, LAST, True, True)
    assert ag.empty(1, 2, 3, 4, memory_format=ag.channels_last).stride() == LAST
    volume = ag.empty(1, 2, 1, 3, 4, memory_format=ag.channels_last_3d)
    assert volume.is_contiguous(memory_format=ag.channels_last_3d)


def test_the_order_of_axes_in_memory():
    x, formats = ag.zeros(2, 3, 4, 5), [ag.contiguous_format, ag.channels_last]
    assert (x.dim_order(), ag.zeros(()).dim_order(), x.flip(1).dim_order()) == ((0, 1, 2, 3), (), (0, 1, 2, 3))
    assert x.transpose(1, 2).dim_order(ambiguity_check=True) == (0, 2, 1, 3)
    assert x.contiguous(memory_format=ag.channels_last).dim_order(ambiguity_check=formats) == (0, 2, 3, 1)
    one = x[:1]
    assert one.dim_order() == one.dim_order(ambiguity_check=formats) == (0, 1, 2, 3)
    for unclear in (True, [], [ag.channels_last]):
        with pytest.raises(RuntimeError, match=r"ambiguous: shape \(1, 3, 4, 5\)"):
            one.dim_order(ambiguity_check=unclear)
    with pytest.raises(TypeError, match="a bool or a list of memory formats"):
        x.dim_order(ambiguity_check="channels_last")


def test_a_format_of_other_axes_is_an_error():
    with pytest.raises(RuntimeError, match=r"channels_last needs 4 axes; this tensor has shape \(2,\)"):
        ag.ones(2).to(memory_format=ag.channels_last)
