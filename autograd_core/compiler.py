"""`compile` and what goes with it: accepted, and everything runs as it is written."""

from autograd_core.jit import ignore as disable  # noqa: F401
from autograd_core.jit import is_scripting as is_compiling  # noqa: F401
from autograd_core.switches import compile as compile  # noqa: A004
