"""In-place writes: values, views, gradients (the numbers are PyTorch's) and errors."""

import math

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.engine.entries import public_names
from autograd_core.errors import InplaceError, OperandError
from autograd_core.registry import COMPOSITIONS, OPS
from autograd_core.semantics import writing
from autograd_core.testing import gradcheck, gradgradcheck

# Programs on x = arange(1, 7).reshape(2, 3): each with what x is afterwards.
WRITES = {
    "x += 1": [[2, 3, 4], [5, 6, 7]],
    "x -= ag.arange(3)": [[1, 1, 1], [4, 4, 4]],
    "x *= x": [[1, 4, 9], [16, 25, 36]],
    "x /= 2": [[0.5, 1, 1.5], [2, 2.5, 3]],
    "x //= 2": [[0, 1, 1], [2, 2, 3]],
    "x **= 2": [[1, 4, 9], [16, 25, 36]],
    "x %= 3": [[1, 2, 0], [1, 2, 0]],
    "x[0] = 0": [[0, 0, 0], [4, 5, 6]],
    "x[1, 2] = 9": [[1, 2, 3], [4, 5, 9]],
    "x[-1][0] = 9": [[1, 2, 3], [9, 5, 6]],
    "x[:, 1] = ag.tensor([7.0, 8.0])": [[1, 7, 3], [4, 8, 6]],
    "x[:, ::-2] = ag.tensor([[8.0, 9.0]])": [[9, 2, 8], [9, 5, 8]],
    "x[x > 4] = 0": [[1, 2, 3], [4, 0, 0]],
    "x[[0, 1], [2, 0]] = ag.tensor([8.0, 9.0])": [[1, 2, 8], [9, 5, 6]],
    "x[ag.tensor([1])] = [7, 8, 9]": [[1, 2, 3], [7, 8, 9]],
    "x[ag.tensor([True, False])] *= 2": [[2, 4, 6], [4, 5, 6]],
    "x[..., None] = 3": [[3, 3, 3], [3, 3, 3]],
    "x[0, 0] = ag.tensor([[5.0]])": [[5, 2, 3], [4, 5, 6]],
    "x[0] = np.array([7, 8, 9])": [[7, 8, 9], [4, 5, 6]],
    "x[0] = x[1]": [[4, 5, 6], [4, 5, 6]],
    "x[:, 1:] = x[:, :-1]": [[1, 1, 2], [4, 4, 5]],
    "x[:, :-1] += x[:, 1:]": [[3, 5, 3], [9, 11, 6]],
    "x.add_(1).mul_(2)": [[4, 6, 8], [10, 12, 14]],
    "x.add_(x, alpha=2)": [[3, 6, 9], [12, 15, 18]],
    "x.sub_(1, alpha=0.5)": [[0.5, 1.5, 2.5], [3.5, 4.5, 5.5]],
    "x.clamp_(2, 4)": [[2, 2, 3], [4, 4, 4]],
    "x.clamp_(max=4)": [[1, 2, 3], [4, 4, 4]],
    "x.neg_().relu_()": [[0, 0, 0], [0, 0, 0]],
    "x.fill_(ag.tensor(7))": [[7, 7, 7], [7, 7, 7]],
    "x.zero_()": [[0, 0, 0], [0, 0, 0]],
    "x.copy_(ag.arange(3))": [[0, 1, 2], [0, 1, 2]],
    "x.masked_fill_(x > 4, -1)": [[1, 2, 3], [4, -1, -1]],
    "x.scatter_add_(1, ag.tensor([[0, 0]]), ag.ones(1, 2))": [[3, 2, 3], [4, 5, 6]],
    "x.gt_(3)": [[0, 0, 0], [1, 1, 1]],
    "y = x[0]; y += 1": [[2, 3, 4], [4, 5, 6]],
    "y = x[0][1]; y += 1": [[1, 3, 3], [4, 5, 6]],
    "y = x.t(); y[1] = 0": [[1, 0, 3], [4, 0, 6]],
    "y = x.view(6)[1:]; y *= 2": [[1, 4, 6], [8, 10, 12]],
    "y = x.unsqueeze(0); y.zero_()": [[0, 0, 0], [0, 0, 0]],
    "a, b = x; b += a": [[1, 2, 3], [5, 7, 9]],
    "a, b = x.split([1, 2], 1); b.zero_()": [[1, 0, 0], [4, 0, 0]],
    "for row in x: row.mul_(2)": [[2, 4, 6], [8, 10, 12]],
    "y = x.diagonal(1); y.zero_()": [[1, 0, 3], [4, 5, 0]],
    "y = x.unfold(1, 1, 2); y *= 2": [[2, 2, 6], [8, 5, 12]],
    "y = x.select(1, 1); y += 1": [[1, 3, 3], [4, 6, 6]],
    "y = x.narrow(1, 0, 2).mT; y[0] = 0": [[0, 2, 3], [0, 5, 6]],
    "y = x[0].as_strided((2,), (3,), 1); y.zero_()": [[1, 0, 3], [4, 0, 6]],
    "y = x.tensor_split(2, 1)[1]; y.zero_()": [[1, 2, 0], [4, 5, 0]],
    "y = x[1]; y.unsqueeze_(0).t_(); y[2, 0] = 0": [[1, 2, 3], [4, 5, 0]],
    "x[0, True, [0, 2]] = 0": [[0, 2, 0], [4, 5, 6]],
    "x[False] = 0": [[1, 2, 3], [4, 5, 6]],
    "x.view('int32')[0] = 0": [[0, 0, 0], [4, 5, 6]],
}


@pytest.mark.parametrize("program", WRITES)
def test_values(program):
    x = ag.arange(1.0, 7.0).reshape(2, 3).clone()
    before = x
    scope = {"x": x, "ag": ag, "np": np}
    exec(program, scope)
    assert scope["x"] is before
    assert x.tolist() == WRITES[program]


# Programs on a = [1, 2, 3] (a leaf) and x = a * 2: each with the gradient of (x * [1, 2, 3]) · x with respect to a.
GRADIENTS = {
    "x += a": [18, 72, 162],
    "x *= a": [16, 256, 1296],
    "x[0] = a[1] * 3": [0, 68, 72],
    "x[1:] = x[:2]": [24, 48, 0],
    "x[1:] *= 3": [8, 288, 648],
    "x[[0, 2]] = a[1] * 2": [0, 96, 0],
    "x[ag.tensor([True, False, True])] *= 3": [72, 32, 648],
    "v = x[1:]; v *= 3": [8, 288, 648],
    "v = x[1:]; x *= 3; v += 1": [72, 312, 684],
    "v = x.view(3, 1)[2]; v += a[:1]": [50, 32, 84],
    "v = x[2]; v *= a[0]": [224, 32, 72],
    "p, q, r = x; q.zero_()": [8, 0, 72],
    "x.zero_()": [0, 0, 0],
    "x.fill_(3)": [0, 0, 0],
    "x[1] = 5": [8, 0, 72],
    "x.copy_(a * 3)": [18, 72, 162],
    "x.clamp_(3, 5)": [0, 32, 0],
    "x.masked_fill_(x > 5, 0)": [8, 32, 0],
    "x /= a": [0, 0, 0],
    "x **= 2": [64, 1024, 5184],
    "x.sub_(a, alpha=2)": [0, 0, 0],
    "x = ag.zeros(3); x += a": [2, 8, 18],
    "x = ag.zeros(3); x[1] = a[2]": [0, 0, 12],
    "x = ag.zeros(3); v = x[1:]; v += a[:2]": [4, 12, 0],
    "x = ag.zeros(3, dtype='f8'); x.copy_(a * 3)": [18, 72, 162],
    "v = x.unfold(0, 1, 2); v *= 3": [72, 32, 648],
    "v = x.unfold(0, 2, 1); x *= a; x = v.sum() + ag.zeros(3)": [1728, 6912, 5184],
    "v = x.expand(2, 3); x *= a; x = v.sum() + ag.zeros(3)": [5376, 10752, 16128],
    "v = x[:1].as_strided((2,), (2,)); v *= a[1]": [32, 480, 288],
    "v = x.as_strided((2, 2), (1, 1)); x *= a; x = v.sum() + ag.zeros(3)": [1728, 6912, 5184],
    "v = x.reshape(1, 3).diagonal(2); v *= a[0]": [224, 32, 72],
    "v = x.select(0, 1); v += a[2]": [8, 56, 100],
    "x = x.reshape(1, 3).clone().t_()[:, 0]; x *= a": [16, 256, 1296],
    "s = x.max(); s.relu_(); x = s + ag.zeros(3)": [0, 0, 144],
    "s = x.max(); s.zero_(); x = x + s": [8, 32, 72],
    "s = x.max(); s.unsqueeze(0).mul_(2); x = s + ag.zeros(3)": [0, 0, 576],
}


@pytest.mark.parametrize("program", GRADIENTS)
def test_gradients(program):
    a = ag.tensor([1.0, 2.0, 3.0], requires_grad=True)
    scope = {"a": a, "x": a * 2, "ag": ag}
    exec(program, scope)
    x = scope["x"]
    (x * x * ag.tensor([1, 2, 3])).sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), GRADIENTS[program], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    "program, expected",
    [
        ("x += 1", [256, 4160, 26880]),
        ("x[1:] = (x[:-1] * 2) * a[1:]", [177248, 4653824, 1892352]),
        ("v = x[1:]; v *= a[:2]", [48736, 527376, 680832]),
    ],
)
def test_second_order(program, expected):
    a = ag.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x = a * a
    exec(program, {"a": a, "x": x})
    (g,) = ag.autograd.grad((x * x).sum(), a, create_graph=True)
    (gg,) = ag.autograd.grad((g * g).sum(), a)
    assert gg.tolist() == expected


@pytest.mark.parametrize(
    "part",
    [
        "z.reshape(-1, 2)",
        "z.reshape(-1)[1::2]",
        "z.reshape(4, 4)[1:, 2:].t()[0]",
        "z[1].reshape(-1)[3].view(1)",
        "ag.view_as_complex(z)",
        "ag.view_as_complex(z).reshape(-1)[1:].view(7, 1)",
    ],
)
def test_parts_of_a_tensor_whose_axes_have_another_order_in_memory(part):
    def written(x):
        y = x.permute(0, 3, 1, 2) * 1  # channels last, as convolutions leave images
        view = eval(part, {"ag": ag, "z": y.permute(0, 2, 3, 1)})
        assert view._base is y
        view *= 0.5
        return y * y

    x = ag.linspace(-1, 1, 16, dtype="float64").reshape(2, 2, 2, 2).requires_grad_()
    assert gradcheck(written, x)
    assert gradgradcheck(written, x)


def test_writes_under_no_grad_reach_leaves():
    w = ag.ones(3, requires_grad=True)
    with ag.no_grad():
        w -= 0.5
        w[0] = 7
        w[1:].zero_()
    assert (w.tolist(), w.is_leaf, w.requires_grad) == ([7, 0, 0], True, True)
    w.data.fill_(2)
    w.detach()[0] = 3
    assert w.tolist() == [3, 2, 2]


@pytest.mark.parametrize("write", [None, "y.zero_()", "y[0] = 3", "y *= 2", "y[1:] += 1", "y *= w"])
def test_a_view_stays_in_the_graph_when_its_base_is_detached_until_something_is_written(write):
    w = ag.ones(3, requires_grad=True)
    y = w * 2
    v = y[:2]
    square = v * v
    y.detach_()
    if write is None:
        (v.sum() + square.sum()).backward()
        assert w.grad.tolist() == [10, 10, 0]
    elif write == "y *= w":  # recorded: the view is one of what was computed
        exec(write, {"y": y, "w": w})
        v.sum().backward()
        assert w.grad.tolist() == [2, 2, 0]
    else:
        exec(write, {"y": y})
        with pytest.raises(InplaceError, match=r"written through its base after \.detach_\(\)"):
            v.sum().backward()


@pytest.mark.parametrize(
    "program", ["w += 1", "w[0] = 1", "w.zero_()", "w[:1] += 1", "w.view(3)[0] = 1", "w.copy_(w * 2)"]
)
@pytest.mark.parametrize("whole", [True, False])
def test_leaves_that_require_a_gradient_refuse(program, whole):
    w = ag.ones(3).requires_grad_() if whole else ag.ones(2, 3)[0].requires_grad_()
    with pytest.raises(InplaceError, match=r"leaf that requires a gradient.*no_grad"):
        exec(program, {"w": w})
    assert w.tolist() == [1, 1, 1]


@pytest.mark.parametrize("program", ["x += 1", "x[0] = 1", "x.zero_()"])
def test_expanded_and_read_only_memory_refuse(program):
    with pytest.raises(InplaceError, match=r"expanded tensor of shape \(2, 3\).*clone"):
        exec(program, {"x": ag.ones(3).expand(2, 3)})
    x = ag.ones(3).expand(2, 3)
    assert x.copy_(x) is x
    frozen = ag.ones(3)
    frozen.array.flags.writeable = False
    with pytest.raises(InplaceError, match="read-only"):
        exec(program, {"x": frozen})


@pytest.mark.parametrize(
    "program", ["x[:] = 0.1", "x[:] = [0.1, 0.1]", "x[x >= 0] = 0.1", "x.copy_(0.1)", "x.fill_(0.1)"]
)
def test_numbers_are_written_as_exactly_as_the_tensor_holds_them(program):
    x = ag.zeros(2, dtype="f8")
    exec(program, {"x": x})
    assert x.tolist() == [0.1, 0.1]


@pytest.mark.parametrize("shape", [(), (2,)])
def test_broadcasting_that_repeats_nothing_can_be_written(shape):
    x = ag.ones(shape)
    ag.broadcast_tensors(x, ag.tensor(1.0))[0].fill_(5)
    assert x.eq(5).all()


@pytest.mark.parametrize(
    "program", ["x += 1.5", "x /= 2", "x += 2j", "x *= ag.ones(3)", "x += ag.ones(2, 3, dtype='i4')", "x.exp_()"]
)
def test_results_that_do_not_fit_refuse(program):
    x = ag.tensor([1, 2, 3])
    with pytest.raises(InplaceError, match="does not fit"):
        exec(program, {"x": x, "ag": ag})
    assert x.tolist() == [1, 2, 3]


def test_what_fits_is_converted():
    x = ag.tensor([1.0, 2.0], dtype="f2")
    x += ag.ones(2, dtype="f8")
    assert (x.dtype, x.tolist()) == (ag.float16, [2, 3])
    n = ag.tensor([1, 2, 3])
    n[0] = 2.7
    n[1] = ag.tensor(-1.5)
    n.copy_(n.double())
    assert (n.dtype, n.tolist()) == (ag.int64, [2, -1, 3])
    b = ag.zeros(2, dtype=bool)
    b[0] = 2
    assert b.tolist() == [True, False]


def test_conversions_that_lose_something_refuse():
    with pytest.raises(InplaceError, match="imaginary part"):
        ag.ones(2)[0] = 2j
    with pytest.raises(InplaceError, match="lose a gradient"):
        ag.tensor([1, 2])[0] = ag.tensor(1.0, requires_grad=True)
    with pytest.raises(OperandError, match=r"one value, not a tensor of shape \(2,\)"):
        ag.ones(2).fill_(ag.ones(2))
    with pytest.raises(TypeError, match="cannot write this"):
        ag.ones(2)[0] = "a"
    with pytest.raises(RuntimeError, match=r"\(2, 3\)"):
        ag.ones(3).copy_(ag.ones(2, 3))
    with pytest.raises(RuntimeError):
        ag.ones(3)[0] = ag.ones(2)
    with pytest.raises(IndexError):
        ag.ones(3)[5] = 1


def test_every_pointwise_method_has_an_in_place_form():
    pointwise = [
        n
        for e in (*OPS.values(), *COMPOSITIONS.values())
        if e.method and e.kind.pointwise and e.kind.name != "cast"
        for module, n in public_names(e)
        if not module
    ]
    assert [n for n in pointwise if not hasattr(ag.Tensor, n + "_")] == []
    assert "in place" in ag.Tensor.exp_.__doc__


def test_a_retained_gradient_is_that_of_the_value_written_last():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    y.retain_grad()
    y.mul_(2)
    y[:1] *= 5
    (y * y).sum().backward()
    assert y.grad.tolist() == [60.0, 24.0]
    assert x.grad.tolist() == [1800.0, 144.0]


def test_operators_leave_an_operand_of_unknown_type_to_it():
    class Unknown:
        def __radd__(self, other):
            return "theirs"

    x = ag.ones(2)
    assert x.__imul__(Unknown()) is NotImplemented
    x += Unknown()
    assert x == "theirs"


def test_diagonals_are_filled():
    x = ag.ones(7, 3, requires_grad=True)
    for wrap in (False, True):
        expected = np.ones((7, 3))
        np.fill_diagonal(expected, 5, wrap)
        y = x * 1
        assert y.fill_diagonal_(5, wrap=wrap).tolist() == expected.tolist()
        assert ag.grad(y.sum(), x)[0].tolist() == (expected == 1).tolist()
    assert ag.zeros(2, 2, 2).fill_diagonal_(1).sum() == 2
    for bad in (ag.zeros(2), ag.zeros(2, 2, 3)):
        with pytest.raises(InplaceError, match="axes of one length"):
            bad.fill_diagonal_(1)


def test_float_power_in_place():
    assert ag.tensor([2.0, 3.0], dtype=ag.float64).float_power_(2).tolist() == [4.0, 9.0]
    with pytest.raises(InplaceError, match="does not fit"):
        ag.tensor([2, 3]).float_power_(2)


def test_a_view_retains_the_gradient_of_the_newest_value_that_is_used():
    def gradients(use):
        base = ag.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True) * 1
        view = base.T
        view.retain_grad()
        base[1] += view[0] * 2
        use(base, view).backward()
        return view.grad.tolist()

    assert gradients(lambda base, view: (view * ag.tensor([[1.0, 2.0], [3.0, 4.0]])).sum()) == [[1, 2], [3, 4]]
    assert gradients(lambda base, view: base.sum()) == [[2, 2], [0, 0]]


def test_a_quotient_may_be_written():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    y = x / x.sum()
    y += 1
    y *= ag.tensor([1.0, 3.0])
    assert ag.grad(y.sum(), x)[0].numpy() == pytest.approx([-4 / 9, 2 / 9])


def test_repeated_elements_lie_in_places_of_their_own():
    x = ag.ones(1, 3)
    for y in (x.repeat(1, 1), x.repeat(4, 1), x.tile(2, 1, 1), x.repeat_interleave(4, 0)):
        y[0] = 5
        assert y.sum() == y.numel() + 4 * y[0].numel()
    assert x.tolist() == [[1, 1, 1]]


def test_a_view_that_repeats_nothing_may_be_written():
    x = ag.ones(1, 3, requires_grad=True)
    y = x * 2
    y.expand(1, 1, 3)[0, 0, 1] = 5
    assert y.tolist() == [[2, 5, 2]]
    y.sum().backward()
    assert x.grad.tolist() == [[2, 0, 2]]


ARITHMETIC = {
    "x += y": lambda a, b: a + b,
    "x -= y": lambda a, b: a - b,
    "x *= 3": lambda a, b: a * 3,
    "x /= y": lambda a, b: a / b,
    "x.add_(y, alpha=0.5)": lambda a, b: a + 0.5 * b,
    "x.sub_(y, alpha=3)": lambda a, b: a - 3 * b,
    "x.add_(2, alpha=3)": lambda a, b: a + 6,
    "x.mul_(y[0]).div_(y[:1])": lambda a, b: a * b[0] / b[:1],
    "x.add_(x)": lambda a, b: a + a,
}


@pytest.mark.parametrize("program", ARITHMETIC)
@pytest.mark.parametrize("shape", [(3, 4), (320, 256), (257, 301)])
@pytest.mark.parametrize("turned", [False, True])
def test_arithmetic_that_nothing_records_has_no_other_memory(monkeypatch, program, shape, turned):
    rng = np.random.default_rng(0)
    a, b = (rng.integers(1, 9, shape).astype(np.float32) for _ in range(2))
    expected = ARITHMETIC[program](a.astype(np.float64), b)
    x = ag.tensor(a, requires_grad=True)
    y = ag.tensor(b.T.copy()).t() if turned else ag.tensor(b)
    before = x._version
    monkeypatch.setattr(writing, "write", None)
    with ag.no_grad():
        exec(program, {"x": x, "y": y})
    np.testing.assert_allclose(x.detach().numpy(), expected, rtol=1e-6)
    assert x._version > before


def test_large_parts_of_one_tensor_may_overlap():
    x = ag.arange(200000.0)
    x[1:] += x[:-1]
    np.testing.assert_array_equal(x.numpy()[1:], 2 * np.arange(1, 200000.0) - 1)
    x = ag.arange(200000.0)
    x[1:].copy_(x[:-1])
    np.testing.assert_array_equal(x.numpy()[1:], np.arange(199999.0))


@pytest.mark.parametrize("size", [5, 80000])
@pytest.mark.parametrize("program", ["x *= 1e30", "x.add_(y, alpha=1e39)", "x.add_(y, alpha=1e2)", "x *= 1e300"])
def test_it_is_done_once_if_warnings_are_errors(program, size):
    x, y = ag.full((size,), 3e38), ag.full((size,), 3e37)
    with np.errstate(all="raise"):
        exec(program, {"x": x, "y": y})
    assert ag.isinf(x).all()
    x = ag.full((size,), 2.0)
    with pytest.raises(OperandError):
        x += ag.ones(size + 1)
    assert (x == 2).all()


def test_a_part_of_an_expanded_tensor_that_repeats_nothing_can_be_written():
    a = ag.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x = a * 1
    rows = x.expand(2, 3)
    rows[1].mul_(a)
    assert rows.tolist() == [[1, 4, 9], [1, 4, 9]]
    x.sum().backward()
    assert a.grad.tolist() == [2, 4, 6]
    with pytest.raises(InplaceError, match="expanded"):
        rows.mul_(2)
    with pytest.raises(InplaceError, match="expanded"):
        rows[:, 0].mul_(2)


COMBINED = {
    "lerp": lambda y, z: ((y, 0.25), {}),
    "lerp beyond": lambda y, z: ((y,), {"weight": 1.5}),
    "lerp by weights": lambda y, z: ((y, z), {}),
    "lerp by a weight": lambda y, z: ((y, ag.tensor(0.7, dtype=y.dtype)), {}),
    "addcmul": lambda y, z: ((y, z), {"value": -0.3}),
    "addcdiv": lambda y, z: ((y, z), {}),
    "clamp": lambda y, z: ((), {"min": -0.5}),
    "clamp both": lambda y, z: ((-0.5, 0.25), {}),
    "clamp by bounds": lambda y, z: ((y,), {"max": z}),
}


@pytest.mark.parametrize("shape", [(5,), (300, 301), ()])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("case", COMBINED)
def test_what_is_computed_in_place_is_what_is_computed_elsewhere(case, dtype, shape):
    name = case.split()[0]
    x, y, z = (ag.randn(shape, dtype=getattr(ag, dtype)) for _ in range(3))
    if shape:
        x.view(-1)[0], y.view(-1)[1], z.view(-1)[2] = math.inf, math.nan, 0.0
    args, options = COMBINED[case](y, z)
    expected, array, version = getattr(x, name)(*args, **options), x.array, x._version
    assert getattr(x, f"{name}_")(*args, **options) is x
    assert x.array is array or not shape
    assert x._version > version
    assert x.array.tobytes() == expected.array.tobytes()


@pytest.mark.parametrize("case", COMBINED)
def test_operands_that_overlap_are_read_before_anything_is_written(case):
    name, base = case.split()[0], ag.randn(9)
    x, y = base[:-1], base[1:]
    args, options = COMBINED[case](y, x)
    expected = getattr(x.clone(), name)(*COMBINED[case](y.clone(), x.clone())[0], **options)
    getattr(x, f"{name}_")(*args, **options)
    assert x.tolist() == expected.tolist()


def test_what_is_combined_in_place_is_recorded_and_refused_as_other_writes():
    w = ag.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        w.lerp_(ag.zeros(3), 0.5)
    x = ag.zeros(3)
    x.addcmul_(w, w, value=2.0)
    x.sum().backward()
    assert w.grad.tolist() == [4, 4, 4]
    with pytest.raises(ValueError, match="give min, max or both"):
        ag.zeros(3).clamp_()
    with pytest.raises(TypeError):
        ag.zeros(3).addcmul_(w)
