"""Daily profiles of a series: means or medians by step of the day and weekday, over all days or all but one."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from research.data.series.clock import days_and_seconds, weekday
from research.data.series.durations import DAY, seconds_in
from research.data.series.series_set import Series

Kind = Literal["mean", "day", "weekday"]
Statistic = Literal["mean", "median"]


class ProfileSpec(NamedTuple):
    """How a profile is computed.

    kind: one mean, one for each step of the day, or one for each step of each weekday. blend: the weight of a weekday's
    own values. smooth: the standard deviation of a Gaussian around the clock, in steps.
    """

    kind: Kind = "mean"
    blend: float = 0.5
    statistic: Statistic = "mean"
    smooth: float = 0.0


class DailySums(NamedTuple):
    """The known values of one series by day.

    sums and counts: float64 [days, slots of a day, F]. weekdays: [days]. day: [T], the index of each step's day.
    """

    sums: np.ndarray
    counts: np.ndarray
    weekdays: np.ndarray
    day: np.ndarray

    def known(self) -> int:
        """The number of days with any known value."""
        return int(self.counts.any(axis=(1, 2)).sum())

    def rows(self) -> Sequence[np.ndarray]:
        """The indices of each day's steps."""
        order = np.argsort(self.day, kind="stable")
        return np.split(order, np.flatnonzero(np.diff(self.day[order])) + 1)

    def by_weekday(self) -> tuple[np.ndarray, np.ndarray]:
        """The sums and the counts of each weekday: [7, slots of a day, F] each."""
        sums, counts = np.zeros((2, 7, *self.sums.shape[1:]))
        np.add.at(sums, self.weekdays, self.sums)
        np.add.at(counts, self.weekdays, self.counts)
        return sums, counts

    def medians(self, day: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Medians over all days but `day`: of all weekdays [slots of a day, F], and of each one [7, slots, F]."""
        with np.errstate(invalid="ignore"):
            values = np.where(self.counts > 0, self.sums / self.counts, np.nan)
        rows = np.arange(len(values)) != (-1 if day is None else day)
        return _median(values[rows]), np.stack([_median(values[rows & (self.weekdays == w)]) for w in range(7)])


def profiles(days: DailySums, spec: ProfileSpec) -> Callable[[int | None], np.ndarray]:
    """Returns `table(day)`: the profile [slots, F] of all days but `day` (None for all days).

    The profile of a column without any known value is NaN.
    """
    sums, counts = days.by_weekday()

    def table(day: int | None) -> np.ndarray:
        if spec.statistic == "median":
            return _profile(*days.medians(day), spec)
        total, number = sums, counts
        if day is not None:
            total, number = sums.copy(), counts.copy()
            total[days.weekdays[day]] -= days.sums[day]
            number[days.weekdays[day]] -= days.counts[day]
        with np.errstate(invalid="ignore", divide="ignore"):  # where nothing is known
            own = np.where(number > 0, total / number, np.nan)
            return _profile(total.sum(axis=0) / number.sum(axis=0), own, spec)

    return table


def daily_sums(series: Series, step: np.timedelta64, kind: Kind) -> DailySums:
    """The known values of `series`, on steps of `step`, by day; for "mean" a day is a single slot."""
    days, seconds = days_and_seconds(series.times)
    dates, day = np.unique(days, return_inverse=True)
    slots = np.zeros_like(seconds) if kind == "mean" else seconds // seconds_in(step)
    known = np.isfinite(series.values)
    shape = (len(dates), 1 if kind == "mean" else slots_of_day(seconds_in(step)), series.values.shape[1])
    sums, counts = np.zeros((2, *shape))
    np.add.at(sums, (day, slots), np.where(known, series.values, 0))
    np.add.at(counts, (day, slots), known)
    return DailySums(sums, counts, weekday(dates), day)


def slots_of_day(step: int) -> int:
    """The number of steps of `step` seconds that begin within a day, the first at midnight."""
    return -(-DAY // step)


def slots_of(times: np.ndarray, step: np.timedelta64, kind: Kind) -> np.ndarray:
    """The slot of a profile that each of `times` lies in."""
    days, seconds = days_and_seconds(times)
    if kind == "mean":
        return np.zeros_like(days)
    length = seconds_in(step)
    return seconds // length + (weekday(days) * slots_of_day(length) if kind == "weekday" else 0)


def _profile(all_days: np.ndarray, own: np.ndarray, spec: ProfileSpec) -> np.ndarray:
    """The profile [slots, F] from the statistic of all days [slots, F] and those of each weekday [7, slots, F]."""
    all_days = _fill_around_clock(all_days)
    own = np.where(np.isnan(own), all_days, own) - all_days
    if spec.smooth:
        from scipy.ndimage import gaussian_filter1d  # slow to import

        all_days = gaussian_filter1d(all_days, spec.smooth, axis=0, mode="wrap")
        own = gaussian_filter1d(own, spec.smooth, axis=1, mode="wrap")
    if spec.kind != "weekday":
        return all_days
    return (all_days + spec.blend * own).reshape(-1, all_days.shape[1])


def _median(values: np.ndarray) -> np.ndarray:
    """The median over days of the known `values` [days, slots, F]; NaN where none is known."""
    known = np.isfinite(values).any(axis=0)
    filled = np.where(known, values, 0.0)
    return np.where(known, np.nanmedian(filled, axis=0), np.nan) if len(values) else np.full(values.shape[1:], np.nan)


def _fill_around_clock(means: np.ndarray) -> np.ndarray:
    """`means` [slots, F] of a day, with NaN replaced by the nearest known slot around the clock."""
    result, length = means.copy(), len(means)
    for column in result.T:
        known = np.flatnonzero(np.isfinite(column))
        if 0 < len(known) < length:
            around = np.concatenate([known - length, known, known + length])
            after = np.searchsorted(around, np.arange(length))
            before = np.maximum(after - 1, 0)
            nearer = np.where(around[after] - np.arange(length) < np.arange(length) - around[before], after, before)
            column[:] = column[around[nearer] % length]
    return result
