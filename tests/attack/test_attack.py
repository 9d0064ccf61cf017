"""Attacks of few pixels: the search's laws, the one definition of success, and the truth by exhaustive search."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.attack.evolution import Evolution, children, three_others
from research.attack.exhaustive import exhaustive
from research.attack.one_pixel import Attack, aims_of, one_pixel
from research.attack.pixels import drawn, random_candidates, unchanged
from research.attack.success import Aim, fitness, margin

SHAPE = (5, 7, 3)
QUICK = Attack(population=40, generations=30)


def aim(label, target=None):
    return Aim(jnp.int32(label), jnp.int32(label if target is None else target), jnp.bool_(target is not None))


def pictures(count, shape=SHAPE, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape)).astype(np.uint8)


def backdoor(images):
    """Class 1 where the pixel at (3, 2) is nearly white in its first channel, else class 0; a slope leads there."""
    tone = images[:, 3, 2, 0].astype(jnp.float32)
    return jnp.stack([jnp.full_like(tone, 250.5), tone, jnp.zeros_like(tone)], axis=-1) / 10


def linear(images):
    weights = np.random.default_rng(3).normal(size=(np.prod(images.shape[1:]), 4)).astype(np.float32)
    return images.reshape(len(images), -1).astype(jnp.float32) @ weights / 2000


def test_drawing_sets_the_named_pixels_and_no_other():
    image = pictures(1)[0]
    candidates = jnp.array([[[0, 6, 1, 2, 3], [4, 0, 7, 8, 9]], [[2, 2, 5, 5, 5], [2, 2, 6, 6, 6]]])
    found = np.asarray(drawn(image, candidates))
    wanted = np.stack([image, image])
    wanted[0, 0, 6], wanted[0, 4, 0], wanted[1, 2, 2] = (1, 2, 3), (7, 8, 9), (6, 6, 6)
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(drawn(image, unchanged(image, 3)[None])[0], image)


def test_first_places_are_uniform_and_values_are_normal_around_128():
    found = np.asarray(random_candidates(jax.random.key(0), 70_000, 1, SHAPE))[:, 0]
    places = np.bincount(found[:, 0] * 7 + found[:, 1], minlength=35)
    assert ((places - 2000) ** 2 / 2000).sum() < 70  # chi-squared of 34 degrees: 0.999 is 65
    assert found[:, 2:].min() == 0 and found[:, 2:].max() == 255
    inside = found[:, 2:][(found[:, 2:] > 0) & (found[:, 2:] < 255)]
    assert abs(inside.mean() - 127.7) < 1 and 0.13 < (found[:, 2:] == 0).mean() < 0.18


def test_three_others_are_different_and_uniform():
    drawn_ones = jax.jit(jax.vmap(lambda key: jnp.stack(three_others(key, 6))))(
        jax.random.split(jax.random.key(1), 4000)
    )
    for index in range(6):
        rows = np.asarray(drawn_ones[:, :, index])
        together = np.concatenate([rows, np.full((4000, 1), index)], 1)
        assert all(len(set(row)) == 4 for row in together)
        for column in rows.T:
            counts = np.bincount(column, minlength=6)
            assert counts[index] == 0 and abs(counts[np.arange(6) != index] - 800).max() < 130


def test_children_stay_in_the_picture_and_borders_get_their_share():
    start = random_candidates(jax.random.key(2), 4000, 1, SHAPE)
    young = np.asarray(children(jax.random.key(3), start, jnp.int32(0), SHAPE, Evolution()))
    assert young[..., 0].min() == 0 and young[..., 0].max() == 4 and young[..., 1].max() == 6
    assert young[..., 2:].min() == 0 and young[..., 2:].max() == 255
    rows = np.bincount(young[:, 0, 0], minlength=5) / 4000
    # SciPy's rounding of a continuous place halves the borders' 0.2, clipping adds to it, and rounding halves to even
    # gives rows 1 and 3 half of what they should have.
    assert rows[[0, 4]].min() > 0.14 and rows[[0, 4]].max() < 0.2 < rows[1:4].min()


@pytest.mark.slow
def test_best_1_starts_from_the_fittest_and_crossover_keeps_a_share_of_the_parent():
    start = random_candidates(jax.random.key(2), 50, 2, (200, 200, 3))
    still = children(jax.random.key(0), start, jnp.int32(7), (200, 200, 3), Evolution("best1", weight=0.0))
    np.testing.assert_array_equal(still, np.broadcast_to(start[7], still.shape))
    half = children(jax.random.key(0), start, jnp.int32(7), (200, 200, 3), Evolution("best1", 0.0, crossover=0.5))
    taken = np.asarray(half == start[7]).reshape(50, -1)
    assert taken.any(1).all() and 0.4 < np.delete(taken, 7, 0).mean() < 0.65


def test_success_is_the_same_for_logits_shifted_logits_and_log_softmax():
    logits = jnp.asarray(np.random.default_rng(0).normal(size=(200, 5)), jnp.float32)
    for goal in (aim(2), aim(2, target=4)):
        assert ((margin(jax.nn.softmax(logits), goal) > 0) == (margin(logits, goal) > 0)).all()
        for other in (logits + 300.0, jax.nn.log_softmax(logits)):
            np.testing.assert_allclose(margin(other, goal), margin(logits, goal), atol=1e-4)
            np.testing.assert_allclose(fitness(other, goal), fitness(logits, goal), atol=1e-4)
        wins = logits.argmax(1) == 4 if bool(goal.targeted) else logits.argmax(1) != 2
        np.testing.assert_array_equal(margin(logits, goal) > 0, wins)


def test_outputs_that_are_not_finite_are_the_worst_and_ties_no_success():
    logits = jnp.array([[1.0, jnp.nan], [1.0, 9.0], [jnp.inf, 0.0], [3.0, 3.0]])
    assert margin(logits, aim(0)).tolist() == [-np.inf, 8.0, -np.inf, 0.0]
    assert fitness(logits, aim(0)).argmax() == 1 and not np.isnan(fitness(logits, aim(0))).any()


@pytest.mark.parametrize("pixels", [1, 3])
def test_a_planted_backdoor_is_found_and_verified(pixels):
    images, labels = pictures(6), np.zeros(6, np.int32)
    images[:, 3, 2, 0] = np.minimum(images[:, 3, 2, 0], 200)
    attack = QUICK._replace(pixels=pixels, generations=200)
    found = jax.jit(lambda x: one_pixel(jax.random.key(5), backdoor, x, labels, attack=attack))(images)
    assert found.success.all() and (backdoor(found.adversarial).argmax(1) == 1).all()
    changed = (np.asarray(found.adversarial) != images).any(-1)
    assert changed.sum((1, 2)).max() <= pixels and changed[:, 3, 2].all()
    for image, places, values in zip(found.adversarial, found.coordinates, found.values, strict=True):
        row, column = places[-1]
        np.testing.assert_array_equal(image[row, column], values[-1])


def test_a_picture_that_cannot_be_flipped_comes_back_untouched_and_flagged():
    images = pictures(3)

    def sure(x):  # some candidates come nearer to the other class, and none reaches it
        return jnp.stack([jnp.full(len(x), 300.0), x.reshape(len(x), -1).mean(1)], axis=-1)

    found = one_pixel(jax.random.key(0), sure, images, np.zeros(3, np.int32), attack=QUICK)
    assert not found.success.any() and (found.coordinates == -1).all()
    np.testing.assert_array_equal(found.adversarial, images)
    assert (found.evaluations == 40 * 31).all() and (found.margin < 0).all()


def test_a_result_depends_on_its_own_picture_alone_and_on_the_key():
    images = pictures(8)
    labels = linear(images).argmax(1)
    attack = QUICK._replace(generations=5)
    run = jax.jit(lambda key, x, y: one_pixel(key, linear, x, y, attack=attack))
    both, first = run(jax.random.key(1), images, labels), run(jax.random.key(1), images[:3], labels[:3])
    for whole, part in zip(both, first, strict=True):
        np.testing.assert_array_equal(whole[:3], part)
    assert (np.asarray(run(jax.random.key(2), images, labels).values) != np.asarray(both.values)).any()


@pytest.mark.slow
def test_success_never_falls_with_more_pixels_that_start_from_fewer():
    images = pictures(30, (6, 6, 1), seed=1)
    labels = linear(images).argmax(1)
    before, start = np.zeros(30, bool), None
    for pixels in (1, 2, 4):
        attack = QUICK._replace(pixels=pixels, generations=3)
        found = one_pixel(jax.random.key(0), linear, images, labels, attack=attack, start=start)
        assert (before <= np.asarray(found.success)).all()
        if pixels > 1:
            assert (np.asarray(found.evaluations)[before] == 40).all()  # known from the start
        before = np.asarray(found.success)
        start = jnp.concatenate([found.coordinates, found.values.astype(jnp.int32)], -1)
        start = jnp.where(found.success[:, None, None], start, jax.vmap(lambda x, p=pixels: unchanged(x, p))(images))
    assert before.sum() > 0


@pytest.mark.slow
def test_a_targeted_attack_ends_in_its_target():
    images = pictures(12, (6, 6, 1), seed=2)
    labels = linear(images).argmax(1)
    targets = (labels + 1) % 4
    found = one_pixel(jax.random.key(0), linear, images, labels, targets=targets, attack=QUICK._replace(pixels=3))
    assert found.success.any()
    named = linear(found.adversarial).argmax(1)
    np.testing.assert_array_equal(named[found.success], targets[found.success])


def test_exhaustive_search_is_brute_force_and_its_certificate_holds():
    images = pictures(6, (3, 4, 1), seed=4)
    labels = np.asarray(linear(images).argmax(1))
    run = jax.jit(lambda image, label: exhaustive(linear, image, aim(label)))
    certified = []
    for image, label in zip(images, labels, strict=True):
        every = np.repeat(image[None], 3 * 4 * 256, 0).reshape(3, 4, 256, 3, 4, 1)
        for row in range(3):
            for column in range(4):
                every[row, column, :, row, column, 0] = np.arange(256)
        flips = (np.asarray(linear(every.reshape(-1, 3, 4, 1))).argmax(1) != label).reshape(3, 4, 256)
        found = run(image, label)
        np.testing.assert_array_equal(found, flips.sum(-1))
        certified.append(not np.any(found))
    assert set(certified) == {True, False}
    with pytest.raises(ValueError, match="3 channels"):
        exhaustive(linear, pictures(1)[0], aim(0))


@pytest.mark.slow
def test_evolution_finds_what_exhaustive_search_proves_possible():
    images = pictures(20, (6, 6, 1), seed=6)
    labels = np.asarray(linear(images).argmax(1))
    truth = jax.jit(jax.vmap(lambda image, a: exhaustive(linear, image, a)))(images, aims_of(labels, None))
    found = one_pixel(jax.random.key(0), linear, images, labels, attack=QUICK)
    possible = np.asarray(truth).any((1, 2))
    assert 3 < possible.sum() < 20
    assert not np.asarray(found.success)[~possible].any() and np.asarray(found.success)[possible].mean() > 0.9


def test_images_and_settings_that_do_not_do_are_refused():
    for images, attack, word in (
        (pictures(1) / np.float32(255), QUICK, "float32"),
        (pictures(1)[0], QUICK, "uint8 \\[B, H, W, C\\]"),
        (pictures(1), QUICK._replace(pixels=36), "36 pixels are more than the 5x7"),
        (pictures(1), QUICK._replace(population=3), "population of 3"),
    ):
        with pytest.raises(ValueError, match=word):
            one_pixel(jax.random.key(0), linear, images, np.zeros(1, np.int32), attack=attack)
