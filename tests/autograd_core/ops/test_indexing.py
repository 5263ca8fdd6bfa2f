"""What stands in brackets, where PyTorch's meaning differs from NumPy's, and positions that do not exist."""

import numpy as np
import pytest

import autograd_core as ag

X = np.arange(24.0).reshape(3, 4, 2)
# Index expressions of x: each with the shape of the result (PyTorch's) and one element of it, at the end.
EXPRESSIONS = {
    "x[True]": ((1, 3, 4, 2), 23),
    "x[False]": ((0, 3, 4, 2), None),
    "x[0, True]": ((1, 4, 2), 7),
    "x[True, [0, 2]]": ((2, 4, 2), 23),
    "x[[0, 2], :, True]": ((2, 4, 2), 23),
    "x[:, True, 1]": ((3, 1, 2), 19),
    "x[ag.tensor(True), ..., 0]": ((1, 3, 4), 22),
    "x[0, :, [1, 0]]": ((4, 2), 6),
    "x[[0, 1], :, 0]": ((2, 4), 14),
    "x[0, None, [1, 2]]": ((1, 2, 2), 5),
    "x[[[0], [1]], [1, 2]]": ((2, 2, 2), 13),
    "x[..., ag.tensor(1)]": ((3, 4), 23),
    "x[::2, [0], ..., [[0], [1]]]": ((2, 2, 1), 17),
    "x[range(2)]": ((2, 4, 2), 15),
    "x[[slice(1, None), 0]]": ((2, 2), 17),
    "x[[..., None, [1, 0]]]": ((3, 4, 1, 2), 22),
    "x[[ag.tensor([0, 2]), ag.tensor([1, 3])]]": ((2, 2), 23),
    "x[[ag.tensor(0), ag.tensor(2)]]": ((2, 4, 2), 23),
    "x[x > 20]": ((3,), 23),
    "x[ag.tensor([True, False, True]), 1]": ((2, 2), 19),
    "x[(x > 20).any(-1)]": ((2, 2), 23),
    "x[[]]": ((0, 4, 2), None),
    "x[[slice(None), 1]]": ((3, 2), 19),
    "x[::-1, ::2]": ((3, 2, 2), 5),
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expressions(expression):
    y = eval(expression, {"x": ag.tensor(X), "ag": ag})
    shape, last = EXPRESSIONS[expression]
    assert y.shape == shape
    assert last is None or y.flatten()[-1].item() == last


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_writes_reach_what_is_read(expression):
    x, places = ag.tensor(X), ag.arange(24.0).reshape(3, 4, 2)
    read = eval(expression.replace("x[", "places[", 1), {"places": places, "x": x, "ag": ag}).flatten().tolist()
    exec(f"{expression} = -1", {"x": x, "ag": ag})
    assert sorted(read) == np.flatnonzero(x.numpy() == -1).tolist()


def test_an_index_is_a_view_where_it_can_be():
    x = ag.zeros(2, 3)
    x[ag.tensor(1)][0] = 5
    assert x.tolist() == [[0, 0, 0], [5, 0, 0]]


@pytest.mark.parametrize("size", [4, 64])
def test_elements_at_positions_lie_in_c_order(size):
    x, at = ag.arange(3.0 * size**2).reshape(3, size, size), ag.tensor([1, 0, -1])
    for y in (x[:, at], x[..., at], x[:, at, :], x[:, :, at], x[:, at, at], x[:, 1, at], x.index_select(2, at)):
        y.view(-1)[1] = -5  # writes to y
        assert y.flatten()[1] == -5
    with pytest.raises(IndexError, match="out of bounds"):
        x[:, :, at + size]


WRONG = {
    "x[..., ...]": "single ellipsis",
    "x[3]": r"out of bounds.*\(3, 4, 2\)",
    "x[[0, 3]]": "out of bounds",
    "x[0, 0, 0, 0]": "too many indices",
    "x[ag.tensor([True, False])]": "boolean",
    "x[ag.tensor([0, 1], dtype='uint8')]": r"\.long\(\) for positions, or \.bool\(\)",
    "x[ag.tensor([0.5])]": "integers or booleans",
    "x.select(0, 3)": "out of range",
    "x.index_select(0, ag.tensor([3]))": "out of bounds",
    "x.gather(0, ag.tensor([[[3]]]))": "out of bounds",
    "x.scatter(0, ag.tensor([[[3]]]), 1.0)": "out of bounds",
    "x.scatter_add(0, ag.tensor([[[3]]]), ag.ones(1, 1, 1, dtype='f8'))": "out of bounds",
    "x.index_add(0, ag.tensor([3]), ag.ones(1, 4, 2, dtype='f8'))": "out of range",
    "x.take(ag.tensor([24]))": "out of bounds",
    "x.put(ag.tensor([24]), ag.ones(1, dtype='f8'))": "out of range",
    "ag.unbind(ag.tensor(1.0))": "with axes",
}


@pytest.mark.parametrize("expression", WRONG)
def test_positions_that_do_not_exist(expression):
    with pytest.raises(IndexError, match=WRONG[expression]):
        eval(expression, {"x": ag.tensor(X), "ag": ag})


@pytest.mark.parametrize("axis, whole", [(0, True), (0, False), (1, True)])
def test_an_expanded_index_selects_slices(axis, whole):
    rng = np.random.default_rng(0)
    x, shape = ag.tensor(rng.standard_normal((40, 40)), requires_grad=True), [1400, 1400]
    shape[1 - axis] = 40 if whole else 39
    line = rng.integers(0, 40, 1400).reshape((-1, 1) if axis == 0 else (1, -1))
    index, copied = ag.tensor(line).expand(shape), ag.tensor(np.broadcast_to(line, shape).copy())
    y, wanted = (ag.gather(x, axis, i) for i in (index, copied))
    np.testing.assert_array_equal(y.detach(), wanted.detach())
    g, expected = (ag.grad(v.square().sum(), x)[0] for v in (y, wanted))
    np.testing.assert_allclose(g, expected)


@pytest.mark.parametrize("dtype", [ag.float64, ag.float16, ag.int64, ag.bool])
@pytest.mark.parametrize(
    ("index", "axes", "converts"),
    [
        ("[0]", 1, True),
        ("[:2]", 1, True),
        ("[0, ag.tensor(1)]", 0, True),
        ("[x > 0]", 0, True),
        ("[[True, False, True], 0]", 0, True),
        ("[[True, False, True]]", 1, False),
        ("[ag.tensor([1])]", 0, False),
        ("[ag.tensor([True, False, True]), ag.tensor([0])]", 0, False),
    ],
)
def test_values_of_another_dtype_are_converted_unless_arrays_say_where(dtype, index, axes, converts):
    x, value = ag.eye(3), ag.ones((3,) * axes, dtype=dtype)
    before = x.tolist()
    program = f"x{index} = value"
    if converts:
        exec(program, {"x": x, "value": value, "ag": ag})
        assert x.dtype == ag.float32
    else:
        with pytest.raises(RuntimeError, match=r"elements of float32; write value\.to\(x\.dtype\)"):
            exec(program, {"x": x, "value": value, "ag": ag})
        assert x.tolist() == before
