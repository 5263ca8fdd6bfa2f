"""Single kernels: products, the convolutions of ResNet-50, and memory-bound kernels."""

from collections.abc import Callable, Iterator
from math import prod
from typing import Any, NamedTuple

import backends
from backends.geometry import Geometry, Window
from benchmarks.gpu.engines import Engine, allow_tf32

Work = Callable[[], Any]


class Case(NamedTuple):
    """One row: its name, its multiply-adds or bytes, and what makes the work for an engine (None if unsupported)."""

    group: str
    name: str
    amount: float
    make: Callable[[Engine], Work | None]


def kernels() -> Any:
    """The kernels of this engine, on arrays."""
    return backends.get("cuda").namespace.kernels


def products(part: int) -> Iterator[Case]:
    """Square matrices in every precision, stacks as in attention, and a linear layer with a bias.

    part: a divisor of all sizes, for a quick look.
    """
    size = 8192 // part
    for dtype in ("bfloat16", "float16", "tf32", "float32"):
        n = size // 2 if dtype == "float32" else size
        yield Case("products", f"{n}³ {dtype}", n**3, _product((n, n), (n, n), dtype))
    batch = max(256 // part, 1)
    yield Case(
        "products",
        f"{batch} × 512×64×512 bfloat16",
        batch * 512 * 64 * 512,
        _product((batch, 512, 64), (batch, 64, 512), "bfloat16"),
    )

    def linear(engine: Engine) -> Work:
        x, w, b = (engine.random(*shape, dtype="bfloat16") for shape in ((size, 1024), (4096, 1024), (4096,)))
        return _quiet(engine, lambda: engine.nn.functional.linear(x, w, b))

    yield Case("products", f"linear {size}×1024 to 4096 bfloat16", size * 1024 * 4096, linear)


def _product(a: tuple[int, ...], b: tuple[int, ...], dtype: str) -> Callable[[Engine], Work]:
    def make(engine: Engine) -> Work:
        x, y = (engine.random(*s, dtype="float32" if dtype == "tf32" else dtype) for s in (a, b))
        allow_tf32(engine, dtype == "tf32")
        return _quiet(engine, lambda: x @ y)

    return make


def _quiet(engine: Engine, work: Work) -> Work:
    """Without recording."""

    def run() -> None:
        with engine.core.no_grad():
            work()

    return run


def attention(part: int) -> Iterator[Case]:
    """Attention of heads that lie beside each other, and its gradients."""
    for dtype, size in (("bfloat16", 4096), ("float32", 2048)):
        for is_causal in (False, True):
            length = max(size // part, 1)
            name = f"4 × 16 × {length}² of 64 {dtype}{', causal' * is_causal}, forward and backward"
            amount = 7 * 4 * 16 * length**2 * 64 / (1 + is_causal)
            yield Case("attention", name, amount, _attention((4, length, 16, 64), dtype, is_causal))


def _attention(shape: tuple[int, ...], dtype: str, is_causal: bool) -> Callable[[Engine], Work]:
    def make(engine: Engine) -> Work:
        q, k, v, g = (engine.random(*shape, dtype=dtype).transpose(1, 2) for _ in range(4))
        operands = [x.requires_grad_() for x in (q, k, v)]
        attend = engine.nn.functional.scaled_dot_product_attention
        return lambda: engine.core.autograd.grad(attend(*operands, is_causal=is_causal), operands, g)

    return make


# Channels, outputs, input size, kernel, stride of the convolutions of ResNet-50, and the number of each.
RESNET50 = (
    (3, 64, 224, 7, 2, 1),
    (64, 64, 56, 1, 1, 1), (64, 64, 56, 3, 1, 3), (64, 256, 56, 1, 1, 4), (256, 64, 56, 1, 1, 2),
    (256, 128, 56, 1, 1, 1), (128, 128, 56, 3, 2, 1), (128, 512, 28, 1, 1, 4), (256, 512, 56, 1, 2, 1),
    (512, 128, 28, 1, 1, 3), (128, 128, 28, 3, 1, 3), (512, 256, 28, 1, 1, 1), (256, 256, 28, 3, 2, 1),
    (256, 1024, 14, 1, 1, 6), (512, 1024, 28, 1, 2, 1), (1024, 256, 14, 1, 1, 5), (256, 256, 14, 3, 1, 5),
    (1024, 512, 14, 1, 1, 1), (512, 512, 14, 3, 2, 1), (512, 2048, 7, 1, 1, 3), (1024, 2048, 14, 1, 2, 1),
    (2048, 512, 7, 1, 1, 2), (512, 512, 7, 3, 1, 2),
)  # fmt: skip


def convolutions(part: int) -> Iterator[Case]:
    """Each convolution of ResNet-50 and its gradients, batch 256, in bfloat16."""
    batch = max(256 // part, 1)
    for channels, outputs, size, kernel, stride, times in RESNET50:
        out = (size + 2 * (kernel // 2) - kernel) // stride + 1
        amount = batch * outputs * out**2 * channels * kernel**2
        for direction in ("forward", "input", "weight"):
            if direction == "input" and channels == 3:
                continue  # the gradient of the images is not needed
            name = f"{channels}→{outputs} {size}² {kernel}×{kernel}/{stride} ×{times} {direction}"
            yield Case(
                "convolutions",
                name,
                amount,
                _convolution(direction, batch, channels, outputs, size, out, kernel, stride),
            )


def _convolution(
    direction: str, batch: int, channels: int, outputs: int, size: int, out: int, kernel: int, stride: int
) -> Callable[[Engine], Work]:
    def make(engine: Engine) -> Work:
        x = engine.random(batch, channels, size, size, dtype="bfloat16", last=True)
        w = engine.random(outputs, channels, kernel, kernel, dtype="bfloat16")
        g = engine.random(batch, outputs, out, out, dtype="bfloat16", last=True)
        w = w.contiguous(memory_format=engine.core.channels_last)  # as in a model of channels-last images
        steps = Geometry((stride,) * 2, (kernel // 2,) * 2, (1, 1), groups=1)
        if engine.name == "ours":
            k, (x, w, g) = kernels(), (t.array for t in (x, w, g))
            return {
                "forward": lambda: k.convolve(x, w, steps),
                "input": lambda: k.convolve_input(g, w, x.shape, steps),
                "weight": lambda: k.convolve_weight(g, x, w.shape, steps),
            }[direction]
        if direction == "forward":
            return _quiet(engine, lambda: engine.nn.functional.conv2d(x, w, None, *steps))
        backward, mask = engine.core.ops.aten.convolution_backward, [direction == "input", direction == "weight", False]
        return lambda: backward(g, x, w, None, *steps[:3], False, (0, 0), 1, mask)

    return make


def memory_bound(part: int) -> Iterator[Case]:
    """Kernels whose lower bound is a copy of the same number of bytes, on several times the size of the caches."""
    shape = (max(1024 // part, 1), 64, 56, 56)
    rows = (max(131072 // part, 1), 1024)
    images, matrix = prod(shape), prod(rows)
    for dtype, size in (("float32", 4), ("bfloat16", 2)):
        yield from _of_images(shape, images * size, dtype)
        yield from _of_rows(rows, matrix * size, dtype)
        yield from _of_elements(rows, size, dtype)
    yield from _of_optimizers(matrix, 4)


def _of_images(shape: tuple[int, ...], size: int, dtype: str) -> Iterator[Case]:
    def case(name: str, passes: float, ours: Callable[..., Any], theirs: Callable[..., Any] | None) -> Case:
        def make(engine: Engine) -> Work | None:
            a, b = (engine.random(*shape, dtype=dtype, last=True) for _ in range(2))
            if engine.name == "ours":
                return ours(kernels(), a.array, b.array)
            return None if theirs is None else _quiet(engine, theirs(engine.nn.functional, a, b))

        return Case("memory", f"{name} {dtype}", passes * size, make)

    def normalized(k: Any, a: Any, b: Any) -> Work:
        return lambda: k.normalize_batch(a, None, None, 1e-5, True)

    def gradients(k: Any, a: Any, b: Any) -> Work:
        y, mean, scale, kept = k.normalize_batch(a, None, None, 1e-5, True)
        return lambda: k.batch_gradients(b, a, y, None, mean, scale, kept, 1e-5, True)

    window, pairs = Window((3, 3), (2, 2), (1, 1), (1, 1)), Window((2, 2), (2, 2), (0, 0), (1, 1))

    def put(k: Any, a: Any, b: Any) -> Work:
        y, taps = k.max_of_windows(a, window, False)
        return lambda: k.put_taps(y, taps, a.shape, window)

    quarter, byte = 0.25, 0.25 / (4 if dtype == "float32" else 2)
    yield case("relu", 2, lambda k, a, b: lambda: k.relu(a), lambda F, a, b: lambda: F.relu(a))
    yield case("add + relu", 3, lambda k, a, b: lambda: k.add_relu(a, b), lambda F, a, b: lambda: F.relu(a + b))
    yield case("relu gradient", 3, lambda k, a, b: lambda: k.gate(a, b), None)
    yield case(
        "batch norm + relu", 3, normalized, lambda F, a, b: lambda: F.relu(F.batch_norm(a, None, None, training=True))
    )
    yield case("batch norm + relu gradient", 7, gradients, None)
    yield case(
        "max pool 3×3/2",
        1 + quarter + byte,
        lambda k, a, b: lambda: k.max_of_windows(a, window, False),
        lambda F, a, b: lambda: F.max_pool2d(a, *window, return_indices=True),
    )
    yield case("max pool 3×3/2 gradient", 1 + quarter + byte, put, None)
    yield case(
        "average pool 2×2",
        1 + quarter,
        lambda k, a, b: lambda: k.avg_pool(a, pairs, False, True, None),
        lambda F, a, b: lambda: F.avg_pool2d(a, 2),
    )


def _of_rows(shape: tuple[int, int], size: int, dtype: str) -> Iterator[Case]:
    n = shape[1]

    def case(name: str, passes: float, ours: Callable[..., Any], theirs: Callable[..., Any] | None) -> Case:
        def make(engine: Engine) -> Work | None:
            a, b = (engine.random(*shape, dtype=dtype) for _ in range(2))
            w = engine.random(n, dtype=dtype)
            if engine.name == "ours":
                return ours(kernels(), a.array, b.array, w.array)
            return None if theirs is None else _quiet(engine, theirs(engine.nn.functional, a, b, w))

        return Case("memory", f"{name} {dtype}", passes * size, make)

    def norm_gradients(k: Any, a: Any, b: Any, w: Any) -> Work:
        _, mean, scale = k.normalize_rows(a, w, w, 1e-5, True)
        return lambda: k.row_gradients(b, a, w, mean, scale, (True, True, True))

    def loss(k: Any, a: Any, b: Any, w: Any) -> Work:
        target = _targets(shape)
        return lambda: k.softmax_nll(a, target, None, "mean")

    def loss_gradient(k: Any, a: Any, b: Any, w: Any) -> Work:
        target = _targets(shape)
        y, shift, total = k.softmax_nll(a, target, None, "mean")
        return lambda: k.softmax_nll_gradient(y, a, target, shift, total, None, "mean")

    yield case("softmax", 2, lambda k, a, b, w: lambda: k.softmax(a, -1), lambda F, a, b, w: lambda: F.softmax(a, -1))
    yield case("softmax gradient", 3, lambda k, a, b, w: lambda: k.softmax_gradient(a, b, -1), None)
    yield case("cross-entropy", 1, loss, None)
    yield case("cross-entropy gradient", 2, loss_gradient, None)
    yield case(
        "layer norm",
        2,
        lambda k, a, b, w: lambda: k.normalize_rows(a, w, w, 1e-5, True),
        lambda F, a, b, w: lambda: F.layer_norm(a, (n,), w, w),
    )
    yield case("layer norm gradients", 5, norm_gradients, None)
    for name, axes in (("rows", (1,)), ("columns", (0,)), ("everything", (0, 1))):
        yield case(
            f"sum of {name}",
            1,
            lambda k, a, b, w, axes=axes: lambda: k.total(a, axes, False),
            lambda F, a, b, w, axes=axes: lambda: a.sum(axes),
        )
    yield case(
        "variance of columns",
        1,
        lambda k, a, b, w: lambda: k.squared_deviations(a, (0,), False),
        lambda F, a, b, w: lambda: a.var(0),
    )


def _of_elements(shape: tuple[int, int], size: int, dtype: str) -> Iterator[Case]:
    """Single operations, as programs call them."""

    def case(name: str, passes: float, function: Callable[..., Any]) -> Case:
        def make(engine: Engine) -> Work:
            a, b = (engine.random(*shape, dtype=dtype) for _ in range(2))
            keep = a > b
            return _quiet(engine, lambda: function(engine, a, b, keep))

        return Case("memory", f"{name} {dtype}", passes * size * prod(shape), make)

    byte = 1 / size
    yield case("product", 3, lambda engine, a, b, keep: a * b)
    yield case("sum with a number", 2, lambda engine, a, b, keep: a + 0.1)
    yield case("sum in place", 3, lambda engine, a, b, keep: a.add_(b))
    yield case("exponential", 2, lambda engine, a, b, keep: engine.core.exp(b))
    yield case("GELU", 2, lambda engine, a, b, keep: engine.nn.functional.gelu(a))
    yield case("comparison", 2 + byte, lambda engine, a, b, keep: a > b)
    yield case("selection", 3 + byte, lambda engine, a, b, keep: engine.core.where(keep, a, b))
    yield case("clone", 2, lambda engine, a, b, keep: a.clone())


def _targets(shape: tuple[int, int]) -> Any:
    xp = backends.get("cuda").namespace
    return xp.arange(shape[0]) % shape[1]


def _of_optimizers(count: int, size: int) -> Iterator[Case]:
    def case(name: str, passes: int, make_optimizer: Callable[..., Any]) -> Case:
        def make(engine: Engine) -> Work:
            p = engine.nn.Parameter(engine.random(count))
            p.grad = engine.random(count)
            optimizer = make_optimizer(engine.optim, [p])
            return optimizer.step

        return Case("memory", f"{name} float32", passes * count * size, make)

    yield case(
        "SGD with momentum, step", 5, lambda optim, p: optim.SGD(p, 1e-3, momentum=0.9, nesterov=True, fused=True)
    )
    yield case("AdamW, step", 7, lambda optim, p: optim.AdamW(p, 1e-3, fused=True))
