"""How the functions of an array library treat a leading axis of samples: the data of `namespace`."""

from __future__ import annotations

from backends import onednn

# Elementwise functions other than ufuncs.
POINTWISE = ("where", "clip", "nan_to_num", "round", "isclose", "sinc", "i0", "angle", "ascontiguousarray")
# Functions of one array along axes -> the position of the axis argument, and its default.
ALL, FLAT = "all axes", "the flattened array"
AXIS = {
    **dict.fromkeys(("sum", "prod", "max", "min", "amax", "amin", "mean", "std", "var", "all", "any", "count_nonzero",
                     "nansum", "nanmax", "nanmin", "nanmean", "flip"), (1, ALL)),
    **dict.fromkeys(("argmax", "argmin", "cumsum", "cumprod"), (1, FLAT)),
    **dict.fromkeys(("sort", "argsort"), (1, -1)),
    **dict.fromkeys(("repeat", "take"), (2, FLAT)),
    **dict.fromkeys(("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"), (2, -1)),
    **dict.fromkeys(("fftn", "ifftn", "rfftn", "irfftn", "fftshift", "ifftshift"), (2, None)),
    "diff": (2, -1), "partition": (2, -1), "argpartition": (2, -1), "roll": (2, None),
}  # fmt: skip
# Functions of the last axes, with any number of leading axes.
LAST_AXES = ("tril", "triu", "cholesky", "det", "eig", "eigh", "eigvals", "eigvalsh", "inv", "pinv", "qr", "slogdet",
             "svd", "svdvals", "matrix_power")  # fmt: skip
# Kernels of stacks of matrices.
MATRICES = ("lu_factor", "row_order", "cholesky", "inverse", "cofactor", "matrix_exp")
# Kernels of two stacks of matrices.
SYSTEMS = ("solve", "solve_triangular")
# Kernels along an axis -> the positions of arrays with one shape, and of the axis.
ALONG = {"running": ((1,), 2), "recurrence": ((0, 1), 2), "resample": ((0,), 1)}
# Kernels whose arrays share a first axis, into which the axis of samples is merged -> the positions of these arrays,
# and of a shape argument. Further arrays must be the same for all samples.
FOLDED = {
    "convolve": ((0,), None), "convolve_relu": ((0,), None), "convolve_input": ((0,), 2), "max_pool": ((0,), None),
    "max_of_windows": ((0,), None),
    "take_taps": ((0, 1), None), "put_taps": ((0, 1), 2), "avg_pool": ((0,), None),
    "avg_pool_input": ((0,), 1), "take_plane": ((0, 1), None), "add_plane": ((0, 1), 2), "max_of_cells": ((0,), None),
    "patches": ((0,), None), "add_patches": ((0,), 1), "read_points": ((0, 1, 2), None),
    "add_points": ((0, 1, 2), 3), "match_points": ((0, 1, 2), None),
}  # fmt: skip
# The modules of backends/ whose kernels are elementwise.
POINTWISE_MODULES = ("activations", "gamma", "gelu", "normal", "selection", "special")
POINTWISE_KERNELS = onednn.KERNELS["activations"]  # those that oneDNN's kernels take precedence over
