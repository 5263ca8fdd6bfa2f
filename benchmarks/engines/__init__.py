"""The engines compared. A module has a builder per workload (``mlp_tiny`` for ``mlp-tiny``) that returns the step."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from benchmarks.steps import Step


@dataclass(frozen=True)
class Engine:
    """An installed package, and the module here that drives it."""

    package: str
    module: str

    @property
    def installed(self) -> bool:
        """Whether the package is there, without importing it."""
        return find_spec(self.package) is not None

    def builder(self, workload: str) -> Callable[[], Step]:
        """Import the engine and return the builder of one workload."""
        builder: Callable[[], Step] = getattr(import_module(self.module), workload.replace("-", "_"))
        return builder


OURS = "ours"
ENGINES = {
    OURS: Engine("autograd_core", "benchmarks.engines.ours"),
    "torch": Engine("torch", "benchmarks.engines.torch_engine"),
    "torch-cl": Engine("torch", "benchmarks.engines.torch_channels_last"),
    "micrograd": Engine("micrograd", "benchmarks.engines.micrograd_engine"),
}
