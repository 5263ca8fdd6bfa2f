"""`functional_call` and its parts under the names that older programs use."""

from nn.stateless import functional_call as functional_call
from nn.stateless import reparametrized as _reparametrize_module  # noqa: F401
