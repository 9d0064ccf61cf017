"""The help of a command for people: tyro's, in lines of the terminal's width and without defaults that say nothing."""

import inspect
import io
import re
import shutil
import sys
import textwrap

_EMPTY_DEFAULT = re.compile(r"\(default:(?:[ │|\n]*(?:None|''))?[ ]?\)")


def captured() -> io.TextIOWrapper:
    """A stream like stdout, so that tyro draws the frames that stdout can show."""
    encoding = (sys.stdout.encoding or "utf-8").lower()  # tyro takes UTF-8 in capitals for one without frames
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace", newline="\n")


def readable(text: str, about: str) -> str:
    """tyro's help `text` with `about`, paragraphs of any indentation, between its usage and its options."""
    usage, _, boxes = text.partition("\n\n")
    paragraphs = [textwrap.fill(words, width()) for words in re.split(r"\n\s*\n", inspect.cleandoc(about))]
    called = textwrap.fill(_none_last(usage), width(), subsequent_indent=" " * 7, break_on_hyphens=False)
    return "\n\n".join([called, *paragraphs, without_empty_defaults(boxes)]).rstrip() + "\n"


def without_empty_defaults(boxes: str) -> str:
    """`boxes` without defaults of None, () and ''; `{None}|INT` becomes `INT|None`. The frames stay straight."""
    blanked = _EMPTY_DEFAULT.sub(lambda found: re.sub(r"[^ │|\n]", " ", found.group()), boxes)
    pairs = zip(boxes.splitlines(), blanked.splitlines(), strict=True)
    return "\n".join(_none_last(after) for before, after in pairs if after.strip("│| ") or not before.strip("│| "))


def width() -> int:
    """The columns of the terminal; 80 where there is none."""
    return shutil.get_terminal_size().columns


def _none_last(line: str) -> str:
    """`line` with None named last, as long as before: the column to the right of a flag stays where it is."""
    line = re.sub(r"\{None\}\|(\{[^}]*\}|[^\s\]]+)(?=  )", r"\1|None  ", line)
    shorter = re.sub(r"\{None\}\|(\{[^}]*\}|[^\s\]]+)", r"\1|None", line)
    return shorter[:-1] + " " * (len(line) - len(shorter)) + shorter[-1:] if shorter.endswith(("│", "|")) else shorter
