"""Convolutions by cuDNN without a GPU: what its plans are asked for, and that it has engines for that."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from ml_dtypes import bfloat16

from backends import determinism, precision
from backends import kernels as generic
from backends.cupy_backend import convolution, cudnn_plans
from backends.cupy_backend.cudnn_plans import Choices, Convolution, Cudnn, Plan, strides_of
from backends.cupy_backend.launch import Gpu, Unusable
from backends.deferred import Deferred
from backends.geometry import Geometry, channels_first
from backends.live import recording

plain = generic.bind(np, 1 << 20, Deferred("scipy.special"))
# shapes of x and w, and how w slides
CASES = [
    ((2, 64, 14, 14), (32, 64, 3, 3), Geometry((1, 1), (1, 1), (1, 1), 1)),
    ((2, 3, 15, 13), (16, 3, 7, 7), Geometry((2, 2), (3, 3), (1, 1), 1)),
    ((2, 16, 9, 8), (16, 4, 3, 2), Geometry((2, 1), (1, 0), (1, 2), 4)),
    ((2, 16, 9, 8), (16, 1, 3, 3), Geometry((1, 1), (1, 1), (1, 1), 16)),
    ((2, 8, 21), (24, 8, 5), Geometry((2,), (2,), (1,), 1)),
    ((1, 8, 6, 7, 5), (16, 8, 2, 3, 1), Geometry((1, 2, 1), (0, 1, 0), (1, 1, 1), 1)),
]
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: "x".join(map(str, case[0])) + f"/{case[2].groups}")


class Recorder:
    """In the place of `Cudnn`: computes what a plan's key says with the generic kernels, and keeps the keys."""

    def __init__(self):
        self.keys = []

    def run(self, key, *arrays):
        self.keys.append(key)
        *operands, result = arrays
        last = {"y": key.y, "x": key.x, "w": key.w}[key.result]
        assert all(a.flags.c_contiguous and a.dtype.name == key.dtype for a in arrays)
        # In one dimension a row has been added.
        shaped = [channels_first(a[:, None] if a.ndim == 3 else a) if a.ndim > 1 else a for a in operands]
        steps = Geometry(key.stride, key.padding, key.dilation, groups=key.x[1] // key.w[1])
        if key.result == "y":
            assert [a.shape for a in shaped[:2]] == [key.x, key.w]
            assert key.biased is (len(shaped) == 3)
            found = plain.convolve(shaped[0], shaped[1], steps, *shaped[2:])
        elif key.result == "x":
            found = plain.convolve_input(*shaped, key.x, steps)
        else:
            found = plain.convolve_weight(shaped[1], shaped[0], key.w, steps)
        assert found.shape == last
        channels_first(result[:, None] if result.ndim == 3 else result)[...] = found
        return True


@pytest.fixture
def gpu():
    gpu = Gpu(np, None)
    gpu.libraries[Cudnn] = Recorder()
    return gpu


def computed(gpu, case, dtype):
    """Each of the three kernels of a case, beside the generic one."""
    x_shape, w_shape, steps = case
    rng = np.random.default_rng(0)
    x, w, bias = (rng.standard_normal(shape).astype(dtype) for shape in (x_shape, w_shape, w_shape[:1]))
    y = convolution.convolve(gpu, x, w, steps, bias)
    g = rng.standard_normal(y.shape).astype(dtype)
    yield y, plain.convolve(x, w, steps, bias)
    yield convolution.convolve_input(gpu, g, w, x_shape, steps), plain.convolve_input(g, w, x_shape, steps)
    yield convolution.convolve_weight(gpu, g, x, w_shape, steps), plain.convolve_weight(g, x, w_shape, steps)


@each_case
@pytest.mark.parametrize("dtype", [np.float16, bfloat16, np.float32])
def test_plans_are_asked_for_what_was_asked_for(gpu, case, dtype):
    for ours, theirs in computed(gpu, case, dtype):
        assert ours.dtype == theirs.dtype
        exact, scale = theirs.astype(float), abs(theirs.astype(float)).max()
        tolerance = 1e-6 if dtype is np.float32 else 4e-3
        np.testing.assert_allclose(ours.astype(float), exact, atol=tolerance * scale)
    narrow = case[0][1] < 8 and ours.itemsize == 2
    assert {key.x[1] for key in gpu.libraries[Cudnn].keys} == {8 if narrow else case[0][1]}


def test_tf32_is_for_who_asks_for_it(gpu):
    x, w = np.ones((1, 8, 4, 4), np.float32), np.ones((8, 8, 3, 3), np.float32)
    steps = Geometry((1, 1), (1, 1), (1, 1), 1)
    try:
        for level in ("highest", "high"):
            precision.set_float32_matmul_precision(level)
            convolution.convolve(gpu, x, w, steps)
    finally:
        precision.set_float32_matmul_precision("highest")
    convolution.convolve(gpu, x.astype(np.float16), w.astype(np.float16), steps)
    assert [key.strict for key in gpu.libraries[Cudnn].keys] == [True, False, False]


def test_others_are_left_to_the_generic_kernels(gpu):
    x, w, steps = np.ones((1, 8, 4, 4)), np.ones((8, 8, 3, 3)), Geometry((1, 1), (1, 1), (1, 1), 1)
    assert convolution.convolve(gpu, x, w, steps) is None
    assert convolution.convolve(gpu, x[:0].astype(np.float32), w.astype(np.float32), steps) is None
    with pytest.raises(ValueError, match="x has 8 channels"):
        convolution.convolve(gpu, x.astype(np.float32), w[:, :4].astype(np.float32), steps)


class Engines:
    """A graph of four engines; the second of which cannot be built, the third not be run."""

    def __init__(self, compiled=()):
        self.ran, self.built, self.compiled = [], None, compiled

    def get_behavior_notes_for_plan_at_index(self, index):
        return ["compiled"] * (index in self.compiled)

    def get_execution_plan_count(self):
        return 4

    def get_plan_name_at_index(self, index):
        return f"engine {index}"

    def build_plan_at_index(self, index):
        if index == 1:
            raise RuntimeError("not supported")
        self.built = index

    def get_workspace_size(self):
        return 16

    def _execute_with_ptrs(self, pointers, workspace, handle):
        assert len(pointers) == 3
        if self.built == 2:
            raise RuntimeError("execution failed")
        self.ran.append(self.built)


def tuned(gpu, monkeypatch, folder, graph):
    """`Cudnn` that times two engines."""
    library = SimpleNamespace(
        backend_version_string=lambda: "9",
        create_handle=lambda: 7,
        set_stream=lambda handle, stream: None,
        cudnnGraphNotSupportedError=KeyError,
        behavior_note=SimpleNamespace(RUNTIME_COMPILATION="compiled"),
    )
    monkeypatch.setattr(cudnn_plans, "import_module", lambda name: library)
    monkeypatch.setenv(cudnn_plans.AUTOTUNE, "2")
    monkeypatch.setenv(cudnn_plans.CACHE, str(folder))
    gpu.device, gpu.stream, gpu.capturing, gpu.name = (lambda: 0), (lambda: 5), (lambda: False), (lambda: "H200")
    gpu.address = lambda array: array.ctypes.data
    gpu.milliseconds = lambda work: (work(), len(graph.ran) == 1)[1]  # the first one takes longer
    cudnn = Cudnn(gpu)
    cudnn.graph = lambda key: graph
    return cudnn


def test_the_fastest_engine_is_remembered(gpu, monkeypatch, tmp_path):
    x, w = np.ones((1, 8, 4, 4), np.float32), np.ones((8, 8, 3, 3), np.float32)
    steps = Geometry((1, 1), (1, 1), (1, 1), 1)
    for timed, expected in (([0, 3], 3), ([], 3)):
        graph = Engines()
        gpu.libraries[Cudnn] = tuned(gpu, monkeypatch, tmp_path, graph)
        convolution.convolve(gpu, x, w, steps)
        convolution.convolve(gpu, x, w, steps)
        assert graph.ran == [*timed, expected, expected]
    assert list(Choices(tmp_path / "cudnn-9.json").names.values()) == ["engine 3"]


@pytest.mark.parametrize(("compiled", "timed"), [((3,), [0]), ((0, 1, 2, 3), [0])])
def test_engines_that_are_compiled_are_timed_only_if_there_are_no_others(gpu, monkeypatch, tmp_path, compiled, timed):
    x, w, graph = np.ones((1, 8, 4, 4), np.float32), np.ones((8, 8, 3, 3), np.float32), Engines(compiled)
    gpu.libraries[Cudnn] = tuned(gpu, monkeypatch, tmp_path, graph)
    convolution.convolve(gpu, x, w, Geometry((1, 1), (1, 1), (1, 1), 1))
    assert graph.ran == [*timed, 0]


@pytest.mark.parametrize("known", ["engine 7", "engine 1"])
def test_an_engine_that_is_there_no_longer_is_replaced(gpu, monkeypatch, tmp_path, known):
    x, w, graph = np.ones((1, 8, 4, 4), np.float32), np.ones((8, 8, 3, 3), np.float32), Engines()
    cudnn = gpu.libraries[Cudnn] = tuned(gpu, monkeypatch, tmp_path, graph)

    class Any(dict):
        def get(self, place):
            return super().get(place, known)

    cudnn.choices.names = Any()
    assert convolution.convolve(gpu, x, w, Geometry((1, 1), (1, 1), (1, 1), 1)) is not None
    assert graph.ran == [0, 3, 3]


def test_an_engine_that_fails_is_replaced_and_not_asked_again(gpu, monkeypatch, tmp_path, caplog):
    x, w = np.ones((1, 8, 4, 4), np.float32), np.ones((8, 8, 3, 3), np.float32)
    graph = Engines()
    gpu.libraries[Cudnn] = tuned(gpu, monkeypatch, tmp_path, graph)
    convolution.convolve(gpu, x, w, Geometry((1, 1), (1, 1), (1, 1), 1))
    graph.built = 2
    for _ in range(2):
        assert convolution.convolve(gpu, x, w, Geometry((1, 1), (1, 1), (1, 1), 1)) is None
    assert [record.message.split(":")[1] for record in caplog.records] == [" execution failed"]


@pytest.mark.parametrize("large", [(0,), (0, 1, 2, 3)])
def test_memory_that_does_not_do_for_all_engines(gpu, monkeypatch, tmp_path, large):
    x, w, graph = np.ones((1, 8, 4, 4), np.float32), np.ones((8, 8, 3, 3), np.float32), Engines()
    cudnn = gpu.libraries[Cudnn] = tuned(gpu, monkeypatch, tmp_path, graph)
    run = cudnn._run

    def scarce(plan, arrays):
        if graph.built in large:
            raise MemoryError("out of memory")
        run(plan, arrays)

    monkeypatch.setattr(cudnn, "_run", scarce)
    if len(large) == 1:
        assert convolution.convolve(gpu, x, w, Geometry((1, 1), (1, 1), (1, 1), 1)) is not None
        assert graph.ran == [3, 3]
    else:
        with pytest.raises(MemoryError, match="out of memory"):
            convolution.convolve(gpu, x, w, Geometry((1, 1), (1, 1), (1, 1), 1))
        assert cudnn.choices.names == {}
        large = ()
        assert convolution.convolve(gpu, x, w, Geometry((1, 1), (1, 1), (1, 1), 1)) is not None


def test_processes_add_to_the_same_file(tmp_path):
    one, other = (Choices(tmp_path / "file.json") for _ in range(2))
    one.add("a", "engine 1")
    other.add("b", "engine 2")
    assert Choices(tmp_path / "file.json").names == {"a": "engine 1", "b": "engine 2"}


def test_a_damaged_file_of_choices_does_not_count(tmp_path):
    (tmp_path / "file.json").write_text("{")
    assert Choices(tmp_path / "file.json").names == {}


def test_a_missing_library_is_named(monkeypatch):
    def missing(name):
        raise ImportError("No module named 'cudnn'")

    monkeypatch.setattr(cudnn_plans, "import_module", missing)
    with pytest.raises(Unusable, match="pip install nvidia-cudnn-frontend"):
        Gpu(np, None).library(Cudnn)


def test_the_cuda_runtime_is_loaded_from_where_wheels_put_it(monkeypatch):
    """The frontend plans attention with it, and does not look there."""
    loaded = []
    monkeypatch.setitem(sys.modules, "cuda.pathfinder", SimpleNamespace(load_nvidia_dynamic_lib=loaded.append))
    cudnn = SimpleNamespace(
        backend_version_string=lambda: "9.19" if loaded else "", cudnnGraphNotSupportedError=ValueError
    )
    monkeypatch.setitem(sys.modules, "cudnn", cudnn)
    assert Cudnn(None).choices.path.name == "cudnn-9.19.json"
    assert loaded == ["cudart"]
    monkeypatch.setitem(sys.modules, "cuda.pathfinder", None)  # is not installed
    Cudnn(None)


@each_case
@pytest.mark.parametrize("dtype", [np.float16, bfloat16, np.float32])
@pytest.mark.parametrize("deterministic", [False, True])
def test_cudnn_has_engines(gpu, h200, case, dtype, deterministic):
    cudnn, device = h200
    list(computed(gpu, case, dtype))
    for key in gpu.libraries[Cudnn].keys:
        graph = key._replace(deterministic=deterministic).graph(cudnn, **device)
        graph.build_plans(cudnn.build_plan_policy.HEURISTICS_CHOICE)
        plan = Plan(graph)
        assert plan.execute is not None
        assert plan.workspace < 1 << 30
        assert graph._get_variant_pack_uids_sorted() == list(range(1, 5 if key.biased else 4))


def test_strides_of_channels_last():
    assert strides_of((2, 3, 4, 5)) == [60, 1, 15, 3]


class Noted:
    """A graph, or a tensor of one, that remembers what it was asked for."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        def call(*args, **given):
            self.calls.append((name, args, given))
            if name == "get_workspace_size":
                return 16
            return Noted() if name in ("tensor", "conv_fprop", "conv_dgrad", "conv_wgrad", "bias") else self

        return call


NOTES = "REDUCED_PRECISION_REDUCTION", "TENSOR_CORE", "DOWN_CONVERT_INPUTS", "NONDETERMINISTIC"


@pytest.fixture
def noted(gpu, monkeypatch):
    """`Cudnn` over a library whose graphs are noted, and those graphs."""
    graphs = []
    notes = SimpleNamespace(**{name: name for name in NOTES})
    library = SimpleNamespace(
        pygraph=lambda **given: graphs.append(Noted()) or graphs[-1],
        data_type=SimpleNamespace(FLOAT="float", HALF="half", BFLOAT16="bfloat16"),
        heur_mode=SimpleNamespace(A="a", FALLBACK="fallback"),
        build_plan_policy=SimpleNamespace(HEURISTICS_CHOICE="heuristics"),
        numerical_note=notes,
        backend_version_string=lambda: "9",
        cudnnGraphNotSupportedError=KeyError,
        create_handle=lambda: 7,
        set_stream=lambda handle, stream: None,
    )
    monkeypatch.setattr(cudnn_plans, "import_module", lambda name: library)
    monkeypatch.delenv(cudnn_plans.AUTOTUNE, raising=False)
    gpu.device, gpu.stream, gpu.address = (lambda: 0), (lambda: 5), (lambda array: array.ctypes.data)
    gpu.libraries.clear()
    return gpu, graphs


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("deterministic", [False, True])
def test_graphs_are_channels_last_and_float32_is_strict(noted, monkeypatch, dtype, deterministic):
    gpu, graphs = noted
    monkeypatch.setattr(determinism, "_wanted", deterministic)
    list(computed_alone(gpu, CASES[0], dtype))
    assert len(graphs) == 3
    assert [key.result for key, _ in gpu.libraries[Cudnn].local.plans[Convolution]] == ["y", "x", "w"]
    for graph in graphs:
        calls = {name: (args, given) for name, args, given in graph.calls}
        without = calls["deselect_numeric_notes"][0][0]
        assert without == [NOTES[0], *NOTES[1:3] * (dtype is np.float32), *NOTES[3:] * deterministic]
        tensors = [given for name, _, given in graph.calls if name == "tensor"]
        assert all(t["stride"] == strides_of(t["dim"]) for t in tensors)
        assert [t["uid"] for t in tensors] == list(range(1, len(tensors) + 1))
        pointers, workspace, handle = calls["_execute_with_ptrs"][0]
        assert (len(pointers), handle) == (len(tensors) + 1, 7)
        assert workspace


def test_operands_start_on_a_border(noted):
    gpu, graphs = noted
    x, w = np.ones(2 * 8 * 16 + 1, np.float32)[1:].reshape(2, 4, 4, 8), np.ones((8, 8, 3, 3), np.float32)
    convolution.convolve(gpu, channels_first(x), w, Geometry((1, 1), (1, 1), (1, 1), 1))
    ((pointers, _, _),) = [args for name, args, _ in graphs[0].calls if name == "_execute_with_ptrs"]
    assert all(pointer % 16 == 0 for pointer in pointers)


def test_captured_steps_keep_their_plans(noted):
    gpu, _ = noted
    x, w = np.ones((1, 8, 4, 4), np.float32), np.ones((8, 8, 3, 3), np.float32)
    for captured in (False, True):
        current = SimpleNamespace(captured=captured, backend=None, kept=[])
        token = recording.set(current)
        try:
            convolution.convolve(gpu, x, w, Geometry((1, 1), (1, 1), (1, 1), 1))
        finally:
            recording.reset(token)
        assert [type(kept) for kept in current.kept] == [Plan] * captured


def computed_alone(gpu, case, dtype):
    """Each of the three kernels of a case, whatever comes out."""
    x_shape, w_shape, steps = case
    x, w = np.ones(x_shape, dtype), np.ones(w_shape, dtype)
    y = convolution.convolve(gpu, x, w, steps, np.ones(w_shape[0], dtype))
    yield y
    yield convolution.convolve_input(gpu, y, w, x_shape, steps)
    yield convolution.convolve_weight(gpu, y, x, w_shape, steps)


def test_what_no_engine_can_compute_is_left_to_the_generic_kernel(noted, monkeypatch):
    gpu, _ = noted

    def refuse(key):
        raise RuntimeError("no engine")

    monkeypatch.setattr(gpu.library(Cudnn), "graph", refuse)
    x, w = np.ones((1, 8, 4, 4), np.float32), np.ones((8, 8, 3, 3), np.float32)
    assert convolution.convolve(gpu, x, w, Geometry((1, 1), (1, 1), (1, 1), 1)) is None
