"""Boxes of one-pixel changes: a place with a range of values for each channel, and the bounds on what they can do."""

import functools
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from research.attack.bounds import Form, logits_form, upper_margin
from research.attack.success import Aim
from research.models.network import Network

TOGETHER = 256  # boxes in one call
GROUP = 8  # boxes that the net runs on at once: their maps stay in a core's cache
SLACK = 1e-3  # of a margin: bounds are computed in float32, whose rounding is about a hundredth of this

Tree = Any


class Boxes(NamedTuple):
    """N boxes: at `places` (int32 [N, 2], row and column) the values lowest..lowest + width - 1 of each channel."""

    places: np.ndarray
    lowest: np.ndarray  # int32 [N, C]
    width: int

    @classmethod
    def of(cls, shape: tuple[int, int], width: int, channels: int) -> "Boxes":
        """All changes of a pixel of pictures of `shape` (H, W): 256^C values at each place, in boxes of `width`."""
        places = np.argwhere(np.ones(shape, bool)).astype(np.int32)
        return cls(places, np.zeros((len(places), channels), np.int32), 256).split(width)

    def at(self, chosen: np.ndarray) -> "Boxes":
        """Those that are `chosen`, by number or bool [N]."""
        return self._replace(places=self.places[chosen], lowest=self.lowest[chosen])

    def split(self, width: int) -> "Boxes":
        """The same values in boxes of `width`, which divides the width that they have."""
        channels = self.lowest.shape[1]
        steps = np.array(list(itertools.product(range(0, self.width, width), repeat=channels)), np.int32)
        lowest = (self.lowest[:, None] + steps).reshape(-1, channels)
        return Boxes(np.repeat(self.places, len(steps), axis=0), lowest, width)

    def candidates(self, values: np.ndarray | None = None) -> np.ndarray:
        """The changes to `values` [N, C], by default the lowest ones of each box: int32 [N, 1, 2 + C]."""
        return np.concatenate([self.places, self.lowest if values is None else values], axis=1)[:, None]


class BoxBounds(NamedTuple):
    """What N boxes can do: the largest margin [N], and the values [N, C] of each at which it is to be expected."""

    margin: np.ndarray
    likely: np.ndarray

    @property
    def settled(self) -> np.ndarray:
        """Whether no change in the box flips the picture, bool [N]."""
        return self.margin < -SLACK


BoxMargins = Callable[[Boxes], BoxBounds]


def box_margins(net: Network, params: Tree, image: np.ndarray, aim: Aim) -> BoxMargins:
    """The bounds of boxes on `image` (uint8 [H, W, C]); `net` is one that `bounds.logits_form` takes."""

    def bound(boxes: Boxes) -> BoxBounds:
        parts = []
        for start in range(0, len(boxes.places), TOGETHER):
            chosen = np.minimum(np.arange(start, start + TOGETHER), len(boxes.places) - 1)  # one size, compiled once
            own = boxes.at(chosen)
            parts.append(jax.device_get(_bound(net, params, image, aim, own.places, own.lowest, own.width)))
        if not parts:
            return BoxBounds(np.zeros(0), boxes.lowest)
        return BoxBounds(*(np.concatenate(column)[: len(boxes.places)] for column in zip(*parts, strict=True)))

    return bound


@functools.partial(jax.jit, static_argnums=0)
def _bound(net: Network, params: Tree, image: jax.Array, aim: Aim, places, lowest, width) -> tuple:
    half = (width - 1) / 2
    each = jnp.eye(image.shape[-1]) * half  # a symbol for each channel

    def bounded(box: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        place, low = box
        at = (jnp.arange(len(place)), place[:, 0], place[:, 1])
        copies = jnp.broadcast_to(image.astype(jnp.float32), (len(place), *image.shape))
        slopes = jnp.zeros((len(each), *copies.shape)).at[:, *at].set(each[:, None])
        pictures = Form(copies.at[at].set(low + half), slopes, jnp.zeros(copies.shape))
        margin, slopes = upper_margin(logits_form(net, params, pictures), aim)
        return margin, jnp.where(slopes.T > 0, low + width - 1, low)

    groups = jax.tree.map(lambda leaf: leaf.reshape(-1, GROUP, leaf.shape[-1]), (places, lowest))
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), jax.lax.map(bounded, groups))
