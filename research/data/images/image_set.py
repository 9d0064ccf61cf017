"""Labelled pictures as arrays, split into train, validation and test."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from research.data.images.findings import Findings
from research.data.images.pixel_range import UNKNOWN, Ranges, as_bytes, named_split
from research.errors import UserError

Arrays = tuple[np.ndarray, np.ndarray]  # images and labels


class Split(NamedTuple):
    """`images` uint8 [N, H, W, C] and `labels` int32 [N] in 0..K-1."""

    images: np.ndarray
    labels: np.ndarray


class ImageSet(NamedTuple):
    """A data set that has been looked at: shapes agree, and every class of `classes` (K) has training pictures."""

    name: str
    classes: tuple[str, ...]
    train: Split
    validation: Split
    test: Split
    fingerprint: str  # the first 16 hex digits of the sha256 of all splits and class names
    pictures: str  # the same of which pictures are in which split, whatever size they are read at
    findings: Findings | None = None  # of sources that are looked through file by file
    ranges: Ranges = UNKNOWN  # by which numbers of more than 8 bits became bytes


class Labelled(NamedTuple):
    """What a source holds before it is split: raw images and labels of train, and of the other parts it has."""

    train: Arrays
    test: Arrays | None
    classes: tuple[str, ...] | None  # None where the source does not name them
    validation: Arrays | None = None
    findings: Findings | None = None
    contents: dict[str, np.ndarray] | None = None  # {part: uint8 [N, 32]}, the sha256 of each picture's file
    notes: tuple[str, ...] = ()  # what is to be said when all is sound
    ranges: Ranges = UNKNOWN  # by which numbers of more than 8 bits became bytes already


class Sound(NamedTuple):
    """The pictures of each part, and the ranges by which they became bytes, where they were none."""

    splits: dict[str, Split]
    ranges: Ranges


def sound_splits(parts: Mapping[str, Arrays], where: str) -> Sound:
    """The raw arrays of each part ("train" ...) as a Split: images [N, H, W] or [N, H, W, C of 1 or 3], labels [N].

    Pixels are integers or floats, in one range in all parts (see `pixel_range.as_bytes`). Raises UserError naming
    `where` for anything else.
    """
    shaped = {part: _shaped(*arrays, named_split(where, part)) for part, arrays in parts.items()}
    pixels, ranges = as_bytes({part: images for part, (images, _) in shaped.items()}, where)
    return Sound({part: Split(pixels[part], labels) for part, (_, labels) in shaped.items()}, ranges)


def _shaped(images: np.ndarray, labels: np.ndarray, where: str) -> Arrays:
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[-1] not in (1, 3)):
        raise UserError(f"{where}: images have shape {images.shape}; they must be [N, H, W] or [N, H, W, 1 or 3]")
    if labels.ndim > 1 and labels.size != len(labels) == len(images):
        raise UserError(f"{where}: labels have shape {labels.shape}; give one whole number per picture, not a row")
    if len(images) != labels.size:
        raise UserError(f"{where}: {len(images):,} images but {labels.size:,} labels; the files do not belong together")
    if not images.size:
        raise UserError(f"{where}: no pictures in it: images have shape {images.shape}")
    return images[..., None] if images.ndim == 3 else images, _as_labels(labels, where)


def named_classes(names: tuple[str, ...] | None, splits: Sequence[Split], where: str) -> tuple[str, ...]:
    """The class names, "0".."K-1" where the source has none; UserError for a label that no class of train explains."""
    top = max(int(split.labels.max()) for split in splits)
    if names is not None and (twice := next((name for name in names if names.count(name) > 1), None)) is not None:
        raise UserError(f"{where}: two classes are called {twice!r}; give each a name of its own")
    if names is not None and not all(name.strip() for name in names):
        raise UserError(f"{where}: a class has a blank name; give each a name of its own")
    if names is not None and top >= len(names):
        raise UserError(f"{where}: label {top} is out of range; there are {len(names)} classes, 0 to {len(names) - 1}")
    known = len(names) if names is not None else int(splits[0].labels.max()) + 1
    if top >= known:
        raise UserError(f"{where}: test label {top} is out of range; the training labels go from 0 to {known - 1}")
    _refuse_gaps(np.unique(splits[0].labels), known, names, where)
    if known < 2:
        raise UserError(f"{where}: all pictures have one label; a classifier needs two classes or more")
    return names or tuple(str(place) for place in range(known))


def _refuse_gaps(present: np.ndarray, known: int, names: tuple[str, ...] | None, where: str) -> None:
    """`present` are the labels of train, ascending; never an array of `known`: a stray label can be in the billions."""
    if len(present) == known:
        return
    gaps = np.flatnonzero(present != np.arange(len(present)))
    empty = int(gaps[0]) if len(gaps) else len(present)
    above = int(present[empty]) if len(gaps) else known
    if names is None and above - empty > 1:
        below = f"after labels 0 to {empty - 1}" if empty > 1 else "after label 0" if empty else "is the lowest"
        raise UserError(
            f"{where}: label {above} {below}: no training picture has labels {empty} to {above - 1}; "
            "mend or leave out what is labelled so, or number the classes 0, 1, 2 ... without gaps"
        )
    raise UserError(
        f"{where}: class {names[empty] if names else empty} is empty: no training picture has that label, "
        f"though labels go up to {known - 1}; number the classes 0, 1, 2 ... without gaps"
    )


def fingerprint(splits: Sequence[Split], classes: tuple[str, ...]) -> str:
    """The first 16 hex digits of the sha256 of what a training sees; `images` may be anything that stands for each."""
    digest = hashlib.sha256("\0".join(classes).encode())
    for split in splits:
        digest.update(repr(split.images.shape).encode())
        digest.update(np.ascontiguousarray(split.images).data)
        digest.update(np.ascontiguousarray(split.labels).data)
    return digest.hexdigest()[:16]


def _as_labels(labels: np.ndarray, where: str) -> np.ndarray:
    flat = labels.reshape(-1)
    if flat.dtype.kind not in "iuf" or not np.isfinite(flat).all() or (flat % 1).any():
        raise UserError(f"{where}: labels must be whole numbers from 0; these are {flat.dtype}")
    if flat.min() < 0 or flat.max() >= 2**31:
        raise UserError(f"{where}: label {int(flat.min() if flat.min() < 0 else flat.max())} is out of range")
    return flat.astype(np.int32)
