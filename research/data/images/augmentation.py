"""Augmentation: random changes of a picture that leave its class as it is, each picture by a key of its own.

Pure functions of (key, picture), for the device: the same key gives the same view, whatever else is in the batch.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from research.config import Augmentation
from research.keys import key
from research.resampling import warped

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


def view_keys(seed: int | jax.Array, epoch: int | jax.Array, index: jax.Array) -> jax.Array:
    """The keys [B] of the views that examples `index` [B] get in `epoch`: an address, whatever the batches are."""
    return jax.vmap(lambda example: jax.random.fold_in(key(seed, "augment", epoch), example))(index)


def _drawn_warp(drawn: jax.Array, config: Augmentation, shape: tuple[int, ...]) -> tuple[jax.Array, ...]:
    one, two, three = (jax.random.fold_in(drawn, place) for place in range(3))
    turn = jnp.deg2rad(config.rotation) * jax.random.uniform(one, minval=-1.0)
    seen = 1 + config.zoom * jax.random.uniform(two, minval=-1.0)
    shift = config.shift * jax.random.uniform(three, (2,), minval=-1.0) * jnp.array(shape[:2])
    return turn, seen, shift
