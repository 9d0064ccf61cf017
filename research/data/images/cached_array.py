"""Decoded pictures kept in the user's cache as KEY.npy, memory-mapped, beside KEY.json that seals them.

The key stands for all that the pixels depend on, so a kept file is never stale. Its bytes are checked against the seal
whenever it is opened: what is damaged is built anew.
"""

import hashlib
import io
import math
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from filelock import FileLock

from research.errors import UserError
from research.seals import read_seal, write_seal

Build = Callable[[Callable[[np.ndarray], None]], Any]


class CachedArray(NamedTuple):
    """`pixels` uint8 [N, H, W, C], mapped from the file and read-only; `notes`, JSON values, are what `build` gave."""

    pixels: np.ndarray
    notes: Any


def kept(folder: Path, key: str, shape: tuple[int, int, int], build: Build) -> CachedArray:
    """The pictures kept in `folder` under `key`; if there are none that are sound, those that `build` makes, then kept.

    `build(append)` calls `append(pixels)` with each picture, uint8 of `shape` [H, W, C], and returns the notes. Of
    processes that come at once, one builds and the others wait for it. Raises UserError where nothing can be written.
    """
    found = _sound(folder, key, shape)
    if found is not None:
        return found
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{key}.lock"):
            found = _sound(folder, key, shape) or _built(folder, key, shape, build)
    except OSError as error:
        place = error.filename or folder
        raise UserError(
            f"cannot keep decoded pictures at {place}: {error.strerror}; free some space, or set $XDG_CACHE_HOME"
        ) from error
    return found


def _built(folder: Path, key: str, shape: tuple[int, int, int], build: Build) -> CachedArray:
    for left in folder.glob(f".{key}.*"):  # of a process that was killed: the lock is ours
        shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=f".{key}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            count, digest, notes = _written(file, shape, build)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(folder / f"{key}.npy")
    finally:
        Path(temporary).unlink(missing_ok=True)
    write_seal(folder / f"{key}.json", {"count": count, "pixels": digest, "notes": notes})
    found = _sound(folder, key, shape)
    if found is None:
        raise UserError(
            f"{folder / key}.npy reads otherwise than it was written; check the disk, or set $XDG_CACHE_HOME"
        )
    return found


def _written(file: Any, shape: tuple[int, int, int], build: Build) -> tuple[int, str, Any]:
    """How many pictures were written, the sha256 of their bytes, and the notes."""
    count, digest = 0, hashlib.sha256()

    def append(pixels: np.ndarray) -> None:
        nonlocal count
        if pixels.shape != shape or pixels.dtype != np.uint8:
            raise ValueError(f"a picture of {pixels.shape} {pixels.dtype} among those of {shape} uint8")
        content = np.ascontiguousarray(pixels).data
        file.write(content)
        digest.update(content)
        count += 1

    file.write(_header(0, shape))
    notes = build(append)
    file.seek(0)
    file.write(_header(count, shape))  # as long as the first: the format leaves room for any count
    return count, digest.hexdigest(), notes


def _sound(folder: Path, key: str, shape: tuple[int, int, int]) -> CachedArray | None:
    """What is kept under `key`, if it is whole to the bit."""
    try:
        content = read_seal(folder / f"{key}.json")
        pixels = _mapped(folder / f"{key}.npy", (content["count"], *shape))
    except (UserError, OSError, ValueError, TypeError, LookupError):  # missing, or damaged in any way
        return None
    if pixels is None or hashlib.sha256(pixels.data).hexdigest() != content["pixels"]:
        return None
    return CachedArray(pixels, content["notes"])


def _mapped(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    header = _header(shape[0], shape[1:])
    with path.open("rb") as file:
        if file.read(len(header)) != header or os.fstat(file.fileno()).st_size != len(header) + math.prod(shape):
            return None
        return np.memmap(file, np.uint8, "r", len(header), shape)


def _header(count: int, shape: tuple[int, ...]) -> bytes:
    content = io.BytesIO()
    about = {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)}
    np.lib.format.write_array_header_1_0(content, about)
    return content.getvalue()
