"""Times as files hold them: text, dates, or numbers; as instants or as what a clock showed."""

import datetime
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from research.data.series.numeric_times import counted_times, is_number, number_texts
from research.data.series.text_times import text_times
from research.errors import UserError

YEARS = (1678, 2261)  # those that pandas can count in nanoseconds


class Stamps(NamedTuple):
    """`times` datetime64[ms] [N]: instants (UTC) where `absolute`, else what a wall clock showed.

    notes: (field of SeriesFindings, number of times, index of the first) for ways of reading that the user should know.
    """

    times: np.ndarray
    absolute: bool
    notes: tuple[tuple[str, int, int], ...] = ()


class Read(NamedTuple):
    """What the clock showed, datetime64[ms] [N] (NaT where empty), and its offset from UTC, where it says one."""

    local: np.ndarray
    offsets: np.ndarray | None
    notes: tuple[tuple[str, int, int], ...] = ()


def stamps_of(column: Any, rows: np.ndarray, where: str, *, day_first: bool, time_zone: str | None) -> Stamps:
    """The times of a pandas column of text, dates or numbers; `rows` [N] are the numbers of its rows, for messages.

    Text: years come first (ISO 8601), or else months, or days if `day_first`. Numbers: 20160131 and the like, Unix
    times in UTC, or a spreadsheet's day numbers. Times that carry offsets from UTC are instants where a `time_zone` is
    named; without one they are taken as they read, which needs one offset for all and is noted. Raises UserError for
    the first time that is none, by its row, and for offsets that change.
    """
    read = _read(column, rows, where, day_first)
    unknown = np.isnat(read.local)
    if unknown.any():
        raise UserError(f"{where}: row {rows[unknown.argmax()]} has no time; give it one, or leave the row out")
    check_years(read.local, rows, where)
    if read.offsets is None:
        return Stamps(read.local, False, read.notes)
    if time_zone is not None:
        return Stamps(read.local - read.offsets, True, read.notes)
    changed = read.offsets != read.offsets[0]
    if changed.any():
        raise UserError(
            f"{where}: row {rows[changed.argmax()]}: the offset from UTC changes; name the place, as in "
            "--data.time-zone America/Los_Angeles"
        )
    unix = any(kind == "unix" for kind, _, _ in read.notes)
    notes = read.notes if unix else (*read.notes, ("offsets", len(read.local), 0))
    return Stamps(read.local, False, notes)


def check_years(times: np.ndarray, rows: np.ndarray, where: str) -> None:
    """Raises UserError for the first of `times` (datetime64 [N]) in a year that is a slip of the pen."""
    years = times.astype("datetime64[Y]").astype(np.int64) + 1970
    beyond = (years < YEARS[0]) | (years > YEARS[1])
    if beyond.any():
        first = int(beyond.argmax())
        raise UserError(f"{where}: row {rows[first]}: its time is in the year {years[first]}; mend it")


def _read(column: Any, rows: np.ndarray, where: str, day_first: bool) -> Read:
    import pandas as pd  # slow to import

    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return Read(*_from_dates(column))
    numeric = pd.api.types.is_numeric_dtype(column.dtype)
    texts = number_texts(column) if numeric else column.where(column.notna(), "").astype(str).str.strip()
    first = next((text for text in texts if text), "")
    counted = counted_times(texts, rows, where) if is_number(first) else None
    if counted is None:
        return Read(*text_times(texts, rows, where, day_first))
    instants, kind = counted
    offsets = np.zeros(len(instants), "timedelta64[ms]") if kind == "unix" else None
    return Read(instants, offsets, ((kind, len(instants), 0),))


def _from_dates(column: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """What the clock showed, datetime64[ms], and its offset from UTC."""
    if column.dt.tz is None:
        return column.to_numpy("datetime64[ms]"), None
    local, utc = column.dt.tz_localize(None), column.dt.tz_convert(datetime.UTC).dt.tz_localize(None)
    return local.to_numpy("datetime64[ms]"), (local - utc).to_numpy("timedelta64[ms]")


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
