"""Text files as other programs write them: in which encoding, and what sets their cells apart."""

import codecs
import re
from pathlib import Path

CHUNK = 1 << 20  # bytes
MARKS = "\t;|,"  # where two would do: a comma may stand within a cell


def encoding_of(path: Path) -> str:
    """ "utf-8-sig" (with a byte-order mark or without), or "utf-16", "utf-16-le" or "utf-16-be", or else "cp1252"."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        head = file.read(CHUNK)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        for offset, name in ((1, "utf-16-le"), (0, "utf-16-be")):  # without a mark: every other byte of digits is zero
            if head[offset::2].count(0) > len(head) / 4 and head[1 - offset :: 2].count(0) < len(head) / 100:
                return name
        try:
            while head:
                decoder.decode(head)
                head = file.read(CHUNK)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"


def header_of(path: Path, encoding: str) -> tuple[str, str, int]:
    """The header line of a CSV file, the character that sets cells apart, and how many lines come before it.

    One line may: `sep=;` as spreadsheets have it, which names that character.
    """
    with path.open(encoding=encoding, errors="backslashreplace", newline="") as file:
        first, second = file.readline(CHUNK), file.readline(CHUNK)
        if named := re.fullmatch(r'"?sep=(.)"?\s*', first.removeprefix("\ufeff"), re.IGNORECASE | re.DOTALL):
            return second, named[1], 1
    lines = [re.sub(r'"[^"]*"', "", line) for line in (first, second) if line.strip()]
    return first, max(MARKS, key=lambda mark: min(line.count(mark) for line in lines)) if lines else ",", 0
