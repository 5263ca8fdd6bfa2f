"""Interpolation, grids, padding and patches: literal values, kinks, and what is refused."""

import math

import numpy as np
import pytest

import autograd_core as ag
import nn.functional as F

NAN, INF = math.nan, math.inf


def image(*shape):
    return ag.arange(math.prod(shape)).float().reshape(shape)


@pytest.mark.parametrize(
    "mode, size, corners, expected",
    [
        ("nearest", 4, None, [0, 0, 1, 1]),
        ("nearest", 3, None, [0, 0, 1]),
        ("nearest-exact", 3, None, [0, 1, 1]),
        ("linear", 4, False, [0, 0.25, 0.75, 1]),
        ("linear", 3, True, [0, 0.5, 1]),
        ("area", 1, None, [0.5]),
    ],
)
def test_two_samples_interpolated(mode, size, corners, expected):
    assert F.interpolate(image(1, 1, 2), size, mode=mode, align_corners=corners).flatten().tolist() == expected


def test_samples_of_weight_zero_are_not_read():
    y = F.interpolate(ag.tensor([[[1.0, INF]]]), 3, mode="linear", align_corners=True)
    assert y.flatten().tolist() == [1, INF, INF]
    assert F.adaptive_avg_pool1d(ag.tensor([[[1.0, 3, INF, 5, 7]]]), 2).flatten().tolist() == [INF, INF]


def test_a_given_scale_factor_is_kept_unless_it_shall_be_computed_anew():
    x = image(1, 1, 5)
    kept, anew = (
        F.interpolate(x, scale_factor=1.7, mode="linear", recompute_scale_factor=r).flatten() for r in (False, True)
    )
    assert kept[1].item() == pytest.approx(1.5 / 1.7 - 0.5)
    assert anew[1].item() == pytest.approx(1.5 * 5 / 8 - 0.5)


def test_interpolation_to_the_same_size_is_a_copy():
    x = image(1, 1, 3)
    y = F.interpolate(x, 3)
    y += 1
    assert x.flatten().tolist() == [0, 1, 2]


@pytest.mark.parametrize("factor, expected", [(1.3, [0, 1, 2]), (2.1, [0, 0, 1, 1, 2, 2]), (1.9, [0, 0, 1, 1, 2])])
def test_the_nearest_pixels_of_an_image_stay_or_double(factor, expected):
    row = ag.arange(3.0)
    assert F.interpolate(row.expand(1, 1, 3, 3), scale_factor=factor)[0, 0, 0].tolist() == expected
    assert F.interpolate(row.reshape(1, 1, 3), scale_factor=1.3)[0, 0].tolist() == [0, 0, 1]


@pytest.mark.parametrize("mode, rank", [("linear", 1), ("bilinear", 2), ("trilinear", 3)])
def test_an_axis_that_keeps_its_length_is_not_interpolated(mode, rank):
    x = ag.randn(1, 1, *[3, 6, 6][-rank:])
    wider = F.interpolate(x, scale_factor=[1.3, 1.1, 1.5][-rank:], mode=mode)
    assert wider.shape[2:] == (3, 6, 9)[-rank:]
    expected = F.interpolate(x, scale_factor=[1.0, 1.0, 1.5][-rank:], mode=mode)
    assert (wider == expected).all()


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_rounding_errors_of_a_factor_move_no_pixel(mode):
    row = ag.arange(2.0).reshape(1, 1, 2)
    assert F.interpolate(row, scale_factor=0.1 * 3 * 10 + 1e-15, mode=mode).flatten().tolist() == [0, 0, 0, 1, 1, 1]


# What PyTorch 2.13 computes of the bytes i² mod 256, as (1, 1, 4, 5).
OF_BYTES = {
    "bilinear": [[4, 6, 8, 11, 17, 22, 27], [63, 72, 84, 97, 111, 126, 139], [204, 99, 29, 51, 75, 100, 120]],
    "bilinear antialias": [
        [7, 10, 13, 17, 24, 30, 35],
        [63, 72, 84, 97, 111, 126, 139],
        [188, 101, 45, 66, 89, 113, 132],
    ],
    "bicubic": [[2, 3, 6, 9, 13, 19, 24], [50, 75, 100, 111, 124, 143, 155], [223, 95, 20, 51, 73, 103, 123]],
    "bicubic antialias": [
        [2, 3, 6, 10, 14, 20, 26],
        [57, 72, 89, 102, 117, 133, 146],
        [208, 105, 36, 66, 90, 117, 136],
    ],
    "bicubic align_corners": [
        [0, 0, 2, 4, 7, 12, 16],
        [53, 79, 100, 111, 123, 140, 153],
        [225, 67, 0, 33, 55, 84, 105],
    ],
}


@pytest.mark.parametrize("case", OF_BYTES)
def test_images_of_bytes_are_rounded_after_each_axis(case):
    mode, *options = case.split()
    x = (ag.arange(20) ** 2 % 256).to(ag.uint8).reshape(1, 1, 4, 5)
    y = F.interpolate(x, size=(3, 7), mode=mode, **dict.fromkeys(options, True))
    assert y.dtype == ag.uint8
    assert y[0, 0].tolist() == OF_BYTES[case]


def test_integers_are_interpolated_only_by_copying():
    assert F.interpolate(ag.tensor([[[1, 2]]]), 4).flatten().tolist() == [1, 1, 2, 2]
    with pytest.raises(TypeError, match="needs floating point elements, not int64"):
        F.interpolate(ag.tensor([[[1, 2]]]), 4, mode="linear")


@pytest.mark.parametrize(
    "error, arguments",
    [
        (ValueError, {}),
        (ValueError, {"size": 2, "scale_factor": 2}),
        (ValueError, {"size": (2, 2)}),
        (ValueError, {"size": 2, "align_corners": True}),
        (ValueError, {"size": 2, "recompute_scale_factor": True}),
        (ValueError, {"size": 2, "mode": "linear", "antialias": True}),
        (NotImplementedError, {"size": 2, "mode": "bilinear"}),
        (NotImplementedError, {"size": 2, "mode": "quintic"}),
        (TypeError, {"size": 2.5}),
        (RuntimeError, {"size": 0}),
    ],
)
def test_interpolation_refuses(error, arguments):
    with pytest.raises(error):
        F.interpolate(image(1, 1, 4), **arguments)


@pytest.mark.parametrize(
    "mode, pad, expected",
    [
        ("circular", (-1, 2), [1, 2, 3, 1, 2]),
        ("replicate", (-4, 2), [3, 3]),
        ("reflect", (3, -1), [3, 2, 1, 0, 1, 2]),
        ("constant", (-1, 1), [1, 2, 3, 0]),
    ],
)
def test_padding_with_negative_widths(mode, pad, expected):
    assert F.pad(image(1, 4), pad, mode).flatten().tolist() == expected


def test_padding_refuses_a_value_that_it_would_not_use():
    with pytest.raises(ValueError, match="has no meaning"):
        F.pad(image(1, 4), (1, 1), "reflect", 1.0)


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("corners", [False, True])
def test_the_identity_reads_every_pixel(mode, corners):
    x = image(1, 2, 3, 4).double()
    identity = ag.tensor([[[1.0, 0, 0], [0, 1, 0]]], dtype="float64")
    grid = F.affine_grid(identity, x.shape, align_corners=corners)
    y = F.grid_sample(x, grid, mode, align_corners=corners)
    np.testing.assert_allclose(y.numpy(), x.numpy(), atol=1e-12)


@pytest.mark.parametrize("padding, expected", [("zeros", [0, 0, 0]), ("border", [0, 3, 2]), ("reflection", [3, 0, 0])])
def test_points_outside_and_points_that_are_no_numbers(padding, expected):
    grid = ag.tensor([[[[-3.0, -3], [3, 3], [NAN, INF]]]], requires_grad=True)
    y = F.grid_sample(image(1, 1, 2, 2), grid, padding_mode=padding)
    assert y.flatten().tolist() == expected
    y.sum().backward()
    assert grid.grad.nan_to_num(9).flatten().tolist() == [0] * 6


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_infinite_pixels_do_not_reach_points_outside(mode):
    outside = [-100, -7, 7, 100, INF, -INF, NAN]
    grid = ag.tensor([[[[c, c] for c in outside]]], requires_grad=True)
    y = F.grid_sample(ag.full((1, 1, 2, 2), INF), grid, mode, align_corners=True)
    assert y.flatten().tolist() == [0] * len(outside)


@pytest.mark.parametrize("size", [(2, 1), (5000, 4000)])
def test_points_of_images_with_more_pixels_than_float32_counts(size):
    image = ag.zeros(1, 1, *size)
    image[0, 0, -1, -1] = 1.0
    corner = ag.tensor([[[[1.0, 1.0]]]])
    assert F.grid_sample(image, corner, "nearest", align_corners=True).item() == 1


def test_the_nearest_pixel_has_slope_zero_in_the_grid():
    grid = ag.zeros(1, 1, 1, 2, requires_grad=True)
    F.grid_sample(image(1, 1, 3, 3), grid, "nearest").sum().backward()
    assert grid.grad.flatten().tolist() == [0, 0]


def test_grids_that_do_not_fit_are_refused():
    with pytest.raises(RuntimeError, match="takes images"):
        F.grid_sample(image(1, 1, 2, 2), ag.zeros(2, 1, 1, 2))
    with pytest.raises(ValueError, match="mode must be one of"):
        F.grid_sample(image(1, 1, 2, 2), ag.zeros(1, 1, 1, 2), "cubic")
    with pytest.raises(ValueError, match="affine_grid"):
        F.affine_grid(ag.zeros(1, 3, 3), (1, 1, 2, 2))


def test_fold_adds_what_unfold_took_apart():
    x = image(1, 1, 3, 3)
    counts = F.fold(F.unfold(ag.ones_like(x), 2), 3, 2)
    assert counts[0, 0].tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    assert (F.fold(F.unfold(x, 2), 3, 2) == counts * x).all()
    with pytest.raises(RuntimeError, match="no multiple"):
        F.fold(image(1, 5, 1), 2, 2)


def test_pixel_unshuffle_undoes_pixel_shuffle():
    x = image(2, 8, 1, 3)
    assert (F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2) == x).all()
    with pytest.raises(RuntimeError, match="pixel_shuffle"):
        F.pixel_shuffle(image(1, 3, 2, 2), 2)
