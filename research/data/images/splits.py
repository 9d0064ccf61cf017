"""Dividing labelled pictures class by class: every part holds each class in the same share."""

import tempfile
import zlib
from pathlib import Path

import numpy as np

from research.data.images.image_set import Split
from research.errors import UserError

IN_MEMORY = 1 << 30  # bytes that may be copied into memory of pictures that need not be there
COPIED_AT_ONCE = 1 << 26  # bytes


def hold_out(split: Split, share: float, seed: int, purpose: str) -> tuple[Split, Split]:
    """(kept, held out): `share` of each class, drawn by (seed, purpose, class) and nothing else.

    Each class keeps at least one picture; with any share at all it gives at least one when it has two.
    """
    if share == 0:
        return split, Split(split.images[:0], split.labels[:0])
    held = [members[: _taken(len(members), share)] for members in _drawn(split.labels, seed, purpose)]
    mask = np.zeros(len(split.labels), bool)
    mask[np.concatenate(held)] = True
    return Split(split.images[~mask], split.labels[~mask]), Split(split.images[mask], split.labels[mask])


def limited(split: Split, limit: int | None, seed: int) -> Split:
    """At most `limit` pictures, spread over the classes as evenly in share as whole pictures allow.

    Raises UserError when `limit` does not reach one picture per class.
    """
    if limit is None or limit >= len(split.labels):
        return split
    drawn = _drawn(split.labels, seed, "limit")
    if limit < len(drawn):
        raise UserError(f"data.train_limit is {limit}, fewer than the {len(drawn)} classes; allow one picture of each")
    # Each picture's place within its class as a share: taking the smallest shares takes from all classes alike.
    shares = np.concatenate([np.arange(len(members)) / len(members) for members in drawn])
    taken = np.concatenate(drawn)[np.argsort(shares, kind="stable")[:limit]]
    return Split(split.images[np.sort(taken)], split.labels[np.sort(taken)])


def rows_of(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The pictures at the ascending indices `rows`: a view where they follow each other, else a copy.

    Of pictures that are mapped from a file, a copy of more than `IN_MEMORY` bytes is mapped from a file, too: one
    without a name beside the first, which is gone when nothing maps it. Raises UserError where that cannot be written.
    """
    if len(rows) and rows[-1] - rows[0] + 1 != len(rows):
        if isinstance(images, np.memmap) and len(rows) * images[0].nbytes > IN_MEMORY:
            return _on_disk(images, rows)
        return images[rows]
    start = int(rows[0]) if len(rows) else 0
    return images[start : start + len(rows)]


def _on_disk(images: np.memmap, rows: np.ndarray) -> np.ndarray:
    place = Path(str(images.filename)).parent
    step = max(1, COPIED_AT_ONCE // images[0].nbytes)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            for start in range(0, len(rows), step):
                file.write(images[rows[start : start + step]].data)
            file.flush()
            return np.memmap(file, images.dtype, "r", 0, (len(rows), *images.shape[1:]))
    except OSError as error:
        raise UserError(
            f"cannot keep drawn pictures at {place}: {error.strerror}; free some space, or set $XDG_CACHE_HOME"
        ) from error


def _taken(count: int, share: float) -> int:
    return min(max(1, round(count * share)), count - 1)


def _drawn(labels: np.ndarray, seed: int, purpose: str) -> list[np.ndarray]:
    """The indices of each class in a random order."""
    address = zlib.crc32(purpose.encode())
    return [
        np.random.default_rng((seed, address, int(label))).permutation(np.flatnonzero(labels == label))
        for label in np.unique(labels)
    ]
