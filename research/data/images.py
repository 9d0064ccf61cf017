"""Labelled pictures as arrays, split into train, validation and test."""

import hashlib
from typing import NamedTuple

import numpy as np

from research.data.findings import Findings
from research.errors import UserError


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
    findings: Findings | None = None  # of sources that are looked through file by file


class Labelled(NamedTuple):
    """What a source holds before it is split: raw images and labels of train, and of the other parts it has."""

    train: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray] | None
    classes: tuple[str, ...] | None  # None where the source does not name them
    validation: tuple[np.ndarray, np.ndarray] | None = None
    findings: Findings | None = None


def sound_split(images: np.ndarray, labels: np.ndarray, where: str) -> Split:
    """Raw arrays as a Split: images [N, H, W] or [N, H, W, C of 1 or 3], integers 0..255 or floats 0..1 or 0..255.

    Floats up to 1 are scaled by 255 and rounded. Raises UserError naming `where` for anything else.
    """
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[-1] not in (1, 3)):
        raise UserError(f"{where}: images have shape {images.shape}; they must be [N, H, W] or [N, H, W, 1 or 3]")
    if labels.ndim > 1 and labels.size != len(labels) == len(images):
        raise UserError(f"{where}: labels have shape {labels.shape}; give one whole number per picture, not a row")
    if len(images) != labels.size:
        raise UserError(f"{where}: {len(images):,} images but {labels.size:,} labels; the files do not belong together")
    if not images.size:
        raise UserError(f"{where}: no pictures in it")
    if images.ndim == 3:
        images = images[..., None]
    return Split(_as_bytes(images, where), _as_labels(labels, where))


def named_classes(names: tuple[str, ...] | None, splits: list[Split], where: str) -> tuple[str, ...]:
    """The class names, "0".."K-1" where the source has none; UserError for a label that no class of train explains."""
    top = max(int(split.labels.max()) for split in splits)
    if names is not None and (twice := next((name for name in names if names.count(name) > 1), None)) is not None:
        raise UserError(f"{where}: two classes are called {twice!r}; give each a name of its own")
    if names is not None and top >= len(names):
        raise UserError(f"{where}: label {top} is out of range; there are {len(names)} classes, 0 to {len(names) - 1}")
    known = len(names) if names is not None else int(splits[0].labels.max()) + 1
    if top >= known:
        raise UserError(f"{where}: test label {top} is out of range; the training labels go from 0 to {known - 1}")
    present = np.unique(splits[0].labels)  # never an array of `known`: a stray label can be in the billions
    if len(present) < known:
        gaps = np.flatnonzero(present != np.arange(len(present)))
        empty = int(gaps[0]) if len(gaps) else len(present)
        raise UserError(
            f"{where}: class {names[empty] if names else empty} is empty: no training picture has that label, "
            f"though labels go up to {top}; number the classes 0, 1, 2 ... without gaps"
        )
    if known < 2:
        raise UserError(f"{where}: all pictures have one label; a classifier needs two classes or more")
    return names or tuple(str(place) for place in range(known))


def fingerprint(splits: list[Split], classes: tuple[str, ...]) -> str:
    """The first 16 hex digits of the sha256 of what a training sees."""
    digest = hashlib.sha256("\0".join(classes).encode())
    for split in splits:
        digest.update(repr(split.images.shape).encode())
        digest.update(np.ascontiguousarray(split.images).data)
        digest.update(np.ascontiguousarray(split.labels).data)
    return digest.hexdigest()[:16]


def _as_bytes(images: np.ndarray, where: str) -> np.ndarray:
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind not in "iuf":
        raise UserError(f"{where}: images are {images.dtype}; they must be numbers from 0 to 255, or from 0 to 1")
    if not np.isfinite(images).all():
        raise UserError(f"{where}: {int((~np.isfinite(images)).sum()):,} pixels are not finite (NaN or infinity)")
    low, high = float(images.min()), float(images.max())
    if low < 0 or high > 255:
        raise UserError(f"{where}: pixels go from {low:g} to {high:g}; they must lie in 0 to 255, or in 0 to 1")
    scale = 255.0 if images.dtype.kind == "f" and high <= 1 else 1.0
    return np.rint(images * scale).astype(np.uint8)


def _as_labels(labels: np.ndarray, where: str) -> np.ndarray:
    flat = labels.reshape(-1)
    if flat.dtype.kind not in "iuf" or not np.isfinite(flat).all() or (flat % 1).any():
        raise UserError(f"{where}: labels must be whole numbers from 0; these are {flat.dtype}")
    if flat.min() < 0 or flat.max() >= 2**31:
        raise UserError(f"{where}: label {int(flat.min() if flat.min() < 0 else flat.max())} is out of range")
    return flat.astype(np.int32)
