import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import backends
from backends import BackendUnavailable, kernels, registry
from backends.cupy_backend import diagnosis


def test_importing_backends_imports_no_cupy():
    code = "import backends, sys; backends.get('cpu'); sys.exit('cupy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_unknown_name_lists_the_known():
    with pytest.raises(ValueError, match=r"unknown device type 'tpu'; known are 'cpu', 'cuda'"):
        backends.get("tpu")


def replace_cupy(monkeypatch, result):
    def import_module(name):
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(diagnosis, "import_module", import_module)
    monkeypatch.delitem(registry._loaded, "cuda", raising=False)


def cupy_with(count):
    class CUDARuntimeError(RuntimeError):
        pass

    def devices():
        if count is None:
            raise CUDARuntimeError("cudaErrorInsufficientDriver")
        return count

    runtime = SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError,
        getDeviceCount=devices,
        driverGetVersion=lambda: 0,
        runtimeGetVersion=lambda: 13000,
    )
    return SimpleNamespace(__version__="14.2.0", cuda=SimpleNamespace(runtime=runtime))


@pytest.mark.parametrize(
    "cupy,words",
    [
        (ModuleNotFoundError("no", name="cupy"), ["not installed", 'pip install "autograd-core[cuda12]"', "cuda13"]),
        (ModuleNotFoundError("no fastrlock", name="fastrlock"), ["incomplete", "no fastrlock", "pip install"]),
        (ImportError("libcuda.so"), ["does not load", "libcuda.so", "pip install"]),
        (cupy_with(None), ["no NVIDIA driver", "cudaErrorInsufficientDriver", "nvidia-smi"]),
        (cupy_with(0), ["no GPU is visible", "CUDA_VISIBLE_DEVICES"]),
    ],
)
def test_missing_cuda_says_what_and_how(monkeypatch, cupy, words):
    replace_cupy(monkeypatch, cupy)
    with pytest.raises(BackendUnavailable) as caught:
        backends.get("cuda")
    assert all(word in str(caught.value) for word in words)
    assert isinstance(caught.value, ImportError)
    assert isinstance(caught.value, RuntimeError)
    assert "cuda" not in backends.available()


def test_a_backend_can_be_added_and_replaced(monkeypatch):
    monkeypatch.setattr(registry, "_loaders", dict(registry._loaders))
    monkeypatch.setattr(registry, "_loaded", dict(registry._loaded))
    first, second = SimpleNamespace(), SimpleNamespace()
    backends.register("toy", lambda: first)
    assert backends.get("toy") is first
    assert backends.get("toy") is first
    assert "toy" in backends.available()
    backends.register("toy", lambda: second)
    assert backends.get("toy") is second


def test_numpy_backend():
    cpu = backends.get("cpu")
    assert cpu is backends.get("cpu")
    assert cpu.name == "cpu"
    assert "cpu" in backends.available()
    x = np.arange(3.0)
    assert cpu.from_host(x, 0) is x
    assert cpu.transfer(x, 0) is x
    assert cpu.to_host(x) is x
    assert isinstance(cpu.to_host(np.float32(1)), np.ndarray)
    assert cpu.device_of(x) == "cpu"
    assert cpu.device_count() == 1
    assert cpu.synchronize() is None
    assert isinstance(x, cpu.array_types)
    assert isinstance(np.float32(1), cpu.array_types)
    assert not isinstance(1.0, cpu.array_types)
    assert "NumPy" in cpu.describe()
    with pytest.raises(ValueError, match="'cpu:1' does not exist"):
        cpu.from_host(x, 1)


def test_namespace_is_the_library_and_the_kernels():
    xp = backends.get("cpu").namespace
    assert xp.exp is np.exp
    assert xp.random is np.random
    assert xp.float32 is np.float32
    further = {"cast", "fused", "track", "wide", "special", "steps", "convolve_relu", "convolve_onto", "linear_relu"}
    assert set(vars(xp.kernels)) == further.union(*kernels.KERNELS.values())
