"""Pictures inside a page: exact where small, true to colour where large, and maps that stand out over them."""

import io
import struct
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

from research.report.pictures import DIM, LOSSLESS_SIDE, LUMINANCE, gray_map, inlined, overlay, unit
from research.report.pictures import picture as figure_picture


def picture(seed, side=16, channels=3):
    return np.random.default_rng(seed).integers(0, 256, (side, side, channels), np.uint8)


def decoded(source):
    return np.asarray(Image.open(io.BytesIO(b64decode(source.split(",", 1)[1]))).convert("RGB"))


@pytest.mark.parametrize("side", [1, LOSSLESS_SIDE, LOSSLESS_SIDE + 1, 96])
@pytest.mark.parametrize("channels", [1, 3])
def test_small_pictures_are_exact_and_large_ones_keep_their_colours(side, channels):
    image = picture(side, side, channels)
    shown = inlined(image)
    assert (shown["width"], shown["height"]) == (side, side) and shown == inlined(image.copy())
    error = decoded(shown["source"]).astype(float) - image
    if side <= LOSSLESS_SIDE:
        assert not error.any()
    else:  # white noise is the worst that there is; halved colour resolution would leave about 60
        assert np.sqrt(np.mean(error**2)) < 15


def test_the_glow_is_lighter_than_the_picture_wherever_it_is():
    image = picture(0, 40)
    map_ = np.zeros((40, 40))
    map_[10:20, 10:20] = 1.0
    drawn = overlay(image, map_)
    gray = drawn @ np.array(LUMINANCE)
    assert gray[10:20, 10:20].min() > gray[map_ == 0].max() + 20
    assert (
        (drawn[10, 10:20] == 255).all()
        and (drawn[19, 10:20] == 255).all()
        and (drawn[11:19, 11:19] < 255).any(-1).all()
    )
    assert np.allclose(gray[map_ == 0], DIM * image[map_ == 0] @ np.array(LUMINANCE), atol=1)
    assert np.array_equal(overlay(image[..., :1], 0 * map_)[..., 0], np.round(DIM * image[..., 0]).astype(np.uint8))
    with pytest.raises(ValueError, match="map"):
        overlay(image, map_[:20])


def test_maps_are_shares_of_their_most():
    values = np.array([[0.0, -2.0], [1.0, np.nan]])
    assert np.array_equal(unit(values), [[0.0, 1.0], [0.5, 0.0]])
    assert np.array_equal(unit(1e-9 * values), unit(values)) and not unit(np.zeros((2, 2))).any()
    lonely = np.zeros((100, 100))
    lonely[3, 4] = 5.0
    assert gray_map(lonely)[3, 4] == 255 and gray_map(lonely).sum() == 255


def test_a_picture_stands_on_the_page_at_its_size_in_inches(report):
    shown = figure_picture(report["figures"]["learning_curves"])
    width, height = struct.unpack(">II", report["figures"]["learning_curves"][16:24])
    assert (shown["width"], shown["height"]) == (round(width * 0.6), round(height * 0.6))
    assert shown["width"] == round(5.4 * 96)
