"""Blocks of architectures: shapes, formulas, and what their parts are for."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn import functional as F


@pytest.mark.parametrize("block", [nn.BasicBlock, nn.Bottleneck, nn.PreActBlock, nn.PreActBottleneck])
@pytest.mark.parametrize("inplanes, stride", [(8, 1), (4, 2)])
def test_residual_blocks(block, inplanes, stride):
    m = block(inplanes, 8 // block.expansion, stride)
    x = ag.randn(2, inplanes, 6, 6)
    y = m(x)
    assert y.shape == (2, 8, 6 // stride, 6 // stride)
    y.square().mean().backward()
    assert all(p.grad is not None for p in m.parameters())


def test_a_residual_block_with_a_silent_branch_hands_its_input_on():
    x = ag.randn(2, 8, 5, 5)
    post, pre = nn.BasicBlock(8, 8), nn.PreActBlock(8, 8)
    nn.init.zeros_(post.bn2.weight)
    nn.init.zeros_(pre.conv2.weight)
    assert (post(x) == ag.relu(x)).all()
    assert (pre(x) == x).all()


def test_squeeze_and_excitation_weighs_channels():
    m = nn.SqueezeExcite(32, reduction=8)
    x = ag.randn(2, 32, 3, 3)
    ratio = (m(x) / x).detach().numpy()
    np.testing.assert_allclose(ratio, ratio[:, :, :1, :1].repeat(3, 2).repeat(3, 3), rtol=1e-4)
    assert ((ratio > 0) & (ratio < 1)).all()
    assert nn.BasicBlock(32, 32, gate=nn.SqueezeExcite)(x).shape == x.shape
    with pytest.raises(ValueError, match="8 channels by 16"):
        nn.SqueezeExcite(8)


def test_inception_joins_four_branches():
    m = nn.Inception(6, 1, 2, 3, 2, 4, 5, wide_kernel=5)
    assert m(ag.randn(2, 6, 7, 7)).shape == (2, 1 + 3 + 4 + 5, 7, 7)
    assert m.branch3[1].conv.kernel_size == (5, 5)


def test_a_dense_block_keeps_its_input_and_adds_to_it():
    m = nn.DenseBlock(3, 4, growth_rate=2)
    x = ag.randn(2, 4, 5, 5)
    y = m(x)
    assert y.shape == (2, 10, 5, 5)
    assert (y[:, :4] == x).all()
    assert list(m) == ["denselayer1", "denselayer2", "denselayer3"]
    assert nn.Transition(10, 5)(y).shape == (2, 5, 2, 2)


def test_standardised_weights():
    m = nn.WSConv2d(3, 4, 3, padding=1).double()
    w = m.standardized().detach().numpy().reshape(4, -1)
    np.testing.assert_allclose(w.mean(1), 0, atol=1e-15)
    np.testing.assert_allclose(w.var(1) * w.shape[1], 1)
    m.gain.data = ag.full((4, 1, 1, 1), 2.0, dtype="float64")
    x = ag.randn(1, 3, 5, 5, dtype="float64")
    np.testing.assert_allclose(
        m(x).detach().numpy(), F.conv2d(x, ag.tensor(2 * w.reshape(4, 3, 3, 3)), m.bias, padding=1).detach().numpy()
    )
    assert list(m.state_dict()) == ["weight", "bias", "gain"]
    wide = nn.WSConv2d(3, 4, 3, padding=1, padding_mode="circular").double()
    expected = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="circular"), wide.standardized(), wide.bias)
    np.testing.assert_array_equal(wide(x).detach().numpy(), expected.detach().numpy())


def test_without_normalisation_variance_grows_by_a_known_step():
    ag.manual_seed(0)
    model = nn.models.nf_resnet20()
    with ag.no_grad():
        for block in model.blocks:
            block.skip_gain.fill_(1.0)
        x = ag.randn(8, 16, 32, 32)
        variances = []
        for block in model.blocks[:3]:
            x = block(x)
            variances.append(x.var().item())
    np.testing.assert_allclose(variances, [1.04, 1.08, 1.12], atol=0.06)


def test_positions():
    x = ag.zeros(2, 5, 6)
    y = nn.SinusoidalEncoding(6, max_len=8)(x).numpy()
    rate = 10_000.0 ** (-np.arange(0, 6, 2) / 6)
    angles = np.arange(5)[:, None] * rate
    np.testing.assert_allclose(y[1, :, ::2], np.sin(angles), atol=1e-6)
    np.testing.assert_allclose(y[1, :, 1::2], np.cos(angles), atol=1e-6)
    turned = nn.SinusoidalEncoding(6, batch_first=False)(x.transpose(0, 1))
    np.testing.assert_array_equal(turned.transpose(0, 1).numpy(), y)
    learned = nn.LearnedEncoding(6, max_len=8)
    assert (learned(x)[0] == learned.weight[:5]).all()
    for layer in (learned, nn.SinusoidalEncoding(6, max_len=4)):
        with pytest.raises(RuntimeError, match="positions, but the sequence has 9"):
            layer(ag.zeros(1, 9, 6))
        with pytest.raises(RuntimeError, match=r"takes \(N, L, 6\), not shape \(3, 6\)"):
            layer(ag.zeros(3, 6))


def test_causal_attention_does_not_see_what_follows():
    m = nn.CausalSelfAttention(8, 2)
    x = ag.randn(2, 6, 8)
    changed = ag.cat([x[:, :4], ag.randn(2, 2, 8)], dim=1)
    np.testing.assert_allclose(m(x)[:, :4].detach().numpy(), m(changed)[:, :4].detach().numpy(), atol=1e-6)
    with pytest.raises(ValueError, match="divisible by num_heads"):
        nn.CausalSelfAttention(8, 3)


@pytest.mark.parametrize("layer", [nn.ConvTranspose2d, nn.WSConv2d])
def test_layers_that_compute_with_another_weight_are_not_folded(layer):
    model = nn.Sequential(layer(2, 3, 3), nn.BatchNorm2d(3))
    x = ag.randn(2, 2, 5, 5)
    model(x)
    fused = nn.fuse(model, x)
    assert [type(m) for m in fused] == [layer, nn.BatchNorm2d]
    np.testing.assert_allclose(fused(x).detach().numpy(), model.eval()(x).detach().numpy())
