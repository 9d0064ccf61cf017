"""One filter of a layer alone: its response costs a small part of the layer's, whose other filters nobody asked for."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from research.errors import UserError
from research.models.convolution import same_padding
from research.models.layers import ACTIVATIONS, Concat, Conv, Dense, Layer
from research.models.network import Network

Tree = Any
INPUT = "input"  # the tap that stands for the net's input


@dataclasses.dataclass(frozen=True)
class Lone:
    """`Lone(...)(given, taps)`: one filter of `layer`, a Conv or a Dense, read from the tap `source`."""

    layer: Layer
    source: str

    def __call__(self, given: Tree, taps: Mapping[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
        """The response [K, H', W'] or [K] after the nonlinearity, and before it.

        `given` are the filter's own arrays (`filters_of`); `taps` hold [K, ...] at the source. A softmax, which needs
        all filters, is left out.
        """
        x = taps[self.source].astype(jnp.float32)
        if isinstance(self.layer, Conv):
            before = _convolved(x, given["kernel"], self.layer) + given["bias"]
        else:
            before = x @ given["kernel"] + given["bias"]
        name = self.layer.activation
        return (before if name == "softmax" else ACTIVATIONS[name](before)), before


def lone_filters(net: Network, params: Tree, name: str) -> list[tuple[Lone, Tree]]:
    """The filters of layer `name` as (how to respond, given arrays with the filters' axis [F] first), part by part.

    A concatenation's filters are those of the layers that it puts side by side; so it has several parts. Raises
    UserError for a layer without filters of its own.
    """
    found = []
    for part in branches(net, name):
        place = net.names.index(part)
        source = net.wires[place][0]
        respond = Lone(net.layers[place].clone(name=None, parent=None), net.names[source] if source >= 0 else INPUT)
        found.append((respond, {leaf: jnp.moveaxis(value, -1, 0) for leaf, value in params[part].items()}))
    return found


def branches(net: Network, name: str) -> list[str]:
    """The layers that own the filters of `name`: itself, or those that a concatenation puts side by side.

    Raises UserError for a layer without filters.
    """
    place = net.names.index(name)
    layer = net.layers[place]
    if isinstance(layer, Concat):
        return [part for source in net.wires[place] for part in branches(net, net.names[source])]
    if not isinstance(layer, (Conv, Dense)):
        raise UserError(f"{name} has no filters of its own; these layers have: {', '.join(layers_with_filters(net))}")
    return [name]


def layers_with_filters(net: Network) -> list[str]:
    """The names of the layers that `lone_filters` takes, in order."""
    kinds = (Conv, Dense, Concat)
    return [name for name, layer in zip(net.names, net.layers, strict=True) if isinstance(layer, kinds)]


def _convolved(x: jax.Array, kernel: jax.Array, layer: Conv) -> jax.Array:
    """`x` [K, H, W, C] with one `kernel` [h, w, C] -> [K, H', W'].

    Each of the h * w taps is a product over the channels, at all positions at once; then they are added up, shifted.
    """
    if layer.padding == "same":
        edges = [same_padding(*each) for each in zip(x.shape[1:3], layer.size, layer.stride, strict=True)]
        x = jnp.pad(x, ((0, 0), *edges, (0, 0)))
    each = jnp.einsum("ijc,khwc->ijkhw", kernel, x)
    rows, columns = ((n - k) // s + 1 for n, k, s in zip(x.shape[1:3], layer.size, layer.stride, strict=True))
    down, across = layer.stride
    return sum(  # pyright: ignore[reportReturnType]
        each[i, j, :, i : i + (rows - 1) * down + 1 : down, j : j + (columns - 1) * across + 1 : across]
        for i in range(layer.size[0])
        for j in range(layer.size[1])
    )
