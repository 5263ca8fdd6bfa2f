"""Tensors on several CUDA devices."""

import io
import pickle
from types import SimpleNamespace

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.testing.refusing import Machine, RefusingArray

pytestmark = pytest.mark.usefixtures("cupy")


def test_tensors_travel_and_keep_their_layout():
    x = ag.randn(2, 3, 4, 5).contiguous(memory_format="channels_last")
    for device in ("cuda", "cuda:0", "cuda:1"):
        there = x.to(device)
        assert isinstance(there.array, RefusingArray)
        assert there.is_contiguous(memory_format="channels_last")
        assert there.device == ("cuda:1" if device == "cuda:1" else "cuda:0")
        back = there.cpu()
        assert back.is_contiguous(memory_format="channels_last")
        assert back.tolist() == x.tolist()
    one = x.cuda()
    two = one.cuda(1)
    assert (one.get_device(), two.get_device()) == (0, 1)
    assert two.is_contiguous(memory_format="channels_last")
    assert one.cuda() is one
    assert two.to("cuda") is not two  # "cuda" is the current device


def test_truncated_normal_numbers_are_drawn_until_all_are_accepted():
    x = nn.init.trunc_normal_(ag.empty(200, device="cuda"), 0.0, 1.0, -0.5, 0.5)
    assert x.abs().max().item() <= 0.5
    assert x.std().item() > 0.1


def test_types_of_tensors_have_a_device():
    x = ag.cuda.FloatTensor([1, 2])
    assert (x.device.type, x.dtype) == ("cuda", ag.float32)
    assert isinstance(x, ag.cuda.FloatTensor)
    assert not isinstance(x, ag.FloatTensor)
    there = ag.LongTensor([3]).type("torch.cuda.DoubleTensor")
    assert (there.device.type, there.dtype) == ("cuda", ag.float64)
    assert x.type(ag.IntTensor).device == "cpu"
    try:
        ag.set_default_tensor_type(ag.cuda.HalfTensor)
        assert (ag.zeros(1).device.type, ag.zeros(1).dtype) == ("cuda", ag.float16)
    finally:
        ag.set_default_tensor_type(ag.FloatTensor)
    assert ag.zeros(1).device == "cpu"


def test_a_copy_waits_for_its_source_which_then_waits_for_the_copy():
    sources, targets = ag.cuda.Stream(device=0), ag.cuda.Stream(device=1)
    with sources:
        x = ag.ones(3, device="cuda:0")
        with targets:
            x.to("cuda:1")
    assert (targets.raw.waited, sources.raw.waited) == ([sources.raw], [targets.raw])


def test_samples_are_drawn_where_their_rates_lie(cupy):
    seen = []
    drawn = SimpleNamespace(poisson=lambda rate: seen.append(Machine.current) or rate)
    cupy.random = SimpleNamespace(RandomState=lambda seed: drawn)
    ag.poisson(ag.ones(3, device="cuda:1"))
    assert seen == [1]


def test_operations_run_where_their_operands_lie():
    x = ag.ones(2, 3, device="cuda:1", requires_grad=True)
    y = ag.tanh(x @ ag.eye(3, device="cuda:1")).sum()
    y.backward()
    assert x.grad.device == "cuda:1"
    assert Machine.current == 0
    padded = ag.gather(x, 1, ag.zeros(2, 1, dtype="int64", device="cuda:1")).sum()
    padded.backward()  # its rule makes zeros of its own
    assert x.grad.device == "cuda:1"


def test_gradients_cross_devices():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    near = x.cuda(0) * 2
    far = near.cuda(1) * 3
    (far.cpu().sum() + near.cpu().sum()).backward()
    assert x.grad.device == "cpu"
    assert x.grad.tolist() == [8, 8]


def test_mixing_devices_names_both():
    x, y = ag.ones(2, device="cuda:0"), ag.ones(2, device="cuda:1")
    for mix in (lambda: x + y, lambda: y * x, lambda: ag.cat([x, y]), lambda: x @ y, lambda: ag.where(x > 0, x, y)):
        with pytest.raises(RuntimeError, match=r"different devices \(cuda:[01], cuda:[01]\)"):
            mix()
    with pytest.raises(RuntimeError, match=r"different devices \(cuda:1, cpu\)"):
        y + ag.ones(2)


def test_a_device_that_does_not_exist():
    for use in (
        lambda: ag.ones(2).to("cuda:2"),
        lambda: ag.ones(2, device="cuda:2"),
        lambda: ag.rand(2, device="cuda:2"),
    ):
        with pytest.raises(RuntimeError, match="'cuda:2' does not exist; there are 2"):
            use()


def test_the_current_device():
    assert ag.cuda.is_available()
    assert (ag.cuda.device_count(), ag.cuda.current_device()) == (2, 0)
    with ag.cuda.device(1):
        assert ag.cuda.current_device() == 1
        assert ag.zeros(1, device="cuda").device == "cuda:1"
        assert ag.ones(1).cuda().device == "cuda:1"
        with ag.cuda.device("cuda:0"), ag.cuda.device(-1):
            assert ag.cuda.current_device() == 0
    ag.cuda.set_device("cuda:1")
    assert ag.randn(2, device="cuda").device == "cuda:1"
    ag.cuda.set_device(0)
    with pytest.raises(RuntimeError, match="does not exist"):
        ag.cuda.set_device(2)
    with ag.cuda.device_of(ag.ones(1, device="cuda:1")):
        assert ag.cuda.current_device() == 1


def test_what_a_device_is():
    assert ag.cuda.get_device_name() == "H200"
    assert ag.cuda.get_device_capability(1) == (9, 0)
    assert ag.cuda.is_tf32_supported()
    found = ag.cuda.get_device_properties("cuda:1")
    assert (found.name, found.major, found.minor, found.multi_processor_count) == ("H200", 9, 0, 132)
    assert found.total_memory == 141 << 30
    ag.cuda.synchronize()
    ag.cuda.synchronize("cuda:1")


def test_seeds():
    def draws():
        return [ag.rand(3, device=d).tolist() for d in ("cuda:0", "cuda:1")]

    ag.cuda.manual_seed_all(5)
    first = draws()
    ag.cuda.manual_seed_all(5)
    assert draws() == first
    ag.cuda.manual_seed(5)
    assert ag.rand(3, device="cuda").tolist() == first[0]
    assert ag.rand(3, device="cuda:1").tolist() != first[1]
    state = ag.cuda.get_rng_state("cuda:1")
    later = ag.rand(3, device="cuda:1").tolist()
    ag.cuda.set_rng_state(state, "cuda:1")
    assert ag.rand(3, device="cuda:1").tolist() == later
    states = ag.cuda.get_rng_state_all()
    later = draws()
    ag.cuda.set_rng_state_all(states)
    assert draws() == later
    ag.manual_seed(5)
    assert draws() == first
    assert ag.cuda.initial_seed() == 5


def test_pinned_memory_and_copies_that_do_not_wait():
    x = ag.arange(6.0).reshape(2, 3)
    assert not x.is_pinned()
    pinned = x.pin_memory()
    assert pinned.is_pinned()
    assert pinned.pin_memory() is pinned
    there = pinned.to("cuda", non_blocking=True)
    assert there.tolist() == x.tolist()
    back = there.to("cpu", non_blocking=True)
    assert back.is_pinned()
    ag.cuda.current_stream().synchronize()
    assert back.tolist() == x.tolist()
    with pytest.raises(RuntimeError, match="only tensors on the CPU can be pinned"):
        there.pin_memory()


def test_arrays_of_other_cuda_libraries_are_shared(cupy):
    held = cupy.array(np.ones(3, np.float32))
    cupy.asarray = lambda array: held
    t = ag.as_tensor(SimpleNamespace(__cuda_array_interface__={"version": 3}))
    t += 1
    assert (t.device, held._held.tolist()) == ("cuda:0", [2, 2, 2])


def test_a_model_and_its_optimizer_move_with_their_states():
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).to("cuda:1", non_blocking=True)
    assert {t.device for t in (*model.parameters(), *model.buffers())} == {"cuda:1"}
    optimizer = optim.Adam(model.parameters())
    model(ag.ones(4, 3, device="cuda:1")).sum().backward()
    optimizer.step()
    assert {v.device for s in optimizer.state.values() for v in s.values() if isinstance(v, ag.Tensor)} == {"cuda:1"}
    twin = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    twin.load_state_dict(model.state_dict())
    other = optim.Adam(twin.parameters())
    other.load_state_dict(optimizer.state_dict())
    assert {t.device for t in (*twin.parameters(), other.state[twin[0].weight]["exp_avg"])} == {"cpu"}
    assert twin[0].weight.tolist() == model[0].weight.tolist()
    again = pickle.loads(pickle.dumps(model[0].weight))
    assert (again.device, again.tolist()) == ("cuda:1", twin[0].weight.tolist())
    assert model.cpu()[0].weight.grad.device == "cpu"


def test_files_are_loaded_to_a_device():
    x, file = ag.arange(6.0).reshape(2, 3), io.BytesIO()
    ag.save({"x": x, "turned": x.T, "k": nn.Parameter(ag.ones(2))}, file)
    for place in ("cuda:1", {"cpu": "cuda:1"}, lambda storage, saved: storage.cuda(1)):
        file.seek(0)
        found = ag.load(file, map_location=place)
        assert {t.device for t in found.values()} == {"cuda:1"}
        found["x"][0, 2] = 9
        assert found["turned"].tolist() == [[0, 3], [1, 4], [9, 5]]
        assert isinstance(found["k"], nn.Parameter)
