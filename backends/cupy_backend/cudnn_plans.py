"""Plans of the cuDNN library, each for a convolution, an attention or a gradient of these, and one set of shapes.

A plan is a graph with the engine that the library's heuristics choose or, if `AUTOGRAD_CORE_CUDNN_AUTOTUNE` is a
number, the fastest of that many. The fastest engines are stored in a file, by shapes, library and GPU; see `Choices`.
Plans live as long as the thread that made them, which has its own handles, unless newer ones replace them, and as long
as a captured step that uses them. Without a GPU, they are tested against the
description of one (`pygraph(device_property=...)`).
"""

import json
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from backends.cupy_backend.launch import VECTOR, Gpu, Unusable
from backends.geometry import Array, Sizes
from backends.live import keep

logger = logging.getLogger(__name__)

AUTOTUNE = "AUTOGRAD_CORE_CUDNN_AUTOTUNE"
CACHE = "AUTOGRAD_CORE_CACHE"
WORKSPACE = 1 << 30  # the most bytes an engine may use
TYPES = {"float16": "HALF", "bfloat16": "BFLOAT16", "float32": "FLOAT"}
INSTEAD = "cuDNN does not compute %s, a slower kernel does: %s"
REMEDY = "pip install nvidia-cudnn-frontend==1.22.1 and nvidia-cudnn-cu13 (or -cu12)"


class Key(Protocol):
    """What a plan computes; hashable."""

    @property
    def most(self) -> int:
        """How many plans of this type a thread keeps."""

    @property
    def slow(self) -> bool:
        """Whether a plan takes so long to make that none replaces an older one."""

    def graph(self, cudnn: Any, **device: Any) -> Any:
        """The graph with its engines, none of them built yet."""

    def __iter__(self) -> Iterator[Any]:
        """The fields."""


class Convolution(NamedTuple):
    """The key of a plan.

    result: "y" from x and w, and bias if `biased`; "x": the gradient in x from y and w; "w": the gradient in w from x
    and y. Shapes are (N, C, *S), (O, C / groups, *K) and (N, O, *out), with two or three spatial axes; memory is
    channels-last. strict: float32 must not be rounded to TF32 for tensor cores. deterministic: only use engines with
    reproducible results.
    """

    result: str
    dtype: str
    x: Sizes
    w: Sizes
    y: Sizes
    padding: Sizes
    stride: Sizes
    dilation: Sizes
    biased: bool
    strict: bool
    deterministic: bool

    @property
    def most(self) -> int:
        """How many plans are kept."""
        return 1024

    @property
    def slow(self) -> bool:
        """Whether a plan takes a second to make."""
        return False

    def graph(self, cudnn: Any, **device: Any) -> Any:
        """The graph with its engines, none of them built yet.

        device: handle=..., or device_property=... and sm_version=... without a GPU. Operands are numbered 1, 2, ... in
        the order of the arguments of `Cudnn.run`; the result is the last.
        """
        dtype, wide = getattr(cudnn.data_type, TYPES[self.dtype]), cudnn.data_type.FLOAT
        graph = cudnn.pygraph(io_data_type=dtype, intermediate_data_type=wide, compute_data_type=wide, **device)

        def operand(name: str, uid: int) -> Any:
            shape = getattr(self, name)
            return graph.tensor(dim=list(shape), stride=strides_of(shape), data_type=dtype, name=name, uid=uid)

        geometry = {name: list(getattr(self, name)) for name in ("padding", "stride", "dilation")}
        last = 3
        if self.result == "y":
            out = graph.conv_fprop(image=operand("x", 1), weight=operand("w", 2), **geometry)
            if self.biased:
                shape = (1, self.y[1], *(1,) * (len(self.y) - 2))
                bias = graph.tensor(dim=list(shape), stride=strides_of(shape), data_type=dtype, name="bias", uid=3)
                out, last = graph.bias(input=out, bias=bias), 4
        elif self.result == "x":
            out = graph.conv_dgrad(loss=operand("y", 1), filter=operand("w", 2), **geometry)
        else:
            out = graph.conv_wgrad(image=operand("x", 1), loss=operand("y", 2), **geometry)
        shape = getattr(self, self.result)
        out.set_output(True).set_data_type(dtype).set_dim(list(shape)).set_stride(strides_of(shape)).set_uid(last)
        notes = cudnn.numerical_note
        without = (
            [notes.REDUCED_PRECISION_REDUCTION]
            + [notes.TENSOR_CORE, notes.DOWN_CONVERT_INPUTS] * self.strict
            + [notes.NONDETERMINISTIC] * self.deterministic
        )
        return with_engines(cudnn, graph, without, WORKSPACE)


def strides_of(shape: Sizes) -> list[int]:
    """The strides, in elements, of (N, C, *S) in channels-last memory."""
    steps, step = [0] * len(shape), 1
    for axis in (1, *range(len(shape) - 1, 1, -1), 0):
        steps[axis], step = step, step * shape[axis]
    return steps


def with_engines(cudnn: Any, graph: Any, without: list[Any], workspace: int) -> Any:
    """The graph with the engines that can compute it, but those of some numerical notes or with a larger workspace."""
    graph.validate()
    graph.build_operation_graph()
    graph.create_execution_plans([cudnn.heur_mode.A, cudnn.heur_mode.FALLBACK])
    graph.deselect_numeric_notes(without)
    graph.deselect_workspace_greater_than(workspace)
    graph.check_support()
    return graph


class Plan:
    """A graph, which computes with the engine that was built last."""

    def __init__(self, graph: Any) -> None:
        self.graph, self.workspace = graph, int(graph.get_workspace_size())
        self.execute = getattr(graph, "_execute_with_ptrs", None)  # not public; a third of the time of `execute`

    def run(self, pointers: list[int], workspace: int, handle: int) -> None:
        """Compute on addresses in device memory: those of the operands, then of the result."""
        if self.execute is not None:
            self.execute(pointers, workspace, handle)
        else:
            self.graph.execute(dict(enumerate(pointers, 1)), workspace, handle)


class Choices:
    """The fastest engines by key, in a JSON file; a file that cannot be read or written is ignored."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names = self._read()

    def _read(self) -> dict[str, str]:
        try:
            names: dict[str, str] = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}
        return names

    def add(self, key: str, name: str) -> None:
        """Add a choice and replace the file atomically, keeping the entries of other processes."""
        self.names = self._read() | self.names | {key: name}
        draft = self.path.with_suffix(f".{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(self.names, indent=0))
            draft.replace(self.path)
        except OSError as error:
            logger.info("the fastest cuDNN engines are not kept: %s", error)


class Cudnn:
    """The cuDNN library, for the kernels of one `Gpu`."""

    def __init__(self, gpu: Gpu) -> None:
        _load_runtime()
        try:
            self.cudnn: Any = import_module("cudnn")
            version = self.cudnn.backend_version_string()
        except Exception as error:  # whatever a library says that does not load
            raise Unusable(f"cuDNN cannot be used ({error}); {REMEDY}") from error
        self.gpu, self.local = gpu, threading.local()
        self.errors = self.cudnn.cudnnGraphNotSupportedError, RuntimeError
        self.candidates = int(os.environ.get(AUTOTUNE) or 0)
        folder = Path(os.environ.get(CACHE) or Path.home() / ".cache" / "autograd_core")
        self.choices = Choices(folder / f"cudnn-{version}.json")

    def plan(self, key: Key, device: int, arrays: tuple[Array, ...]) -> Plan | None:
        """The plan of the calling thread; None if the library has no engine. Candidates are timed on the arrays."""
        plans = self.plans(key)
        if (key, device) not in plans:
            if len(plans) >= key.most:
                if key.slow:
                    return None
                del plans[next(iter(plans))]
            plans[key, device] = self._made(key, arrays)
        return plans[key, device]

    def plans(self, key: Key) -> dict[Any, Plan | None]:
        """The calling thread's plans for keys of this type."""
        kinds: dict[Any, dict[Any, Plan | None]] = self.local.__dict__.setdefault("plans", {})
        return kinds.setdefault(type(key), {})

    def run(self, key: Key, *arrays: Array, results: int = 1) -> bool:
        """Compute from operands into the last of the arrays; returns whether there is an engine for it.

        Plans require aligned addresses: an operand in the middle of another array may need a copy, in C order.
        """
        arrays = (*[a.copy() if self.gpu.address(a) % VECTOR else a for a in arrays[:-results]], *arrays[-results:])
        device = self.gpu.device()
        plan = self.plan(key, device, arrays)
        if plan is None:
            return False
        try:
            self._run(plan, arrays)
        except self.errors as error:
            logger.warning(INSTEAD, key, _line(error))
            self.plans(key)[key, device] = None
            return False
        return True

    def _run(self, plan: Plan, arrays: tuple[Array, ...]) -> None:
        space = self.gpu.xp.empty((max(plan.workspace, 1),), dtype=self.gpu.xp.uint8)
        plan.run([self.gpu.address(a) for a in arrays], self.gpu.address(space), self.handle())
        keep(plan)  # it owns kernels that were compiled for it

    def handle(self) -> int:
        """The calling thread's handle for the current device, on the current stream."""
        handles: dict[int, list[int]] = self.local.__dict__.setdefault("handles", {})
        device, stream = self.gpu.device(), self.gpu.stream()
        if device not in handles:
            handles[device] = [self.cudnn.create_handle(), -1]
        held = handles[device]
        if held[1] != stream:  # not free: about 2 µs
            self.cudnn.set_stream(handle=held[0], stream=stream)
            held[1] = stream
        return held[0]

    def graph(self, key: Key) -> Any:
        """The graph for the current device."""
        return key.graph(self.cudnn, handle=self.handle())

    def _made(self, key: Key, arrays: tuple[Array, ...]) -> Plan | None:
        try:
            graph = self.graph(key)
            if self.candidates > 1 and not self.gpu.capturing():
                return self._fastest(graph, key, arrays)
            graph.build_plans(self.cudnn.build_plan_policy.HEURISTICS_CHOICE)
            return Plan(graph)
        except self.errors as error:
            logger.warning(INSTEAD, key, _line(error))
            return None

    def _fastest(self, graph: Any, key: Key, arrays: tuple[Array, ...]) -> Plan:
        """The engine known to be the fastest or, if it is not there, the fastest of the first candidates."""
        place = f"{self.gpu.name()} {tuple(key)}"
        known, timed = self.choices.names.get(place), list[tuple[float, int, str]]()
        failure: Exception = RuntimeError("none of its engines can be used")
        names = [(i, graph.get_plan_name_at_index(i)) for i in range(graph.get_execution_plan_count())]
        for index, name in sorted(names, key=lambda named: named[1] != known):
            if timed and self._is_slowly_made(graph, index):
                continue
            try:
                graph.build_plan_at_index(index)
                if known == name:
                    return Plan(graph)
                timed.append((self.gpu.milliseconds(partial(self._run, Plan(graph), arrays)), index, name))
            except MemoryError as error:  # others may need less
                failure = error
            except self.errors as error:
                logger.info("cuDNN's engine %s is not used: %s", name, _line(error))
            if len(timed) == self.candidates:
                break
        if not timed:
            raise failure
        _, index, name = min(timed)
        graph.build_plan_at_index(index)
        self.choices.add(place, name)
        return Plan(graph)

    def _is_slowly_made(self, graph: Any, index: int) -> bool:
        """Whether an engine is compiled for the graph: some take a quarter of a minute, and are rarely the fastest."""
        return self.cudnn.behavior_note.RUNTIME_COMPILATION in graph.get_behavior_notes_for_plan_at_index(index)


def _load_runtime() -> None:
    """Load the CUDA runtime from wherever it is installed.

    The frontend asks it for the GPU when it plans attention, but looks on the loader's path alone, where wheels put
    nothing; CuPy has a runtime of its own.
    """
    with suppress(Exception):  # whatever it says that finds none
        import_module("cuda.pathfinder").load_nvidia_dynamic_lib("cudart")


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0]
