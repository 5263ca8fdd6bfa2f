"""Modules and names that programs ask before they do something else."""

import math

import pytest

import autograd_core as ag
import nn
from autograd_core import jit, multiprocessing, overrides


def test_the_cpu_is_a_device():
    assert (ag.cpu.is_available(), ag.cpu.device_count(), ag.cpu.current_device()) == (True, 1, "cpu")
    with ag.cpu.stream(ag.cpu.current_stream()), ag.cpu.amp.autocast():
        assert (ag.ones(2, 2) @ ag.ones(2, 2)).dtype == ag.bfloat16
    ag.cpu.synchronize()
    ag.cpu.Stream().wait_stream(None)
    assert ag.cpu.Event().query()
    assert ag.get_device_module("cpu") is ag.get_device_module() is ag.cpu
    assert ag.get_device_module("cuda:1") is ag.cuda
    with pytest.raises(RuntimeError, match="device string: tpu"):
        ag.get_device_module("tpu")


def test_what_tensors_are_not():
    x = ag.ones(2)
    assert {x.is_xla, x.is_mkldnn, x.is_sparse_csr, x.is_meta} == {False}
    assert x.layout != ag.sparse_coo
    assert not isinstance(3, ag.SymInt | ag.SymFloat | ag.SymBool)
    assert not isinstance(nn.Identity(), jit.ScriptModule | jit.ScriptFunction)
    assert (ag.sym_int(2.7), ag.sym_max(1, 2), ag.sym_not(True)) == (2, 2, False)
    assert isinstance(x.untyped_storage(), ag.UntypedStorage)
    with pytest.raises(RuntimeError, match="strided, not sparse_coo"):
        ag.ones(2, layout=ag.sparse_coo)


def test_functions_are_overridden_by_classes_that_stand_for_tensors():
    class Answers:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return func.__name__, len(args)

    class Silent:
        __torch_function__ = classmethod(lambda *args: NotImplemented)

    x, other = ag.ones(2), Answers()
    assert overrides.has_torch_function((x, other))
    assert overrides.has_torch_function_unary(other)
    assert overrides.is_tensor_like(other)
    assert overrides.handle_torch_function(ag.add, (other,), x, other) == ("add", 2)
    with pytest.raises(TypeError, match=r"no implementation found for 'add' .*Silent"):
        overrides.handle_torch_function(ag.add, (Silent(),), x, Silent())
    root = overrides.wrap_torch_function(lambda x: (x,))(math.sqrt)
    assert (root(4), root(other)) == (2, ("sqrt", 1))
    assert not overrides.has_torch_function((x,))
    assert not overrides.has_torch_function_variadic(x, x)
    assert overrides.is_tensor_like(x)
    assert not overrides.is_tensor_like([1])
    assert overrides.handle_torch_function(ag.add, (x,), x, 1).tolist() == [2, 2]


def fail_in_the_second(i):
    assert i == 0


def test_processes():
    multiprocessing.set_sharing_strategy("file_descriptor")
    assert multiprocessing.get_sharing_strategy() == "file_descriptor"
    multiprocessing.set_sharing_strategy("file_system")
    with pytest.raises(AssertionError, match="'mail' is not one of"):
        multiprocessing.set_sharing_strategy("mail")
    assert multiprocessing.cpu_count() > 0
    with pytest.raises(RuntimeError, match="process 1 terminated with exit code 1"):
        multiprocessing.spawn(fail_in_the_second, nprocs=2, start_method="fork")


def test_without_a_gpu_nothing_is_in_use():
    assert ag.accelerator.max_memory_reserved() == ag.cuda.max_memory_reserved() == 0
    assert ag.cuda.memory_stats() == {}
    assert ag.cuda.memory_summary() == ""
    assert not ag.cuda.is_initialized()
    ag.cuda.init()
    ag.cuda.seed()
    ag.cuda.seed_all()
    ag.accelerator.synchronize()
    ag.accelerator.empty_cache()
    with ag.accelerator.device_index(None):
        pass
    with pytest.raises(AttributeError, match="no attribute 'memory'"):
        ag.accelerator.memory
    assert (ag.amp.is_autocast_available("cpu"), ag.amp.is_autocast_available("mps")) == (True, False)
    assert not ag.is_autocast_cache_enabled()
    ag.clear_autocast_cache()
    ag.set_warn_always(True)
    assert ag.is_warn_always_enabled()
    ag.set_warn_always(False)


def test_settings_of_autograd():
    with ag.autograd.set_multithreading_enabled(False):
        assert not ag.autograd.is_multithreading_enabled()
    assert ag.autograd.is_multithreading_enabled()
    ag.autograd.set_multithreading_enabled(False)
    assert not ag.autograd.is_multithreading_enabled()
    ag.autograd.set_multithreading_enabled(True)
    assert ag.autograd.anomaly_mode.detect_anomaly is ag.autograd.detect_anomaly


def test_futures_of_calls():
    assert jit.wait(jit.fork(math.pow, 2, 3)) == 8
    with pytest.raises(ZeroDivisionError):
        jit.wait(jit.fork(lambda: 1 / 0))


def test_tensors_are_exchanged():
    weight, other = nn.Parameter(ag.ones(2)), ag.zeros(3)
    weight.note, seen = "first", []
    weight.register_hook(seen.append)
    weight.T if weight.ndim > 1 else weight[0]  # a view that is gone
    ag.utils.swap_tensors(weight, other)
    assert (weight.tolist(), weight.requires_grad, hasattr(weight, "note")) == ([0, 0, 0], False, False)
    assert (other.tolist(), other.note, isinstance(other, nn.Parameter)) == ([1, 1], "first", True)
    (other * 2).sum().backward()
    assert other.grad.tolist() == seen[0].tolist() == [2, 2]
    view = weight[1:]
    for refused in (view, other * 2):
        with pytest.raises(RuntimeError, match="leaves that have no views"):
            ag.utils.swap_tensors(refused, ag.ones(2))


def test_weights_of_convolutions_in_another_order():
    model = nn.Sequential(nn.Conv2d(2, 3, 2), nn.Linear(2, 2))
    before = model[0].weight.tolist()
    assert nn.utils.convert_conv2d_weight_memory_format(model, ag.channels_last) is model
    assert model[0].weight.is_contiguous(memory_format=ag.channels_last)
    assert model[0].weight.tolist() == before
    assert nn.utils.convert_conv3d_weight_memory_format(nn.Conv3d(1, 1, 1), ag.channels_last_3d).weight.is_leaf


def test_keywords():
    ag.set_rng_state(new_state=ag.get_rng_state())
    with ag.random.fork_rng(device_type="cpu"):
        pass
    assert ag.func.jacfwd(ag.sin, randomness="error")(ag.zeros(2)).tolist() == [[1, 0], [0, 1]]
    layer = nn.PReLU(2, init=0.5)
    with ag.no_grad():
        layer.weight.zero_()
    layer.reset_parameters()
    assert layer.weight.tolist() == [0.5, 0.5]


def test_help_shows_methods_under_their_public_names():
    assert (ag.Tensor.backward.__name__, ag.Tensor.new.__qualname__) == ("backward", "new")
