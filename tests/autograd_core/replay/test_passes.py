"""Programs with fewer passes over memory give what the steps give, and overwrite nothing that is still needed."""

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from backends.onednn import choice
from nn import functional as F

SHAPE = (4, 16, 32, 32)


class Block(nn.Module):
    def __init__(self, bias=False):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(16, 16, 3, padding=1, bias=bias), nn.BatchNorm2d(16)
        self.conv2, self.bn2 = nn.Conv2d(16, 16, 3, padding=1, bias=bias), nn.BatchNorm2d(16, affine=not bias)

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + x)


def statistics(model):
    random = ag.Generator().manual_seed(3)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(generator=random)
            module.running_var.uniform_(0.5, 2, generator=random)


@pytest.mark.parametrize("bias", [False, True])
def test_inference_of_residual_blocks(bias):
    ag.manual_seed(0)
    model = nn.Sequential(Block(bias), Block(bias)).eval()
    statistics(model)
    run = ag.capture(ag.no_grad()(model.forward))
    for _ in range(5):
        x = ag.randn(SHAPE)
        before = x.clone()
        with ag.no_grad():
            np.testing.assert_allclose(run(x), model(x), rtol=1e-4, atol=1e-5)
        assert ag.equal(x, before)
    assert run.reasons == []
    assert "scale_channels" not in run.source
    assert run.source.count("add_relu(") == run.source.count("convolve_onto(") == 1  # the first input is an argument
    assert ", out=v" in run.source


def test_training_of_residual_blocks():
    def run(wrap):
        ag.manual_seed(0)
        model = nn.Sequential(Block(), Block())
        optimizer = optim.SGD(model.parameters(), 0.1)

        def step(x):
            optimizer.zero_grad()
            loss = model(x).square().mean()
            loss.backward()
            optimizer.step()
            return loss

        call, random = wrap(step), ag.Generator().manual_seed(1)
        losses = [call(ag.randn(SHAPE, generator=random)).item() for _ in range(5)]
        return [losses, *[v.tolist() for v in model.state_dict().values()]], call

    (found, captured), (expected, _) = run(ag.capture), run(lambda step: step)
    assert found == expected
    assert "add_relu(" in captured.source
    assert "increase(" in captured.source


def sums(x):
    """Sums, which are kept, looked at through views, stored, or used again."""
    a = F.relu(x + 1.0 * x)
    s = a + x
    kept = F.relu(s)
    t = kept + a
    part = t[1:]
    u = F.relu(t)
    w = u + a
    w = F.relu(w + w)
    return s, kept, part, u, w, F.relu(w) + w


def test_nothing_that_is_needed_is_overwritten():
    run = ag.capture(ag.no_grad()(sums))
    for _ in range(4):
        x = ag.randn(SHAPE)
        before = x.clone()
        for found, expected in zip(run(x), sums(x), strict=True):
            assert ag.equal(found, expected)
        assert ag.equal(x, before)
    assert run.reasons == []


class Onto(nn.Module):
    """Sums with convolutions, of which only those that the names tell may be added in place."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(16, 16, 3, padding=1) for _ in range(3))

    def of_two(self, x):
        return self.a(x) + self.b(x)

    def of_its_own_input(self, x):
        y = 1.0 * self.c(x) + x
        return F.relu(self.a(y) + y)

    def kept(self, x):
        y = self.a(x)
        return self.b(x) + y, y

    def used_again(self, x):
        y, z = self.a(x), self.b(x)
        return F.relu(y + z), z * 2, F.relu(y)

    def written_in_between(self, x):
        y = self.a(x)
        x = x.mul_(2)
        return F.relu(self.b(x) + y)

    def overwritten_in_between(self, x):
        z = F.relu(self.b(x))
        y = self.a(z)
        s = F.relu(z + self.c(x) * 2.0)  # in place of z
        return y + s

    def padded(self, x):
        y = F.relu(self.a(x))
        return F.relu(self.b(y) + F.pad(y[:, 4:12], (0, 0, 0, 0, 4, 4)))


@pytest.mark.parametrize("path", ["auto", "numpy"])
@pytest.mark.parametrize("name", [name for name in vars(Onto) if not name.startswith("_")])
def test_convolutions_are_added_in_place(name, path):
    ag.manual_seed(0)
    step = getattr(Onto(), name)
    before = choice.chosen()
    choice.choose(path)
    try:
        run = ag.capture(ag.no_grad()(step))
        for _ in range(4):
            x = ag.randn(SHAPE)
            with ag.no_grad():
                expected = step(x.clone())
            for one, other in zip(both(run(x)), both(expected), strict=True):
                assert ag.equal(one, other)
    finally:
        choice.choose(before)
    assert run.reasons == []
    assert ("convolve_onto(" in run.source) is (name in ("of_two", "padded", "written_in_between"))


def both(found):
    return [found] if isinstance(found, ag.Tensor) else found


def test_stored_gradients_are_not_overwritten():
    w = ag.randn(SHAPE, requires_grad=True)

    def step(x):
        w.grad = None
        ((w + x) * (w + x)).sum().backward()
        optimizer.step()
        return F.relu(w.grad + x)

    optimizer = optim.SGD([w], 0.0)
    run = ag.capture(step)
    for _ in range(4):
        x = ag.randn(SHAPE)
        found = run(x)
        assert ag.equal(w.grad, 2 * (w + x).detach())
        assert ag.equal(found, F.relu(w.grad + x))
    assert run.reasons == []


def test_channels_are_not_scaled_early():
    conv = nn.Conv2d(16, 16, 1, bias=False)
    bn = nn.BatchNorm2d(16).eval()
    statistics(bn)

    def step(x):
        y = conv(x)
        x.zero_()  # the convolution must come first
        return bn(y), y

    run = ag.capture(ag.no_grad()(step))
    for _ in range(4):
        x = ag.randn(SHAPE)
        with ag.no_grad():
            y = conv(x)
            for found, expected in zip(run(x), (bn(y), y), strict=True):
                np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_gradients_of_slices_are_added_in_place():
    w = ag.randn(SHAPE, requires_grad=True)

    def step(x):
        w.grad = None
        y = (w * x).tanh()
        part, again = y[:, :, ::2, 1:], y[:, 3:5]
        (part.square().sum() + (y * x).sum() + (again * again.sum()).sum() + y[0, 0].exp().sum()).backward()
        return y.detach()

    run = ag.capture(step)
    for _ in range(4):
        x = ag.randn(SHAPE)
        y = run(x)
        found = w.grad
        assert ag.equal(y, step(x))
        assert ag.equal(found, w.grad)
    assert run.reasons == []
    assert "] += v" in run.source


AFTER = {
    "kept": lambda g, w: (g, g + w),
    "rectified": lambda g, w: (ag.relu(g),),
    "kept and rectified": lambda g, w: (g, ag.relu(g)),
}


@pytest.mark.parametrize("after", AFTER.values(), ids=AFTER)
def test_what_follows_a_gradient_of_a_slice_finds_it_whole(after):
    w = ag.randn(512, 512)

    @ag.capture
    def step(x):
        y = x.detach().requires_grad_()
        (g,) = ag.grad((y * w).sum() + (y[:, 10:] * 3).sum(), y)
        return after(g, w)

    x = ag.randn(512, 512)
    expected = step(x)
    for _ in range(3):
        for found, wanted in zip(step(x), expected, strict=True):
            assert ag.equal(found, wanted)
    assert step.reasons == []
    assert "] += v" in step.source


def test_a_gradient_of_a_slice_is_added_to_itself():
    w = ag.randn(512, 512, requires_grad=True)

    @ag.capture
    def step(x):
        y = w * x
        return ag.grad((y + y)[:, 10:].square().sum(), w)

    x = ag.randn(512, 512)
    (expected,) = step(x)
    for _ in range(3):
        (found,) = step(x)
        assert ag.equal(found, expected)
    assert step.reasons == []
