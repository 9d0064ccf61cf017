"""How a set of drawn pictures is laid out, so that a picture from elsewhere can be brought into the same form."""

from typing import NamedTuple

import numpy as np

CONSISTENT = 0.9  # share of pictures that must have a plain background of one tone for a set to count as drawn
NOISE = 32.0  # tones: what is as dark tells nothing of light
UNEVEN = 0.1  # of a picture's range: what tones of a plain ground may differ by
DARKEST = 0.75  # of a picture's range, away from its ground: no shadow goes further, for ink in it is darker still
MIXED = 0.5  # likewise: what goes further in many tones is strokes, for a shadow has one
SHARP = 1000  # pixels along the shorter side: as many as light needs to be told from strokes
STRONG = 0.7  # of the largest contrast: what strokes reach, and the edge of a shadow does not
WIDEST = 1 / 3  # of a picture's shorter side: strokes are narrower, light and shade are wider
SOLID = 0.3  # of the ink: where more lies in something wider than strokes, a set shows things, not drawings.
# Medians over sets: MNIST 0.00, scikit-learn's digits 0.13; generated garments 0.66, photos cut out of black 0.53.
EXAMINED = 200  # pictures, for that: the median is then known to 0.02


class Ink(NamedTuple):
    """The layout of a set of gray pictures with strokes on a plain ground.

    light_on_dark: the tone of the strokes. extent: the longer side of the strokes' bounding box, as a share of the
    picture's (median). row, column: the strokes' centre of mass, as shares of height and width (medians).
    """

    light_on_dark: bool
    extent: float
    row: float
    column: float


class Box(NamedTuple):
    """Where the strokes are: rows top..bottom and columns left..right, ends excluded."""

    top: int
    bottom: int
    left: int
    right: int


def measure_ink(images: np.ndarray, sample: int = 1000) -> Ink | None:
    """The layout of `images` uint8 [N, H, W, C]; None when they are in colour, or not strokes on one plain ground.

    Things on a plain ground, as garments on black, are no strokes (`solidity`). Measured on `sample` pictures spread
    evenly over the set.
    """
    if images.shape[-1] != 1 or min(images.shape[1:3]) < 4:
        return None
    taken = images[np.linspace(0, len(images) - 1, min(sample, len(images))).astype(int), ..., 0]
    grounds = np.array([ground(picture) for picture in taken])
    dark, light = float(np.mean(grounds < 64)), float(np.mean(grounds > 191))
    if max(dark, light) < CONSISTENT:
        return None
    strokes = [strength(picture, light_on_dark=dark > light) for picture in taken]
    boxes = [box for values in strokes if (box := bounds(values)) is not None]
    masses = [centre(values) for values in strokes if values.any()]
    if not boxes:
        return None
    height, width = images.shape[1:3]
    extents = [max((b.bottom - b.top) / height, (b.right - b.left) / width) for b in boxes]
    extent = float(np.median(extents))
    side = max(3, round(WIDEST * extent * min(height, width)))
    if np.median([solidity(values, side) for values in strokes[:: -(-len(strokes) // EXAMINED)]]) > SOLID:
        return None
    rows, columns = (np.median([mass[axis] for mass in masses]) for axis in (0, 1))
    return Ink(dark > light, extent, float(rows / height), float(columns / width))


def solidity(strokes: np.ndarray, side: int) -> float:
    """The share of the ink in `strokes` [H, W] that squares of `side` pixels fit into, tone by tone; 0 without ink.

    That is what a gray opening leaves (Gonzalez & Woods, "Digital Image Processing", 9.6): nothing of strokes, most of
    what is wider, textured or not.
    """
    from scipy import ndimage

    total = float(strokes.sum())
    return float(ndimage.grey_opening(np.pad(strokes, side), side).sum()) / total if total else 0.0


def ground(picture: np.ndarray) -> float:
    """The tone around the drawing: the median of the outermost pixels of `picture` [H, W]."""
    return float(np.median(_outermost(picture)))


def strength(picture: np.ndarray, *, light_on_dark: bool) -> np.ndarray:
    """How much ink is at each pixel of `picture` [H, W]: its distance from the ground, toward the ink, 0 to 255."""
    distance = picture.astype(np.float32) - ground(picture)
    return np.clip(distance if light_on_dark else -distance, 0, 255)


def uneven(picture: np.ndarray) -> bool:
    """Whether the tones around the drawing differ, by the 10th and 90th percentile of the outermost pixels.

    Strokes that reach the border are no light: of the outermost tones most are then the ground's, and the others are
    ink's, or all between the two, where a shadow has one tone more and a lamp hardly leaves two pixels alike.
    """
    outermost, contrast = _outermost(picture).astype(np.float32), float(picture.max()) - float(picture.min())
    low, high = np.percentile(outermost, (10, 90))
    if high - low <= UNEVEN * contrast:
        return False
    away = np.abs(outermost - np.median(outermost)) / contrast
    others = away[away > UNEVEN / 2]
    if len(others) > len(away) / 2:
        return True
    farthest, many_tones = np.percentile(away, 95), np.ptp(np.percentile(others, (25, 75))) > UNEVEN
    return not (farthest > DARKEST or (farthest > MIXED and many_tones))


def evened(picture: np.ndarray) -> tuple[np.ndarray, bool]:
    """The strokes of `picture` uint8 [H, W] under uneven light: how much ink is at each pixel, 0 to 255, and whether it
    is light on dark. Of a picture larger than `SHARP`, a smaller copy's.

    The ground at a pixel is the picture closed (for dark ink; opened, for light) by a square that no stroke fills, so
    that only what is narrower stands out (black top-hat; Gonzalez & Woods, "Digital Image Processing", 9.6). Beyond
    its edges the picture goes on as it does at them. What stands out is told by the light that the ground shows there.
    Ink is the tone that less of the drawing's surroundings has.
    """
    from PIL import Image
    from scipy import ndimage

    picture = np.asarray(Image.fromarray(picture).reduce(-(-min(picture.shape) // SHARP)))
    side = max(3, round(WIDEST * min(picture.shape)))
    smooth = ndimage.median_filter(picture, 3).astype(np.float32)
    wide = np.pad(smooth, side, mode="reflect", reflect_type="odd")
    high, low = ndimage.maximum_filter(smooth, side), ndimage.minimum_filter(smooth, side)
    contrast = (high - low) / (high + NOISE)
    near = contrast > STRONG * contrast.max()
    light_on_dark = bool(np.mean((smooth > (high + low) / 2)[near]) < 0.5)
    ground_of = ndimage.grey_opening if light_on_dark else ndimage.grey_closing
    paper = ground_of(wide, side)[side:-side, side:-side]
    light = (paper + NOISE) / (paper.mean() + NOISE)
    strokes = np.abs(paper - smooth) / light
    return np.clip(strokes - np.median(strokes), 0, 255), light_on_dark


def bounds(strokes: np.ndarray) -> Box | None:
    """The box around the ink of `strokes` [H, W]: at least a quarter of the strongest; None without any."""
    ink = strokes > 0.25 * strokes.max()
    if not ink.any():
        return None
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return Box(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)


def centre(strokes: np.ndarray) -> tuple[float, float]:
    """The centre of mass of `strokes` [H, W], which has some: (row, column), pixel centres at 0.5, 1.5 ..."""
    rows, columns = np.indices(strokes.shape) + 0.5
    total = strokes.sum()
    return float((rows * strokes).sum() / total), float((columns * strokes).sum() / total)


def _outermost(picture: np.ndarray) -> np.ndarray:
    return np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
