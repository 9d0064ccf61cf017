"""A net's logits where few pixels of a picture changed: only what the change touches is computed anew.

One changed pixel touches a window of each map, which grows from layer to layer (`windows`). Of several pixels at
several places only the first layer's windows are added up; the rest of the net is computed whole.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from research.attack.pixels import drawn
from research.attack.windows import Clean, Shape, Step, Window, layer_step, pasted, spread_of
from research.models.layer import ACTIVATIONS, LayerInfo
from research.models.layers import Conv, Rescale
from research.models.network import Network, beyond
from research.models.sizes import layer_infos

Tree = Any
Ask = Callable[[jax.Array], jax.Array]  # candidates int32 [P, k, 2 + C] on a picture -> logits [P, K]
Asker = Callable[[jax.Array], Ask]  # a picture, uint8 [H, W, C] -> its `Ask`

GROUP = 40  # candidates that the rest's convolutions run on at once: their maps stay in a core's cache
ROUNDING = 1e-4  # of a margin: more than local logits differ from the net's own


def plain_asker(logits_fn: Callable[[jax.Array], jax.Array]) -> Asker:
    """The asker of any function of pictures, which sees each changed picture whole."""
    return lambda image: lambda candidates: logits_fn(drawn(image, candidates))


def local_asker(net: Network, params: Tree, shape: Shape) -> Asker | None:
    """The asker of a net of pictures of `shape` [H, W, C] that begins with a convolution of stride 1; None for others.

    Its logits differ from the net's own by rounding. `net` has no BatchNorm left (`normalization.without_statistics`).
    """
    if not _suits(net):
        return None
    first, _ = spread_of(net.layers[1], params.get(net.names[1], {}), (1, 1))
    steps = window_steps(net, params, layer_infos(net, shape))
    scale: float = net.layers[0].scale  # pyright: ignore[reportAttributeAccessIssue]

    def asker(image: jax.Array) -> Ask:
        taps: dict[str, jax.Array] = net.apply({"params": params}, image[None])[1]  # pyright: ignore[reportAssignmentType]
        clean = [_clean(net, taps, index) for index in range(1, len(steps) + 1)]

        def of_one(pixels: jax.Array) -> jax.Array:
            window = _changed(image, pixels, scale)
            for step, own in zip(steps, clean, strict=True):
                window = step.run(window, own)
            return _rest(net, params, len(steps), pasted(clean[-1].after, window))

        def of_several(candidates: jax.Array) -> jax.Array:
            maps = clean[0].pre
            for index in range(candidates.shape[1]):
                later = (candidates[:, index + 1 :, :2] == candidates[:, index, None, :2]).all(-1).any(-1)
                drawn_over = jnp.where(later, 0, scale)[:, None]
                maps = pasted(maps, first(_changed(image, candidates[:, index], drawn_over)))
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


def window_steps(net: Network, params: Tree, infos: list[LayerInfo]) -> list[Step]:
    """The layers from the first convolution on that are computed in windows, as long as that is less work."""
    steps: list[Step] = []
    for index, (layer, name) in enumerate(zip(net.layers, net.names, strict=True)):
        if index == 0:
            continue
        size = steps[-1].size if steps else (1, 1)
        step = layer_step(layer, params.get(name, {}), size, infos[index]) if net.wires[index] == (index - 1,) else None
        if step is None:
            break
        steps.append(step)
    while not _is_bottleneck(net, len(steps)):
        steps.pop()
    return steps


def _clean(net: Network, taps: dict[str, jax.Array], index: int) -> Clean:
    name = net.names[index]
    return Clean(taps[net.names[index - 1]][0], taps.get(f"{name}/pre", taps[name])[0], taps[name][0])


def _changed(image: jax.Array, pixels: jax.Array, scale: float | jax.Array) -> Window:
    """What the pixels [P, 2 + C] change of `image`, times `scale`."""
    place = pixels[:, :2]
    change = (pixels[:, 2:] - image[place[:, 0], place[:, 1]].astype(jnp.int32)) * scale
    return Window(change[:, None, None].astype(jnp.float32), place)


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
