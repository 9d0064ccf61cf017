"""Rows of a series brought onto a regular grid of times: repeated times averaged, stray ones moved, gaps left open."""

from typing import NamedTuple

import numpy as np

from research.data.series.durations import format_duration, seconds_in
from research.data.series.months import Places, months_in, places_of
from research.data.series.zones import shown_time
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
