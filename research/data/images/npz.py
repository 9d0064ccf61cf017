"""`.npz` files in the layout of Keras: x_train, y_train, x_test, y_test."""

import lzma
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np

from research.data.images.image_set import ImageSet
from research.errors import UserError, printable


def read_npz(path: Path) -> ImageSet:
    """The arrays of the file at `path`. x_test and y_test may be absent; `classes` [K] may name the classes.

    Nothing is unpickled. Raises UserError for a file with pickled arrays, and for missing or damaged arrays.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            missing = sorted({"x_train", "y_train"} - set(archive.files))
            if missing:
                present = printable(", ".join(archive.files)) or "nothing"
                raise UserError(
                    f"{path} has no {' and no '.join(missing)} (it has {present}); it must be in Keras' layout"
                )
            arrays = {
                name: _array(archive, name, path) for name in archive.files
            }  # all of them, so that pickled arrays are refused
            used = {name: array for name, array in arrays.items() if name in _NAMES}
            names = tuple(map(printable, used["classes"].reshape(-1).astype(str).tolist())) if "classes" in used else ()
    except _BROKEN as error:
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        reason = "it is no zip archive" if "pickle" in reason else reason  # numpy takes any other file for a pickle
        raise UserError(f"{path} is not a sound .npz file ({reason}); write it again") from error
    if ("x_test" in used) != ("y_test" in used):
        raise UserError(f"{path} has only one of x_test and y_test; give both, or neither")
    if "classes" in used and not names:
        raise UserError(f"{path}: classes is empty; name every class, or leave it out")
    splits = [split for split in ("train", "test") if f"x_{split}" in used]
    images, labels = ({split: used[f"{axis}_{split}"] for split in splits} for axis in "xy")
    return ImageSet(images, labels, names)


_NAMES = ("x_train", "y_train", "x_test", "y_test", "classes")
# Errors of numpy and zipfile for damaged files, for .npy files named .npz, and for sizes beyond all memory.
_BROKEN = (
    *(OSError, EOFError, ValueError, TypeError, RuntimeError, MemoryError, OverflowError),
    *(struct.error, zipfile.BadZipFile, zlib.error, lzma.LZMAError, tokenize.TokenError, SyntaxError, RecursionError),
)


def _array(archive: np.lib.npyio.NpzFile, name: str, path: Path) -> np.ndarray:
    try:
        array = archive[name]
        if not isinstance(array, np.ndarray):
            raise TypeError(f"{name} is no array")
        return array
    except ValueError as error:
        if "pickle" in str(error).lower() or "object" in str(error).lower():
            raise UserError(f"{path}: {name} holds pickled objects, which are refused; save plain numbers") from error
        raise
