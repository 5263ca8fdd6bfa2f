"""`assert_close`: what it lets pass, and what it says of the rest."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.testing import assert_close

T = ag.tensor


@pytest.mark.parametrize("actual, expected, options", [
    (T([1.0, 2.0]), T([1.0, 2.0 + 2e-6]), {}), (T([1, 2]), T([1, 2]), {}), (np.ones(2), np.ones(2) + 1e-8, {}),
    ({"a": [T(1.0), 2]}, {"a": (T(1.0), 2)}, {}), (T([np.inf, -np.inf]), T([np.inf, -np.inf]), {}), (None, None, {}),
    (T([np.nan]), T([np.nan]), {"equal_nan": True}), (T([1.0]), T([1.5]), {"rtol": 0.0, "atol": 0.6}),
    (T([1.0]), T([1]), {"check_dtype": False}), (T([], dtype="f4"), T([], dtype="f4"), {}), (1 + 2j, 1 + 2j, {}),
    (T([1 + 1j]), T([1 + 1.000001j]), {}), (ag.ones(2, dtype=ag.bfloat16), T([1.01, 1.0]).bfloat16(), {}),
], ids=range(13))  # fmt: skip
def test_close(actual, expected, options):
    assert_close(actual, expected, **options)


@pytest.mark.parametrize("actual, expected, options, message", [
    (T([1.0, 2.0]), T([1.0, 2.1]), {}, r"close!\n\nMismatched elements: 1 / 2 \(50.0%\)\nGreatest absolute difference: "
     r"0.0999\d* at index \(1,\) \(up to 1e-05 allowed\)\nGreatest relative .*1.3e-06"),
    (T([1, 2]), T([1, 3]), {}, r"not equal!(.|\n)*absolute difference: 1.0 at index \(1,\)\n"),
    (T([1.0]), T([1.0, 2.0]), {}, r"'shape' do not match: \(1,\) != \(2,\)"),
    (T([1.0]), T([1]), {}, "'dtype' do not match: float32 != int64"),
    (T([np.nan]), T([np.nan]), {}, "absolute difference: nan"), (T([np.inf]), T([1.0]), {}, "difference: inf"),
    (ag.ones(2, 3), ag.ones(3, 2).T, {"check_stride": True}, r"'stride' do not match: \(3, 1\) != \(1, 2\)"),
    ([1.0, {"a": T(2.0)}], [1.0, {"a": T(3.0)}], {}, r"failure occurred for item \[1\]\['a'\]"),
    ([1], [1, 2], {}, "length of the sequences mismatch: 1 != 2"), ({"a": 1}, {"b": 1}, {}, r"Missing keys.*\['b'\]"),
    (1.0, 1.1, {"msg": "no!"}, "^no!$"), (1.0, 1.1, {"msg": lambda m: f"{m[:6]}!"}, "^Tensor!$"),
    (T([2**53 + 1]), T([2**53]), {}, "not equal"), (True, False, {}, "not equal"),
], ids=range(14))  # fmt: skip
def test_not_close(actual, expected, options, message):
    with pytest.raises(AssertionError, match=message):
        assert_close(actual, expected, **options)


def test_what_cannot_be_compared():
    for actual, expected in (("a", "a"), (T(1.0), 1.0), (np.ones(1), T([1.0])), (None, 1)):
        with pytest.raises(TypeError, match="cannot compare"):
            assert_close(actual, expected)
    with pytest.raises(ValueError, match="both rtol and atol"):
        assert_close(1.0, 1.0, rtol=1.0)
