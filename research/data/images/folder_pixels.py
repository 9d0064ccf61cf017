"""The pixels of picture files: decoded side by side, once, and kept under a key of all that they depend on."""

import contextlib
import hashlib
import os
import sys
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from research.data.fetch import Show
from research.data.images import decoding
from research.data.images.cached_array import kept
from research.data.images.findings import shown
from research.data.images.picture_files import Picture, Wanted, digest_of, extremes_of, picture_of
from research.data.images.pixel_range import ranges_of
from research.data.images.scan import KINDS, Entry

T = TypeVar("T")
R = TypeVar("R")

RECIPE = "4: upright, squashed by Pillow's bilinear filter"  # count up when the same file gives other pixels
AT_ONCE = 1 << 28  # bytes of decoded pictures that wait for being written


class FolderPixels(NamedTuple):
    """`pixels` uint8 [N, size, size, C], mapped; `notes`, see `folder_pixels`; `digests`, one of each file."""

    pixels: np.ndarray
    notes: dict[str, Any]
    digests: list[str]


def folder_pixels(
    folder: Path, entries: Sequence[Entry], size: int, *, gray: bool, cache: Path, show: Show
) -> FolderPixels:
    """The pixels [N, size, size, C] of those `entries` (files below `folder`) that can be read, in their order.

    The notes: "broken", {file: reason} of those that cannot; "misnamed", {file: kind} of those whose content is of
    another kind than their name says, which are read all the same; "same", lists of files with the same pixels;
    "ranges", {kind: (low, high)}, by which those of more than 8 bits became bytes, all of a kind by one. The digests:
    of each of `entries`, broken ones too, the sha256 of its content. Raises UserError for a file that changes
    meanwhile, and where the cache cannot be written.
    """
    paths, named = [folder / entry.name for entry in entries], shown(folder.absolute().name)

    def told(what: str, results: Iterator[R]) -> Iterator[R]:
        for place, result in enumerate(results, 1):
            yield result
            show(f"{what} {named}", place, len(entries))

    with warnings.catch_warnings(action="ignore"):  # decoders'
        with contextlib.closing(_by_threads(digest_of, paths, size)) as found:
            digests = list(told("checking", found))
        wanted = [Wanted(*pair) for pair in zip(paths, digests, strict=True)]
        key = _key(entries, digests, size, gray)

        def build(append: Callable[[np.ndarray], None]) -> dict[str, Any]:
            with contextlib.closing(_by_threads(extremes_of, wanted, size)) as found:
                ranges = ranges_of(each for each in found if each is not None)
            decode = partial(picture_of, size=size, gray=gray, ranges=ranges)
            with contextlib.closing(_by_threads(decode, wanted, size)) as pictures:
                notes = _gathered(zip(entries, told("decoding", pictures), strict=True), append)
            return notes | {"ranges": {kind: list(known) for kind, known in ranges.items()}}

        pixels, notes = kept(cache, key, (size, size, 1 if gray else 3), build)
    return FolderPixels(pixels, notes, digests)


def _by_threads(work: Callable[[T], R], items: Sequence[T], size: int) -> Generator[R, None, None]:
    """`work` on each of `items`, in order; its results may be pictures of `size`, of which `AT_ONCE` bytes wait."""
    step = max(1, AT_ONCE // (size * size * 3))
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


def _gathered(decoded: Iterator[tuple[Entry, Picture | str]], append: Callable[[np.ndarray], None]) -> dict[str, Any]:
    """Append what could be decoded, and take the notes."""
    broken: dict[str, str] = {}
    misnamed: dict[str, str] = {}
    same: dict[str, list[str]] = {}
    for entry, found in decoded:
        if isinstance(found, str):
            broken[entry.name] = found
            continue
        # A JPEG with a second one behind it, as some cameras write, is one.
        kind = "JPEG" if found.kind == "MPO" else found.kind
        if kind != KINDS[Path(entry.name).suffix.lower()]:
            misnamed[entry.name] = kind
        append(found.pixels)
        same.setdefault(found.digest, []).append(entry.name)
    repeated = [names for names in same.values() if len(names) > 1]
    return {"broken": broken, "misnamed": misnamed, "same": repeated}
