"""Gaps in a series: runs of unknown values, their interpolation, and resampling to longer steps."""

from typing import Literal

import numpy as np

from research.data.series.clock import days_and_seconds
from research.data.series.durations import DAY

HIGH = 0.5  # of the median of nonzero values: zeros between higher values come from a failing sensor (our own rule)


def true_runs(flags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(starts, ends) of the runs of True in `flags` [T]; ends are exclusive."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    return edges[::2], edges[1::2]


def fill_gaps(values: np.ndarray, longest: int) -> np.ndarray:
    """`values` [T, F] with runs of NaN of up to `longest` steps interpolated linearly between their neighbours.

    Runs at either end have only one neighbour; they stay NaN.
    """
    result = values.copy()
    for column in range(values.shape[1] if longest else 0):
        unknown = np.isnan(values[:, column])
        starts, ends = true_runs(unknown)
        inner = (ends - starts <= longest) & (starts > 0) & (ends < len(values))
        chosen = np.repeat(inner, ends - starts)
        steps = np.flatnonzero(unknown)[chosen]
        known = np.flatnonzero(~unknown)
        if len(steps):
            result[steps, column] = np.interp(steps, known, values[known, column])
    return result


def failing_zeros(values: np.ndarray) -> np.ndarray:
    """Which of `values` [T] are runs of zeros between high values, as failing sensors write them: bool [T]."""
    zero = values == 0
    others = np.abs(values[~zero & np.isfinite(values)])
    starts, ends = true_runs(zero)
    result = np.zeros(len(values), bool)
    if not len(others) or not len(starts):
        return result
    high = HIGH * np.median(others)
    before = np.abs(values[np.maximum(starts - 1, 0)]) > high
    after = np.abs(values[np.minimum(ends, len(values) - 1)]) > high
    result[zero] = np.repeat(before & after, ends - starts)
    return result


def binning(start: np.datetime64, step: int, longer: int) -> tuple[int, int]:
    """How `resample_steps` groups steps of `step` seconds from `start` on into steps of `longer` seconds.

    Returns the number of steps skipped before the first whole longer step, counted from midnight (from the next
    midnight for steps of days), and the number of steps in each longer one.
    """
    since_midnight = int(days_and_seconds(np.array([start]))[1][0])
    return -(since_midnight // step) % max(1, min(longer, DAY) // step), longer // step


def resample_steps(
    times: np.ndarray, values: np.ndarray, step: int, longer: int, aggregate: Literal["mean", "sum", "last"]
) -> tuple[np.ndarray, np.ndarray]:
    """Aggregate `times` [T] and `values` [T, F], `step` seconds apart (T > 0), to whole steps of `longer` seconds.

    A longer step has the time of its beginning, and is NaN where any of its values is. Incomplete longer steps at
    either end are left out.
    """
    skipped, together = binning(times[0], step, longer)
    count = max(len(times) - skipped, 0) // together
    whole = slice(skipped, skipped + count * together)
    grouped = values[whole].reshape(count, together, values.shape[1])
    offset = days_and_seconds(times[:1])[1] % step  # rows at 0:02, 0:07 ... are of the hour from 0:00
    starts = times[whole][::together] - offset.astype("timedelta64[s]")
    if aggregate == "last":
        return starts, grouped[:, -1]
    return starts, grouped.sum(axis=1) if aggregate == "sum" else grouped.mean(axis=1)
