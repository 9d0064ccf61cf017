"""Times as files hold them: text in the usual forms, or dates of their own; as instants or as what a clock showed."""

import datetime
import re
import warnings
from typing import Any, NamedTuple

import numpy as np

from research.errors import UserError

FORMS = 4  # different ways of writing times within one column: midnight without its 0:00, seconds only where not 0
YEARS = (1678, 2261)  # those that pandas can count in nanoseconds
_OFFSET = r"\s*(Z|UTC|[+-]\d\d:?\d\d)$"


class Stamps(NamedTuple):
    """`times` datetime64[ms] [N]: instants (UTC) where `absolute`, else what a wall clock showed."""

    times: np.ndarray
    absolute: bool


def stamps_of(column: Any, rows: np.ndarray, where: str, *, day_first: bool, time_zone: str | None) -> Stamps:
    """The times of a pandas column of text or of dates; `rows` [N] are the numbers of its rows, for messages.

    Years come first (ISO 8601), or else months, or days if `day_first`. Times that carry offsets from UTC are instants
    where a `time_zone` is named; without one they are taken as they read, which needs one offset for all. Raises
    UserError for the first time that is none, by its row, and for offsets that change.
    """
    import pandas as pd  # slow to import

    if pd.api.types.is_numeric_dtype(column.dtype):
        raise UserError(
            f"{where}: row {rows[0]}: time {column.iloc[0]} is a number; write 2016-01-31 23:55, or name the column of "
            "times: --data.time"
        )
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        naive, offsets = _from_dates(column)
    else:
        naive, offsets = _from_text(column.where(column.notna(), "").astype(str), rows, where, day_first)
    unknown = np.isnat(naive)
    if unknown.any():
        raise UserError(f"{where}: row {rows[unknown.argmax()]} has no time; give it one, or leave the row out")
    check_years(naive, rows, where)
    if offsets is None:
        return Stamps(naive, False)
    if time_zone is None and (offsets != offsets[0]).any():
        row = rows[(offsets != offsets[0]).argmax()]
        raise UserError(
            f"{where}: row {row}: the offset from UTC changes; name the place, as in "
            "--data.time-zone America/Los_Angeles"
        )
    return Stamps(naive if time_zone is None else naive - offsets, time_zone is not None)


def check_years(times: np.ndarray, rows: np.ndarray, where: str) -> None:
    """Raises UserError for the first of `times` (datetime64 [N]) in a year that is a slip of the pen."""
    years = times.astype("datetime64[Y]").astype(np.int64) + 1970
    beyond = (years < YEARS[0]) | (years > YEARS[1])
    if beyond.any():
        first = int(beyond.argmax())
        raise UserError(f"{where}: row {rows[first]}: its time is in the year {years[first]}; mend it")


def _from_dates(column: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """What the clock showed, datetime64[ms], and its offset from UTC."""
    if column.dt.tz is None:
        return column.to_numpy("datetime64[ms]"), None
    local, utc = column.dt.tz_localize(None), column.dt.tz_convert(datetime.UTC).dt.tz_localize(None)
    return local.to_numpy("datetime64[ms]"), (local - utc).to_numpy("timedelta64[ms]")


def _from_text(texts: Any, rows: np.ndarray, where: str, day_first: bool) -> tuple[np.ndarray, np.ndarray | None]:
    texts = texts.str.strip()
    offsets = texts.str.extract(rf":\d\d(?:[.,]\d+)?{_OFFSET}", expand=False)  # after a time of day, no -2016
    if offsets.notna().any():
        bare = offsets.isna().to_numpy()
        if bare.any():
            raise UserError(f"{where}: row {rows[bare.argmax()]} has no offset from UTC as others have; give it to all")
        texts = texts.str.replace(_OFFSET, "", regex=True)
        return _parsed(texts, rows, where, day_first), offsets.map(_seconds).to_numpy("timedelta64[s]")
    return _parsed(texts, rows, where, day_first), None


def _seconds(offset: str) -> np.timedelta64:
    if offset in ("Z", "UTC"):
        return np.timedelta64(0, "s")
    sign = -1 if offset[0] == "-" else 1
    return np.timedelta64(sign * (int(offset[1:3]) * 3600 + int(offset[-2:]) * 60), "s")


def _parsed(texts: Any, rows: np.ndarray, where: str, day_first: bool) -> np.ndarray:
    """Texts in up to `FORMS` forms, each found from the first text that none before explains: datetime64[ms] [N]."""
    import pandas as pd

    found = np.full(len(texts), np.datetime64("NaT", "ms"))
    for _ in range(FORMS):
        left = np.flatnonzero(np.isnat(found) & (texts != "").to_numpy())
        if not len(left):
            break
        form = _form(texts.iloc[left[0]], int(rows[left[0]]), where, day_first)
        found[left] = pd.to_datetime(texts.iloc[left], format=form, errors="coerce").to_numpy("datetime64[ms]")
        if np.isnat(found[left[0]]):
            break
    left = np.flatnonzero(np.isnat(found) & (texts != "").to_numpy())
    if len(left):
        raise _unreadable(texts.iloc[left[0]], int(rows[left[0]]), where, day_first)
    return found


def _form(text: str, row: int, where: str, day_first: bool) -> str:
    """How `text` writes a time, as strptime has it."""
    from pandas.tseries.api import guess_datetime_format

    if re.match(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return "ISO8601"
    year_first = re.match(r"\d{4}", text, re.ASCII) is not None
    half = re.search(r"\s*[AP]M$", text, re.IGNORECASE)  # of the day; pandas knows it of some hours only
    bare = text[: half.start()] if half else text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a first number that is a day or a month against `day_first`
        try:
            form = guess_datetime_format(bare, dayfirst=day_first and not year_first) or ""
        except (ValueError, OverflowError):
            form = ""
    whole = "%Y" in form and "%d" in form and re.search("%[mbB]", form)
    if not whole or (not year_first and "%m" in form and (form.index("%d") < form.index("%m")) != day_first):
        raise _unreadable(text, row, where, day_first)
    return form.replace("%H", "%I") + re.sub("[AP]M", "%p", half[0], flags=re.IGNORECASE) if half else form


def _unreadable(text: str, row: int, where: str, day_first: bool) -> UserError:
    turn = "leave out --data.day-first if months are" if day_first else "give --data.day-first if days are first"
    return UserError(f"{where}: row {row}: {text[:40]!r} is no time; write 2016-01-31 23:55, or {turn}")
