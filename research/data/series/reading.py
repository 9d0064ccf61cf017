"""One file of series, brought onto its regular step: what `series` splits, fills and puts together."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from research.data.images.findings import shown
from research.data.series.archives import read_archive
from research.data.series.clock import check_zone, instants_of, refuse_unsorted, shown_time, wall_clock
from research.data.series.durations import DAY, format_duration, seconds_in, seconds_of
from research.data.series.findings import WORDS, Finding, SeriesFindings, of_grid, of_rows
from research.data.series.grids import Rows, on_grid, regular_step
from research.data.series.months import months_in, same_step
from research.data.series.series_set import Series
from research.data.series.timestamps import Stamps
from research.data.tables import Layout, Table, read_table
from research.errors import UserError


class Reading(NamedTuple):
    """How files are read; see `series.load_series`, whose arguments these are."""

    time: str | tuple[str, ...] | None = None
    values: tuple[str, ...] = ()
    series: str | tuple[str, ...] | None = None
    day_first: bool = False
    time_zone: str | None = None
    resample: str | None = None
    aggregate: Literal["mean", "sum"] = "mean"
    zeros_missing: bool = False
    fill: int = 0


class File(NamedTuple):
    """The series of one file, a `step` apart, before anything is filled or put together."""

    name: str
    columns: tuple[str, ...]
    step: np.timedelta64  # in seconds or months
    series: tuple[Series, ...]
    findings: SeriesFindings


def read_file(path: Path, reading: Reading, columns: tuple[str, ...] = (), *, exact: bool = False) -> File:
    """The series in a .csv, .parquet or .npz file, in the order in which they come first.

    `columns` are those that must be there, `exact`ly; by default those of `reading`. Raises UserError for whatever is
    not sound.
    """
    where, file = shown(str(path)), shown(path.name)
    check_zone(reading.time_zone)
    time, series = _named(reading.time), _named(reading.series)
    layout = Layout(time, columns or reading.values, bool(columns), series, reading.day_first, reading.time_zone, exact)
    table = (read_archive if path.suffix.lower() == ".npz" else read_table)(path, where, layout)
    zone = None if _daily(table, reading) else reading.time_zone
    if zone is None and table.stamps.absolute:
        local = wall_clock(table.stamps.times, reading.time_zone)
        table = table._replace(stamps=Stamps(local, False, table.stamps.notes))
    rows = [_ordered(each, table, zone) for each in _by_series(table)]
    step = regular_step({each.name: np.unique(each.instants) for each in rows}, where)
    _refuse_resampling(step, reading, where)
    zeros = reading.zeros_missing
    seen = [of_rows(file, table.columns, each, zone, zeros_missing=zeros) for each in rows]
    grids = [on_grid(_without_zeros(each) if zeros else each, step, where) for each in rows]
    for each, grid in zip(rows, grids, strict=True):
        seen.append(of_grid(file, table.columns, each.name, grid, zone, zeros_missing=zeros))
    seen.append({"ignored": [Finding(file, "", column, len(table.rows), 1, "") for column in table.ignored]})
    seen += [{kind: [Finding(file, "", column, total, 1, "")]} for kind, column, total in table.notes]
    for kind, total, first in table.stamps.notes:
        seen.append({kind: [Finding(file, "", "", total, 1, shown_time(table.stamps.times[first]))]})
    kinds = {kind: tuple(found for one in seen for found in one.get(kind, ())) for kind in WORDS}
    found = tuple(
        Series(each.name, wall_clock(grid.instants, zone), grid.values) for each, grid in zip(rows, grids, strict=True)
    )
    return File(file, table.columns, step, found, SeriesFindings(len(table.rows), **kinds))


def _named(columns: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (columns,) if isinstance(columns, str) else columns or ()


def _daily(table: Table, reading: Reading) -> bool:
    """Whether steps are of days, which no change of the clock makes shorter or longer: they are taken as they read."""
    times = table.stamps.times[table.series == table.series[0]]
    step = np.median(np.diff(times).astype(np.int64)) / 1000 if len(times) > 1 else 0  # from ms
    return bool(max(step, seconds_of(reading.resample) if reading.resample else 0) >= DAY)


def _by_series(table: Table) -> Iterator[Rows]:
    """The rows of each series in the file's order, their times as they stand."""
    names, first, inverse = np.unique(table.series, return_index=True, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(inverse))[:-1])
    for place in np.argsort(first):
        chosen = members[place]
        yield Rows(str(names[place]), table.stamps.times[chosen], table.values[chosen], table.rows[chosen])


def _ordered(found: Rows, table: Table, zone: str | None) -> Rows:
    """`found` by its instants, in whole seconds."""
    seconds = (found.instants + np.timedelta64(500, "ms")).astype("datetime64[s]")
    if len(np.unique(seconds)) < len(np.unique(found.instants)):
        raise UserError(f"{table.where}: times are less than a second apart; average them to longer steps first")
    if table.stamps.absolute:
        refuse_unsorted(seconds, np.zeros(len(seconds) - 1, bool), found.rows, table.where)
    else:
        seconds = instants_of(seconds, zone, found.rows, table.where)
    order = np.argsort(seconds, kind="stable")
    return Rows(found.name, seconds[order], found.values[order], found.rows[order])


def _without_zeros(found: Rows) -> Rows:
    return found._replace(values=np.where(found.values == 0, np.nan, found.values))


def _refuse_resampling(step: np.timedelta64, reading: Reading, where: str) -> None:
    longer = np.timedelta64(seconds_of(reading.resample), "s") if reading.resample else step
    if not same_step(step, longer) and (months_in(step) or seconds_in(longer) % seconds_in(step)):
        raise UserError(
            f"{where} has steps of {format_duration(step)}, which do not add up to {format_duration(longer)}; "
            "give --data.resample a multiple"
            f"{' in a file of shorter steps, or leave it out' if months_in(step) else ''}"
        )
