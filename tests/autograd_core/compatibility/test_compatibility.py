"""What PyTorch programs ask for besides operations: switches, older names, options."""

import contextlib
import copy
import math
import operator
import pickle

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.autograd import Variable
from backends import determinism
from nn.parallel import DistributedDataParallel


def test_switches_are_kept():
    assert not ag.are_deterministic_algorithms_enabled()
    try:
        ag.use_deterministic_algorithms(True, warn_only=True)
        assert ag.are_deterministic_algorithms_enabled()
        assert determinism.wanted()
        assert ag.is_deterministic_algorithms_warn_only_enabled()
        ag.set_deterministic_debug_mode("error")
        assert ag.get_deterministic_debug_mode() == 2
        assert not ag.is_deterministic_algorithms_warn_only_enabled()
    finally:
        ag.use_deterministic_algorithms(False)
    assert not determinism.wanted()
    with pytest.raises(RuntimeError, match="'strict' is not a debug mode"):
        ag.set_deterministic_debug_mode("strict")
    ag.set_num_interop_threads(2)
    assert (ag.get_num_interop_threads(), ag.set_flush_denormal(True)) == (1, False)
    with pytest.raises(RuntimeError, match="positive"):
        ag.set_num_interop_threads(0)


def test_switches_of_attention_are_kept():
    found = ag.backends.cuda
    names = "flash", "mem_efficient", "math", "cudnn"

    def enabled():
        return [getattr(found, f"{name}_sdp_enabled")() for name in names]

    try:
        for name in names:
            getattr(found, f"enable_{name}_sdp")(False)
        assert enabled() == [False] * 4
        with found.sdp_kernel(enable_math=False):
            assert enabled() == [True, True, False, True]
        assert enabled() == [False] * 4
    finally:
        for name in names:
            getattr(found, f"enable_{name}_sdp")(True)
    assert not found.is_flash_attention_available()


def test_what_is_compiled_is_the_function_itself():
    assert ag.func.functionalize(abs, remove="mutations_and_views") is abs
    with pytest.raises(RuntimeError, match="remove is"):
        ag.func.functionalize(abs, remove="views")
    assert ag.compile(abs) is ag.compile(dynamic=True)(abs) is abs
    assert ag.nn.Identity().compile(mode="max-autotune") is None


@pytest.mark.parametrize("name", ["complex32", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz"])
def test_dtypes_that_no_tensor_holds_have_names(name):
    dtype = getattr(ag, name)
    assert dtype not in (ag.complex64, ag.float16, ag.uint8)
    for make in (lambda: ag.ones(2, dtype=dtype), lambda: ag.ones(2).to(dtype), lambda: ag.tensor(np.ones(2, dtype))):
        with pytest.raises(TypeError, match="tensors hold numbers or booleans, not"):
            make()


def test_no_number_is_symbolic():
    assert not isinstance(ag.ones(2).shape[0], ag.SymInt)
    assert not isinstance(1.0, ag.SymFloat | ag.SymBool)
    assert (ag.sym_ite(True, 1, 2), ag.sym_ite(False, 1, 2), ag.sym_sum([1, 2, 3])) == (1, 2, 6)


def test_without_an_accelerator():
    found = ag.accelerator
    assert (found.is_available(), found.current_accelerator(), found.device_count()) == (False, None, 0)
    with pytest.raises(RuntimeError, match="no accelerator"):
        found.current_device_index()
    (stream, event), streams = (ag.Stream("cpu"), ag.Event()), (ag.cpu.Stream, ag.cpu.Event)
    assert (type(stream), type(event), event.query()) == (*streams, True)


def test_backends():
    from autograd_core.backends import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp, opt_einsum

    assert cpu.get_cpu_capability() == "DEFAULT"
    assert (mps.is_available(), mps.is_built(), cudnn.is_available(), cuda.is_built()) == (False,) * 4
    assert not mkl.is_available()
    assert (opt_einsum.is_available(), opt_einsum.enabled, opt_einsum.strategy) == (False, True, "auto")
    assert openmp.is_available() == mkldnn.is_available()
    with ag.config.using("numpy"):
        assert not mkldnn.is_available()
    ag.backends.cudnn.benchmark = True
    with cudnn.flags(enabled=False, benchmark=False):
        assert (cudnn.enabled, cudnn.benchmark) == (False, False)
    assert (cudnn.enabled, cudnn.benchmark) == (True, True)
    assert not cuda.matmul.allow_tf32
    try:
        cuda.matmul.allow_tf32 = True
        assert (ag.get_float32_matmul_precision(), cuda.matmul.allow_tf32) == ("high", True)
    finally:
        cuda.matmul.allow_tf32 = False
    assert ag.get_float32_matmul_precision() == "highest"


def test_dtypes_of_8_bits_are_names_with_limits():
    assert (ag.finfo(ag.float8_e4m3fn).max, ag.finfo(ag.float8_e5m2).max) == (448, 57344)
    for dtype in (ag.float8_e4m3fn, ag.float8_e5m2):
        with pytest.raises(TypeError, match="not float8_e"):
            ag.zeros(2, dtype=dtype)
    assert not hasattr(ag, "float8_nonsense")


def test_types_of_tensors_by_dtype():
    x = ag.LongTensor([[1, 2], [3, 4]])
    assert (x.dtype, x.shape) == (ag.int64, (2, 2))
    assert isinstance(x, ag.LongTensor)
    assert not isinstance(x, ag.FloatTensor)
    assert (ag.DoubleTensor(2, 3).shape, ag.BoolTensor([1, 0]).tolist()) == ((2, 3), [True, False])
    assert x.type(ag.FloatTensor).dtype == x.type("torch.FloatTensor").dtype == ag.float32
    assert (x < 0).type(ag.Tensor).dtype == x.type(np.float32).dtype == ag.float32
    assert not isinstance(x, ag.cuda.LongTensor)
    with pytest.raises(AttributeError, match="OtherTensor"):
        ag.cuda.OtherTensor
    try:
        ag.set_default_tensor_type(ag.DoubleTensor)
        assert ag.get_default_dtype() == ag.float64
    finally:
        ag.set_default_tensor_type("torch.FloatTensor")
    assert ag.get_default_dtype() == ag.float32


def test_variables_are_tensors():
    x = ag.ones(2)
    v = Variable(x, requires_grad=True)
    assert isinstance(x, Variable)
    assert (v.is_leaf, v.requires_grad, x.requires_grad) == (True, True, False)
    with ag.no_grad():
        v += 1
    assert x.tolist() == [2.0, 2.0]


def test_inference_mode_is_told():
    x = ag.ones(1, requires_grad=True)
    with ag.inference_mode():
        assert ag.is_inference_mode_enabled()
        assert not (x * 1).requires_grad
        with ag.inference_mode(False):
            assert (ag.is_inference_mode_enabled(), (x * 1).requires_grad) == (False, True)
    assert ag.inference_mode(ag.is_inference_mode_enabled)()
    assert ag.inference_mode()(ag.is_inference_mode_enabled)()
    with ag.no_grad():
        assert not ag.is_inference_mode_enabled()
    assert (x * 1).requires_grad


def test_generators_go_on_after_a_fork():
    expected = ag.manual_seed(3) and ag.rand(2)
    ag.manual_seed(3)
    with ag.random.fork_rng():
        ag.rand(5)
    assert ag.equal(ag.rand(2), expected)


def test_options_of_calls():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    assert ag.autograd.grad(x.sum(), x, None, True, True, True, True)[0].tolist() == [1.0, 1.0]
    assert x.new_full(size=(1,), fill_value=2).tolist() == [2.0]
    assert ag.device(type="cpu") == "cpu"
    assert ag.device(1) == ag.device("cuda", index=1) == "cuda:1"
    assert ag.autograd.gradcheck(ag.sin, x.detach().double().requires_grad_(), 1e-4, 1e-6, check_batched_grad=True)
    with pytest.raises(TypeError, match="'sloppy'"):
        ag.autograd.gradcheck(ag.sin, x, sloppy=True)
    with pytest.raises(RuntimeError, match="depends on no primal"):
        ag.func.jvp(lambda x: ag.ones(1), (ag.ones(2),), (ag.ones(2),), strict=True)
    y, slope = ag.func.jvp(ag.sin, (ag.zeros(2),), (ag.ones(2),), strict=True)
    np.testing.assert_array_equal([*y, *slope], [0, 0, 1, 1])


def test_a_checkpoint_within_contexts():
    entered = []

    @contextlib.contextmanager
    def noting(name):
        entered.append(name)
        yield

    x = ag.tensor([1.0, 2.0], requires_grad=True)
    y = ag.checkpoint(ag.exp, x, use_reentrant=False, context_fn=lambda: (noting("first"), noting("again")),
                      determinism_check="none", debug=False, early_stop=True)  # fmt: skip
    assert entered == ["first"]
    y.sum().backward()
    assert entered == ["first", "again"]
    with ag.no_grad():
        ag.checkpoint(ag.exp, x, context_fn=lambda: (noting("only"), noting("never")))
    assert entered[2:] == ["only"]


def test_states_of_no_gpu():
    from autograd_core.utils.checkpoint import get_device_states, set_device_states

    assert get_device_states(ag.ones(1), "of nothing") == ([], [])
    set_device_states([], [])
    assert ag.cuda._initialized is ag.cuda.is_available()
    with pytest.raises(AttributeError, match="'nothing'"):
        ag.cuda.nothing


def test_programs_put_attributes_on_tensors():
    x = ag.ones(2)
    x.no_decay = True
    assert x.no_decay
    assert not hasattr(x * 1, "no_decay")
    for twin in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert twin.no_decay


def test_shapes_are_tuples_that_know_their_product():
    x = ag.zeros(2, 3)
    assert (x.shape, x.size(), x.shape.numel(), ag.Size([4, 5]).numel()) == ((2, 3), (2, 3), 6, 20)
    assert isinstance(x.size(), ag.Size)
    for made in (x.shape[1:], x.shape + (4,), (4,) + x.shape, x.shape * 2, 2 * x.shape):
        assert isinstance(made, ag.Size)
    with pytest.raises(TypeError):
        _ = x.shape + [4]
    assert (x.shape * np.array([2, 3])).tolist() == [4, 9]


def test_a_tensor_of_one_integer_repeats_a_list():
    n = ag.tensor([3, 2]).max()
    assert [0, 1] * n == n * [0, 1] == [0, 1] * 3
    assert (ag.tensor(2.0) * [1, 2]).tolist() == (ag.tensor([2]) * (1, 2)).tolist() == [2, 4]


def test_keywords_are_those_of_the_documentation():
    x = ag.tensor([[4.0, 1.0], [2.0, 3.0]])
    assert ag.var(x, 0, False, True).shape == (1, 2)
    assert ag.split(tensor=x, split_size_or_sections=1)[0].shape == (1, 2)
    assert ag.pow(self=2, exponent=x)[0, 1] == 2
    assert (ag.randint_like(x, low=3, high=4) == 3).all()
    assert ag.isin(element=x, test_elements=ag.tensor([4.0])).sum() == 1
    assert ag.linalg.pinv(input=x).allclose(ag.linalg.inv(x))
    assert ag.asarray(obj=[1.0]).shape == (1,)
    assert ag.can_cast(from_=ag.int64, to=ag.float32)
    assert ag.promote_types(type1=ag.int64, type2=ag.float32) == ag.float32
    with pytest.raises(TypeError, match="low"):
        ag.rand_like(x, low=1)


def test_names_of_types():
    found = ag.typename(ag.ones(2)), ag.typename(3), ag.typename(ag.nn.Linear), ag.typename(ag.nn.ReLU())
    assert found == ("torch.FloatTensor", "int", "nn.layers.linear.Linear", "nn.layers.activation.ReLU")
    assert ag.OutOfMemoryError is ag.cuda.OutOfMemoryError


def test_the_generator_of_the_cpu_stays_the_same():
    held = ag.default_generator
    assert held is ag.manual_seed(7)
    first = ag.rand(2)
    ag.manual_seed(7)
    assert (held.initial_seed(), held is ag.default_generator) == (7, True)
    assert ag.equal(ag.rand(2, generator=held), first)


def test_autocast_of_each_kind_of_device():
    asked = ag.get_autocast_cpu_dtype(), ag.get_autocast_gpu_dtype()
    assert (*asked, ag.is_autocast_cpu_enabled()) == (ag.bfloat16, ag.float16, False)
    with ag.autocast("cpu"):
        assert ag.is_autocast_cpu_enabled()


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ([1, 2], list[int], True),
        ([1, "a"], list[int], False),
        ((1, 2), list[int], False),
        ((1, "a"), tuple[int, str], True),
        ((1, "a", 2), tuple[int, str], False),
        ({"a": [1]}, dict[str, list[int]], True),
        ({"a": [1.0]}, dict[str, list[int]], False),
        (None, list[int] | None, True),
        (True, str | bool, True),
        ("a", int, False),
        ("a", (int, str), True),
    ],
)
def test_types_of_containers(value, kind, expected):
    assert ag.jit.isinstance(value, kind) is expected


def test_assertions_of_layers():
    ag._assert(ag.tensor(True), "holds")
    with pytest.raises(AssertionError, match="four axes"):
        ag._assert(False, "four axes")


def test_compilers_leave_functions_as_they_are():
    @ag.jit.script
    def double(x):
        return 2 * x

    @ag.jit.ignore
    @ag.compiler.disable
    @ag.compiler.assume_constant_result
    def triple(x: ag.jit.Final[float]):
        return 3 * x

    assert (double(1), triple(1), ag.jit.trace(double, ag.ones(1))(2)) == (2, 3, 4)
    asked = ag.compiler.is_compiling, ag.compiler.is_exporting, ag.jit.is_scripting, ag.distributed.is_initialized
    assert not any(ask() for ask in asked)
    ag.compiler.reset()
    ag._dynamo.mark_dynamic(ag.ones(2), 0, min=1)
    ag._dynamo.graph_break()


def test_the_use_of_a_class_can_be_reported():
    assert ag._C._log_api_usage_once("torchmetrics.metric.Accuracy") is None


def test_no_function_is_traced_symbolically():
    import autograd_core.fx

    assert not isinstance(ag.ones(1), autograd_core.fx.Proxy)
    assert ag.fx.wrap(len) is len
    with pytest.raises(AttributeError, match="symbolic_trace"):
        ag.fx.symbolic_trace(len)
    for kind in (ag.fx.Graph, ag.fx.GraphModule, ag.fx.Interpreter, ag.fx.Node, ag.fx.Tracer, ag.fx.Transformer):
        assert not isinstance(ag.ones(1), kind)
        with pytest.raises(NotImplementedError, match="there is no symbolic tracer"):
            kind()
    from autograd_core.fx.experimental.proxy_tensor import make_fx

    assert make_fx(len, tracing_mode="real")(ag.ones(1)) is len


def test_settings_of_compilers_are_stored():
    from autograd_core._inductor import config

    config.coordinate_descent_tuning = True
    assert ag._inductor.config.coordinate_descent_tuning
    config.triton.unique_kernel_names = True
    ag._dynamo.config.suppress_errors = True
    ag._dynamo.reset()


def test_one_process_is_all_there_is():
    assert (ag.distributed.get_rank(), ag.distributed.get_world_size(), ag.distributed.is_available()) == (0, 1, False)
    assert (ag.version.cuda, ag.version.hip) == (None, None)
    assert not isinstance(None, ag.distributed.ProcessGroup)
    from autograd_core.distributed.device_mesh import DeviceMesh
    from autograd_core.distributed.tensor import DTensor

    assert not isinstance(ag.ones(1), DeviceMesh | DTensor)
    assert ag.distributed.ReduceOp.SUM in ag.distributed.ReduceOp
    from autograd_core.distributed.autograd import context
    from autograd_core.distributed.elastic.multiprocessing.errors import record
    from autograd_core.distributed.optim import ZeroRedundancyOptimizer

    assert record(len) is len
    for refused in (
        context,
        ag.distributed.init_process_group,
        ZeroRedundancyOptimizer,
        lambda: DistributedDataParallel(ag.nn.Identity()),
    ):
        with pytest.raises(NotImplementedError, match=r"training\.distributed"):
            refused()
    assert not isinstance(ag.nn.Identity(), DistributedDataParallel)


def test_functions_under_autocast():
    class Square(ag.Function):
        @staticmethod
        @ag.amp.custom_fwd(device_type="cpu", cast_inputs=ag.float32)
        def forward(ctx, x):
            ctx.save_for_backward(x)
            assert not ag.is_autocast_enabled("cpu")
            return x @ x

        @staticmethod
        @ag.amp.custom_bwd(device_type="cpu")
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g @ x.T + x.T @ g

    class Plain(Square):
        forward = staticmethod(
            ag.amp.custom_fwd(lambda ctx, x: (ctx.save_for_backward(x), x @ x)[1], device_type="cpu")
        )

    x = ag.ones(2, 2, dtype=ag.bfloat16, requires_grad=True)
    with ag.autocast("cpu"):
        assert Square.apply(x).dtype == ag.float32
        y = Plain.apply(x.float())
    assert y.dtype == ag.bfloat16
    y.sum().backward()
    assert x.grad.tolist() == [[4, 4], [4, 4]]
    assert Square.apply(x.detach()).dtype == ag.bfloat16


def test_numbers_for_tests():
    make = ag.testing.make_tensor
    x = make(3, 4, dtype=ag.float64, low=-1, high=1, requires_grad=True, noncontiguous=True)
    assert (x.shape, x.requires_grad, x.is_contiguous()) == ((3, 4), True, False)
    assert x.abs().max() <= 1
    counts = make((200,), dtype=ag.uint8)
    assert (counts.min(), counts.max()) == (0, 9)
    assert set(make((200,), dtype=ag.int64, low=0, high=2, exclude_zero=True).tolist()) == {1}
    assert make((2, 3, 2, 2), dtype=ag.complex64, memory_format=ag.channels_last).imag.abs().max() > 0
    for wrong in (
        {"dtype": ag.int64, "requires_grad": True},
        {"dtype": ag.float32, "noncontiguous": True, "memory_format": ag.channels_last},
    ):
        with pytest.raises(ValueError, match="make_tensor"):
            make(2, **wrong)
    ag.testing.assert_allclose(ag.tensor([math.nan, 1]), ag.tensor([math.nan, 1], dtype=ag.float64))


def test_lists_of_tensors():
    x, y = ([ag.tensor(v), ag.tensor([v, 1.0])] for v in (2.0, 4.0))
    assert [t.tolist() for t in ag._foreach_add(x, y, alpha=2)] == [10.0, [10.0, 3.0]]
    assert [t.item() for t in ag._foreach_norm(y, 1)] == [4.0, 5.0]
    assert all(map(operator.is_, ag._foreach_mul_(x, [3, 2]), x))
    ag._foreach_maximum_(x, 3)
    ag._foreach_addcmul_(x, x, y, [1, 0])
    assert [t.tolist() for t in x] == [30.0, [4.0, 3.0]]
    assert [t.tolist() for t in ag._foreach_addcdiv(x, y, y, scalars=[1, 0])] == [31.0, [4.0, 3.0]]
    for wrong in ([1], [1, 2, 3], y[:1]):
        with pytest.raises(RuntimeError, match="2 tensors need as many arguments"):
            ag._foreach_mul_(x, wrong)
    assert [t.tolist() for t in x] == [30.0, [4.0, 3.0]]
    with pytest.raises(AttributeError, match="nothing"):
        ag._foreach_nothing(x)


def test_lists_of_tensors_are_grouped_by_dtype():
    from autograd_core.utils._foreach_utils import _group_tensors_by_device_and_dtype as grouped

    x, y = [ag.ones(1), ag.ones(1, dtype=ag.int64), ag.ones(2)], [None, 1, 2]
    assert grouped([x, y], with_indices=True) == {
        (ag.device("cpu"), ag.float32): ([[x[0], x[2]], [None, 2]], [0, 2]),
        (ag.device("cpu"), ag.int64): ([[x[1]], [1]], [1]),
    }


def test_functions_that_pytorch_has_at_the_top_level_too():
    x = ag.ones(2, dtype=ag.complex64) * 1j
    assert ag.conj_physical_(x) is x
    assert x.tolist() == [-1j, -1j]
    assert ag.index_put_(ag.zeros(2), (ag.tensor([0]),), ag.ones(1)).tolist() == [1, 0]
    assert ag.gcd_(ag.tensor([4]), ag.tensor([6])).tolist() == [2]
    assert ag.dropout(ag.ones(2), 0.5, False).tolist() == ag.rrelu(ag.ones(2)).tolist() == [1, 1]
