"""Real pictures for the microscope: the training data of a net, or the user's own folders."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from research.data.images.decoding import extremes_in
from research.data.images.image_set import ImageSet
from research.data.images.pictures import prepare_picture
from research.data.images.pixel_range import UNKNOWN, Ranges, ranges_of
from research.data.images.scan import KINDS
from research.data.images.walk import pictures_below
from research.errors import UserError, warn
from research.microscope.original_crops import original_crop
from research.microscope.patches import crop
from research.models.receptive_fields import ReceptiveField


class RealPictures(Protocol):
    """Real pictures to search for patches, a few of them in memory at a time."""

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each picture."""
        ...

    def batches(self, size: int) -> Iterator[np.ndarray]:
        """The pictures uint8 [B, H, W, C] in order, `size` at a time."""
        ...

    def some(self, count: int) -> np.ndarray:
        """`count` pictures [N, H, W, C] (all, if there are no more), spread evenly."""
        ...

    def picture(self, index: int) -> np.ndarray:
        """Picture `index` as the net reads it, [H, W, C]."""
        ...

    def patch(self, index: int, field: ReceptiveField, row: int, column: int) -> np.ndarray:
        """The receptive field of position (`row`, `column`) of a tap in picture `index`, within it: uint8 [h, w, C]."""
        ...


class LoadedPictures(NamedTuple):
    """Named pictures in memory, uint8 [N, H, W, C]."""

    images: np.ndarray
    names: tuple[str, ...]

    def batches(self, size: int) -> Iterator[np.ndarray]:
        """See `RealPictures`."""
        for start in range(0, len(self.images), size):
            yield np.asarray(self.images[start : start + size])

    def some(self, count: int) -> np.ndarray:
        """See `RealPictures`."""
        return np.asarray(self.images[_spread(len(self.images), count)])

    def picture(self, index: int) -> np.ndarray:
        """See `RealPictures`."""
        return np.asarray(self.images[index])

    def patch(self, index: int, field: ReceptiveField, row: int, column: int) -> np.ndarray:
        """See `RealPictures`; cropped from the picture in memory."""
        return crop(np.asarray(self.images[index]), field, row, column)

    def digests(self) -> list[str]:
        """The sha256 of each picture's pixels."""
        return [hashlib.sha256(np.ascontiguousarray(image).data).hexdigest() for image in self.images]

    def distinct(self, what: str) -> "LoadedPictures":
        """Without copies of earlier pictures; a warning counts them and says of `what` they are."""
        first = {digest: index for index, digest in reversed(list(enumerate(self.digests())))}
        indices = sorted(first.values())
        copies = len(self.names) - len(indices)
        if not copies:
            return self
        copied = next(name for index, name in enumerate(self.names) if index not in set(indices))
        warn(f"{copies} of {len(self.names)} pictures {what} are copies of others and left out (first: {copied})")
        return LoadedPictures(np.asarray(self.images[indices]), tuple(self.names[index] for index in indices))


class PictureFolder(NamedTuple):
    """The readable picture files below `root`, read and resized to `shape` [H, W, C] on demand.

    `ranges` are the value ranges by which pictures of more than 8 bits become bytes.
    """

    root: Path
    names: tuple[str, ...]
    shape: tuple[int, int, int]
    ranges: Ranges

    def batches(self, size: int) -> Iterator[np.ndarray]:
        """See `RealPictures`."""
        for start in range(0, len(self.names), size):
            yield self._read(self.names[start : start + size])

    def some(self, count: int) -> np.ndarray:
        """See `RealPictures`."""
        return self._read([self.names[index] for index in _spread(len(self.names), count)])

    def picture(self, index: int) -> np.ndarray:
        """See `RealPictures`."""
        return self._read([self.names[index]])[0]

    def patch(self, index: int, field: ReceptiveField, row: int, column: int) -> np.ndarray:
        """See `RealPictures`; cropped from the file, in its own pixels."""
        return original_crop(self.root / self.names[index], self.shape, field, row, column, self.ranges)

    def _read(self, names: list[str] | tuple[str, ...]) -> np.ndarray:
        paths = [self.root / name for name in names]
        return np.stack([prepare_picture(path, self.shape, None, ranges=self.ranges).pixels for path in paths])


def open_folder(path: Path | str, shape: tuple[int, int, int], ranges: Ranges = UNKNOWN) -> PictureFolder:
    """The pictures in the folder `path` and below; unreadable ones are left out with a warning. None stays in memory.

    `ranges` are those of the net's training pictures; without them, pictures of more than 8 bits become bytes by the
    ranges of this folder. Raises UserError for a folder that does not exist, or without readable pictures.
    """
    files = _files(path)
    ranges = ranges or ranges_of(extremes for file in files if (extremes := extremes_in(file)) is not None)
    names = tuple(name for name, _ in _readable(path, files, shape, None, False, ranges))
    return PictureFolder(Path(path).expanduser(), names, shape, ranges)


def load_folder(
    path: Path | str,
    shape: tuple[int, int, int],
    ink: Mapping[str, Any] | None = None,
    *,
    squash: bool = False,
    ranges: Ranges = UNKNOWN,
) -> LoadedPictures:
    """Load the pictures of a folder as for a prediction (`prepare_picture`). Raises what `open_folder` does."""
    names, images = zip(*_readable(path, _files(path), shape, ink, squash, ranges), strict=True)
    return LoadedPictures(np.stack(images), names)


def split_pictures(
    data: ImageSet, split: str, part: str, only: int | None = None, invert: bool = False
) -> LoadedPictures:
    """The pictures of `split`, named by class and index: all, `only` one class, or with `invert` all but that class."""
    images, labels = data.images[split], data.labels[split]
    chosen = np.arange(len(labels)) if only is None else np.flatnonzero((labels == only) != invert)
    images = images if only is None else np.asarray(images[chosen])
    return LoadedPictures(images, tuple(f"{data.classes[labels[index]]}, {part} {index}" for index in chosen))


def _files(path: Path | str) -> list[Path]:
    root = Path(path).expanduser()
    if not root.is_dir():
        raise UserError(f"no folder {path}; give one with pictures ({', '.join(KINDS)})")
    return pictures_below(root)[0]


def _readable(
    folder: Path | str,
    files: list[Path],
    shape: tuple[int, int, int],
    ink: Mapping[str, Any] | None,
    squash: bool,
    ranges: Ranges,
) -> Iterator[tuple[str, np.ndarray]]:
    """Name and pixels of each readable file; then UserError if there was none, or a warning about unreadable files."""
    root, errors = Path(folder).expanduser(), []
    for path in files:
        try:
            pixels = prepare_picture(path, shape, ink, squash=squash, ranges=ranges).pixels
        except UserError as error:
            errors.append(str(error))
            continue
        yield str(path.relative_to(root)), pixels
    if len(errors) == len(files):
        what = f"none of its {len(files)} pictures can be read: {errors[0]}" if errors else "it holds no picture"
        raise UserError(f"{folder}: {what}; give a folder of {', '.join(KINDS)}")
    if errors:
        warn(f"{len(errors)} of {len(files)} pictures in {folder} are left out (first: {errors[0]})")


def _spread(length: int, count: int) -> np.ndarray:
    return np.linspace(0, length - 1, min(count, length)).astype(int)
