"""A net's logits where few pixels of a picture changed: only what the change touches is computed anew.

One changed pixel touches a window of each map, which grows from layer to layer. What a convolution adds to its window
is linear in what changed below, so that a single matrix product computes it for all candidates. Of several pixels at
several places only the first layer's windows are added up; the rest of the net is computed whole.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from research.attack.pixels import drawn
from research.models.layer import ACTIVATIONS, Layer, LayerInfo
from research.models.layers import AvgPool, Conv, Dropout, MaxPool, Rescale
from research.models.lowering.convolution import same_padding
from research.models.network import Network, beyond
from research.models.normalization import Affine
from research.models.sizes import layer_infos

Tree = Any
Shape = tuple[int, ...]
Ask = Callable[[jax.Array], jax.Array]  # candidates int32 [P, k, 2 + C] on a picture -> logits [P, K]
Asker = Callable[[jax.Array], Ask]  # a picture, uint8 [H, W, C] -> its `Ask`

GROUP = 40  # candidates that the rest's convolutions run on at once: their maps stay in a core's cache
LARGEST = 2**21  # numbers in the matrix of a convolution's windows: 8 MiB
ROUNDING = 1e-4  # of a margin: more than local logits differ from the net's own


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


def plain_asker(logits_fn: Callable[[jax.Array], jax.Array]) -> Asker:
    """The asker of any function of pictures, which sees each changed picture whole."""
    return lambda image: lambda candidates: logits_fn(drawn(image, candidates))


def local_asker(net: Network, params: Tree, shape: Shape) -> Asker | None:
    """The asker of a net of pictures of `shape` [H, W, C] that begins with a convolution of stride 1; None for others.

    Its logits differ from the net's own by rounding. `net` has no BatchNorm left (`normalization.without_statistics`).
    """
    if not _suits(net):
        return None
    first, _ = _spread(net.layers[1], params.get(net.names[1], {}), (1, 1))
    steps = _steps(net, params, layer_infos(net, shape))
    scale: float = net.layers[0].scale  # pyright: ignore[reportAttributeAccessIssue]

    def asker(image: jax.Array) -> Ask:
        taps: dict[str, jax.Array] = net.apply({"params": params}, image[None])[1]  # pyright: ignore[reportAssignmentType]
        clean = [_clean(net, taps, index) for index in range(1, len(steps) + 1)]

        def of_one(pixels: jax.Array) -> jax.Array:
            window = _changed(image, pixels, scale)
            for step, own in zip(steps, clean, strict=True):
                window = step.run(window, own)
            return _rest(net, params, len(steps), _pasted(clean[-1].after, window))

        def of_several(candidates: jax.Array) -> jax.Array:
            maps = clean[0].pre
            for index in range(candidates.shape[1]):
                later = (candidates[:, index + 1 :, :2] == candidates[:, index, None, :2]).all(-1).any(-1)
                drawn_over = jnp.where(later, 0, scale)[:, None]
                maps = _pasted(maps, first(_changed(image, candidates[:, index], drawn_over)))
            return _rest(net, params, 1, ACTIVATIONS[net.layers[1].activation](maps))

        return lambda candidates: of_one(candidates[:, 0]) if candidates.shape[1] == 1 else of_several(candidates)

    return asker


def _suits(net: Network) -> bool:
    if len(net.layers) < 3 or not isinstance(net.layers[0], Rescale) or not isinstance(net.layers[1], Conv):
        return False
    return net.wires[:2] == ((-1,), (0,)) and _is_bottleneck(net, 1) and tuple(net.layers[1].stride) == (1, 1)


def _is_bottleneck(net: Network, index: int) -> bool:
    """Whether all that comes after a layer reads the net up to there through its output alone."""
    return all(source >= index for wires in net.wires[index + 1 :] for source in wires)


def _steps(net: Network, params: Tree, infos: list[LayerInfo]) -> list[Step]:
    """The layers from the first convolution on that are computed in windows, as long as that is less work."""
    steps: list[Step] = []
    for index, (layer, name) in enumerate(zip(net.layers, net.names, strict=True)):
        if index == 0:
            continue
        size = steps[-1].size if steps else (1, 1)
        step = _step(layer, params.get(name, {}), size, infos[index]) if net.wires[index] == (index - 1,) else None
        if step is None:
            break
        steps.append(step)
    while not _is_bottleneck(net, len(steps)):
        steps.pop()
    return steps


def _step(layer: Layer, params: Tree, size: Shape, info: LayerInfo) -> Step | None:
    if isinstance(layer, Conv) and tuple(layer.stride) == (1, 1):
        grown = _grown(size, layer.size)
        numbers = math.prod(size) * params["kernel"].shape[2] * math.prod(grown) * layer.features
        if numbers > min(LARGEST, info.multiply_adds):
            return None
        spread, grown = _spread(layer, params, size)
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


def _spread(layer: Layer, params: Tree, size: Shape) -> tuple[Callable[[Window], Window], Shape]:
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


def _clean(net: Network, taps: dict[str, jax.Array], index: int) -> Clean:
    name = net.names[index]
    return Clean(taps[net.names[index - 1]][0], taps.get(f"{name}/pre", taps[name])[0], taps[name][0])


def _changed(image: jax.Array, pixels: jax.Array, scale: float | jax.Array) -> Window:
    """What the pixels [P, 2 + C] change of `image`, times `scale`."""
    place = pixels[:, :2]
    change = (pixels[:, 2:] - image[place[:, 0], place[:, 1]].astype(jnp.int32)) * scale
    return Window(change[:, None, None].astype(jnp.float32), place)


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


def _pasted(maps: jax.Array, window: Window) -> jax.Array:
    """`maps`, [H, W, F] or [P, H, W, F], plus what changed: [P, H, W, F]."""
    size, sides = window.change.shape[1:3], maps.shape[-3:-1]
    padded = (side + 2 * edge for side, edge in zip(sides, size, strict=True))
    blank = jnp.zeros((len(window.change), *padded, maps.shape[-1]))
    placed = jax.vmap(_at)(blank, window.change, window.corner + jnp.array(size))
    return maps + placed[:, size[0] : size[0] + sides[0], size[1] : size[1] + sides[1]]


def _rest(net: Network, params: Tree, index: int, maps: jax.Array) -> jax.Array:
    """The logits of the net beyond layer `index`, whose output is `maps` [P, H, W, F]."""
    if index == len(net.layers) - 1:
        return maps
    rest = beyond(net, net.names[index])

    def run(part: jax.Array) -> jax.Array:
        return rest.apply({"params": params}, part)[0]  # pyright: ignore[reportReturnType]

    if not any(isinstance(layer, Conv) for layer in rest.layers):
        return run(maps)
    group, count = min(GROUP, len(maps)), len(maps)
    padded = jnp.concatenate([maps, maps[: -count % group]])
    return jax.lax.map(run, padded.reshape(-1, group, *maps.shape[1:])).reshape(len(padded), -1)[:count]
