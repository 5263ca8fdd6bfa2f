"""Whole training steps: of large networks, of small ones (plain and captured), and of optimizers."""

from collections.abc import Callable, Iterator
from typing import Any

from benchmarks import models
from benchmarks.gpu.engines import Engine
from benchmarks.gpu.kernels import Case, Work
from benchmarks.gpu.networks import airbench, resnet50

Make = Callable[[Any], Any]


def resnet(part: int) -> Iterator[Case]:
    """Names contain the images per step; amounts are images, so that rates are images per second."""
    batch = max(256 // part, 1)
    for captured in (False, True):
        name = f"ResNet-50, batch {batch}, bfloat16 autocast"
        yield _step(name, _resnet50, (batch, 3, 224, 224), 1000, "bfloat16", captured=captured)


def large(part: int) -> Iterator[Case]:
    """Other steps, named and counted alike."""
    batch = max(256 // part, 1)
    yield _step(f"ResNet-50, batch {batch}, float16 autocast", _resnet50, (batch, 3, 224, 224), 1000, "float16")
    batch = max(512 // part, 2)
    yield _step(f"ResNet-20, 32×32, batch {batch}", models.resnet20, (batch, 3, 32, 32), 10)
    yield _step(
        f"ResNet-20, 32×32, batch {batch}, float16 autocast", models.resnet20, (batch, 3, 32, 32), 10, "float16"
    )
    batch = max(1024 // part, 2)
    yield _step(
        f"airbench-style network, batch {batch}, float16 autocast",
        airbench,
        (batch, 3, 32, 32),
        10,
        "float16",
        smoothing=0.2,
    )


def small(part: int) -> Iterator[Case]:
    """Launch-bound steps. Captured ones are compared with PyTorch's plain ones."""

    def perceptron(nn: Any) -> Any:
        return models.mlp(nn, 784, 256, 128, 10)

    for captured in (False, True):
        for name, make, shape in (("MLP 784-256-128-10", perceptron, (784,)), ("LeNet-5", models.lenet5, (1, 28, 28))):
            yield _step(f"{name}, batch 64", make, (64, *shape), 10, captured=captured, group="small steps")


def optimizers(part: int) -> Iterator[Case]:
    """Optimizer steps of ResNet-50's parameters, with gradients already computed."""

    def case(name: str, make_optimizer: Callable[..., Any]) -> Case:
        def make(engine: Engine) -> Work:
            model = _resnet50(engine).to("cuda")
            for p in model.parameters():
                p.grad = engine.core.ones_like(p.detach())
            optimizer = make_optimizer(engine.optim, model.parameters())
            return optimizer.step

        return Case("optimizers", f"{name}, ResNet-50", 25_557_032, make)

    yield case("SGD", lambda optim, p: optim.SGD(p, 1e-3, momentum=0.9, fused=True))
    yield case("AdamW", lambda optim, p: optim.AdamW(p, 1e-3, fused=True))


def _resnet50(engine: Engine) -> Any:
    if engine.name == "ours":
        from nn.models import resnet50 as own

        return own()
    return resnet50(engine.nn)


def _step(
    name: str,
    make_model: Callable[[Any], Any],
    shape: tuple[int, ...],
    classes: int,
    dtype: str = "",
    smoothing: float = 0.0,
    captured: bool = False,
    group: str = "steps",
) -> Case:
    """Forward, backward and a step of SGD with Nesterov's momentum."""

    def make(engine: Engine) -> Work:
        model = make_model(engine if make_model is _resnet50 else engine.nn).to("cuda")
        if len(shape) == 4:
            model = model.to(memory_format=engine.core.channels_last)
        optimizer = engine.optim.SGD(model.parameters(), 0.01, momentum=0.9, nesterov=True, weight_decay=1e-4)
        x = engine.random(*shape, last=len(shape) == 4)
        target = engine.core.randint(0, classes, (shape[0],), device="cuda")
        scaler = engine.core.amp.GradScaler("cuda", enabled=dtype == "float16")

        def step(x: Any, target: Any) -> Any:
            optimizer.zero_grad()
            if dtype:
                with engine.autocast(dtype):
                    scores = model(x)
            else:
                scores = model(x)
            loss = engine.nn.functional.cross_entropy(scores.float(), target, label_smoothing=smoothing)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            return loss.detach()

        run = engine.cuda.graph(step) if captured and engine.name == "ours" else step
        return lambda: run(x, target)

    return Case(group, name + ", captured" * captured, shape[0], make)
