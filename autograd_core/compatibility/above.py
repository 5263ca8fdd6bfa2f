"""Names that PyTorch keeps beside its tensors and that live elsewhere here, some in packages built on this one.

They are looked up on request. This is the only place in the package that names them; nothing below imports it.
"""

from importlib import import_module
from typing import Any

# Functions of `nn.functional` that PyTorch has at the top level as well.
_LAYERS = "alpha_dropout celu_ dropout feature_alpha_dropout rrelu rrelu_ selu_ threshold_"
# By module of this folder: what PyTorch calls it.
_HERE = {
    "accelerator": "accelerator", "backends": "backends", "build": "__config__",
    "compiling": "_dynamo.config _inductor.config", "cpu": "cpu", "distributed": "distributed", "flat": "_utils",
    "futures": "futures", "fx": "fx", "hub": "hub utils.model_zoo", "internals": "_C _C._nn",
    "jit": """jit compiler _dynamo _dynamo.utils _dynamo._trace_wrapped_higher_order_op _higher_order_ops _inductor
        _subclasses _subclasses.fake_tensor fx.experimental fx.experimental.proxy_tensor""",
    "library": "library _custom_ops", "lists": "utils._foreach_utils", "named": "ao ao.quantization jit.annotations",
    "overrides": "overrides", "processes": "multiprocessing", "return_types": "return_types",
    "scanning": "_higher_order_ops.associative_scan", "types": "types", "version": "version torch_version",
}  # fmt: skip
# By PyTorch's name: a module, or one of its functions behind a colon.
_ELSEWHERE = {
    "nn": "nn", "nn.attention.flex_attention": "nn.flex_attention", "optim": "optim", "functorch": "nn.functorch",
    "onnx": "nn.onnx", **dict.fromkeys(("onnx.symbolic_helper", "onnx.symbolic_opset11"), "nn.onnx.symbolic"),
    "serialization": "nn.files.serialization",
    **{name: f"nn.files.serialization:{name}" for name in ("load", "save")},
    **{f"func.{name}": f"nn:{name}" for name in ("functional_call", "stack_module_state")},
    "func.replace_all_batch_norm_modules_": "nn.stateless:replace_all_batch_norm_modules_",
    "optim.swa_utils.AveragedModel": "nn.averaging:AveragedModel",
    **{name: f"nn.functional:{name}" for name in _LAYERS.split()},
    "autograd.grad_mode": "autograd_core.grad_mode", "autograd.profiler": "autograd_core.profiler.recording",
    "autograd.profiler_util": "autograd_core.profiler.events", "_tensor_str": "autograd_core.semantics.printing",
    "utils.data": "training.data", "utils.tensorboard": "training.tensorboard",
    "multiprocessing.pool": "multiprocessing.pool", "storage": "autograd_core.semantics.storages",
    **{name: f"autograd_core.semantics.storages:{name}" for name in ("UntypedStorage", "TypedStorage")},
    **{name: f"{__package__}.named:{name}" for name in ("PyTorchFileReader", "ScriptModule", "TensorType")},
    "Future": f"{__package__}.futures:Future",
}  # fmt: skip
PLACES = {name: f"{__package__}.{module}" for module, names in _HERE.items() for name in names.split()} | _ELSEWHERE


def find(name: str) -> Any:
    """The module, or function of a module, at this place."""
    module, _, attribute = PLACES[name].partition(":")
    found = import_module(module)
    return getattr(found, attribute) if attribute else found
