"""The truth about one pixel: every value at every place of a gray picture, tried."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from research.attack.one_pixel import LogitsFn
from research.attack.pixels import drawn
from research.attack.success import Aim, margin

VALUES = 256  # of 8 bits


class Vulnerability(NamedTuple):
    """What all one-pixel changes of a picture do: at each place, over all 256 values.

    flips: int32 [H, W], how many values flip the picture. margin: [H, W], the largest margin (`success.margin`). value:
    uint8 [H, W], the value that has it. Where `flips` is 0 everywhere, no one-pixel change flips the picture: that is a
    certificate, complete at 8 bits.
    """

    flips: jax.Array
    margin: jax.Array
    value: jax.Array

    @property
    def certified(self) -> jax.Array:
        """Whether no one-pixel change flips the picture."""
        return ~(self.flips > 0).any((-2, -1))


def exhaustive(logits_fn: LogitsFn, image: jax.Array, aim: Aim) -> Vulnerability:
    """All H x W x 256 one-pixel changes of the gray `image` (uint8 [H, W, 1]), 256 pictures at a time; can be jitted.

    Raises ValueError for a picture of several channels: 256^3 values at a place cannot all be tried.
    """
    height, width, channels = image.shape
    if channels != 1:
        raise ValueError(f"a picture of {channels} channels has {VALUES}^{channels} values at a place; try gray ones")
    values = jnp.arange(VALUES)

    def at(place: jax.Array) -> Vulnerability:
        row, column = place // width, place % width
        candidates = jnp.stack([jnp.full(VALUES, row), jnp.full(VALUES, column), values], axis=-1)[:, None]
        margins = margin(logits_fn(drawn(image, candidates)), aim)
        best = margins.argmax()
        return Vulnerability((margins > 0).sum(dtype=jnp.int32), margins[best], best.astype(jnp.uint8))

    found = jax.lax.map(at, jnp.arange(height * width))
    return jax.tree.map(lambda leaf: leaf.reshape(height, width), found)
