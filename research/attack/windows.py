"""A net's layers on a window: what changed of a map, from layer to layer, with all else as it was.

What a convolution adds to its window is linear in what changed below, so that a single matrix product computes it for
all candidates.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from research.models.layer import ACTIVATIONS, Layer, LayerInfo
from research.models.layers import AvgPool, Conv, Dropout, MaxPool
from research.models.lowering.convolution import same_padding
from research.models.normalization import Affine

Tree = Any
Shape = tuple[int, ...]

LARGEST = 2**21  # numbers in the matrix of a convolution's windows: 8 MiB


class Window(NamedTuple):
    """What changed of a map: `change` [P, h, w, F] at `corner` (int32 [P, 2]), which may lie outside; 0 outside."""

    change: jax.Array
    corner: jax.Array


class Clean(NamedTuple):
    """A layer's maps on the unchanged picture: its input, its pre-activation and its output, each [H, W, F]."""

    before: jax.Array
    pre: jax.Array
    after: jax.Array


class Step(NamedTuple):
    """A layer in windows: `run` on what changed below it; `size` (h, w) of what then changed of its output."""

    run: Callable[[Window, Clean], Window]
    size: Shape


def layer_step(layer: Layer, params: Tree, size: Shape, info: LayerInfo) -> Step | None:
    """The step of `layer` on a window of `size`; None where it has none, or where the whole map is less work."""
    if isinstance(layer, Conv) and tuple(layer.stride) == (1, 1):
        grown = _grown(size, layer.size)
        numbers = math.prod(size) * params["kernel"].shape[2] * math.prod(grown) * layer.features
        if numbers > min(LARGEST, info.multiply_adds):
            return None
        spread, grown = spread_of(layer, params, size)
        return Step(lambda window, clean: _activated(layer, spread(window), clean), grown)
    if isinstance(layer, Affine):
        return Step(lambda window, clean: _activated(layer, _scaled(window, params["scale"]), clean), size)
    if isinstance(layer, Dropout):
        return Step(lambda window, _: window, size)
    if isinstance(layer, MaxPool | AvgPool) and layer.stride in (None, layer.window):
        cells = tuple((side + step - 2) // step + 1 for side, step in zip(size, layer.window, strict=True))
        return Step(functools.partial(_pooled, layer, cells), cells)
    return None


def _grown(size: Shape, kernel: Shape) -> Shape:
    return tuple(side + width - 1 for side, width in zip(size, kernel, strict=True))


def spread_of(layer: Layer, params: Tree, size: Shape) -> tuple[Callable[[Window], Window], Shape]:
    """What a window of `size` (h, w) adds to the pre-activation of a convolution, and the size of that."""
    assert isinstance(layer, Conv)
    kernel, grown = params["kernel"], _grown(size, layer.size)
    # Row x of the window is what row u of the result reads at row x - u + k - 1 of the kernel.
    down, across = (
        jnp.arange(side)[:, None] - jnp.arange(side + width - 1) + width - 1
        for side, width in zip(size, layer.size, strict=True)
    )
    rows, columns = down[:, None, :, None], across[None, :, None, :]
    there = (rows >= 0) & (rows < layer.size[0]) & (columns >= 0) & (columns < layer.size[1])
    matrix = jnp.where(there[..., None, None], kernel[rows % layer.size[0], columns % layer.size[1]], 0)
    matrix = matrix.transpose(0, 1, 4, 2, 3, 5).reshape(math.prod(size) * kernel.shape[2], -1)
    edges = [same_padding(width, width, 1)[0] if layer.padding == "same" else 0 for width in layer.size]
    moved = jnp.array([edge - width + 1 for edge, width in zip(edges, layer.size, strict=True)])

    def spread(window: Window) -> Window:
        flat = window.change.reshape(len(window.change), -1) @ matrix
        return Window(flat.reshape(-1, *grown, layer.features), window.corner + moved)

    return spread, grown


def _scaled(window: Window, scale: jax.Array) -> Window:
    return window._replace(change=window.change * scale)


def _activated(layer: Layer, window: Window, clean: Clean) -> Window:
    """What changed after the activation, where `window` is what changed before it."""
    size = window.change.shape[1:3]
    if layer.activation == "linear":
        return _inside(window, clean.after)
    after = ACTIVATIONS[layer.activation](_read(clean.pre, window.corner, size) + window.change)
    return _inside(Window(after - _read(clean.after, window.corner, size), window.corner), clean.after)


def _pooled(layer: MaxPool | AvgPool, cells: Shape, window: Window, clean: Clean) -> Window:
    steps = jnp.array(layer.window)
    corner = window.corner // steps
    size = tuple(count * step for count, step in zip(cells, layer.window, strict=True))
    blank = jnp.zeros((len(window.change), *size, window.change.shape[-1]))
    placed = jax.vmap(_at)(blank, window.change, window.corner - corner * steps)
    found = layer.apply({}, _read(clean.before, corner * steps, size) + placed)
    assert isinstance(found, jax.Array)
    return _inside(Window(found - _read(clean.after, corner, cells), corner), clean.after)


def _read(maps: jax.Array, corner: jax.Array, size: Shape) -> jax.Array:
    """The windows of `size` (h, w) of a map [H, W, F] at `corner` [P, 2], 0 outside: [P, h, w, F]."""
    padded = jnp.pad(maps, (*((side, side) for side in size), (0, 0)))
    whole = (*size, maps.shape[-1])
    return jax.vmap(lambda at: jax.lax.dynamic_slice(padded, (at[0], at[1], 0), whole))(corner + jnp.array(size))


def _at(whole: jax.Array, part: jax.Array, corner: jax.Array) -> jax.Array:
    return jax.lax.dynamic_update_slice(whole, part, (corner[0], corner[1], 0))


def _inside(window: Window, maps: jax.Array) -> Window:
    """`window` with 0 where it lies outside of `maps` [H, W, F]."""
    there = [
        (first[:, None] + jnp.arange(side) >= 0) & (first[:, None] + jnp.arange(side) < limit)
        for first, side, limit in zip(window.corner.T, window.change.shape[1:3], maps.shape[:2], strict=True)
    ]
    return window._replace(change=jnp.where(there[0][:, :, None, None] & there[1][:, None, :, None], window.change, 0))


def pasted(maps: jax.Array, window: Window) -> jax.Array:
    """`maps`, [H, W, F] or [P, H, W, F], plus what changed: [P, H, W, F]."""
    size, sides = window.change.shape[1:3], maps.shape[-3:-1]
    padded = (side + 2 * edge for side, edge in zip(sides, size, strict=True))
    blank = jnp.zeros((len(window.change), *padded, maps.shape[-1]))
    placed = jax.vmap(_at)(blank, window.change, window.corner + jnp.array(size))
    return maps + placed[:, size[0] : size[0] + sides[0], size[1] : size[1] + sides[1]]
