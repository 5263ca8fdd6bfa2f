"""Products by cuBLASLt without a GPU: the plans' keys against NumPy, the descriptors read back from the library."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from ml_dtypes import bfloat16
from numpy.lib.stride_tricks import as_strided

from backends import precision
from backends.cupy_backend import products
from backends.cupy_backend.cublaslt_plans import Layout, layout_of
from backends.cupy_backend.launch import Gpu

rng = np.random.default_rng(0)


def stored(x, rows, columns, layout, count):
    """The library's view of memory: matrices stored column by column, each `step` after the other, then transposed."""
    rows, columns = (rows, columns) if layout.transposed else (columns, rows)
    size = x.dtype.itemsize
    matrix = as_strided(x, (count, rows, columns), (layout.stride * size, size, layout.step * size))
    return matrix.swapaxes(1, 2) if layout.transposed else matrix


class Recorder:
    """In the place of `CublasLt`: computes what a plan's key says about memory."""

    def __init__(self):
        self.keys = []

    def run(self, key, a, b, bias, d):
        self.keys.append(key)
        assert d.flags.c_contiguous
        assert key.biased is (bias is not None)
        first, second = stored(b, key.k, key.n, key.b, key.batch), stored(a, key.m, key.k, key.a, key.batch)
        result = np.matmul(first.astype(float), second.astype(float))  # d' = b' a'
        if bias is not None:
            result += bias[:, None]
        stored(d, key.m, key.n, Layout(False, key.n, key.m * key.n), key.batch)[...] = result
        return True


@pytest.fixture
def gpu():
    gpu = Gpu(np, None, lambda array: array.ctypes.data)
    gpu.cublaslt = Recorder()
    return gpu


LAYOUTS = {
    "rows": np.ascontiguousarray,
    "columns": lambda x: np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2),
    "padded": lambda x: np.pad(x, [(0, 0)] * (x.ndim - 1) + [(1, 2)])[..., 1:-2],
    "every_other": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "reversed": lambda x: x[..., ::-1, :].copy()[..., ::-1, :],
}
SHAPES = [((5, 7), (7, 3)), ((1, 7), (7, 1)), ((4, 1), (1, 6)), ((2, 5, 7), (2, 7, 3)), ((3, 5, 7), (7, 2)),
          ((5, 7), (3, 7, 2)), ((2, 1, 5, 7), (4, 7, 3)), ((2, 3, 5, 7), (2, 3, 7, 2)), ((7,), (7, 3)), ((5, 7), (7,)),
          ((7,), (7,)), ((3, 5, 7), (7,)), ((7,), (3, 7, 2))]  # fmt: skip


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("first", LAYOUTS)
@pytest.mark.parametrize("second", LAYOUTS)
def test_matmul(gpu, shapes, first, second):
    a, b = (rng.standard_normal(shape).astype(np.float32) for shape in shapes)
    a, b = (LAYOUTS[name](x) if x.ndim > 1 else x for name, x in ((first, a), (second, b)))
    y, exact = products.matmul(gpu, a, b), np.matmul(a.astype(float), b.astype(float))
    assert y.shape == exact.shape
    np.testing.assert_allclose(y, exact, rtol=1e-5, atol=1e-5)
    if max(a.ndim, b.ndim) == 2:
        np.testing.assert_allclose(products.dot(gpu, a, b), exact, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float16, bfloat16, np.float32, np.float64])
def test_linear(gpu, dtype):
    x, w, bias = (rng.standard_normal(shape).astype(dtype) for shape in ((6, 5), (4, 5), (4,)))
    y, exact = products.linear(gpu, x, w, bias), x.astype(float) @ w.T.astype(float) + bias.astype(float)
    assert y.dtype == dtype
    np.testing.assert_allclose(y.astype(float), exact, atol={2: 3e-2, 4: 1e-5, 8: 1e-13}[y.itemsize])
    (key,) = gpu.cublaslt.keys
    assert (key.biased, key.b.transposed, key.tf32) == (True, True, False)


def test_transposes_and_slices_are_not_copied():
    x = np.empty((6, 8))
    assert layout_of(x) == Layout(False, 8, 0)
    assert layout_of(x.T) == Layout(True, 8, 0)
    assert layout_of(x[:, 2:5]) == Layout(False, 8, 0)
    assert layout_of(np.broadcast_to(x, (3, 6, 8))) == Layout(False, 8, 0)
    assert layout_of(np.empty((3, 6, 8)).transpose(1, 0, 2)) == Layout(False, 48, 8)
    assert layout_of(x[::-1]) is None


def test_tf32_is_for_who_asks_for_it(gpu):
    a, b = np.ones((4, 4), np.float32), np.ones((4, 4), np.float32)
    try:
        for level in ("highest", "high"):
            precision.set_float32_matmul_precision(level)
            products.product(gpu, a, b)
    finally:
        precision.set_float32_matmul_precision("highest")
    assert [key.tf32 for key in gpu.cublaslt.keys] == [False, True]


def test_addresses_say_how_they_are_aligned(gpu):
    a = np.ones((64, 64), np.float32)
    products.product(gpu, a[:, 1:], a[1:])
    assert gpu.cublaslt.keys[0].aligned == 4


def test_others_are_left_to_the_generic_kernels(gpu):
    a = np.ones((3, 4), np.float32)
    for left, right in ((a, a.T.astype(float)), (a[:0], a.T), (a, a), (a.astype(int), a.T.astype(int))):
        assert products.matmul(gpu, left, right) is None
    assert products.dot(gpu, a[None], a.T) is None
    assert products.linear(gpu, a, a, np.ones(1, np.float32)) is None


# The bindings want a driver to be there, if only to ask it for its version.
STUB = """
int cuInit(unsigned flags) { return 100; }
int cuDriverGetVersion(int *version) { *version = 13000; return 0; }
"""
READ_BACK = """
import numpy as np
from nvmath.bindings import cublasLt as lt
from backends.cupy_backend.cublaslt_plans import Layout, Plan, Product

def of(read, desc, attribute, dtype):
    value, written = np.zeros(1, dtype), np.zeros(1, np.uint64)
    read(desc, attribute, value.ctypes.data, value.nbytes, written.ctypes.data)
    return int(value[0])

key = Product("bfloat16", 3, 5, 7, 11, Layout(False, 16, 80), Layout(True, 24, 168), True, False, 256)
plan, M, D = Plan(lt, key), lt.MatrixLayoutAttribute, lt.MatmulDescAttribute
for matrix, expected in ((plan.a, (11, 5, 16, 80)), (plan.b, (11, 7, 24, 168)), (plan.d, (7, 5, 7, 35))):
    found = [of(lt.matrix_layout_get_attribute, matrix, *wanted) for wanted in
             ((M.ROWS, np.uint64), (M.COLS, np.uint64), (M.LD, np.int64), (M.STRIDED_BATCH_OFFSET, np.int64))]
    assert tuple(found) == expected, (found, expected)
    assert of(lt.matrix_layout_get_attribute, matrix, M.BATCH_COUNT, np.int32) == 3
    assert of(lt.matrix_layout_get_attribute, matrix, M.TYPE, np.uint32) == 14
found = [of(lt.matmul_desc_get_attribute, plan.desc, D[name], np.int32) for name in
         ("TRANSA", "TRANSB", "EPILOGUE", "COMPUTE_TYPE", "SCALE_TYPE")]
assert found == [1, 0, lt.Epilogue.BIAS, 68, 0], found
"""


def test_descriptors_say_what_the_key_says(tmp_path):
    for package in ("nvmath", "nvidia.cu13"):
        if not _there(package):
            pytest.skip(f"needs {package}")
    if shutil.which("gcc") is None:
        pytest.skip("needs a C compiler for a stand-in of the driver")
    (tmp_path / "stub.c").write_text(STUB)
    command = ["gcc", "-shared", "-fPIC", "-o", tmp_path / "libcuda.so.1", tmp_path / "stub.c"]
    subprocess.run(command, check=True)
    environment = os.environ | {"LD_LIBRARY_PATH": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", READ_BACK], check=True, env=environment)


def _there(package):
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False
