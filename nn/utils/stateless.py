"""`functional_call` where older programs look for it."""

from nn.stateless import functional_call as functional_call
