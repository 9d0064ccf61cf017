"""Atomic writing of files: temporary file in the same folder, fsync, rename."""

import errno
import io
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from research.errors import UserError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_bytes(path: Path | str, content: bytes) -> Path:
    """Write `content` to `path` atomically: the file is always the old one or the new one, never a part.

    Raises UserError when it cannot be written (full disk, missing permission); no temporary file remains.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise _unwritable(path, error) from error
    return path


def png_path(path: Path | str) -> Path:
    """`path` of a figure; UserError, before any work, unless it ends in .png and can be written."""
    path = Path(path)
    if path.is_dir():
        raise UserError(f"{path} is a folder; give a file, for example {path / 'figure.png'}")
    if path.suffix.lower() != ".png":
        raise UserError(f"{path} does not end in .png, which the figure is; give a name that does")
    check_writable(path)
    return path


def check_writable(path: Path) -> None:
    """UserError, before any work, unless a file or folder can be made at `path`."""
    nearest = next(folder for folder in path.absolute().parents if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise _unwritable(path, error) from error


def npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The content of a compressed .npz file of `arrays`."""
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # pyright: ignore[reportArgumentType]  # names are no options of it
    return content.getvalue()


def write_text(path: Path | str, content: str) -> Path:
    """`write_bytes` for text, as UTF-8."""
    return write_bytes(path, content.encode())


def write_json(path: Path | str, content: Any) -> Path:
    """`write_bytes` for JSON; numpy scalars and arrays become numbers and lists, NaN and infinities become null."""
    return write_text(path, json.dumps(_plain(content), indent=2, allow_nan=False) + "\n")


def read_json(path: Path | str) -> Any:
    """The JSON document at `path`; a missing or broken file is a UserError that names it."""
    try:
        return json.loads(Path(path).read_text())
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid JSON ({error}); restore it or choose another run directory") from error


def _unwritable(path: Path, error: OSError) -> UserError:
    remedy = "free some space, or choose another place" if error.errno in FULL else "choose another place"
    return UserError(f"cannot write {path}: {error.strerror}; {remedy}")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
