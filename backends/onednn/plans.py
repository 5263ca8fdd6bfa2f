"""Plans: primitives for operands of certain shapes and strides, cached and run on arrays.

Making a primitive takes 0.2 to 2 ms, running it microseconds. A plan holds pointers to the operands of its last run,
and ctypes releases the GIL, so every thread has its own plans. Finalizers, handlers of signals and the like compute in
the middle of a run: they put its operands back.
"""

import ctypes
import functools
import threading
from collections.abc import Callable, Iterable
from typing import Any

from backends import buffers, precision, threads
from backends.buffers import address
from backends.geometry import Sizes
from backends.onednn import Unsupported
from backends.onednn.choice import asked
from backends.onednn.library import DIMENSIONS, INT, POINTER, Library, load

# The numbers of a primitive's arguments.
ARGUMENTS = {
    "src": 1, "src1": 2, "dst": 17, "weights": 33, "bias": 41, "mean": 49, "variance": 50, "scale": 51, "shift": 52,
    "workspace": 64, "scratchpad": 80, "diff_src": 129, "diff_dst": 145, "diff_weights": 161, "diff_scale": 255,
    "diff_shift": 256,
}  # fmt: skip
# Queries to its descriptor.
IMPLEMENTATION, OF_WEIGHTS, OF_DIFF_WEIGHTS, OF_WORKSPACE, OF_SCRATCHPAD = 8, 131, 132, 135, 136
TRAINING, INFERENCE, BACKWARD = 64, 96, 128
ANY = 1
TYPES = {"f": 3, "B": 6, "e": 1, "E": 2}  # by the character of a dtype; E is bfloat16
BFLOAT16_ALLOWED = 1
UNIMPLEMENTED = 3
CAPACITY = 1024  # plans per thread
# Steps after an operation. The library's ReLU turns NaN into 0. Its ELU keeps everything not below 0, including NaN;
# the rest becomes alpha·(exp(x) - 1), which for alpha = 0 is a negative zero; adding 0 makes it positive.
ELU, LINEAR = 0x22, 0x26
RELU = ("eltwise", ELU, 0.0, 0.0), ("eltwise", LINEAR, 1.0, 0.0)
SUM = ("sum", 1.0, 0, TYPES["f"])  # with what the result's memory holds


class Failed(RuntimeError):
    """A call to the library failed."""


class Workshop:
    """Descriptors and attributes for making a plan, released at the end."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.handles: list[tuple[str, Any]] = []

    def __enter__(self) -> "Workshop":
        return self

    def __exit__(self, *_: object) -> None:
        for destroy, handle in reversed(self.handles):
            self.library[destroy](handle)

    def make(self, function: str, *arguments: Any) -> Any:
        """A new handle; Unsupported if there is no such kernel."""
        handle = POINTER()
        status = self.library[function](ctypes.byref(handle), *arguments)
        if status == UNIMPLEMENTED:
            raise Unsupported(function)
        check(status, function)
        for kind in ("memory_desc", "primitive_desc", "primitive_attr", "post_ops"):
            if f"{kind}_create" in function:
                self.handles.append((f"{kind}_destroy", handle))
        return handle

    def primitive(self, operation: str, *arguments: Any, attributes: Any = None, avoid: str = "ref") -> Any:
        """The descriptor of a primitive, but never of a reference implementation.

        avoid: prefixes of implementations to skip if the next one is just-in-time compiled.
        """
        name, engine = f"{operation}_primitive_desc_create", self.library.engine
        request = (name, engine, *arguments, attributes or self.attributes())
        found = self.make(*request)
        if self.implementation(found).startswith(avoid):
            second = self.make(*request)
            if not self.library["primitive_desc_next_impl"](second) and "jit" in self.implementation(second):
                found = second
        if self.implementation(found).startswith("ref"):
            raise Unsupported(f"{operation} has only a reference implementation")
        return found

    def implementation(self, primitive: Any) -> str:
        """The name of the implementation behind a primitive's descriptor."""
        text = ctypes.c_char_p()
        self.library["primitive_desc_query"](primitive, IMPLEMENTATION, 0, ctypes.byref(text))
        return (text.value or b"").decode()

    def compiled(self, primitive: Any, case: str) -> Any:
        """The descriptor, if the implementation behind it is compiled for the processor."""
        if "jit" not in self.implementation(primitive):
            raise Unsupported(case)
        return primitive

    def attributes(self, *steps: tuple[Any, ...]) -> Any:
        """Attributes with steps for the result, given as names and arguments of post-operations."""
        attributes = self.make("primitive_attr_create")
        self.library["primitive_attr_set_scratchpad_mode"](attributes, 1)
        if precision.get_float32_matmul_precision() == "medium":
            self.library["primitive_attr_set_fpmath_mode"](attributes, BFLOAT16_ALLOWED)
        if steps:
            chain = self.make("post_ops_create")
            for kind, *rest in steps:
                check(self.library[f"post_ops_append_{kind}"](chain, *rest), kind)
            check(self.library["primitive_attr_set_post_ops"](attributes, chain), "post-operations")
        return attributes

    def memory(self, shape: Sizes, strides: Sizes, dtype: Any = buffers.FLOAT32) -> Any:
        """The descriptor of an array; strides: those of a float32 array in the same layout, in bytes."""
        steps = [s // 4 for s in strides]
        return self.make("memory_desc_create_with_strides", len(shape), dims(shape), TYPES[dtype.char], dims(steps))

    def any_layout(self, shape: Sizes, dtype: Any = buffers.FLOAT32) -> Any:
        """A descriptor that leaves the layout to the primitive."""
        return self.make("memory_desc_create_with_tag", len(shape), dims(shape), TYPES[dtype.char], ANY)

    def asked(self, primitive: Any, what: int) -> Any:
        """The descriptor of one of a primitive's operands; None if it is empty."""
        found = self.library["primitive_desc_query_md"](primitive, what, 0)
        return POINTER(found) if found and self.size(found) else None

    def size(self, memory: Any) -> int:
        """The size in bytes of the memory that a descriptor describes."""
        return int(self.library["memory_desc_get_size"](memory))

    def same(self, one: Any, other: Any) -> bool:
        """Whether two descriptors are equal."""
        return bool(self.library["memory_desc_equal"](one, other))

    def reorder(self, source: Any, target: Any, converts: bool = False) -> "Plan":
        """The plan that copies from one layout to another, or one dtype to another."""
        engine = self.library.engine
        desc = self.make("reorder_primitive_desc_create", source, engine, target, engine, self.attributes())
        if converts:  # others lose the sign of zeros
            self.compiled(desc, "conversion on this processor")
        return Plan(self, desc, src=source, dst=target)


def dims(sizes: Iterable[int]) -> Any:
    """Sizes in the form that the library expects."""
    return DIMENSIONS(*sizes)


def check(status: int, what: str) -> None:
    """Raise unless a call to the library succeeded."""
    if status:
        raise MemoryError(f"oneDNN {what}") if status == 1 else Failed(f"oneDNN {what}: status {status}")


class _Argument(ctypes.Structure):
    _fields_ = [("kind", INT), ("memory", POINTER)]


class Plan:
    """A primitive with its memory objects; `run` points these at arrays, in the order of their descriptors.

    named: descriptors of operands by the names of arguments, None for those that there are not; others: behind these,
    further ones by number.
    """

    def __init__(self, workshop: Workshop, desc: Any, *others: tuple[int, Any], **named: Any) -> None:
        library = self.library = workshop.library
        self.used = 0
        self.implementation = workshop.implementation(desc)
        self.primitive, self.memories = workshop.make("primitive_create", desc), []
        scratch = workshop.asked(desc, OF_SCRATCHPAD)
        self.scratch_size = workshop.size(scratch) if scratch else 0
        operands = [(ARGUMENTS[name], memory) for name, memory in named.items() if memory is not None]
        operands += [*others, *[(ARGUMENTS["scratchpad"], scratch)] * (scratch is not None)]
        kinds, memories = zip(*operands, strict=True)
        for memory in memories:
            self.memories.append(workshop.make("memory_create", memory, library.engine, None))
        self.count = len(kinds)
        self.places = [0] * self.count  # the addresses of the last run
        self.wanted: list[int] | None = None  # those of the present one
        self.arguments = (_Argument * self.count)(*map(_Argument, kinds, self.memories))
        self.set_handle, self.execute = library.set_handle, library.execute

    def __del__(self) -> None:
        library = self.library
        for memory in getattr(self, "memories", ()):
            library["memory_destroy"](memory)
        if primitive := getattr(self, "primitive", None):
            library["primitive_destroy"](primitive)

    def run(self, *arrays: Any) -> None:
        """Execute on arrays with the shapes and strides for which the plan was made."""
        if self.scratch_size:
            arrays += (state.scratch(self.scratch_size),)
        places = [*map(address, arrays)]
        outer, self.wanted = self.wanted, places
        try:
            if places != self.places:
                self._point(places)
            if status := self.execute(self.primitive, state.stream, self.count, self.arguments):
                check(status, self.implementation)
        finally:
            self.wanted = outer
            if outer is not None:  # this run is in the middle of that one
                self._point(outer)

    def _point(self, places: list[int]) -> None:
        before, self.places = self.places, [0] * self.count  # in case of an interrupt or another run in between
        for memory, old, new in zip(self.memories, before, places, strict=True):
            if old != new:
                self.set_handle(memory, new)
        self.places = places


class _State(threading.local):
    """The plans and the scratch memory of each thread."""

    def __init__(self) -> None:
        self.plans: dict[Any, Any] = {}
        self.clock, self.setting = 0, -1
        self.token = object()  # stands for the plans
        self.stream: Any = None
        self.workspaces: dict[str, Any] = {}

    def refresh(self, library: Library) -> None:
        """Make all primitives again after a change of settings, because primitives keep theirs."""
        self.plans.clear()
        self.token = object()
        library.set_threads(threads.get_num_threads())
        if self.stream is None:
            stream = POINTER()
            check(library["stream_create"](ctypes.byref(stream), library.engine, 1), "stream_create")
            self.stream = stream
        self.setting = changes.count

    def scratch(self, size: int) -> Any:
        """Memory for a single call to the library."""
        found = self.workspaces.get("scratch")
        if found is None or found.nbytes < size:
            found = self.workspaces["scratch"] = buffers.empty((-(-size // 4),))
        return found

    def lend(self, size: int, purpose: str) -> Any:
        """Memory for several runs, which goes to nobody else until it is put back into `workspaces`."""
        found = self.workspaces.pop(purpose, None)
        return buffers.empty((-(-size // 4),)) if found is None or found.nbytes < size else found

    def make_room(self) -> None:
        """Drop the least recently used half of the plans."""
        by_use = sorted(self.plans.copy().items(), key=lambda item: item[1].used)
        for key, _ in by_use[: len(by_use) // 2]:
            self.plans.pop(key, None)


class _Changes:
    """Counts changes of the number of threads and of the precision."""

    count = 0

    def note(self, _setting: int | str) -> None:
        """Note a change, since primitives keep the settings they were made with."""
        self.count += 1


state = _State()
changes = _Changes()
threads.on_change(changes.note)
precision.on_change(changes.note)


def situation() -> object:
    """Stands for the plans of this thread under the present settings.

    False if there are none yet, as no kernel has asked for the library; None if NumPy computes.
    """
    used = asked()
    if not used:
        return False if used is None else None
    if state.setting != changes.count:
        state.refresh(load())
    return state.token


def planned(make: Callable[..., Any]) -> Callable[..., Any]:
    """Cache the results of `make(workshop, *key)` by key, and that it raised Unsupported."""

    @functools.wraps(make)
    def find(*key: Any) -> Any:
        own = state
        if own.setting != changes.count:
            own.refresh(load())
        own.clock += 1
        plan = own.plans.get((make, key))
        if plan is None:
            if len(own.plans) >= CAPACITY:
                own.make_room()
            try:
                with Workshop(load()) as workshop:
                    plan = make(workshop, *key)
            except Unsupported as reason:
                plan = Unsupported(*reason.args)  # without frames, which would keep operands
            own.plans[make, key] = plan
        plan.used = own.clock
        if plan.__class__ is Unsupported:
            raise Unsupported(*plan.args)
        return plan

    return find
