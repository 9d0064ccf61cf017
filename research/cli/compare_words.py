"""The command line of compare.py, taken apart: configurations and runs, its own flags, and those of train.py."""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from research.errors import UserError

VARY = "--vary optimizer.learning-rate 1e-3 3e-3"


class Words(NamedTuple):
    """`vary` holds (field, values) of each --vary; `flags` are those of the configurations."""

    places: list[str]
    vary: list[tuple[str, list[str]]]
    out: str | None
    flags: list[str]


def taken_apart(arguments: Sequence[str]) -> Words:
    """The words of `arguments`: configurations and runs first, then flags. UserError where one lacks its values."""
    count = next((index for index, word in enumerate(arguments) if _is_flag(word)), len(arguments))
    words = Words(list(arguments[:count]), [], None, [])
    for flag, *values in _groups(arguments[count:]):
        name, equals, value = flag.partition("=")
        if name == "--vary":
            words.vary.append(_varied([value, *values] if equals else values))
        elif name == "--out":
            words = words._replace(out=_only([value, *values] if equals else values))
        else:
            words.flags.extend([flag, *values])
    return words


def _groups(words: Sequence[str]) -> Iterator[list[str]]:
    """Each flag with the values after it; `words` begin with a flag."""
    starts = [index for index, word in enumerate(words) if _is_flag(word)]
    for start, end in itertools.pairwise([*starts, len(words)]):
        yield list(words[start:end])


def _is_flag(word: str) -> bool:
    return word.startswith("-") and not re.match(r"-\.?\d", word)  # -1e-3 is a number


def _varied(words: Sequence[str]) -> tuple[str, list[str]]:
    field, *values = words or [""]
    if not field or len(values) < 2:
        raise UserError(f"--vary needs a field and two values or more: {VARY}")
    if twice := next((value for value in values if values.count(value) > 1), ""):
        raise UserError(f"--vary {field} has the value {twice} twice")
    return field, values


def _only(values: Sequence[str]) -> str:
    if len(values) != 1 or not values[0]:
        raise UserError("--out takes one folder; configurations and runs come before all flags")
    return values[0]
