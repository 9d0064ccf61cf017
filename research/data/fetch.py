"""Downloading a file so that it is whole or absent: resumed where it broke off, checked, renamed into place."""

import hashlib
import http.client
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from research.errors import UserError

CHUNK = 1 << 16
TIMEOUT = 30.0  # seconds without a byte before a mirror is given up

Show = Callable[[str, int, int | None], None]  # (file name, bytes so far, bytes in all if known)


class Published(NamedTuple):
    """A file as its authors published it: its name, its md5, and the folders (URLs) it can be had from."""

    name: str
    md5: str
    mirrors: Sequence[str]


def fetch(file: Published, folder: Path, show: Show) -> Path:
    """`file` in `folder`, fetched from its mirrors in turn unless it is there already and sound.

    A broken-off download stays as NAME.part and is continued; of two processes that want the file, one fetches it.
    Raises UserError when no mirror gives the right bytes.
    """
    target, complaints = folder / file.name, []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{file.name}.lock"):
            if target.is_file() and md5(target) == file.md5:
                show(file.name, target.stat().st_size, target.stat().st_size)
                return target
            for mirror in file.mirrors:
                try:
                    return _fetched(f"{mirror.rstrip('/')}/{file.name}", file, target, show)
                except NETWORK_ERRORS as error:
                    complaints.append(f"{mirror}: {getattr(error, 'reason', None) or error}")
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror}; free some space, or give --data.root") from error
    begun = target.with_name(target.name + ".part").exists()
    remedy = "run the same command again to go on" if begun else "try again later, or give another --mirror"
    raise UserError(f"cannot fetch {file.name} ({'; '.join(complaints)}); {remedy}")


def md5(path: Path) -> str:
    """The md5 of a file, in hex: not against attackers, but what these files were published with."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


class _WrongBytesError(Exception):
    """A whole download that is not the published file."""


# What one mirror can do wrong, so that the next is tried; any other OSError is the local disk's.
NETWORK_ERRORS = (
    urllib.error.URLError,
    http.client.HTTPException,
    TimeoutError,
    ConnectionError,
    ssl.SSLError,  # while reading; while connecting it comes as a URLError
    ValueError,  # a mirror that is no URL
    _WrongBytesError,
)


def _fetched(url: str, file: Published, target: Path, show: Show) -> Path:
    part = target.with_name(target.name + ".part")
    resumed = part.exists() and part.stat().st_size > 0
    sure = _download(url, part, file.name, show)
    if md5(part) != file.md5 and resumed:  # the part may have been of another mirror or age: once more, from the start
        part.unlink()
        sure = _download(url, part, file.name, show)
    if (found := md5(part)) != file.md5:
        if not sure:
            raise ConnectionError(f"ended after {part.stat().st_size:,} bytes without saying whether that is all")
        part.unlink()
        raise _WrongBytesError(f"md5 is {found}, not {file.md5}")
    return part.replace(target)


def _download(url: str, part: Path, name: str, show: Show) -> bool:
    """Append to `part` what it lacks of `url`; a server that cannot resume sends everything, and then so is `part`.

    Gives whether all of it is there for sure: False where the server did not say how much that is.
    """
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # nothing after `done`: the part is whole, the checksum will tell
            return True
        raise
    if answer.headers.get_content_type() == "text/html":  # of a portal that wants a login first, say
        answer.close()
        raise _WrongBytesError("sent an HTML page, not the file")
    with answer, part.open("ab" if answer.status == 206 else "wb") as file:
        done = done if answer.status == 206 else 0
        length = answer.headers.get("Content-Length")
        total = done + int(length) if length else None
        while chunk := answer.read(CHUNK):
            file.write(chunk)
            done += len(chunk)
            show(name, done, total)
        file.flush()
        os.fsync(file.fileno())
    if total is not None and done < total:
        raise ConnectionError(f"broke off after {done:,} of {total:,} bytes")
    return total is not None
