"""Products by cuBLASLt without a GPU: the plans' keys against NumPy, the descriptors read back from the library."""

import ctypes
import gc
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
from ml_dtypes import bfloat16
from recorded import Recorder

from backends import precision
from backends.cupy_backend import cublaslt_plans, products, table
from backends.cupy_backend.cublaslt_plans import CublasLt, Layout, layout_of
from backends.cupy_backend.launch import Gpu, Unusable

rng = np.random.default_rng(0)


@pytest.fixture
def gpu():
    gpu = Gpu(np, None, lambda array: array.ctypes.data)
    gpu.libraries[CublasLt] = Recorder()
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
    (key,) = gpu.libraries[CublasLt].keys
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
    assert [key.tf32 for key in gpu.libraries[CublasLt].keys] == [False, True]


def test_addresses_say_how_they_are_aligned(gpu):
    a = np.ones((64, 64), np.float32)
    products.product(gpu, a[:, 1:], a[1:])
    assert gpu.libraries[CublasLt].keys[0].aligned == 4


def test_others_are_left_to_the_generic_kernels(gpu):
    a = np.ones((3, 4), np.float32)
    for left, right in ((a, a.T.astype(float)), (a[:0], a.T), (a, a), (a.astype(int), a.T.astype(int))):
        assert products.matmul(gpu, left, right) is None
    assert products.dot(gpu, a[None], a.T) is None
    assert products.matmul(gpu, a, a.T, out=np.empty((3, 3), np.float32)) is None
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

key = Product("bfloat16", 3, 5, 7, 11, Layout(False, 16, 80), Layout(True, 24, 168), True, False, 256, "bfloat16")
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


def test_without_the_library_stacks_of_bfloat16_are_multiplied_in_float32():
    def of_cupy(a, b):
        assert a.ndim == b.ndim == 2 or a.dtype != bfloat16, "has no kernel for stacks of bfloat16"
        return np.matmul(a, b).astype(a.dtype)

    xp = SimpleNamespace(float32=np.float32, matmul=of_cupy)
    for shapes in (((2, 3), (3, 4)), ((5, 2, 3), (5, 3, 4)), ((5, 2, 3), (3, 4))):
        a, b = (rng.standard_normal(shape).astype(bfloat16) for shape in shapes)
        y = table.multiplied(xp, xp.matmul, a, b)
        assert y.dtype == bfloat16
        np.testing.assert_allclose(y.astype(float), np.matmul(a.astype(float), b.astype(float)), atol=5e-2)


class Library:
    """The bindings of cuBLASLt without the library: remembers what it is told."""

    cuBLASLtError = LookupError

    def __init__(self, algorithms=1, fails=False):
        self.fails, self.algorithms, self.told, self.alive, self.products = fails, algorithms, {}, set(), []
        self.MatmulDescAttribute = SimpleNamespace(TRANSA="a", TRANSB="b", EPILOGUE="epilogue", BIAS_POINTER="bias")
        self.MatrixLayoutAttribute = SimpleNamespace(BATCH_COUNT="count", STRIDED_BATCH_OFFSET="offset")
        names = ["MAX_WORKSPACE_BYTES", "REDUCTION_SCHEME_MASK", *(f"MIN_ALIGNMENT_{name}_BYTES" for name in "ABCD")]
        self.MatmulPreferenceAttribute = SimpleNamespace(**{name: name for name in names})
        self.Epilogue, self.ReductionScheme = SimpleNamespace(BIAS=4), SimpleNamespace(COMPUTE_TYPE=2)

    def __getattr__(self, name):
        if name.endswith("_create"):
            return lambda *about: self._made((name, *about))
        if name.endswith("_destroy"):
            return self.alive.remove
        if name.endswith("_set_attribute"):
            return self._set
        raise AttributeError(name)

    def _made(self, about):
        number = len(self.told) + 1
        self.told[number] = {"made": about}
        self.alive.add(number)
        return number

    def _set(self, number, attribute, place, size):
        self.told[number][attribute] = int.from_bytes(ctypes.string_at(place, size), sys.byteorder)

    def get_version(self):
        return 130000

    def create(self):
        return 7

    def MatmulHeuristicResult(self):
        return SimpleNamespace(ptr=99, workspace_size=16, state=0)

    def matmul_algo_get_heuristic(self, handle, desc, *rest):
        self.promised = self.told[desc].get("bias")
        if self.algorithms is None:
            raise LookupError("not supported")
        ctypes.memmove(rest[-1], np.int32(self.algorithms).tobytes(), 4)

    def matmul(self, *arguments):
        self.products.append(arguments)
        if self.fails:
            raise LookupError("execution failed")


def multiplied(monkeypatch, library, a, b, bias=None):
    monkeypatch.setattr(cublaslt_plans, "import_module", lambda name: library)
    monkeypatch.setattr(products, "ALIGNED", 16)  # as every array of NumPy's is, so that one plan serves all
    gpu = Gpu(np, None, lambda array: array.ctypes.data)
    gpu.device, gpu.stream = lambda: 0, lambda: 5
    for _ in range(2):
        y = products.matmul(gpu, a, b) if bias is None else products.linear(gpu, a, b.T, bias)
    return y


def test_the_library_gets_the_transposed_product(monkeypatch):
    library, a, b, bias = Library(), np.ones((6, 8), np.float32), np.ones((8, 4), np.float32), np.ones(4, np.float32)
    y = multiplied(monkeypatch, library, a, b, bias)
    desc, first, second, result, preference = library.told.values()
    assert desc["made"] == ("matmul_desc_create", 68, 0)
    assert (desc["a"], desc["b"], desc["epilogue"], desc["bias"]) == (0, 0, 4, bias.ctypes.data)
    assert [d["made"][1:] for d in (first, second, result)] == [(0, 8, 6, 8), (0, 4, 8, 4), (0, 4, 6, 4)]
    assert (preference["MAX_WORKSPACE_BYTES"], preference["REDUCTION_SCHEME_MASK"]) == (32 << 20, 2)
    assert preference["MIN_ALIGNMENT_D_BYTES"] >= 4
    assert library.promised == preference["MIN_ALIGNMENT_D_BYTES"]  # the least alignment of any bias of this plan
    handle, *_, algorithm, workspace, size, stream = library.products[-1]
    assert (handle, algorithm, size, stream) == (7, 99, 16, 5)
    assert workspace
    assert library.products[-1][3] == b.ctypes.data
    assert library.products[-1][5] == a.ctypes.data
    assert library.products[-1][8] == library.products[-1][10] == y.ctypes.data
    assert len(library.products) == 2
    gc.collect()
    assert library.alive == set()  # with the plans of the thread that made them


def test_a_stack_says_how_many_and_how_far(monkeypatch):
    library = Library()
    multiplied(monkeypatch, library, np.ones((3, 6, 8)), np.ones((3, 8, 4)))
    desc, first, second, result, _ = library.told.values()
    assert desc["made"] == ("matmul_desc_create", 70, 1)
    assert [(d["count"], d["offset"]) for d in (first, second, result)] == [(3, 48), (3, 32), (3, 24)]


@pytest.mark.parametrize("algorithms", [0, None])
def test_without_an_algorithm_the_generic_kernel_multiplies(monkeypatch, algorithms):
    assert multiplied(monkeypatch, Library(algorithms), np.ones((6, 8)), np.ones((8, 4))) is None


def test_a_product_that_fails_is_left_to_the_generic_kernel_from_then_on(monkeypatch, caplog):
    library = Library(fails=True)
    assert multiplied(monkeypatch, library, np.ones((6, 8)), np.ones((8, 4))) is None
    assert len(library.products) == 1
    assert [record.message.rpartition(": ")[2] for record in caplog.records] == ["execution failed"]


def test_a_missing_library_is_named(monkeypatch):
    def missing(name):
        raise ImportError("No module named 'nvmath'")

    monkeypatch.setattr(cublaslt_plans, "import_module", missing)
    with pytest.raises(Unusable, match="pip install nvmath-python"):
        Gpu(np, None).library(CublasLt)
