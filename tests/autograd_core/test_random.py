"""Reproducible streams, ranges and moments."""

import hashlib
import threading

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.quasirandom import SobolEngine

MANY = 20_000


@pytest.fixture(autouse=True)
def seeded():
    ag.manual_seed(7)


DRAWS = {
    "rand": lambda **k: ag.rand(4, **k),
    "randn": lambda **k: ag.randn(4, **k),
    "randint": lambda **k: ag.randint(100, (4,), **k),
    "randperm": lambda **k: ag.randperm(50, **k),
    "normal": lambda **k: ag.normal(1.0, 2.0, (4,), **k),
    "bernoulli": lambda **k: ag.bernoulli(ag.full((50,), 0.5), **k),
    "uniform_": lambda **k: ag.empty(4).uniform_(**k),
    "normal_": lambda **k: ag.empty(4).normal_(**k),
    "multinomial": lambda **k: ag.multinomial(ag.ones(50), 9, **k),
}


@pytest.mark.parametrize("name", DRAWS)
def test_streams_can_be_repeated(name):
    draw = DRAWS[name]
    ag.manual_seed(3)
    first, second = draw().tolist(), draw().tolist()
    assert first != second
    ag.manual_seed(3)
    state = ag.get_rng_state()
    assert draw().tolist() == first
    ag.set_rng_state(state)
    assert [draw().tolist(), draw().tolist()] == [first, second]
    own = ag.Generator().manual_seed(3)
    assert draw(generator=own).tolist() == first
    saved = own.get_state()
    again = draw(generator=own).tolist()
    own.set_state(saved)
    assert draw(generator=own).tolist() == again == second


# seed, draw, what PyTorch 2.13 draws on a CPU
PYTORCH = {
    "rand": (0, lambda: ag.rand(3), [0.49625658988952637, 0.7682217955589294, 0.08847743272781372]),
    "rand float16": (42, lambda: ag.rand(3, dtype=ag.float16), [0.88232421875, 0.9150390625, 0.3828125]),
    "rand float64": (0, lambda: ag.cat([ag.rand(3), ag.rand(2, dtype=ag.float64)])[3:],
                     [0.0562441839043476, 0.07262971157225484]),
    "randn": (0, lambda: ag.cat([ag.randn(3), ag.randn(2)]),
              [1.5409960746765137, -0.293428897857666, -2.1787893772125244, 0.5684312582015991, -1.0845223665237427]),
    "rows of randn": (0, lambda: ag.randn(20)[[0, 7, 8, 19]],
                      [-1.1258398294448853, 1.85300612449646, 0.46809640526771545, 0.05373690277338028]),
    "randint": (42, lambda: ag.randint(0, 100, (6,)), [42, 67, 76, 14, 26, 35]),
    "randperm": (1, lambda: ag.randperm(1000)[[0, 1, 500, 999]], [845, 303, 348, 639]),
    "bernoulli": (42, lambda: ag.bernoulli(ag.full((8,), 0.5)), [0, 0, 1, 0, 1, 0, 1, 0]),
    "multinomial": (42, lambda: ag.multinomial(ag.tensor([0.1, 0.2, 0.3, 0.4]), 3), [3, 1, 2]),
    "exponential_": (42, lambda: ag.empty(3).exponential_(2.0),
                     [0.029957007616758347, 0.03248806297779083, 0.06595838814973831]),
    "dropout": (42, lambda: nn.functional.dropout(ag.ones(10), 0.5), [2, 2, 2, 2, 0, 2, 0, 0, 2, 2]),
    "Linear": (0, lambda: nn.Linear(2, 2).weight,
               [[-0.005293981172144413, 0.37932288646698], [-0.5819807648658752, -0.5203874707221985]]),
    "uniform_ of a transpose": (7, lambda: ag.zeros(2, 3).t().uniform_()[0], [0.5349225401878357, 0.6568902730941772]),
    "normal_ in memory with gaps": (7, lambda: ag.zeros(17, 2)[:, 0].normal_(1, 2)[[0, 16]],
                                    [0.7064097523689270, 5.876416206359863]),
    "log_normal_": (7, lambda: ag.zeros(20, dtype=ag.float64).log_normal_(0.5, 0.25)[[0, 19]],
                    [1.5893120118287583, 2.735735847336795]),
    "normal_ of bfloat16": (7, lambda: ag.zeros(64, dtype=ag.bfloat16).normal_(2, 3)[[0, 3, 6]],
                            [-0.4609375, -2.171875, 0.07666015625]),
    "rand_like of a transpose": (7, lambda: ag.rand_like(ag.zeros(2, 2).t())[0],
                                 [0.5349225401878357, 0.6592116951942444]),
}  # fmt: skip


@pytest.mark.parametrize("name", PYTORCH)
def test_numbers_are_those_of_pytorch(name):
    seed, draw, expected = PYTORCH[name]
    ag.manual_seed(seed)
    np.testing.assert_allclose(draw().tolist(), expected, rtol=3e-7)


VIEWS = {
    "itself": lambda y: y,
    "transposed": lambda y: y.transpose(1, 2),
    "a part": lambda y: y[:, 1:],
    "every second, transposed": lambda y: y[:, :, ::2].transpose(1, 2),
    "one": lambda y: y[0],
    "with an axis": lambda y: y.unsqueeze(1).transpose(2, 3),
}


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("name", VIEWS)
def test_signals_from_a_convolution_are_dropped_as_if_row_major(name, n):
    y = nn.BatchNorm1d(3)(nn.Conv1d(2, 3, 2)(ag.randn(n, 2, 8))) + 10
    assert not y.is_contiguous()
    masks = []
    for x in (y, y.contiguous()):
        ag.manual_seed(3)
        masks.append(nn.functional.dropout(VIEWS[name](x), 0.5) == 0)
    assert masks[0].equal(masks[1])


def test_patches_of_an_image_are_dropped_as_if_row_major():
    y = nn.Conv2d(2, 3, 2)(ag.randn(2, 2, 4, 5)) + 10
    masks = []
    for x in (y, y.contiguous()):
        ag.manual_seed(3)
        masks.append(nn.functional.dropout(x.flatten(2).transpose(1, 2), 0.5) == 0)
    assert masks[0].equal(masks[1])


def test_numbers_of_zero_to_hero():
    g = ag.Generator().manual_seed(2147483647)
    assert ag.rand(3, generator=g).tolist() == [0.7081288695335388, 0.3542391061782837, 0.10543233156204224]
    drawn = ag.multinomial(ag.tensor([0.6064, 0.3033, 0.0903]), 20, replacement=True, generator=g)
    assert drawn.tolist() == [1, 1, 2, 0, 0, 2, 1, 1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1]


def test_states_are_those_of_pytorch():
    ag.manual_seed(0)
    ag.rand(5), ag.randn(3)
    state = ag.get_rng_state()
    assert state.dtype == ag.uint8
    assert state.shape == (5056,)
    found = hashlib.sha256(state.numpy().tobytes()).hexdigest()
    assert found == "8f7fb63f42a6db6c0d23a5b627e2507c180a735757c6c50ade89c9c834a7d548"
    drawn = ag.randn(2).tolist()
    other = ag.Generator()
    assert other.set_state(state) is other
    assert other.initial_seed() == 0
    assert ag.randn(2, generator=other).tolist() == drawn
    with pytest.raises(TypeError, match="5056 bytes"):
        other.set_state(state[1:])


@pytest.mark.parametrize("n", [0, 1, 2, 3, 17, 127, 128, 1000, 65536])
def test_exchanges_are_those_of_fisher_and_yates(n):
    ag.manual_seed(3)
    order, stream = list(range(n)), np.random.RandomState(3)
    for i in range(n - 1):
        k = i + int(stream.randint(0, 2**32, dtype=np.uint32)) % (n - i)
        order[i], order[k] = order[k], order[i]
    assert ag.randperm(n).tolist() == order


def test_seeds():
    assert ag.manual_seed(5).initial_seed() == ag.initial_seed() == 5
    a = ag.manual_seed(-1) and ag.rand(2).tolist()
    assert a == (ag.manual_seed(2**64 - 1) and ag.rand(2).tolist())
    g = ag.Generator("cpu")
    assert g.initial_seed() == ag.Generator().initial_seed() == 67280421310721
    assert ag.rand(3, generator=g).tolist() == ag.rand(3, generator=ag.Generator()).tolist()
    assert g.seed() == g.initial_seed() != ag.Generator().seed()
    assert ag.rand(3, generator=g).tolist() != ag.rand(3, generator=ag.Generator()).tolist()
    assert g.device == "cpu"
    for bad in (2**64, -(2**63) - 1):
        with pytest.raises(RuntimeError, match="64 bits"):
            ag.manual_seed(bad)
    for wrong, error in (("a", ValueError), (None, TypeError)):
        with pytest.raises(error, match="a seed is an integer, not"):
            ag.manual_seed(wrong)


def test_generators_do_not_disturb_each_other():
    expected = ag.manual_seed(1) and ag.rand(3).tolist()
    ag.manual_seed(1)
    ag.rand(5, generator=ag.Generator())
    np.random.seed(0)  # noqa: NPY002  the global state must not matter
    assert ag.rand(3).tolist() == expected


def test_threads_share_one_stream_without_repeating_it():
    found = []
    threads = [threading.Thread(target=lambda: found.extend(ag.rand(1000).tolist())) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(set(found)) > 3990


def moments(t):
    a = t.numpy().astype("f8")
    return a.mean(), a.var()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_moments_and_native_dtypes(dtype):
    u, z = ag.rand(MANY, dtype=dtype), ag.randn(MANY, dtype=dtype)
    assert u.dtype == z.dtype == np.dtype(dtype)
    assert bool(((u >= 0) & (u < 1)).all())
    assert moments(u) == pytest.approx((1 / 2, 1 / 12), abs=0.01)
    assert moments(z) == pytest.approx((0, 1), abs=0.05)
    assert moments(ag.normal(3.0, 2.0, (MANY,), dtype=dtype)) == pytest.approx((3, 4), abs=0.2)
    x = ag.empty(MANY, dtype=dtype)
    assert moments(x.uniform_(-1, 3)) == pytest.approx((1, 16 / 12), abs=0.05)
    assert moments(x.normal_(1, 2)) == pytest.approx((1, 4), abs=0.2)
    assert moments(x.bernoulli_(0.3)) == pytest.approx((0.3, 0.21), abs=0.02)


def test_single_precision_is_drawn_as_such():
    """A native draw is a multiple of 2^-24; a double cast down rarely is, below one half."""
    assert bool((ag.rand(1000) * 2**24 % 1 == 0).all())


def test_randint():
    t = ag.randint(2, 5, (MANY,))
    assert (t.dtype, set(t.tolist())) == (ag.int64, {2, 3, 4})
    for shaped in (
        ag.randint(5, (2, 3)),
        ag.randint(low=0, high=5, size=(2, 3)),
        ag.randint(high=5, size=(2, 3)),
        ag.randint(-5, 0, (2, 3)),
    ):
        assert shaped.shape == (2, 3)
    assert ag.randint(5, ()).shape == ()
    assert ag.randint(0, 256, (9,), dtype=ag.uint8).dtype == ag.uint8
    assert ag.randint(0, 5, (9,), dtype=ag.float32, requires_grad=True).requires_grad
    for bad in ((5, 2, (3,)), (0, 0, (3,)), (0, 257, (3,), "u1"), (-129, 0, (3,), "i1")):
        with pytest.raises(RuntimeError, match="randint"):
            ag.randint(*bad)
    with pytest.raises(TypeError, match=r"randint\(low, high, size\), in this order"):
        ag.randint(5, (2,), 3)


def test_randperm():
    assert sorted(ag.randperm(50).tolist()) == list(range(50))
    assert ag.randperm(5, dtype=ag.int32).dtype == ag.int32
    assert ag.randperm(0).shape == (0,)
    for dtype, most in ((ag.uint8, 256), (ag.float16, 2049), (ag.bfloat16, 257), (ag.bool, 2)):
        assert sorted(ag.randperm(most, dtype=dtype).tolist()) == list(range(most))
        with pytest.raises(RuntimeError, match="does not hold"):
            ag.randperm(most + 1, dtype=dtype)
    with pytest.raises(RuntimeError, match="negative"):
        ag.randperm(-1)


def test_bernoulli():
    p = ag.tensor([0.0, 0.25, 1.0], dtype="f8").expand(MANY, 3)
    t = ag.bernoulli(p)
    assert (t.dtype, set(t.ravel().tolist())) == (ag.float64, {0, 1})
    assert t.mean(0).tolist() == pytest.approx([0, 0.25, 1], abs=0.02)
    assert float(ag.ones(MANY, dtype=ag.int64).bernoulli(0.25).double().mean()) == pytest.approx(0.25, abs=0.02)
    for bad in ([2.0], [-0.1], [float("nan")]):
        with pytest.raises(RuntimeError, match="between 0 and 1"):
            ag.bernoulli(ag.tensor(bad))
    with pytest.raises(RuntimeError, match="floating dtype"):
        ag.bernoulli(ag.tensor([1]))


def test_normal_of_tensors():
    assert ag.normal(ag.zeros(3, 1), ag.ones(1, 2)).shape == (3, 2)
    assert ag.normal(ag.full((3,), 4.0, dtype="f8"), 0.0).tolist() == [4, 4, 4]
    assert ag.normal(0.0, ag.ones(3)).shape == ag.normal(ag.zeros(3)).shape == (3,)
    assert ag.normal(0, 0.01, (2, 3), requires_grad=True).is_leaf
    assert ag.normal(0, 0.01, (2, 3), requires_grad=True).requires_grad
    assert not ag.normal(ag.zeros(3, requires_grad=True), 1.0).requires_grad
    for bad in (
        lambda: ag.normal(0.0, -1.0, (2,)),
        lambda: ag.normal(ag.zeros(2), -ag.ones(2)),
        lambda: ag.empty(2).normal_(0, -1),
    ):
        with pytest.raises(RuntimeError, match="non-negative"):
            bad()
    with pytest.raises(TypeError, match="needs a size"):
        ag.normal(0.0, 1.0)


def test_multinomial():
    w = ag.tensor([[1.0, 0.0, 3.0], [0.0, 2.0, 2.0]])
    drawn = ag.multinomial(w, MANY, replacement=True)
    assert (drawn.shape, drawn.dtype) == ((2, MANY), ag.int64)
    shares = [[float((row == k).double().mean()) for k in range(3)] for row in drawn]
    assert shares == [pytest.approx([0.25, 0, 0.75], abs=0.02), pytest.approx([0, 0.5, 0.5], abs=0.02)]
    assert [sorted(row) for row in ag.multinomial(w, 2).tolist()] == [[0, 2], [1, 2]]
    firsts = ag.multinomial(ag.tensor([1.0, 3.0]).expand(MANY, 2), 2)[:, 0]
    assert float(firsts.double().mean()) == pytest.approx(0.75, abs=0.02)
    for bad, k in ((w, 3), (ag.zeros(2), 1), (-w, 1), (ag.tensor([float("inf")]), 1), (ag.ones(1, 1, 1), 1), (w, 0)):
        with pytest.raises(RuntimeError, match="multinomial"):
            ag.multinomial(bad, k)


@pytest.mark.parametrize("shape", [(7,), (2, 7), (3000,), (2, 3000)])
def test_multinomial_with_replacement_finds_the_same_positions_in_any_number_of_weights(shape):
    """On both sides of the size from which positions are searched."""
    w = ag.rand(*shape, dtype="float64") * (ag.rand(*shape) > 0.3)
    w[..., -1] = 1.0
    ag.manual_seed(3)
    drawn = ag.multinomial(w, 5, replacement=True)
    ag.manual_seed(3)
    ends = w.numpy().cumsum(-1)
    draws = ag.rand(*shape[:-1], 5, dtype="float64").numpy() * ends[..., -1:]
    assert drawn.tolist() == (draws[..., None] >= ends[..., None, :]).sum(-1).tolist()
    assert w.gather(-1, drawn).min() > 0


@pytest.mark.parametrize(
    "make", [ag.rand_like, ag.randn_like, lambda x, **k: ag.randint_like(x, 5, **k)], ids=["rand", "randn", "randint"]
)
def test_likes(make):
    x = ag.ones(2, 3, dtype="f8")
    assert (make(x).shape, make(x).dtype) == ((2, 3), ag.float64)
    assert make(x, dtype="f4", requires_grad=True).dtype == ag.float32
    with pytest.raises(TypeError, match="takes a tensor"):
        make([1, 2])


def test_both_parts_of_complex_numbers_are_drawn():
    x = ag.empty(10_000, dtype="complex64").uniform_(1, 3)
    for part in (x.real, x.imag):
        assert 1 <= part.min() < 1.01
        assert 2.99 < part.max() <= 3
    x = ag.empty(10_000, dtype="complex64").normal_(1, 2)
    for part in (x.real, x.imag):
        assert abs(part.mean() - 1) < 0.1
        assert abs(part.std() - 2**0.5) < 0.05
    assert nn.Linear(2, 3, dtype="complex64").weight.imag.any()


def test_real_numbers_need_a_floating_dtype():
    for bad in (
        lambda: ag.rand(2, dtype=int),
        lambda: ag.randn(2, dtype=bool),
        lambda: ag.empty(2, dtype=int).normal_(),
        lambda: ag.empty(2, dtype=int).uniform_(),
        lambda: ag.rand_like(ag.arange(2)),
        lambda: ag.arange(2).exponential_(),
        lambda: ag.arange(2).cauchy_(),
        lambda: ag.arange(2).log_normal_(),
        lambda: ag.zeros(2, dtype="complex64").bernoulli_(),
        lambda: ag.zeros(2, dtype="complex64").random_(),
        lambda: ag.zeros(2, dtype=bool).geometric_(0.5),
    ):
        with pytest.raises(RuntimeError, match="floating"):
            bad()
    with pytest.raises(RuntimeError, match="low <= to"):
        ag.empty(2).uniform_(1, 0)


def test_writing_random_numbers_to_a_leaf_needs_no_grad():
    w = ag.empty(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        w.uniform_()
    with ag.no_grad():
        assert w.uniform_(1, 2) is w
    assert w.requires_grad
    assert float(w.detach().min()) >= 1


@pytest.mark.parametrize("scramble", [False, True])
def test_points_of_sobol_lie_evenly(scramble):
    def engine():
        ag.manual_seed(1)
        return SobolEngine(3, scramble=scramble)

    points = engine().draw_base2(3)
    assert points.dtype == ag.float32
    assert (points * 8).floor().sort(0).values.T.tolist() == [list(range(8))] * 3
    parts = engine()
    assert ag.equal(ag.cat([parts.draw(3), parts.draw(5)]), points)
    out = ag.zeros(2, 3)
    assert parts.reset().fast_forward(2).draw(2, out=out) is out
    assert ag.equal(out, points[2:4])
    with pytest.raises(ValueError, match=r"4 \+ 2\*\*1 points"):
        parts.draw_base2(1)
    with pytest.raises(ValueError, match="21201"):
        SobolEngine(0)
    engine = SobolEngine(3, scramble=True, seed=12345)  # the numbers that PyTorch 2.13 gave
    assert engine.draw(2)[1].tolist() == [0.07997307926416397, 0.9156703352928162, 0.19711631536483765]
    assert engine.fast_forward(3).draw(1).tolist() == [[0.3467804193496704, 0.6344958543777466, 0.7081148624420166]]
    assert repr(SobolEngine(2, scramble=True, seed=3)) == "SobolEngine(dimension=2, scramble=True, seed=3)"
