"""Real pictures for the microscope: of the data that a net was trained on, or of the user's own folders."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from research.data.images.decoding import extremes_in
from research.data.images.image_set import ImageSet
from research.data.images.ink import Ink
from research.data.images.pictures import prepare_picture
from research.data.images.pixel_range import UNKNOWN, Ranges, ranges_of
from research.data.images.scan import KINDS
from research.data.images.walk import pictures_below
from research.errors import UserError, warn
from research.microscope.original_crops import original_crop
from research.microscope.patches import crop
from research.models.receptive_fields import ReceptiveField


class Real(Protocol):
    """Real pictures to look for patches in, of which few are held at a time."""

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each."""
        ...

    def batches(self, size: int) -> Iterator[np.ndarray]:
        """The pictures uint8 [B, H, W, C] in order, `size` at a time."""
        ...

    def some(self, count: int) -> np.ndarray:
        """`count` pictures [N, H, W, C] (all, if there are no more), spread evenly."""
        ...

    def patch(self, place: int, field: ReceptiveField, row: int, column: int) -> np.ndarray:
        """What position (`row`, `column`) of a tap sees of picture `place`: uint8 [h, w, C]."""
        ...


class Gallery(NamedTuple):
    """Pictures uint8 [N, H, W, C], each under a name."""

    images: np.ndarray
    names: tuple[str, ...]

    def batches(self, size: int) -> Iterator[np.ndarray]:
        """As `Real` says."""
        for start in range(0, len(self.images), size):
            yield np.asarray(self.images[start : start + size])

    def some(self, count: int) -> np.ndarray:
        """As `Real` says."""
        return np.asarray(self.images[_spread(len(self.images), count)])

    def patch(self, place: int, field: ReceptiveField, row: int, column: int) -> np.ndarray:
        """As `Real` says, cut from the picture as it is here."""
        return crop(np.asarray(self.images[place]), field, row, column)

    def digests(self) -> list[str]:
        """The sha256 of each picture's pixels."""
        return [hashlib.sha256(np.ascontiguousarray(image).data).hexdigest() for image in self.images]

    def distinct(self, what: str) -> "Gallery":
        """Without those whose pixels are those of an earlier one; a warning says how many of `what` that are."""
        first = {digest: place for place, digest in reversed(list(enumerate(self.digests())))}
        places = sorted(first.values())
        copies = len(self.names) - len(places)
        if not copies:
            return self
        copied = next(name for place, name in enumerate(self.names) if place not in set(places))
        warn(f"{copies} of {len(self.names)} pictures {what} are copies of others and left out (first: {copied})")
        return Gallery(np.asarray(self.images[places]), tuple(self.names[place] for place in places))


class Folder(NamedTuple):
    """The picture files below `place` that can be read, brought to `shape` [H, W, C] whenever they are wanted.

    `ranges`: by which numbers of more than 8 bits become bytes in all of them.
    """

    place: Path
    names: tuple[str, ...]
    shape: tuple[int, int, int]
    ranges: Ranges

    def batches(self, size: int) -> Iterator[np.ndarray]:
        """As `Real` says."""
        for start in range(0, len(self.names), size):
            yield self._read(self.names[start : start + size])

    def some(self, count: int) -> np.ndarray:
        """As `Real` says."""
        return self._read([self.names[place] for place in _spread(len(self.names), count)])

    def patch(self, place: int, field: ReceptiveField, row: int, column: int) -> np.ndarray:
        """As `Real` says, cut from the file's own pixels."""
        return original_crop(self.place / self.names[place], self.shape, field, row, column, self.ranges)

    def _read(self, names: list[str] | tuple[str, ...]) -> np.ndarray:
        paths = [self.place / name for name in names]
        return np.stack([prepare_picture(path, self.shape, None, ranges=self.ranges).pixels for path in paths])


def folder(place: Path | str, shape: tuple[int, int, int], ranges: Ranges = UNKNOWN) -> Folder:
    """The pictures in folder `place` and below, without those that cannot be read (a warning); none is held.

    `ranges` are those of the net's training pictures; without any, numbers of more than 8 bits become bytes by the
    range of the folder's own. Raises UserError for a folder that is not there, or in which nothing can be read.
    """
    files = _files(place)
    ranges = ranges or ranges_of(found for path in files if (found := extremes_in(path)) is not None)
    names = tuple(name for name, _ in _readable(place, files, shape, None, False, ranges))
    return Folder(Path(place).expanduser(), names, shape, ranges)


def gallery(
    place: Path | str,
    shape: tuple[int, int, int],
    ink: Ink | None = None,
    *,
    squash: bool = False,
    ranges: Ranges = UNKNOWN,
) -> Gallery:
    """The pictures of `folder`, read as for a prediction (`prepare_picture`). Raises what `folder` does."""
    names, images = zip(*_readable(place, _files(place), shape, ink, squash, ranges), strict=True)
    return Gallery(np.stack(images), names)


def of_split(data: ImageSet, split: str, what: str, only: int | None = None, but: bool = False) -> Gallery:
    """The pictures of `split`, named after class, `what` and index; `only` those of one class, or all `but` those."""
    images, labels = data.images[split], data.labels[split]
    chosen = np.arange(len(labels)) if only is None else np.flatnonzero((labels == only) != but)
    images = images if only is None else np.asarray(images[chosen])
    return Gallery(images, tuple(f"{data.classes[labels[index]]}, {what} {index}" for index in chosen))


def _files(place: Path | str) -> list[Path]:
    root = Path(place).expanduser()
    if not root.is_dir():
        raise UserError(f"no folder {place}; give one with pictures ({', '.join(KINDS)})")
    return pictures_below(root)[0]


def _readable(
    place: Path | str,
    files: list[Path],
    shape: tuple[int, int, int],
    ink: Ink | None,
    squash: bool,
    ranges: Ranges,
) -> Iterator[tuple[str, np.ndarray]]:
    """Name and pixels of each of `files`, one by one; then UserError if there was none, or a warning of the broken."""
    root, wrong = Path(place).expanduser(), []
    for path in files:
        try:
            found = prepare_picture(path, shape, ink, squash=squash, ranges=ranges).pixels
        except UserError as error:
            wrong.append(str(error))
            continue
        yield str(path.relative_to(root)), found
    if len(wrong) == len(files):
        what = f"none of its {len(files)} pictures can be read: {wrong[0]}" if wrong else "it holds no picture"
        raise UserError(f"{place}: {what}; give a folder of {', '.join(KINDS)}")
    if wrong:
        warn(f"{len(wrong)} of {len(files)} pictures in {place} are left out (first: {wrong[0]})")


def _spread(length: int, count: int) -> np.ndarray:
    return np.linspace(0, length - 1, min(count, length)).astype(int)
