"""What kernels compute does not depend on the order in which threads run between barriers."""

import numpy as np
import pytest
import shim
from recorded import Recorder

from backends.cupy_backend import alignment, attention, normalization, optimizers, reduction, rows
from backends.cupy_backend.cublaslt_plans import CublasLt

rng = np.random.default_rng(0)


def draw(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def of_batches(gpu):
    x, g = draw(17, 12, 9, 8).transpose(0, 3, 1, 2), draw(17, 12, 9, 8).transpose(0, 3, 1, 2)
    y, mean, scale, kept = normalization.normalize_batch(gpu, x, None, None, 1e-5, True)
    return y, mean, scale, *normalization.batch_gradients(gpu, g, x, y, None, mean, scale, kept, 1e-5, True)


def of_rows(gpu, n):
    x, g, weight = draw(3, n), draw(3, n), draw(n)
    y, mean, scale = rows.normalize_rows(gpu, x, weight, weight, 1e-5, True)
    needs = (True, n < 1000, n < 1000)  # the sums of columns take a block for every few
    return y, *[v for v in rows.row_gradients(gpu, g, x, weight, mean, scale, needs) if v is not None]


def of_classes(gpu, n):
    x, g, target = draw(3, n), draw(3, n), rng.integers(0, n, 3)
    y = rows.softmax(gpu, x, 1)
    loss, largest, total = rows.softmax_nll(gpu, x, target, None, "mean")
    slopes = rows.softmax_nll_gradient(gpu, loss, x, target, largest, total, None, "mean")
    return y, rows.softmax_gradient(gpu, g, y, 1), loss, slopes


def of_attention(gpu, n):
    gpu.libraries[CublasLt] = Recorder()
    query, key = draw(2, 5, 8), draw(2, n, 8)
    y, weights = attention.attention(gpu, query, key, key, 0.5, True)
    return y, *attention.attention_gradients(gpu, y, query, key, key, None, y, weights, 0.5, True)[:3]


def of_alignments(gpu):
    emissions, skips, start = -abs(draw(7, 2, 300)), np.zeros((2, 300), np.float32), draw(2, 300)
    alpha = alignment.ctc_arrivals(gpu, emissions, skips)
    return alpha, alignment.ctc_occupations(gpu, alpha, emissions, skips, start, np.array([7, 5]))


WORK = {
    "alignments": of_alignments,
    "batch norm": of_batches,
    "losses of many": lambda gpu: rows.softmax_nll(gpu, draw(17001, 3), rng.integers(0, 3, 17001), None, "mean")[:1],
    "norms": lambda gpu: [optimizers.norm(gpu, [draw(9001), draw(33)])],
    "sums of columns": lambda gpu: [reduction.total(gpu, draw(3000, 40), (0,), False)],
    "sums of a few rows": lambda gpu: [reduction.total(gpu, draw(4, 3, 2500), (0, 2), False)],
    "sums of rows": lambda gpu: [reduction.total(gpu, draw(*shape), (1,), False) for shape in ((40, 9), (2, 9001))],
    "deviations": lambda gpu: [reduction.squared_deviations(gpu, draw(40, 300), (a,), False) for a in (0, 1)],
    **{f"rows of {n}": lambda gpu, n=n: of_rows(gpu, n) for n in (100, 3000, 17000)},
    **{f"classes of {n}": lambda gpu, n=n: of_classes(gpu, n) for n in (100, 3000, 17000)},
    **{f"attention to {n}": lambda gpu, n=n: of_attention(gpu, n) for n in (100, 3000)},
}


def computed(gpu, work, seed, monkeypatch):
    """The results with threads in the order of a seed."""
    global rng
    monkeypatch.setattr(shim, "seed", seed)
    for number in (1, 0):  # other numbers first: shared memory would hold the right ones
        rng = np.random.default_rng(number)
        found = [np.array(y) for y in work(gpu)]
    return found


@pytest.mark.parametrize("name", WORK)
def test_the_order_of_threads_does_not_matter(gpu, monkeypatch, name):
    wanted = computed(gpu, WORK[name], 0, monkeypatch)
    for seed in range(1, 4):
        for found, y in zip(computed(gpu, WORK[name], seed, monkeypatch), wanted, strict=True):
            np.testing.assert_array_equal(found, y)


RACE = """elementwise
template <typename T> __global__ void turned(const T *x, T *y) {
    __shared__ T held[256];
    held[threadIdx.x] = x[threadIdx.x];
    BARRIER;
    y[threadIdx.x] = held[255 - threadIdx.x];
}
"""


WAITING = "__syncthreads()", "__shfl_xor_sync(0xffffffffu, 0, 1)", ""


@pytest.mark.parametrize("barrier", WAITING)
def test_a_missing_barrier_is_found(gpu, monkeypatch, barrier):
    right = 0
    for seed in range(4):
        x = draw(256)
        monkeypatch.setattr(shim, "seed", seed)
        y = np.zeros_like(x)
        gpu.launch(RACE.replace("BARRIER", barrier) + ".turned", (x.dtype,), (1,), (256,), x, y)
        right += np.array_equal(y, x[::-1])
    assert (right == 4) == (barrier == "__syncthreads()")


def test_a_barrier_that_not_all_reach_is_found(gpu):
    x = draw(256)
    kernel = RACE.replace("BARRIER", "if (threadIdx.x % 2) __syncthreads(); else __shfl_xor_sync(0xffffffffu, 0, 1)")
    with pytest.raises(AssertionError, match="waits for ever"):
        gpu.launch(kernel + ".turned", (x.dtype,), (1,), (256,), x, x.copy())
