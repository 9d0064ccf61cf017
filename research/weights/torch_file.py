"""torch's files, zipped (since 1.6) and older, read without torch; the pickle in them is never executed."""

import os
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from research.errors import UserError
from research.weights.pickle_stream import RefusedError, interpret
from research.weights.torch_state import ALLOWED, Storage, read_storage, state_tensors, tensor_arrays, width

MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle in an old file: torch/serialization.py, MAGIC_NUMBER


def read_torch_zip(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a state dict that torch.save wrote, by their names in it."""

    def content() -> dict[str, np.ndarray]:
        with zipfile.ZipFile(path) as archive:
            if any(record.compress_type != zipfile.ZIP_STORED for record in archive.infolist()):
                raise ValueError("its records are compressed, as torch's never are")
            folder = next(name for name in archive.namelist() if name.endswith("/data.pkl")).removesuffix("data.pkl")
            with archive.open(folder + "data.pkl") as stream:
                tensors = state_tensors(_interpret(stream))
            order = archive.read(folder + "byteorder").decode() if folder + "byteorder" in archive.namelist() else ""
            return tensor_arrays(tensors, lambda key: archive.read(f"{folder}data/{key}"), order or sys.byteorder)

    return _guarded(path, content)


def read_torch_stream(path: Path) -> dict[str, np.ndarray]:
    """The same from an old file: five pickles one after another, then the storages (as torchvision's VGG16 is)."""

    def content() -> dict[str, np.ndarray]:
        with path.open("rb") as file:
            if _interpret(file) != MAGIC:
                raise UserError(f"{path} is a pickle, but not a weight file of torch's; nothing in it was executed")
            _version, system = _interpret(file), _interpret(file)
            storages: dict[str, Storage] = {}
            tensors = state_tensors(_interpret(file, storages))
            records = {}
            for key in _interpret(file):
                length = int.from_bytes(_exactly(file, 8), "little")
                records[key] = _exactly(file, length * width(storages[key].dtype))
            return tensor_arrays(tensors, records.__getitem__, "little" if system["little_endian"] else "big")

    return _guarded(path, content)


def _guarded(path: Path, content: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    try:
        return content()
    except RefusedError as error:
        raise UserError(
            f"{path} is refused: its pickle asks for {error}, which no state dict needs; nothing in it was executed "
            "(in torch, save model.state_dict(), not the model)"
        ) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, TypeError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:90]
        raise UserError(f"{path} is truncated or damaged ({reason}); download it again") from error


def _interpret(stream: Any, storages: dict[str, Storage] | None = None) -> Any:
    """The pickle's value; `storages` gets the storages that it mentions."""

    def persistent(identity: Any) -> Storage:
        storage = read_storage(identity)
        if storages is not None:
            storages[storage.key] = storage
        return storage

    return interpret(stream, ALLOWED, persistent)


def _exactly(file: BinaryIO, count: int) -> bytes:
    """The next `count` bytes; the file may claim more than there are, or than any memory holds."""
    left = os.fstat(file.fileno()).st_size - file.tell()
    if count > left:
        raise EOFError(f"it ends {count - left:,} bytes too early")
    return file.read(count)
