"""Several columns that make one time: date and time of day, or year, month, day and hour."""

from collections.abc import Sequence
from typing import Any

import numpy as np

WHOLE = r"\d{1,4}(?:\.0)?|\d{5,6}"
YEAR = r"\d{4}(?:\.0)?"
DAY = r"(?:1899-12-3[01]|1900-01-0[01]|0 days) "  # what spreadsheets and pandas put before a time of day alone
MIDNIGHT = r"[T ]0?0:00(?::00(?:\.0+)?)?$"  # what they put behind a date alone


def joined_times(columns: Sequence[Any]) -> Any:
    """One pandas column of text from `columns`, in the order of date and time of day; "" where any cell is empty.

    The first holds dates, or the years that months, and perhaps days, follow in the next columns. The others hold times
    of day (12:30, 1230), or hours, minutes and seconds as whole numbers. What is not so is joined as it stands.
    """
    texts = [_text(column) for column in columns]
    years = texts[0][texts[0] != ""].str.fullmatch(YEAR).all()
    dates = 1 + (sum(map(_whole, texts[1:3])) if years else 0)
    date = texts[0].str.replace(MIDNIGHT, "", regex=True)
    if dates > 1:
        date = _padded(texts[0], 4).str.cat([_padded(text, 2) for text in texts[1:dates]], sep="-")
    clock = texts[dates:]
    if clock and all(map(_whole, clock)):
        clock = [_clock(clock)]
    time = date.str.cat([text.str.replace("^" + DAY, "", regex=True) for text in clock], sep=" ") if clock else date
    empty = np.any([(text == "").to_numpy(bool) for text in texts], axis=0)
    return time.mask(empty, "")


def _text(column: Any) -> Any:
    return column.where(column.notna(), "").astype(str).str.strip()


def _whole(texts: Any) -> bool:
    return bool(texts[texts != ""].str.fullmatch(WHOLE).all())


def _padded(texts: Any, width: int) -> Any:
    return texts.str.removesuffix(".0").str.zfill(width)


def _clock(parts: Sequence[Any]) -> Any:
    """Whole hours and what follows them, or whole numbers like 930 and 93000, as 09:30:00."""
    if len(parts) > 1:
        return _padded(parts[0], 2).str.cat([_padded(part, 2) for part in parts[1:]], sep=":")
    padded = parts[0].str.fullmatch(r"\d{3,}").all()
    largest = parts[0].mask(parts[0] == "", "0").str.removesuffix(".0").astype(int).max()
    if largest <= 24 and not padded:
        return _padded(parts[0], 2) + ":00"
    digits = _padded(parts[0], 4 if largest <= 2400 else 6)
    return digits.str.replace(r"(\d\d)(?=\d)", r"\1:", regex=True)
