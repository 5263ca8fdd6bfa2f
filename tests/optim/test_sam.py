"""Sharpness-aware minimization and penalties."""

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim


def sam(**options):
    params = [ag.tensor(v, dtype="float64", requires_grad=True) for v in ([3.0, -1.0], [2.0])]
    return optim.SAM(params, optim.SGD, lr=0.1, momentum=0.9, **options), params


def loss_of(params):
    return (params[0] ** 4).sum() + (params[1] ** 2 * params[0][0]).sum()


def gradient(w):
    return np.array([4 * w[0] ** 3 + w[2] ** 2, 4 * w[1] ** 3, 2 * w[2] * w[0]])


@pytest.mark.parametrize("adaptive", [False, True])
def test_it_steps_by_the_gradient_of_the_worst_point(adaptive):
    optimizer, params = sam(rho=0.3, adaptive=adaptive)
    by_hand, same = sam(rho=0.3, adaptive=adaptive)

    def closure():
        optimizer.zero_grad()
        loss = loss_of(params)
        loss.backward()
        return loss

    w, b = np.array([3.0, -1.0, 2.0]), 0.0
    for _ in range(3):
        g = gradient(w)
        scale = abs(w) if adaptive else 1.0
        worst = w + 0.3 * scale**2 * g / np.linalg.norm(scale * g)
        before = w
        b = 0.9 * b + gradient(worst)
        w = w - 0.01 * b
        for group in optimizer.param_groups + by_hand.param_groups:
            group["lr"] = 0.01
        assert optimizer.step(closure).item() == pytest.approx(
            before[0] ** 4 + before[1] ** 4 + before[2] ** 2 * before[0]
        )
        loss_of(same).backward()
        by_hand.first_step(zero_grad=True)
        loss_of(same).backward()
        by_hand.second_step(zero_grad=True)
        for found in (params, same):
            np.testing.assert_allclose([*found[0].tolist(), *found[1].tolist()], w, rtol=1e-9)
    assert same[0].grad is None
    assert set(optimizer.state_dict()["state"]) == {0, 1}
    by_hand.load_state_dict(optimizer.state_dict())
    assert by_hand.state[same[1]]["momentum_buffer"].item() == pytest.approx(b[2])


def test_misuse_of_sam():
    optimizer, params = sam()
    with pytest.raises(TypeError, match=r"call step\(closure\)"):
        optimizer.step()
    with pytest.raises(RuntimeError, match=r"call first_step\(\)"):
        optimizer.second_step()
    loss_of(params).backward()
    optimizer.first_step()
    with pytest.raises(RuntimeError, match="already at the worst point"):
        optimizer.first_step()
    with pytest.raises(ValueError, match="non-negative: -1"):
        sam(rho=-1)
    with pytest.raises(TypeError, match=r"a class, such as optim\.SGD, not a SGD"):
        optim.SAM(params, optim.SGD(params))


def test_groups_of_sam_and_its_schedules():
    w, b = (ag.ones(2, requires_grad=True) for _ in range(2))
    groups = [{"params": [("w", w)], "rho": 0.0}, {"params": [("b", b)], "lr": 0.3}]
    optimizer = optim.SAM(groups, optim.SGD, lr=0.1, momentum=0.9)
    schedule = optim.lr_scheduler.CyclicLR(optimizer, 0.2, 0.4)
    optimizer.step(lambda: (w**2 + b**2).sum().backward())
    schedule.step()
    assert w.tolist() == pytest.approx([0.6, 0.6])  # by the gradient at w itself
    assert b.tolist() == pytest.approx([1 - 0.4 * 1.025] * 2)
    assert [group["param_names"] for group in optimizer.param_groups] == [["w"], ["b"]]


def test_a_closure_that_raises_leaves_the_parameters_as_they_were():
    optimizer, params = sam()
    with pytest.raises(RuntimeError, match="found no gradients"):
        optimizer.step(lambda: loss_of(params))
    before = [p.tolist() for p in params]

    def closure():
        if [p.tolist() for p in params] != before:
            raise KeyboardInterrupt
        loss_of(params).backward()

    with pytest.raises(KeyboardInterrupt):
        optimizer.step(closure)
    assert [p.tolist() for p in params] == before
    loss_of(params).backward()
    optimizer.first_step()  # it starts again


def test_penalties_and_their_gradients():
    params = [ag.tensor(v, dtype="float64", requires_grad=True) for v in ([3.0, 0.0], [[-2.0]])]
    assert optim.l1_penalty(params, 0.1).item() == pytest.approx(0.5)
    with pytest.raises(TypeError, match="not Linear; of a model"):
        optim.l1_penalty(nn.Linear(2, 2))
    assert optim.l2_penalty(params, 0.1).item() == pytest.approx(0.65)
    total = optim.elastic_penalty(iter(params), 0.2, 0.1)
    assert total.item() == pytest.approx(1.65)
    total.backward()
    assert params[0].grad.tolist() == pytest.approx([0.5, 0.0])
    assert params[1].grad.tolist() == [pytest.approx([-0.4])]


def test_the_l2_penalty_is_the_update_rule_of_the_lecture():
    """w ← (1 - εα)w - ε∇J."""
    rate, strength, slope = 0.1, 0.3, np.array([0.5, -1.0])
    w = ag.tensor([2.0, 4.0], dtype="float64", requires_grad=True)
    ((w * ag.tensor(slope)).sum() + optim.l2_penalty([w], strength)).backward()
    optim.SGD([w], lr=rate).step()
    np.testing.assert_allclose(w.tolist(), (1 - rate * strength) * np.array([2.0, 4.0]) - rate * slope, rtol=1e-15)


def test_the_l1_penalty_selects_features():
    x = ag.tensor(np.random.default_rng(0).standard_normal((200, 4)))
    target = 3 * x[:, 0] - 2 * x[:, 2]
    w = ag.zeros(4, dtype="float64", requires_grad=True)
    optimizer = optim.SGD([w], lr=0.01)
    for _ in range(400):
        optimizer.zero_grad()
        (((x @ w - target) ** 2).mean() + optim.l1_penalty([w], 0.5)).backward()
        optimizer.step()
    assert abs(w[1].item()) < 0.02
    assert abs(w[3].item()) < 0.02
    assert w[0].item() == pytest.approx(2.75, abs=0.1)
