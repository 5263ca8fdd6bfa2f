"""Pose estimation by heat maps: a network locates the parts of a body with one map per part, as OpenPose does.

    python examples/pose.py
    python examples/pose.py --steps 600 --seed 1 --out runs/pose.png

The input is a noisy 32×32 image of a stick figure; the output is one map of scores per part, whose softmax over all
pixels is the probability that the part is there. The targets are Gaussians around the true places, and the brightest
pixel of a map is the prediction (Cao et al. 2017, without the fields that tell several people apart).
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from options import Parser, whole, writable

import autograd_core as ag
import nn
import optim
from nn import functional as F

SIZE = 32
PARTS = ("head", "hip", "left hand", "right hand", "left foot", "right foot")
LIMBS = ((0, 1), (6, 2), (6, 3), (1, 4), (1, 5))  # (from part, to part); part 6 is the neck
PIXELS = np.stack(np.meshgrid(np.arange(SIZE), np.arange(SIZE)), axis=-1)


def turned(angle, length):
    """A vector of this length, at an angle from the downward direction."""
    return length * np.array([np.sin(angle), np.cos(angle)])


def figure(random):
    """The positions (x, y) of all parts and of the neck of a random figure."""
    head = random.uniform([11, 5], [21, 9])
    lean = random.uniform(-0.3, 0.3)
    hip, neck = head + turned(lean, 11), head + turned(lean, 3)
    arms = [neck + turned(lean + side * random.uniform(0.5, 2.4), 8) for side in (-1, 1)]
    legs = [hip + turned(lean + side * random.uniform(0.1, 0.9), 9) for side in (-1, 1)]
    return np.array([head, hip, *arms, *legs, neck])


def drawn(places, random):
    """The image of a figure: dark limbs, a head, and noise."""
    far = [np.linalg.norm(PIXELS - places[0], axis=-1) - 2]
    for a, b in LIMBS:
        start, along = places[a], places[b] - places[a]
        share = np.clip((PIXELS - start) @ along / (along @ along), 0, 1)
        far.append(np.linalg.norm(PIXELS - start - share[..., None] * along, axis=-1))
    return np.exp(-(np.maximum(np.min(far, axis=0), 0) ** 2)) + 0.2 * random.normal(size=(SIZE, SIZE))


def batch(count, random):
    """Images (N, 1, 32, 32), maps (N, parts, 32, 32) and places (N, parts, 2)."""
    figures = [figure(random) for _ in range(count)]
    images = np.stack([drawn(places, random) for places in figures])[:, None]
    places = np.stack(figures)[:, : len(PARTS)]
    maps = np.exp(-((PIXELS - places[:, :, None, None]) ** 2).sum(-1) / (2 * 1.5**2))
    maps /= maps.sum(axis=(2, 3), keepdims=True)
    return ag.tensor(images).float(), ag.tensor(maps).float(), places


def found(maps):
    """The position (x, y) of the brightest pixel of every map."""
    brightest = maps.flatten(2).argmax(2).numpy()
    return np.stack([brightest % SIZE, brightest // SIZE], axis=-1)


def save(images, places, path):
    from matplotlib.figure import Figure

    picture = Figure(figsize=(8, 4), layout="constrained")
    for panel, image, parts in zip(picture.subplots(2, 4).flat, images[:, 0].numpy(), places, strict=False):
        panel.imshow(image, cmap="gray_r")
        for i, name in enumerate(PARTS):
            panel.plot(*parts[i], "o", color=f"C{i}", label=name)
        panel.set_axis_off()
    picture.legend(*panel.get_legend_handles_labels(), loc="outside lower center", ncols=6)
    picture.savefig(path, dpi=100)
    print(f"wrote {path}")


def main():
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=whole(1), default=400)
    parser.add_argument("--seed", type=whole(0), default=0)
    parser.add_argument("--out", type=writable, help="where to draw eight figures and what was found in them")
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    ag.manual_seed(options.seed)
    model = nn.models.encoder_decoder(1, len(PARTS), widths=(16, 32, 64))
    optimizer = optim.Adam(model.parameters(), lr=3e-3)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, options.steps)
    for _ in range(options.steps):
        images, maps, _ = batch(16, random)
        optimizer.zero_grad()
        F.cross_entropy(model(images).flatten(2).flatten(0, 1), maps.flatten(2).flatten(0, 1)).backward()
        optimizer.step()
        schedule.step()
    images, _, places = batch(200, random)
    with ag.no_grad():
        guesses = found(model.eval()(images))
    distances = np.linalg.norm(guesses - places, axis=-1)
    for name, far in zip(PARTS, distances.T, strict=True):
        print(f"{name:10}  {far.mean():4.1f} pixels off, within 3 pixels {100 * (far < 3).mean():5.1f} %")
    if options.out:
        save(images, guesses, options.out)


if __name__ == "__main__":
    main()
