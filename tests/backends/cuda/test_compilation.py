"""Every kernel compiles for the GPUs that matter: NVRTC needs none of them."""

import pytest
from instances import SOURCES, expressions

from backends.cupy_backend.launch import OPTIONS, source_of


@pytest.mark.parametrize("architecture", ["80", "90"])
@pytest.mark.parametrize("source", SOURCES)
def test_sources_compile(source, architecture):
    core = pytest.importorskip("cuda.core", reason="needs cuda-core")
    pytest.importorskip("cuda.bindings.nvrtc", reason="needs cuda-bindings")
    options = core.ProgramOptions(std=OPTIONS[0].removeprefix("-std="), arch=f"sm_{architecture}", ftz=True)
    try:
        program = core.Program(source_of(source), "c++", options)
    except Exception as error:  # whatever a missing library makes of itself
        pytest.skip(f"needs NVRTC: {error}")
    names = expressions(source)
    compiled = program.compile("cubin", name_expressions=tuple(names))
    assert set(compiled.symbol_mapping) == set(names)
