"""One file of series, read onto its regular step; `load` then splits, fills and resamples them."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from research.data.images.findings import shown
from research.data.series.archives import read_archive
from research.data.series.clock import check_zone, instants_of, refuse_unsorted, shown_time, wall_clock
from research.data.series.durations import DAY, format_duration, seconds_in, seconds_of
from research.data.series.findings import DESCRIPTIONS, Finding, SeriesFindings, findings_in_grid, findings_in_rows
from research.data.series.grids import Grid, Rows, on_grid, regular_step
from research.data.series.months import months_in, same_step
from research.data.series.series_set import Series
from research.data.series.tables import ReadOptions, Table, read_table
from research.data.series.timestamps import Timestamps, at_offset
from research.errors import UserError


class SeriesFile(NamedTuple):
    """The series of one file on its regular `step`, before they are filled or resampled."""

    name: str
    columns: tuple[str, ...]
    step: np.timedelta64  # in seconds or months
    series: tuple[Series, ...]
    findings: SeriesFindings
    offset: np.timedelta64 | None  # from UTC, of all its times; None where it is unknown, or changes


def read_file(
    path: Path,
    options: ReadOptions,
    columns: tuple[str, ...] = (),
    *,
    exact: bool = False,
    offset: np.timedelta64 | None = None,
) -> SeriesFile:
    """The series in a .csv, .parquet or .npz file, in order of their first rows.

    `columns` are those of the training file, which must be there; with `exact` a table may hold no other numbers. By
    default the columns are those of `options`. Local times are converted to an `offset` from UTC that is given.
    Raises UserError for anything unsound.
    """
    where, file = shown(str(path)), shown(path.name)
    check_zone(options.time_zone)
    if path.suffix.lower() == ".npz":
        table = read_archive(path, where, options, columns)
    else:
        table = read_table(path, where, options, columns, exact=exact)
    zone = None if _daily(table, options) else options.time_zone
    if zone is None and table.timestamps.absolute:
        local = wall_clock(table.timestamps.times, options.time_zone)
        table = table._replace(timestamps=Timestamps(local, False, table.timestamps.notes))
    elif offset is not None and options.time_zone is None:
        table = table._replace(timestamps=at_offset(table.timestamps, offset))
    series = [_in_order(rows, table, zone) for rows in _by_series(table)]
    step = regular_step({rows.name: np.unique(rows.instants) for rows in series}, where)
    _refuse_resampling(step, options, where)
    zeros = options.zeros_missing
    grids = [on_grid(_without_zeros(rows) if zeros else rows, step, where) for rows in series]
    findings = _findings(file, table, series, grids, zone, zeros_missing=zeros)
    regular = tuple(
        Series(rows.name, wall_clock(grid.instants, zone), grid.values)
        for rows, grid in zip(series, grids, strict=True)
    )
    return SeriesFile(file, table.columns, step, regular, findings, table.timestamps.offset)


def _findings(
    file: str, table: Table, series: list[Rows], grids: list[Grid], zone: str | None, *, zeros_missing: bool
) -> SeriesFindings:
    """The findings in the rows of a file, in their grids, and in how its cells were read."""
    found = [findings_in_rows(file, table.columns, rows, zone, zeros_missing=zeros_missing) for rows in series]
    for rows, grid in zip(series, grids, strict=True):
        found.append(findings_in_grid(file, table.columns, rows.name, grid, zone, zeros_missing=zeros_missing))
    found.append({"ignored": [Finding(file, "", column, len(table.rows), 1, "") for column in table.ignored]})
    found += [{kind: [Finding(file, "", column, total, 1, "")]} for kind, column, total in table.notes]
    for kind, total, first in table.timestamps.notes:
        found.append({kind: [Finding(file, "", "", total, 1, shown_time(table.timestamps.times[first]))]})
    kinds = {kind: tuple(finding for group in found for finding in group.get(kind, ())) for kind in DESCRIPTIONS}
    return SeriesFindings(len(table.rows), **kinds)


def _daily(table: Table, options: ReadOptions) -> bool:
    """Whether steps are days or longer. Changes of the clock do not matter to these: their times are read as local."""
    times = table.timestamps.times[table.series == table.series[0]]
    step = np.median(np.diff(times).astype(np.int64)) / 1000 if len(times) > 1 else 0  # from ms
    return bool(max(step, seconds_of(options.resample) if options.resample else 0) >= DAY)


def _by_series(table: Table) -> Iterator[Rows]:
    """The rows of each series in the file's order, with their times as read."""
    names, first, inverse = np.unique(table.series, return_index=True, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(inverse))[:-1])
    for index in np.argsort(first):
        chosen = members[index]
        yield Rows(str(names[index]), table.timestamps.times[chosen], table.values[chosen], table.rows[chosen])


def _in_order(found: Rows, table: Table, zone: str | None) -> Rows:
    """The rows of `found` in order of their instants, in whole seconds."""
    seconds = (found.instants + np.timedelta64(500, "ms")).astype("datetime64[s]")
    if len(np.unique(seconds)) < len(np.unique(found.instants)):
        raise UserError(f"{table.where}: times are less than a second apart; average them to longer steps first")
    if table.timestamps.absolute:
        refuse_unsorted(seconds, np.zeros(len(seconds) - 1, bool), found.rows, table.where)
    else:
        seconds = instants_of(seconds, zone, found.rows, table.where)
    order = np.argsort(seconds, kind="stable")
    return Rows(found.name, seconds[order], found.values[order], found.rows[order])


def _without_zeros(found: Rows) -> Rows:
    return found._replace(values=np.where(found.values == 0, np.nan, found.values))


def _refuse_resampling(step: np.timedelta64, options: ReadOptions, where: str) -> None:
    longer = np.timedelta64(seconds_of(options.resample), "s") if options.resample else step
    if not same_step(step, longer) and (months_in(step) or seconds_in(longer) % seconds_in(step)):
        raise UserError(
            f"{where} has steps of {format_duration(step)}, which do not add up to {format_duration(longer)}; "
            "give --data.resample a multiple"
            f"{' in a file of shorter steps, or leave it out' if months_in(step) else ''}"
        )
