"""Images in folders, one for each class."""

import numpy as np
import pytest

import nn
from training import DataLoader, ImageFolder

Image = pytest.importorskip("PIL.Image")


def test_three_faces_of_60_by_60(tmp_path):
    """The challenge of the lecture: folders of jpg files, some of another size, and a network for 60×60."""
    for label, name in enumerate(("iniesta", "messi", "neymar")):
        (tmp_path / name).mkdir()
        for number in range(2):
            pixels = np.full((60 + number, 60, 3), 100 * label, np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.jpg")
    (tmp_path / "messi" / "notes.txt").write_text("no image")
    faces = ImageFolder(tmp_path, lambda x: x - 0.5, size=(60, 60))
    assert (len(faces), faces.classes) == (6, ["iniesta", "messi", "neymar"])
    images, labels = next(iter(DataLoader(faces, batch_size=6)))
    assert labels.tolist() == [0, 0, 1, 1, 2, 2]
    np.testing.assert_allclose(images.mean((1, 2, 3)).numpy(), labels.numpy() * 100 / 255 - 0.5, atol=0.01)
    assert nn.models.strided_cnn(3, 3)(images).shape == (6, 3)
    assert ImageFolder(tmp_path)[1][0].shape == (3, 61, 60)


def test_no_images(tmp_path):
    with pytest.raises(FileNotFoundError, match="put those of a class into"):
        ImageFolder(tmp_path)
