"""Operations, captured steps and optimizers through CuPy's own code, over a CUDA that starts nothing."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(find_spec("cupy") is None, reason="CuPy is not installed")

PROGRAM = """
import os, sys, warnings
import idle_cuda
cupy = idle_cuda.install()
warnings.simplefilter("ignore")
from types import SimpleNamespace
import autograd_core as ag, nn, optim
from backends.cupy_backend.launch import Gpu
from nn import functional as F
Gpu.library = lambda *_: SimpleNamespace(run=lambda *_, **__: True)

def kernels():
    return [name.partition("<")[0] for name in cupy.started]

{}
sys.stdout.flush()
os._exit(0)  # before CuPy asks Python, which is gone, to free things
"""
# What the stand-in cannot do: CUB's, cuSOLVER's, cuFFT's and cuBLAS's own code asks the driver itself, and all values
# are 0.
BEYOND = ("CUB", "radix_sort", "Failure finding", "CUBLAS", "CUSOLVER", "CuFFT", "eig() takes finite", "q must lie")


def run(program):
    """What a process over the idle CUDA prints."""
    here = Path(__file__).parent
    variables = {"PYTHONPATH": f"{here}:{here.parents[1]}", "CUPY_ACCELERATORS": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(program)], env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()


def test_cupy_offers_what_operations_ask_of_it():
    lines = run("""
from benchmarks.gpu import check
for row in check.operations():
    if row["error"]:
        print(row["operation"], row["dtype"], row["error"].replace("\\n", " "))
""")
    failed = [line for line in lines if not any(words in line for words in BEYOND)]
    assert not failed, "\n".join(failed)


def test_steps_can_be_captured():
    lines = run("""
from benchmarks.gpu import check
for row in check.captured_steps():
    print(row["error"], row["reasons"])
""")
    assert lines == [" []"] * 5


def test_memory_that_runs_out_while_a_step_is_recorded_leaves_its_pool_alone():
    lines = run("""
from backends.cupy_backend.runtime import Runtime
from backends.live import recording
pool = Runtime(cupy).pool()

def full(size):
    raise cupy.cuda.runtime.CUDARuntimeError(2)

with cupy.cuda.using_allocator(pool.malloc):
    cupy.empty(1000)  # freed again
    cupy.cuda.Memory = full
    for current in (SimpleNamespace(captured=True, backend=None), None):
        recording.set(current)
        try:
            cupy.empty(100000)
        except MemoryError as error:
            print(type(error).__name__, pool.total_bytes())
""")
    assert lines == ["MemoryError 8192", "OutOfMemoryError 0"]


def test_many_parameters_are_few_kernels():
    lines = run("""
model = nn.Sequential(*[nn.Linear(3, 3) for _ in range(40)]).to("cuda")
for p in model.parameters():
    p.grad = ag.ones_like(p.detach())
averaged = optim.swa_utils.AveragedModel(model, multi_avg_fn=optim.swa_utils.get_ema_multi_avg_fn(0.9))
averaged.update_parameters(model)
for work in (optim.AdamW(model.parameters()).step, lambda: nn.utils.clip_grad_norm_(model.parameters(), 1.0),
             lambda: averaged.update_parameters(model)):
    cupy.started.clear()
    work()
    print([name.partition("<")[0] for name in cupy.started if "<" in name])
""")
    norms = ["sums_of_squares", "sums_of_squares", "root_of_sum", "fused", "rescale", "rescale"]
    assert lines == [str(names) for names in (["change"] * 2, norms, ["change"] * 2)]


def test_a_batch_norm_tracks_and_counts_in_one_kernel():
    lines = run("""
layer, x = nn.BatchNorm1d(8).to("cuda"), ag.zeros(4, 8, device="cuda")
layer(x)
cupy.started.clear()
layer(x)
print(kernels())
""")
    assert lines == ["['column_moments', 'scale_columns', 'track']"]


def test_elementwise_operations_are_single_kernels():
    lines = run("""
unary = (F.relu, F.leaky_relu, F.gelu, F.silu, F.softplus, F.elu, F.mish, F.hardswish, F.relu6, F.logsigmoid,
         lambda x: F.gelu(x, approximate="tanh"), ag.sigmoid, ag.tanh, ag.exp, ag.log, ag.log1p, ag.sqrt, ag.rsqrt,
         ag.square, ag.reciprocal, ag.sin, ag.cos, ag.tan, ag.atan, ag.abs, lambda x: x.clamp(-0.5, 0.5),
         lambda x: x**2, lambda x: x**0.5, lambda x: x**2.5, lambda x: x * 0.1, lambda x: 1 - x, lambda x: 0.3 / x,
         lambda x: x % 1.0, lambda x: 3 % x)
binary = (ag.add, ag.multiply, ag.divide, ag.maximum, ag.pow, ag.atan2, ag.hypot)
for functions, count in ((unary, 1), (binary, 2)):
    for i, function in enumerate(functions):
        for dtype in (ag.float32, ag.bfloat16):
            xs = [ag.zeros(64, 64, dtype=dtype, device="cuda", requires_grad=True) for _ in range(count)]
            g = ag.ones(64, 64, dtype=dtype, device="cuda")
            cupy.started.clear()
            y = function(*xs)
            forward = len(cupy.started)
            y.backward(g)
            if (forward, len(cupy.started)) != (1, 1 + count):
                print(i, dtype, cupy.started)
""")
    assert not lines


def test_operations_on_large_arrays_of_16_bit_floats_are_kernels_of_vectors():
    lines = run("""
functions = (lambda a, b: a * b, lambda a, b: 1 - a, lambda a, b: a > 0.1, lambda a, b: a.masked_fill(b > 0, 0.0),
             lambda a, b: ag.where(b > 0, a, b), lambda a, b: a.exp() / b.sqrt(), lambda a, b: a.round().isnan(),
             lambda a, b: ag.maximum(a, b), lambda a, b: (a.tanh() * b + a) / (1 + ag.exp(-b)), lambda a, b: -a.abs(),
             lambda a, b: a**b, lambda a, b: a.detach().mul_(b.detach()), lambda a, b: a + b[0])
for dtype in (ag.float16, ag.bfloat16):
    for i, function in enumerate(functions):
        a, b = (ag.zeros(256, 256, dtype=dtype, device="cuda", requires_grad=True) for _ in range(2))
        g = ag.ones(256, 256, dtype=dtype, device="cuda")
        cupy.started.clear()
        y = function(a, b)
        if y.requires_grad:
            y.backward(g)
        print(i, dtype, [name for name in kernels() if name.startswith("cupy_") and name != "cupy_fill"])
""")
    assert [line.partition("[")[2] for line in lines] == ["]"] * 26


def test_a_step_between_two_tensors_is_one_kernel():
    lines = run("""
x, y = (ag.zeros(64, 64, device="cuda") for _ in range(2))
for weight in (0.1, ag.zeros(64, 1, device="cuda")):
    x.lerp(y, weight)
    cupy.started.clear()
    x.lerp(y, weight)
    print([name.partition("<")[0] for name in cupy.started if name != "cupy_fill"])
""")
    assert lines == ["['fused']"] * 2


def test_gradients_of_leaves_are_copied_only_if_something_else_holds_them():
    lines = run("""
layer, x = nn.Linear(64, 256).to("cuda"), ag.zeros(4, 16, 64, device="cuda")
y = layer(x)
g = ag.ones_like(y)
cupy.started.clear()
y.backward(g)
print([name for name in cupy.started if "copy" in name])
u = ag.ones(2, 3, device="cuda", requires_grad=True)
g = ag.ones(2, 3, device="cuda")
u.reshape(3, 2).backward(g.reshape(3, 2))
print(u.grad.data_ptr() == g.data_ptr())
layer, x = nn.Conv2d(8, 8, 3).to("cuda"), ag.zeros(2, 8, 9, 9, device="cuda").to(memory_format=ag.channels_last)
for _ in range(2):
    layer.zero_grad()
    y = layer(x)
    g = y.detach() * 1
    cupy.started.clear()
    y.backward(g)
    print(len([name for name in cupy.started if "copy" in name]), layer.weight.grad.stride() == layer.weight.stride())
    layer.to(memory_format=ag.channels_last)
""")
    assert lines == ["[]", "False", "1 True", "0 True"]


def test_attention_by_cudnn_and_in_parts():
    lines = run("""
from backends.cupy_backend import attention as ours, flash
from backends.generic import attention
for flash.LEAST, attention.KEPT in ((1, 1 << 28), (1 << 28, 0)):
    ours.AT_ONCE = 2000
    attention.parts.cache_clear()
    for dtype in (ag.bfloat16, ag.float32):
        for mask in (None, ag.zeros(2, 1, 1, 40, dtype=dtype, device="cuda", requires_grad=True)):
            q, k = (ag.zeros(2, n, 3, 8, dtype=dtype, device="cuda", requires_grad=True) for n in (30, 40))
            cupy.started.clear()
            y = F.scaled_dot_product_attention(*(x.transpose(1, 2) for x in (q, k, k)), mask, is_causal=mask is None)
            y.sum().backward()
            assert q.grad.shape == q.shape and q.grad.dtype == dtype
            print(len([name for name in cupy.started if name.startswith("attention_weights")]))
""")
    # By cuDNN, with a mask by kept weights, and in parts whose weights are computed twice.
    assert lines == ["0", "1", "1", "1", "96", "36", "96", "36"]


def test_bfloat16_stays_bfloat16_beside_numbers():
    lines = run("""
import numpy as np
import backends
xp, b = backends.get("cuda").namespace, ag.zeros(3, 4, dtype=ag.bfloat16, device="cuda").array
for y in (b + 0.5, 0.5 * b, b**0.5, xp.maximum(b, 0.1), xp.clip(b, 0, 1), b.clip(0, 0.5), xp.round(b),
          xp.where(b > 0, b, 0.5), xp.where(b > 0, b, b), xp.tril(b)):
    print(y.dtype)
print((b + xp.ones(4, dtype=np.float32)).dtype, (b > 0.5).dtype)
cupy.started.clear()
xp.where(b > 0, b, b), b * 0.1
print(cupy.started)
""")
    assert lines[:-2] == ["bfloat16"] * 10
    assert lines[-2] == "float32 bool"
    assert len(eval(lines[-1])) == 3


def test_types_of_few_bits_are_added_at_indices():
    lines = run("""
for dtype in (ag.bool, ag.uint8, ag.int8, ag.int16, ag.float16, ag.bfloat16):
    x, index = ag.ones(4, 3, device="cuda").to(dtype), ag.zeros(4, dtype=ag.int64, device="cuda")
    for y in (x.index_add(0, index, x), x.scatter_add(0, index[:, None].expand(4, 3), x),
              x.scatter_reduce(0, index[:, None].expand(4, 3), x, "amax")):
        assert y.dtype == dtype
    print(dtype)
""")
    assert len(lines) == 6


def test_operands_in_host_memory_are_not_copied_silently():
    lines = run("""
x, index = ag.zeros(4, 4, device="cuda"), ag.zeros(4, 4, dtype=ag.int64)
for function in (lambda: F.embedding(index[0], x), lambda: x.gather(1, index), lambda: F.nll_loss(x, index[0]),
                 lambda: F.group_norm(x, 2, ag.ones(4)), lambda: ag.isclose(x, ag.zeros(4)), lambda: x + ag.zeros(4),
                 lambda: ag.isclose(ag.zeros(4), x), lambda: ag.cat([ag.zeros(4, 4), x]),
                 lambda: ag.zeros(4, 4).index_select(0, index[0].cuda())):
    try:
        function()
    except ag.errors.DeviceError as error:
        print("cuda:0" in str(error) and "cpu" in str(error))
print(x[index[0]].shape, ag.where(x > 0, x, ag.tensor(1.0)).shape)
""")
    assert lines == ["True"] * 9 + ["(4, 4) (4, 4)"]


def test_data_has_a_version_of_its_own():
    lines = run("""
x = ag.zeros(2, 2, device="cuda", requires_grad=True)
y, array = (x * x).sum(), x.array
d = x.data
d[0] = 7
d.T[1:].zero_()
x.data += 1
y.backward()
print(x._version, d._version, d.storage_offset(), d[1].data.storage_offset(), x.array is array)
d.copy_(x.detach().T)
print(d._version, x.data._version, x.detach()._version, x.data_ptr() == d.data_ptr(), d.as_strided((3,), (1,), 1).shape)
y = (x * x).sum()
x.detach().zero_()
try:
    y.backward()
except ag.errors.InplaceError as error:
    print("raised")
""")
    assert lines == ["0 2 0 2 True", "3 0 0 True (3,)", "raised"]


def test_gradients_of_means_are_not_expanded_in_memory():
    lines = run("""
a, b = (ag.zeros(64, 64, device="cuda", requires_grad=True) for _ in range(2))
for loss in (F.smooth_l1_loss, F.l1_loss, lambda a, b: F.binary_cross_entropy_with_logits(a, b.detach())):
    y = loss(a, b)
    cupy.started.clear()
    y.backward()
    print([name for name in cupy.started if "copy" in name])
""")
    assert lines == ["[]"] * 3


def test_cross_entropy_is_four_kernels_for_any_number_of_targets():
    lines = run("""
for n in (64, 100_000):
    x, t = ag.zeros(n, 10, device="cuda", requires_grad=True), ag.zeros(n, dtype=ag.int64, device="cuda")
    for weight in (None, ag.ones(10, device="cuda")):
        for smoothing in (0.0, 0.1):
            loss = F.cross_entropy(x, t, weight, label_smoothing=smoothing)
            g = ag.ones_like(loss)
            cupy.started.clear()
            loss = F.cross_entropy(x, t, weight, label_smoothing=smoothing)
            ag.autograd.grad(loss, x, g)
            print(kernels())
""")
    assert lines == ["['nll_rows', 'nll_total', 'nll_total', 'nll_gradient_rows']"] * 8


def test_concatenations_and_heads_of_attention_take_one_copy():
    lines = run("""
x = ag.zeros(2, 6, 3, 4, 8, device="cuda", requires_grad=True)
cupy.started.clear()
y = F.scaled_dot_product_attention(*x.permute(2, 0, 3, 1, 4), is_causal=True)
y.backward(ag.ones_like(y))
print([name.partition("<")[0] for name in cupy.started if "copy_parts" in name])
for join in (lambda: ag.cat([x, x, x]), lambda: ag.stack([x, x, x], -1)):
    cupy.started.clear()
    join()
    print(cupy.started)
""")
    assert lines == ["['copy_parts', 'copy_parts', 'copy_parts']", "['copy_parts<16>']", "['copy_parts<4>']"]


def test_floats_are_converted_by_vectors():
    lines = run("""
x, w = (ag.zeros(512, 512, device="cuda", requires_grad=True) for _ in range(2))
g = ag.ones(512, 512, device="cuda")
cupy.started.clear()
with ag.amp.autocast("cuda", dtype=ag.bfloat16):
    y = F.linear(x, w)
    y.float().backward(g)
print([name for name in cupy.started if "copy" in name], sum("convert" in name for name in cupy.started))
""")
    assert lines == ["[] 6"]


def test_a_scale_is_adjusted_in_one_kernel():
    lines = run("""
p = ag.ones(3, device="cuda", requires_grad=True)
p.grad, scaler, optimizer = ag.ones(3, device="cuda"), ag.amp.GradScaler("cuda"), optim.SGD([p], 0.1)
scaler.scale(p)
for _ in range(2):
    scaler.step(optimizer)
    cupy.started.clear()
    scaler.update()
print(kernels())
""")
    assert lines == ["['adjust_scale']"]


def test_gradients_of_reductions_are_few_kernels():
    lines = run("""
functions = (lambda x: x.norm(dim=1), lambda x: x.amax(0), lambda x: x.std(1), lambda x: x.var(0),
             lambda x: ag.logsumexp(x, 1), lambda x: F.normalize(x), lambda x: F.cosine_similarity(x, x.detach()))
for function in functions:
    x = ag.zeros(64, 128, device="cuda", requires_grad=True)
    y = function(x)
    g = ag.ones_like(y)
    cupy.started.clear()
    y.backward(g)
    print(len(cupy.started))
""")
    assert [int(line) for line in lines] == [1, 4, 3, 3, 5, 6, 7]


def test_sums_of_16_bit_floats_are_rounded_where_they_are_made():
    lines = run("""
x = ag.zeros(64, 128, dtype=ag.bfloat16, device="cuda")
for dim in (None, 0, (0, 1)):
    cupy.started.clear()
    print(x.sum(dim).dtype, len(cupy.started))
""")
    assert lines == ["bfloat16 1"] * 3
