"""Durations as people write them ("30min", "6h", "1d 12h"), in seconds and in steps of a series."""

import re

import numpy as np

from research.data.series.months import months_in
from research.errors import UserError, printable

UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "min": 60, "s": 1}  # seconds
DAY = UNITS["d"]
MONTHS = {"month": 1, "mo": 1, "quarter": 3, "q": 3, "year": 12, "y": 12}  # plurals are read as well
_PART = r"(\d+(?:\.\d+)?)\s*(w|d|h|min|s)"


def seconds_of(text: str) -> int:
    """The seconds of a duration: the sum of numbers with the units s, min, h, d or w.

    Raises UserError for any other text, and for a sum that is no whole number of seconds, 1 or more.
    """
    lean = text.strip().lower()
    if not re.fullmatch(rf"(?:{_PART}\s*)+", lean, re.ASCII) or len(lean) > 40:
        raise UserError(f"{text[:40]!r} is no duration; write a number and s, min, h, d or w, as in 30min or 6h")
    total = sum(float(number) * UNITS[unit] for number, unit in re.findall(_PART, lean))
    if total != round(total) or not 1 <= total < 2**31:
        raise UserError(f"{text[:40]!r} is no whole number of seconds from 1 to 2,147,483,647; give another")
    return round(total)


def steps_of(text: str, step: np.timedelta64, flag: str = "") -> int:
    """The number of steps of a series that `text` means: a number ("72") or a duration ("6h", "2 years").

    Raises UserError, naming `flag`, for a duration that is no whole number of steps, and for less than one step.
    """
    lean = text.strip()
    if re.fullmatch(r"\d{1,9}", lean, re.ASCII) and int(lean):
        return int(lean)
    if re.fullmatch(r"[\d\s.+-]*", lean, re.ASCII):
        raise UserError(f"{text[:40]!r} is no number of steps; give 1 or more, or a duration such as 6h")
    if months_in(step):
        return _steps_of_months(text, step, flag)
    seconds, length = seconds_of(text), seconds_in(step)
    if seconds % length:
        near = [format_duration(count * length) for count in (seconds // length, seconds // length + 1) if count]
        raise UserError(
            f"{_named(text, flag)} is no whole number of steps of {format_duration(length)}; give {' or '.join(near)}"
        )
    return seconds // length


def seconds_in(step: np.timedelta64) -> int:
    """The whole seconds of a numpy duration that is not in months."""
    return int(step / np.timedelta64(1, "s"))


def format_duration(length: int | np.timedelta64) -> str:
    """A duration (seconds or a numpy duration) in its two largest units: "5 min", "1 d 6 h", "3 months", "1 year"."""
    if isinstance(length, np.timedelta64):
        months = months_in(length)
        return _format_months(months) if months else format_duration(seconds_in(length))
    seconds, parts = length, []
    for unit, size in list(UNITS.items())[1:]:  # weeks are written in days
        if seconds >= size and len(parts) < 2:
            parts.append(f"{seconds // size:,} {unit}")
            seconds %= size
    return " ".join(parts) or "0 s"


def _format_months(months: int) -> str:
    count, unit = (months, "month") if months % 12 else (months // 12, "year")
    return f"{count:,} {unit}{'' if count == 1 else 's'}"


def _steps_of_months(text: str, step: np.timedelta64, flag: str) -> int:
    match = re.fullmatch(r"(\d{1,6})\s*([a-z]+?)s?", text.strip().lower(), re.ASCII)
    months = int(match[1]) * MONTHS.get(match[2], 0) if match else 0
    if not months or months % months_in(step):
        raise UserError(
            f"{_named(text, flag)} is no whole number of steps of {format_duration(step)}; give a number of steps, "
            "as in 12, or whole months or years, as in 2 years"
        )
    return months // months_in(step)


def _named(text: str, flag: str) -> str:
    return f"{flag} {printable(text)}".strip()
