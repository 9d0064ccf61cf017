"""The pixel that changes one filter most."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from research.attack.pixels import drawn

Response = Callable[[jax.Array], jax.Array]  # uint8 [N, H, W, C] -> a filter's response [N]


class FilterChange(NamedTuple):
    """The change int32 [1, 2 + C] that moves a filter's response most, and the response before and after it."""

    candidate: jax.Array
    before: jax.Array
    after: jax.Array


def most_changing_pixel(response: Response, image: jax.Array) -> FilterChange:
    """Of all changes of a pixel of `image` (uint8 [H, W, C]) to a corner, the one that moves `response` most.

    A corner has each channel at 0 or 255; all 2^C of them are tried at each place. Where the response is convex in the
    values, as the mean of a first layer's filter with ReLU is, no other value raises it more; elsewhere one may.
    """
    height, width, channels = image.shape
    corners = 255 * ((jnp.arange(2**channels)[:, None] >> jnp.arange(channels)) & 1)
    before = response(image[None])[0]

    def at(place: jax.Array) -> tuple[jax.Array, jax.Array]:
        spot = jnp.broadcast_to(jnp.array([place // width, place % width]), (len(corners), 2))
        candidates = jnp.concatenate([spot, corners], axis=-1)[:, None]
        after = response(drawn(image, candidates))
        best = jnp.abs(after - before).argmax()
        return candidates[best], after[best]

    candidates, after = jax.lax.map(at, jnp.arange(height * width))
    best = jnp.abs(after - before).argmax()
    return FilterChange(candidates[best], before, after[best])
