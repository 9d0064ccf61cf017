"""The shape of a layer in the drawing: a bar, a sheet or a block, on scales shared by the whole network."""

import math
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

HEIGHT, THICKNESS = 64.0, 34.0  # pixels of the largest side and of the most channels
LEAST = 6.0  # pixels of a size of 1
SLANT = 0.28  # how far the receding side leans, as a share of its length
HUES = {"conv": "#0072B2", "dense": "#D55E00", "recurrent": "#009E73"}  # Okabe and Ito 2008
Scale = tuple[int, int, int]  # largest side of a picture or length of a sequence, channels, features of a vector


def scale(shapes: Sequence[Sequence[int]]) -> Scale:
    """The largest sizes among `shapes`, which are without the batch axis."""
    side = max((max(shape[:-1]) for shape in shapes if len(shape) > 1), default=1)
    channels = max((shape[-1] for shape in shapes if len(shape) > 1), default=1)
    features = max((shape[0] for shape in shapes if len(shape) == 1), default=1)
    return side, channels, features


def draw_shape(parent: ElementTree.Element, x: float, y: float, layer: Mapping[str, Any], fit: Scale) -> float:
    """Draw the layer's output centred at (x, y), filled if it has parameters; return half the width in pixels."""
    shape, (side, channels, features) = layer["output_shape"], fit
    hue = HUES.get(layer["kind"], "#CC79A7") if layer["parameters"] else ""
    if len(shape) == 1:
        return _block(parent, x, y, 10.0, _logarithmic(shape[0], features, HEIGHT), 0.0, hue)
    thick = _logarithmic(shape[-1], channels, THICKNESS)
    high = _logarithmic(shape[0], side, HEIGHT)
    deep = _logarithmic(shape[1], side, HEIGHT) * SLANT if len(shape) > 2 else 0.0
    return _block(parent, x, y, thick, high - deep * 0.5, deep, hue)


def _logarithmic(size: int, largest: int, pixels: float) -> float:
    share = math.log(size) / math.log(largest) if largest > 1 else 1.0
    return LEAST + share * (pixels - LEAST)


def _block(parent: ElementTree.Element, x: float, y: float, wide: float, high: float, deep: float, hue: str) -> float:
    """Draw a box seen from the front, its depth receding up and to the right; return half its width."""
    left, right = x - (wide + deep) / 2, x + (wide - deep) / 2
    top, bottom = y - (high - deep) / 2, y + (high + deep) / 2
    front = [(left, top), (right, top), (right, bottom), (left, bottom)]
    lid = [(left, top), (left + deep, top - deep), (right + deep, top - deep), (right, top)]
    flank = [(right, top), (right + deep, top - deep), (right + deep, bottom - deep), (right, bottom)]
    for corners, shade in ((front, 0.45), (lid, 0.2), (flank, 0.7)) if deep else ((front, 0.45),):
        points = " ".join(f"{px:.1f},{py:.1f}" for px, py in corners)
        face = {"points": points, "stroke": "currentColor", "stroke-width": "0.8", "stroke-linejoin": "round"}
        face |= {"fill": hue, "fill-opacity": f"{shade}"} if hue else {"fill": "none"}
        ElementTree.SubElement(parent, "polygon", face)
    return (wide + deep) / 2
