"""Splits drawn class by class: every split holds each class in the same share."""

import tempfile
import zlib
from pathlib import Path

import numpy as np

from research.errors import UserError

IN_MEMORY = 1 << 30  # bytes: a larger copy of pictures that are mapped from a file is mapped from a file, too
COPIED_AT_ONCE = 1 << 26  # bytes


def hold_out(labels: np.ndarray, share: float, seed: int, purpose: str) -> tuple[np.ndarray, np.ndarray]:
    """The rows (training, held out) of the examples with `labels` [N], ascending: `share` of each class is held out.

    The draw is a function of (seed, purpose, class). At least one example of each class stays in training; with any
    share above 0, at least one is held out of each class that has two.
    """
    if share == 0:
        return np.arange(len(labels)), np.arange(0)
    held_out = np.zeros(len(labels), bool)
    for rows in _drawn(labels, seed, purpose):
        held_out[rows[: _held_out_count(len(rows), share)]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def limited(labels: np.ndarray, limit: int | None, seed: int) -> np.ndarray:
    """At most `limit` rows of the examples with `labels` [N], ascending, with an equal share of each class if possible.

    Raises UserError when `limit` is less than one example per class.
    """
    if limit is None or limit >= len(labels):
        return np.arange(len(labels))
    drawn = _drawn(labels, seed, "limit")
    if limit < len(drawn):
        raise UserError(f"data.train_limit is {limit}, fewer than the {len(drawn)} classes; allow one picture of each")
    # Each example's rank within its class, as a share of the class. The smallest shares are spread over all classes.
    shares = np.concatenate([np.arange(len(rows)) / len(rows) for rows in drawn])
    return np.sort(np.concatenate(drawn)[np.argsort(shares, kind="stable")[:limit]])


def rows_of(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The pictures `images` [N, ...] at the ascending indices `rows`: a view where those are contiguous, else a copy.

    Where pictures are mapped from a file, a copy of more than `IN_MEMORY` bytes is mapped from a file, too. That file
    has no name; it is in the folder of the first and disappears with its last map. Raises UserError where it cannot be
    written.
    """
    if len(rows) and rows[-1] - rows[0] + 1 != len(rows):
        if isinstance(images, np.memmap) and len(rows) * images[0].nbytes > IN_MEMORY:
            return _on_disk(images, rows)
        return images[rows]
    start = int(rows[0]) if len(rows) else 0
    return images[start : start + len(rows)]


def _on_disk(images: np.memmap, rows: np.ndarray) -> np.ndarray:
    folder = Path(str(images.filename)).parent
    step = max(1, COPIED_AT_ONCE // images[0].nbytes)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            for start in range(0, len(rows), step):
                file.write(images[rows[start : start + step]].data)
            file.flush()
            return np.memmap(file, images.dtype, "r", 0, (len(rows), *images.shape[1:]))
    except OSError as error:
        raise UserError(
            f"cannot keep drawn pictures at {folder}: {error.strerror}; free some space, or set $XDG_CACHE_HOME"
        ) from error


def _held_out_count(count: int, share: float) -> int:
    return min(max(1, round(count * share)), count - 1)


def _drawn(labels: np.ndarray, seed: int, purpose: str) -> list[np.ndarray]:
    """The rows of each class, in random order."""
    address = zlib.crc32(purpose.encode())
    return [
        np.random.default_rng((seed, address, int(label))).permutation(np.flatnonzero(labels == label))
        for label in np.unique(labels)
    ]
