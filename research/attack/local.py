"""A net's logits where few pixels of a picture changed: only what they touch of the first layer is computed anew.

A pixel changes the k x k positions of a k x k convolution that read it, by its change times the kernel. Of LeNet-5 that
first layer is more than half of the work, and nine tenths of the time on a CPU.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from research.attack.pixels import drawn
from research.models.layer import ACTIVATIONS
from research.models.layers import Conv, Rescale
from research.models.lowering.convolution import same_padding
from research.models.network import Network, beyond, upto

Tree = Any
Ask = Callable[[jax.Array], jax.Array]  # candidates int32 [P, k, 2 + C] on a picture -> logits [P, K]
Asker = Callable[[jax.Array], Ask]  # a picture, uint8 [H, W, C] -> its `Ask`

GROUP = 40  # candidates that the rest of the net runs on at once: their maps stay in a core's cache
ROUNDING = 1e-4  # of a margin: more than local logits differ from the net's own


def plain_asker(logits_fn: Callable[[jax.Array], jax.Array]) -> Asker:
    """The asker of any function of pictures, which sees each changed picture whole."""
    return lambda image: lambda candidates: logits_fn(drawn(image, candidates))


def local_asker(net: Network, params: Tree) -> Asker | None:
    """The asker of a net that begins with a convolution of stride 1; None for others.

    Its logits differ from the net's own by rounding. `net` has no BatchNorm left (`normalization.without_statistics`).
    """
    if not _suits(net):
        return None
    first, name, rest = net.layers[1], net.names[1], beyond(net, net.names[1])
    scale, kernel = net.layers[0].scale, params[name]["kernel"]  # pyright: ignore[reportAttributeAccessIssue]
    below = upto(net, name)

    def asker(image: jax.Array) -> Ask:
        taps: dict[str, jax.Array] = below.apply({"params": params}, image[None])[1]  # pyright: ignore[reportAssignmentType]
        clean = taps[f"{name}/pre" if first.activation != "linear" else name][0]

        def logits(candidates: jax.Array) -> jax.Array:
            moved = _moved(clean, scale * kernel, image, candidates, first.padding)  # pyright: ignore[reportAttributeAccessIssue]
            return rest.apply({"params": params}, ACTIVATIONS[first.activation](moved))[0]  # pyright: ignore[reportReturnType]

        return lambda candidates: _in_groups(logits, candidates)

    return asker


def _suits(net: Network) -> bool:
    if len(net.layers) < 3 or not isinstance(net.layers[0], Rescale) or not isinstance(net.layers[1], Conv):
        return False
    straight = net.wires[:2] == ((-1,), (0,)) and all(source > 0 for wires in net.wires[2:] for source in wires)
    return straight and tuple(net.layers[1].stride) == (1, 1)


def _moved(clean: jax.Array, kernel: jax.Array, image: jax.Array, candidates: jax.Array, padding: str) -> jax.Array:
    """The first layer's pre-activation [H', W', F] after each of the candidates [P, k, 2 + C]: [P, H', W', F]."""
    rows, columns = kernel.shape[:2]
    before = [same_padding(side, size, 1)[0] for side, size in zip(image.shape[:2], kernel.shape[:2], strict=True)]
    above, left = before if padding == "same" else (0, 0)
    margins = ((rows - 1, rows - 1), (columns - 1, columns - 1), (0, 0))  # so that every window is inside
    maps = jnp.broadcast_to(jnp.pad(clean, margins), (len(candidates), *jnp.pad(clean, margins).shape))
    for pixel in range(candidates.shape[1]):
        place, values = candidates[:, pixel, :2], candidates[:, pixel, 2:]
        change = (values - image[place[:, 0], place[:, 1]].astype(jnp.int32)).astype(kernel.dtype)
        later = (candidates[:, pixel + 1 :, :2] == place[:, None]).all(-1).any(-1)  # drawn over this one
        windows = jnp.einsum("pc,ijcf->pijf", jnp.where(later[:, None], 0, change), kernel[::-1, ::-1])
        maps = jax.vmap(_added)(maps, windows, place + jnp.array([above, left]))
    return maps[:, rows - 1 : rows - 1 + clean.shape[0], columns - 1 : columns - 1 + clean.shape[1]]


def _added(whole: jax.Array, window: jax.Array, corner: jax.Array) -> jax.Array:
    """`whole` [H, W, F] with `window` [h, w, F] added at `corner`."""
    start = (corner[0], corner[1], 0)
    return jax.lax.dynamic_update_slice(whole, jax.lax.dynamic_slice(whole, start, window.shape) + window, start)


def _in_groups(logits: Ask, candidates: jax.Array) -> jax.Array:
    count = len(candidates)
    padding = -count % min(GROUP, count)
    padded = jnp.concatenate([candidates, candidates[:padding]])
    groups = padded.reshape(-1, min(GROUP, count), *candidates.shape[1:])
    return jax.lax.map(logits, groups).reshape(len(padded), -1)[:count]
