"""Augmentation: random changes of a picture that do not change its class.

Pure functions of (key, picture), run on the device. Each picture has its own key; the same key gives the same view,
whatever else is in the batch. Training calls them where it draws a batch (`training.program.draw`).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from research.config import Augmentation
from research.keys import key
from research.resampling import warped

LOOP_BATCH = 8  # pictures that are augmented at a time

Augment = Callable[[jax.Array, jax.Array], jax.Array]  # (keys [B], pictures [B, H, W, C]) -> pictures [B, H, W, C]


def augmenter(config: Augmentation) -> Augment | None:
    """The function that augments pictures of values 0..255 as `config` says; None when it changes nothing.

    It loops over a few pictures at a time. XLA computes the result of a loop once; without the loop it may compute a
    view again for each of the nine reads of a 3x3 convolution.
    """
    if not config.active:
        return None

    def augment_one(key_and_picture: tuple[jax.Array, jax.Array]) -> jax.Array:
        return augmented(*key_and_picture, config)

    return lambda keys, pictures: jax.lax.map(augment_one, (keys, pictures), batch_size=LOOP_BATCH)


def augmented(picture_key: jax.Array, picture: jax.Array, config: Augmentation) -> jax.Array:
    """One picture [H, W, C], randomly mirrored, rotated, zoomed, shifted and brightened under `picture_key`.

    Rotation, zoom and shift are one bilinear resampling about the picture's centre. Beyond its edges the picture is
    mirrored (d c b a | a b c d | d c b a, Keras' "reflect"). The result is float32 unless `flip` alone is on.
    """
    keys = {name: jax.random.fold_in(picture_key, index) for index, name in enumerate(("flip", "warp", "brightness"))}
    if config.flip:
        picture = jnp.where(jax.random.bernoulli(keys["flip"]), picture[:, ::-1], picture)
    if config.shift or config.rotation or config.zoom:
        picture = warped(picture, *_drawn_warp(keys["warp"], config, picture.shape))
    if config.brightness:
        factor = 1 + config.brightness * jax.random.uniform(keys["brightness"], minval=-1.0)
        picture = jnp.clip(picture * factor, 0, 255)
    return picture


def view_keys(seed: int | jax.Array, epoch: int | jax.Array, index: jax.Array) -> jax.Array:
    """The keys [B] of the views of the examples `index` [B] in `epoch`. They do not depend on the batches."""
    return jax.vmap(lambda example: jax.random.fold_in(key(seed, "augment", epoch), example))(index)


def _drawn_warp(warp_key: jax.Array, config: Augmentation, shape: tuple[int, ...]) -> tuple[jax.Array, ...]:
    """Rotation in radians, visible share of the sides and shift [2] in pixels, each uniform in its range."""
    rotation_key, zoom_key, shift_key = (jax.random.fold_in(warp_key, index) for index in range(3))
    rotation = jnp.deg2rad(config.rotation) * jax.random.uniform(rotation_key, minval=-1.0)
    visible = 1 + config.zoom * jax.random.uniform(zoom_key, minval=-1.0)
    shift = config.shift * jax.random.uniform(shift_key, (2,), minval=-1.0) * jnp.array(shape[:2])
    return rotation, visible, shift
