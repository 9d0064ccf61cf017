"""Times of the week at which series have no rows, weekends or nights, and forecasts for these times."""

from collections.abc import Sequence

import numpy as np

from research.data.series.clock import days_and_seconds, shown_time, weekday
from research.data.series.durations import DAY, UNITS, seconds_in
from research.data.series.gaps import true_runs
from research.data.series.months import months_in
from research.data.series.seasons import opening_of
from research.data.series.series_set import Series

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ADVICE = "--data.missing join keeps to the times that have rows"


def weekly_opening(series: Sequence[Sequence[Series]], step: np.timedelta64) -> np.ndarray | None:
    """The times of the week with known rows in any of `series` (the parts of each): bool [7, slots of a day].

    Slots are hours, or longer steps; see `seasons.opening_of`. None where nothing is closed, and where steps do
    not divide a day.
    """
    if months_in(step):
        return None
    length = np.timedelta64(max(UNITS["h"], seconds_in(step)), "s")
    found = [opening_of([_known_times(part, length) for part in parts], length) for parts in series]
    closed = [each for each in found if each is not None]
    return np.logical_or.reduce(closed) if len(closed) == len(found) and found else None


def closed_text(opening: np.ndarray) -> str:
    """One line about the times of the week without rows in `opening` [7, slots], with advice."""
    return f"no rows {_closed(opening)}, and forecasts go on through these times: {ADVICE}"


def closed_forecasts(times: np.ndarray, opening: np.ndarray | None) -> str:
    """One line about the forecast `times` [P] without rows in training; empty where all have rows."""
    if opening is None:
        return ""
    days, seconds = days_and_seconds(times)
    wrong = ~opening[weekday(days), seconds * opening.shape[1] // DAY]
    if not wrong.any():
        return ""
    first = shown_time(times[wrong.argmax()])
    return (
        f"{wrong.sum():,} of {len(times):,} times (first: {first}) are {_closed(opening)}, where training had no rows: "
        f"a run with {ADVICE}"
    )


def _known_times(one: Series, length: np.timedelta64) -> np.ndarray:
    """The times of known rows, those within a slot of `length` once."""
    times = one.times[np.isfinite(one.values).any(axis=1)].astype("datetime64[s]")
    seconds = times.astype(np.int64)
    return (
        times
        if seconds_in(length) >= DAY
        else np.unique(times - (seconds % seconds_in(length)) * np.timedelta64(1, "s"))
    )


def _closed(opening: np.ndarray) -> str:
    """The whole days, and the hours of all other days, that are closed: "on Saturday and Sunday, at 00:00-09:00"."""
    there = np.logical_or.reduce(opening, axis=1)
    days = [name for name, is_open in zip(DAYS, there, strict=True) if not is_open]
    starts, ends = true_runs(~np.logical_or.reduce(opening[there], axis=0))
    minutes = 24 * 60 // opening.shape[1]
    hours = [f"{_clock(start * minutes)}-{_clock(end * minutes)}" for start, end in zip(starts, ends, strict=True)]
    on, at = " and ".join(filter(None, (", ".join(days[:-1]), *days[-1:]))), ", ".join(hours)
    return ", ".join(filter(None, (on and f"on {on}", at and f"at {at}"))) or "at some hours of the week"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
