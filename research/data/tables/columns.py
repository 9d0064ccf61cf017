"""One column of a table: numbers, truth values, or levels."""

import re
from typing import Any, Literal, NamedTuple

import numpy as np

from research.data.decimals import is_text, numbers_of
from research.errors import UserError

MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null")  # not None, which is a level of many tables
TRUTH = {"true": 1.0, "false": 0.0}
MOSTLY = 0.5  # share of a column's cells that are numbers from which another cell is a mistake
ID_NAME = re.compile(r"(^|[\W_])id$|^id([\W_]|$)|^unnamed: 0$|^index$", re.IGNORECASE)
CAMEL_ID = re.compile(r"[a-z](Id|ID)$")
ID_DISTINCT, ID_KNOWN = 0.95, 0.9  # shares of cells that differ, and are known, from which a column called id is one
SIGNS = re.compile(r"[\s$€£¥₹%'’,]")  # what is written around and within numbers
WHOLE = re.compile(r"([+-]?\d+)\.0*")
LARGEST = float(np.finfo(np.float32).max)
DISTINCT = 0.5  # share of rows with a text of their own from which a column is names, not levels
FEW_ROWS = 20


class Column(NamedTuple):
    """A column as it was read: `numbers` [N], NaN where missing, or `texts` [N], None where missing."""

    name: str
    kind: Literal["number", "text"]
    numbers: np.ndarray
    texts: np.ndarray  # object

    @property
    def known(self) -> np.ndarray:
        """Which cells are known: bool [N]."""
        return (
            np.isfinite(self.numbers) if self.kind == "number" else np.array([cell is not None for cell in self.texts])
        )


def read_column(
    name: str, numbers: Any, texts: Any, rows: np.ndarray, decimal: str, *, as_text: bool, na_level: bool
) -> Column:
    """The column `name` from the two frames of `sources.frames_of`.

    It holds numbers if all known cells are numbers or truth values (1 and 0), unless `as_text`. With `na_level` NA is a
    level. Raises UserError that names the row of an infinite number, and of a text among numbers.
    """
    found, unclear = _numbers(numbers, decimal)
    words = _words(texts, keep_na=na_level)
    text = Column(name, "text", np.full(len(rows), np.nan), words)
    if as_text:
        return text
    if unclear:
        raise UserError(
            f"column {name}: the commas or points of its numbers may be decimal or of thousands; write them without "
            "thousands separators"
        )
    infinite = np.flatnonzero(np.abs(found) > LARGEST)
    if len(infinite):
        raise UserError(
            f"column {name}, row {rows[infinite[0]]}: the number is infinite, or beyond float32; mend it, or empty the "
            "cell"
        )
    known = np.array([word is not None and word not in MISSING for word in words], bool)
    strange = np.flatnonzero(known & ~np.isfinite(found) & (words != "None"))
    if not len(strange) and np.isfinite(found).any():
        return Column(name, "number", found, words)
    if known.any() and np.isfinite(found).sum() >= MOSTLY * known.sum():
        raise UserError(
            f"column {name}, row {rows[strange[0]]}: {str(words[strange[0]])[:40]!r} is no number, as the others are; "
            f"mend it, empty it, or give --data.categorical {name} (--data.classes for the target)"
        )
    dressed = [index for index in np.flatnonzero(known) if _is_dressed(str(words[index]))]
    if len(dressed) > MOSTLY * known.sum():
        raise UserError(
            f"column {name}, row {rows[dressed[0]]}: {str(words[dressed[0]])[:40]!r} is no plain number; write it "
            f"without signs and separators, or give --data.categorical {name} (--data.classes for the target)"
        )
    return text


def is_id(column: Column) -> bool:
    """Whether a column only names the rows: called id with hardly a value twice, counted from 0 or 1, or text that is
    different in each row.
    """
    known = column.known
    if len(known) < 3 or not known.any():
        return False
    values = (column.numbers if column.kind == "number" else column.texts)[known].tolist()
    distinct = len(set(values))
    if ID_NAME.search(column.name) or CAMEL_ID.search(column.name):
        return distinct >= ID_DISTINCT * len(values) and len(values) >= ID_KNOWN * len(known)
    if distinct < len(known):
        return False
    return column.kind == "text" or (values[0] in (0, 1) and bool(np.all(np.diff(values) == 1)))


def uninformative(column: Column, allowed: bool) -> str:
    """Why a column cannot help to predict; empty where it may. `allowed`: the user asked for its levels."""
    known = column.known
    if not known.any():
        return "no value at all"
    values = (column.numbers if column.kind == "number" else column.texts)[known].tolist()
    distinct = len(set(values))
    if distinct == 1 and known.all():
        return "the same in every row"
    if column.kind == "text" and not allowed and len(known) > FEW_ROWS and distinct > DISTINCT * len(known):
        return f"text with {distinct:,} different values in {len(known):,} rows"
    return ""


def _numbers(column: Any, decimal: str) -> tuple[np.ndarray, bool]:
    """The cells as numbers, NaN where they are none, and whether their commas or points cannot be told apart."""
    from pandas.api.types import is_bool_dtype  # slow to import

    if is_bool_dtype(column.dtype):
        return column.to_numpy(np.float64, na_value=np.nan), False
    if is_text(column):
        lowered = column.astype(object).map(lambda cell: TRUTH.get(str(cell).strip().lower(), np.nan))
        known = column.notna()
        if known.any() and lowered[known].notna().all():
            return lowered.to_numpy(np.float64), False
    found, _, unclear = numbers_of(column, decimal)
    return found, unclear


def _is_dressed(word: str) -> bool:
    """Whether a word is a number with signs around it or separators within, such as $1,200 or 12%."""
    return SIGNS.sub("", word).replace(".", "", 1).lstrip("+-").isdigit()


def _words(column: Any, *, keep_na: bool) -> np.ndarray:
    """The cells as stripped texts, None where they are missing."""
    missing = set(MISSING) - ({"NA"} if keep_na else set())
    words = np.empty(len(column), object)
    for index, (cell, absent) in enumerate(zip(column.tolist(), column.isna().tolist(), strict=True)):
        word = None if absent else _word(cell)
        words[index] = None if word is None or word in missing else word
    return words


def _word(cell: Any) -> str:
    """A cell as the text of its level: 20 and 20.0 are one level."""
    word = str(cell).strip()
    whole = WHOLE.fullmatch(word)
    return whole[1] if whole else word
