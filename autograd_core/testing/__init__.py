"""Tools to test operations, layers and models: gradient checks, and the suite that every registered entry passes.

Hypothesis strategies are in `autograd_core.testing.strategies`, the stand-in for a GPU array in
`autograd_core.testing.refusing`; the pytest plugin offers the checks as fixtures.
"""

from autograd_core.families import load_all
from autograd_core.testing.closeness import assert_allclose as assert_allclose
from autograd_core.testing.closeness import assert_close as assert_close
from autograd_core.testing.entries import check_entry as check_entry
from autograd_core.testing.entries import temporary_ops as temporary_ops
from autograd_core.testing.gradients import GradientError as GradientError
from autograd_core.testing.gradients import gradcheck as gradcheck
from autograd_core.testing.gradients import gradgradcheck as gradgradcheck
from autograd_core.testing.making import make_tensor as make_tensor
from autograd_core.testing.refusing import RefusingArray as RefusingArray
from autograd_core.testing.suite import check_op as check_op

load_all()
GradcheckError = GradientError  # PyTorch's name
