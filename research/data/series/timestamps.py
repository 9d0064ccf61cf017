"""Columns of times: text, dates or numbers, alone or in several columns, as UTC instants or local clock times."""

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from research.data.series.numeric_times import is_number, number_texts, numeric_times
from research.data.series.text_times import text_times
from research.errors import UserError

YEARS = (1678, 2261)  # the years that pandas can count in nanoseconds
DATE = r"\d{4}-\d\d?-\d|\d\d?[./-]\d\d?[./-]\d{4}"  # the beginning of a date


class Timestamps(NamedTuple):
    """`times` datetime64[ms] [N]: UTC instants if `absolute`, else local clock times.

    notes: (field of SeriesFindings, number of times, index of the first) for each way of reading to report. offset:
    that of local times from UTC, of Unix times 0; None where it is unknown.
    """

    times: np.ndarray
    absolute: bool
    notes: tuple[tuple[str, int, int], ...] = ()
    offset: np.timedelta64 | None = None


def read_timestamps(column: Any, rows: np.ndarray, where: str, *, day_first: bool, time_zone: str | None) -> Timestamps:
    """The times of a pandas column of text, dates or numbers; `rows` [N] are the row numbers for messages.

    Text has the year first (ISO 8601), or else the month, or the day if `day_first`. Numbers are digits of a date such
    as 20160131, Unix times in UTC, or a spreadsheet's day numbers. Times with offsets from UTC become instants if
    there is a `time_zone`. Without one, they are read as local times, which needs a single offset and is noted. Raises
    UserError for the first text that is no time, by its row, and for offsets that change.
    """
    local, offsets, notes = _read(column, rows, where, day_first)
    unknown = np.isnat(local)
    if unknown.any():
        raise UserError(f"{where}: row {rows[unknown.argmax()]} has no time; give it one, or leave the row out")
    check_years(local, rows, where)
    if offsets is None:
        return Timestamps(local, False, notes)
    if time_zone is not None:
        return Timestamps(local - offsets, True, notes)
    changed = offsets != offsets[0]
    if changed.any():
        raise UserError(
            f"{where}: row {rows[changed.argmax()]}: the offset from UTC changes; name the place, as in "
            "--data.time-zone America/Los_Angeles"
        )
    unix = any(kind == "unix" for kind, _, _ in notes)
    return Timestamps(local, False, notes if unix else (*notes, ("offsets", len(local), 0)), offsets[0])


def at_offset(timestamps: Timestamps, offset: np.timedelta64) -> Timestamps:
    """Local `timestamps` on a clock with this `offset` from UTC; those without an offset are assumed to have it."""
    times, own = timestamps.times, timestamps.offset
    if own == offset:
        return timestamps
    if own is None:
        return timestamps._replace(notes=(*timestamps.notes, ("bare", len(times), 0)), offset=offset)
    notes = [note for note in timestamps.notes if note[0] not in ("offsets", "unix")]
    return Timestamps(times + (offset - own), False, (*notes, ("converted", len(times), 0)), offset)


def check_years(times: np.ndarray, rows: np.ndarray, where: str) -> None:
    """Raises UserError for the first of `times` (datetime64 [N]) in a year outside `YEARS`."""
    years = times.astype("datetime64[Y]").astype(np.int64) + 1970
    beyond = (years < YEARS[0]) | (years > YEARS[1])
    if beyond.any():
        first = int(beyond.argmax())
        raise UserError(f"{where}: row {rows[first]}: its time is in the year {years[first]}; mend it")


def holds_dates(column: Any) -> bool:
    """Whether a pandas column is of dates, or its first known cell begins with one."""
    import pandas as pd  # slow to import

    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return True
    known = column.dropna()
    return len(known) > 0 and re.match(DATE, str(known.iloc[0]).strip(), re.ASCII) is not None


def _read(
    column: Any, rows: np.ndarray, where: str, day_first: bool
) -> tuple[np.ndarray, np.ndarray | None, tuple[tuple[str, int, int], ...]]:
    """Local clock times, datetime64[ms] [N] (NaT where empty); their offsets from UTC, if they have any; the notes."""
    import pandas as pd  # slow to import

    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return *_from_dates(column), ()
    is_numeric = pd.api.types.is_numeric_dtype(column.dtype)
    texts = number_texts(column) if is_numeric else column.where(column.notna(), "").astype(str).str.strip()
    first = next((text for text in texts if text), "")
    numeric = numeric_times(texts, rows, where) if is_number(first) else None
    if numeric is None:
        return text_times(texts, rows, where, day_first)
    times, kind = numeric
    offsets = np.zeros(len(times), "timedelta64[ms]") if kind == "unix" else None
    return times, offsets, ((kind, len(times), 0),)


def _from_dates(column: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Local clock times, datetime64[ms], and their offsets from UTC."""
    if column.dt.tz is None:
        return column.to_numpy("datetime64[ms]"), None
    local, utc = column.dt.tz_localize(None), column.dt.tz_convert(datetime.UTC).dt.tz_localize(None)
    return local.to_numpy("datetime64[ms]"), (local - utc).to_numpy("timedelta64[ms]")


WHOLE = r"\d{1,4}(?:\.0)?|\d{5,6}"
YEAR = r"\d{4}(?:\.0)?"
CENTURIES = r"(?:18|19|20|21)\d\d(?:\.0)?"
# Numbers of the parts of an hour, from 0 or 1 on: half-hours, thirds, quarters, 10 and 5 minutes.
COUNTS = [{*range(first, first + count)} for count in (2, 3, 4, 6, 12) for first in (0, 1)]
DAY = r"(?:1899-12-3[01]|1900-01-0[01]|0 days) "  # spreadsheets and pandas write it before a bare time of day
MIDNIGHT = r"[T ]0?0:00(?::00(?:\.0+)?)?$"  # they write it after a bare date


def joined_times(columns: Mapping[str, Any], where: str) -> Any:
    """Join pandas columns of a date and a time of day, in this order, to one column of text; "" where a cell is empty.

    The first column holds dates, or years that are followed by columns of months and perhaps days. The rest hold times
    of day (12:30, 1230), or hours, minutes and seconds as whole numbers. Other cells are joined unchanged.
    Raises UserError for whole numbers that count parts of a day or an hour, such as half-hours from 1 to 48, and for
    years that are not first.
    """
    texts = [_text(column) for column in columns.values()]
    _refuse_other_order(texts, where)
    years = texts[0][texts[0] != ""].str.fullmatch(YEAR).all()
    dates = 1 + (sum(map(_whole, texts[1:3])) if years else 0)
    date = texts[0].str.replace(MIDNIGHT, "", regex=True)
    if dates > 1:
        date = _padded(texts[0], 4).str.cat([_padded(text, 2) for text in texts[1:dates]], sep="-")
    clock = texts[dates:]
    if clock and all(map(_whole, clock)):
        _refuse_counts(clock, list(columns)[dates:], where)
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


def _refuse_other_order(texts: Sequence[Any], where: str) -> None:
    """Raises UserError where days or months come first, and years in a later column."""
    if texts[0].str.fullmatch(r"\d\d?(?:\.0)?").all() and any(
        each.str.fullmatch(CENTURIES).all() for each in texts[1:]
    ):
        raise UserError(f"{where}: name years first, then months and days: --data.time Year Month Day Hour")


def _refuse_counts(parts: Sequence[Any], names: Sequence[str], where: str) -> None:
    """Raises UserError for a single column that counts, and for minutes such as 1 to 4 alone at several hours."""
    cells = [set(part[part != ""].str.removesuffix(".0").astype(int)) for part in parts]
    periods = len(parts) == 1 and _counts(cells[0], padded=bool(parts[0].str.fullmatch(r"\d{3,}").any()))
    if periods or (len(parts) > 1 and len(cells[0]) > 1 and cells[1] in COUNTS):
        fault = f"{names[0]!r} goes to {max(cells[0])}" if periods else f"{names[1]!r} goes to {max(cells[1])} alone"
        part = "the day" if periods else "the hour"
        raise UserError(
            f"{where}: {fault}, as numbers of parts of {part} do, not times; write times of day such as 12:30"
        )


def _counts(cells: set[int], *, padded: bool) -> bool:
    """Whether numbers are of seconds, minutes or other parts of the day, not hours, 1230 or 123000.

    Those reach from 25 to 99, or more than a tenth of them would have 60 minutes or seconds, or more.
    """
    largest = max(cells, default=0)
    digits = (1, 100) if largest > 2400 else (1,)
    beyond = sum(any(cell // unit % 100 >= 60 for unit in digits) for cell in cells)
    return (24 < largest < 100 and not padded) or beyond > 0.1 * len(cells)


def _clock(parts: Sequence[Any]) -> Any:
    """09:30:00 from whole hours, minutes and seconds, or from whole numbers such as 930 and 93000."""
    if len(parts) > 1:
        return _padded(parts[0], 2).str.cat([_padded(part, 2) for part in parts[1:]], sep=":")
    padded = parts[0].str.fullmatch(r"\d{3,}").all()
    largest = parts[0].mask(parts[0] == "", "0").str.removesuffix(".0").astype(int).max()
    if largest <= 24 and not padded:
        return _padded(parts[0], 2) + ":00"
    digits = _padded(parts[0], 4 if largest <= 2400 else 6)
    return digits.str.replace(r"(\d\d)(?=\d)", r"\1:", regex=True)
