"""Copies of several arrays in one launch, run on the CPU."""

import numpy as np
import pytest
from test_kernels import rng

from backends.cupy_backend import copying


def draw(shape, dtype):
    return rng.integers(0, 100, shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["bool", "float16", "float32", "int64", "complex128"])
@pytest.mark.parametrize(("shapes", "axis"), [
    (((3, 4), (5, 4)), 0), (((3, 4), (3, 1), (3, 0)), 1), (((2, 3, 8, 5),) * 3, -3), (((7,), (9,)), 0),
    (((2, 3),) * 23, 1),
])  # fmt: skip
def test_concatenations(gpu, dtype, shapes, axis):
    plain = [draw(shape, dtype) for shape in shapes]
    for arrays in (
        plain,
        [np.asfortranarray(x) for x in plain],
        [np.repeat(x, 2, -1)[..., ::-2] for x in plain],
        [np.broadcast_to(x[..., :1], x.shape) if x.size else x for x in plain],
    ):
        y = copying.concatenate(gpu, arrays, axis)
        np.testing.assert_array_equal(y, np.concatenate(arrays, axis))
        np.testing.assert_array_equal(copying.joined(gpu, arrays, axis % y.ndim), y)


def test_the_order_of_axes_is_that_of_the_first(gpu):
    images = [draw((2, 5, 5, n), "float32").transpose(0, 3, 1, 2) for n in (8, 3)]
    y = copying.concatenate(gpu, images, 1)
    np.testing.assert_array_equal(y, np.concatenate(images, 1))
    assert y.transpose(0, 2, 3, 1).flags.c_contiguous
    first = np.broadcast_to(draw((1, 1, 8), "float32"), (4, 1, 8))
    assert copying.concatenate(gpu, [first, draw((4, 6, 8), "float32")], 1).flags.c_contiguous


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_stacks(gpu, axis):
    arrays = [draw((3, 4), "float32").T for _ in range(3)]
    np.testing.assert_array_equal(copying.stack(gpu, arrays, axis), np.stack(arrays, axis))


def test_heads_are_put_in_order_in_one_launch(gpu):
    qkv = draw((2, 6, 3, 4, 8), "float16")
    started, start = [], gpu.start
    gpu.start = lambda source, expression, *rest: (started.append(expression), start(source, expression, *rest))
    heads = [*qkv.transpose(2, 0, 3, 1, 4), draw((3, 5), "float16")]
    for x, y in zip(heads, copying.in_c_order(gpu, *heads), strict=True):
        np.testing.assert_array_equal(x, y)
        assert y.flags.c_contiguous
    assert started == ["copy_parts<16>"]
    assert y is heads[-1]


def test_what_is_left_to_the_library(gpu):
    x = draw((3, 4), "float32")
    for arrays, axis in (
        ([x, x.astype("float64")], 0),
        ([x, x[0]], 0),
        ([x, x[:, :3]], 0),
        ([], 0),
        ([x], 2),
        ([x], None),
    ):
        assert copying.concatenate(gpu, arrays, axis) is None
    assert copying.concatenate(gpu, [x], 0, dtype="float64") is None
    assert copying.stack(gpu, [x, x[:2]]) is None
    assert copying.stack(gpu, [x], 3) is None
    many = np.zeros((2,) * 16, "float32").transpose(*range(0, 16, 2), *range(1, 16, 2))
    assert copying.concatenate(gpu, [many, np.ascontiguousarray(many)], 0) is None
    np.testing.assert_array_equal(copying.in_c_order(gpu, many)[0], many)
