"""The layout of a set of drawings: strokes on a plain ground. Other pictures can then be given the same layout."""

from typing import Any

import numpy as np

CONSISTENT = 0.9  # share of pictures that must have a plain ground of one tone for a set to count as drawings
NOISE = 32.0  # tones: added to the light before dividing, because dark pixels say little about the light
UNEVEN = 0.1  # of a picture's range: the largest difference between the tones of a plain ground
DARKEST = 0.75  # of a picture's range: no shadow differs more from the ground, since ink in it is darker still
MIXED = 0.5  # of a picture's range: many tones that differ more are strokes, since a shadow has one tone
SHARP = 1000  # pixels along the shorter side: enough to separate strokes from light and shade
STRONG = 0.7  # of the largest contrast: strokes reach it, the edge of a shadow does not
WIDEST = 1 / 3  # of a picture's shorter side: strokes are narrower, light and shade are wider
SOLID = 0.3  # of the ink: a set with a larger share in shapes wider than strokes shows objects, not drawings.
# Medians over sets: MNIST 0.00, scikit-learn's digits 0.13; generated garments 0.66, photos cut out of black 0.53.
EXAMINED = 200  # pictures whose solidity is measured: the median is then known to 0.02


def measure_ink(images: np.ndarray, sample: int = 1000) -> dict[str, Any] | None:
    """The layout of `images` uint8 [N, H, W, C]; None when they are in colour, or not strokes on one plain ground.

    light_on_dark  whether the strokes are lighter than the ground
    extent         the longer side of the strokes' bounding box, as a share of the picture's side (median)
    row, column    the strokes' centre of mass, as shares of height and width (medians)

    All are plain JSON values. Objects on a plain ground, such as garments on black, are no strokes (`solidity`). The
    layout is measured on `sample` pictures spread evenly over the set.
    """
    if images.shape[-1] != 1 or min(images.shape[1:3]) < 4:
        return None
    taken = images[np.linspace(0, len(images) - 1, min(sample, len(images))).astype(int), ..., 0]
    grounds = np.array([ground(picture) for picture in taken])
    dark, light = float(np.mean(grounds < 64)), float(np.mean(grounds > 191))
    if max(dark, light) < CONSISTENT:
        return None
    strokes = [strength(picture, light_on_dark=dark > light) for picture in taken]
    boxes = [box for values in strokes if (box := bounding_box(values)) is not None]
    centres = [centre(values) for values in strokes if values.any()]
    if not boxes:
        return None
    height, width = images.shape[1:3]
    extents = [max((rows.stop - rows.start) / height, (cols.stop - cols.start) / width) for rows, cols in boxes]
    extent = float(np.median(extents))
    side = max(3, round(WIDEST * extent * min(height, width)))
    if np.median([solidity(values, side) for values in strokes[:: -(-len(strokes) // EXAMINED)]]) > SOLID:
        return None
    row, column = (np.median([point[axis] for point in centres]) for axis in (0, 1))
    return {
        "light_on_dark": dark > light,
        "extent": extent,
        "row": float(row / height),
        "column": float(column / width),
    }


def solidity(strokes: np.ndarray, side: int) -> float:
    """The share of the ink in `strokes` [H, W] that a gray opening by a square of `side` pixels leaves; 0 without ink.

    The opening removes strokes and leaves most of wider shapes, textured or not (Gonzalez & Woods, "Digital Image
    Processing", 9.6).
    """
    from scipy import ndimage

    total = float(strokes.sum())
    return float(ndimage.grey_opening(np.pad(strokes, side), side).sum()) / total if total else 0.0


def ground(picture: np.ndarray) -> float:
    """The tone around the drawing: the median of the outermost pixels of `picture` [H, W]."""
    return float(np.median(_outermost(picture)))


def strength(picture: np.ndarray, *, light_on_dark: bool) -> np.ndarray:
    """The ink at each pixel of `picture` [H, W], 0 to 255: its difference from the ground toward the ink's tone."""
    distance = picture.astype(np.float32) - ground(picture)
    return np.clip(distance if light_on_dark else -distance, 0, 255)


def uneven(picture: np.ndarray) -> bool:
    """Whether a picture [H, W] is unevenly lit: the 10th and 90th percentile of its outermost pixels differ.

    Strokes that reach the border do not count as uneven light. Most outermost tones are then those of the ground, and
    the others are those of ink or lie between ink and ground. A shadow adds one tone only; a lamp leaves hardly two
    pixels alike.
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
    """The ink at each pixel of an unevenly lit `picture` uint8 [H, W], 0 to 255, and whether it is light on dark.

    A picture larger than `SHARP` is reduced first. The ground is the gray closing (for dark ink; opening, for light
    ink) of the picture by a square that no stroke fills. The ink is the difference from it (black top-hat; Gonzalez &
    Woods, "Digital Image Processing", 9.6), divided by the light, which is the ground's tone at the pixel. The picture
    is extrapolated beyond its edges. Ink is the tone that is rarer around the strokes.
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


def bounding_box(strokes: np.ndarray) -> tuple[slice, slice] | None:
    """The rows and columns of the ink in `strokes` [H, W]: pixels above a quarter of the maximum; None without ink."""
    ink = strokes > 0.25 * strokes.max()
    if not ink.any():
        return None
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def centre(strokes: np.ndarray) -> tuple[float, float]:
    """The centre of mass (row, column) of `strokes` [H, W], which are not all 0; pixel centres are at 0.5, 1.5 ..."""
    rows, columns = np.indices(strokes.shape) + 0.5
    total = strokes.sum()
    return float((rows * strokes).sum() / total), float((columns * strokes).sum() / total)


def _outermost(picture: np.ndarray) -> np.ndarray:
    return np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
