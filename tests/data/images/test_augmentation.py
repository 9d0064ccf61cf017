import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.config import Augmentation
from research.data.images.augmentation import augmented, augmenter, view_keys
from research.resampling import warped

PICTURES = np.random.default_rng(0).integers(0, 256, (6, 9, 12, 3)).astype(np.uint8)
ALL = Augmentation(flip=True, shift=0.2, rotation=30.0, zoom=0.3, brightness=0.4)


def views(config, pictures=PICTURES, seed=0, epoch=0, index=None):
    index = jnp.arange(len(pictures)) if index is None else jnp.asarray(index)
    augment = augmenter(config)
    assert augment is not None
    return np.asarray(augment(view_keys(seed, epoch, index), jnp.asarray(pictures)))


def warp(picture, turn=0.0, seen=1.0, shift=(0.0, 0.0)):
    return np.asarray(warped(jnp.asarray(picture), jnp.float32(turn), jnp.float32(seen), jnp.array(shift, jnp.float32)))


@pytest.mark.slow
def test_strength_zero_is_the_picture_to_the_bit():
    assert augmenter(Augmentation()) is None
    np.testing.assert_array_equal(augmented(jax.random.key(0), jnp.asarray(PICTURES[0]), Augmentation()), PICTURES[0])
    for size in ((9, 12), (8, 8), (150, 149)):
        picture = np.random.default_rng(1).uniform(0, 255, (*size, 3)).astype(np.float32)
        np.testing.assert_array_equal(warp(picture), picture)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["shift", "rotation", "zoom", "brightness"])
def test_a_strength_next_to_zero_changes_next_to_nothing(name):
    found = views(dataclasses.replace(Augmentation(), **{name: 1e-7}))
    np.testing.assert_allclose(found, PICTURES, atol=0.01)


def test_about_half_of_the_pictures_are_mirrored_and_the_others_left():
    many = np.repeat(PICTURES[:1], 400, axis=0)
    found = views(Augmentation(flip=True), many)
    mirrored = (found == PICTURES[0][:, ::-1]).all(axis=(1, 2, 3))
    assert (mirrored | (found == PICTURES[0]).all(axis=(1, 2, 3))).all()
    assert 160 < mirrored.sum() < 240  # 4 standard deviations


def test_a_quarter_turn_is_a_quarter_turn():
    square = PICTURES[0][:, :9]
    np.testing.assert_allclose(warp(square, turn=np.pi / 2), np.rot90(square, -1), atol=1e-2)
    np.testing.assert_allclose(warp(square, turn=np.pi), square[::-1, ::-1], atol=1e-2)


def test_a_shift_moves_by_whole_pixels_and_mirrors_at_the_edge():
    found = warp(PICTURES[0], shift=(2.0, -3.0))
    np.testing.assert_allclose(found[:-2, 3:], PICTURES[0][2:, :-3], atol=1e-4)
    np.testing.assert_allclose(found[:-2, :3], PICTURES[0][2:, 2::-1], atol=1e-4)
    np.testing.assert_allclose(found[-2:, 3:], PICTURES[0][:-3:-1, :-3], atol=1e-4)


def test_a_zoom_shows_a_linear_picture_steeper_about_its_middle():
    rows, columns = np.mgrid[:11, :11].astype(np.float32)
    ramp = np.stack([rows, columns, rows + columns], -1)
    found = warp(ramp, seen=0.5)
    np.testing.assert_allclose(found, 0.5 * (ramp - ramp[5, 5]) + ramp[5, 5], atol=1e-4)


@pytest.mark.slow
def test_brightness_scales_and_stays_within_the_range():
    gray = np.full((300, 2, 2, 3), 100, np.uint8)
    found = views(Augmentation(brightness=0.4), gray)
    levels = found[:, 0, 0, 0]
    assert (found == levels[:, None, None, None]).all()
    assert 60 <= levels.min() < 65 and 135 < levels.max() <= 140
    assert views(Augmentation(brightness=0.9), np.full((50, 2, 2, 3), 250, np.uint8)).max() <= 255


@pytest.mark.slow
def test_a_view_is_of_its_example_and_epoch_whatever_the_batch_is():
    whole = views(ALL)
    np.testing.assert_array_equal(views(ALL, PICTURES[[4, 1]], index=[4, 1]), whole[[4, 1]])
    np.testing.assert_array_equal(views(ALL), whole)
    for other in (views(ALL, seed=1), views(ALL, epoch=1)):
        assert all((a != b).any() for a, b in zip(other, whole, strict=True))
    same = views(ALL, np.repeat(PICTURES[:1], 6, axis=0))
    assert len({one.tobytes() for one in same}) == 6, "each picture has a key of its own"


def test_one_strength_has_no_say_in_what_another_draws():
    """So an ablation changes one thing."""
    flips = views(Augmentation(flip=True))
    both = views(Augmentation(flip=True, brightness=0.3))
    ratio = both / np.maximum(flips, 1)
    inside = (flips > 20) & (both < 250)
    for one, seen in zip(ratio, inside, strict=True):
        np.testing.assert_allclose(one[seen], np.median(one[seen]), rtol=1e-5)
