"""Conditions that libraries assert."""

import pytest

import autograd_core as ag


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("_check", RuntimeError),
        ("_check_index", IndexError),
        ("_check_value", ValueError),
        ("_check_type", TypeError),
        ("_check_not_implemented", NotImplementedError),
    ],
)
def test_conditions(name, error):
    check = getattr(ag, name)
    check(True, lambda: pytest.fail("the text is made only for an error"))
    with pytest.raises(error, match="three"):
        check(False, lambda: "three")
    with pytest.raises(error, match="Expected cond to be True"):
        check(False)


def test_conditions_on_tensors():
    x = ag.tensor([1.0, 2.0])
    ag._check_tensor_all(x > 0)
    with pytest.raises(RuntimeError, match="Expected"):
        ag._check_tensor_all(x > 1)
    with pytest.raises(ValueError, match="too small"):
        ag._check_tensor_all_with(ValueError, x > 1, lambda: "too small")
    with pytest.raises(TypeError, match="float32"):
        ag._check_tensor_all(x)


def test_sizes_and_what_is_no_condition():
    ag._check_is_size(3, max=3)
    for size in (-1, 4):
        with pytest.raises(RuntimeError, match="no size"):
            ag._check_is_size(size, lambda: "no size", max=3)
    with pytest.raises(TypeError, match="cond must be a bool"):
        ag._check(1)
    with pytest.raises(TypeError, match="message must be a callable"):
        ag._check_with(ValueError, False, "text")
