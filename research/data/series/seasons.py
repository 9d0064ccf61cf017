"""Seasons of a series (a day, or a year of months), and its business days and hours."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from research.data.series.clock import days_and_seconds, weekday
from research.data.series.durations import DAY, format_duration, seconds_in
from research.data.series.months import month_of, months_in


class Season(NamedTuple):
    """A season's name and its number of steps: a day of hours has 24, as in the M4 competition."""

    name: str
    steps: int


def season_of(step: np.timedelta64) -> Season:
    """A year for steps of months, a day for shorter ones; a single step where the step is longer than the season."""
    if months := months_in(step):
        return Season("year", 12 // months) if 12 % months == 0 else Season(format_duration(step), 1)
    seconds = seconds_in(step)
    return Season("day", -(-DAY // seconds)) if seconds <= DAY else Season(format_duration(step), 1)


def seasons_of(times: np.ndarray, step: np.timedelta64) -> tuple[np.ndarray, np.ndarray]:
    """The season that each of `times` (datetime64 [T], local) is in, and the step within it: two arrays int64 [T].

    The same step of two days is the same local time, also across a change of the clock.
    """
    if months := months_in(step):
        length = 12 if 12 % months == 0 else months
        return month_of(times) // length, month_of(times) % length // months
    days, seconds = days_and_seconds(times)
    length = seconds_in(step)
    if length > DAY:
        return times.astype("datetime64[s]").astype(np.int64) // length, np.zeros_like(days)
    return days, seconds // length


def by_season(times: np.ndarray, values: np.ndarray, step: np.timedelta64) -> np.ndarray:
    """`values` [T, F] with every season at full length, [seasons * steps, F]: NaN where there is no row.

    Values a season apart are then a fixed number of rows apart, also across gaps and changes of the clock.
    """
    length = season_of(step).steps
    if length == 1 or not len(times):
        return values
    seasons, steps = seasons_of(times, step)
    result = np.full(((int(seasons[-1] - seasons[0]) + 1) * length, values.shape[1]), np.nan)
    result[(seasons - seasons[0]) * length + steps] = values
    return result


CLOSED = 0.1  # a step of the week is closed if fewer than this share of the weeks have it (our own rule)


def opening_of(parts: Sequence[np.ndarray], step: np.timedelta64) -> np.ndarray | None:
    """The steps of the week in a series with times `parts` (datetime64[s], local): bool [7, slots of a day].

    A step that fewer than a tenth of the weeks have, from the first time of a part to its last, is closed. A step that
    no part reaches has the hours of other days. Returns None where steps do not divide a day, and where nothing is
    closed.
    """
    if months_in(step) or DAY % seconds_in(step):
        return None
    slots = DAY // seconds_in(step)
    present, weeks = np.zeros((2, 7, slots))
    for times in parts:
        if len(times):
            present += _counts(times, slots)
            weeks += _counts(np.arange(times[0], times[-1] + step, step), slots)
    by_day, all_days = present >= CLOSED * weeks, present.sum(axis=0) >= CLOSED * weeks.sum(axis=0)
    result = np.where(weeks > 0, by_day, all_days)
    return result if not result.all() and result.any() else None


def following_open(ahead: Callable[[int], np.ndarray], count: int, opening: np.ndarray) -> np.ndarray:
    """The first `count` open steps in the future, datetime64[s]; `ahead(n)` gives the local times of n steps."""
    weeks = -(-count // int(opening.sum())) + 2  # one for the current week, and one for changes of the clock
    times = ahead(weeks * opening.size)
    return times[opening[_slots(times, opening.shape[1])]][:count]


def _slots(times: np.ndarray, slots: int) -> tuple[np.ndarray, np.ndarray]:
    """The weekday and the slot of the day of each of `times`."""
    days, seconds = days_and_seconds(times)
    return weekday(days), seconds * slots // DAY


def _counts(times: np.ndarray, slots: int) -> np.ndarray:
    """The number of `times` in each slot of each weekday: [7, slots]."""
    weekdays, index = _slots(times, slots)
    return np.bincount(weekdays * slots + index, minlength=7 * slots).reshape(7, slots)
