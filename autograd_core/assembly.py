"""Assembles the package: operations first, then the functions and methods built on them."""

import warnings

from autograd_core import devices, families, ops, random, signal
from autograd_core.compatibility import absent, importing
from autograd_core.creation import filled, ranges, sampling, sampling_in_place, values
from autograd_core.semantics import interop, metadata, printing, reshaping, storages, subclasses, writing

PARTS = (
    importing, absent, values, filled, ranges, devices, writing, interop, metadata, ops, printing, random, sampling,
    reshaping, sampling_in_place, storages, subclasses, signal.windows, families,
)  # fmt: skip
for part in PARTS:
    part.install()

# Floating-point errors give inf or nan, as in every array library; NumPy would also warn, inside our operations.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"(autograd_core|backends|optim)\.")
