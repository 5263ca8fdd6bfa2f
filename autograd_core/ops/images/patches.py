"""Windows of an image as columns of a matrix (im2col), and the transpose."""

import itertools
import math

import numpy as np

from autograd_core.errors import OperandError
from autograd_core.kinds import SHAPE
from autograd_core.ops.images.planes import each, slow_transpose, window_of
from autograd_core.registry import op, sample


def _slow_columns(x, kernel_size, dilation=1, padding=0, stride=1):
    """The columns by their definition."""
    if x.ndim == 3:
        return _slow_columns(x[None], kernel_size, dilation, padding, stride)[0]
    kernel, d, p, s = (np.broadcast_to(v, 2) for v in (kernel_size, dilation, padding, stride))
    x = np.pad(x, [(0, 0), (0, 0), (p[0], p[0]), (p[1], p[1])])
    out = (np.array(x.shape[2:]) - d * (kernel - 1) - 1) // s + 1
    columns = [
        [x[:, c, i * d[0] + a * s[0], j * d[1] + b * s[1]] for a, b in itertools.product(*map(range, out))]
        for c, i, j in itertools.product(range(x.shape[1]), *map(range, kernel))
    ]
    return np.array(columns).transpose(2, 0, 1)


def _slow_images(g, output_size, kernel_size, dilation=1, padding=0, stride=1):
    taps = np.prod(np.broadcast_to(kernel_size, 2))
    shape = (*g.shape[:-2], g.shape[-2] // taps, *np.broadcast_to(output_size, 2))
    return slow_transpose(lambda unit: _slow_columns(unit, kernel_size, dilation, padding, stride), shape, g)


@op(SHAPE, symbol="unfold", method=False, reference=_slow_columns,
    samples=(sample((1, 2, 3, 4), kernel_size=2),
             sample((2, 5, 3), kernel_size=(3, 2), dilation=(1, 2), padding=(1, 0), stride=(2, 1)),
             sample((0, 1, 3, 3), kernel_size=(2, 2))),
    vjp=lambda xp, g, x_shape, kernel_size, dilation, padding, stride: xp.col2im(
        g, output_size=x_shape[-2:], kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride))
def im2col(xp, x, *, kernel_size, dilation=1, padding=0, stride=1):
    """The zero-padded windows of images (N, C, H, W) as columns: (N, C·KH·KW, number of windows).

    (C, H, W) gives (C·KH·KW, number of windows). PyTorch's `nn.functional.unfold`; `col2im` is the transpose.
    """
    if x.ndim not in (3, 4) or 0 in x.shape[-3:]:
        raise OperandError(f"unfold() takes images (N, C, H, W) or (C, H, W), not shape {tuple(x.shape)}")
    y = xp.kernels.patches(x if x.ndim == 4 else x[None], window_of(kernel_size, stride, padding, dilation, 2))
    return y if x.ndim == 4 else y[0]


@op(SHAPE, symbol="fold", method=False, aliases=("fold",), reference=_slow_images,
    samples=(sample((1, 4, 6), output_size=(3, 4), kernel_size=2),
             sample((6, 9), output_size=(5, 3), kernel_size=(3, 2), dilation=(1, 2), padding=(1, 1), stride=(2, 1)),
             sample((0, 4, 4), output_size=3, kernel_size=(2, 2))),
    vjp=lambda xp, g, kernel_size, dilation, padding, stride: xp.im2col(
        g, kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride))
def col2im(xp, x, *, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Columns (N, C·KH·KW, number of windows) summed into images (N, C, H, W) of `output_size` = (H, W).

    Where windows overlap, their elements add up. PyTorch's `nn.functional.fold`; the transpose of `im2col`.
    """
    if x.ndim not in (2, 3):
        raise OperandError(f"fold() takes columns (N, C·KH·KW, L) or (C·KH·KW, L), not shape {tuple(x.shape)}")
    window = window_of(kernel_size, stride, padding, dilation, 2)
    columns = x if x.ndim == 3 else x[None]
    taps = math.prod(window.kernel)
    if taps < 1 or not x.shape[-2] or x.shape[-2] % taps:
        raise OperandError(
            f"fold(): {x.shape[-2]} rows are no multiple of the {taps} elements of a window {window.kernel}"
        )
    shape = (columns.shape[0], x.shape[-2] // taps, *each(output_size, 2, "output_size"))
    y = xp.kernels.add_patches(columns, shape, window)
    return y if x.ndim == 3 else y[0]
