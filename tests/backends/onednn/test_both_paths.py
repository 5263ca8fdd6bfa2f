"""Operations that reach oneDNN give what they give on NumPy alone, to float32's rounding, gradients included."""

import numpy as np
import pytest

import autograd_core as ag

CASES = {
    "conv1d": (lambda x, w, b: ag.conv1d(x, w, b, padding=2, dilation=2), (4, 16, 60), (32, 16, 5), (32,)),
    "conv2d": (lambda x, w, b: ag.conv2d(x, w, b, stride=2, padding=1), (4, 16, 12, 12), (32, 16, 3, 3), (32,)),
    "conv3d": (lambda x, w: ag.conv3d(x, w, groups=2), (2, 8, 6, 7, 8), (8, 4, 2, 3, 2)),
    "conv_transpose2d": (lambda x, w, b: ag.conv_transpose2d(x, w, b, 2, 1, 1), (4, 16, 9, 9), (16, 8, 3, 3), (8,)),
    "conv_relu": (lambda x, w: ag.conv_relu(x, w, padding=1), (4, 16, 12, 12), (16, 16, 3, 3)),
    "linear": (ag.linear, (4, 32, 64), (128, 64), (128,)),
    "linear_relu": (ag.linear_relu, (128, 64), (128, 64), (128,)),
    "matmul": (ag.matmul, (3, 96, 64), (3, 64, 80)),
    "batch_norm": (lambda x, w, b: ag.batch_norm(x, None, None, w, b, True), (8, 16, 9, 9), (16,), (16,)),
    "add_relu": (ag.add_relu, (8, 16, 32, 32), (8, 16, 32, 32)),
    "fan-out": (lambda x: x.relu() * 2 + x.relu(), (8, 16, 32, 32)),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_agree(name):
    function, *shapes = CASES[name]
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(s, np.float32) for s in shapes]

    def run(kernels):
        with ag.config.using(kernels):
            leaves = [ag.tensor(a, requires_grad=True) for a in arrays]
            y = function(*leaves)
            y.backward(ag.cos(ag.arange(y.numel(), dtype=ag.float32)).reshape(y.shape))
        return [y.detach(), *[leaf.grad for leaf in leaves]]

    for found, expected in zip(run("onednn"), run("numpy"), strict=True):
        found, expected = found.numpy(), expected.numpy()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * max(np.abs(expected).max(), 1))
