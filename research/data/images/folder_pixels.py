"""The pixels of picture files: decoded in threads, once, and cached under a key of all that they depend on."""

import contextlib
import functools
import hashlib
import os
import sys
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from research.data.fetch import Show
from research.data.images import decoding
from research.data.images.cached_array import cached_array
from research.data.images.findings import shown
from research.data.images.pixel_range import Extremes, Ranges, ranges_of
from research.data.images.scan import KINDS, Entry
from research.errors import UserError
from research.seals import file_digest

T = TypeVar("T")
R = TypeVar("R")

RECIPE = "6: upright, squashed by Pillow's bilinear filter"  # count up when the same file gives other pixels or notes
PENDING = 1 << 28  # bytes of decoded pictures that may wait to be written


class _Picture(NamedTuple):
    """The pixels uint8 [H, W, C] of a file, their sha256, the kind of its content, and whether it is all but black."""

    pixels: np.ndarray
    digest: str
    kind: str
    all_but_black: bool


def folder_pixels(
    folder: Path, entries: Sequence[Entry], size: int, *, gray: bool, cache: Path, show: Show
) -> tuple[np.ndarray, dict[str, Any], list[str]]:
    """The pixels, the notes and the digests of `entries`, which are picture files below `folder`.

    Pixels: uint8 [N, size, size, C], mapped from the cache, of the files that can be read, in the order of `entries`.

    Notes: "broken", {file: reason} of the files that cannot be read; "misnamed", {file: kind} of the files whose
    content is of another kind than their name says (they are read by their content); "same", lists of files with the
    same pixels; "black", the files that are all but black (`decoding.Decoded`); "ranges", {kind: (low, high)}, the
    range by which all files of a kind of more than 8 bits became bytes.

    Digests: the sha256 of each file's content; for a file that cannot be opened, the reason. Raises UserError for a
    file that changes meanwhile, and where the cache cannot be written.
    """
    paths, named = [folder / entry.name for entry in entries], shown(folder.absolute().name)

    def counted(what: str, results: Iterator[R]) -> Iterator[R]:
        for done, result in enumerate(results, 1):
            yield result
            show(f"{what} {named}", done, len(entries))

    with warnings.catch_warnings(action="ignore"):  # decoders warn of damaged files
        with contextlib.closing(_by_threads(digest_of, paths, size)) as results:
            digests = list(counted("checking", results))
        files = list(zip(paths, digests, strict=True))

        def build(append: Callable[[np.ndarray], None]) -> dict[str, Any]:
            with contextlib.closing(_by_threads(_extremes_of, files, size)) as results:
                ranges = ranges_of(result for result in results if result is not None)
            decode = functools.partial(_decoded, size=size, gray=gray, ranges=ranges)
            with contextlib.closing(_by_threads(decode, files, size)) as pictures:
                notes = _append_all(zip(entries, counted("decoding", pictures), strict=True), append)
            return notes | {"ranges": {kind: list(pixel_range) for kind, pixel_range in ranges.items()}}

        key, shape = _key(entries, digests, size, gray), (size, size, 1 if gray else 3)
        pixels, notes = cached_array(cache, key, shape, build)
    return pixels, notes, digests


def digest_of(path: Path) -> str:
    """The sha256 of the file's content, or the reason why it cannot be read."""
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            return "it is not a file" if path.exists() else "it is a link to nothing"
        return file_digest(path)
    except OSError as error:
        return error.strerror or type(error).__name__


def _is_digest(digest: str) -> bool:
    """Whether `digest` is a sha256 rather than the reason why there is none."""
    return len(digest) == 64


def _extremes_of(file: tuple[Path, str]) -> Extremes | None:
    """The extremes of a file (path, digest) that needs the range of its data set (`decoding.extremes_in`)."""
    path, digest = file
    return decoding.extremes_in(path) if _is_digest(digest) else None


def _decoded(file: tuple[Path, str], size: int, gray: bool, ranges: Ranges) -> _Picture | str:
    """The picture in a file (path, digest), scaled to `size`; for a file that cannot be read, the reason.

    `ranges` are those of its data set, see `decoding.decode`. Raises UserError where the file has changed.
    """
    path, digest = file
    if not _is_digest(digest):
        return digest
    content = _unchanged(path, digest)
    try:
        decoded = decoding.decode(content, gray=gray, ranges=ranges)
    except decoding.UndecodableError as error:
        return str(error)
    pixels = np.ascontiguousarray(decoding.squashed(decoded.image, size))
    return _Picture(pixels, hashlib.sha256(pixels.data).hexdigest(), decoded.kind, decoded.all_but_black)


def _unchanged(path: Path, digest: str) -> bytes:
    """The content of a file, which must still have `digest`: otherwise the cache's key would stand for other pixels."""
    try:
        content = path.read_bytes()
    except OSError:
        content = b""
    if hashlib.sha256(content).hexdigest() != digest:
        raise UserError(f"{path} changed while it was read; run again when nothing writes there any more")
    return content


def _by_threads(work: Callable[[T], R], items: Sequence[T], size: int) -> Generator[R, None, None]:
    """The results of `work` on `items`, in order. At most `PENDING` bytes of pictures of `size` wait to be used."""
    step = max(1, PENDING // (size * size * 3))
    with ThreadPoolExecutor(_workers()) as pool:
        for start in range(0, len(items), step):
            yield from pool.map(work, items[start : start + step])


def _workers() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _key(entries: Sequence[Entry], digests: Sequence[str], size: int, gray: bool) -> str:
    digest = hashlib.sha256(f"{RECIPE}\n{decoding.version()}\n{size} {gray}\n".encode())
    for entry, content in zip(entries, digests, strict=True):
        digest.update(os.fsencode(entry.name) + b"\0" + content.encode() + b"\n")
    return digest.hexdigest()[:32]


def _append_all(
    decoded: Iterator[tuple[Entry, _Picture | str]], append: Callable[[np.ndarray], None]
) -> dict[str, Any]:
    """Append the pixels of all files that could be decoded; return the notes on the files."""
    broken: dict[str, str] = {}
    misnamed: dict[str, str] = {}
    same: dict[str, list[str]] = {}
    black: list[str] = []
    for entry, result in decoded:
        if isinstance(result, str):
            broken[entry.name] = result
            continue
        kind = "JPEG" if result.kind == "MPO" else result.kind  # some cameras write a second JPEG behind the first
        if kind != KINDS[Path(entry.name).suffix.lower()]:
            misnamed[entry.name] = kind
        if result.all_but_black:
            black.append(entry.name)
        append(result.pixels)
        same.setdefault(result.digest, []).append(entry.name)
    repeated = [names for names in same.values() if len(names) > 1]
    return {"broken": broken, "misnamed": misnamed, "same": repeated, "black": black}
