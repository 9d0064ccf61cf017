"""Decoded pictures cached in the user's folder as KEY.npy, memory-mapped, beside KEY.json, their seal.

The key covers everything that the pixels depend on, so a cached file is never stale. Its bytes are checked whenever it
is opened; a damaged file is built again.
"""

import hashlib
import io
import math
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from research.errors import UserError
from research.seals import check_seal, read_seal, write_seal

Build = Callable[[Callable[[np.ndarray], None]], Any]


def cached_array(folder: Path, key: str, shape: tuple[int, int, int], build: Build) -> tuple[np.ndarray, Any]:
    """The pictures uint8 [N, H, W, C] in `folder` under `key`, mapped and read-only, and the notes on them.

    If there are none, or damaged ones, `build` makes them. `build(append)` calls `append(pixels)` with each picture,
    uint8 of `shape` [H, W, C], and returns the notes, which are JSON values. When several processes call this at once,
    one builds and the others wait. Raises UserError where nothing can be written.
    """
    cached = _read(folder, key, shape)
    if cached is not None:
        return cached
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{key}.lock"):
            return _read(folder, key, shape) or _build(folder, key, shape, build)
    except OSError as error:
        path = error.filename or folder
        raise UserError(
            f"cannot keep decoded pictures at {path}: {error.strerror}; free some space, or set $XDG_CACHE_HOME"
        ) from error


def _build(folder: Path, key: str, shape: tuple[int, int, int], build: Build) -> tuple[np.ndarray, Any]:
    for stale in folder.glob(f".{key}.*"):  # left by a killed process: this process holds the lock
        shutil.rmtree(stale) if stale.is_dir() else stale.unlink(missing_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=f".{key}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            count, digest, notes = _write(file, shape, build)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(folder / f"{key}.npy")
    finally:
        Path(temporary).unlink(missing_ok=True)
    write_seal(folder / f"{key}.json", {"pixels": digest}, {"count": count, "notes": notes})
    cached = _read(folder, key, shape)
    if cached is None:
        raise UserError(
            f"{folder / key}.npy reads otherwise than it was written; check the disk, or set $XDG_CACHE_HOME"
        )
    return cached


def _write(file: Any, shape: tuple[int, int, int], build: Build) -> tuple[int, str, Any]:
    """Write the pictures that `build` makes; return their number, the sha256 of their bytes, and the notes."""
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
    file.write(_header(count, shape))  # as long as the first header: the format leaves room for any count
    return count, digest.hexdigest(), notes


def _read(folder: Path, key: str, shape: tuple[int, int, int]) -> tuple[np.ndarray, Any] | None:
    """The pictures and notes under `key`; None where they are missing or any bit has changed."""
    try:
        seal = folder / f"{key}.json"
        pixels = _mapped(folder / f"{key}.npy", (read_seal(seal)["count"], *shape))
        return pixels, check_seal(seal, {"pixels": hashlib.sha256(pixels.data).hexdigest()})["notes"]
    except (UserError, OSError, ValueError, TypeError, LookupError):  # missing or damaged
        return None


def _mapped(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    header = _header(shape[0], shape[1:])
    with path.open("rb") as file:
        if file.read(len(header)) != header or os.fstat(file.fileno()).st_size != len(header) + math.prod(shape):
            raise ValueError(f"{path} is no array of {shape}")
        return np.memmap(file, np.uint8, "r", len(header), shape)


def _header(count: int, shape: tuple[int, ...]) -> bytes:
    content = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)}
    np.lib.format.write_array_header_1_0(content, header)
    return content.getvalue()
