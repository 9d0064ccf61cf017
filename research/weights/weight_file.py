"""Any weight file as named arrays. Its first bytes decide its kind, not its name."""

import hashlib
import re
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from research.errors import UserError
from research.weights.array_files import read_npz, read_safetensors
from research.weights.hdf5_file import read_hdf5, read_keras_zip
from research.weights.not_weights import KNOWN, which_file, which_folder
from research.weights.torch_file import read_torch_stream, read_torch_zip

BLOCK = 1 << 20
LONGEST_JSON = 64 << 20  # bytes that show the kind of a JSON document
WRAPPERS = ("_orig_mod.", "module.", "model.")  # before names of torch: torch.compile, DataParallel, Lightning


class WeightFile(NamedTuple):
    """A weight file: arrays under the file's own names, and the digests of the file, in hex.

    `aliases` are better names of some arrays (Keras 3 numbers its layers and stores their names as attributes). `notes`
    are the file's metadata (`convention`, `architecture`).
    """

    path: Path
    kind: str  # "keras-h5", "keras3", "torch", "safetensors", "npz"
    arrays: dict[str, np.ndarray]
    sha256: str
    md5: str
    aliases: dict[str, str]
    notes: dict[str, str]


def read(path: Path | str) -> WeightFile:
    """The arrays of the file at `path`.

    Raises UserError, which names the kind of file, when it is no intact weight file.
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise UserError(f"{path} {which_folder(path)}")
        kind = _kind(path)
        sha256, md5 = _digests(path)
        arrays, aliases, notes = _read_as(kind, path)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}; see that the path is right") from error
    except MemoryError as error:
        raise UserError(f"{path} asks for more memory than there is; it is damaged, download it again") from error
    if not arrays:
        raise UserError(f"{path} holds no weights at all; name another file")
    if kind not in ("hdf5", "keras3"):
        arrays = _unwrapped(arrays)
    if kind == "hdf5":
        kind = "keras3" if re.search(r"(?:^|/)vars/\d+$", next(iter(arrays))) else "keras-h5"
    return WeightFile(path, kind.removesuffix("-old"), arrays, sha256, md5, aliases, notes)


def _unwrapped(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays without the prefix of a wrapper module, if all names have it."""
    for wrapper in WRAPPERS:
        if all(len(name) > len(wrapper) and name.startswith(wrapper) for name in arrays):
            return _unwrapped({name.removeprefix(wrapper): array for name, array in arrays.items()})
    return arrays


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4096)
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
            head += file.read(LONGEST_JSON)
    if head.startswith(b"PK"):
        return _zip_kind(path)
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return "hdf5"
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "torch-old"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < (100 << 20):
        return "safetensors"
    raise UserError(f"{path} {which_file(head)}")


def _zip_kind(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as error:
        raise UserError(f"{path} is truncated or damaged (a zip file without its end); download it again") from error
    if "model.weights.h5" in names:
        return "keras3"
    if any(name.endswith("/data.pkl") for name in names):
        return "torch"
    if names and all(name.endswith(".npy") for name in names):
        return "npz"
    raise UserError(f"{path} is a zip file, but not a weight file that is known here ({KNOWN})")


def _read_as(kind: str, path: Path) -> tuple[dict[str, np.ndarray], dict[str, str], dict[str, str]]:
    if kind in ("hdf5", "keras3"):
        return (read_hdf5 if kind == "hdf5" else read_keras_zip)(path)
    if kind == "safetensors":
        arrays, notes = read_safetensors(path)
        return arrays, {}, notes
    readers = {"npz": read_npz, "torch": read_torch_zip, "torch-old": read_torch_stream}
    return readers[kind](path), {}, {}


def _digests(path: Path) -> tuple[str, str]:
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            sha256.update(block)
            md5.update(block)
    return sha256.hexdigest(), md5.hexdigest()
