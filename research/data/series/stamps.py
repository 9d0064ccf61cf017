"""Times as files hold them: text, dates, or numbers; as instants or as what a clock showed."""

import datetime
from typing import Any, NamedTuple

import numpy as np

from research.data.series.counted_times import counted_times, is_number, number_texts
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
