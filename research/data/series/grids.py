"""Rows of a series brought onto a regular grid of times: repeated times averaged, stray ones moved, gaps left open."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from research.data.series.clock import shown_time
from research.data.series.durations import UNITS, format_duration, seconds_in
from research.data.series.months import Places, keeps_to_months, month_of, months_in, places_of
from research.errors import UserError

PLACES = 20  # of a step: where rows keep to no one place within it, the grid goes through the fullest of so many parts
COLLIDING = 0.1  # share of rows that may fall on a step of another; more of them are not one series at this step
SPARSE = 20  # steps that a grid has for each row at most, unless they are few: a stray year would fill the memory
FEW = 100_000


class Rows(NamedTuple):
    """The rows of one series in order of time: datetime64[s] [n], float64 [n, F], numbers in the file [n]."""

    name: str
    instants: np.ndarray
    values: np.ndarray
    rows: np.ndarray


class Grid(NamedTuple):
    """A series on regular steps: instants datetime64[s] [T], values float64 [T, F] (NaN where unknown).

    members int64 [T]: how many rows each step has, 0 in gaps. moved [T]: whether one of them lay off the grid.
    """

    instants: np.ndarray
    values: np.ndarray
    members: np.ndarray
    moved: np.ndarray


def on_grid(found: Rows, step: np.timedelta64, where: str) -> Grid:
    """`found` on a grid of `step`: each row at the nearest step, the mean of what is known for several rows.

    The grid goes through the commonest place of times within a step. Raises UserError where times are so far apart that
    the grid would be nearly empty, and where many rows fall together, for which the step is too long.
    """
    places, instants, moved = _placed(found, step, where)
    together = len(np.unique(found.instants)) - len(np.unique(places))
    if together > COLLIDING * len(found.rows):
        raise UserError(
            f"{where}: its rows keep to no regular step, {format_duration(step)} comes nearest; put them on one first"
        )
    known, length = np.isfinite(found.values), len(instants)
    sums, counts = np.zeros((2, length, found.values.shape[1]))
    np.add.at(sums, places, np.where(known, found.values, 0))
    np.add.at(counts, places, known)
    with np.errstate(invalid="ignore"):  # 0 / 0 where nothing is known
        values = sums / counts
    stray = np.bincount(places[moved], minlength=length) > 0
    return Grid(instants, values, np.bincount(places, minlength=length), stray)


def _placed(found: Rows, step: np.timedelta64, where: str) -> Places:
    """The step that each row is nearest to, and the times of all steps."""
    if months_in(step):
        return places_of(found.instants, step)
    each, seconds = seconds_in(step), found.instants.astype(np.int64)
    phase = _phase(np.unique(seconds), each)
    places = (seconds - phase + each // 2) // each
    length = int(places[-1] - places[0]) + 1
    _refuse_sparse(found, length, each, where)
    instants = ((places[0] + np.arange(length)) * each + phase).astype("datetime64[s]")
    return Places(places - places[0], instants, (seconds - phase) % each != 0)


def _phase(seconds: np.ndarray, step: int) -> int:
    """Where in a step the grid goes through: the place of half of the times or more, or else that of most, roughly."""
    places, counts = np.unique(seconds % step, return_counts=True)
    if 2 * counts.max() >= len(seconds):
        return int(places[counts.argmax()])
    parts = (seconds % step * PLACES + step // 2) // step % PLACES
    return int(np.bincount(parts.astype(np.int64)).argmax()) * step // PLACES


def _refuse_sparse(found: Rows, length: int, step: int, where: str) -> None:
    if length <= max(SPARSE * len(found.rows), FEW):
        return
    late = int(np.diff(found.instants).argmax()) + 1
    raise UserError(
        f"{where}: row {found.rows[late]}: {shown_time(found.instants[late])} comes {format_duration(step * length)} "
        f"after the beginning, {length:,} steps for {len(found.rows):,} rows; mend it, or "
        "give the parts as series of their own"
    )


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
