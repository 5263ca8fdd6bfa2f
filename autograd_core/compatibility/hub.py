"""PyTorch's `torch.hub`: downloads the weights of trained models."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import urlopen

from autograd_core.compatibility import above

HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")  # the digits in the name of a file, as in "resnet18-f37072fd.pth"
_chosen: str | None = None


def _get_torch_home() -> str:
    return str(Path(os.environ.get("TORCH_HOME", "~/.cache/torch")).expanduser())


def get_dir() -> str:
    """Where files are kept: as `set_dir` says, or $TORCH_HOME/hub, by default ~/.cache/torch/hub, as PyTorch does."""
    return _chosen or str(Path(_get_torch_home()) / "hub")


def set_dir(d: str | os.PathLike[str]) -> None:
    """Choose where files are kept."""
    global _chosen
    _chosen = str(Path(d).expanduser())


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> None:
    """Download a file, which appears at once and complete.

    hash_prefix: with which digits the SHA-256 of the content begins; RuntimeError for others.
    """
    target = Path(dst)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        path = Path(folder) / target.name
        with urlopen(url) as source, path.open("wb") as file:
            shutil.copyfileobj(source, file)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if not digest.startswith(hash_prefix or ""):
            raise RuntimeError(f'invalid hash value (expected "{hash_prefix}", got "{digest}") of {url}')
        path.replace(target)


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = True,
) -> Any:
    """What is in a file of PyTorch's, downloaded unless it is in `model_dir` already, by default get_dir()/checkpoints.

    check_hash: its SHA-256 must begin with the digits in its name, as in "resnet18-f37072fd.pth".
    """
    folder = Path(model_dir or Path(get_dir()) / "checkpoints")
    path = folder / (file_name or Path(urlparse(url).path).name)
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        digits = HASH_REGEX.search(path.name) if check_hash else None
        download_url_to_file(url, str(path), digits and digits[1])
    return above.find("load")(path, map_location=map_location)


load_url = load_state_dict_from_url


def __getattr__(name: str) -> Any:
    """The progress bar, which libraries take from here, if it is installed."""
    if name == "tqdm":
        from tqdm.auto import tqdm

        return tqdm
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
