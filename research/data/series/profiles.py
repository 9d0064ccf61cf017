"""Means or medians of a series by the step of the day and the day of the week, of all its days or of all but one."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from research.data.series.clock import days_and_seconds, weekday
from research.data.series.durations import DAY, seconds_in
from research.data.series.series_set import Series

Kind = Literal["mean", "day", "weekday"]
Statistic = Literal["mean", "median"]


class Shape(NamedTuple):
    """How a profile is made: of which days, how much a weekday's own counts, by what statistic, how smooth in steps."""

    kind: Kind = "mean"
    blend: float = 0.5
    statistic: Statistic = "mean"
    smooth: float = 0.0


class Days(NamedTuple):
    """Of one series: the sums and counts of what is known, float64 [days, slots of a day, F]; their weekdays [days].

    place [T] says which of the days each step of the series is of.
    """

    sums: np.ndarray
    counts: np.ndarray
    weekdays: np.ndarray
    place: np.ndarray

    def known(self) -> int:
        """How many days anything is known of."""
        return int(self.counts.any(axis=(1, 2)).sum())

    def rows(self) -> Sequence[np.ndarray]:
        """The steps of each day."""
        order = np.argsort(self.place, kind="stable")
        return np.split(order, np.flatnonzero(np.diff(self.place[order])) + 1)

    def means(self) -> tuple[np.ndarray, np.ndarray]:
        """The sums and the counts of each day of the week: [7, slots of a day, F] each."""
        sums, counts = np.zeros((2, 7, *self.sums.shape[1:]))
        np.add.at(sums, self.weekdays, self.sums)
        np.add.at(counts, self.weekdays, self.counts)
        return sums, counts

    def medians(self, day: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The medians over all days but `day`, [slots of a day, F], and over those of each weekday, [7, slots, F]."""
        with np.errstate(invalid="ignore"):
            values = np.where(self.counts > 0, self.sums / self.counts, np.nan)
        rows = np.arange(len(values)) != (-1 if day is None else day)
        return _median(values[rows]), np.stack([_median(values[rows & (self.weekdays == w)]) for w in range(7)])


def profiles(days: Days, shape: Shape) -> Callable[[int | None], np.ndarray]:
    """`table(day)`: the profile [slots, F] of all days but `day` (None: of all); NaN for a column not known at all."""
    sums, counts = days.means()

    def table(day: int | None) -> np.ndarray:
        if shape.statistic == "median":
            return _shaped(*days.medians(day), shape)
        total, number = sums, counts
        if day is not None:
            total, number = sums.copy(), counts.copy()
            total[days.weekdays[day]] -= days.sums[day]
            number[days.weekdays[day]] -= days.counts[day]
        with np.errstate(invalid="ignore", divide="ignore"):  # where nothing is known
            own = np.where(number > 0, total / number, np.nan)
            return _shaped(total.sum(axis=0) / number.sum(axis=0), own, shape)

    return table


def by_day(one: Series, step: np.timedelta64, kind: Kind) -> Days:
    """`one`, with steps of `step`, by its days; a day has a single slot for "mean"."""
    days, seconds = days_and_seconds(one.times)
    dates, place = np.unique(days, return_inverse=True)
    slots = np.zeros_like(seconds) if kind == "mean" else seconds // seconds_in(step)
    known = np.isfinite(one.values)
    shape = (len(dates), 1 if kind == "mean" else slots_of_day(seconds_in(step)), one.values.shape[1])
    sums, counts = np.zeros((2, *shape))
    np.add.at(sums, (place, slots), np.where(known, one.values, 0))
    np.add.at(counts, (place, slots), known)
    return Days(sums, counts, weekday(dates), place)


def slots_of_day(step: int) -> int:
    """How many steps of `step` seconds begin in a day that begins with one."""
    return -(-DAY // step)


def slots_of(times: np.ndarray, step: np.timedelta64, kind: Kind) -> np.ndarray:
    """Which slot of a `profile` each of `times` lies in."""
    days, seconds = days_and_seconds(times)
    if kind == "mean":
        return np.zeros_like(days)
    each = seconds_in(step)
    return seconds // each + (weekday(days) * slots_of_day(each) if kind == "weekday" else 0)


def _shaped(of_all: np.ndarray, own: np.ndarray, shape: Shape) -> np.ndarray:
    """The table of a reference from what all days say [slots, F], and those of each weekday [7, slots, F]."""
    of_all = _nearest(of_all)
    own = np.where(np.isnan(own), of_all, own) - of_all
    if shape.smooth:
        from scipy.ndimage import gaussian_filter1d  # slow to import

        of_all = gaussian_filter1d(of_all, shape.smooth, axis=0, mode="wrap")
        own = gaussian_filter1d(own, shape.smooth, axis=1, mode="wrap")
    if shape.kind != "weekday":
        return of_all
    return (of_all + shape.blend * own).reshape(-1, of_all.shape[1])


def _median(values: np.ndarray) -> np.ndarray:
    """The median over days [days, slots, F] of what is known; NaN where nothing is."""
    known = np.isfinite(values).any(axis=0)
    filled = np.where(known, values, 0.0)
    return np.where(known, np.nanmedian(filled, axis=0), np.nan) if len(values) else np.full(values.shape[1:], np.nan)


def _nearest(means: np.ndarray) -> np.ndarray:
    """`means` [slots, F] of a day, NaN replaced by the nearest slot that is known, around the clock."""
    result, length = means.copy(), len(means)
    for column in result.T:
        seen = np.flatnonzero(np.isfinite(column))
        if 0 < len(seen) < length:
            around = np.concatenate([seen - length, seen, seen + length])
            after = np.searchsorted(around, np.arange(length))
            before = np.maximum(after - 1, 0)
            nearer = np.where(around[after] - np.arange(length) < np.arange(length) - around[before], after, before)
            column[:] = column[around[nearer] % length]
    return result
