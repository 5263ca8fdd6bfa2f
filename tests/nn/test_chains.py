"""Neighbours that compute together: the same numbers, and nothing that anybody would miss."""

import numpy as np
import pytest

import autograd_core as ag
import nn

LAYERS = {
    "linear": (lambda: nn.Linear(4, 3), (5, 4)),
    "linear of one axis": (lambda: nn.Linear(4, 3, bias=False), (4,)),
    "conv1d": (lambda: nn.Conv1d(2, 3, 3, stride=2, padding=1), (2, 2, 5)),
    "conv2d": (lambda: nn.Conv2d(2, 4, 3, groups=2, padding="same", dtype="float64").float(), (2, 2, 4, 4)),
    "conv2d reflected": (lambda: nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect", bias=False), (1, 2, 3, 3)),
    "batch norm": (lambda: nn.BatchNorm2d(3), (2, 3, 2, 4)),
    "batch norm by running statistics": (lambda: nn.BatchNorm1d(3).eval(), (4, 3)),
    "conv3d without a batch": (lambda: nn.Conv3d(1, 2, 2, dilation=2), (1, 3, 3, 4)),
}


def names(y):
    found, stack = set(), [y.node]
    while stack:
        node = stack.pop()
        if node is not None and node.op is not None:
            found.add(node.op.name)
            stack.extend(node.parents)
    return found


@pytest.mark.parametrize("name", LAYERS)
def test_same_numbers_as_apart(name):
    make, shape = LAYERS[name]
    layer, x = make(), ag.randn(*shape, requires_grad=True)
    apart, together = layer(x).relu(), nn.Sequential(layer, nn.ReLU())(x)
    assert "relu" in names(apart)
    assert "relu" not in names(together)
    np.testing.assert_array_equal(together.detach().numpy(), apart.detach().numpy())
    weights = ag.randn(*apart.shape)
    inputs = [x, *layer.parameters()]
    for a, b in zip(ag.grad(apart, inputs, weights), ag.grad(together, inputs, weights), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


class Doubled(nn.Linear):
    def forward(self, input):
        return 2 * super().forward(input)


def test_what_may_not_be_joined():
    x, linear, relu = ag.ones(1, 2), nn.Linear(2, 2), nn.ReLU()
    seen = []
    for watched in (linear, relu):
        handle = watched.register_forward_hook(lambda module, args, output: seen.append(output))
        nn.Sequential(linear, relu)(x)
        handle.remove()
    assert seen[0].grad_fn.name() == "linear"
    assert seen[1].grad_fn.name() == "relu"
    doubled = Doubled(2, 2)
    np.testing.assert_array_equal(nn.Sequential(doubled, relu)(x).detach().numpy(), doubled(x).relu().detach().numpy())
    assert nn.Sequential(linear)(x).grad_fn.name() == "linear"
    assert nn.Sequential(linear, nn.Linear(2, 2), relu, relu)(x).grad_fn.name() == "relu"


JOINED = {
    "linear": (nn.Linear, lambda: (nn.Linear(4, 4), nn.ReLU()), (2, 4)),
    "relu": (nn.ReLU, lambda: (nn.Linear(4, 4), nn.ReLU()), (2, 4)),
    "conv2d": (nn.Conv2d, lambda: (nn.Conv2d(2, 2, 2), nn.BatchNorm2d(2), nn.ReLU()), (1, 2, 4, 4)),
    "batch_norm": (nn.BatchNorm2d, lambda: (nn.Conv2d(2, 2, 2), nn.BatchNorm2d(2), nn.ReLU()), (1, 2, 4, 4)),
    "max_pool2d": (nn.MaxPool2d, lambda: (nn.Conv2d(2, 2, 2), nn.ReLU(), nn.MaxPool2d(2)), (1, 2, 4, 4)),
}


@pytest.mark.parametrize("name", JOINED)
def test_what_a_program_replaces_is_not_joined(name, monkeypatch):
    kind, make, shape = JOINED[name]
    layers, x, seen = make(), ag.ones(*shape), []
    model = nn.Sequential(*layers).eval()

    def replaced(old):
        return lambda *args, **kwargs: seen.append(old) or old(*args, **kwargs)

    for owner, attribute in ((kind, "forward"), (kind, "__call__"), (nn.functional, name), (nn.Module, "__call__")):
        seen.clear()
        with monkeypatch.context() as patch:
            patch.setattr(owner, attribute, replaced(getattr(owner, attribute)))
            model(x)
        assert seen, (owner, attribute)
    seen.clear()
    model(x)
    assert not seen


def test_an_error_names_the_layer():
    with pytest.raises(RuntimeError) as raised:
        nn.Sequential(nn.Linear(3, 2), nn.ReLU())(ag.ones(1, 4))
    assert "in 0 of Sequential: Linear(in_features=3" in "".join(raised.value.__notes__)


def test_sums_of_different_shapes():
    a, b = ag.tensor([[-1.0, 2.0]], requires_grad=True), ag.tensor([[0.5], [-3.0]], requires_grad=True)
    y = ag.add_relu(a, b)
    np.testing.assert_array_equal(y.detach().numpy(), [[0.0, 2.5], [0.0, 0.0]])
    y.sum().backward()
    np.testing.assert_array_equal(a.grad.numpy(), [[0.0, 1.0]])
    np.testing.assert_array_equal(b.grad.numpy(), [[1.0], [0.0]])


def test_what_fusing_leaves_is_no_obstacle():
    x, linear, left = ag.ones(1, 2), nn.Linear(2, 2), nn.Identity()
    model = nn.Sequential(linear, left, nn.ReLU())
    assert names(model(x)) == {"linear_relu"}
    seen = []
    left.register_forward_hook(lambda module, args, output: seen.append(output))
    model(x)
    assert seen[0].grad_fn.name() == "linear"


def one_by_one(model, x):
    for module in model:
        x = module(x)
    return x


def settled(norm):
    """In evaluation mode, with statistics and weights of its own."""
    for i, t in enumerate([*norm.parameters(), *norm.buffers()]):
        if t.dtype.kind == "f":
            t.data = ag.tensor(np.random.default_rng(i).uniform(0.5, 1.5, t.shape), dtype=t.dtype)
    return norm.eval()


FOLDED = {
    "conv1d": (lambda: [nn.Conv1d(2, 4, 3, groups=2, bias=False), settled(nn.BatchNorm1d(4))], (3, 2, 9)),
    "conv2d": (lambda: [nn.Conv2d(2, 3, 3, padding=1), settled(nn.BatchNorm2d(3, affine=False))], (2, 2, 6, 7)),
    "conv2d circular": (
        lambda: [nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"), settled(nn.BatchNorm2d(3))],
        (2, 2, 6, 6),
    ),
    "conv3d": (lambda: [nn.Conv3d(1, 2, 2, stride=2), settled(nn.BatchNorm3d(2, 0.1, bias=False))], (2, 1, 4, 4, 5)),
}


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("name", FOLDED)
def test_a_convolution_takes_in_a_fixed_normalisation(name, relu):
    make, shape = FOLDED[name]
    model = nn.Sequential(*make(), nn.Identity(), *[nn.ReLU()] * relu).double().eval()
    x = ag.randn(*shape, dtype=ag.float64, requires_grad=True)
    apart, together = one_by_one(model, x), model(x)
    assert "scale_channels" in names(apart)
    assert not {"scale_channels", "relu"} & names(together)
    np.testing.assert_allclose(together.detach().numpy(), apart.detach().numpy(), rtol=1e-12, atol=1e-13)
    weights, inputs = ag.randn(*apart.shape, dtype=ag.float64), [x, *model.parameters()]
    for a, b in zip(ag.grad(apart, inputs, weights), ag.grad(together, inputs, weights), strict=True):
        np.testing.assert_allclose(b.numpy(), a.numpy(), rtol=1e-11, atol=1e-11)


class Scaled(nn.BatchNorm2d):
    def forward(self, input):
        return 2 * super().forward(input)


def test_what_may_not_be_folded():
    conv, x = nn.Conv2d(2, 3, 1), ag.randn(2, 2, 4, 4)
    fixed = settled(nn.BatchNorm2d(3))
    watched, by_batch = settled(nn.BatchNorm2d(3)), nn.BatchNorm2d(3, track_running_stats=False).eval()
    watched.register_forward_hook(lambda module, args, output: None)
    for norm in (nn.BatchNorm2d(3), by_batch, watched, settled(Scaled(3))):
        y = nn.Sequential(conv, norm)(x)
        assert names(y) & {"scale_channels", "normalize_batch"}
    assert "scale_channels" not in names(nn.Sequential(conv, fixed)(x))
    assert "scale_channels" in names(nn.Sequential(conv, fixed)(x[:, :, :1, :1]))  # more weights than numbers
    with ag.autocast("cpu"):
        assert "scale_channels" in names(nn.Sequential(conv, fixed)(x))
    half = nn.Sequential(nn.Conv2d(2, 3, 1), settled(nn.BatchNorm2d(3))).bfloat16()
    assert "scale_channels" in names(half(x.bfloat16()))
    for norm, message in ((settled(nn.BatchNorm2d(4)), "takes 4 channels"), (settled(nn.BatchNorm3d(3)), "5D input")):
        with pytest.raises(ValueError, match=message):
            nn.Sequential(conv, norm)(x)
    with pytest.raises(ValueError, match="4D input"):
        nn.Sequential(conv, fixed)(x[0])


POOLED = {
    "conv1d": (lambda: [nn.Conv1d(2, 4, 3), nn.ReLU(inplace=True), nn.MaxPool1d(3, 1)], (3, 2, 9)),
    "conv2d": (lambda: [nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1, ceil_mode=True)], (2, 2, 6, 7)),
    "conv3d": (lambda: [nn.Conv3d(1, 2, 2), nn.ReLU(), nn.MaxPool3d(2, dilation=2)], (1, 4, 5, 6)),
}


@pytest.mark.parametrize("name", POOLED)
def test_the_largest_are_chosen_before_the_relu(name):
    make, shape = POOLED[name]
    model, x = nn.Sequential(*make()), ag.randn(*shape)
    x[..., 1:3] = ag.tensor([np.nan, np.inf]) if name == "conv2d" else 0.0
    x.requires_grad_()
    apart, together = one_by_one(model, x), model(x)
    assert together.grad_fn.name() == "relu_of"
    assert apart.grad_fn.name() != "relu"
    np.testing.assert_array_equal(together.detach().numpy(), apart.detach().numpy())
    weights, inputs = ag.randn(*apart.shape), [x, *model.parameters()]
    for a, b in zip(ag.grad(apart, inputs, weights), ag.grad(together, inputs, weights), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-5)  # sums in another order


def test_what_the_relu_may_not_wait_for():
    conv, x = nn.Conv2d(1, 2, 1), ag.randn(1, 1, 4, 4)
    _, where = nn.Sequential(conv, nn.ReLU(), nn.MaxPool2d(2, return_indices=True))(x)
    np.testing.assert_array_equal(where.numpy(), ag.max_pool2d(conv(x).relu(), 2, return_indices=True)[1].numpy())
    seen, pool = [], nn.MaxPool2d(2)
    pool.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    nn.Sequential(conv, nn.ReLU(), pool)(x)
    np.testing.assert_array_equal(seen[0].detach().numpy(), conv(x).relu().detach().numpy())


def test_what_was_pooled_may_be_written_in_place():
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Hardtanh(-1, 0.5, inplace=True))
    plain = nn.Sequential(*model[:3], nn.Hardtanh(-1, 0.5))
    x = ag.randn(2, 2, 8, 8)
    slopes = []
    for m in (model, plain):
        m.zero_grad()
        (m(x) ** 2).sum().backward()
        slopes.append(m[0].weight.grad.clone())
    assert slopes[0].any()
    assert ag.equal(*slopes)
    y = model[:3](x)
    y += 1
    y.sum().backward()
