"""Numbers as spreadsheets write them: with decimal commas and thousands separators."""

from collections.abc import Sequence
from typing import Any

import numpy as np

SPACES = " '\u00a0\u2019\u202f"  # thousands separators besides the comma and the point
COMMA = rf"[+-]?(?:\d*|[1-9]\d{{0,2}}(?:[.{SPACES}]\d{{3}})+)(?:,\d+)?(?:[eE][+-]?\d+)?"
POINT = rf"[+-]?(?:\d*|[1-9]\d{{0,2}}(?:[,{SPACES}]\d{{3}})+)(?:\.\d+)?(?:[eE][+-]?\d+)?"
THOUSANDS = r"[+-]?[1-9]\d{0,2}\.\d{3}"


def column_mark(column: Any) -> str:
    """The decimal mark that the cells of a pandas column show: "," or ".", or "?" where both occur.

    "both" where every comma may be a decimal mark or a thousands separator; "" without commas, and where most cells are
    no numbers.
    """
    cells = _texts(column)
    comma, point = cells.str.fullmatch(COMMA), cells.str.fullmatch(POINT)
    if not len(cells) or 2 * (comma | point).sum() < len(cells):
        return ""
    shown = ("," if (comma & ~point).any() else "") + ("." if (point & ~comma).any() else "")
    if not shown:
        return "both" if cells.str.contains(",", regex=False).any() else ""
    return shown if len(shown) == 1 else "?"


def file_mark(columns: Sequence[Any], *, semicolons: bool, points: bool) -> str:
    """The decimal mark of a file, ",", "." or "?" (unknown), for columns of text that do not show their own.

    It is the mark that other `columns` of text show. Where none does, a file delimited by `semicolons` has decimal
    commas, unless there are columns of fractions with `points`, or one mixes 1,234 and whole numbers below 1,000.
    """
    marks = {column_mark(column) for column in columns}
    if {",", "."} <= marks:
        return "?"
    for mark in (",", "."):
        if mark in marks:
            return mark
    if "both" not in marks or points == semicolons:
        return "." if "both" not in marks else "?"
    mixed = any(_mixes_whole(_texts(column), ",") for column in columns if column_mark(column) == "both")
    return "." if not semicolons else "?" if mixed else ","


def points_mark(columns: Sequence[Any]) -> tuple[str, list[int]]:
    """The decimal mark of a file without commas in its numbers, "." or "?" (unknown), for its `columns` of text.

    It is unknown where a column mixes whole numbers below 1,000 and numbers such as 1.234, and none shows decimals.
    Also returns the indices of columns of which all numbers are such as 1.234, where nothing shows what they are: they
    are read as decimals, which most of such columns are.
    """
    cells = {index: _texts(column) for index, column in enumerate(columns)}
    pointed = {
        index: _mark_of_points(each)
        for index, each in cells.items()
        if each.str.contains(".", regex=False).any() and 2 * each.str.fullmatch(POINT).sum() >= len(each)
    }
    mark = "." if "." in pointed.values() or "," not in pointed.values() else "?"
    return mark, list(pointed) if set(pointed.values()) == {"?"} else []


def numbers_of(column: Any, decimal: str) -> tuple[np.ndarray, int, bool]:
    """The cells of a pandas column of any type as float64 [N]; results as those of `as_numbers`."""
    import pandas as pd  # slow to import

    types = pd.api.types
    if types.is_bool_dtype(column.dtype) or types.is_datetime64_any_dtype(column.dtype):
        return np.full(len(column), np.nan), 0, False
    try:
        if is_text(column):
            return as_numbers(column.astype(str).where(column.notna()), decimal)
        known: Any = column
        if not types.is_numeric_dtype(column.dtype):
            known = pd.to_numeric(column.astype(object), errors="coerce")
        return known.to_numpy(np.float64, na_value=np.nan), 0, False
    except (TypeError, ValueError, OverflowError):  # lists, times of day and so on
        return np.full(len(column), np.nan), 0, False


def as_numbers(column: Any, mark: str) -> tuple[np.ndarray, int, bool]:
    """The texts of a pandas column as float64 [N], NaN where they are no numbers, in a file of decimal mark `mark`.

    Also returns the number of cells with a decimal comma or thousands separators, and whether these cannot be told
    from each other; such cells are NaN.
    """
    own = column_mark(column)
    used = own.replace("both", mark) or _used_for_points(_texts(column), mark)
    cells = column.str.strip()
    if used == "?":
        known = cells if own else cells.mask(cells.str.contains(".", regex=False, na=False))
        return _converted(known), 0, True
    signs, form = (f"[.{SPACES}]", COMMA) if used == "," else (f"[,{SPACES}]", POINT)
    plain = cells.str.replace(signs, "", regex=True).str.replace(",", ".", regex=False)
    changed = (cells.str.fullmatch(form, na=False) & (plain != cells)).to_numpy(bool)
    return _converted(cells.mask(changed, plain)), int(changed.sum()), False


def is_text(column: Any) -> bool:
    """Whether all known cells of a pandas column are text."""
    import pandas as pd

    return pd.api.types.infer_dtype(column, skipna=True) == "string"


def _converted(cells: Any) -> np.ndarray:
    import pandas as pd  # slow to import

    numbers: Any = pd.to_numeric(cells.astype(object), errors="coerce")
    return numbers.to_numpy(np.float64, na_value=np.nan)


def _used_for_points(cells: Any, mark: str) -> str:
    """The decimal mark of a column with points but no commas, in a file of decimal mark `mark`: ",", "." or "?"."""
    shown = "." if mark == "." else _mark_of_points(cells)
    return mark if shown == "," else shown


def _mark_of_points(cells: Any) -> str:
    """The decimal mark that a column with points but no commas shows, where commas may be decimal: ",", "." or "?"."""
    dotted = cells.str.contains(".", regex=False)
    if not cells[dotted].str.fullmatch(THOUSANDS).all() or not dotted.any():
        return "."
    if dotted.all():
        return "?"
    return "," if _mixes_whole(cells, ".") else "."


def _mixes_whole(cells: Any, sign: str) -> bool:
    """Whether there are cells without `sign`, all of at most three digits."""
    plain = cells[~cells.str.contains(sign, regex=False)]
    return len(plain) > 0 and plain.str.count(r"\d").max() <= 3


def _texts(column: Any) -> Any:
    return column.dropna().str.strip()
