"""Operations on as many elements as in networks, where threads read whole vectors and blocks share a row.

The samples of operations have only a few elements. Here all numbers are at least 1 away from 0, so that rounding does
not move them across a kink; besides sizes of networks, there are sizes and addresses that no vector divides.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_core as ag
import nn
import optim
from backends.geometry import Sizes
from nn import functional as F

Made = tuple[Callable[..., Any], tuple[Sizes, ...]]


def operands(shapes: tuple[Sizes, ...]) -> list[Any]:
    """float64 numbers for these shapes."""
    rng = np.random.default_rng(0)
    return [x + np.sign(x) for x in map(rng.standard_normal, shapes)]


def _images(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, *rest: function(x.contiguous(memory_format=ag.channels_last), *rest)


def _normalized(x: Any, w: Any, b: Any) -> Any:
    return F.relu(F.batch_norm(x, None, None, w, b / 16, training=True))


def _loss(x: Any) -> Any:
    target = ag.arange(x.numel() // x.shape[1], device=x.device).reshape(x.shape[0], *x.shape[2:]) % x.shape[1]
    return F.cross_entropy(x, target, reduction="sum")


def _picked(x: Any) -> Any:
    target = ag.arange(x.numel() // x.shape[1], device=x.device).reshape(x.shape[0], *x.shape[2:]) % x.shape[1]
    return F.nll_loss(x, target, reduction="sum")


def _recurrent(kind: Callable[..., Any]) -> Callable[..., Any]:
    def function(x: Any) -> Any:
        ag.manual_seed(0)
        return kind(x.shape[-1], 48).to(x.device, x.dtype)(x)[0]

    return function


def _attended(q: Any, k: Any, v: Any) -> Any:
    """Heads that lie beside each other in memory."""
    return F.scaled_dot_product_attention(*(x.transpose(1, 2) for x in (q, k, v))).transpose(1, 2)


def _embedded(w: Any) -> Any:
    return F.embedding(ag.arange(6000, device=w.device) ** 2 % w.shape[0], w)


def _stepped(make: Callable[..., Any]) -> Callable[..., Any]:
    def function(*xs: Any) -> list[Any]:
        parameters = [x.detach().clone().requires_grad_() for x in xs]
        optimizer = make(parameters)
        for _ in range(3):
            for p in parameters:
                p.grad = p.detach() / 4
            optimizer.step()
        return [p.detach() for p in parameters]

    return function


def _clipped(*xs: Any) -> list[Any]:
    parameters = [x.detach().clone().requires_grad_() for x in xs]
    for p in parameters:
        p.grad = p.detach() / 4
    return [nn.utils.clip_grad_norm_(parameters, 1.0), *[p.grad for p in parameters]]


MANY = tuple((i * i + 1, 3) for i in range(70))
# A function and the shapes of its operands, all of which get gradients.
LARGE: dict[str, Made] = {
    "batch norm with ReLU": (_normalized, ((8, 64, 28, 28), (64,), (64,))),
    "batch norm with ReLU channels-last": (_images(_normalized), ((16, 64, 56, 56), (64,), (64,))),
    "batch norm with ReLU odd": (_images(_normalized), ((7, 13, 31, 29), (13,), (13,))),
    "layer norm": (lambda x, w, b: F.layer_norm(x, w.shape, w, b), ((4099, 1024), (1024,), (1024,))),
    "layer norm odd": (lambda x, w, b: F.layer_norm(x, w.shape, w, b), ((999, 1001), (1001,), (1001,))),
    "layer norm long": (lambda x, w, b: F.layer_norm(x, w.shape, w, b), ((40, 33000), (33000,), (33000,))),
    "RMS norm": (lambda x, w: F.rms_norm(x, w.shape, w), ((1030, 768), (768,))),
    "softmax of rows": (lambda x: 1024 * F.softmax(x, -1), ((4099, 1000),)),
    "log-softmax odd": (lambda x: F.log_softmax(x[1:], -1), ((9001, 33),)),
    "softmax long": (lambda x: 65536 * F.softmax(x, -1), ((30, 50000),)),
    "softmax of columns": (lambda x: 128 * F.softmax(x, 1), ((8, 100, 33, 31),)),
    "cross-entropy": (_loss, ((4099, 1000),)),
    "cross-entropy of images": (_loss, ((4, 21, 65, 65),)),
    "max pooling": (_images(lambda x: F.max_pool2d(x, 3, 2, 1)), ((8, 64, 57, 57),)),
    "average pooling": (_images(lambda x: F.avg_pool2d(x, 3, 2, 1)), ((8, 64, 57, 57),)),
    "GELU": (F.gelu, ((1025, 1024),)),
    "SiLU between vectors": (lambda x: F.silu(x[3:]), ((1_000_003,),)),
    "sum and ReLU": (lambda x, y: F.relu(x + y), ((1023, 1025), (1023, 1025))),
    "sums of columns": (lambda x: x.sum(0), ((40_001, 65),)),
    "sum of everything": (lambda x: x.abs().sum(), ((3001, 1003),)),
    "means of short rows": (lambda x: x.mean(1), ((100_003, 9),)),
    "largest of columns": (lambda x: x.amax(0), ((5003, 130),)),
    "variances of planes": (lambda x: x.var((0, 2, 3)), ((8, 64, 33, 31),)),
    "norms of rows": (lambda x: x.norm(dim=1), ((300, 5001),)),
    "losses of logarithms": (_picked, ((4, 21, 165, 65),)),
    "LSTM": (_recurrent(nn.LSTM), ((20, 33, 64),)),
    "GRU": (_recurrent(nn.GRU), ((20, 33, 64),)),
    "sums of channels": (_images(lambda x: x.sum((0, 2, 3))), ((16, 64, 57, 57),)),
    "embedding of 6000": (_embedded, ((5000, 257),)),
    "convolution 3×3": (_images(lambda x, w, b: F.conv2d(x, w, b, 1, 1)), ((8, 64, 28, 28), (64, 64, 3, 3), (64,))),
    "convolution 7×7": (lambda x, w: F.conv2d(x, w, None, 2, 3), ((4, 3, 112, 112), (64, 3, 7, 7))),
    "convolution 1×1": (_images(lambda x, w: F.conv2d(x, w, None, 2)), ((8, 128, 28, 28), (256, 128, 1, 1))),
    "convolution in groups": (lambda x, w: F.conv2d(x, w, None, 1, 1, 1, 8), ((8, 64, 28, 28), (64, 8, 3, 3))),
    "transposed convolution": (lambda x, w: F.conv_transpose2d(x, w, None, 2, 1), ((8, 32, 14, 14), (32, 16, 4, 4))),
    "convolution 3-D": (lambda x, w: F.conv3d(x, w, None, 1, 1), ((2, 8, 12, 13, 14), (16, 8, 3, 3, 3))),
    "product": (lambda a, b: a @ b, ((1025, 513), (513, 769))),
    "product of transposes": (lambda a, b: a.T @ b.T, ((512, 1024), (768, 512))),
    "products of stacks": (lambda a, b: a @ b, ((24, 127, 64), (24, 64, 129))),
    "linear layer": (F.linear, ((3, 1000, 512), (1024, 512), (1024,))),
    "attention": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), ((2, 8, 257, 64),) * 3),
    "attention of heads": (_attended, ((2, 300, 8, 64), (2, 500, 8, 64), (2, 500, 8, 64))),
    "attention under a mask": (F.scaled_dot_product_attention, (*((2, 8, 257, 64),) * 3, (2, 1, 1, 257))),
    "attention in parts": (F.scaled_dot_product_attention, ((4, 4100, 16),) * 3),
    "running sums": (lambda x: x.cumsum(1), ((300, 3001),)),
    "sorting": (lambda x: x.sort(1).values, ((300, 3001),)),
    "AdamW of 70 parameters": (_stepped(optim.AdamW), MANY),
    "SGD of 70 parameters": (_stepped(lambda ps: optim.SGD(ps, 0.1, momentum=0.9)), MANY),
    "clipping of 70 gradients": (_clipped, MANY),
}
