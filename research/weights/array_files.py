"""Files that hold arrays and nothing else: .npz and .safetensors."""

import json
import lzma
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np

from research.errors import UserError

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1"}

# Errors of numpy and zipfile for damaged files.
BROKEN = (
    *(OSError, EOFError, ValueError, TypeError, RuntimeError, MemoryError, OverflowError, SyntaxError, RecursionError),
    *(struct.error, zipfile.BadZipFile, zlib.error, lzma.LZMAError, tokenize.TokenError),
)


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file, bfloat16 as float32; pickled objects are refused, nothing is executed."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: _numbers(archive[name]) for name in archive.files}
    except BROKEN as error:
        if "allow_pickle" in str(error):
            raise UserError(f"{path} is refused: it holds pickled objects; save plain numbers") from error
        raise UserError(f"{path} is damaged ({' '.join(str(error).split())[:90]}); download it again") from error


def read_safetensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The tensors of a .safetensors file (bfloat16 as float32), and the text in its header."""
    from safetensors import SafetensorError, deserialize

    content = path.read_bytes()
    try:
        tensors = deserialize(content)  # checks the header: no overlap, no hole, nothing past the end
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    except (SafetensorError, ValueError) as error:
        raise UserError(
            f"{path} is truncated or damaged ({' '.join(str(error).split())[:90]}); download it again"
        ) from error
    unknown = sorted({tensor["dtype"] for _, tensor in tensors} - {*DTYPES, "BF16"})
    if unknown:
        raise UserError(f"{path} holds numbers of type {', '.join(unknown)}; save it as float32")
    notes = {str(key): str(value) for key, value in (header.get("__metadata__") or {}).items()}
    tensors.sort(key=lambda pair: header[pair[0]]["data_offsets"])  # the package gives them in any order
    return {name: _array(tensor["data"], tensor["dtype"], tensor["shape"]) for name, tensor in tensors}, notes


def _numbers(array: np.ndarray) -> np.ndarray:
    """numpy knows no bfloat16: it writes two raw bytes for each number."""
    return from_bfloat16(array.view("<u2")) if array.dtype.str == "|V2" else np.asanyarray(array)


def from_bfloat16(bits: np.ndarray) -> np.ndarray:
    """bfloat16 numbers, given as their bits (uint16), as float32: the same upper half."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def _array(data: bytes, dtype: str, shape: list[int]) -> np.ndarray:
    if dtype == "BF16":
        return from_bfloat16(np.frombuffer(data, "<u2")).reshape(shape)
    return np.frombuffer(data, DTYPES[dtype]).reshape(shape)
