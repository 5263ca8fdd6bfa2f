"""The rules of all pointwise operations as single kernels, against what they are in float64."""

from functools import cache, partial
from types import SimpleNamespace

import numpy as np
import nvrtc
import pytest
import shim

from autograd_core.engine.deriving import fused_rules
from autograd_core.engine.libraries import LIBRARY, RULES
from autograd_core.kinds import BINARY, ELEMENTWISE
from autograd_core.registry import OPS
from autograd_core.testing.samples import cases
from backends.cupy_backend import fusion
from backends.cupy_backend.launch import OPTIONS, Gpu, source_of

# Rules that call special functions with several pieces, or other kernels.
IN_PIECES = {
    "add_relu", "erfinv_slope", "ndtri_slope",
    "lgamma", "digamma", "polygamma_of", "gamma_log_density", "binomial_log_density", "beta_log_density",
    "stirling_rest", "log_less_digamma", "igamma", "igammac", "sinc", "airy_ai",
    "airy_ai_derivative",
    "spherical_bessel_j0", "i0", "i1", "scaled_i_slope", "scaled_k_slope",
    *(f"{scaled}modified_bessel_k{n}" for scaled in ("", "scaled_") for n in (0, 1)),
    *(f"bessel_{which}" for which in ("j0", "j1", "y0", "y1", "j1_slope", "y1_slope")),
}  # fmt: skip


pytestmark = pytest.mark.usefixtures("symbols")


def operands(o):
    """Those of the first sample that has only floats, all of one shape; and its parameters."""
    for case in cases(o, device="cpu"):
        arrays = case.arrays()
        if len({a.shape for a in arrays}) == 1 and all(a.dtype == np.float64 and a.size for a in arrays):
            return [a.astype(np.float32) for a in arrays], o.statics | case.statics
    return None


def saved(o, arrays, statics):
    values = dict(zip(o.inputs, arrays, strict=True)) | statics
    values["y"] = o.forward(LIBRARY[np.ndarray], *arrays, **statics)
    return [values[name] for name in o.keep]


def rules():
    """Of every rule of more than one operation: its name, the rule, it as one kernel, and how to call it."""
    for name, o in OPS.items():
        given = operands(o) if o.kind in (ELEMENTWISE, BINARY) and name not in IN_PIECES else None
        if given is None or not {"y", *o.inputs, *o.statics}.issuperset(o.keep):
            continue
        arrays, statics = given
        g = np.cos(np.arange(arrays[0].size)).reshape(arrays[0].shape).astype(np.float32)
        for i, (rule, whole) in enumerate(zip(o.rules, fused_rules(o), strict=False)):
            if whole is not rule:
                wide = g.astype(np.float64), saved(o, [a.astype(np.float64) for a in arrays], statics)
                yield f"{name}-{i}", rule, whole, (g, saved(o, arrays, statics)), wide


def pulled(whole, start, g, s):
    gpu = Gpu(np, start, shim.address)
    return whole(SimpleNamespace(kernels=SimpleNamespace(fused=partial(fusion.fused, gpu))), g, s)


@cache
def everything():
    """All rules, the source of their kernels, and the instances."""
    known, texts, instances = [*rules()], [], []
    for i, (name, _, whole, given, _) in enumerate(known):
        written = []
        try:
            pulled(whole, lambda source, expression, *rest, to=written: to.append((source, expression)), *given)
        except AttributeError:
            pytest.fail(f"{name} is not one kernel")
        ((source, expression),) = written
        texts.append(source.removeprefix("fused\n").replace("Fused", f"Fused{i}"))
        instances.append(expression.replace("Fused", f"Fused{i}"))
    return known, "fused\n" + "".join(texts), instances


def test_rules_are_as_exact_as_on_the_cpu():
    if shim.COMPILER is None:
        pytest.skip("needs g++ to run CUDA sources on the CPU")
    known, source, instances = everything()
    assert len(known) > 100
    library = shim.compiled(source, instances)
    for (name, rule, whole, given, wide), instance in zip(known, instances, strict=True):
        with np.errstate(all="ignore"):
            y = pulled(whole, lambda source, expression, *rest, to=instance: shim.run(*library, to, *rest), *given)
            exact = rule(RULES[np.ndarray], *wide)
        np.testing.assert_allclose(y, exact, rtol=5e-6, atol=5e-12, err_msg=name)


@pytest.mark.skipif(nvrtc.library() is None, reason="needs nvidia-cuda-nvrtc")
def test_rules_compile():
    _, source, instances = everything()
    nvrtc.compiled(source_of(source), instances, *OPTIONS, "--gpu-architecture=compute_80")
