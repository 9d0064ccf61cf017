"""Convolution along time that never looks ahead."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layer import Facts, Layer, Shape
from research.models.rounding import product


class CausalConv(Layer):
    """The last `size` steps, `dilation` apart, times the kernel, summed, plus a bias. [B, L, D] -> [B, L, F].

    What lies before the first step counts as zeros (van den Oord et al. 2016, arXiv 1609.03499, section 2.1; Keras'
    Conv1D with padding "causal"). Leaves and their start are those of `Conv`; the kernel is [size, D, F]. As patches
    and one product, since XLA's convolution is slow inside a loop on CPU.
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

    def facts(self, inputs: tuple[Shape, ...]) -> Facts:
        """See `Layer`."""
        length, channels = inputs[0]
        parameters = (self.size * channels + 1) * self.features
        formula = f"({self.size}*{channels} + 1)*{self.features} = {parameters:,}"
        work = length * self.size * channels * self.features
        before = (self._before(),)
        output = (length, self.features)
        return Facts("causal_conv", output, formula, parameters, work, (before[0] + 1,), (1,), before)

    def _before(self) -> int:
        return (self.size - 1) * self.dilation
