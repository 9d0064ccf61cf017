"""The pixels of picture files: decoded side by side, once, and kept under a key of all that they depend on."""

import hashlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from research.data import decoding
from research.data.cache import Kept, kept
from research.data.fetch import Show
from research.data.findings import shown
from research.data.scan import KINDS, Entry
from research.errors import UserError

RECIPE = "1: upright, squashed by Pillow's bilinear filter"  # count up when the same file gives other pixels
AT_ONCE = 1 << 28  # bytes of decoded pictures that wait for being written


class _Picture(NamedTuple):
    pixels: np.ndarray
    kind: str
    digest: str  # of the pixels


def folder_pixels(folder: Path, entries: Sequence[Entry], size: int, *, gray: bool, cache: Path, show: Show) -> Kept:
    """The pixels [N, size, size, C] of those `entries` (files below `folder`) that can be read, in their order.

    The notes: "broken", {file: reason} of those that cannot; "kinds", {file: kind} of those whose content is not of the
    kind that their name says; "same", lists of files with the same pixels. Raises UserError for a file that changes
    meanwhile, and where the cache cannot be written.
    """
    named = shown(folder.absolute().name)
    with ThreadPoolExecutor(_workers()) as pool, warnings.catch_warnings(action="ignore"):  # decoders' warnings

        def each(what: str, work: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
            step = max(1, AT_ONCE // (size * size * 3))
            for start in range(0, len(items), step):
                for place, result in enumerate(pool.map(work, items[start : start + step]), start + 1):
                    yield result
                    show(f"{what} {named}", place, len(items))

        digests = list(each("checking", lambda entry: _digest(folder / entry.name), entries))

        def build(append: Callable[[np.ndarray], None]) -> dict[str, Any]:
            pairs = list(zip(entries, digests, strict=True))
            decoded = each("decoding", lambda pair: _decoded(folder / pair[0].name, pair[1], size, gray), pairs)
            return _gathered(zip(entries, decoded, strict=True), append)

        return kept(cache, _key(entries, digests, size, gray), (size, size, 1 if gray else 3), build)


def _workers() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _digest(path: Path) -> str:
    """The sha256 of the file's content; what keeps it from being read, where something does."""
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            return "it is not a file" if path.exists() else "it is a link to nothing"
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return error.strerror or type(error).__name__


def _key(entries: Sequence[Entry], digests: Sequence[str], size: int, gray: bool) -> str:
    digest = hashlib.sha256(f"{RECIPE}\n{decoding.version()}\n{size} {gray}\n".encode())
    for entry, content in zip(entries, digests, strict=True):
        digest.update(os.fsencode(entry.name) + b"\0" + content.encode() + b"\n")
    return digest.hexdigest()[:32]


def _decoded(path: Path, digest: str, size: int, gray: bool) -> _Picture | str:
    """The picture in the file at `path`, or why there is none."""
    if len(digest) != 64:  # not a sha256 but the reason why there is none
        return digest
    content = _unchanged(path, digest)
    try:
        image, _, kind = decoding.decode(content, gray=gray, kinds=tuple(dict.fromkeys(KINDS.values())))
    except decoding.UndecodableError as error:
        return str(error)
    pixels = decoding.squashed(image, size)
    return _Picture(pixels, kind, hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest())


def _unchanged(path: Path, digest: str) -> bytes:
    """The content of the file, which is still what was digested: else the key would stand for other pixels."""
    try:
        content = path.read_bytes()
    except OSError:
        content = b""
    if hashlib.sha256(content).hexdigest() != digest:
        raise UserError(f"{path} changed while it was read; run again when nothing writes there any more")
    return content


def _gathered(decoded: Iterator[tuple[Entry, _Picture | str]], append: Callable[[np.ndarray], None]) -> dict[str, Any]:
    """Append what could be decoded, and take the notes."""
    broken: dict[str, str] = {}
    kinds: dict[str, str] = {}
    same: dict[str, list[str]] = {}
    for entry, found in decoded:
        if isinstance(found, str):
            broken[entry.name] = found
            continue
        append(found.pixels)
        same.setdefault(found.digest, []).append(entry.name)
        kind = (
            "JPEG" if found.kind == "MPO" else found.kind
        )  # a JPEG with a second one behind it, as some cameras write
        if kind != KINDS[Path(entry.name).suffix.lower()]:
            kinds[entry.name] = kind
    return {"broken": broken, "kinds": kinds, "same": [names for names in same.values() if len(names) > 1]}
