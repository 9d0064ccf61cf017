"""Seals: sha256 digests that show whether a file is unchanged since we wrote it.

A seal is a JSON file {"sha256": digest of the content, "content": {"files": {name: sha256}, and notes}}, so it also
protects itself. It is written last: files without a sound seal are ignored. Digests are lower-case hex.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
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


def write_seal(path: Path, digests: Mapping[str, str], notes: Mapping[str, Any] = MappingProxyType({})) -> None:
    """Seal what has these `digests` {name: sha256}, with `notes`, plain JSON; UserError where it cannot be written."""
    content = {"files": dict(digests), **notes}
    write_json(path, {"sha256": _json_digest(content), "content": content})


def read_seal(path: Path) -> dict[str, Any]:
    """The content of the seal at `path`, whatever became of what it seals.

    Raises UserError where it is missing or no JSON, ValueError where it is no seal or was altered.
    """
    seal = read_json(path)
    content = seal.get("content") if isinstance(seal, dict) else None
    if not isinstance(content, dict) or seal.get("sha256") != _json_digest(content):
        raise ValueError("its seal is not as it was written")
    return content


def check_seal(path: Path, digests: Mapping[str, str]) -> dict[str, Any]:
    """The content of the seal at `path`, where what it seals has these `digests` now.

    Raises what `read_seal` does, and ValueError that names the first of which it does not hold.
    """
    content = read_seal(path)
    if wrong := altered(content.get("files", {}), digests):
        raise ValueError(f"{wrong[0]} is not as it was written")
    return content


def altered(sealed: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """The names, sorted, whose digests differ, or that one of the two lacks."""
    return sorted(name for name in sealed.keys() | found.keys() if sealed.get(name) != found.get(name))


def _json_digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
