import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.ascent.transforms import GRAY, Blur, Jitter, Pad, Rotate, Scale, transformed

PICTURE = np.random.default_rng(0).uniform(0, 255, (9, 12, 3)).astype(np.float32)
KEYS = jax.random.split(jax.random.key(0), 60)


def views(*transforms):
    return np.array(jax.vmap(lambda key: transformed(transforms, key, jnp.asarray(PICTURE)))(KEYS))


@pytest.mark.parametrize("idle", [Jitter(0), Scale(1.0, 1.0), Rotate(0.0), Pad(0), Pad(3), Blur(1e-3)])
def test_at_strength_zero_a_picture_stays_as_it_is(idle):
    np.testing.assert_allclose(views(idle)[0], PICTURE, atol=1e-4)


def test_a_jitter_shifts_by_every_step_up_to_its_own():
    shifts = set()
    for view in views(Jitter(1)):
        found = [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if (np.roll(PICTURE, (r, c), (0, 1)) == view).all()]
        shifts |= set(found)
    assert len(shifts) == 9


def test_what_a_padded_picture_loses_by_a_jitter_is_gray():
    lost = [(view == GRAY).mean() for view in views(Pad(2), Jitter(2))]
    assert min(lost) == 0 and 0.3 < max(lost) < 0.4  # at most 2 of 9 rows and 2 of 12 columns


def test_turning_by_half_a_circle_and_enlarging_do_what_they_say():
    turned = transformed([Rotate(180.0)], KEYS[0], jnp.asarray(PICTURE))
    assert turned.shape == PICTURE.shape and not np.allclose(turned, PICTURE)
    flat = np.linspace(0, 100, 9, dtype=np.float32)[:, None, None] * np.ones((1, 12, 3), np.float32)
    larger = transformed([Scale(2.0, 2.0)], KEYS[0], jnp.asarray(flat))
    np.testing.assert_allclose(larger[:, 0, 0], np.linspace(25, 75, 9), atol=1e-3)


def test_a_blur_keeps_flat_pictures_and_takes_off_high_frequencies():
    flat = np.full((9, 12, 1), 40, np.float32)
    np.testing.assert_allclose(transformed([Blur(2.0)], KEYS[0], jnp.asarray(flat)), flat, rtol=1e-5)
    assert views(Blur(1.0))[0].std() < 0.5 * PICTURE.std()


def test_a_view_is_a_function_of_its_key():
    both = [views(Jitter(2), Rotate(9.0), Scale(0.9, 1.1)) for _ in range(2)]
    np.testing.assert_array_equal(*both)
    assert len(np.unique(both[0].reshape(len(KEYS), -1)[:, :40], axis=0)) == len(KEYS)
