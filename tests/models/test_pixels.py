import numpy as np
import pytest

from research.errors import UserError
from research.models.pixels import ENOUGH, blue_over_red, check_pixels


@pytest.fixture
def photos():
    """`photos(count)`: noise as uneven in its colours as photos are; red over blue by 0.8 of its spread."""

    def make(count, effect=0.8, seed=0):
        generator = np.random.default_rng(seed)
        tint = generator.standard_normal(count)
        tint = (tint - tint.mean()) / tint.std(ddof=1) * 20 + 20 * effect  # as measured on ImageNet's photos
        noise = generator.uniform(60, 180, (count, 40, 32, 1))
        pictures = noise + tint[:, None, None, None] * np.array([0.5, 0, -0.5])
        return np.clip(pictures, 0, 255).round().astype(np.uint8)

    return make


def test_sound_pictures_pass(photos):
    assert check_pixels(photos(64)) == []
    assert check_pixels(photos(3)) == []
    assert check_pixels(photos(64).astype(np.float32)) == []
    assert check_pixels(np.zeros((20, 8, 8, 3), np.uint8)) == [], "black pictures tell nothing"
    assert check_pixels(np.zeros((0, 8, 8, 3), np.uint8)) == []


def keras(x):
    return x[..., ::-1].astype(np.float32) - np.array([103.939, 116.779, 123.68], np.float32)


MISTAKES = {
    "0..1": lambda x: x / np.float32(255),
    "0..1, fed": lambda x: np.clip(x / 255, 0, 1) * 1.04 - 0.02,
    "-1..1": lambda x: x / 127.5 - 1,
    "torchvision": lambda x: (x / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225],
    "subtract it twice": keras,
    "subtracted twice already": lambda x: keras(keras(x)),
    "16-bit": lambda x: x.astype(np.uint16) * 257,
    "NaN": lambda x: np.where(x > 250, np.nan, x.astype(np.float32)),
    "RGB channels last": lambda x: x.transpose(0, 3, 1, 2),
    "not 24x16x16x1": lambda x: x[..., :1],
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_was_done_to_the_pixels_is_reported(mistake):
    pictures = np.random.default_rng(0).integers(0, 256, (24, 16, 16, 3)).astype(np.uint8)
    pictures[0, 0, 0], pictures[0, 0, 1] = 0, 255
    with pytest.raises(UserError) as raised:
        check_pixels(MISTAKES[mistake](pictures))
    assert mistake in str(raised.value) and "\n" not in str(raised.value)


def test_swapped_channels_are_found_in_enough_photos(photos):
    assert check_pixels(photos(64)[..., ::-1]) and "swapped" in check_pixels(photos(64)[..., ::-1])[0]
    assert check_pixels(photos(ENOUGH - 1)[..., ::-1]) == [], "too few to tell"
    assert check_pixels(photos(256, effect=-0.3)) == [], "ships and aeroplanes are blue"
    assert check_pixels(np.repeat(photos(64)[..., :1], 3, axis=3)) == [], "gray pictures have no channels to swap"


def test_the_measure_changes_its_sign_with_the_channels_and_not_with_sky(photos):
    pictures = photos(32)
    assert blue_over_red(pictures) == pytest.approx(-0.8, abs=0.05)
    assert blue_over_red(pictures[..., ::-1]) == pytest.approx(-blue_over_red(pictures))
    sky = pictures.copy()
    sky[:, :20] = (120, 160, 230)
    assert blue_over_red(sky) == blue_over_red(pictures)
