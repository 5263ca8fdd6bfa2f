"""Plans of the cuBLASLt library, each for one product of matrices or of two stacks of them.

The library's matrices are stored by columns. Our matrices are stored by rows, so our product is, to the library, the
product of the transposed matrices in the other order, d' = b' a', without copies. Unlike CuPy's own products these can
be captured, and 16-bit stacks are multiplied directly.
"""

import logging
import threading
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from backends.cupy_backend.launch import Gpu, Unusable
from backends.geometry import Array

logger = logging.getLogger(__name__)

PLANS = 4096
WORKSPACE = 32 << 20  # bytes, as NVIDIA recommends for Hopper
ALIGNED = 256  # bytes; CuPy's memory is aligned to this
REMEDY = "pip install nvmath-python==1.0.0 and nvidia-cublas (or nvidia-cublas-cu12)"
INSTEAD = "cuBLASLt does not compute %s, a slower kernel does: %s"
# cudaDataType_t by dtype, and cublasComputeType_t.
TYPES = {"float16": 2, "bfloat16": 14, "float32": 0, "float64": 1}
IN_FLOAT, IN_TF32, IN_DOUBLE = 68, 77, 70


class Layout(NamedTuple):
    """The memory layout of a matrix, in elements: `step` from row to row, or from column to column if `transposed`."""

    transposed: bool
    step: int
    stride: int  # from matrix to matrix in a stack


class Product(NamedTuple):
    """The key of a plan: d (m, n) = a (m, k) b (k, n), `batch` times, plus a row of n numbers if `biased`.

    tf32: float32 may be rounded to TF32. aligned: a number of bytes that divides all addresses. result: the dtype of d.
    """

    dtype: str
    batch: int
    m: int
    n: int
    k: int
    a: Layout
    b: Layout
    biased: bool
    tf32: bool
    aligned: int
    result: str


def layout_of(x: Array) -> Layout | None:
    """The layout of a matrix or a stack (count, rows, columns) of matrices; None if the library does not support it."""
    size = x.dtype.itemsize
    rows, columns = x.shape[-2:]
    row, column = (step // size for step in x.strides[-2:])
    stride = x.strides[0] // size if x.ndim == 3 and x.shape[0] > 1 else 0
    if stride < 0:
        return None
    if (column == 1 or columns == 1) and (row >= columns or rows == 1):
        return Layout(False, max(row if rows > 1 else columns, 1), stride)
    if (row == 1 or rows == 1) and (column >= rows or columns == 1):
        return Layout(True, max(column if columns > 1 else rows, 1), stride)
    return None


class Plan:
    """The descriptors of a product and the algorithm chosen for it."""

    def __init__(self, lt: Any, key: Product) -> None:
        self.lt, self.key = lt, key
        dtype = TYPES[key.dtype]
        double = key.dtype == "float64"
        compute = IN_DOUBLE if double else IN_TF32 if key.tf32 else IN_FLOAT
        self.desc = lt.matmul_desc_create(compute, TYPES["float64" if double else "float32"])
        # Matrices stored by rows are transposed to the library, so the flags are inverted.
        for attribute, layout in ((lt.MatmulDescAttribute.TRANSA, key.b), (lt.MatmulDescAttribute.TRANSB, key.a)):
            self._describe(attribute, np.int32(layout.transposed))
        if key.biased:
            self._describe(lt.MatmulDescAttribute.EPILOGUE, np.uint32(lt.Epilogue.BIAS))
        self.a = self._matrix(dtype, key.m, key.k, key.a, key.batch)
        self.b = self._matrix(dtype, key.k, key.n, key.b, key.batch)
        self.d = self._matrix(TYPES[key.result], key.m, key.n, Layout(False, key.n, key.m * key.n), key.batch)
        self.scalars = np.array([1, 0], np.float64 if double else np.float32)
        self.one, self.zero = self.scalars.ctypes.data, self.scalars.ctypes.data + self.scalars.itemsize
        self.workspace = 0

    def choose(self, handle: int) -> "Plan | None":
        """The plan with the first algorithm of the library's heuristics; None if there is none."""
        self._point(self.key.aligned)  # only the alignment of this address counts: that of all that come later
        lt = self.lt
        preference, found, count = lt.matmul_preference_create(), lt.MatmulHeuristicResult(), np.zeros(1, np.int32)
        wanted: dict[int, Any] = {lt.MatmulPreferenceAttribute.MAX_WORKSPACE_BYTES: np.uint64(WORKSPACE)}
        for name in "ABCD":
            attribute = getattr(lt.MatmulPreferenceAttribute, f"MIN_ALIGNMENT_{name}_BYTES")
            wanted[attribute] = np.uint32(self.key.aligned)
        # Parts of sums are added up in float32, never in 16 bits.
        wanted[lt.MatmulPreferenceAttribute.REDUCTION_SCHEME_MASK] = np.uint32(lt.ReductionScheme.COMPUTE_TYPE)
        for attribute, value in wanted.items():
            held = np.array(value)
            lt.matmul_preference_set_attribute(preference, attribute, held.ctypes.data, held.nbytes)
        try:
            operands = (self.b, self.a, self.d, self.d)
            lt.matmul_algo_get_heuristic(handle, self.desc, *operands, preference, 1, found.ptr, count.ctypes.data)
        finally:
            lt.matmul_preference_destroy(preference)
        if not count[0] or found.state:
            logger.warning(INSTEAD, self.key, "it has no algorithm")
            return None
        self.algorithm, self.workspace = found, int(found.workspace_size)  # the result begins with the algorithm itself
        return self

    def run(self, handle: int, addresses: list[int], stream: int) -> None:
        """Start the product; `addresses` are those of a, b, the bias, d and the workspace."""
        a, b, bias, d, workspace = addresses
        self._point(bias)
        self.lt.matmul(
            handle, self.desc, self.one, b, self.b, a, self.a, self.zero, d, self.d, d, self.d,
            self.algorithm.ptr, workspace, self.workspace, stream,
        )  # fmt: skip

    def _point(self, bias: int) -> None:
        if self.key.biased:
            self._describe(self.lt.MatmulDescAttribute.BIAS_POINTER, np.int64(bias))

    def _describe(self, attribute: int, value: Any) -> None:
        held = np.array(value)
        self.lt.matmul_desc_set_attribute(self.desc, attribute, held.ctypes.data, held.nbytes)

    def _matrix(self, dtype: int, rows: int, columns: int, layout: Layout, count: int) -> int:
        """The descriptor of a stored matrix: our rows are the library's columns."""
        stored = (rows, columns) if layout.transposed else (columns, rows)
        matrix: int = self.lt.matrix_layout_create(dtype, *stored, layout.step)
        attributes = self.lt.MatrixLayoutAttribute
        if count > 1:
            for attribute, value in (
                (attributes.BATCH_COUNT, np.int32(count)),
                (attributes.STRIDED_BATCH_OFFSET, np.int64(layout.stride)),
            ):
                held = np.array(value)
                self.lt.matrix_layout_set_attribute(matrix, attribute, held.ctypes.data, held.nbytes)
        return matrix

    def __del__(self) -> None:
        for name in ("a", "b", "d"):
            if hasattr(self, name):
                self.lt.matrix_layout_destroy(getattr(self, name))
        if hasattr(self, "desc"):
            self.lt.matmul_desc_destroy(self.desc)


class CublasLt:
    """The cuBLASLt library, for the products of one `Gpu`."""

    def __init__(self, gpu: Gpu) -> None:
        try:
            self.lt: Any = import_module("nvmath.bindings.cublasLt")
            self.lt.get_version()
        except Exception as error:  # any error of loading a library
            raise Unusable(f"cuBLASLt cannot be used ({error}); {REMEDY}") from error
        self.gpu, self.local = gpu, threading.local()

    def run(self, key: Product, a: Array, b: Array, bias: Array | None, d: Array) -> bool:
        """Compute into the contiguous d; returns whether there is an algorithm for it."""
        gpu, device = self.gpu, self.gpu.device()
        plans: dict[Any, tuple[Plan | None, int]] = self.local.__dict__.setdefault("plans", {})
        addresses = [0 if v is None else gpu.address(v) for v in (a, b, bias, d)]
        try:
            if (key, device) not in plans:
                if len(plans) >= PLANS:
                    del plans[next(iter(plans))]
                handle = self._handle(device)
                plans[key, device] = Plan(self.lt, key).choose(handle), handle
            plan, handle = plans[key, device]
            if plan is None:
                return False
            space = gpu.xp.empty((plan.workspace,), dtype=gpu.xp.uint8) if plan.workspace else None
            plan.run(handle, [*addresses, 0 if space is None else gpu.address(space)], gpu.stream())
        except self.lt.cuBLASLtError as error:
            logger.warning(INSTEAD, key, error)
            plans[key, device] = None, 0
            return False
        return True

    def _handle(self, device: int) -> int:
        handles: dict[int, int] = self.local.__dict__.setdefault("handles", {})
        if device not in handles:
            handles[device] = self.lt.create()
        return handles[device]
