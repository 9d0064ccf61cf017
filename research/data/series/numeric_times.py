"""Times written as numbers: Unix times and the day numbers of spreadsheets."""

import re
from typing import Any

import numpy as np

from research.errors import UserError

NUMBER = r"\d+(?:[.,]\d+)?"
# Digits of a date: 2016, 201601, 20160131, 2016013123, 201601312355 and 20160131235500. These are no counts.
CALENDAR = (
    r"(?:18|19|20|21)\d\d(?:(?:0[1-9]|1[0-2])(?:(?:0[1-9]|[12]\d|3[01])(?:(?:[01]\d|2[0-4])(?:[0-5]\d){0,2})?)?)?"
)
# {digits of a Unix time from 1973 on: its units per second}: seconds, milliseconds, microseconds, nanoseconds.
UNIX = {9: 1, 10: 1, 12: 10**3, 13: 10**3, 15: 10**6, 16: 10**6, 18: 10**9, 19: 10**9}
# Days since 1899-12-30, as Excel and LibreOffice count them. Years 1970 to 2049 only: few other numbers look like them.
SPREADSHEET = (25569, 54789)
DAY_ZERO = np.datetime64("1899-12-30", "ms")
DAY_MS, MINUTE_MS = 86_400_000, 60_000


def is_number(text: str) -> bool:
    """Whether `text` is a number without a sign or an exponent."""
    return re.fullmatch(NUMBER, text, re.ASCII) is not None


def number_texts(column: Any) -> Any:
    """A pandas column of numbers as text without exponents; "" where unknown."""
    known = column.notna()
    texts = [_digits(cell) if is_known else "" for cell, is_known in zip(column.tolist(), known, strict=True)]
    return known.astype(object).mask(np.ones(len(column), bool), texts)


def _digits(cell: Any) -> str:
    return np.format_float_positional(cell, trim="-") if isinstance(cell, float) else str(cell)


def numeric_times(texts: Any, rows: np.ndarray, where: str) -> tuple[np.ndarray, str] | None:
    """Times datetime64[ms] [N] (NaT where empty) of a pandas column of text, and "unix" (UTC) or "excel".

    Returns None where all `texts` are digits of dates, and where most are no numbers. Raises UserError for a count from
    no known time, and for the first text of another kind than the first one.
    """
    known = (texts != "").to_numpy()
    plain = texts.str.fullmatch(NUMBER).to_numpy(bool)
    if texts[known].str.fullmatch(CALENDAR).all() or 2 * plain.sum() < known.sum():
        return None
    numbers = texts.where(plain, "").str.replace(",", ".").to_numpy(object)
    kinds = np.array([_kind(number) for number in numbers], object)
    first = kinds[known.argmax()]
    wrong = known & ((kinds != first) | (kinds == ""))
    if wrong.any():
        index = int(wrong.argmax())
        raise _no_time(texts.iloc[index], int(rows[index]), where)
    times = np.full(len(texts), np.datetime64("NaT", "ms"))
    if first == "excel":
        times[known] = _from_days(numbers[known])
        return times, "excel"
    times[known] = _from_unix(numbers[known], int(first))
    return times, "unix"


def _kind(number: str) -> str:
    """ "excel" for a day number, the units per second (as text) for a Unix time, or "" for neither."""
    whole = number.partition(".")[0]
    if len(whole) == 5 and SPREADSHEET[0] <= int(whole) < SPREADSHEET[1]:
        return "excel"
    return str(UNIX[len(whole)]) if len(whole) in UNIX and whole[0] != "0" else ""


def _from_unix(numbers: np.ndarray, per_second: int) -> np.ndarray:
    whole = np.array([int(number.partition(".")[0]) for number in numbers], np.int64)
    if per_second > 1000:
        return (whole // (per_second // 1000)).astype("datetime64[ms]")
    parts = np.array([float("0." + (number.partition(".")[2] or "0")) for number in numbers])
    return ((whole * 1000 + np.rint(parts * 1000).astype(np.int64)) // per_second).astype("datetime64[ms]")


def _from_days(numbers: np.ndarray) -> np.ndarray:
    """Times of day numbers, rounded to minutes if the written digits allow it for all (42370.0417 is 1:00).

    Otherwise they are rounded to seconds.
    """
    milliseconds = numbers.astype(float) * DAY_MS
    digits = max(len(number.partition(".")[2]) for number in numbers)
    minutes = np.rint(milliseconds / MINUTE_MS) * MINUTE_MS
    near = np.abs(milliseconds - minutes) <= 0.5 * 10.0**-digits * DAY_MS + 1
    rounded = minutes if near.all() else np.rint(milliseconds / 1000) * 1000
    return DAY_ZERO + rounded.astype(np.int64).astype("timedelta64[ms]")


def _no_time(text: str, row: int, where: str) -> UserError:
    return UserError(
        f"{where}: row {row}: {text[:40]!r} is no time: no date, no Unix time (seconds or milliseconds since 1970), "
        "no day number of a spreadsheet, or not what the first row has; write 2016-01-31 23:55, or name the column of "
        "times: --data.time"
    )
