"""The engines compared. Each has a builder per workload (``mlp_tiny`` for ``mlp-tiny``) that returns the step."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from benchmarks.steps import Step


@dataclass(frozen=True)
class Engine:
    """A package, and the module here (or an object in it) that drives it."""

    package: str
    module: str
    driver: str | None = None

    @property
    def installed(self) -> bool:
        """Whether the package is installed, without importing it."""
        return find_spec(self.package) is not None

    def builder(self, workload: str) -> Callable[[], Step]:
        """Import the engine and return the builder of one workload."""
        module = import_module(self.module)
        driver = getattr(module, self.driver) if self.driver else module
        return getattr(driver, workload.replace("-", "_"))


OURS, CAPTURED = "ours", "captured"
ENGINES = {
    OURS: Engine("autograd_core", "benchmarks.engines.ours", "programs"),
    CAPTURED: Engine("autograd_core", "benchmarks.engines.ours", "captured"),  # our steps, run by `capture`
    "torch": Engine("torch", "benchmarks.engines.torch_engine", "eager"),
    "torch-cl": Engine("torch", "benchmarks.engines.torch_engine", "channels_last"),
    "torch-compile": Engine("torch", "benchmarks.engines.torch_engine", "compiled"),
    "jax": Engine("jax", "benchmarks.engines.jax_engine"),
    "tinygrad": Engine("tinygrad", "benchmarks.engines.tinygrad_engine"),
    "mygrad": Engine("mygrad", "benchmarks.engines.mygrad_engine"),
    "mygrad-off": Engine("mygrad", "benchmarks.engines.mygrad_unguarded"),
    "autograd": Engine("autograd", "benchmarks.engines.autograd_engine"),
    "micrograd": Engine("micrograd", "benchmarks.engines.micrograd_engine"),
}
