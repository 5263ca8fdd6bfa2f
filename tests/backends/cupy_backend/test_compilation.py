"""Every kernel compiles for the GPUs that matter: NVRTC needs none of them."""

import re

import nvrtc
import pytest
from instances import SOURCES, expressions

from backends.cupy_backend import optimizers
from backends.cupy_backend.launch import OPTIONS, source_of

FLAGS = (*OPTIONS, "--ftz=true", "--device-as-default-execution-space")  # as CuPy compiles
# Whose sums are of float64, whatever they add up.
DOUBLE = re.compile("double|Squares|Deviations|sums_of_squares|root_of_sum")

pytestmark = pytest.mark.skipif(nvrtc.library() is None, reason="needs nvidia-cuda-nvrtc")


@pytest.mark.parametrize("source", SOURCES)
def test_sources_compile(source):
    # To PTX of the oldest architecture with all instructions, which newer GPUs take as well, in half the time of
    # machine code. float64 is slow on many GPUs: a number in it may only be converted, such as an argument.
    kernels = nvrtc.compiled(source_of(source), expressions(source), *FLAGS, "--gpu-architecture=compute_80")
    used = {name: nvrtc.in_double(text) for name, text in kernels.items() if not DOUBLE.search(name)}
    assert not {name: found for name, found in used.items() if found}


# Kernels that memory bounds, with all that their threads read at once.
VECTORS = {
    "elementwise": ["map<Relu, float, 4>", "map<AddRelu, Bfloat16, 8>", "drop<Bfloat16, 8>"],
    "columns": ["column_moments<Bfloat16, 8>", "scale_columns<Bfloat16, 8, true>", "batch_gradient<float, 4>"],
    "pooling": ["max_of_windows<Bfloat16, unsigned char, 8>", "put_taps<Bfloat16, unsigned char, 8, false>"],
    "rows": ["normalize_rows<float, 4, 8>", "normalize_rows<Bfloat16, 8, 4>", "row_gradients<Bfloat16, 8, 4>"],
    "softmax": [
        "softmax_rows<Bfloat16, 8, 4, false>",
        "softmax_rows<float, 4, 0, true>",
        "softmax_gradient_rows<float, 4, 8, true>",
    ],
    "losses": ["nll_rows<float, 4, 8>", "nll_gradient_rows<Bfloat16, 8>"],
    "attention": ["attention_slopes<Bfloat16, 4>"],
    "reduction": [f"reduce_{what}<Sum<float>, Bfloat16, 8, float>" for what in ("rows", "columns")],
    "optimizers": ["change<Adam, float>", "change<Sgd, Bfloat16>"],
}


@pytest.mark.parametrize("source", VECTORS)
def test_threads_read_16_bytes_at_once_and_keep_all_in_registers(source):
    kernels = nvrtc.compiled(source_of(source), VECTORS[source], *FLAGS, "--gpu-architecture=compute_90")
    for name, text in kernels.items():
        assert re.search(r"ld\.global\.(nc\.)?v(4\.[a-z]32|2\.[a-z]64)", text), name
        assert ".local" not in text, name


def test_gradients_of_rows_read_memory_once():
    rows = {"softmax": ["softmax_gradient_rows<float, 4, 8, false>"], "rows": ["row_gradients<float, 4, 8>"]}
    for source, names in rows.items():
        (text,) = nvrtc.compiled(source_of(source), names, *FLAGS, "--gpu-architecture=compute_90").values()
        arrays = 2 + (source == "rows")  # with the weights
        assert len(re.findall(r"ld\.global\.(?:nc\.)?v4", text)) == 8 * arrays


def test_pooling_compares_two_16_bit_floats_at_once():
    names = [f"max_of_windows<{dtype}, unsigned char, 8>" for dtype in ("Half", "Bfloat16")]
    for name, text in nvrtc.compiled(source_of("pooling"), names, *FLAGS, "--gpu-architecture=compute_90").items():
        kind = "f16x2" if "Half" in name else "bf16x2"
        assert f"set.gt.u32.{kind}" in text, name
        assert f"max.NaN.{kind}" in text, name


def test_pooling_divides_by_multiplying():
    names = ["max_of_windows<float, unsigned char, 4>", "put_taps<float, unsigned char, 4, false>"]
    kernels = nvrtc.compiled(source_of("pooling"), names, *FLAGS, "--gpu-architecture=compute_90")
    for name, text in kernels.items():
        assert text.count("mul.hi.u32") >= 4, name


def test_numbers_of_steps_compile():
    options = ("lr", "beta1", "beta2", "eps", "step", "weight_decay")
    for decoupled in (False, True):
        text = optimizers._written(optimizers.KINDS["adam_step"][1], options, (("decoupled", decoupled),))
        nvrtc.compiled(source_of(f"derived\n{text}"), ["derive<Derived>"], *FLAGS, "--gpu-architecture=compute_80")


def test_float64_is_found():
    source = "template <typename T> __global__ void f(T *x) { *x = *x * 1.1; }"
    kernels = nvrtc.compiled(source, ["f<float>", "f<double>"], *FLAGS, "--gpu-architecture=compute_80")
    assert [nvrtc.in_double(text) for text in kernels.values()] == [["mul.f64"], ["mul.f64"]]


def test_older_gpus_round_to_bfloat16_without_an_instruction():
    (text,) = nvrtc.compiled(
        source_of("elementwise"), ["map<Add, Bfloat16, 8>"], *FLAGS, "--gpu-architecture=compute_75"
    ).values()
    assert "cvt.rn.bf16" not in text


def test_what_does_not_compile_is_reported():
    with pytest.raises(RuntimeError, match='identifier "missing" is undefined'):
        nvrtc.compiled("__global__ void f(float *x) { *x = missing; }", ["f"], *FLAGS)
