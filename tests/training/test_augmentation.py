"""Augmentation: what each change does at its largest, how often it happens, and that labels stay with their images."""

import pytest

import autograd_core as ag
from training import DataLoader, TensorDataset, augmentation
from training.augmentation import Affine, Augmented, Flip, Jitter, Noise

IMAGE = ag.arange(16.0).reshape(1, 1, 4, 4)


@pytest.fixture
def largest(monkeypatch):
    """Every drawn number is the largest possible one."""
    monkeypatch.setattr(augmentation, "_uniform", lambda images, reach: ag.full((len(images), 1, 1, 1), float(reach)))


@pytest.mark.parametrize(
    "transform, expected",
    [
        (Affine(degrees=90), ag.rot90(IMAGE, 1, (2, 3))),
        (Affine(shift=0.25), IMAGE[..., [1, 2, 3, 3], :][..., [1, 2, 3, 3]]),
        (Affine(scale=1.0), ag.nn.functional.interpolate(IMAGE[..., 1:3, 1:3], scale_factor=2, mode="bilinear")),
        (Jitter(brightness=0.5), IMAGE + 0.5),
        (Jitter(contrast=0.5), 7.5 + (IMAGE - 7.5) * 1.5),
        (Affine(), IMAGE),
        (Jitter(), IMAGE),
    ],
)
def test_the_largest_change(largest, transform, expected):
    inner = (
        (..., slice(1, 3), slice(1, 3)) if transform == Affine(scale=1.0) else ...
    )  # the border has other neighbours
    ag.testing.assert_close(transform(IMAGE)[inner], expected[inner], atol=1e-5, rtol=0)


def test_a_turned_rectangle_keeps_its_lengths(largest):
    image = ag.zeros(1, 1, 5, 9)
    image[0, 0, 2, 4:6] = ag.tensor([1.0, 2.0])
    turned = Affine(degrees=90)(image)
    assert turned[0, 0, 1:3, 4].tolist() == pytest.approx([2, 1], abs=1e-5)
    assert turned.sum().item() == pytest.approx(3, abs=1e-4)


def test_every_image_changes_by_numbers_of_its_own():
    ag.manual_seed(0)
    images = IMAGE.expand(400, 1, 4, 4)
    flipped = (Flip(0.25)(images) == IMAGE.flip(-1)).flatten(1).all(1)
    assert 70 < flipped.sum().item() < 130
    assert (Flip(1.0, axis=-2)(images) == IMAGE.flip(-2)).all()
    assert Noise(0.5)(images).sub(images).std().item() == pytest.approx(0.5, rel=0.05)
    turned = Affine(degrees=10)(images)
    assert len(turned.flatten(1).unique(dim=0)) == 400


def test_labels_stay_with_their_images():
    ag.manual_seed(0)
    labels = ag.arange(6)
    images = labels.reshape(6, 1, 1, 1).float().expand(6, 1, 2, 2)
    loader = Augmented(DataLoader(TensorDataset(images, labels), 4, shuffle=True), Flip(), Jitter(brightness=0.1))
    first, second = (ag.cat([x for x, _ in loader]) for _ in range(2))
    assert (len(loader), first.shape) == (2, (6, 1, 2, 2))
    assert sorted(first.flatten().tolist()) != sorted(second.flatten().tolist())
    for x, y in loader:
        assert x[:, 0, 0, 0].round().long().tolist() == y.tolist()


@pytest.mark.parametrize(
    "misuse, match",
    [
        (lambda: Noise(-1.0), "Noise: std must be a number from 0 to inf, not -1.0"),
        (lambda: Noise(float("nan")), "not nan"),
        (lambda: Affine(degrees="5"), "degrees must be a number"),
        (lambda: Flip(p=2), "p must be a number from 0 to 1, not 2"),
        (lambda: Flip()(IMAGE[0]), r"batches of images \(N, C, H, W\), not a tensor of shape \(1, 4, 4\)"),
    ],
)
def test_misuse_is_named(misuse, match):
    with pytest.raises(ValueError, match=match):
        misuse()
