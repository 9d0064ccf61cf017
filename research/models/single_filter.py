"""The response of a single filter of a tap, computed without the other filters of its layer."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.errors import UserError
from research.models.custom_taps import TapOf
from research.models.layer import ACTIVATIONS, Layer
from research.models.layers import Concat, Conv, Dense, DepthwiseConv
from research.models.lowering.convolution import same_padding
from research.models.network import Network, upto
from research.models.normalization import Affine, GroupNorm
from research.models.taps import PRE

Tree = Any
INPUT = "input"  # the tap that stands for the net's input
OWNERS = (Conv, Dense, DepthwiseConv, Affine, GroupNorm, TapOf)  # layers that own filters


@dataclasses.dataclass(frozen=True)
class SingleFilter:
    """`SingleFilter(...)(given, taps)`: one filter of `layer`, a Conv or a Dense, read from the tap `source`."""

    layer: Layer
    source: str

    def __call__(self, given: Tree, taps: Mapping[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
        """The response [K, H', W'] or [K] after the nonlinearity, and before it.

        `given` are the filter's own arrays (`single_filters`); `taps` hold [K, ...] at the source. A softmax, which
        needs all filters, is left out.
        """
        x = taps[self.source].astype(jnp.float32)
        if isinstance(self.layer, Conv):
            before = _convolved(x, given["kernel"], self.layer) + given.get("bias", 0.0)
        else:
            before = x @ given["kernel"] + given["bias"]
        return _activated(self.layer, before), before

    @property
    def sources(self) -> tuple[str, ...]:
        """The taps that it reads."""
        return (self.source,)

    @property
    def rectified(self) -> bool:
        """Whether the response is never below zero."""
        return self.layer.activation == "relu"


@dataclasses.dataclass(frozen=True)
class FilterInLayer:
    """`FilterInLayer(net)(given, taps)`: one channel of the last layer of `net`, which owns no filters but reads some.

    Its response before the nonlinearity is the response without the nonlinearities of the layers that own the filters.
    """

    net: Network

    def __call__(self, given: Tree, taps: Mapping[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
        """Channel `given["index"]` as `SingleFilter` gives a filter; `taps` hold [K, ...] at the sources."""
        last = len(self.net.names) - 1
        after, before = (jnp.take(self._passed(last, taps, raw), given["index"], axis=-1) for raw in (False, True))
        return after, before

    @property
    def sources(self) -> tuple[str, ...]:
        """The taps that it reads: the layers that own the filters, before their nonlinearities."""
        return tuple(_before(self.net, owner) for owner in owners(self.net, self.net.names[-1]))

    @property
    def rectified(self) -> bool:
        """Whether the channel is never below zero."""
        return all(_layer(self.net, owner).activation == "relu" for owner in owners(self.net, self.net.names[-1]))

    def _passed(self, index: int, taps: Mapping[str, jax.Array], raw: bool) -> jax.Array:
        if index < 0:
            return taps[INPUT].astype(jnp.float32)
        layer = self.net.layers[index]
        if isinstance(layer, OWNERS):
            before = taps[_before(self.net, self.net.names[index])].astype(jnp.float32)
            return before if raw else _activated(layer, before)
        alone: Any = layer.clone(name=None, parent=None)
        return alone.apply({}, *(self._passed(source, taps, raw) for source in self.net.wires[index]))


Response = SingleFilter | FilterInLayer


def single_filters(net: Network, params: Tree, tap: str, count: int) -> list[tuple[Response, Tree]]:
    """The `count` filters of `tap`, part by part, as (response function, arrays with the filters' axis [F] first).

    A concatenation's filters are those of the layers that it joins, so it has several parts. Those of
    LAYER/pre respond as before its nonlinearity. Those of a layer that owns none, such as a pool, are its channels.
    Raises UserError for a layer before the first that owns filters.
    """
    name = tap.removesuffix(PRE)
    parts = list(_concatenated(net, name))
    if not all(isinstance(_layer(net, part), (Conv, Dense)) for part in parts):
        owners(net, name)
        return [(FilterInLayer(upto(net, name)), {"index": jnp.arange(count)})]
    found = []
    for part in parts:
        layer, [source] = _layer(net, part).clone(name=None, parent=None), net.wires[net.names.index(part)]
        if name != tap:
            layer = layer.clone(activation="linear")
        respond = SingleFilter(layer, net.names[source] if source >= 0 else INPUT)
        found.append((respond, {leaf: jnp.moveaxis(value, -1, 0) for leaf, value in params[part].items()}))
    return found


def owners(net: Network, tap: str) -> list[str]:
    """The layers whose filters `tap` consists of: its own, or those that it reads through pools, flattenings and such.

    Raises UserError for a layer before the first with filters; it lists those that have some.
    """
    name = tap.removesuffix(PRE)
    if isinstance(_layer(net, name), OWNERS):
        return [name]
    below = [source for source in net.wires[net.names.index(name)] if source >= 0]
    found = [owner for source in below if _fed(net, source) for owner in owners(net, net.names[source])]
    if not found:
        able = [name for index, name in enumerate(net.names) if _fed(net, index)]
        raise UserError(f"{name} has no filters, for it comes before the first; these layers have: {', '.join(able)}")
    return list(dict.fromkeys(found))


def _fed(net: Network, index: int) -> bool:
    """Whether the layer at `index` owns filters or reads some."""
    return isinstance(net.layers[index], OWNERS) or any(s >= 0 and _fed(net, s) for s in net.wires[index])


def _concatenated(net: Network, name: str) -> Iterator[str]:
    """`name` itself, or the layers that it concatenates."""
    if not isinstance(_layer(net, name), Concat):
        yield name
        return
    for source in net.wires[net.names.index(name)]:
        yield from _concatenated(net, net.names[source])


def _before(net: Network, name: str) -> str:
    """The tap of layer `name` before its nonlinearity."""
    return name if _layer(net, name).activation == "linear" else f"{name}{PRE}"


def _layer(net: Network, name: str) -> Layer:
    return net.layers[net.names.index(name)]


def _activated(layer: Layer, before: jax.Array) -> jax.Array:
    return before if layer.activation == "softmax" else ACTIVATIONS[layer.activation](before)


def _convolved(x: jax.Array, kernel: jax.Array, layer: Conv) -> jax.Array:
    """`x` [K, H, W, C] with one `kernel` [h, w, C] -> [K, H', W'].

    Each of the h * w kernel positions is a product over the channels, for all pixels at once; the products are shifted
    and added up. Pictures are the product's left side, because XLA would transpose them as its right side (7% of an
    ascent on VGG16's block 2). The products are split, because the gradient of indexing is a sum of padded arrays (2%).
    """
    if layer.padding == "same":
        edges = [same_padding(*axis) for axis in zip(x.shape[1:3], layer.size, layer.stride, strict=True)]
        x = jnp.pad(x, ((0, 0), *edges, (0, 0)))
    products = jnp.einsum("khwc,tc->khwt", x, kernel.reshape(-1, kernel.shape[-1]))
    taps = jax.lax.split(products, [1] * products.shape[-1], axis=3)
    rows, columns = ((n - k) // s + 1 for n, k, s in zip(x.shape[1:3], layer.size, layer.stride, strict=True))
    down, across = layer.stride
    return sum(  # pyright: ignore[reportReturnType]
        tap[:, i : i + (rows - 1) * down + 1 : down, j : j + (columns - 1) * across + 1 : across, 0]
        for tap, (i, j) in zip(taps, np.ndindex(*layer.size), strict=True)
    )
