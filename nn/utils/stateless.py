"""`functional_call` under the name that older programs use."""

from nn.stateless import functional_call as functional_call
