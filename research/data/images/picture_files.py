"""One picture file: the digest of its content, and its pixels."""

import functools
import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from research.data.images import decoding
from research.data.images.pixel_range import Extremes, Ranges
from research.data.images.scan import KINDS
from research.errors import UserError
from research.seals import file_digest


class Wanted(NamedTuple):
    """A picture file to be decoded; `digest` is what `digest_of` said of it."""

    path: Path
    digest: str


class Picture(NamedTuple):
    """`pixels` uint8 [size, size, C]; the kind of the file, by its content; the sha256 of the pixels."""

    pixels: np.ndarray
    kind: str
    digest: str


def digest_of(path: Path) -> str:
    """The sha256 of the file's content; what keeps it from being read, where something does."""
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            return "it is not a file" if path.exists() else "it is a link to nothing"
        return file_digest(path)
    except OSError as error:
        return error.strerror or type(error).__name__


def is_digest(found: str) -> bool:
    """Whether that is a sha256, rather than the reason why there is none."""
    return len(found) == 64


def extremes_of(wanted: Wanted) -> Extremes | None:
    """The least and greatest number in the file, where its set decides what they become (`decoding.extremes_in`)."""
    return decoding.extremes_in(wanted.path, _decoders()) if is_digest(wanted.digest) else None


def picture_of(wanted: Wanted, size: int, gray: bool, ranges: Ranges) -> Picture | str:
    """The picture in the file, or why there is none. Raises UserError where the file is no longer what it was.

    `ranges` are those of its set, see `decoding.decode`.
    """
    if not is_digest(wanted.digest):
        return wanted.digest
    content = _unchanged(wanted)
    try:
        image, _, kind, _ = decoding.decode(content, gray=gray, kinds=_decoders(), ranges=ranges)
    except decoding.UndecodableError as error:
        return str(error)
    pixels = np.ascontiguousarray(decoding.squashed(image, size))
    return Picture(pixels, kind, hashlib.sha256(pixels.data).hexdigest())


@functools.cache
def _decoders() -> tuple[str, ...]:
    """Pillow's names of the kinds that are read; AVIF is not in every build of it."""
    from PIL import Image

    Image.init()
    return tuple(kind for kind in dict.fromkeys(KINDS.values()) if kind in Image.OPEN)


def _unchanged(wanted: Wanted) -> bytes:
    """The content of the file, which is still what was digested: else the cache's key would stand for other pixels."""
    try:
        content = wanted.path.read_bytes()
    except OSError:
        content = b""
    if hashlib.sha256(content).hexdigest() != wanted.digest:
        raise UserError(f"{wanted.path} changed while it was read; run again when nothing writes there any more")
    return content
