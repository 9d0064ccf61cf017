"""The season that a series repeats, a day or a year of months: which one a time is of, and where in it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from research.data.series.clock import days_and_seconds, wall_clock, weekday
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


CLOSED = 0.1  # share of the weeks in which a step of the week that is closed may be there (our own rule)


def opening_of(parts: Sequence[np.ndarray], step: np.timedelta64) -> np.ndarray | None:
    """Which steps of the week the series with times `parts` (datetime64[s], local) has: bool [7, slots of a day].

    One that was there in fewer than a tenth of the weeks from the first time of a part to its last is closed. One that
    no part reaches over is as it is on other days. None where steps do not divide a day, and where nothing is closed.
    """
    if months_in(step) or DAY % seconds_in(step):
        return None
    slots = DAY // seconds_in(step)
    there, weeks = np.zeros((2, 7, slots))
    for times in parts:
        if len(times):
            there += _counted(times, slots)
            weeks += _counted(np.arange(times[0], times[-1] + step, step), slots)
    open_days, of_all = there >= CLOSED * weeks, there.sum(axis=0) >= CLOSED * weeks.sum(axis=0)
    result = np.where(weeks > 0, open_days, of_all)
    return result if not result.all() and result.any() else None


def opened(last: np.datetime64, step: np.timedelta64, count: int, opening: np.ndarray, zone: str | None) -> np.ndarray:
    """The first `count` instants after `last`, a `step` apart, that are open by a clock in `zone`: datetime64[s]."""
    weeks = -(-count // int(opening.sum())) + 2  # one that is begun, and one for changes of the clock
    instants = last + np.arange(1, weeks * opening.size + 1) * step
    weekdays, slots = _slots(wall_clock(instants, zone), opening.shape[1])
    return instants[opening[weekdays, slots]][:count]


def _slots(times: np.ndarray, slots: int) -> tuple[np.ndarray, np.ndarray]:
    days, seconds = days_and_seconds(times)
    return weekday(days), seconds * slots // DAY


def _counted(times: np.ndarray, slots: int) -> np.ndarray:
    weekdays, places = _slots(times, slots)
    return np.bincount(weekdays * slots + places, minlength=7 * slots).reshape(7, slots)
