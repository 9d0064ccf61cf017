"""Clock times: calendar features, time zones, and changes of the clock."""

import datetime
import difflib
import zoneinfo
from collections.abc import Sequence
from typing import Any

import numpy as np

from research.data.series.durations import DAY, UNITS
from research.errors import UserError

PERIODS = ("time_of_day", "day_of_week", "time_of_year")


def calendar_features(times: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Sine and cosine of each of `names` at `times` (datetime64 [T], local): float32 [T, 2 * len(names)].

    time_of_day has its period of a day from midnight. day_of_week has that of a week from Monday, in whole days.
    time_of_year has that of a year from the first of January, in whole days.
    """
    days, seconds = days_and_seconds(times)
    turns = {"time_of_day": seconds / DAY, "day_of_week": weekday(days) / 7, "time_of_year": _of_year(times)}
    angles = [2 * np.pi * turns[name] for name in names]
    waves = [wave(angle) for angle in angles for wave in (np.sin, np.cos)]
    return np.stack(waves, axis=-1).astype(np.float32) if waves else np.zeros((len(times), 0), np.float32)


def _of_year(times: np.ndarray) -> np.ndarray:
    years = times.astype("datetime64[Y]")
    first, last = (year.astype("datetime64[D]") for year in (years, years + np.timedelta64(1, "Y")))
    return (times.astype("datetime64[D]") - first) / (last - first)


def days_and_seconds(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Days since 1970-01-01 and seconds since midnight of `times`: int64, of the same shape."""
    seconds = times.astype("datetime64[s]").astype(np.int64)
    return seconds // DAY, seconds % DAY


def weekday(days: np.ndarray) -> np.ndarray:
    """The day of the week, 0 for Monday, of `days` since 1970-01-01 (a Thursday)."""
    return (days + 3) % 7


HOUR = UNITS["h"]
# Clocks change by an hour, on a Sunday before four in the morning, in spring or autumn of either hemisphere: true of
# nearly all zones of today (the tz database, https://www.iana.org/time-zones).
MONTHS = (3, 4, 9, 10, 11)
LATEST = 4 * HOUR


def check_zone(name: str | None) -> None:
    """Raises UserError, with the nearest name, unless `name` is None or a known time zone."""
    try:
        if name is not None:
            zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        near = difflib.get_close_matches(name or "", sorted(zoneinfo.available_timezones()), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "give one such as America/Los_Angeles"
        raise UserError(f"{(name or '')[:40]!r} is no time zone; {hint}") from error


def instants_of(times: np.ndarray, zone: str | None, rows: np.ndarray, where: str) -> np.ndarray:
    """UTC instants of local `times` (datetime64[s] [N], in the rows' order) in `zone`; `times` themselves without one.

    In the hour that repeats in autumn, rows after a step back, and rows that repeat an earlier time, are in the second
    round. Raises UserError, by the row, for an hour that the clock skips, and for times that go back otherwise.
    """
    import pandas as pd  # slow to import

    if zone is None:
        refuse_unsorted(times, _may_go_back(times), rows, where)
        return times
    index = pd.DatetimeIndex(times)
    skipped = index.tz_localize(zone, ambiguous=np.ones(len(times), bool), nonexistent="NaT").isna()
    if skipped.any():
        first = int(skipped.argmax())
        raise UserError(
            f"{where}: row {rows[first]}: {shown_time(times[first])} is in an hour that clocks in {zone} skip; "
            "name another --data.time-zone, or none"
        )
    twofold = index.tz_localize(zone, ambiguous="NaT").isna()
    refuse_unsorted(times, twofold[1:] & twofold[:-1], rows, where)
    zoned = index.tz_localize(zone, ambiguous=~_second(times, twofold))
    return zoned.tz_convert(datetime.UTC).tz_localize(None).to_numpy("datetime64[s]")


def refuse_unsorted(times: np.ndarray, allowed: np.ndarray, rows: np.ndarray, where: str) -> None:
    """Raises UserError, by the row, where `times` [N] go back and that is not `allowed` [N - 1]."""
    back = (np.diff(times) < np.timedelta64(0, "s")) & ~allowed
    if back.any():
        first = int(back.argmax()) + 1
        raise UserError(
            f"{where}: row {rows[first]}: time goes back from {shown_time(times[first - 1])} to "
            f"{shown_time(times[first])}; sort the rows, or name the column that tells series apart: --data.series"
        )


def wall_clock(instants: np.ndarray, zone: str | None) -> np.ndarray:
    """Local times in `zone` of UTC `instants`, datetime64[s]; `instants` themselves without a zone."""
    import pandas as pd

    if zone is None:
        return instants
    shown = pd.DatetimeIndex(instants).tz_localize(datetime.UTC).tz_convert(zone)
    return shown.tz_localize(None).to_numpy("datetime64[s]")


def is_change(start: Any, seconds: int) -> bool:
    """Whether `seconds` skipped or repeated from `start` on look like a change of the clock."""
    return seconds == HOUR and bool(may_change(np.array([start]))[0])


def may_change(times: np.ndarray) -> np.ndarray:
    """Whether clocks may change at `times` (datetime64 [N], local): bool [N]."""
    days, seconds = days_and_seconds(times)
    month = times.astype("datetime64[M]").astype(np.int64) % 12 + 1
    return (weekday(days) == 6) & (seconds < LATEST) & np.isin(month, MONTHS)


def shown_time(time: Any) -> str:
    """A time as text, to the minute, or to the second if it has seconds."""
    text = str(time.astype("datetime64[s]")).replace("T", " ")
    return text.removesuffix(":00") if text.count(":") == 2 else text


def within_day(times: np.ndarray) -> bool:
    """Whether `times` (datetime64 [N]) differ in their time of day: those of days and weeks are all at one."""
    return len(np.unique(days_and_seconds(times)[1])) > 1


def _may_go_back(times: np.ndarray) -> np.ndarray:
    """Whether a row may be earlier than the one before, [N - 1]: by less than an hour, at a change of the clock."""
    return may_change(times[1:]) & (times[:-1] - times[1:] < np.timedelta64(HOUR, "s"))


def _second(times: np.ndarray, twofold: np.ndarray) -> np.ndarray:
    """Which of the `twofold` times [N] are in the second round of their hour: bool [N]."""
    second = np.zeros(len(times), bool)
    days = days_and_seconds(times)[0]
    for day in np.unique(days[twofold]):
        rows = np.flatnonzero(twofold & (days == day))
        back = np.flatnonzero(np.diff(times[rows]) < np.timedelta64(0, "s"))
        if len(back):
            second[rows[back[0] + 1 :]] = True
        else:
            second[np.delete(rows, np.unique(times[rows], return_index=True)[1])] = True
    return second
