"""The regular step of a file's times, and a series' rows on a grid of that step.

Rows of the same time are averaged, rows off the grid move to the nearest step, and steps without a row stay unknown.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from research.data.series.clock import shown_time
from research.data.series.durations import UNITS, format_duration, seconds_in
from research.data.series.months import keeps_to_months, month_of, months_in, nearest_month_steps
from research.errors import UserError

# Rules of our own for the grid.
PHASE_PARTS = 20  # parts of a step: where rows share no phase, the grid goes through the fullest part
COLLIDING = 0.1  # largest share of rows that may fall on another row's step
SPARSE = 20  # most steps per row: a mistyped year must not fill the memory
FEW = 100_000  # so many steps are always allowed


class Rows(NamedTuple):
    """The rows of one series in order of time.

    instants: datetime64[s] [n]. values: float64 [n, F]. rows: the rows' numbers in the file [n].
    """

    name: str
    instants: np.ndarray
    values: np.ndarray
    rows: np.ndarray


class Grid(NamedTuple):
    """A series on regular steps.

    instants: datetime64[s] [T]. values: float64 [T, F], NaN where unknown. members: int64 [T], the number of rows of
    each step, 0 in gaps. moved: bool [T], whether any of these rows lay off the grid.
    """

    instants: np.ndarray
    values: np.ndarray
    members: np.ndarray
    moved: np.ndarray


def on_grid(series: Rows, step: np.timedelta64, where: str) -> Grid:
    """Put `series` on a grid of `step`: each row at the nearest step, and the mean of known values where rows meet.

    The grid's phase is the commonest one of the times. Raises UserError where times are so far apart that the grid
    would be nearly empty, and where many rows fall on one step, because the step is too long.
    """
    index, instants, moved = _nearest_steps(series, step, where)
    together = len(np.unique(series.instants)) - len(np.unique(index))
    if together > COLLIDING * len(series.rows):
        raise UserError(
            f"{where}: its rows keep to no regular step, {format_duration(step)} comes nearest; put them on one first"
        )
    known, length = np.isfinite(series.values), len(instants)
    sums, counts = np.zeros((2, length, series.values.shape[1]))
    np.add.at(sums, index, np.where(known, series.values, 0))
    np.add.at(counts, index, known)
    with np.errstate(invalid="ignore"):  # 0 / 0 where nothing is known
        values = sums / counts
    stray = np.bincount(index[moved], minlength=length) > 0
    return Grid(instants, values, np.bincount(index, minlength=length), stray)


def _nearest_steps(series: Rows, step: np.timedelta64, where: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The index of each row's step [n], the times of all steps [T], and whether each row lay off its step [n]."""
    if months_in(step):
        return nearest_month_steps(series.instants, step)
    length, seconds = seconds_in(step), series.instants.astype(np.int64)
    phase = _phase(np.unique(seconds), length)
    index = (seconds - phase + length // 2) // length
    count = int(index[-1] - index[0]) + 1
    _refuse_sparse(series, count, length, where)
    instants = ((index[0] + np.arange(count)) * length + phase).astype("datetime64[s]")
    return index - index[0], instants, (seconds - phase) % length != 0


def _phase(seconds: np.ndarray, step: int) -> int:
    """The grid's offset within a step, in seconds: the exact one of half of the times, or else a rounded mode."""
    phases, counts = np.unique(seconds % step, return_counts=True)
    if 2 * counts.max() >= len(seconds):
        return int(phases[counts.argmax()])
    parts = (seconds % step * PHASE_PARTS + step // 2) // step % PHASE_PARTS
    return int(np.bincount(parts.astype(np.int64)).argmax()) * step // PHASE_PARTS


def _refuse_sparse(series: Rows, length: int, step: int, where: str) -> None:
    if length <= max(SPARSE * len(series.rows), FEW):
        return
    late = int(np.diff(series.instants).argmax()) + 1
    raise UserError(
        f"{where}: row {series.rows[late]}: {shown_time(series.instants[late])} comes {format_duration(step * length)} "
        f"after the beginning, {length:,} steps for {len(series.rows):,} rows; mend it, or "
        "give the parts as series of their own"
    )


# Rules of our own for the step, wide enough for real loggers.
REGULAR = 0.9  # least share of the distances between rows that are multiples of the step
RUN = 3  # equal distances in a row that make a second step, if most distances of that length come in such runs
RUN_OF_MONTHS = 6  # the same for months, of which a file has few rows
LASTING = 0.05  # least share of the time of a second step of a multiple length; a shorter one is every other row lost
NEAR = 0.02  # of a step: distances of an unsteady clock that differ less are equal
USUAL = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)  # steps of unsteady clocks, in seconds, minutes or hours
SLACK = 0.05  # largest relative distance of the median from such a step


class _Distances(NamedTuple):
    """The distances between a series' rows, int64 [n - 1], in seconds or months, and the times at which they begin."""

    name: str
    lengths: np.ndarray
    starts: np.ndarray


def regular_step(times: Mapping[str, np.ndarray], where: str) -> np.timedelta64:
    """The step, in seconds or months, of a file's series; `times` [n] of each, datetime64[s], ascending and distinct.

    Rows a month or more apart that keep to a day of the month have steps of months. For others, the step is the
    commonest distance of neighbouring rows if nearly all distances are multiples of it (gaps are). If not, the clock is
    unsteady, and the step is the usual length nearest to the median distance. Raises UserError for two steps in one
    file, naming both, and where no step fits.
    """
    several = {name: moments for name, moments in times.items() if len(moments) > 1}
    if keeps_to_months(times):
        series = [_Distances(name, np.diff(month_of(moments)), moments[:-1]) for name, moments in several.items()]
        _refuse_two_steps(series, where, "M", RUN_OF_MONTHS)
        return np.timedelta64(_step_of_months(np.concatenate([distances.lengths for distances in series])), "M")
    series = [_Distances(name, np.diff(moments).astype(np.int64), moments[:-1]) for name, moments in several.items()]
    if not series:
        raise UserError(f"{where} has no series of two rows or more; give more of them")
    _refuse_two_steps(series, where, "s", RUN)
    return np.timedelta64(_step_of_seconds(np.concatenate([distances.lengths for distances in series]), where), "s")


def _step_of_months(lengths: np.ndarray) -> int:
    """The commonest of `lengths` if nearly all are multiples of it, else their greatest common divisor."""
    kinds, counts = np.unique(lengths, return_counts=True)
    step = int(kinds[counts.argmax()])
    return step if (lengths % step == 0).mean() >= REGULAR else int(np.gcd.reduce(lengths))


def _step_of_seconds(lengths: np.ndarray, where: str) -> int:
    kinds, counts = np.unique(lengths, return_counts=True)
    step = int(kinds[counts.argmax()])
    if (lengths % step == 0).mean() >= REGULAR and 4 * counts.max() >= len(lengths):
        return step
    median = float(np.median(lengths))
    usual = min((n * unit for unit in (1, 60, 3600) for n in (*USUAL, 24)), key=lambda length: abs(length - median))
    if abs(usual - median) > SLACK * median:
        long = "; rows of months keep to one day of the month" if median >= 28 * UNITS["d"] else ""
        raise UserError(
            f"{where}: its rows keep to no regular step (they are {format_duration(int(lengths.min()))} to "
            f"{format_duration(int(lengths.max()))} apart, most often {format_duration(step)}{long}); "
            "put them on one first"
        )
    return usual


def _refuse_two_steps(series: Sequence[_Distances], where: str, unit: Literal["s", "M"], run: int) -> None:
    """Raises UserError where a second step lasts beside the one of most rows."""
    lengths = np.concatenate([distances.lengths for distances in series])
    kinds, counts = np.unique(lengths, return_counts=True)
    inside, starts = _runs(series, run)
    main = max(inside, key=lambda length: inside[length], default=0)
    duration = lambda length: format_duration(np.timedelta64(length, unit))  # noqa: E731
    for length, count in zip(kinds.tolist(), counts.tolist(), strict=True):
        if length == main or 2 * inside.get(length, 0) < max(count, 1):
            continue
        times = round(length / main)
        near = times > 0 and abs(length - times * main) <= NEAR * main
        if not near or (times > 1 and inside[length] * length >= LASTING * lengths.sum()):
            raise UserError(
                f"{where}: two different steps, {duration(main)} ({starts[main]}) and {duration(length)} "
                f"({starts[length]}); give each a file of its own, or bring both to one step"
            )


def _runs(series: Sequence[_Distances], run: int) -> tuple[dict[int, int], dict[int, str]]:
    """For each distance that comes `run` times in a row: its number within such runs, and where the first begins."""
    inside: dict[int, int] = {}
    starts: dict[int, str] = {}
    for name, lengths, times in series:
        edges = np.flatnonzero(np.diff(lengths, prepend=-1, append=-1))
        long = np.flatnonzero(np.diff(edges) >= run)
        for begin, end in zip(edges[long].tolist(), edges[long + 1].tolist(), strict=True):
            length = int(lengths[begin])
            inside[length] = inside.get(length, 0) + end - begin
            starts.setdefault(length, " ".join(filter(None, (name, "from", shown_time(times[begin])))))
    return inside, starts
