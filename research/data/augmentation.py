"""Augmentation: random changes of a picture that leave its class as it is, each picture by a key of its own.

Pure functions of (key, picture), for the device: the same key gives the same view, whatever else is in the batch.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from research.config import Augmentation
from research.keys import key

AT_ONCE = 8  # pictures

Augment = Callable[[jax.Array, jax.Array], jax.Array]  # (keys [B], pictures [B, H, W, C]) -> pictures [B, H, W, C]


def augmenter(config: Augmentation) -> Augment | None:
    """The function that changes pictures of values 0..255 as `config` says; None when it changes nothing.

    A loop over a few pictures at once: what a loop gives, XLA computes once, while it may work a view out anew in each
    of the nine places that a 3x3 convolution reads it from.
    """
    if not config.active:
        return None

    def one(each: tuple[jax.Array, jax.Array]) -> jax.Array:
        return augmented(each[0], each[1], config)

    return lambda keys, pictures: jax.lax.map(one, (keys, pictures), batch_size=AT_ONCE)


def augmented(drawn: jax.Array, picture: jax.Array, config: Augmentation) -> jax.Array:
    """One picture [H, W, C], mirrored, turned, zoomed, shifted and brightened as the key `drawn` has it.

    Turn, zoom and shift are one resampling, about the picture's middle, bilinear; what lies outside is the picture
    mirrored at its edge (d c b a | a b c d | d c b a, Keras' "reflect"). Float32 unless nothing but `flip` is asked.
    """
    draw = {name: jax.random.fold_in(drawn, place) for place, name in enumerate(("flip", "warp", "brightness"))}
    if config.flip:
        picture = jnp.where(jax.random.bernoulli(draw["flip"]), picture[:, ::-1], picture)
    if config.shift or config.rotation or config.zoom:
        picture = warped(picture, *_drawn_warp(draw["warp"], config, picture.shape))
    if config.brightness:
        factor = 1 + config.brightness * jax.random.uniform(draw["brightness"], minval=-1.0)
        picture = jnp.clip(picture * factor, 0, 255)
    return picture


def warped(picture: jax.Array, turn: jax.Array, seen: jax.Array, shift: jax.Array) -> jax.Array:
    """`picture` [H, W, C] resampled: output position p (from the middle) shows input position seen * R(turn) p + shift.

    `turn` in radians, `seen` the share of the sides that comes into view, `shift` [2] in pixels (rows, columns). With
    0, 1 and (0, 0) every value is the picture's own, to the bit.
    """
    height, width, _ = picture.shape
    middle_row, middle_column = (height - 1) / 2, (width - 1) / 2
    rows, columns = jnp.meshgrid(jnp.arange(height) - middle_row, jnp.arange(width) - middle_column, indexing="ij")
    cosine, sine = seen * jnp.cos(turn), seen * jnp.sin(turn)
    from_row = cosine * rows - sine * columns + (middle_row + shift[0])
    from_column = sine * rows + cosine * columns + (middle_column + shift[1])
    return _bilinear(picture.astype(jnp.float32), from_row, from_column)


def view_keys(seed: int | jax.Array, epoch: int | jax.Array, index: jax.Array) -> jax.Array:
    """The keys [B] of the views that examples `index` [B] get in `epoch`: an address, whatever the batches are."""
    return jax.vmap(lambda example: jax.random.fold_in(key(seed, "augment", epoch), example))(index)


def _drawn_warp(drawn: jax.Array, config: Augmentation, shape: tuple[int, ...]) -> tuple[jax.Array, ...]:
    one, two, three = (jax.random.fold_in(drawn, place) for place in range(3))
    turn = jnp.deg2rad(config.rotation) * jax.random.uniform(one, minval=-1.0)
    seen = 1 + config.zoom * jax.random.uniform(two, minval=-1.0)
    shift = config.shift * jax.random.uniform(three, (2,), minval=-1.0) * jnp.array(shape[:2])
    return turn, seen, shift


def _bilinear(picture: jax.Array, row: jax.Array, column: jax.Array) -> jax.Array:
    """The values of `picture` [H, W, C] at fractional positions [H', W'] -> [H', W', C]."""
    height, width, _ = picture.shape
    top, left = jnp.floor(row), jnp.floor(column)
    down, right = (row - top)[..., None], (column - left)[..., None]
    rows = [_mirrored(top.astype(jnp.int32) + step, height) for step in (0, 1)]
    columns = [_mirrored(left.astype(jnp.int32) + step, width) for step in (0, 1)]
    upper, lower = ([picture[r, c] for c in columns] for r in rows)
    between = [one + (other - one) * right for one, other in (upper, lower)]
    return between[0] + (between[1] - between[0]) * down


def _mirrored(index: jax.Array, length: int) -> jax.Array:
    """Positions on an axis that is continued by its mirror image at both ends, again and again."""
    folded = index % (2 * length)
    return jnp.minimum(folded, 2 * length - 1 - folded)
