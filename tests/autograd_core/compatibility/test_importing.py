"""Modules and names are found where PyTorch has them, also under another name for the package."""

import importlib
import sys
from collections import OrderedDict, defaultdict, deque, namedtuple

import pytest

import autograd_core as ag


def test_what_is_built_on_the_package_is_found_in_it():
    import nn
    import optim

    assert (ag.nn, ag.optim) == (nn, optim)
    assert ag.func.functional_call is nn.functional_call
    with pytest.raises(AttributeError, match="'nothing'"):
        ag.func.nothing


def test_modules_of_few_names():
    from autograd_core.autograd.anomaly_mode import set_detect_anomaly
    from autograd_core.autograd.variable import Variable
    from autograd_core.nn.common_types import _size_2_t
    from autograd_core.nn.parallel import data_parallel
    from autograd_core.nn.utils.init import skip_init
    from autograd_core.nn.utils.memory_format import convert_conv2d_weight_memory_format
    from autograd_core.torch_version import TorchVersion
    from autograd_core.utils.tensorboard.writer import SummaryWriter

    assert (set_detect_anomaly, Variable) == (ag.autograd.set_detect_anomaly, ag.autograd.Variable)
    assert issubclass(ag.autograd.function.InplaceFunction, ag.Function)
    assert (skip_init, convert_conv2d_weight_memory_format) == (
        ag.nn.utils.skip_init,
        ag.nn.utils.convert_conv2d_weight_memory_format,
    )
    assert _size_2_t == int | tuple[int, int]
    assert TorchVersion("2.13") > (1, 9)
    assert SummaryWriter is ag.utils.tensorboard.SummaryWriter
    assert data_parallel(ag.nn.Bilinear(2, 2, 1), (ag.ones(3, 2), ag.ones(3, 2))).shape == (3, 1)


@pytest.mark.parametrize(
    "module, names",
    [
        ("autograd_core.func", {"functional_call", "stack_module_state", "grad", "vmap"}),
        ("autograd_core.autograd", {"Variable", "gradcheck", "grad"}),
        ("optim.swa_utils", {"AveragedModel", "SWALR"}),
    ],
)
def test_an_import_of_all_names_has_those_that_are_found_on_request(module, names):
    found: dict[str, object] = {}
    exec(f"from {module} import *", found)
    assert names <= found.keys()
    assert not {"Any", "above", "math", "importlib"} & found.keys()


def test_names_that_libraries_import():
    from autograd_core._C import DispatchKey, DispatchKeySet, Value, _get_tracing_state, _log_api_usage_once
    from autograd_core._C._nn import _parse_to
    from autograd_core._dynamo import OptimizedModule
    from autograd_core._dynamo.utils import is_compile_supported
    from autograd_core._tensor_str import PRINT_OPTS, _tensor_str
    from autograd_core.ao.quantization import QuantStub
    from autograd_core.autograd.profiler import emit_nvtx, record_function
    from autograd_core.distributed import rpc
    from autograd_core.distributed.tensor import DTensor
    from autograd_core.fx import GraphModule, wrap
    from autograd_core.jit import _overload
    from autograd_core.jit.annotations import BroadcastingList2, List
    from autograd_core.multiprocessing.pool import ThreadPool
    from autograd_core.onnx.symbolic_helper import parse_args
    from autograd_core.overrides import TorchFunctionMode
    from autograd_core.storage import UntypedStorage
    from autograd_core.utils.data.dataloader import _BaseDataLoaderIter, _MultiProcessingDataLoaderIter

    from autograd_core.amp.grad_scaler import OptState
    from autograd_core.profiler import ProfilerActivity, kineto_available
    from autograd_core.utils.flop_counter import FlopCounterMode

    assert (OptState.READY.name, ag.backends.cpu.get_cpu_capability()) == ("READY", "DEFAULT")
    iterator = iter(ag.utils.data.DataLoader([1, 2]))
    assert isinstance(iterator, _BaseDataLoaderIter)
    assert not isinstance(iterator, _MultiProcessingDataLoaderIter)
    assert isinstance(iter(ag.utils.data.DataLoader([1, 2], num_workers=1)), _MultiProcessingDataLoaderIter)
    assert not isinstance(ag.compile(ag.nn.Identity()), OptimizedModule | GraphModule | Value | ag.ScriptModule)
    assert ag._dynamo.eval_frame.OptimizedModule is OptimizedModule
    assert (DispatchKeySet(DispatchKey.AutocastCPU) | DispatchKey.AutocastXPU).name == "AutocastCPU|AutocastXPU"
    assert (_get_tracing_state(), _log_api_usage_once("event"), kineto_available()) == (None, None, True)
    assert not ag._C._jit_set_profiling_executor(False) | ag._C._jit_set_profiling_mode(False) | ag._C._is_tracing()
    assert _parse_to("float16")[1] is ag.float16
    assert _parse_to("cpu", ag.float64, True) == (ag.device("cpu"), ag.float64, True, None)
    assert ag._C._nn._parse_to(ag.ones(1), device=None)[:2] == (ag.device("cpu"), ag.float32)
    assert _parse_to(dtype=ag.int8, memory_format=ag.channels_last) == (None, ag.int8, False, ag.channels_last)
    assert (BroadcastingList2[int], List[int]) == (list[int], List[int])
    assert ThreadPool is importlib.import_module("multiprocessing.pool").ThreadPool
    assert wrap(len) is parse_args("v")(len) is _overload(len) is record_function("length")(len).__wrapped__ is len
    assert ag.autograd.profiler.record_function is ag.profiler.record_function
    assert ProfilerActivity.CPU.name == "CPU"
    assert isinstance(ag.ones(1).untyped_storage(), UntypedStorage | ag.UntypedStorage)
    assert ag.onnx.register_custom_op_symbolic("tests::fill", len, 11) is None
    assert not is_compile_supported("cpu")
    assert FlopCounterMode(display=False).get_total_flops() == 0
    assert not isinstance(ag.ones(1), DTensor | TorchFunctionMode | ag.DeviceObjType)
    assert (PRINT_OPTS.threshold, _tensor_str(ag.tensor([1.0, 2.0]), 0)) == (1000, "[1., 2.]")
    assert not rpc.is_available()
    assert "NumPy" in ag.__config__.show()
    assert str(ag.get_num_threads()) in ag.__config__.parallel_info()
    for absent in (QuantStub, ag.ScriptModule, ag.TensorType, ag.cuda.CUDAGraph, emit_nvtx):
        with pytest.raises(NotImplementedError, match="not provided"):
            absent()


def test_names_of_layers_and_kernels():
    from autograd_core._C import _LinAlgError
    from autograd_core.nn.modules import CrossMapLRN2d
    from autograd_core.nn.modules.transformer import _get_activation_fn

    assert _get_activation_fn("gelu") is ag.nn.functional.gelu
    assert ag.backends.mkldnn.enabled
    with pytest.raises(_LinAlgError, match="singular"):
        ag.linalg.solve(ag.zeros(2, 2), ag.ones(2))
    with pytest.raises(NotImplementedError, match="LocalResponseNorm"):
        CrossMapLRN2d(3)


def test_a_program_can_ask_whether_vmap_calls_it():
    from autograd_core._C import _are_functorch_transforms_active, _functorch

    seen = []

    def f(x):
        ask = _functorch.is_batchedtensor, _functorch.is_legacy_batchedtensor
        seen.append((_are_functorch_transforms_active(), *(question(x) for question in ask)))
        return x

    ag.func.vmap(f)(f(ag.ones(2)))
    assert seen == [(False, False, False), (True, True, False)]


def test_names_of_tracing():
    from autograd_core._subclasses.fake_tensor import is_fake
    from autograd_core.fx.experimental.proxy_tensor import get_proxy_mode

    assert (get_proxy_mode(), is_fake(ag.ones(1)), ag._dynamo.list_backends()) == (None, False, [])
    assert ag._assert_async(ag.ones(1) > 0, "positive") is None
    with pytest.raises(RuntimeError, match="positive"):
        ag._assert_async(ag.zeros(1) > 0, "positive")


def test_modules_are_imported_where_pytorch_has_them():
    import autograd_core.nn.functional as F
    from autograd_core.amp.autocast_mode import autocast
    from autograd_core.autograd.grad_mode import no_grad
    from autograd_core.nn.modules.linear import Linear
    from autograd_core.nn.modules.module import Module, register_module_forward_hook
    from autograd_core.optim.adamw import AdamW
    from autograd_core.serialization import save
    from autograd_core.types import Number, _device, _dtype
    from autograd_core.utils.data._utils.collate import default_collate, np_str_obj_array_pattern
    from autograd_core.utils.data._utils.worker import get_worker_info
    from autograd_core.utils.data.dataset import TensorDataset

    import nn
    from autograd_core.amp.grad_scaler import GradScaler
    from autograd_core.autograd.function import FunctionCtx
    from autograd_core.utils.hooks import RemovableHandle

    for part in (nn.modules.conv, nn.modules.batchnorm, ag.utils.data.sampler, ag.utils.data.distributed):
        with pytest.raises(AttributeError, match="no attribute 'nothing'"):
            part.nothing
    assert issubclass(nn.Conv2d, nn.modules.conv._ConvNd)
    with pytest.raises(NotImplementedError, match="SyncBatchNorm"):
        nn.parallel.ReduceAddCoalesced.apply(1)
    assert nn.modules.utils._ntuple(2)(3) == (3, 3)
    assert vars(nn.modules.activation)["ReLU"] is nn.ReLU
    assert isinstance(nn.ReLU().load_state_dict({}), nn.modules.module._IncompatibleKeys)
    assert (nn.modules.utils._pair(3), nn.modules.utils._pair([1, 2, 3, 4])) == ((3, 3), (1, 2, 3, 4))
    with register_module_forward_hook(lambda *_: None) as handle:
        assert isinstance(handle, RemovableHandle)
    assert (Module, save, no_grad) == (nn.Module, ag.save, ag.no_grad)
    assert [name for name in ("<U3", "<f4", "|O") if np_str_obj_array_pattern.search(name)] == ["<U3", "|O"]
    assert get_worker_info() is None
    assert (default_collate, FunctionCtx.__name__) == (ag.utils.data.default_collate, "Context")
    assert isinstance(ag.channels_last, ag.memory_format)
    assert (GradScaler, autocast) == (ag.amp.GradScaler, ag.autocast)
    assert nn.utils.clip_grad.clip_grad_norm_ is nn.utils.clip_grad_norm_
    assert nn.utils.convert_parameters.parameters_to_vector is nn.utils.parameters_to_vector
    assert ag.autograd.grad_mode.no_grad is ag.no_grad
    assert isinstance(2.5, Number)
    assert (_dtype, _device) == (ag.dtype, ag.device)
    assert (F, Linear, AdamW, TensorDataset) == (nn.functional, nn.Linear, ag.optim.AdamW, ag.utils.data.TensorDataset)
    assert (nn.functional.__spec__.name, F.__name__) == ("nn.functional", "nn.functional")
    for name in ("nn.no_such_module", "no_such_module", "optim.adam.no_such_module"):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(f"autograd_core.{name}")


def test_functions_stay_beside_modules_of_their_name():
    from autograd_core.autograd.gradcheck import GradcheckError, gradcheck
    from autograd_core.nn.utils.weight_norm import weight_norm

    assert ag.autograd.gradcheck is gradcheck
    with pytest.raises(RuntimeError, match="is wrong in 1 of 1 elements") as caught:
        gradcheck(lambda x: x.detach() * x, ag.tensor([2.0], dtype=ag.float64, requires_grad=True))
    assert isinstance(caught.value, GradcheckError)
    assert ag.nn.utils.weight_norm is weight_norm


def test_trained_states_are_downloaded_once(tmp_path, monkeypatch):
    from autograd_core.utils.model_zoo import load_url

    state = tmp_path / "source.pth"
    ag.save({"weight": ag.tensor([1.0, 2.0])}, state)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert load_url(state.as_uri())["weight"].tolist() == [1, 2]
    state.unlink()
    assert ag.hub.load_state_dict_from_url(state.as_uri())["weight"].tolist() == [1, 2]
    ag.save({}, renamed := tmp_path / "small-0123.pth")
    with pytest.raises(RuntimeError, match='expected "0123"'):
        load_url(renamed.as_uri(), str(tmp_path / "elsewhere"), check_hash=True)
    assert not list((tmp_path / "elsewhere").iterdir())
    monkeypatch.setattr("autograd_core.compatibility.hub._chosen", None)
    ag.hub.set_dir(tmp_path / "chosen")
    assert ag.hub.get_dir() == str(tmp_path / "chosen")
    assert ag.hub.HASH_REGEX.search("resnet18-f37072fd.pth")[1] == "f37072fd"
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert ag.hub._get_torch_home() == str(tmp_path)


def test_trees_and_rows_of_tensors():
    from autograd_core._utils import _flatten_dense_tensors, _unflatten_dense_tensors

    from autograd_core.utils import _pytree

    tree = {"a": 1, "b": [2.0, (None,)]}
    leaves, spec = _pytree.tree_flatten(tree)
    assert (leaves, _pytree.tree_unflatten(leaves, spec)) == ([1, 2.0, None], tree)
    ordered = _pytree.tree_map(lambda x: x + 1, OrderedDict(b=1, a=2))
    assert (type(ordered), list(ordered.items())) == (OrderedDict, [("b", 2), ("a", 3)])
    assert _pytree.tree_map(lambda x, y: x + y, [1, (2,)], [3, (4,)]) == [4, (6,)]
    assert _pytree.tree_map_only(float, lambda x: -x, tree) == {"a": 1, "b": [-2.0, (None,)]}
    tensors = [ag.tensor([[1.0, 2.0]]), ag.tensor(3.0)]
    flat = _flatten_dense_tensors(tensors)
    assert flat.tolist() == [1, 2, 3]
    assert [t.tolist() for t in _unflatten_dense_tensors(flat, tensors)] == [[[1, 2]], 3]


def test_specs_of_trees():
    from autograd_core.utils import _pytree

    point = namedtuple("point", "x y")
    tree = [OrderedDict(b=1, a=(2, point(3, 4))), defaultdict(list, c=[5]), deque([6], maxlen=3)]
    leaves, spec = _pytree.tree_flatten(tree)
    assert (leaves, spec.num_leaves, spec.num_children) == ([1, 2, 3, 4, 5, 6], 6, 3)
    back = spec.unflatten(leaves)
    assert back == tree
    assert list(map(type, back)) == [OrderedDict, defaultdict, deque]
    assert (back[1].default_factory, back[2].maxlen, type(back[0]["a"][1])) == (list, 3, point)
    assert repr(_pytree.tree_structure((1, [2]))) == "TreeSpec(tuple, None, [*, TreeSpec(list, None, [*])])"
    assert _pytree.tree_structure({"a": 1}) != _pytree.tree_structure({"b": 1})
    assert _pytree.tree_structure(1) == _pytree.LeafSpec()
    assert _pytree.tree_leaves([(1, 2), 3], is_leaf=lambda x: isinstance(x, tuple)) == [(1, 2), 3]
    assert _pytree.tree_map(lambda x, y: [x, *y], {"a": 5, "b": 6}, {"b": [1, 2], "a": [7]}) == {
        "a": [5, 7],
        "b": [6, 1, 2],
    }
    for other in ([1], (1,), (1, 2, 3)):
        with pytest.raises(ValueError, match=r"Node (type|arity) mismatch"):
            _pytree.tree_map(max, (1, 2), other)
    with pytest.raises(ValueError, match=r"Node context mismatch for namedtuple; expected .*point"):
        _pytree.tree_map(max, point(1, 2), namedtuple("other", "x y")(1, 2))
    assert _pytree._namedtuple_flatten(point(1, 2)) == ([1, 2], point)
    assert _pytree._namedtuple_unflatten([1, 2], point) == point(1, 2)
    with pytest.raises(ValueError, match="Node keys mismatch"):
        _pytree.tree_map(max, {"a": 1}, {"b": 1})
    dicts = {"a": 1, "b": 2}, OrderedDict(b=4, a=3), defaultdict(list, b=6, a=5)
    for tree in dicts:
        assert _pytree.tree_map(lambda *x: sum(x), tree, *dicts) == {"a": tree["a"] + 9, "b": tree["b"] + 12}
    assert _pytree.tree_map(max, deque([1]), deque([2], maxlen=3)) == deque([2])
    with pytest.raises(ValueError, match="There are 1 leaves for a tree that holds 2"):
        _pytree.tree_unflatten([1], _pytree.tree_structure((1, 2)))
    spec, parts = _pytree.SUPPORTED_NODES[_pytree._get_node_type([1, 2])], [1, 2]
    assert spec.unflatten_fn(*spec.flatten_fn(parts)) == parts
    assert _pytree.TreeSpec(list, None, [_pytree.LeafSpec()] * 2) == _pytree.tree_structure(parts)


def test_gradients_in_ordered_dicts():
    weights = OrderedDict(b=ag.ones(2), a=ag.tensor(3.0))
    slopes = ag.func.grad(lambda w: (w["a"] * w["b"]).sum())(weights)
    assert isinstance(slopes, OrderedDict)
    assert [slopes["b"].tolist(), slopes["a"].item()] == [[3, 3], 2]


def test_registered_classes_are_branches():
    from autograd_core.utils import _pytree

    class Layer:
        def __init__(self, weight, bias, name):
            self.weight, self.bias, self.name = weight, bias, name

    def flatten(layer):
        return (layer.weight, layer.bias), layer.name

    _pytree.register_pytree_node(Layer, flatten, lambda parts, name: Layer(*parts, name), serialized_type_name="Layer")
    with pytest.raises(ValueError, match="Layer is already registered"):
        _pytree.register_pytree_node(Layer, flatten, Layer)
    layer = Layer(ag.ones(3), ag.zeros(1), "first")
    slopes = ag.func.grad(lambda layer, x: (layer.weight @ x + layer.bias).sum())(layer, ag.arange(3.0))
    assert (slopes.weight.tolist(), slopes.bias.tolist(), slopes.name) == ([0, 1, 2], [1], "first")
    y = ag.vmap(lambda layer, x: layer.weight @ x, in_dims=(Layer(0, None, ""), None))(
        Layer(ag.eye(3), layer.bias, "all"), ag.arange(3.0)
    )
    assert y.tolist() == [0, 1, 2]

    class Output(dict):
        pass

    _pytree._register_pytree_node(
        Output, _pytree._dict_flatten, lambda values, keys: Output(_pytree._dict_unflatten(values, keys))
    )
    assert isinstance(_pytree.tree_map(lambda x: x + 1, Output(a=1)), Output)
    with pytest.raises(ValueError, match="Node context mismatch"):
        _pytree.tree_map(lambda *x: x, Output(a=1), Output(b=1))
    assert _pytree._dict_flatten_with_keys({"a": 1}) == ([(_pytree.MappingKey("a"), 1)], ["a"])
    with pytest.raises(ValueError, match="Output was registered without flatten_with_keys_fn"):
        _pytree.tree_leaves_with_path(Output(a=1))


def test_leaves_have_paths():
    from autograd_core.utils import _pytree

    class Pair(list):
        pass

    def flatten_with_keys(pair):
        return [(_pytree.GetAttrKey("first"), pair[0])], pair[1]

    _pytree.register_pytree_node(
        Pair,
        lambda pair: ([pair[0]], pair[1]),
        lambda parts, second: Pair([*parts, second]),
        flatten_with_keys_fn=flatten_with_keys,
    )
    Point = namedtuple("Point", "x y")
    tree = {"a": [1, Point(2, (3,))], "b": OrderedDict(c=deque([4])), "d": defaultdict(list, e=Pair([5, 6])), "f": ()}
    paths = ["['a'][0]", "['a'][1].x", "['a'][1].y[0]", "['b']['c'][0]", "['d']['e'].first"]
    found, spec = _pytree.tree_flatten_with_path(tree)
    assert [(_pytree.keystr(path), leaf) for path, leaf in found] == list(zip(paths, range(1, 6), strict=True))
    assert _pytree.tree_unflatten(range(1, 6), spec) == tree
    assert [_pytree.key_get(tree, path) for path, _ in found[:4]] == [1, 2, 3, 4]
    named = _pytree.tree_map_with_path(
        lambda path, x, y: f"{_pytree.keystr(path)}={x}{y}", tree["a"], [7, Point(8, (9,))]
    )
    assert named == ["[0]=17", Point("[1].x=28", ("[1].y[0]=39",))]
    assert _pytree.tree_leaves_with_path(tree["a"], lambda x: isinstance(x, Point))[1][1] == Point(2, (3,))
    assert _pytree.tree_map_with_path(str, []) == []


def test_another_name_for_the_package_imports_the_same_modules(monkeypatch):
    monkeypatch.setitem(sys.modules, "another", ag)
    for name in ("autograd", "nn", "nn.init", "linalg", "distributions.normal"):
        monkeypatch.delitem(sys.modules, f"another.{name}", raising=False)
        assert importlib.import_module(f"another.{name}") is importlib.import_module(f"autograd_core.{name}")
    assert importlib.import_module("another.cuda.amp.grad_scaler").GradScaler is ag.amp.GradScaler


def test_the_version_is_that_of_the_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", ag)
    assert ag.__version__ == ag.version.__version__ == "2.13.0"
    assert ag.__version__ > "2.2"
    assert ag.__version__ >= (1, 13)
    assert ag.__version__ <= "2.13"
    assert ag.__version__ < "2.14.0+cpu"
    assert not ag.__version__ < "2.13.0a0"
    assert ag.torch is ag
    monkeypatch.delitem(sys.modules, "torch")
    assert ag.__version__ == "0.1.0"
    assert not hasattr(ag, "torch")
