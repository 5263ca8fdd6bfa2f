"""Names that PyTorch keeps beside its tensors and that live elsewhere here, some in packages built on this one.

They are looked up on request. This is the only place in the package that names them; nothing below imports it.
"""

from importlib import import_module
from typing import Any

# Functions of `nn.functional` that PyTorch has at the top level as well.
_LAYERS = "alpha_dropout celu_ dropout feature_alpha_dropout rrelu rrelu_ selu_ threshold_"
PLACES = {
    "nn.attention.flex_attention": "nn.flex_attention",
    "nn": "nn", "optim": "optim", "load": "nn.files.serialization:load", "save": "nn.files.serialization:save",
    "serialization": "nn.files.serialization",
    **dict.fromkeys(("onnx.symbolic_helper", "onnx.symbolic_opset11"), "nn.onnx.symbolic"), "onnx": "nn.onnx",
    "func.functional_call": "nn:functional_call", "func.stack_module_state": "nn:stack_module_state",
    "func.replace_all_batch_norm_modules_": "nn.stateless:replace_all_batch_norm_modules_",
    "functorch": "nn.functorch",
    "optim.swa_utils.AveragedModel": "nn.averaging:AveragedModel",
    **{name: f"nn.functional:{name}" for name in _LAYERS.split()},
    "autograd.grad_mode": "autograd_core.grad_mode",
    "autograd.profiler_util": "autograd_core.profiler.events", "autograd.profiler": "autograd_core.profiler.recording",
    "utils.data": "training.data", "utils.tensorboard": "training.tensorboard",
    "multiprocessing.pool": "multiprocessing.pool", "multiprocessing": "autograd_core.compatibility.processes",
    "accelerator": "autograd_core.compatibility.accelerator", "backends": "autograd_core.compatibility.backends",
    "jit.annotations": "autograd_core.compatibility.named", "jit": "autograd_core.compatibility.jit",
    **dict.fromkeys(
        ("_subclasses.fake_tensor", "_subclasses", "fx.experimental.proxy_tensor", "fx.experimental"),
        "autograd_core.compatibility.jit",
    ),
    "compiler": "autograd_core.compatibility.jit", "fx": "autograd_core.compatibility.fx",
    "_dynamo.utils": "autograd_core.compatibility.jit",
    "_dynamo._trace_wrapped_higher_order_op": "autograd_core.compatibility.jit",
    "_dynamo.config": "autograd_core.compatibility.compiling", "_dynamo": "autograd_core.compatibility.jit",
    "_inductor.config": "autograd_core.compatibility.compiling", "_inductor": "autograd_core.compatibility.jit",
    "hub": "autograd_core.compatibility.hub", "utils.model_zoo": "autograd_core.compatibility.hub",
    "utils._foreach_utils": "autograd_core.compatibility.lists", "_utils": "autograd_core.compatibility.flat",
    "_C._nn": "autograd_core.compatibility.internals", "_C": "autograd_core.compatibility.internals",
    "types": "autograd_core.compatibility.types", "return_types": "autograd_core.compatibility.return_types",
    "cpu": "autograd_core.compatibility.cpu", "overrides": "autograd_core.compatibility.overrides",
    "library": "autograd_core.compatibility.library", "_custom_ops": "autograd_core.compatibility.library",
    **dict.fromkeys(("ao.quantization", "ao"), "autograd_core.compatibility.named"),
    **{n: f"autograd_core.compatibility.named:{n}" for n in ("PyTorchFileReader", "ScriptModule", "TensorType")},
    "storage": "autograd_core.semantics.storages",
    **{name: f"autograd_core.semantics.storages:{name}" for name in ("UntypedStorage", "TypedStorage")},
    "futures": "autograd_core.compatibility.futures", "Future": "autograd_core.compatibility.futures:Future",
    "__config__": "autograd_core.compatibility.build",
    "distributed": "autograd_core.compatibility.distributed",
    **dict.fromkeys(("version", "torch_version"), "autograd_core.compatibility.version"),
    "_higher_order_ops.associative_scan": "autograd_core.compatibility.scanning",
    "_higher_order_ops": "autograd_core.compatibility.jit",
    "_tensor_str": "autograd_core.semantics.printing",
}  # fmt: skip


def find(name: str) -> Any:
    """The module, or function of a module, at this place."""
    module, _, attribute = PLACES[name].partition(":")
    found = import_module(module)
    return getattr(found, attribute) if attribute else found
