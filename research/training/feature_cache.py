"""The outputs of a net's frozen part for a data set, computed once and stored on disk as a memory-mapped array.

The key covers everything that the features depend on (weights, preprocessing, data, split, type), so a stale cache is
never used. Its seal, KEY.json, is checked at each opening; a damaged file is computed again.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from filelock import FileLock

from research.errors import UserError
from research.seals import check_seal, file_digest, write_seal


def key_of(*parts: str) -> str:
    """The name of a cache that depends on `parts` and nothing else."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def cached(folder: Path, key: str, count: int, compute: Callable[[], Iterator[np.ndarray]]) -> np.ndarray:
    """The features [count, ...] called `key`, read-only: from `folder`, or from `compute` piece by piece, in order.

    If two processes need the same features, only one computes them. Raises UserError when they cannot be written.
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
    done = 0
    try:
        with partial.open("wb") as file:  # not a memory map: on a full disk, a signal would end the process
            for piece in compute():
                if not done:
                    header = np.lib.format.header_data_from_array_1_0(piece) | {
                        "shape": (count, *piece.shape[1:]),
                        "fortran_order": False,
                    }
                    np.lib.format.write_array_header_1_0(file, header)
                file.write(np.ascontiguousarray(piece).data)
                done += len(piece)
            if done != count:
                raise ValueError(f"{done} features of {count}")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        write_seal(_seal(path), {path.name: file_digest(path)})
    finally:
        partial.unlink(missing_ok=True)


def _sound(path: Path) -> bool:
    try:
        check_seal(_seal(path), {path.name: file_digest(path)})
    except (UserError, OSError, ValueError):  # missing, or damaged in any way
        return False
    return True


def _seal(path: Path) -> Path:
    return path.with_suffix(".json")
