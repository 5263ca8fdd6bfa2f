"""Reverse-mode automatic differentiation: a `Tensor` that records what is done with it, and walks back."""

import math
import warnings

# Floating-point errors give inf or nan, as in every array library; NumPy would also warn, from inside our operations.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"(autograd_core|backends)\.")

from autograd_core import creation, devices, inplace, interop, ops, printing, random  # noqa: E402

for _part in (creation, devices, inplace, interop, ops, printing, random):
    _part.install()

from autograd_core import autograd, errors, functional  # noqa: E402
from autograd_core.autograd import (  # noqa: E402
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from autograd_core.devices import Device as device  # noqa: E402
from autograd_core.dtypes import (  # noqa: E402
    complex64,
    complex128,
    double,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    int8,
    int16,
    int32,
    int64,
    long,
    promote_types,
    set_default_dtype,
    short,
    uint8,
)
from autograd_core.dtypes import bool_ as bool  # noqa: E402
from autograd_core.dtypes import float_ as float  # noqa: E402
from autograd_core.dtypes import int_ as int  # noqa: E402
from autograd_core.engine import backward, grad  # noqa: E402
from autograd_core.functional import *  # noqa: E402,F403
from autograd_core.printing import set_printoptions  # noqa: E402
from autograd_core.tensor import Tensor  # noqa: E402

__version__ = "0.1.0"
inf, nan, pi, e, newaxis = math.inf, math.nan, math.pi, math.e, None


def __getattr__(name):
    """Parts that cost time to import are imported when first used."""
    if name in ("draw", "func", "testing"):
        import importlib

        module = importlib.import_module({"draw": "autograd_core.drawing"}.get(name, f"autograd_core.{name}"))
        return module.draw if name == "draw" else module
    raise AttributeError(f"module 'autograd_core' has no attribute {name!r}")
