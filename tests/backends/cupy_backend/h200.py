"""cuDNN without a GPU: the description of one, for which it plans, and a driver that starts nothing."""

import ctypes
import json
import shutil
import subprocess
from functools import cache
from importlib import metadata

import pytest

H200 = {
    "deviceName": "NVIDIA H200", "deviceVer": 900, "cudaDeviceId": 0, "driverVer": 13000, "pciDeviceId": 0,
    "totalGlobalMem": 150 * 10**9, "l2CacheSize": 60 << 20, "maxGridSize": [2**31 - 1, 65535, 65535],
    "maxBlockSize": [1024, 1024, 64], "regsPerBlock": 65536, "multiProcessorCount": 132, "warpSize": 32,
    "maxSharedMemoryPerBlock": 49152, "maxSharedMemoryPerBlockOptin": 232448, "reservedSharedMemoryPerBlock": 1024,
    "maxRegistersPerSM": 65536, "maxCtasPerSM": 32, "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048,
    "isTccDriver": 0, "supportCoopLaunch": 1, "smClockRateKHz": 1980000, "memClockRateKHz": 3201000,
    "memoryBusWidth": 6144, "smCountOrigin": 0, "oversizedSharedMemoryPerBlock": 0,
}  # fmt: skip
# What cuDNN asks of a driver while it plans: functions that hand out something, a number, or nothing.
DRIVER = {
    "*(void **)out = (void *)16": "ModuleLoadData ModuleGetFunction CtxGetCurrent CtxPopCurrent LibraryLoadData "
    "LibraryLoadFromFile LibraryGetKernel KernelGetFunction StreamGetCtx LinkCreate LinkComplete",
    "*(int *)out = 13000": "DriverGetVersion",
    "*(int *)out = 1": "DeviceGetCount OccupancyMaxPotentialClusterSize",
    "*(int *)out = 128": "KernelGetAttribute",
    "*(int *)out = 0": "DeviceGet",
    "": "ModuleUnload TensorMapEncodeIm2col TensorMapEncodeTiled CtxGetLimit CtxPushCurrent LibraryUnload "
    "KernelSetAttribute LaunchKernel LaunchCooperativeKernel LaunchKernelEx LinkAddData LinkDestroy GetErrorString "
    "GetErrorName",
}
SOURCE = "".join(
    f"int cu{name}(void *out) {{ {body}; return 0; }}\n" for body, names in DRIVER.items() for name in names.split()
)


@cache
def described():
    """cuDNN, and what its graphs are told about a GPU."""
    cudnn = pytest.importorskip("cudnn", reason="needs nvidia-cudnn-frontend")
    for package, name in (("nvidia-cublas", "libcublasLt.so.13"), ("nvidia-cuda-nvrtc", "libnvrtc.so.13")):
        try:  # cuDNN looks for them on the loader's path
            (file,) = [f for f in metadata.files(package) if f.name == name]
            ctypes.CDLL(str(file.locate()), mode=ctypes.RTLD_GLOBAL)
        except (metadata.PackageNotFoundError, ValueError):
            pytest.skip(f"needs {package}")
    try:
        return cudnn, {"device_property": cudnn.create_device_properties(json.dumps(H200)), "sm_version": 90}
    except RuntimeError as error:
        pytest.skip(f"needs libcudnn: {error}")


def without_driver(folder):
    """Load a driver that starts nothing, unless there is a real one."""
    try:
        ctypes.CDLL("libcuda.so.1", mode=ctypes.RTLD_GLOBAL)
    except OSError:
        compiler = shutil.which("gcc")
        if compiler is None:
            pytest.skip("needs a driver, or gcc to make one")
        made = folder / "libcuda.so.1"
        command = [compiler, "-w", "-x", "c", "-", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", made]
        subprocess.run(command, input=SOURCE.encode(), check=True)
        ctypes.CDLL(str(made), mode=ctypes.RTLD_GLOBAL)
