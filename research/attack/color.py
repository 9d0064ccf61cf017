"""What one pixel can do to a picture of several channels, whose 256^C values at a place cannot all be tried.

A grid of values is a lower bound: what it flips can be flipped. Bounds over boxes of values (`boxes`) are an upper one:
where they settle every box, no one-pixel change flips the picture.
"""

import itertools
from typing import Literal, NamedTuple

import numpy as np

from research.attack.boxes import Boxes, BoxMargins
from research.attack.exhaustive import VALUES, Margins

GRIDS = (2, 4)  # values of each channel that are tried: the corners first
LARGEST = 20_000  # boxes of one width; dividing them in every channel gives 2^C times as many


class Verdict(NamedTuple):
    """What is known of a picture, and the change int32 [1, 2 + C] that flips it, if one is known."""

    status: Literal["flipped", "certified", "unknown"]
    candidate: np.ndarray | None


def decide(bound: BoxMargins | None, margins: Margins, shape: tuple[int, int], channels: int) -> Verdict:
    """Whether some one-pixel change flips a picture of `shape` (H, W), as far as it can be told.

    Boxes that are not settled are tried at their likeliest values, and divided, until there are more than `LARGEST`.
    Without `bound` there is the grid alone.
    """
    for levels in GRIDS:
        found = _flipping(_grid(levels, shape, channels), margins)
        if found is not None:
            return Verdict("flipped", found)
    return Verdict("unknown", None) if bound is None else _divide(bound, margins, shape, channels)


def _divide(bound: BoxMargins, margins: Margins, shape: tuple[int, int], channels: int) -> Verdict:
    boxes = Boxes.of(shape, VALUES, channels)
    while len(boxes.places) <= LARGEST:
        bounds = bound(boxes)
        boxes, likely = boxes.at(~bounds.settled), bounds.likely[~bounds.settled]
        found = _flipping(boxes.candidates(likely), margins)
        if found is not None:
            return Verdict("flipped", found)
        if not len(boxes.places) or boxes.width == 1:  # boxes of one value have just been tried
            return Verdict("certified", None)
        boxes = boxes.split(boxes.width // 2)
    return Verdict("unknown", None)


def _grid(levels: int, shape: tuple[int, int], channels: int) -> np.ndarray:
    """Every place with every combination of evenly spaced values, 0 and 255 among them: int32 [N, 1, 2 + C]."""
    tones = np.round(np.linspace(0, VALUES - 1, levels)).astype(np.int32)
    values = np.array(list(itertools.product(tones, repeat=channels)), np.int32)
    places = np.argwhere(np.ones(shape, bool)).astype(np.int32)
    return np.concatenate([np.repeat(places, len(values), 0), np.tile(values, (len(places), 1))], axis=1)[:, None]


def _flipping(candidates: np.ndarray, margins: Margins) -> np.ndarray | None:
    found = np.flatnonzero(margins(candidates) > 0)
    return candidates[found[0]] if len(found) else None
