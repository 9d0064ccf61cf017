"""Crops of picture files in their own pixels, for nets that read the middle of a file, scaled."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from research.data.images.decoding import UndecodableError, decode
from research.data.images.pixel_range import UNKNOWN, Ranges
from research.errors import UserError
from research.models.receptive_fields import ReceptiveField

LARGEST = 96  # pixels: the longest side of a crop, since a page holds thousands of patches


def original_crop(
    path: Path, shape: tuple[int, int, int], field: ReceptiveField, row: int, column: int, ranges: Ranges = UNKNOWN
) -> np.ndarray:
    """The receptive field of position (`row`, `column`) in the file at `path`, in its own pixels: uint8 [h, w, C].

    `data.images.pictures.prepare_picture` gives the net the middle of a photo, scaled to `shape` [H, W, C]. `field` is
    in those pixels; the crop is the same region of the file, as far as the picture goes. A side over `LARGEST` is
    scaled down.
    Raises UserError for a file that cannot be read, and ValueError for a position that the tap does not have.
    """
    image = _opened(path, shape[2] == 1, ranges)
    patch = image.crop(_box(image.size, shape, *field.seen(row, column)))
    patch.thumbnail((LARGEST, LARGEST))
    return np.asarray(patch).reshape(patch.height, patch.width, shape[2])


def _box(size: tuple[int, int], shape: tuple[int, int, int], rows: slice, columns: slice) -> tuple[int, int, int, int]:
    """The net's `rows` and `columns` in a file of `size` (width, height): left, top, right, bottom."""
    scale = min(size[0] / shape[1], size[1] / shape[0])  # the file's pixels per pixel of the net's
    edges = []
    for length, side, seen in ((size[0], shape[1], columns), (size[1], shape[0], rows)):
        corner = (length - scale * side) / 2
        start = round(corner + scale * seen.start)
        edges.append((start, max(start + 1, round(corner + scale * seen.stop))))
    (left, right), (top, bottom) = edges
    return left, top, right, bottom


def _opened(path: Path, gray: bool, ranges: Ranges) -> Any:
    try:
        with warnings.catch_warnings(action="ignore"):  # of decoders
            return decode(path, gray=gray, ranges=ranges).image
    except UndecodableError as error:
        raise UserError(f"cannot read {path}: {error}; run again when nothing writes there any more") from error
