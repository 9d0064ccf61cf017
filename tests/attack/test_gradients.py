"""Attacks by the gradient: exact where a net is linear, inside their ball, and no better than the search on pixels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.attack.filters import most_changing_pixel
from research.attack.gradients import Ball, changed, fgsm, gradient_pixels, pgd
from research.attack.one_pixel import aims_of
from research.attack.pixels import drawn
from research.attack.success import margin

WEIGHTS = np.random.default_rng(3).normal(size=(5 * 7 * 3, 4)).astype(np.float32) / 100


def linear(images):
    return images.reshape(len(images), -1).astype(jnp.float32) @ WEIGHTS


def pictures(count=6):
    return jnp.asarray(np.random.default_rng(0).integers(0, 256, (count, 5, 7, 3)).astype(np.uint8))


def aims(images):
    """Away from one of the two classes that a linear net of two has: the margin is linear in the pixels."""
    return aims_of(linear(images)[:, :2].argmax(1), None)


def two(images):
    return linear(images)[:, :2]


def test_of_a_linear_net_the_gradient_finds_the_best_pixel():
    images = pictures(3)
    found = gradient_pixels(two, images, aims(images), 1)
    for index, image in enumerate(images):
        aim = jax.tree.map(lambda leaf, i=index: leaf[i], aims(images))
        corners = np.array(np.meshgrid([0, 255], [0, 255], [0, 255])).reshape(3, -1).T
        every = [[[row, column, *corner]] for row in range(5) for column in range(7) for corner in corners]
        best = margin(two(drawn(image, jnp.array(every))), aim).max()
        own = margin(two(drawn(image, found[index][None])), aim)[0]
        np.testing.assert_allclose(own, best, atol=1e-4)


def test_pixels_by_the_gradient_are_different_and_drawn():
    images = pictures()
    found = gradient_pixels(two, images, aims(images), 4)
    assert all(len({tuple(place) for place in own}) == 4 for own in np.asarray(found[..., :2]))
    assert set(np.unique(found[..., 2:])) <= {0, 255}
    assert (np.asarray(changed(images, found)) != images).any(-1).sum((1, 2)).max() <= 4


@pytest.mark.parametrize("ball", [Ball("Linf", 5.0), Ball("Linf", 2.5), Ball("L2", 60.0)])
def test_changes_stay_in_their_ball_and_raise_the_margin(ball):
    images = pictures()
    goal = aims(images)
    before = jax.vmap(margin)(two(images), goal)
    for found in (fgsm(two, images, goal, ball), pgd(jax.random.key(0), two, images, goal, ball)):
        delta = np.asarray(found, np.float32) - np.asarray(images, np.float32)
        size = np.abs(delta).max() if ball.norm == "Linf" else np.sqrt((delta**2).sum((1, 2, 3))).max()
        assert found.dtype == jnp.uint8 and 0.5 * ball.radius < size <= ball.radius + 1e-3
        assert (jax.vmap(margin)(two(found), goal) > before).all()


def test_pgd_and_fgsm_agree_where_the_net_is_linear():
    images = jnp.clip(pictures(), 20, 230)
    ball = Ball("Linf", 8.0)
    far = pgd(jax.random.key(1), two, images, aims(images), ball)
    assert np.abs(np.asarray(far, int) - np.asarray(fgsm(two, images, aims(images), ball), int)).max() <= 1


def test_the_pixel_that_changes_a_filter_most_is_found():
    image = pictures(1)[0]

    def response(shown):
        return 3.0 * shown[:, 4, 1, 2] - shown.astype(jnp.float32).mean((1, 2, 3))

    image = image.at[4, 1, 2].set(30)
    found = jax.jit(lambda x: most_changing_pixel(response, x))(image)
    assert found.candidate[0, :2].tolist() == [4, 1] and found.candidate[0, 4] == 255
    assert float(found.after - found.before) > 600
    np.testing.assert_allclose(found.after, response(drawn(image, found.candidate[None]))[0], rtol=1e-6)
