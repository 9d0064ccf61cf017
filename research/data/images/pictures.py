"""A user's picture file in the form of the pictures that a net was trained on."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from research.data.images.decoding import BLACK, BLACK_CAUSE, UndecodableError, decode, squashed
from research.data.images.ink import bounding_box, centre, evened, ground, strength, uneven
from research.data.images.pixel_range import UNKNOWN, Ranges
from research.errors import UserError

SMALLEST_UNEVEN = 64  # pixels: in smaller pictures, strokes are too coarse to be separated from light and shade
FAINT = 16  # tones: strokes of larger pictures that differ less from their ground cannot be separated from noise


class Prepared(NamedTuple):
    """A picture in the form of a training set: `pixels` uint8 [H, W, C], and the `steps` taken for that, in words."""

    pixels: np.ndarray
    steps: tuple[str, ...]


def prepare_picture(
    path: Path | str,
    shape: tuple[int, int, int],
    ink: Mapping[str, Any] | None,
    *,
    squash: bool = False,
    ranges: Ranges = UNKNOWN,
) -> Prepared:
    """The picture file at `path` as the net expects it: `shape` [H, W, C], in the layout `ink` if that is given.

    With `ink` (see `measure_ink`) the picture is a drawing. It is inverted where its ground has the other tone, cropped
    to its strokes, scaled and centred like the training pictures; a picture that has the size and tone already stays as
    it is. Without `ink` the picture is cropped about its centre to the right proportions and scaled. With `squash` it
    is scaled whatever its proportions, like the pictures of class folders in training, and so is a drawing too faint to
    be cropped. Numbers of more than 8 bits are scaled by `ranges`, the ranges of the training pictures. Raises
    UserError for a file that is no readable picture.
    """
    image, steps = _opened(Path(path), gray=shape[2] == 1, ranges=ranges)
    if ink is not None:
        pixels, more = _as_drawing(image, shape[:2], ink, path, squash)
    elif squash:
        pixels, more = squashed(image, shape[0]), [f"scaled from {image.height}x{image.width}"]
    else:
        pixels, more = _as_photo(image, shape[:2])
    return Prepared(pixels.reshape(shape), (*steps, *more))


def read_gray(path: Path | str) -> np.ndarray:
    """The picture file at `path` as gray values, uint8 [H, W]; UserError when it is no readable picture."""
    return np.asarray(_opened(Path(path), gray=True, ranges=UNKNOWN)[0])


def _opened(path: Path, gray: bool, ranges: Ranges) -> tuple[Any, list[str]]:
    """The picture as Pillow's "L" or "RGB", and in words its conversion and whether it is all but black."""
    if not path.exists():
        raise UserError(f"there is no picture or folder {path}; check its name")
    try:
        with warnings.catch_warnings(action="ignore"):  # Pillow also warns of the errors that are caught here
            decoded = decode(path, gray=gray, ranges=ranges)
    except UndecodableError as error:
        raise UserError(f"cannot read {path}: {error}; give a sound PNG or JPEG file") from error
    steps = [f"all but black, with tones below {BLACK} of 255: {BLACK_CAUSE}"] if decoded.all_but_black else []
    if decoded.mode != decoded.image.mode:
        converted = f"converted {decoded.mode} to {decoded.image.mode}"
        steps.insert(0, f"{converted}: {decoded.scaling}" if decoded.scaling else converted)
    return decoded.image, steps


def _as_drawing(
    image: Any, size: tuple[int, int], ink: Mapping[str, Any], path: Path | str, squash: bool
) -> tuple[np.ndarray, list[str]]:
    picture = np.asarray(image)
    if picture.min() == picture.max():
        raise UserError(
            f"{path} shows nothing: in 8-bit gray all its pixels have the same tone; give a picture with strokes on it"
        )
    if picture.shape == size:
        return _of_that_size(picture, ink)
    strokes, light_on_dark, steps = _strokes(picture)
    if strokes.max() < FAINT and squash:
        return squashed(image, size[0]), [f"scaled from {image.height}x{image.width}, too faint to be cropped"]
    if strokes.max() < FAINT:
        raise UserError(
            f"{path} shows nothing clear: its tones differ from the ground by {strokes.max():.0f} of 255, and strokes "
            f"need {FAINT}; give a picture with more contrast"
        )
    if light_on_dark != ink["light_on_dark"]:
        steps.append(_inverted(light_on_dark))
    moved = _scaled_and_moved(strokes[bounding_box(strokes)] * (255 / strokes.max()), size, ink)
    steps.append(f"cropped to the strokes, scaled from {picture.shape[0]}x{picture.shape[1]} and centred")
    return (moved if ink["light_on_dark"] else 255 - moved), steps


def _of_that_size(picture: np.ndarray, ink: Mapping[str, Any]) -> tuple[np.ndarray, list[str]]:
    """`picture`, which has the training size, unchanged or inverted. For a faint one the ground alone decides."""
    low, high = float(picture.min()), float(picture.max())
    light_on_dark = ground(picture) < ((low + high) / 2 if high - low >= 2 * FAINT else 127.5)
    if light_on_dark == ink["light_on_dark"]:
        return picture, ["taken as it is"]
    return 255 - picture, [_inverted(light_on_dark)]


def _inverted(light_on_dark: bool) -> str:
    tones = ("black on white", "white on black")
    return f"inverted: it is {tones[light_on_dark]}, the net learned {tones[not light_on_dark]}"


def _strokes(picture: np.ndarray) -> tuple[np.ndarray, bool, list[str]]:
    """The ink at each pixel of `picture`, whether it is light on dark, and in words whether its light was evened."""
    if min(picture.shape) >= SMALLEST_UNEVEN and uneven(picture):
        return *evened(picture), ["evened its light"]
    light_on_dark = ground(picture) < (float(picture.max()) + float(picture.min())) / 2
    return strength(picture, light_on_dark=light_on_dark), light_on_dark, []


def _scaled_and_moved(strokes: np.ndarray, size: tuple[int, int], ink: Mapping[str, Any]) -> np.ndarray:
    """`strokes` on a ground of zeros of `size`: scaled to the set's extent, moved to the set's centre of mass."""
    from PIL import Image

    factor = ink["extent"] * min(size[0] / strokes.shape[0], size[1] / strokes.shape[1])
    height, width = (max(1, round(length * factor)) for length in strokes.shape)
    filtering = Image.Resampling.BOX if factor < 1 else Image.Resampling.BICUBIC
    scaled = np.asarray(Image.fromarray(np.rint(strokes).astype(np.uint8)).resize((width, height), filtering))
    row, column = centre(scaled.astype(np.float32)) if scaled.any() else (height / 2, width / 2)
    top = int(np.clip(round(ink["row"] * size[0] - row), 0, size[0] - height))
    left = int(np.clip(round(ink["column"] * size[1] - column), 0, size[1] - width))
    canvas = np.zeros(size, np.uint8)
    canvas[top : top + height, left : left + width] = scaled
    return canvas


def _as_photo(image: Any, size: tuple[int, int]) -> tuple[np.ndarray, list[str]]:
    from PIL import Image, ImageOps

    if (image.height, image.width) == size:
        return np.asarray(image), ["taken as it is"]
    fitted = ImageOps.fit(image, (size[1], size[0]), Image.Resampling.LANCZOS)
    return np.asarray(fitted), [f"cropped to the middle and scaled from {image.height}x{image.width}"]
