"""What is unknown in a series: stretches of it, filling the short ones, and steps put together to longer ones."""

from typing import Literal

import numpy as np

from research.data.series.clock import days_and_seconds
from research.data.series.durations import DAY

HIGH = 0.5  # of the median of what is not 0: zeros between higher values are those of a failing sensor (our own rule)


def stretches(flags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(starts, ends) of the runs of True in `flags` [T]; ends are exclusive."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    return edges[::2], edges[1::2]


def filled(values: np.ndarray, longest: int) -> np.ndarray:
    """`values` [T, F] with every stretch of NaN of up to `longest` steps on the straight line between its neighbours.

    Stretches at either end have one neighbour only, and stay.
    """
    result = values.copy()
    for column in range(values.shape[1] if longest else 0):
        unknown = np.isnan(values[:, column])
        starts, ends = stretches(unknown)
        inner = (ends - starts <= longest) & (starts > 0) & (ends < len(values))
        chosen = np.repeat(inner, ends - starts)
        places = np.flatnonzero(unknown)[chosen]
        known = np.flatnonzero(~unknown)
        if len(places):
            result[places, column] = np.interp(places, known, values[known, column])
    return result


def failing_zeros(values: np.ndarray) -> np.ndarray:
    """Which of `values` [T] are zeros amid high values on either side, as a sensor gives that fails: bool [T]."""
    zero = values == 0
    others = np.abs(values[~zero & np.isfinite(values)])
    starts, ends = stretches(zero)
    result = np.zeros(len(values), bool)
    if not len(others) or not len(starts):
        return result
    high = HIGH * np.median(others)
    before = np.abs(values[np.maximum(starts - 1, 0)]) > high
    after = np.abs(values[np.minimum(ends, len(values) - 1)]) > high
    result[zero] = np.repeat(before & after, ends - starts)
    return result


def binning(start: np.datetime64, step: int, longer: int) -> tuple[int, int]:
    """(skipped, together): how `resampled` puts steps of `step` seconds from `start` on together to `longer` ones.

    So many steps are skipped up to the first whole longer step, as counted from midnight (the next midnight for those
    of days); so many make one.
    """
    since_midnight = int(days_and_seconds(np.array([start]))[1][0])
    return -(since_midnight // step) % max(1, min(longer, DAY) // step), longer // step


def resampled(
    times: np.ndarray, values: np.ndarray, step: int, longer: int, aggregate: Literal["mean", "sum", "last"]
) -> tuple[np.ndarray, np.ndarray]:
    """`times` [T] and `values` [T, F], `step` seconds apart (T > 0), put together to whole steps of `longer` seconds.

    A longer step is unknown where anything in it is; it has the time of its beginning. Longer steps that the series
    does not hold whole, at either end, are left out.
    """
    skipped, together = binning(times[0], step, longer)
    count = max(len(times) - skipped, 0) // together
    whole = slice(skipped, skipped + count * together)
    grouped = values[whole].reshape(count, together, values.shape[1])
    offset = days_and_seconds(times[:1])[1] % step  # of rows at 0:02, 0:07 ... the hour begins at 0:00
    starts = times[whole][::together] - offset.astype("timedelta64[s]")
    if aggregate == "last":
        return starts, grouped[:, -1]
    return starts, grouped.sum(axis=1) if aggregate == "sum" else grouped.mean(axis=1)
