"""The CUDA backend: arrays, special functions, random numbers, and its C code on the CPU."""

import math
import shutil
import subprocess

import numpy as np
import pytest

import backends
from backends.cupy_backend import random


@pytest.fixture
def cuda(cupy):
    return backends.get("cuda")


def test_arrays_travel(cuda):
    x = np.arange(3.0)
    y = cuda.from_host(x, 0)
    assert isinstance(y, cuda.array_types)
    assert cuda.current_device() == 0
    assert not np.shares_memory(cuda.to_host(y), x)
    np.testing.assert_array_equal(cuda.to_host(y), x)
    assert cuda.transfer(y, 0) is y
    np.testing.assert_array_equal(cuda.to_host(cuda.transfer(y, 1)), x)
    assert cuda.device_of(y) == "cuda:0"
    assert cuda.describe() == "CuPy 14.2.0 (CUDA 13000) on 2 x H200"
    cuda.synchronize()
    with pytest.raises(ValueError, match="'cuda:2' does not exist; there are 2"):
        cuda.from_host(x, 2)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64])
def test_special_functions_keep_the_type(cuda, dtype):
    y = cuda.namespace.kernels.erf(cuda.from_host(np.ones(2, dtype), 0))
    assert y.dtype == (np.float32 if dtype is np.int64 else dtype)
    np.testing.assert_allclose(cuda.to_host(y), math.erf(1), rtol=1e-3)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_have_their_type(cuda, dtype):
    generator = cuda.random.generator(3, 0)
    for draw in (generator.uniform, generator.normal):
        y = draw((4, 5), dtype)
        assert y.dtype == dtype
        assert y.shape == (4, 5)


def test_state_repeats_and_moves_on(cuda):
    generator = cuda.random.generator(3, 0)
    generator.uniform((7,), np.float32)
    saved = generator.state
    assert saved.view(np.uint64).tolist() == [3, 7]
    first = cuda.to_host(generator.uniform((5,), np.float64))
    later = cuda.to_host(generator.uniform((5,), np.float64))
    other = cuda.random.generator(0, 0)
    assert other.resume(saved) == 3
    np.testing.assert_array_equal(cuda.to_host(other.uniform((5,), np.float64)), first)
    assert not np.array_equal(first, later)


def test_discrete_draws(cuda):
    generator = cuda.random.generator(0, 0)
    integers = cuda.to_host(generator.integers(-2, 3, (100,)))
    assert integers.dtype == np.int64
    assert set(integers) == {-2, -1, 0, 1, 2}
    np.testing.assert_array_equal(np.sort(cuda.to_host(generator.permutation(20))), np.arange(20))
    for shape in ((3,), (), (0, 5), (3, 5, 7), (8, 128)):
        chosen = generator.bernoulli(0.25, shape)
        assert (chosen.dtype, chosen.shape) == (np.bool_, shape)
    assert abs(cuda.to_host(chosen).mean() - 0.25) < 0.05
    with pytest.raises(ValueError, match="low=3 must be less than high=3"):
        generator.integers(3, 3, (1,))


MAIN = """
#include <cmath>
#include <cstdio>
#define __device__ static
static double cospi(double x) { return cos(M_PI * x); }
static float cospif(float x) { return cospi(x); }
%s
int main() {
    Words zero = philox(0, 0);
    printf("%%08x %%08x %%08x %%08x\\n", zero.v[0], zero.v[1], zero.v[2], zero.v[3]);
    double sums[7] = {};
    for (unsigned long long i = 0; i < 100000; ++i) {
        Words w = philox(i, 7);
        { float y; %s sums[0] += y; }
        { double y; %s sums[1] += y; }
        { float y; %s sums[2] += y; sums[3] += y * y; }
        { double y; %s sums[4] += y; sums[5] += y * y; }
        { unsigned int y; float p = 0.3f; %s for (int k = 0; k < 4; ++k) sums[6] += (y >> 8 * k & 255) == 1; }
    }
    for (double sum : sums) printf("%%f ", sum / 100000);
}
"""


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler to run the CUDA source on the CPU")
def test_philox_gives_the_published_words_and_the_right_moments(tmp_path):
    source, program = tmp_path / "philox.cpp", tmp_path / "philox"
    source.write_text(MAIN % (random.PHILOX, *random.BODIES.values(), random.FOUR_BOOLEANS))
    subprocess.run(["g++", "-std=c++17", "-O1", "-o", program, source], check=True)
    words, moments = subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()
    assert words == "6627e8d5 e169c58d bc57ac4c 9b00dbd8"  # Random123's known answer for counter and key zero
    np.testing.assert_allclose([float(m) for m in moments.split()], [0.5, 0.5, 0, 1, 0, 1, 1.2], atol=0.02)
