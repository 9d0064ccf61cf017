"""The one step that a file's times keep to: a length of time, or a number of months."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from research.data.series.durations import UNITS, format_duration
from research.data.series.months import keeps_to_months, month_of
from research.data.series.zones import shown_time
from research.errors import UserError

# Rules of our own, wide enough for what loggers do and narrow enough that an error means what it says.
REGULAR = 0.9  # share of the distances between rows that are whole multiples of a step
RUN = 3  # distances of one length in a row that make a step of their own, where most of that length come so
RUN_OF_MONTHS = 6  # of months, of which there are few rows
LASTING = 0.05  # share of the time that a step of a multiple length must last: shorter ones are every other row lost
NEAR = 0.02  # of a step: distances that differ less are one, met by an unsteady clock
USUAL = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)  # steps of unsteady clocks: so many seconds, minutes, or else hours
SLACK = 0.05  # how near the median distance is to such a step


class Distances(NamedTuple):
    """The distances between the rows of a series, int64 [n - 1], and the times at which they begin."""

    name: str
    lengths: np.ndarray
    starts: np.ndarray


def regular_step(times: Mapping[str, np.ndarray], where: str) -> np.timedelta64:
    """The step, in seconds or months, of the series with these `times` (datetime64[s] [n], ascending and distinct).

    Rows that keep to a day of the month, and are months apart, have steps of months. Others have the commonest distance
    of neighbouring rows where nearly all are multiples of it (gaps are), or else the usual length nearest to their
    median, of a clock that is not steady. Raises UserError for two steps in one file, naming both, and where there is
    none.
    """
    if keeps_to_months(times):
        series = [Distances(name, np.diff(month_of(of)), of[:-1]) for name, of in times.items() if len(of) > 1]
        _refuse_two(series, where, _months, RUN_OF_MONTHS)
        return _months(_step_of_months(np.concatenate([each.lengths for each in series])))
    series = [Distances(name, np.diff(of).astype(np.int64), of[:-1]) for name, of in times.items() if len(of) > 1]
    if not series:
        raise UserError(f"{where} has no series of two rows or more; give more of them")
    _refuse_two(series, where, _seconds, RUN)
    return _seconds(_step_of_seconds(np.concatenate([each.lengths for each in series]), where))


def _seconds(length: int) -> np.timedelta64:
    return np.timedelta64(length, "s")


def _months(length: int) -> np.timedelta64:
    return np.timedelta64(length, "M")


def _step_of_months(lengths: np.ndarray) -> int:
    """The commonest of `lengths` where nearly all are multiples of it, else what all are multiples of."""
    kinds, counts = np.unique(lengths, return_counts=True)
    step = int(kinds[counts.argmax()])
    return step if (lengths % step == 0).mean() >= REGULAR else int(np.gcd.reduce(lengths))


def _step_of_seconds(lengths: np.ndarray, where: str) -> int:
    kinds, counts = np.unique(lengths, return_counts=True)
    step = int(kinds[counts.argmax()])
    if (lengths % step == 0).mean() >= REGULAR and 4 * counts.max() >= len(lengths):
        return step
    median = float(np.median(lengths))
    usual = min((n * unit for unit in (1, 60, 3600) for n in (*USUAL, 24)), key=lambda one: abs(one - median))
    if abs(usual - median) > SLACK * median:
        long = "; rows of months keep to one day of the month" if median >= 28 * UNITS["d"] else ""
        raise UserError(
            f"{where}: its rows keep to no regular step (they are {format_duration(int(lengths.min()))} to "
            f"{format_duration(int(lengths.max()))} apart, most often {format_duration(step)}{long}); "
            "put them on one first"
        )
    return usual


def _refuse_two(series: Sequence[Distances], where: str, duration: Callable[[int], np.timedelta64], run: int) -> None:
    """Refuses a step beside the one that lasts through most rows."""
    lengths = np.concatenate([each.lengths for each in series])
    kinds, counts = np.unique(lengths, return_counts=True)
    inside, starts = _stretches(series, run)
    main = max(inside, key=lambda length: inside[length], default=0)
    for length, count in zip(kinds.tolist(), counts.tolist(), strict=True):
        if length == main or 2 * inside.get(length, 0) < max(count, 1):
            continue
        times = round(length / main)
        near = times > 0 and abs(length - times * main) <= NEAR * main
        if not near or (times > 1 and inside[length] * length >= LASTING * lengths.sum()):
            raise UserError(
                f"{where}: two different steps, {format_duration(duration(main))} ({starts[main]}) and "
                f"{format_duration(duration(length))} ({starts[length]}); give each a file of its own, or bring both "
                "to one step"
            )


def _stretches(series: Sequence[Distances], run: int) -> tuple[dict[int, int], dict[int, str]]:
    """Of each distance that comes `run` times in a row: how often it comes so, and where first."""
    inside: dict[int, int] = {}
    starts: dict[int, str] = {}
    for each in series:
        edges = np.flatnonzero(np.diff(each.lengths, prepend=-1, append=-1))
        long = np.flatnonzero(np.diff(edges) >= run)
        for begin, end in zip(edges[long].tolist(), edges[long + 1].tolist(), strict=True):
            length = int(each.lengths[begin])
            inside[length] = inside.get(length, 0) + end - begin
            starts.setdefault(length, " ".join(filter(None, (each.name, "from", shown_time(each.starts[begin])))))
    return inside, starts
