"""The command `python -m autograd_core draw module:callable --out graph.svg`."""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autograd_core.creation.sampling import randn
from autograd_core.drawing import FLOWS, SHOWN, draw
from autograd_core.drawing.layout.placement import DIRECTIONS
from autograd_core.drawing.writing.theme import THEMES


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw what a callable returns: tensors, a model with an input shape from `--input`, or a model and an example."""
    parser = argparse.ArgumentParser(prog="python -m autograd_core draw", description=main.__doc__)
    parser.add_argument(
        "target",
        metavar="module:callable",
        help="called without arguments; a model, or a function that needs arguments, is called with the example",
    )
    parser.add_argument("--out", required=True, help="a file: .svg, .html, .dot, .png or .pdf")
    parser.add_argument(
        "--input", action="append", default=[], help="shape of an example, such as 1,3,224,224; repeat it"
    )
    parser.add_argument("--depth", type=int, help="from which level on a module is one node")
    parser.add_argument("--show", choices=SHOWN, help="what nodes show; grads and stats also colour them")
    parser.add_argument("--flow", choices=FLOWS, default="forward", help="which pass is drawn (default: forward)")
    parser.add_argument("--direction", choices=DIRECTIONS, help="of the flow: LR is left to right")
    parser.add_argument("--theme", choices=THEMES, default="auto", help="colours (default: auto, as the reader's)")
    parser.add_argument("--max-nodes", type=int, default=2000, help="older operations are left out (default: 2000)")
    parser.add_argument("--lines", action="store_true", help="show where your code called each operation")
    given = vars(parser.parse_args(arguments))
    target, out, shapes = given.pop("target"), given.pop("out"), given.pop("input")
    try:
        made, example = _made(_found(target), [tuple(map(int, s.split(","))) for s in shapes])
        drawing = draw(made, example, **given)
        drawing.save(out)
    except (AttributeError, ImportError, OSError, RuntimeError, TypeError, ValueError) as e:
        sys.exit(f"draw: {e}")
    print(f"{out}: {len(drawing.graph.vertices)} nodes, {len(drawing.graph.edges)} edges", drawing.notice)


def _found(target: str) -> Any:
    """The object that "module:name.name" names; modules are also searched in the current folder."""
    module, colon, names = target.partition(":")
    if not colon or not names:
        raise ValueError(f"{target!r} is not of the form module:callable, such as nn.models:resnet20")
    sys.path.insert(0, str(Path.cwd()))
    found: Any = importlib.import_module(module)
    for name in names.split("."):
        found = getattr(found, name)
    return found


def _made(found: Any, shapes: list[tuple[int, ...]]) -> tuple[Any, Any]:
    """The object to draw, and the example to call it with, if any."""
    is_model = hasattr(found, "named_modules") and not isinstance(found, type)
    example: Any = tuple(randn(*shape) for shape in shapes) or None
    takes_example = is_model or (example is not None and inspect.isfunction(found) and _needs_arguments(found))
    made = found() if callable(found) and not takes_example else found
    if isinstance(made, tuple) and len(made) == 2 and callable(made[0]):
        made, given = made
        example = example if shapes else given
    if callable(made) and hasattr(made, "named_modules") and example is None:
        raise ValueError(f"a {type(made).__name__} needs an example: pass its shape, such as --input 1,3,224,224")
    return made, example


def _needs_arguments(function: Any) -> bool:
    try:
        inspect.signature(function).bind()
    except TypeError:
        return True
    return False
