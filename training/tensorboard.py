"""Event files for TensorBoard, written by tensorboardX: PyTorch's `torch.utils.tensorboard`."""

from collections.abc import Callable
from contextlib import redirect_stdout
from functools import wraps
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from autograd_core import Tensor, trees
from training.extras import require

tensorboardX = require("tensorboardX", "training.tensorboard")
FileWriter = tensorboardX.FileWriter


def _of_tensors(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method, which takes tensors on any device too."""

    @wraps(method)
    def call(self: Any, *args: Any, **options: Any) -> Any:
        args, options = trees.mapped(_on_host, (args, options))
        return method(self, *args, **options)

    return call


def _on_host(leaf: Any) -> Any:
    if not isinstance(leaf, Tensor):
        return leaf
    return leaf.detach().cpu().numpy() if leaf.ndim else leaf.item()


class SummaryWriter(tensorboardX.SummaryWriter):  # type: ignore[misc, name-defined]
    """Writes scalars, histograms, images, texts, curves and embeddings into a folder that TensorBoard shows."""

    def add_graph(self, model: Any, input_to_model: Any = None, verbose: bool = False, **options: Any) -> None:
        """The graph of a model for such an input, or a tuple of inputs."""
        from nn import onnx

        with TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            onnx.export(model, input_to_model, path)
            with redirect_stdout(StringIO()):  # it prints names
                self.add_onnx_graph(str(path))


for _name, _method in vars(tensorboardX.SummaryWriter).items():
    if _name.startswith("add_") and _name not in vars(SummaryWriter):
        setattr(SummaryWriter, _name, _of_tensors(_method))
