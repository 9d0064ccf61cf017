"""The truth about one pixel of gray pictures: which values at which places flip a picture, of all that there are.

`exhaustive` asks a net about every one of them. `pruned` has the same answer: bounds (`bounds`) settle most values, a
range at a time, and the net is asked about the others alone.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from research.attack.boxes import Boxes, BoxMargins
from research.attack.one_pixel import LogitsFn
from research.attack.pixels import drawn
from research.attack.success import Aim, margin

VALUES = 256  # of 8 bits
WIDTHS = (64, 16)  # values in a range; wider ones are seldom settled, and narrower ones cost as much as to ask the net

Margins = Callable[[np.ndarray], np.ndarray]  # candidates int32 [N, 1, 2 + C] -> success.margin of each [N]


def exhaustive(logits_fn: LogitsFn, image: jax.Array, aim: Aim) -> jax.Array:
    """How many of the 256 values flip the gray `image` (uint8 [H, W, 1]) at each place: int32 [H, W]; can be jitted.

    All are tried, 256 pictures at a time. Zeros alone are a certificate, complete at 8 bits, that no one-pixel change
    flips the picture. Raises ValueError for a picture of several channels: 256^3 values at a place cannot all be tried.
    """
    height, width, channels = image.shape
    if channels != 1:
        raise ValueError(f"a picture of {channels} channels has {VALUES}^{channels} values at a place; try gray ones")
    values = jnp.arange(VALUES)

    def at(place: jax.Array) -> jax.Array:
        row, column = place // width, place % width
        candidates = jnp.stack([jnp.full(VALUES, row), jnp.full(VALUES, column), values], axis=-1)[:, None]
        return (margin(logits_fn(drawn(image, candidates)), aim) > 0).sum(dtype=jnp.int32)

    return jax.lax.map(at, jnp.arange(height * width)).reshape(height, width)


def pruned(bound: BoxMargins, margins: Margins, shape: tuple[int, int]) -> tuple[np.ndarray, int]:
    """(What `exhaustive` finds, int32 [H, W], on how many pictures the net was asked), for a picture of `shape`."""
    flips = np.zeros(shape, np.int32)
    boxes = Boxes.of(shape, WIDTHS[0], channels=1)
    for width in WIDTHS:
        boxes = boxes.split(width)
        boxes = boxes.at(~bound(boxes).settled)
    asked = boxes.split(1).candidates()
    found = margins(asked) > 0
    np.add.at(flips, tuple(asked[found, 0, :2].T), 1)
    return flips, len(asked)
