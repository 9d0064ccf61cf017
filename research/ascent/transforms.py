"""Random transforms of a picture during gradient ascent, which a real feature survives and noise does not.

Olah et al. 2017, "Feature Visualization", section "Transformation robustness". Each transform is a function (key,
picture [H, W, C] of 0..255) -> picture. `transformed` applies several, each with its own key, and crops to [H, W].
"""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from research.resampling import warped

GRAY = 127.5


@dataclasses.dataclass(frozen=True)
class Jitter:
    """Shift by up to `pixels` along both axes, cyclically."""

    pixels: int

    def __call__(self, key: jax.Array, picture: jax.Array) -> jax.Array:
        """[H, W, C] -> [H, W, C]."""
        return jnp.roll(picture, jax.random.randint(key, (2,), -self.pixels, self.pixels + 1), (0, 1))


@dataclasses.dataclass(frozen=True)
class Scale:
    """Scale about the middle by a factor between `low` and `high`."""

    low: float
    high: float

    def __call__(self, key: jax.Array, picture: jax.Array) -> jax.Array:
        """[H, W, C] -> [H, W, C]."""
        factor = jax.random.uniform(key, minval=self.low, maxval=self.high)
        return warped(picture, jnp.float32(0), 1 / factor, jnp.zeros(2))


@dataclasses.dataclass(frozen=True)
class Rotate:
    """Rotate about the middle by up to `degrees` in either direction."""

    degrees: float

    def __call__(self, key: jax.Array, picture: jax.Array) -> jax.Array:
        """[H, W, C] -> [H, W, C]."""
        turn = jnp.deg2rad(self.degrees) * jax.random.uniform(key, minval=-1.0)
        return warped(picture, turn, jnp.float32(1), jnp.zeros(2))


@dataclasses.dataclass(frozen=True)
class Pad:
    """Add a gray frame of `pixels`."""

    pixels: int

    def __call__(self, key: jax.Array, picture: jax.Array) -> jax.Array:
        """[H, W, C] -> [H + 2 * pixels, W + 2 * pixels, C]."""
        frame = (self.pixels, self.pixels)
        return jnp.pad(picture, (frame, frame, (0, 0)), constant_values=GRAY)


@dataclasses.dataclass(frozen=True)
class Blur:
    """Blur by a Gaussian of standard deviation `sigma` pixels, renormalized at the edges."""

    sigma: float

    def __call__(self, key: jax.Array, picture: jax.Array) -> jax.Array:
        """[H, W, C] -> [H, W, C]."""
        down, across = (self._weights(length) for length in picture.shape[:2])
        return jnp.einsum("ih,hwc,jw->ijc", down, picture, across)

    def _weights(self, length: int) -> jax.Array:
        distance = jnp.arange(length)[:, None] - jnp.arange(length)
        weights = jnp.exp(-0.5 * (distance / self.sigma) ** 2)
        return weights / weights.sum(axis=1, keepdims=True)


Transform = Jitter | Scale | Rotate | Pad | Blur


def transformed(transforms: Sequence[Transform], key: jax.Array, picture: jax.Array) -> jax.Array:
    """`picture` [H, W, C] after all `transforms`; the middle [H, W, C] of the result."""
    height, width, _ = picture.shape
    for index, transform in enumerate(transforms):
        picture = transform(jax.random.fold_in(key, index), picture)
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return picture[top : top + height, left : left + width]
