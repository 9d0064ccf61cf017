"""What stands at both ends of every forecaster: what it reads of a window of a series, and the shape of its answer.

A forecaster reads a dict of a batch of windows, L steps of context and P of horizon, F channels, C calendar features:

    values   [B, L, F]      in spreads from what is expected, 0 where unknown
    known    [B, L, F]      1 where observed, else 0
    calendar [B, L + P, C]  what is known of each step in advance

Expected is what a reference fitted on training data says; a spread is the standard deviation of training values around
it. Both are applied outside of the net, in float64: in float32 a large level would swallow the differences. Nothing of
the future's values is in a window. A summary asks for the shape of `values`.
"""

import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from research.models.layer import Facts, Layer, Shape

Window = Mapping[str, jax.Array]


class Scaled(Layer):
    """The context in spreads from what is expected, 0 where unknown; then, per step, more that is told. -> [B, L, D].

    D = F, and F more with `mask`, which tells the known from the unknown, and the `calendar` features C.
    """

    mask: bool = False
    calendar: int = 0

    def __call__(self, x: Window, *, train: bool = False) -> jax.Array:  # pyright: ignore[reportIncompatibleMethodOverride]
        """See `Layer`."""
        parts = [scaled_values(x), x["known"]] if self.mask else [scaled_values(x)]
        past = x["calendar"][:, : x["values"].shape[1]]
        return jnp.concatenate([*parts, past], axis=-1).astype(jnp.float32)

    def facts(self, inputs: tuple[Shape, ...]) -> Facts:
        """See `Layer`."""
        length, channels = inputs[0]
        return Facts("scaled", (length, channels * (1 + self.mask) + self.calendar))


class Last(Layer):
    """The last step of a sequence. [B, L, H] -> [B, H]."""

    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """See `Layer`."""
        return x[:, -1]

    def facts(self, inputs: tuple[Shape, ...]) -> Facts:
        """See `Layer`."""
        return Facts("last", inputs[0][-1:], window=None, place=(inputs[0][0] - 1,))


class Forecast(Layer):
    """The head's answer in spreads from what is expected, by step, channel and quantile. [B, P*F*Q] -> [B, P, F, Q]."""

    horizon: int
    quantiles: int = 1

    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """See `Layer`."""
        return x.reshape(len(x), self.horizon, -1, self.quantiles)

    def facts(self, inputs: tuple[Shape, ...]) -> Facts:
        """See `Layer`."""
        channels = math.prod(inputs[0]) // (self.horizon * self.quantiles)
        return Facts("forecast", (self.horizon, channels, self.quantiles), window=None)


def scaled_values(window: Window) -> jax.Array:
    """The context in spreads from what is expected, 0 where unknown: [B, L, F]."""
    return window["values"] * window["known"]
