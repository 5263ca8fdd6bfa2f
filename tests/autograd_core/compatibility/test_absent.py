"""What PyTorch has and we do not says so by name, and nothing is on that list that exists."""

import importlib

import pytest

import autograd_core as ag
import nn.functional as F
from autograd_core.compatibility.absent import REASONS
from autograd_core.errors import AbsentError


@pytest.mark.parametrize("name", REASONS)
def test_an_absent_function_says_why(name):
    place, _, last = name.rpartition(".")
    owner = owner_of(place)
    with pytest.raises(NotImplementedError, match=f"'{name}' is not provided: ") as raised:
        getattr(owner, last)
    assert raised.value.name in (last, name)
    assert REASONS[name] in str(raised.value)
    assert not hasattr(owner, last)


def owner_of(place):
    if place == "Tensor":
        return ag.ones(2)
    return importlib.import_module(place if place == "nn.functional" else f"autograd_core.{place}".rstrip("."))


def test_other_names_are_plain_attribute_errors():
    for owner in (ag, ag.linalg, ag.special, ag.fft, ag.ones(2)):
        with pytest.raises(AttributeError, match="no attribute 'nonsense'") as raised:
            owner.nonsense
        assert not isinstance(raised.value, AbsentError)


@pytest.mark.parametrize("name", ["export", "nested"])
def test_nothing_private_or_far_off_is_proposed(name):
    with pytest.raises(AttributeError, match=f"no attribute '{name}'$"):
        getattr(ag, name)


@pytest.mark.parametrize(
    "owner, name, meant", [(ag, "conv2dd", "conv2d"), (ag.linalg, "invv", "inv"), (F, "crosentropy", "cross_entropy")]
)
def test_a_misspelt_name_is_recognised(owner, name, meant):
    with pytest.raises(AttributeError, match=f"no attribute '{name}'; did you mean '{meant}'"):
        getattr(owner, name)
