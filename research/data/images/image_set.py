"""Labelled pictures as arrays, split into train, validation and test."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from research.data.images.findings import Findings
from research.data.images.pixel_range import UNKNOWN, PixelRange, Ranges, as_bytes, named_split
from research.errors import UserError


class ImageSet(NamedTuple):
    """Labelled pictures by split. `load_images` gives a set that is checked and split; readers one as it was read.

    When checked, `images` are uint8 [N, H, W, C] and `labels` int32 [N] in 0..K-1, each of "train", "validation" and
    "test", and every one of the K `classes` has training pictures. As read, they are those of "train" and of the
    source's other splits (see `checked_splits`), `classes` are empty where the source names none, and name and
    fingerprints are empty.
    """

    images: Mapping[str, np.ndarray]
    labels: Mapping[str, np.ndarray]
    classes: tuple[str, ...] = ()
    name: str = ""
    fingerprint: str = ""  # of pixels, labels and class names, see the function `fingerprint`
    content_fingerprint: str = ""  # of the picture files' contents instead of pixels: it does not depend on the size
    findings: Findings | None = None  # of sources whose files are checked one by one
    digests: Mapping[str, np.ndarray] | None = None  # uint8 [N, 32], the sha256 of each picture's file; only as read
    notes: tuple[str, ...] = ()  # warnings that are given when the source passes all checks; only as read
    squashed: bool = False  # whether each picture was scaled to the shape of all, whatever its own sides were
    ranges: Ranges = UNKNOWN  # the ranges by which numbers of more than 8 bits became bytes


Arrays = dict[str, np.ndarray]  # by split
CHANNELS = 16  # most: a net that reads several pictures gets their channels in one array


def checked_splits(
    images: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray], where: str
) -> tuple[Arrays, Arrays, dict[str, PixelRange]]:
    """Images uint8 [N, H, W, C] and labels int32 [N] of each split, and the ranges that images were scaled by.

    Raw images are [N, H, W] or [N, H, W, C of 1 to 16], labels [N] or [N, 1]. Pixels are integers or floats, in one
    range in all splits (see `pixel_range.as_bytes`). Raises UserError naming `where` for anything else.
    """
    shaped = {split: _shaped(images[split], labels[split], named_split(where, split)) for split in images}
    pixels, ranges = as_bytes({split: pair[0] for split, pair in shaped.items()}, where)
    return pixels, {split: pair[1] for split, pair in shaped.items()}, ranges


def _shaped(images: np.ndarray, labels: np.ndarray, where: str) -> tuple[np.ndarray, np.ndarray]:
    channels = images.shape[-1] if images.ndim == 4 else 1
    if images.ndim not in (3, 4) or channels > CHANNELS or (channels not in (1, 3) and images.shape[1] in (1, 3)):
        raise UserError(
            f"{where}: images have shape {images.shape}; they must be [N, H, W] or [N, H, W, C], with 1 or 3 channels, "
            f"or several pictures' channels, at most {CHANNELS}, on the last axis"
        )
    if labels.ndim > 1 and labels.size != len(labels) == len(images):
        raise UserError(f"{where}: labels have shape {labels.shape}; give one whole number per picture, not a row")
    if len(images) != labels.size:
        raise UserError(f"{where}: {len(images):,} images but {labels.size:,} labels; the files do not belong together")
    if not images.size:
        raise UserError(f"{where}: no pictures in it: images have shape {images.shape}")
    return images[..., None] if images.ndim == 3 else images, _as_labels(labels, where)


def named_classes(names: tuple[str, ...], labels: Mapping[str, np.ndarray], where: str) -> tuple[str, ...]:
    """The class names, "0".."K-1" where `names` are empty. `labels` are those of each split.

    Raises UserError naming `where` for unusable names, and for a label without a class in train.
    """
    top = max(int(values.max()) for values in labels.values())
    if (twice := next((name for name in names if names.count(name) > 1), None)) is not None:
        raise UserError(f"{where}: two classes are called {twice!r}; give each a name of its own")
    if not all(name.strip() for name in names):
        raise UserError(f"{where}: a class has a blank name; give each a name of its own")
    if names and top >= len(names):
        raise UserError(f"{where}: label {top} is out of range; there are {len(names)} classes, 0 to {len(names) - 1}")
    count = len(names) or int(labels["train"].max()) + 1
    if top >= count:
        raise UserError(f"{where}: test label {top} is out of range; the training labels go from 0 to {count - 1}")
    _refuse_gaps(np.unique(labels["train"]), count, names, where)
    if count < 2:
        raise UserError(f"{where}: all pictures have one label; a classifier needs two classes or more")
    return names or tuple(str(label) for label in range(count))


def _refuse_gaps(present: np.ndarray, count: int, names: tuple[str, ...], where: str) -> None:
    """Raise UserError for a class of `count` without training pictures.

    `present` are the distinct labels of train, ascending. No array has `count` elements: a stray label can be in the
    billions.
    """
    if len(present) == count:
        return
    gaps = np.flatnonzero(present != np.arange(len(present)))
    empty = int(gaps[0]) if len(gaps) else len(present)
    above = int(present[empty]) if len(gaps) else count
    if not names and above - empty > 1:
        below = f"after labels 0 to {empty - 1}" if empty > 1 else "after label 0" if empty else "is the lowest"
        raise UserError(
            f"{where}: label {above} {below}: no training picture has labels {empty} to {above - 1}; "
            "mend or leave out what is labelled so, or number the classes 0, 1, 2 ... without gaps"
        )
    raise UserError(
        f"{where}: class {names[empty] if names else empty} is empty: no training picture has that label, "
        f"though labels go up to {count - 1}; number the classes 0, 1, 2 ... without gaps"
    )


def fingerprint(images: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray], classes: tuple[str, ...]) -> str:
    """The first 16 hex digits of the sha256 of class names, images and labels, split by split in the order of `images`.

    `images` may be any arrays [N, ...] that represent the pictures.
    """
    digest = hashlib.sha256("\0".join(classes).encode())
    for split, array in images.items():
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array).data)
        digest.update(np.ascontiguousarray(labels[split]).data)
    return digest.hexdigest()[:16]


def _as_labels(labels: np.ndarray, where: str) -> np.ndarray:
    flat = labels.reshape(-1)
    if flat.dtype.kind not in "iuf" or not np.isfinite(flat).all() or (flat % 1).any():
        raise UserError(f"{where}: labels must be whole numbers from 0; these are {flat.dtype}")
    if flat.min() < 0 or flat.max() >= 2**31:
        raise UserError(f"{where}: label {int(flat.min() if flat.min() < 0 else flat.max())} is out of range")
    return flat.astype(np.int32)
