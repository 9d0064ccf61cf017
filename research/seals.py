"""Seals: sha256 digests that show whether a file is unchanged since we wrote it.

A seal is a JSON file {"sha256": digest of the content, "content": ...}, so it also protects itself. It is
written last: files without a sound seal are ignored. Digests are lower-case hex.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from research.files import read_json, write_json


def file_digest(path: Path) -> str:
    """The sha256 of a file's bytes; OSError where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_digests(folder: Path) -> dict[str, str]:
    """{path below `folder`: sha256} of every file there."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): file_digest(path) for path in files}


def array_digest(array: np.ndarray) -> str:
    """The sha256 of an array's dtype, shape and numbers."""
    content = hashlib.sha256(f"{array.dtype.str} {array.shape} ".encode())
    content.update(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    return content.hexdigest()


def write_seal(path: Path, content: Any) -> None:
    """Write `content`, plain JSON, with its own digest; UserError where it cannot be written."""
    write_json(path, {"sha256": _json_digest(content), "content": content})


def read_seal(path: Path) -> Any:
    """The content of the seal at `path`; UserError where it is missing or no JSON, ValueError where it was altered."""
    seal = read_json(path)
    digest = seal["sha256"] if "sha256" in seal else seal["seal"]  # "seal": caches of pictures until 2026
    if digest != _json_digest(seal["content"]):
        raise ValueError("its seal is not as it was written")
    return seal["content"]


def _json_digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
