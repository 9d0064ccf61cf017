"""Sheets of filters: every picture pixel by pixel in its place, the dead ones empty, the same bytes each time."""

import io

import numpy as np
import pytest
from PIL import Image

from research.report.sheets import GAP, HATCH, LETTERS, layer_sheets, sheet

HEAD = LETTERS + 3


def pictures(number, side=28, channels=3):
    return np.random.default_rng(number).integers(0, 256, (number, side, side, channels), np.uint8)


def read(png):
    image = Image.open(io.BytesIO(png))
    image.load()
    assert image.format == "PNG"
    return np.asarray(image)


def cell(pixels, index, columns, width, height):
    left = GAP + index % columns * (width + GAP)
    top = GAP + index // columns * (height + GAP + HEAD)
    return pixels[top : top + HEAD, left : left + width], pixels[top + HEAD :, left:][:height, :width]


@pytest.mark.parametrize(("side", "larger"), [(3, 27), (28, 3), (40, 2), (80, 1), (96, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_pixel_of_every_picture_is_there_in_whole_blocks(side, larger, channels):
    images = pictures(10, side, channels)
    pixels, drawn = read(sheet(images, range(10), 4)), side * larger
    assert pixels.shape == (3 * (drawn + GAP + HEAD) + GAP, 4 * (drawn + GAP) + GAP, 3)
    for index, image in enumerate(images):
        label, shown = cell(pixels, index, 4, drawn, drawn)
        assert np.array_equal(shown, np.broadcast_to(image, (side, side, 3)).repeat(larger, 0).repeat(larger, 1))
        assert label.min() < 100  # something is written there


def test_only_the_labels_tell_equal_pictures_apart():
    images = np.repeat(pictures(1), 2, axis=0)
    one, other = (cell(read(sheet(images, labels)), 1, 2, 84, 84) for labels in ([0, 1], [0, 2]))
    assert not np.array_equal(one[0], other[0]) and np.array_equal(one[1], other[1])


def test_a_long_label_stays_over_its_picture():
    label, _ = cell(read(sheet(pictures(2), ["W" * 99, 1])), 0, 2, 84, 84)
    pixels = read(sheet(pictures(2), ["W" * 99, 1]))
    assert label.min() < 100
    assert (pixels[: GAP + HEAD, GAP + 84 : GAP + 84 + GAP] == 255).all()


def test_a_dead_filter_is_an_empty_hatched_box():
    images = pictures(3)
    _, box = cell(read(sheet([images[0], None, images[2]], range(3))), 1, 3, 84, 84)
    inside = box[1:-1, 1:-1].astype(int)
    assert (box[..., 0] == box[..., 1]).all() and (box[0] < 200).all() and (box[:, -1] < 200).all()
    assert 0.5 / HATCH < (inside[..., 0] < 200).mean() < 2 / HATCH
    assert np.array_equal(inside[:-HATCH], inside[HATCH:])  # lines, not noise
    _, alone = cell(read(sheet([None], ["5"])), 0, 1, 80, 80)
    assert alone.min() < 200


def test_the_same_pictures_give_the_same_bytes_and_the_sheet_is_white_around():
    images = pictures(5)
    assert sheet(images, range(5)) == sheet(list(images.copy()), [0, 1, 2, 3, 4])
    pixels = read(sheet(images, range(5)))
    assert (pixels[:GAP] == 255).all() and (pixels[-GAP:] == 255).all() and (pixels[:, :GAP] == 255).all()


def test_a_layer_is_pages_of_64_and_the_whole():
    images = pictures(130, 80, 1)
    made = layer_sheets(images, range(130))
    assert list(made) == ["page_01", "page_02", "page_03", "whole"]
    assert made["page_02"] == sheet(images[64:128], range(64, 128), 8)
    assert made["page_03"] == sheet(images[128:], [128, 129], 8)
    assert made["whole"] == sheet(images, range(130), 16)
    assert list(layer_sheets(images[:64], range(64))) == ["whole"]
    assert layer_sheets(images[:64], range(64))["whole"] == sheet(images[:64], range(64), 8)


@pytest.mark.parametrize(
    ("images", "labels", "columns"),
    [
        ([], [], 8),
        (pictures(2), [0], 8),
        (pictures(2), [0, 1], 0),
        (pictures(2).astype(float), [0, 1], 8),
        (pictures(2, channels=2), [0, 1], 8),
        ([pictures(1)[0], pictures(1, 32)[0]], [0, 1], 8),
    ],
)
def test_what_is_no_sheet_is_refused(images, labels, columns):
    with pytest.raises(ValueError, match=r"images|uint8"):
        sheet(images, labels, columns)


def test_an_empty_layer_is_refused():
    with pytest.raises(ValueError, match="0 images"):
        layer_sheets([], [])
