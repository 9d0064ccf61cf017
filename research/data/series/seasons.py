"""The season that a series repeats, a day or a year of months: which one a time is of, and where in it."""

from typing import NamedTuple

import numpy as np

from research.data.series.clock import days_and_seconds
from research.data.series.durations import DAY, format_duration, seconds_in
from research.data.series.months import month_of, months_in


class Season(NamedTuple):
    """What a season is called, and how many places it has: a day of hours 24, as in the M4 competition."""

    name: str
    steps: int


def season_of(step: np.timedelta64) -> Season:
    """A year of steps of months, a day of shorter ones; one step of those that are longer than their season."""
    if months := months_in(step):
        return Season("year", 12 // months) if 12 % months == 0 else Season(format_duration(step), 1)
    seconds = seconds_in(step)
    return Season("day", -(-DAY // seconds)) if seconds <= DAY else Season(format_duration(step), 1)


def seasons_of(times: np.ndarray, step: np.timedelta64) -> tuple[np.ndarray, np.ndarray]:
    """(cycles, places) of `times` (datetime64 [T], local): which season each is of, and which step of it, int64 [T].

    The same place of two days is the same time of the clock, whatever hour a change of the clock took or gave between.
    """
    if months := months_in(step):
        length = 12 if 12 % months == 0 else months
        return month_of(times) // length, month_of(times) % length // months
    days, seconds = days_and_seconds(times)
    each = seconds_in(step)
    if each > DAY:
        return times.astype("datetime64[s]").astype(np.int64) // each, np.zeros_like(days)
    return days, seconds // each


def by_season(times: np.ndarray, values: np.ndarray, step: np.timedelta64) -> np.ndarray:
    """`values` [T, F] with each season at its places, [seasons * places, F]: NaN where there is no row.

    What is a season apart is then as many rows apart as a season has places, whatever the clock or a gap did between.
    """
    length = season_of(step).steps
    if length == 1 or not len(times):
        return values
    cycles, places = seasons_of(times, step)
    result = np.full(((int(cycles[-1] - cycles[0]) + 1) * length, values.shape[1]), np.nan)
    result[(cycles - cycles[0]) * length + places] = values
    return result
