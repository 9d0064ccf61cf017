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
    """The runs of zeros between high values in `values` [T], as failing sensors write them: bool [T]."""
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


def bin_edges(times: np.ndarray, step: int, longer: int) -> np.ndarray:
    """The starts of whole steps of `longer` seconds in `times` [T], local, and the end of the last: int64 [count + 1].

    T > 0, and rows are `step` seconds apart. Longer steps that divide a day begin at the same hours of the clock every
    day, so that one is shorter or longer where the clock is changed. Others are counted from the first midnight.
    Steps of days begin at the first midnight. Incomplete steps at either end are left out.
    """
    clock = _since_midnight(times, step, longer)
    if longer >= DAY and clock[0] // step:
        clock = clock - DAY
    bins = clock // longer
    put_back = np.diff(clock) <= step - longer  # by a whole longer step: it is counted twice, as the clock does
    edges = np.concatenate([[0], np.flatnonzero((np.diff(bins) != 0) | put_back) + 1, [len(times)]])
    late, unfinished = clock[0] % longer >= step, (clock[-1] + step) // longer == bins[-1]
    return edges[int(late) : len(edges) - int(unfinished)]


def resample_steps(
    times: np.ndarray, values: np.ndarray, step: int, longer: int, aggregate: Literal["mean", "sum", "last"]
) -> tuple[np.ndarray, np.ndarray]:
    """Aggregate `times` [T] and `values` [T, F], `step` seconds apart (T > 0), to whole steps of `longer` seconds.

    A longer step has the time of its beginning, and is NaN where any of its values is (see `bin_edges`).
    """
    edges = bin_edges(times, step, longer)
    first, lengths = edges[:-1], np.diff(edges)
    off = _since_midnight(times, step, longer)[first] % step  # rows at 0:02, 0:07 ... are of the hour from 0:00
    starts = times[first] - off.astype("timedelta64[s]")
    if aggregate == "last":
        return starts, values[edges[1:] - 1]
    padded = np.zeros((len(lengths), lengths.max(initial=0), values.shape[1]))
    inside = np.arange(padded.shape[1]) < lengths[:, None]
    padded[inside] = values[edges[0] : edges[-1]] if len(first) else 0
    total = padded.sum(axis=1)
    return starts, total if aggregate == "sum" else total / lengths[:, None]


def _since_midnight(times: np.ndarray, step: int, longer: int) -> np.ndarray:
    """Seconds since the first row's midnight, by the clock where `longer` divides a day, else as they elapse."""
    days, seconds = days_and_seconds(times)
    if DAY % longer:
        return seconds[0] + step * np.arange(len(times))
    return (days - days[0]) * DAY + seconds
