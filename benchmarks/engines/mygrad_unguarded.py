"""MyGrad with its guard against writes to shared memory turned off, as it advises where speed matters."""

import mygrad

from benchmarks.engines.mygrad_engine import chain, lenet5, mlp, mlp_tiny, scalar

__all__ = ["chain", "lenet5", "mlp", "mlp_tiny", "scalar"]

mygrad.turn_memory_guarding_off()
