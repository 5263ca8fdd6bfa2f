"""Arrays of every kind that NumPy has: the value of a contiguous copy, or a clear error; and they are never written."""

import numpy as np
import pytest

import autograd_core as ag

PLAIN = np.array([[1.5, -2.0, 0.25], [3.0, -0.5, 2.0]])


def unaligned(a):
    room = np.zeros(a.nbytes + 1, np.uint8)
    moved = room[1:].view(a.dtype).reshape(a.shape)
    moved[...] = a
    assert not moved.flags.aligned
    return moved


def memory_mapped(a, folder):
    mapped = np.memmap(folder / "data", a.dtype, "w+", shape=a.shape)
    mapped[...] = a
    return mapped


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


KINDS = {
    "contiguous": np.copy,
    "read-only": read_only,
    "negative strides": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "Fortran": np.asfortranarray,
    "0-d": lambda a: a[0, 0].copy().reshape(()),
    "zero-size": lambda a: a[:0],
    "stride 0": lambda a: np.broadcast_to(a[:, :1], a.shape),
    "unaligned": unaligned,
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "long double": lambda a: a.astype(np.longdouble),
    "structured field": lambda a: np.rec.fromarrays([a, a], names="x, y").x,
}
# What is done with an array and a tensor t of its shape.
USES = {
    "tensor": lambda a, t: ag.tensor(a),
    "as_tensor": lambda a, t: ag.as_tensor(a),
    "function": lambda a, t: ag.functional.exp(a),
    "operator": lambda a, t: t * a,
    "reflected operator": lambda a, t: a - t,
    "NumPy's function": np.maximum,
    "list": lambda a, t: ag.stack([t, a]),
    "reduction": lambda a, t: ag.sum(a, dim=-1) if a.ndim else ag.sum(a),
    "matrix product": lambda a, t: t @ a.T if a.ndim else t * a,
    "write": lambda a, t: t.clone().copy_(a),
    "part": lambda a, t: ag.as_tensor(a)[..., None].flip(0),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_value_is_that_of_a_contiguous_copy(kind, use):
    a = KINDS[kind](PLAIN)
    if a.dtype == np.longdouble and a.dtype.itemsize > 8:
        with pytest.raises(TypeError, match=r"float128|longdouble"):
            USES[use](a, ag.ones(a.shape, dtype="float64"))
        return
    before, t = a.copy(), ag.full(a.shape, 2.0, dtype="float64", requires_grad=True)
    result = USES[use](a, t)
    expected = USES[use](np.ascontiguousarray(a.astype(a.dtype.newbyteorder("=")).reshape(a.shape)).reshape(a.shape), t)
    assert ag.equal(result, expected)
    assert result.dtype == expected.dtype
    if result.requires_grad:
        result.sum().backward()
    assert np.array_equal(a, before)


@pytest.mark.parametrize("use", USES)
def test_a_memory_map_and_a_matrix_count_as_arrays(use, tmp_path):
    t = ag.full(PLAIN.shape, 2.0, dtype="float64")
    expected = USES[use](PLAIN, t)
    assert ag.equal(USES[use](memory_mapped(PLAIN, tmp_path), t), expected)
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.asmatrix(PLAIN)
    assert ag.equal(USES[use](matrix, t), expected)


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    "array, complaint",
    [
        (np.ma.masked_array(PLAIN, PLAIN < 0), "masked"),
        (PLAIN.astype(object), "object"),
        (PLAIN.astype("U4"), "U4|str"),
        (PLAIN.astype("M8[s]"), "datetime|M8"),
    ],
    ids=["masked", "object", "text", "dates"],
)
def test_what_has_no_numbers_is_refused(use, array, complaint):
    t = ag.full(PLAIN.shape, 2.0, dtype="float64", requires_grad=True)
    if use == "reflected operator" and isinstance(array, np.ma.MaskedArray):
        complaint = "requires a gradient"  # its operators take the tensor for an array
    with pytest.raises((TypeError, RuntimeError), match=complaint):
        USES[use](array, t)
