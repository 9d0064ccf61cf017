"""Our own weight files: NAME.safetensors holds the leaves under our names, NAME.json a digest of each leaf."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from research.errors import UserError
from research.files import read_json, write_bytes, write_json
from research.seals import altered, array_digest

FORMAT = "receptive-weights-1"
STORED = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}  # numpy's names, and those of the format


def save_native(
    path: Path, leaves: Mapping[str, np.ndarray], *, architecture: str, convention: str, source: Mapping[str, str]
) -> Path:
    """Write `leaves` to NAME.safetensors and, last, their manifest to NAME.json.

    `source` states their origin: {"file": name, "sha256": hex}. Raises UserError for another suffix, or when the files
    cannot be written.
    """
    if path.suffix != ".safetensors":
        raise UserError(f"our weight files are called NAME.safetensors, not {path.name}; add the suffix")
    notes = {"format": FORMAT, "architecture": architecture, "convention": convention}
    write_bytes(path, safetensors_bytes(leaves, notes))
    rows = {
        name: {"shape": list(leaf.shape), "dtype": str(leaf.dtype), "sha256": array_digest(as_read(leaf))}
        for name, leaf in leaves.items()
    }
    top = any(name.split("/")[0] == "predictions" for name in leaves)
    manifest = notes | {"include_top": top, "source": dict(source), "leaves": rows}
    write_json(path.with_suffix(".json"), manifest)
    return path


def is_native(notes: Mapping[str, str]) -> bool:
    """Whether the metadata in a safetensors header is that of our files."""
    return notes.get("format") == FORMAT


def verified(path: Path, arrays: Mapping[str, np.ndarray], notes: Mapping[str, str]) -> dict[str, Any]:
    """The manifest beside `path`, after a check of every one of `arrays` against it.

    Raises UserError when the manifest is missing, or when leaves differ from it; all of them are named.
    """
    sidecar = path.with_suffix(".json")
    if not sidecar.is_file():
        raise UserError(f"{path} has lost its manifest {sidecar.name}; copy that too, or import the weights again")
    manifest = read_json(sidecar)
    try:
        expected = {name: row["sha256"] for name, row in manifest["leaves"].items()}
        stated = {key: manifest[key] for key in ("format", "architecture", "convention")}
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{sidecar} is not a manifest of weights; import the weights again") from error
    found = {name: array_digest(array) for name, array in arrays.items()}
    bad = altered(expected, found) + [f"the {key}" for key, value in stated.items() if notes.get(key) != value]
    if bad:
        raise UserError(
            f"{path} and its manifest disagree about {', '.join(bad)}; one of them is damaged, import the weights again"
        )
    return manifest


def safetensors_bytes(leaves: Mapping[str, np.ndarray], notes: Mapping[str, str]) -> bytes:
    """The content of a .safetensors file of `leaves` in their order and types, with `notes` in its header.

    The package's own writer is not used: its header has a new order each time, and it writes non-contiguous arrays in
    the order of memory. Raises ValueError for a type that is not in `STORED`.
    """
    header: dict[str, Any] = {"__metadata__": dict(notes)}
    contents, end = [], 0
    for name, leaf in leaves.items():
        if leaf.dtype.name not in STORED:
            raise ValueError(f"{name} is {leaf.dtype}; weights are stored as {', '.join(STORED)}")
        contents.append(_in_order(leaf).tobytes())
        offsets = [end, end := end + len(contents[-1])]
        header[name] = {"dtype": STORED[leaf.dtype.name], "shape": list(leaf.shape), "data_offsets": offsets}
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    return b"".join([struct.pack("<Q", len(head)), head, *contents])


def as_read(leaf: np.ndarray) -> np.ndarray:
    """`leaf` as it is read back from a file: contiguous, little-endian, bfloat16 as float32."""
    return leaf.astype(np.float32) if leaf.dtype.name == "bfloat16" else _in_order(leaf).reshape(leaf.shape)


def _in_order(leaf: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(leaf, leaf.dtype.newbyteorder("<"))
