"""Tensors on the device "meta": everything but elements."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest

import autograd_core as ag
import nn.functional as F
import optim
from autograd_core.errors import DeviceError
from autograd_core.utils.flop_counter import FlopCounterMode
from backends.meta_backend import arrays


def meta(*shape, **options):
    return ag.empty(*shape, device="meta", **options)


HUGE = meta(1 << 20, 1 << 20)  # 4 TiB in float32


def test_they_have_all_properties():
    x = meta(3, 4, dtype=ag.float64, requires_grad=True)
    assert (x.shape, x.dtype, x.device, x.requires_grad, x.is_leaf) == ((3, 4), ag.float64, "meta", True, True)
    assert (x.is_meta, x.is_cpu, x.is_cuda, ag.ones(1).is_meta) == (True, False, False, False)
    assert (x.numel(), x.nbytes, x.stride(), x.is_contiguous(), x.get_device(), len(x)) == (12, 96, (4, 1), True, -1, 3)
    assert (x.type(), x.untyped_storage().nbytes(), x.data_ptr()) == ("torch.meta.DoubleTensor", 96, 0)
    assert meta(2, 3, 4, 4, memory_format=ag.channels_last).stride() == (48, 1, 12, 3)


def test_they_are_printed_without_elements():
    assert repr(meta(3, 4)) == "tensor(..., device='meta', size=(3, 4))"
    assert repr(meta(0, dtype=ag.int64)) == "tensor(..., device='meta', size=(0,), dtype=int64)"
    assert f"{meta(requires_grad=True)}" == "tensor(..., device='meta', size=(), requires_grad=True)"
    assert repr(meta(2).storage()).startswith("...")


LARGE = {
    "zeros": partial(ag.zeros, 1 << 40, device="meta"),
    "ones": partial(ag.ones, 1 << 40, device="meta"),
    "full": partial(ag.full, (1 << 40,), 2.0, device="meta"),
    "randn": partial(ag.randn, 1 << 40, device="meta"),
    "clone": HUGE.clone,
    "to": lambda: HUGE.to(ag.float64),
    "arithmetic": lambda: HUGE * HUGE + 1,
    "exp": HUGE.exp,
    "where": lambda: ag.where(HUGE > 0, HUGE, 0.0),
    "ones_like": lambda: ag.ones_like(HUGE),
    "matmul": lambda: HUGE @ HUGE,
    "softmax": lambda: HUGE.softmax(1),
    "add_": lambda: HUGE.T.add_(1),
    "normal_": lambda: HUGE.clone().normal_(),
    "view": lambda: HUGE.view(-1)[5::3],
    "max": lambda: HUGE.max(1).values,
    "expand": lambda: HUGE.expand(3, 1 << 20, 1 << 20),
    "cumsum": lambda: HUGE.cumsum(0),
}


@pytest.mark.parametrize("make", LARGE.values(), ids=LARGE)
def test_size_costs_nothing(make):
    assert make().is_meta


def test_huge_images_and_gradients_cost_nothing():
    x = meta(1 << 10, 3, 1 << 10, 1 << 10, requires_grad=True)
    y = ag.nn.functional.conv2d(x, meta(64, 3, 3, 3), padding=1).relu()
    assert y.shape == (1 << 10, 64, 1 << 10, 1 << 10)
    y.sum().backward()
    assert (x.grad.device, x.grad.shape) == ("meta", x.shape)


READS = {
    "cpu": lambda x: x.cpu(),
    "to": lambda x: x.to("cpu"),
    "tolist": lambda x: x.tolist(),
    "item": lambda x: x.sum().item(),
    "bool": lambda x: bool(x.sum()),
    "float": lambda x: float(x.sum()),
    "numpy": lambda x: x.numpy(force=True),
    "copy_": lambda x: ag.ones(2).copy_(x),
    "in": lambda x: 1.0 in x,
    "equal": lambda x: ag.equal(x, x),
    "tensor": lambda x: ag.tensor([x[0], 1.0]),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_there_is_nothing_to_read(read):
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor; no data!"):
        read(meta(2))


def test_numpy_is_refused():
    for read in (lambda: meta(2).numpy(), lambda: np.asarray(meta(2))):
        with pytest.raises(TypeError, match="meta"):
            read()


def test_small_tensors_need_few_addresses(monkeypatch):
    monkeypatch.setattr(arrays, "_zeros", np.zeros(0, np.uint8))
    meta(3)
    assert len(arrays._zeros) < 1 << 30  # as many as `ulimit -v` leaves to a process


@pytest.mark.parametrize("name", ["nonzero", "unique", "argwhere"])
def test_shapes_that_depend_on_values_are_unknown(name):
    x = meta(2)
    for use in (getattr(ag, name), lambda x: x[x > 0], lambda x: x.masked_select(x > 0)):
        with pytest.raises(NotImplementedError, match="depends on values"):
            use(x)


def test_devices_do_not_mix():
    x, there = ag.ones(3, 3), meta(3, 3)
    sums = (lambda: x + there, lambda: there + x, lambda: x @ there, lambda: there @ x)
    for mixed in (*sums, lambda: ag.cat([there, x]), lambda: ag.where(there > 0, x, x)):
        with pytest.raises(DeviceError, match="different devices"):
            mixed()
    assert (there + ag.tensor(1.0)).is_meta  # numbers may come along
    assert there[ag.tensor([0, 1])].shape == (2, 3)  # and positions
    with pytest.raises(DeviceError, match="gradient is on cpu but the tensor on meta"):
        (meta(3, 3, requires_grad=True) * 2).backward(x)


def test_moves_and_writes():
    x = ag.randn(2, 3, 4, 5).to(memory_format=ag.channels_last)
    there = x.to("meta")
    assert (there.shape, there.stride(), there.to("meta") is there) == (x.shape, x.stride(), True)
    assert there.copy_(x) is there
    there[0] = x[0]
    there[there > 0] = 1.0
    with pytest.raises(RuntimeError, match=r"does not expand|do not fit"):
        there[0] = meta(7)
    with pytest.raises(RuntimeError, match="fit"):
        meta(3).add_(meta(2, 3))
    y = ag.ones(2, requires_grad=True)
    with pytest.raises(NotImplementedError, match="no data"):
        y.to("meta").sum().backward()


def test_views_are_views():
    x = meta(6, 4)
    assert (x.T.stride(), x[1:, ::2].stride(), x[1:].storage_offset(), x[1:].data_ptr()) == ((1, 4), (4, 2), 4, 16)
    assert (x.as_strided((3, 2), (1, 2)).stride(), x.expand(2, 6, 4).stride()) == ((1, 2), (0, 4, 1))
    x[2].add_(1)
    assert x._version == x.T._version == 1
    assert x[2]._base is x
    a = meta(3, 4, requires_grad=True)
    b = a * 2
    b[0] = 0.0
    b[:, 1] += a[:, 0]
    b.sum().backward()
    assert a.grad.shape == (3, 4)


def test_gradients_are_there_too():
    x, w = meta(5, 3, requires_grad=True), meta(3, 2, requires_grad=True)
    (slope,) = ag.grad(((x @ w).tanh() ** 2).sum(), x, create_graph=True)
    slope.sum().backward()
    assert {(t.grad.device, t.grad.shape == t.shape) for t in (x, w)} == {("meta", True)}
    assert ag.func.vmap(ag.func.grad(lambda v: (v**2).sum()))(meta(4, 3)).shape == (4, 3)


def test_random_numbers_are_not_drawn():
    ag.manual_seed(0)
    state = ag.get_rng_state().tolist()
    generator = ag.Generator().manual_seed(1)
    before = generator.get_state().tolist()
    made = [ag.randn(3, device="meta"), ag.randperm(3, device="meta"), ag.bernoulli(meta(3)), ag.poisson(meta(3)),
            ag.nn.functional.dropout(meta(3)), ag.rand(3, device="meta", generator=generator),
            meta(3).normal_(generator=generator), ag.multinomial(meta(4), 3)]  # fmt: skip
    assert {(t.device, t.shape) for t in made} == {("meta", (3,))}
    with ag.device("meta"):
        assert ag.randn(3, generator=generator).is_meta
    assert (ag.get_rng_state().tolist(), generator.get_state().tolist()) == (state, before)


def test_seeds_and_states_are_kept():
    generator = ag.Generator("meta").manual_seed(5)
    state = generator.get_state()
    assert ag.Generator("meta").set_state(state).initial_seed() == 5
    with ag.random.fork_rng():
        ag.manual_seed(3)


def test_a_default_device():
    with ag.device("meta"):
        made = [ag.zeros(2), ag.tensor(1.0), ag.arange(3), ag.linspace(0, 1, 5), ag.eye(3), ag.tril_indices(3, 3)]
        assert ag.from_numpy(np.ones(2)).is_cpu
    assert {t.device for t in made} == {"meta"}
    assert [t.shape for t in made] == [(2,), (), (3,), (5,), (3, 3), (2, 6)]


def test_what_is_computed_stays_on_the_device_of_its_operands():
    x, i, rates = ag.rand(4, 3), ag.tensor([0, 2, 1]), ag.rand(5, 3).log_softmax(-1)
    with ag.device("meta"):
        found = (
            F.one_hot(i, 3),
            ag.bincount(i),
            *ag.unique(i, return_inverse=True, return_counts=True),
            ag.histc(x, 4),
            *ag.histogram(x, 4),
            ag.histogramdd(x, 2)[0],
            F.embedding(i, x, max_norm=0.1),
            F.ctc_loss(rates, i[1:], [5], [2]),
        )
    assert {t.device for t in found} == {"cpu"}


def test_dtypes_are_those_of_the_cpu():
    def computed(device):
        i, h, f, z = (ag.ones(3, dtype=d, device=device) for d in (ag.int32, ag.bfloat16, ag.float32, ag.complex64))
        made = [i + h, i / 2, i.sum(), i**2, h @ h, h * f, h.exp(), h.softmax(0), z.abs(), f > 0, f.mean(), f.argmax()]
        made += [
            ag.fft.fft(f),
            f.long(),
            ag.lgamma(f),
            f.var(),
            f.cumsum(0),
            ag.where(f > 0, f, 0.0),
            f.topk(2).indices,
        ]
        return [(t.dtype, t.shape) for t in made]

    assert computed("meta") == computed("cpu")


def test_copies_and_pickles():
    x = meta(3, 4, requires_grad=True)
    for twin in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert (twin.device, twin.shape, twin.requires_grad) == ("meta", (3, 4), True)
    assert pickle.loads(pickle.dumps(meta(3, 4).T)).stride() == (1, 4)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "NAdam", "Rprop"])
def test_optimizers_take_them(name):
    x = meta(3, requires_grad=True)
    optimizer = getattr(optim, name)([x], lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        (x * x).sum().backward()
        optimizer.step()
    assert x.is_meta
    assert all(v.is_meta for v in optimizer.state[x].values() if isinstance(v, ag.Tensor))


def test_operations_are_counted():
    with FlopCounterMode(display=False) as counter:
        HUGE @ HUGE
    assert counter.get_total_flops() == 2 << 60


def test_checks_that_wait_for_no_device():
    x = meta(4, 4)
    assert ag.quantile(x, meta(2)).shape == (2,)
    assert ag.linalg.eigvals(x).shape == ag.linalg.inv(x)[0].shape == (4,)
    spectra = ag.stft(meta(64), 16, window=meta(16), return_complex=True)
    assert ag.istft(spectra, 16, window=meta(16)).shape == (64,)
