"""Makes modules importable where PyTorch has them: `import autograd_core.nn.functional as F`.

They are the modules themselves, not copies. This also works under another name given to the package:
`sys.modules["torch"] = autograd_core`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import FunctionType, ModuleType
from typing import Any

from autograd_core.compatibility.above import PLACES

PACKAGE = "autograd_core"
# Modules of PyTorch whose contents are in the parent package here.
WITHIN = {
    f"{package}.{name}": package
    for package, names in {
        "nn.modules": """activation adaptive batchnorm channelshuffle container conv distance dropout flatten fold
            instancenorm lazy linear loss module normalization padding pixelshuffle pooling rnn sparse transformer
            upsampling utils""",
        "optim": "adadelta adagrad adamax adamw asgd nadam radam rmsprop rprop sparse_adam",
        "autograd": "anomaly_mode variable",
        "nn.utils": "clip_grad convert_parameters init memory_format spectral_norm weight_norm",
        "nn.parallel": "_functions data_parallel distributed replicate scatter_gather",
        "utils.data": "_utils _utils.collate _utils.pin_memory _utils.worker dataloader dataset distributed sampler",
        "distributed": """autograd device_mesh elastic elastic.multiprocessing elastic.multiprocessing.errors nn optim
            rpc tensor""",
        "profiler": "profiler",
        "utils.tensorboard": "writer",
    }.items()
    for name in names.split()
} | {
    "amp.autocast_mode": "amp",
    "cuda.amp.autocast_mode": "cuda.amp",
    "cuda.amp.grad_scaler": "cuda.amp",
    "autograd.gradcheck": "testing",
}


class _Package(ModuleType):
    """A package that keeps its functions when a module of the same name is imported, as PyTorch's do."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (isinstance(value, ModuleType) and isinstance(getattr(self, name, None), FunctionType)):
            super().__setattr__(name, value)


class _Loader:
    """Loads a module that was already imported under its own name.

    The base classes in `importlib.abc` would import a dozen modules, a quarter of the import time of this package.
    """

    def __init__(self, module: ModuleType) -> None:
        self._module, self._spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # the import replaced it
        module.__path__ = getattr(module, "__path__", [])  # so that its submodules are looked up


class _Finder:
    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        root, _, name = fullname.partition(".")
        package = sys.modules.get(PACKAGE)
        if fullname == "functorch":  # a package beside `torch`
            root, name = "torch", fullname
        if not name or package is None or sys.modules.get(root) is not package:
            return None
        place = _place(name)
        if place == fullname:
            return None
        module = import_module(place)
        if name in WITHIN:
            import_module(fullname.rpartition(".")[0]).__class__ = _Package
        loader: Any = _Loader(module)
        return ModuleSpec(fullname, loader, is_package=hasattr(module, "__path__"))


def _place(name: str) -> str:
    """The real name of a module, by its name within the package."""
    name = WITHIN.get(name, name)
    place = name
    while place:  # the longest known place that the name begins with
        if ":" not in (module := PLACES.get(place, ":")):
            return module + name.removeprefix(place)
        place = place.rpartition(".")[0]
    return f"{PACKAGE}.{name}"


def part(name: str) -> ModuleType | None:
    """The module that a program finds under this name in the package, if it is one of PyTorch's that is elsewhere."""
    return import_module(_place(name)) if name in WITHIN else None


def install() -> None:
    """Install the finder before Python's own, which would load a module again under its other name."""
    sys.meta_path.insert(0, _Finder())
