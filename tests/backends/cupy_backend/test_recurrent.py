"""The kernels of single steps of recurrent layers, run on the CPU, against the generic ones."""

import numpy as np
import pytest
from test_kernels import close, draw, each_dtype, plain

from backends.cupy_backend import recurrent

# Of every step: the shapes of its results and operands, by the number of gates, and its option.
RECURRENT = {
    "rnn_state": ((1,), (1,), "tanh"), "rnn_slopes": ((1,), (1, 1, 1), "relu"),
    "lstm_state": ((1, 1, 4), (4, 1)), "lstm_slopes": ((4,), (1, 1, 1, 4, 1, 1)),
    "gru_state": ((1, 3), (3, 0, 1)), "gru_slopes": ((3, 1), (1, 1, 1, 3)),
}  # fmt: skip


@each_dtype
@pytest.mark.parametrize("name", RECURRENT)
@pytest.mark.parametrize("shape", [(3, 5), (2, 16)])
def test_steps_of_recurrent_layers(gpu, dtype, name, shape):
    rows, n = shape
    of_results, of_operands, *options = RECURRENT[name]
    given = [draw((rows, k * n) if k else (3 * n,), dtype) for k in (*of_results, *of_operands)]
    given[-1] = given[-1] if given[-1].ndim == 1 else draw(given[-1].shape, dtype, "strided")
    exact = [v.astype(np.float64) for v in given]
    found = getattr(recurrent, name)(gpu, *given, *options)
    wanted = getattr(plain, name)(*exact, *options)
    for y, expected in zip(given[: len(of_results)], exact, strict=False):
        close(y, expected, dtype, 4)
    if wanted is not None:
        close(found, wanted, dtype, 4)
    else:
        assert found is True
    assert getattr(recurrent, name)(gpu, given[0].T, *given[1:], *options) is None
