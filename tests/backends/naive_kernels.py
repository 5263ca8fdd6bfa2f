"""The kernels as loops over their definition: slow, and plainly right."""

from itertools import product

import numpy as np


def convolve(x, w, stride, padding, dilation, groups):
    padded = np.pad(x.astype(float), [(0, 0), (0, 0)] + [(p, p) for p in padding])
    kernel = w.shape[2:]
    out = [
        (h - d * (k - 1) - 1) // s + 1 for h, k, s, d in zip(padded.shape[2:], kernel, stride, dilation, strict=True)
    ]
    y = np.zeros((len(x), len(w), *out))
    each = w.shape[1]
    for o in range(len(w)):
        group = o // (len(w) // groups)
        source = padded[:, group * each : (group + 1) * each]
        for place in product(*map(range, out)):
            window = tuple(
                slice(i * s, i * s + d * (k - 1) + 1, d)
                for i, s, d, k in zip(place, stride, dilation, kernel, strict=True)
            )
            terms = source[(slice(None), slice(None), *window)] * w[o]
            y[(slice(None), o, *place)] = terms.sum(tuple(range(1, x.ndim)))
    return y


def windows(sizes, out, kernel, stride, padding, dilation):
    """For each output place, the positions inside the image that its window covers, in row-major order."""
    for place in product(*map(range, out)):
        corner = [i * s - p for i, s, p in zip(place, stride, padding, strict=True)]
        taps = (
            [c + k * d for c, k, d in zip(corner, tap, dilation, strict=True)] for tap in product(*map(range, kernel))
        )
        yield place, corner, [tuple(t) for t in taps if all(0 <= i < h for i, h in zip(t, sizes, strict=True))]


def max_pool(x, out, kernel, stride, padding, dilation):
    y = np.zeros((*x.shape[:2], *out), x.dtype)
    indices = np.zeros(y.shape, np.int64)
    for place, _, inside in windows(x.shape[2:], out, kernel, stride, padding, dilation):
        for n, c in np.ndindex(*x.shape[:2]):
            values = [x[(n, c, *i)] for i in inside]
            best = int(np.argmax(values))
            y[(n, c, *place)] = values[best]
            indices[(n, c, *place)] = np.ravel_multi_index(inside[best], x.shape[2:])
    return y, indices


def avg_pool(x, out, kernel, stride, padding, include, divisor):
    y = np.zeros((*x.shape[:2], *out))
    for place, corner, inside in windows(x.shape[2:], out, kernel, stride, padding, (1,) * len(kernel)):
        reach = [min(c + k, h + p) - c for c, k, h, p in zip(corner, kernel, x.shape[2:], padding, strict=True)]
        count = divisor or (np.prod(reach) if include else len(inside))
        y[(slice(None), slice(None), *place)] = sum(x[(slice(None), slice(None), *i)] for i in inside) / count
    return y
