"""What tensors print: the texts are PyTorch's, but for `dtype=float64` and the names of operations."""

import math
from dataclasses import replace

import pytest

import autograd_core as ag
from autograd_core.semantics import printing

inf, nan = math.inf, math.nan
VALUES = [
    (1, "tensor(1)"),
    ([1, -2, 3], "tensor([ 1, -2,  3])"),
    ([1.0, -2.0, 3.0], "tensor([ 1., -2.,  3.])"),
    ([1.0, -2.5, 1000.0], "tensor([   1.0000,   -2.5000, 1000.0000])"),
    ([1.0, -2.5, 10000.0], "tensor([ 1.0000e+00, -2.5000e+00,  1.0000e+04])"),
    ([1000.0, 1.0], "tensor([1000.,    1.])"),
    ([1001.0, 1.0], "tensor([1.0010e+03, 1.0000e+00])"),
    ([1000.5, 1.0], "tensor([1.0005e+03, 1.0000e+00])"),
    ([1001.5, 1.0], "tensor([1.0015e+03, 1.0000e+00])"),
    ([0.0001, 0.01], "tensor([1.0000e-04, 1.0000e-02])"),
    ([0.00009, 0.01], "tensor([9.0000e-05, 1.0000e-02])"),
    ([1e-05, 1.0], "tensor([1.0000e-05, 1.0000e+00])"),
    ([1e10, 1.0], "tensor([1.0000e+10, 1.0000e+00])"),
    ([1e8, 1e7], "tensor([100000000.,  10000000.])"),
    ([1e9, 1e9], "tensor([1.0000e+09, 1.0000e+09])"),
    ([99999999.0, 1.0], "tensor([1.0000e+08, 1.0000e+00])"),
    ([1e38, 1e-38], "tensor([1.0000e+38, 1.0000e-38])"),
    ([1.0, nan], "tensor([1., nan])"),
    ([1.5, nan, inf, -inf], "tensor([1.5000,    nan,    inf,   -inf])"),
    ([nan, nan], "tensor([nan, nan])"),
    ([inf, -inf], "tensor([inf, -inf])"),
    ([[1e10, 1.0], [2.0, nan]], "tensor([[1.0000e+10, 1.0000e+00],\n        [2.0000e+00,        nan]])"),
    (nan, "tensor(nan)"),
    (-inf, "tensor(-inf)"),
    (3.14159, "tensor(3.1416)"),
    (31415.9, "tensor(31415.9004)"),
    (123456789.0, "tensor(1.2346e+08)"),
    (1e-07, "tensor(1.0000e-07)"),
    (0.0, "tensor(0.)"),
    (-0.0, "tensor(-0.)"),
    ([0.0, -0.0], "tensor([0., -0.])"),
    ([0.0, 0.5], "tensor([0.0000, 0.5000])"),
    ([123.456789, 0.1], "tensor([1.2346e+02, 1.0000e-01])"),
    ([-123.456, 2.5], "tensor([-123.4560,    2.5000])"),
    ([[1.5, 2.0], [3.0, 4.0]], "tensor([[1.5000, 2.0000],\n        [3.0000, 4.0000]])"),
    (
        [[[1.5], [2.0]], [[3.0], [4.0]]],
        "tensor([[[1.5000],\n         [2.0000]],\n\n        [[3.0000],\n         [4.0000]]])",
    ),
    (True, "tensor(True)"),
    ([True, True], "tensor([True, True])"),
    ([[True, False], [True, True]], "tensor([[ True, False],\n        [ True,  True]])"),
    ([], "tensor([])"),
    ([[], []], "tensor([], size=(2, 0))"),
    ([100000, 1], "tensor([100000,      1])"),
    ([-100, 1], "tensor([-100,    1])"),
    (2j, "tensor(0.+2.j)"),
    ([1 + 2j, 3.5 - 1j], "tensor([1.0000+2.j, 3.5000-1.j])"),
    ([1 + 2j, 3 - 1j], "tensor([1.+2.j, 3.-1.j])"),
    ([complex(nan, 1), complex(1, inf)], "tensor([nan+1.j, 1.+infj])"),
]
MADE = """
>>> ag.arange(30)
tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,
        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])
>>> ag.arange(60).reshape(2, 30)
tensor([[ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,
         18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29],
        [30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
         48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59]])
>>> ag.arange(1001)
tensor([   0,    1,    2,  ...,  998,  999, 1000])
>>> ag.arange(1001.0) / 7
tensor([  0.0000,   0.1429,   0.2857,  ..., 142.5714, 142.7143, 142.8571])
>>> ag.arange(10000).reshape(100, 100)
tensor([[   0,    1,    2,  ...,   97,   98,   99],
        [ 100,  101,  102,  ...,  197,  198,  199],
        [ 200,  201,  202,  ...,  297,  298,  299],
        ...,
        [9700, 9701, 9702,  ..., 9797, 9798, 9799],
        [9800, 9801, 9802,  ..., 9897, 9898, 9899],
        [9900, 9901, 9902,  ..., 9997, 9998, 9999]])
>>> ag.arange(10000.0).reshape(10, 1, 1000)[:, :, :700] / 3
tensor([[[0.0000e+00, 3.3333e-01, 6.6667e-01,  ..., 2.3233e+02,
          2.3267e+02, 2.3300e+02]],

        [[3.3333e+02, 3.3367e+02, 3.3400e+02,  ..., 5.6567e+02,
          5.6600e+02, 5.6633e+02]],

        [[6.6667e+02, 6.6700e+02, 6.6733e+02,  ..., 8.9900e+02,
          8.9933e+02, 8.9967e+02]],

        ...,

        [[2.3333e+03, 2.3337e+03, 2.3340e+03,  ..., 2.5657e+03,
          2.5660e+03, 2.5663e+03]],

        [[2.6667e+03, 2.6670e+03, 2.6673e+03,  ..., 2.8990e+03,
          2.8993e+03, 2.8997e+03]],

        [[3.0000e+03, 3.0003e+03, 3.0007e+03,  ..., 3.2323e+03,
          3.2327e+03, 3.2330e+03]]])
>>> ag.zeros(0)
tensor([])
>>> ag.zeros(0, 3)
tensor([], size=(0, 3))
>>> ag.zeros(2, 0, dtype=ag.int64)
tensor([], size=(2, 0), dtype=int64)
>>> ag.zeros(0, dtype=ag.bool)
tensor([], dtype=bool)
>>> ag.zeros(2, dtype=ag.float64)
tensor([0., 0.], dtype=float64)
>>> ag.ones(2, dtype=ag.uint8)
tensor([1, 1], dtype=uint8)
>>> ag.tensor([1.234, 2.0], dtype=ag.float16)
tensor([1.2344, 2.0000], dtype=float16)
>>> ag.tensor([1 + 2j], dtype=ag.complex128)
tensor([1.+2.j], dtype=complex128)
>>> ag.ones(9, dtype=ag.float64) * 2.5
tensor([2.5000, 2.5000, 2.5000, 2.5000, 2.5000, 2.5000, 2.5000, 2.5000, 2.5000],
       dtype=float64)
>>> ag.ones(10, dtype=ag.float64) * 2.5
tensor([2.5000, 2.5000, 2.5000, 2.5000, 2.5000, 2.5000, 2.5000, 2.5000, 2.5000,
        2.5000], dtype=float64)
>>> ag.ones(18, dtype=ag.float64)
tensor([1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1.],
       dtype=float64)
>>> ag.ones(2, requires_grad=True)
tensor([1., 1.], requires_grad=True)
>>> ag.ones(14, requires_grad=True)
tensor([1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1.],
       requires_grad=True)
>>> ag.ones(2, dtype=ag.float64, requires_grad=True)
tensor([1., 1.], dtype=float64, requires_grad=True)
"""


@pytest.mark.parametrize("data, text", VALUES, ids=[str(data) for data, _ in VALUES])
def test_values(data, text):
    assert repr(ag.tensor(data)) == text


@pytest.mark.parametrize(
    "example", MADE.strip().removeprefix(">>> ").split("\n>>> "), ids=lambda example: example.partition("\n")[0]
)
def test_layout_and_notes(example):
    source, _, text = example.partition("\n")
    assert repr(eval(source, {"ag": ag})) == text


def test_the_operation_is_named():
    x = ag.ones(2, requires_grad=True)
    assert repr(x.exp()) == "tensor([2.7183, 2.7183], grad_fn=<exp>)"
    assert repr(ag.tensor(1.0, requires_grad=True) + 1) == "tensor(2., grad_fn=<add>)"


def test_parameters_say_so():
    p = ag.ones(1, requires_grad=True)
    p._role = "parameter"
    assert repr(p) == "Parameter containing:\ntensor([1.], requires_grad=True)"


def test_printing_neither_computes_nor_changes():
    x = ag.ones(3, requires_grad=True)
    y = x * 2
    node = y.node
    repr(y), str(y), f"{y}"
    assert y.node is node
    assert repr(y.detach()) == "tensor([2., 2., 2.])"


@pytest.mark.parametrize(
    "options, data, text",
    [
        ({"precision": 2}, [1.23456], "tensor([1.23])"),
        ({"threshold": 5}, range(30), "tensor([ 0,  1,  2,  ..., 27, 28, 29])"),
        ({"threshold": 5, "edgeitems": 1}, range(30), "tensor([ 0,  ..., 29])"),
        ({"sci_mode": True}, [1.5], "tensor([1.5000e+00])"),
        ({"sci_mode": False}, [1e-8], "tensor([0.0000])"),
        ({"profile": "short"}, [1.23456], "tensor([1.23])"),
        ({"linewidth": 20}, range(5), "tensor([0, 1, 2, 3,\n        4])"),
    ],
)
def test_options(options, data, text, monkeypatch):
    monkeypatch.setattr(printing, "PRINT_OPTS", replace(printing.PRINT_OPTS))
    ag.set_printoptions(**options)
    assert repr(ag.tensor(data)) == text
    ag.set_printoptions(profile="default")
    assert repr(ag.tensor([1.23456])) == "tensor([1.2346])"


def test_the_full_profile_abbreviates_nothing(monkeypatch):
    monkeypatch.setattr(printing, "PRINT_OPTS", replace(printing.PRINT_OPTS))
    ag.set_printoptions(profile="full")
    assert "..." not in repr(ag.arange(2000))


def test_format():
    x = ag.tensor(1.5, requires_grad=True)
    assert (f"{x}", f"{x:.3f}", f"{ag.tensor(3):5d}") == ("1.5", "1.500", "    3")
    assert f"{ag.ones(2)}" == "tensor([1., 1.])"
    with pytest.raises(TypeError):
        f"{ag.ones(2):.2f}"


def test_named_results_are_shown_in_lines():
    x = ag.tensor([[1.0, 3.0], [4.0, 2.0]])
    assert repr(x.max(1)) == "return_types.max(\nvalues=tensor([3., 4.]),\nindices=tensor([1, 0]))"
    assert repr(x[0].sort()) == "return_types.sort(\nvalues=tensor([1., 3.]),\nindices=tensor([0, 1]))"
    names = [x.min(0), x.topk(1), x.median(0), x.cummax(0), x.frexp(), x.aminmax(), ag.linalg.svd(x)]
    assert [repr(result).partition("(")[0].removeprefix("return_types.") for result in names] == [
        "min", "topk", "median", "cummax", "frexp", "aminmax", "linalg_svd"
    ]  # fmt: skip
