"""The layers of forecasters: the input layer, causal convolution, the last step, and the output layer.

A forecaster reads a dict of a batch of windows, L steps of context and P of horizon, F channels, C calendar features:

    values   [B, L, F]      deviations from the reference, in spreads; 0 where unknown
    known    [B, L, F]      1 where observed, else 0
    calendar [B, L + P, C]  features of each step that are known in advance

The reference is fitted on training data; a spread is the standard deviation of training values around it. Both are
applied outside of the net, in float64: since float32 would lose small differences at a large level. A window holds no
future values. A summary takes the shape of `values`.
"""

import math
from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layer import Layer, LayerInfo, Shape
from research.models.rounding import product

Window = Mapping[str, jax.Array]


class Scaled(Layer):
    """The context's values, and per step the mask and the calendar features of the context. -> [B, L, D].

    D = F, plus F with `mask` (1 where a value is known), plus the number C of `calendar` features.
    """

    mask: bool = False
    calendar: int = 0

    def __call__(self, x: Window, *, train: bool = False) -> jax.Array:  # pyright: ignore[reportIncompatibleMethodOverride]
        """See `Layer`."""
        parts = [scaled_values(x), x["known"]] if self.mask else [scaled_values(x)]
        past = x["calendar"][:, : x["values"].shape[1]]
        return jnp.concatenate([*parts, past], axis=-1).astype(jnp.float32)

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        """See `Layer`."""
        length, channels = inputs[0]
        return LayerInfo("scaled", (length, channels * (1 + self.mask) + self.calendar))


class CausalConv(Layer):
    """The last `size` steps, `dilation` apart, times the kernel, summed, plus a bias. [B, L, D] -> [B, L, F].

    Steps before the first are zeros (van den Oord et al. 2016, arXiv 1609.03499, section 2.1; Keras' Conv1D with
    padding "causal"). Parameters and their initialization are those of `Conv`; the kernel is [size, D, F]. Computed as
    patches and one product, because XLA's convolution is slow inside a loop on CPU.
    """

    features: int
    size: int = 3
    dilation: int = 1
    activation: str = "relu"
    rounds: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """See `Layer`."""
        kernel = self.param("kernel", nn.initializers.glorot_uniform(), (self.size, x.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        length = x.shape[1]
        x = jnp.pad(x.astype(kernel.dtype), ((0, 0), (self._before(), 0), (0, 0)))
        starts = range(0, self._before() + 1, self.dilation)
        patches = jnp.concatenate([x[:, start : start + length] for start in starts], axis=-1)
        return product(patches, kernel.reshape(-1, self.features), rounds=self.rounds) + bias

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        """See `Layer`."""
        length, channels = inputs[0]
        parameters = (self.size * channels + 1) * self.features
        formula = f"({self.size}*{channels} + 1)*{self.features} = {parameters:,}"
        work = length * self.size * channels * self.features
        before = (self._before(),)
        output = (length, self.features)
        return LayerInfo("causal_conv", output, formula, parameters, work, (before[0] + 1,), (1,), before)

    def _before(self) -> int:
        return (self.size - 1) * self.dilation


class Last(Layer):
    """The last step of a sequence. [B, L, H] -> [B, H]."""

    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """See `Layer`."""
        return x[:, -1]

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        """See `Layer`."""
        return LayerInfo("last", inputs[0][-1:], window=None, position=(inputs[0][0] - 1,))


class Forecast(Layer):
    """The head's output by step, channel and quantile, in spreads from the reference. [B, P*F*Q] -> [B, P, F, Q]."""

    horizon: int
    quantiles: int = 1

    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """See `Layer`."""
        return x.reshape(len(x), self.horizon, -1, self.quantiles)

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        """See `Layer`."""
        channels = math.prod(inputs[0]) // (self.horizon * self.quantiles)
        return LayerInfo("forecast", (self.horizon, channels, self.quantiles), window=None)


def scaled_values(window: Window) -> jax.Array:
    """The context's deviations from the reference in spreads, 0 where unknown: [B, L, F]."""
    return window["values"] * window["known"]
