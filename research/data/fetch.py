"""Download of a file from its mirrors: resumed after interruptions, checked by its md5, renamed when complete."""

import hashlib
import http.client
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock

from research.errors import UserError

CHUNK = 1 << 16
TIMEOUT = 30.0  # seconds without a byte before the next mirror is tried

Show = Callable[[str, int, int | None], None]  # (file name, bytes so far, bytes in all if known)


def fetch(target: Path, expected_md5: str, mirrors: Sequence[str], show: Show) -> Path:
    """Fetch the file `target` and return its path; a sound file there is not fetched again.

    `mirrors` are the URLs of folders that hold the file; they are tried in turn. An interrupted download stays as
    NAME.part and is continued. When two processes want the same file, one fetches it and the other waits. Raises
    UserError when no mirror gives the right bytes, or when the file cannot be written.
    """
    complaints = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f".{target.name}.lock")):
            if target.is_file() and md5(target) == expected_md5:
                show(target.name, target.stat().st_size, target.stat().st_size)
                return target
            for mirror in mirrors:
                try:
                    return _fetch_from(f"{mirror.rstrip('/')}/{target.name}", expected_md5, target, show)
                except NETWORK_ERRORS as error:
                    complaints.append(f"{mirror}: {getattr(error, 'reason', None) or error}")
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror}; free some space, or give --data.root") from error
    begun = target.with_name(target.name + ".part").exists()
    remedy = "run the same command again to go on" if begun else "try again later, or give another --mirror"
    raise UserError(f"cannot fetch {target.name} ({'; '.join(complaints)}); {remedy}")


def md5(path: Path) -> str:
    """The md5 of a file, in hex. The files were published with it; it protects from damage, not from attackers."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


class _WrongBytesError(Exception):
    """The download is complete and is not the published file."""


# Errors of one mirror, after which the next is tried. Any other OSError comes from the local disk.
NETWORK_ERRORS = (
    urllib.error.URLError,
    http.client.HTTPException,
    TimeoutError,
    ConnectionError,
    ssl.SSLError,  # while reading; while connecting it comes as a URLError
    ValueError,  # a mirror that is no URL
    _WrongBytesError,
)


def _fetch_from(url: str, expected_md5: str, target: Path, show: Show) -> Path:
    part = target.with_name(target.name + ".part")
    resumed = part.exists() and part.stat().st_size > 0
    complete = _download(url, part, target.name, show)
    if md5(part) != expected_md5 and resumed:  # the part may come from another mirror or version: start again
        part.unlink()
        complete = _download(url, part, target.name, show)
    if (actual_md5 := md5(part)) != expected_md5:
        if not complete:
            raise ConnectionError(f"ended after {part.stat().st_size:,} bytes without saying whether that is all")
        part.unlink()
        raise _WrongBytesError(f"md5 is {actual_md5}, not {expected_md5}")
    return part.replace(target)


def _download(url: str, part: Path, name: str, show: Show) -> bool:
    """Append the missing bytes of `url` to `part`. A server that cannot resume sends the whole file, which replaces it.

    Returns whether the file is known to be complete: False where the server did not state its length.
    """
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # nothing after `done`: the part is whole, and its md5 is checked next
            return True
        raise
    if answer.headers.get_content_type() == "text/html":  # for example from a portal that wants a login first
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
