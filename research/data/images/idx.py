"""Folders of idx files, the format of MNIST and similar sets: http://yann.lecun.com/exdb/mnist, "file formats".

The header is two zero bytes, the type (8: unsigned byte), the number of axes, and each axis as a big-endian uint32. The
bytes follow. Files may be gzipped (NAME.gz).
"""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from research.data.images.image_set import ImageSet
from research.errors import UserError, printable

UNSIGNED_BYTE = 8
NAMES = {"train": "train", "test": "t10k"}
CLASS_NAMES = "classes.txt"  # optional, not part of the format: one class name per line


def read_folder(folder: Path) -> ImageSet:
    """Train and test of `folder`: train-images-idx3-ubyte[.gz] and its three companions.

    Images are [N, H, W], labels [N]. Both test files may be absent. Raises UserError naming the missing or damaged
    file.
    """
    files = {split: pair for split, prefix in NAMES.items() if (pair := _pair(folder, prefix)) is not None}
    if "train" not in files:
        raise UserError(
            f"no train-images-idx3-ubyte.gz in {folder}; fetch MNIST with: python scripts/prepare.py mnist, "
            "or name a folder that holds the four idx files, or folders of pictures, one per class"
        )
    arrays = {split: _read_pair(*pair) for split, pair in files.items()}
    images, labels = ({split: pair[axis] for split, pair in arrays.items()} for axis in (0, 1))
    note = f"{folder} has no t10k files, so pictures of train are held out for test (--data.test)"
    return ImageSet(images, labels, _class_names(folder), notes=() if "test" in files else (note,))


def has_idx(folder: Path) -> bool:
    """Whether any of the files that `read_folder` looks for is in `folder`."""
    return any(
        _existing(folder, f"{prefix}-{kind}-ubyte")
        for prefix in NAMES.values()
        for kind in ("images-idx3", "labels-idx1")
    )


def read_idx(path: Path, axes: int) -> np.ndarray:
    """The uint8 array with `axes` axes in the idx file at `path`. Raises UserError for any other or damaged file."""
    content = _content(path)
    if len(content) < 4:
        raise UserError(f"{path} is truncated: {len(content)} bytes; fetch it again")
    zeros, kind, file_axes = struct.unpack(">HBB", content[:4])
    if zeros != 0 or kind != UNSIGNED_BYTE or file_axes != axes:
        wanted = f"0x{UNSIGNED_BYTE << 8 | axes:08x}"
        raise UserError(
            f"{path} has the magic number 0x{content[:4].hex()}, not {wanted}: it is not the idx file meant"
        )
    header = 4 + 4 * axes
    if len(content) < header:
        raise UserError(f"{path} is truncated within its header; fetch it again")
    shape = struct.unpack(f">{axes}I", content[4:header])
    missing = math.prod(shape) - (len(content) - header)
    if missing:
        damage = f"truncated: {missing:,} bytes are missing" if missing > 0 else f"too long by {-missing:,} bytes"
        raise UserError(f"{path} is {damage} (its header promises {' x '.join(map(str, shape))}); fetch it again")
    try:
        return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
    except ValueError as error:  # no array can have that shape
        promised = " x ".join(map(str, shape))
        raise UserError(f"{path} holds nothing: its header promises {promised}; fetch it again") from error


def _content(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except EOFError as error:
        raise UserError(f"{path} is truncated: its gzip stream has no end; fetch it again") from error
    except (OSError, zlib.error) as error:
        raise UserError(f"{path} cannot be read ({error}); fetch it again") from error


def _pair(folder: Path, prefix: str) -> tuple[Path, Path] | None:
    images = _existing(folder, f"{prefix}-images-idx3-ubyte")
    labels = _existing(folder, f"{prefix}-labels-idx1-ubyte")
    if images is None and labels is None:
        return None
    if images is None or labels is None:
        companion = images or labels
        ending = ".gz" if companion and companion.suffix == ".gz" else ""
        missing = f"{prefix}-{'images-idx3' if images is None else 'labels-idx1'}-ubyte{ending}"
        raise UserError(
            f"{folder / missing} is missing, though its companion is there; fetch it, or see scripts/prepare.py"
        )
    return images, labels


def _existing(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}.gz", folder / name) if path.is_file()), None)


def _read_pair(images: Path, labels: Path) -> tuple[np.ndarray, np.ndarray]:
    pictures, answers = read_idx(images, 3), read_idx(labels, 1)
    if len(pictures) != len(answers):
        raise UserError(f"{images} has {len(pictures):,} images but {labels.name} {len(answers):,} labels")
    return pictures, answers


def _class_names(folder: Path) -> tuple[str, ...]:
    path = folder / CLASS_NAMES
    if not path.is_file():
        return ()
    try:
        names = tuple(printable(line.strip()) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as text ({error}); it holds one class name per line") from error
    if not names:
        raise UserError(f"{path} is blank; it holds one class name per line")
    return names
