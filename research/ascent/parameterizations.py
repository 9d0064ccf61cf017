"""Parameterizations of a picture: the numbers that are optimized, and the picture that they stand for.

All pictures are float32 [H, W, C] of 0..255. Steps on pixels find high frequencies first. Steps on Fourier coefficients
scaled by 1 / frequency change all scales equally (Olah et al. 2017, "Feature Visualization", "Preconditioning and
parameterization"). `Phase` fixes the magnitudes to those of real pictures (Fel et al. 2023, MACO).
"""

import dataclasses
import math
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np

MIDDLE = 127.5
START = 0.01  # standard deviation of the initial coefficients; from lucid (optvis/param/spatial.py)
CONTRAST = 4.0  # divisor of the inverse transform; from lucid (optvis/param/spatial.py)

# The square root of ImageNet's channel covariance over its largest column norm, from lucid (optvis/param/color.py).
_ROOT = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]], np.float32)
IMAGENET_COLOR = _ROOT / np.linalg.norm(_ROOT, axis=0).max()
# Of ImageNet's photos: red, green, blue. To a net that subtracts it gray is blue, and ascent makes that stronger.
# Exemplars of VGG16's block5_conv3 that start gray end with 14 more of blue than of red (96 pixels, 64 steps, four
# filters), and from here with 16 less; photos have 20 less.
IMAGENET_MEAN = np.array([123.68, 116.78, 103.94], np.float32)  # Simonyan & Zisserman 2014, in their published weights


class Parameterization(Protocol):
    """What every parameterization of a picture has."""

    def start(self, key: jax.Array) -> jax.Array:
        """The random numbers before the first step."""
        ...

    def render(self, numbers: jax.Array) -> jax.Array:
        """The picture [H, W, C] of 0..255."""
        ...

    def project(self, numbers: jax.Array) -> jax.Array:
        """The allowed numbers that are nearest to `numbers`."""
        ...

    def invert(self, picture: np.ndarray) -> np.ndarray:
        """The numbers of the picture that is nearest to `picture` [H, W, C] of 0..255."""
        ...


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Pixels:
    """Pixels from -1 (black) to 1 (white). They start gray, with noise of standard deviation `spread`."""

    shape: tuple[int, int, int] = dataclasses.field(metadata={"static": True})  # H, W, C
    spread: float = dataclasses.field(default=0.05, metadata={"static": True})

    def start(self, key: jax.Array) -> jax.Array:
        """[H, W, C]."""
        return self.project(self.spread * jax.random.normal(key, self.shape))

    def render(self, numbers: jax.Array) -> jax.Array:
        """[H, W, C] -> [H, W, C]."""
        return MIDDLE * (1 + numbers)

    def project(self, numbers: jax.Array) -> jax.Array:
        """[H, W, C] -> [H, W, C], each clipped."""
        return jnp.clip(numbers, -1, 1)

    def invert(self, picture: np.ndarray) -> np.ndarray:
        """[H, W, C] -> [H, W, C]."""
        return np.clip(picture / np.float32(MIDDLE) - 1, -1, 1)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Fourier:
    """Real and imaginary Fourier coefficients of decorrelated channels, scaled by 1 / frequency.

    `color` [C, C] correlates the channels as in real pictures (`colors_of`). Zeros stand for `mean` [C], of 0..255, at
    each pixel. C, H and W are arbitrary.
    """

    color: jax.Array
    shape: tuple[int, int, int] = dataclasses.field(metadata={"static": True})  # H, W, C
    mean: jax.Array | float = MIDDLE

    def start(self, key: jax.Array) -> jax.Array:
        """[2, H, W // 2 + 1, C]."""
        height, width, channels = self.shape
        shape = (2, height, width // 2 + 1, channels)
        return START * jax.random.normal(key, (math.prod(shape),)).reshape(shape)  # XLA takes 10 s for 4 axes at once

    def render(self, numbers: jax.Array) -> jax.Array:
        """[2, H, W // 2 + 1, C] -> [H, W, C]."""
        real, imaginary = numbers * self._scale()
        plane = inverse_fourier(real, imaginary, self.shape)
        return _to_pixels(plane / CONTRAST, self.color, self.mean)

    def project(self, numbers: jax.Array) -> jax.Array:
        """Unchanged."""
        return numbers

    def invert(self, picture: np.ndarray) -> np.ndarray:
        """[H, W, C] -> [2, H, W // 2 + 1, C]; black and white, which no numbers give, become nearly so."""
        spectrum = np.fft.rfft2(CONTRAST * _to_plane(picture, self.color, self.mean), axes=(0, 1))
        return (np.stack([spectrum.real, spectrum.imag]) / self._scale()).astype(np.float32)

    def _scale(self) -> np.ndarray:
        """The coefficient for a number of 1: [H, W // 2 + 1, 1]."""
        height, width, _ = self.shape
        scale = np.sqrt(height * width) / np.maximum(_frequencies(height, width), 1 / max(height, width))
        return scale[..., None].astype(np.float32)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Phase:
    """Phases of Fourier coefficients; their `magnitude` [H, W // 2 + 1, C] is that of real pictures (`phase_of`)."""

    magnitude: jax.Array
    color: jax.Array
    shape: tuple[int, int, int] = dataclasses.field(metadata={"static": True})  # H, W, C

    def start(self, key: jax.Array) -> jax.Array:
        """[H, W // 2 + 1, C], uniform over the circle."""
        return jax.random.uniform(key, self.magnitude.shape, minval=-jnp.pi, maxval=jnp.pi)

    def render(self, numbers: jax.Array) -> jax.Array:
        """[H, W // 2 + 1, C] -> [H, W, C]."""
        return _to_pixels(self.plane(numbers), self.color)

    def plane(self, numbers: jax.Array) -> jax.Array:
        """[H, W // 2 + 1, C] -> decorrelated channels [H, W, C], of standard deviation 1 over all."""
        plane = inverse_fourier(jnp.cos(numbers) * self.magnitude, jnp.sin(numbers) * self.magnitude, self.shape)
        return plane / (plane.std() + 1e-6)

    def project(self, numbers: jax.Array) -> jax.Array:
        """Unchanged: phases are periodic."""
        return numbers

    def invert(self, picture: np.ndarray) -> np.ndarray:
        """[H, W, C] -> [H, W // 2 + 1, C], the phases of the picture."""
        return np.angle(np.fft.rfft2(_to_plane(picture, self.color), axes=(0, 1))).astype(np.float32)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Framed:
    """A gray picture of `shape` that holds the picture of `inner`, its first pixel at `corner` (row, column)."""

    inner: Parameterization
    corner: tuple[int, int] = dataclasses.field(metadata={"static": True})
    shape: tuple[int, int, int] = dataclasses.field(metadata={"static": True})  # H, W, C of the whole

    def start(self, key: jax.Array) -> jax.Array:
        """The numbers of `inner`."""
        return self.inner.start(key)

    def render(self, numbers: jax.Array) -> jax.Array:
        """Numbers of `inner` -> [H, W, C]."""
        picture = self.inner.render(numbers)
        sides = zip(self.shape[:2], picture.shape[:2], self.corner, strict=True)
        after = (outer - inner - before for outer, inner, before in sides)
        frame = tuple(zip(self.corner, after, strict=True))
        return jnp.pad(picture, (*frame, (0, 0)), constant_values=MIDDLE)

    def project(self, numbers: jax.Array) -> jax.Array:
        """As `inner` does."""
        return self.inner.project(numbers)

    def invert(self, picture: np.ndarray) -> np.ndarray:
        """Numbers of `inner` for the part of `picture` that it holds."""
        height, width = jax.eval_shape(lambda: self.inner.render(self.inner.start(jax.random.key(0)))).shape[:2]
        (top, left), within = self.corner, np.asarray(picture)
        return self.inner.invert(within[top : top + height, left : left + width])


def phase_of(pictures: np.ndarray, color: np.ndarray) -> Phase:
    """`Phase` with the mean magnitudes of `pictures` [N, H, W, C] of 0..255; `color` decorrelates the channels."""
    shape = tuple(pictures.shape[1:])
    total = np.zeros((shape[0], shape[1] // 2 + 1, shape[2]))
    for picture in pictures:
        plane = (picture.astype(np.float64) / 255 - 0.5) @ np.linalg.inv(color.astype(np.float64)).T
        total += np.abs(np.fft.rfft2(plane, axes=(0, 1)))
    total[0, 0] = 0  # the mean gray is not a feature
    magnitude = jnp.asarray(total / len(pictures), jnp.float32)
    return Phase(magnitude, jnp.asarray(color, jnp.float32), shape)


def colors_of(pictures: np.ndarray) -> np.ndarray:
    """The square root of the channel covariance of `pictures` [N, H, W, C], over its largest column norm: [C, C]."""
    flat = pictures.reshape(-1, pictures.shape[-1]).astype(np.float64)
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(flat, rowvar=False)))
    root = vectors * np.sqrt(np.maximum(values, 1e-6 * max(values.max(), 1e-12)))
    return (root / np.linalg.norm(root, axis=0).max()).astype(np.float32)


def _frequencies(height: int, width: int) -> np.ndarray:
    """Cycles per pixel of each coefficient of a real transform, [H, W // 2 + 1]."""
    return np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))


def inverse_fourier(real: jax.Array, imaginary: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """`numpy.fft.irfft2` of coefficients [H, W // 2 + 1, C] to `shape` (H, W, C), by matrix products."""
    height, width = shape[:2]
    angles_down = 2 * np.pi / height * np.outer(np.arange(height), np.arange(height))
    angles_across = 2 * np.pi / width * np.outer(np.arange(width // 2 + 1), np.arange(width))
    weight = np.full(width // 2 + 1, 2.0)  # each coefficient counts for its conjugate too, except these:
    weight[[0, *([-1] if width % 2 == 0 else [])]] = 1
    down = [jnp.asarray(wave(angles_down) / height, jnp.float32) for wave in (np.cos, np.sin)]
    across = [jnp.asarray(weight[:, None] * wave(angles_across) / width, jnp.float32) for wave in (np.cos, np.sin)]
    even, odd = (
        jnp.einsum("hfc,fw->hwc", cosine, across[0]) + sign * jnp.einsum("hfc,fw->hwc", sine, across[1])
        for cosine, sine, sign in ((real, imaginary, -1), (imaginary, real, 1))
    )
    return jnp.einsum("yh,hwc->ywc", down[0], even) - jnp.einsum("yh,hwc->ywc", down[1], odd)


def _to_plane(picture: np.ndarray, color: jax.Array, mean: jax.Array | float = MIDDLE) -> np.ndarray:
    """The inverse of `_to_pixels`, for tones from 1 to 254: float64 [H, W, C]."""
    tones = np.clip(np.asarray(picture, np.float32), 1, 254)
    return np.asarray(_logit(tones) - _logit(mean), np.float64) @ np.linalg.inv(np.asarray(color, np.float64)).T


def _to_pixels(plane: jax.Array, color: jax.Array, mean: jax.Array | float = MIDDLE) -> jax.Array:
    """Decorrelated channels [H, W, C] -> pixels 0..255; zeros become `mean`."""
    return 255 * jax.nn.sigmoid(plane @ color.T + _logit(mean))


def _logit(tones: jax.Array | np.ndarray | float) -> jax.Array:
    """The inverse of the sigmoid, of `tones` over 255."""
    return jax.scipy.special.logit(jnp.asarray(tones, jnp.float32) / 255)
