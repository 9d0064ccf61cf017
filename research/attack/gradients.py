"""Attacks that follow the gradient of the margin: the pixels with the steepest slopes, and changes of all pixels.

The latter, FGSM and PGD, are a frame of reference: they change every pixel by a little, within a bound.
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from research.attack.one_pixel import LogitsFn
from research.attack.pixels import drawn
from research.attack.success import Aim, margin

STEPS = 40  # of PGD on MNIST in Madry et al. 2018, section 5
STRIDE = 2.5  # the steps' lengths together, in radii; Madry et al.'s public challenge code takes this


class Ball(NamedTuple):
    """The changes that are allowed: each value by at most `radius` (Linf), or the root of all squares summed (L2).

    The radius is in values of 0..255.
    """

    norm: Literal["Linf", "L2"]
    radius: float


def gradient_pixels(logits_fn: LogitsFn, images: jax.Array, aims: Aim, pixels: int) -> jax.Array:
    """The change of so many pixels that a linear net would mind most: candidates int32 [B, pixels, 2 + C].

    Each value goes to the end of 0..255 to which the margin rises; places are taken by |gradient| x the way there,
    summed over the channels. `images` are uint8 [B, H, W, C], and `aims` have leaves [B].
    """
    start = images.astype(jnp.float32)
    slopes = _slopes(logits_fn, start, aims)
    ends = jnp.where(slopes > 0, 255, 0)
    gain = (slopes * (ends - start)).sum(-1)
    width = images.shape[2]
    best = jax.lax.top_k(gain.reshape(len(images), -1), pixels)[1]
    rows, columns = best // width, best % width
    values = ends[jnp.arange(len(images))[:, None], rows, columns]
    return jnp.concatenate([rows[..., None], columns[..., None], values], axis=-1).astype(jnp.int32)


def changed(images: jax.Array, candidates: jax.Array) -> jax.Array:
    """Each of `images` (uint8 [B, H, W, C]) with its candidate [B, k, 2 + C] drawn in."""
    return jax.vmap(lambda image, candidate: drawn(image, candidate[None])[0])(images, candidates)


def fgsm(logits_fn: LogitsFn, images: jax.Array, aims: Aim, ball: Ball) -> jax.Array:
    """One step along the gradient (Goodfellow et al. 2015, "Explaining and Harnessing ...", section 4): uint8, same."""
    start = images.astype(jnp.float32)
    return _rounded(images, _projected(_step(_slopes(logits_fn, start, aims), ball, ball.radius), ball))


def pgd(key: jax.Array, logits_fn: LogitsFn, images: jax.Array, aims: Aim, ball: Ball, steps: int = STEPS) -> jax.Array:
    """Steps along the gradient from a random start, each back into the ball (Madry et al. 2018): uint8 [B, H, W, C].

    The result is the last point, rounded towards the picture, so that it stays inside.
    """
    noise = jax.random.uniform(key, images.shape, minval=-1, maxval=1)
    start = _projected(noise * ball.radius, ball)

    def forth(_, delta: jax.Array) -> jax.Array:
        slopes = _slopes(logits_fn, jnp.clip(images + delta, 0, 255), aims)
        moved = _projected(delta + _step(slopes, ball, STRIDE * ball.radius / steps), ball)
        return jnp.clip(images + moved, 0, 255) - images

    return _rounded(images, jax.lax.fori_loop(0, steps, forth, start))


def _slopes(logits_fn: LogitsFn, images: jax.Array, aims: Aim) -> jax.Array:
    """The gradients of the margins at float `images`."""

    def margins(inputs: jax.Array) -> jax.Array:
        return jax.vmap(margin)(logits_fn(inputs), aims).sum()

    return jax.grad(margins)(images)


def _step(slopes: jax.Array, ball: Ball, length: float) -> jax.Array:
    if ball.norm == "Linf":
        return length * jnp.sign(slopes)
    return length * slopes / jnp.maximum(_norms(slopes), 1e-30)


def _projected(delta: jax.Array, ball: Ball) -> jax.Array:
    if ball.norm == "Linf":
        return jnp.clip(delta, -ball.radius, ball.radius)
    return delta * jnp.minimum(1, ball.radius / jnp.maximum(_norms(delta), 1e-30))


def _norms(delta: jax.Array) -> jax.Array:
    return jnp.sqrt((delta**2).sum((1, 2, 3), keepdims=True))


def _rounded(images: jax.Array, delta: jax.Array) -> jax.Array:
    return jnp.clip(images + jnp.trunc(delta), 0, 255).astype(jnp.uint8)
