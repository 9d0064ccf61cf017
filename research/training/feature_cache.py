"""What the frozen part of a net makes of a data set, computed once and kept on disk as a memory-mapped array.

The key says everything that the features depend on (weights, preprocessing, data, cut, type), so a stale cache is never
met; a seal with the file's digest, written last, is checked at each opening, so a damaged one is computed again.
"""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from filelock import FileLock

from research.errors import UserError
from research.files import read_json, write_json


def key_of(*parts: str) -> str:
    """The name of a cache that depends on `parts` and nothing else."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def cached(folder: Path, key: str, count: int, compute: Callable[[], Iterator[np.ndarray]]) -> np.ndarray:
    """The features [count, ...] called `key`, read-only: from `folder`, or from `compute` piece by piece, in order.

    Of two processes that need the same features, one computes them. Raises UserError when they cannot be written.
    """
    path = folder / f"{key}.npy"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{key}.lock"):
            if not _sound(path):
                _write(path, count, compute)
            return np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise UserError(f"cannot keep features in {folder}: {error.strerror or error}; free some space") from error


def _write(path: Path, count: int, compute: Callable[[], Iterator[np.ndarray]]) -> None:
    partial = path.with_suffix(".partial.npy")
    done, target = 0, None
    try:
        for piece in compute():
            if target is None:
                shape = (count, *piece.shape[1:])
                target = np.lib.format.open_memmap(partial, mode="w+", dtype=piece.dtype, shape=shape)
            target[done : done + len(piece)] = piece
            done += len(piece)
        if target is None or done != count:
            raise ValueError(f"{done} features of {count}")
        target.flush()
        del target
        partial.replace(path)
        write_json(_seal(path), {"sha256": _digest(path)})
    finally:
        partial.unlink(missing_ok=True)


def _sound(path: Path) -> bool:
    try:
        return read_json(_seal(path))["sha256"] == _digest(path)
    except (UserError, OSError, KeyError, TypeError):
        return False


def _seal(path: Path) -> Path:
    return path.with_suffix(".json")


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
