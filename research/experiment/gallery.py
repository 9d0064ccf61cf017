"""Real pictures for the microscope: of the data that a net was trained on, or of the user's own folders."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from research.data.images import Split
from research.data.pictures import prepare_picture
from research.errors import UserError, warn

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp")


class Gallery(NamedTuple):
    """Pictures uint8 [N, H, W, C], each under a name."""

    images: np.ndarray
    names: tuple[str, ...]

    def batches(self, size: int) -> Iterator[np.ndarray]:
        """The pictures in order, `size` at a time."""
        for start in range(0, len(self.images), size):
            yield np.asarray(self.images[start : start + size])

    def digests(self) -> list[str]:
        """The sha256 of each picture's pixels."""
        return [hashlib.sha256(np.ascontiguousarray(image).data).hexdigest() for image in self.images]


def gallery(folder: Path | str, shape: tuple[int, int, int]) -> Gallery:
    """The pictures in `folder` and below, brought to `shape` [H, W, C], without those that cannot be read (a warning).

    Raises UserError for a folder that is not there, or in which nothing can be read.
    """
    place = Path(folder).expanduser()
    if not place.is_dir():
        raise UserError(f"no folder {folder}; give one with pictures ({', '.join(SUFFIXES)})")
    files = sorted(path for path in place.rglob("*") if path.suffix.lower() in SUFFIXES)
    found, names, wrong = [], [], []
    for path in files:
        try:
            found.append(prepare_picture(path, shape, None).pixels)
            names.append(str(path.relative_to(place)))
        except UserError as error:
            wrong.append(str(error))
    if not found:
        what = f"none of its {len(files)} pictures can be read: {wrong[0]}" if wrong else "it holds no picture"
        raise UserError(f"{folder}: {what}; give a folder of {', '.join(SUFFIXES)}")
    if wrong:
        warn(f"{len(wrong)} of {len(files)} pictures in {folder} are left out (first: {wrong[0]})")
    return Gallery(np.stack(found), tuple(names))


def of_split(split: Split, classes: tuple[str, ...], part: str, only: int | None = None, but: bool = False) -> Gallery:
    """The pictures of `split`, named after their class and place; `only` those of one class, or all `but` those."""
    chosen = np.arange(len(split.labels))
    if only is not None:
        chosen = np.flatnonzero((split.labels == only) != but)
    images = split.images if only is None else np.asarray(split.images[chosen])
    return Gallery(images, tuple(f"{classes[split.labels[place]]}, {part} {place}" for place in chosen))
