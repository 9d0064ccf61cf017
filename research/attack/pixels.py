"""Changes of few pixels: what a candidate is, and pictures with candidates drawn into them.

A candidate is int32 [k, 2 + C]: for each of k pixels its row, its column and its C new values, 0..255.
"""

import jax
import jax.numpy as jnp


def drawn(image: jax.Array, candidates: jax.Array) -> jax.Array:
    """`image` (uint8 [H, W, C]) with each of `candidates` [P, k, 2 + C] drawn in: uint8 [P, H, W, C].

    Where two pixels of a candidate have one place, the later one is drawn over the earlier.
    """
    copies = jnp.broadcast_to(image, (len(candidates), *image.shape))
    index = jnp.arange(len(candidates))
    for pixel in range(candidates.shape[1]):
        row, column, values = _parts(candidates[:, pixel])
        copies = copies.at[index, row, column].set(values)
    return copies


def random_candidates(key: jax.Array, count: int, pixels: int, shape: tuple[int, int, int]) -> jax.Array:
    """`count` candidates at random, int32 [count, pixels, 2 + C]: places uniform, values normal (128, 127), clipped.

    The initial population of Su, Vargas, Sakurai 2017, "One Pixel Attack for Fooling Deep Neural Networks", section 4.
    """
    places, values = jax.random.split(key)
    height, width, channels = shape
    coordinates = jax.random.randint(places, (count, pixels, 2), 0, jnp.array([height, width]))
    tones = 128 + 127 * jax.random.normal(values, (count, pixels, channels))
    return jnp.concatenate([coordinates, jnp.clip(jnp.round(tones), 0, 255).astype(jnp.int32)], axis=-1)


def unchanged(image: jax.Array, pixels: int) -> jax.Array:
    """A candidate [pixels, 2 + C] that changes nothing: the first pixels of the first row, as they are."""
    width = image.shape[1]
    index = jnp.arange(pixels)
    place = jnp.stack([index // width, index % width], axis=-1)
    return jnp.concatenate([place, image[place[:, 0], place[:, 1]].astype(jnp.int32)], axis=-1)


def _parts(pixel: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    return pixel[:, 0], pixel[:, 1], pixel[:, 2:].astype(jnp.uint8)
