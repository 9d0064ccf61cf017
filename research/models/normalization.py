"""Layers that normalize their input, and the form that BatchNorm has when nothing is trained any more."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layer import Layer, LayerInfo, Shape
from research.models.network import Network

Tree = Any


class BatchNorm(Layer):
    """Each channel minus its mean, over its standard deviation, times a scale plus a bias. [B, ..., C], same.

    Ioffe & Szegedy 2015. In training mean and variance are those of the batch, and running means of both are updated:
    new = momentum * old + (1 - momentum) * batch's. Otherwise the running means are used. The variance is the biased
    one in both, as in Keras and Flax (PyTorch's running one is unbiased).
    """

    momentum: float = 0.9
    epsilon: float = 1e-5
    activation: str = "linear"

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        scale = self.param("scale", nn.initializers.ones, x.shape[-1:])
        bias = self.param("bias", nn.initializers.zeros, x.shape[-1:])
        mean = self.variable("batch_stats", "mean", jnp.zeros, x.shape[-1:])
        variance = self.variable("batch_stats", "var", jnp.ones, x.shape[-1:])
        now = (mean.value, variance.value)
        if train:
            axes = tuple(range(x.ndim - 1))
            now = x.mean(axes, dtype=jnp.float32), x.var(axes, dtype=jnp.float32)
            mean.value, variance.value = (
                self.momentum * old.value + (1 - self.momentum) * new
                for old, new in zip((mean, variance), now, strict=True)
            )
        factor = scale * jax.lax.rsqrt(now[1] + self.epsilon)
        return (x * factor + (bias - now[0] * factor)).astype(x.dtype)

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        return _scaled("batch_norm", inputs[0])


class GroupNorm(Layer):
    """As BatchNorm, with the mean and variance of each example over positions and a group's channels. [B, ..., C].

    Wu & He 2018. Neighbouring channels are a group; their number must be a multiple of `groups`. Nothing is updated.
    Its receptive field leaves out that the statistics are of all positions.
    """

    groups: int = 8
    epsilon: float = 1e-5
    activation: str = "linear"

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        scale = self.param("scale", nn.initializers.ones, x.shape[-1:])
        bias = self.param("bias", nn.initializers.zeros, x.shape[-1:])
        grouped = x.reshape(len(x), -1, self.groups, x.shape[-1] // self.groups).astype(jnp.float32)
        mean, variance = (of(grouped, axis=(1, 3), keepdims=True) for of in (jnp.mean, jnp.var))
        normed = ((grouped - mean) * jax.lax.rsqrt(variance + self.epsilon)).reshape(x.shape)
        return (normed * scale + bias).astype(x.dtype)

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        if inputs[0][-1] % self.groups:
            raise ValueError(
                f"{self.name} has {inputs[0][-1]} channels, which {self.groups} groups do not share evenly"
            )
        return _scaled("group_norm", inputs[0])


class Affine(Layer):
    """Each channel times a scale plus a bias: what BatchNorm is with statistics that stay. [B, ..., C], same."""

    activation: str = "linear"

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        scale = self.param("scale", nn.initializers.ones, x.shape[-1:])
        return x * scale + self.param("bias", nn.initializers.zeros, x.shape[-1:])

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        return _scaled("affine", inputs[0])


def without_statistics(net: Network, variables: Tree) -> tuple[Network, Tree]:
    """`net` with an Affine for each BatchNorm, and its parameters: the same outputs, from parameters alone."""
    params = dict(variables["params"])
    for name, layer in zip(net.names, net.layers, strict=True):
        if isinstance(layer, BatchNorm):
            own, known = params[name], variables["batch_stats"][name]
            factor = own["scale"] * jax.lax.rsqrt(known["var"] + layer.epsilon)
            params[name] = {"scale": factor, "bias": own["bias"] - known["mean"] * factor}
    return net.clone(layers=tuple(map(_steady, net.layers))), params


def _steady(layer: Layer) -> Layer:
    return Affine(layer.activation, name=layer.name) if isinstance(layer, BatchNorm) else layer


def _scaled(kind: str, shape: Shape) -> LayerInfo:
    parameters = 2 * shape[-1]
    return LayerInfo(kind, shape, f"2*{shape[-1]} = {parameters:,}", parameters)
