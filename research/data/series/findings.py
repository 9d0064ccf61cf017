"""What a look at the files of a series found: gaps, repeated stamps, clock changes, zeros, and what was done of it."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from research.data.series.clock import is_change, shown_time, wall_clock
from research.data.series.gaps import failing_zeros, stretches
from research.data.series.grids import Grid, Rows


class Finding(NamedTuple):
    """So many steps, stamps or values of one series of one file; "" where a file has one series, or all columns.

    places: in how many stretches of neighbouring steps. first: the time of the first of them, local.
    """

    file: str
    series: str
    column: str
    total: int
    places: int
    first: str


class SeriesFindings(NamedTuple):
    """The findings in files of `rows` rows.

    gaps: steps that no row is there for. unknown: values that are empty. repeated: rows of a time that had its row,
    averaged. moved: rows off the regular steps, taken for the nearest. clock: steps of the hour that is skipped or met
    twice when the clock is changed; the latter are averaged. zoned: such changes where a time zone is named, and they
    are neither. zeros: values of zero amid high ones, as failing sensors give. unknown_zeros: zeros that stand for
    missing values, as was said. filled: unknown values on a straight line between their neighbours. ignored: rows of
    columns without any number, which are left out. flat and short: series that are left out, one finding each, as their
    training values do not differ, or as a part of them (in the place of the file) holds no window. offsets: times with
    an offset from UTC, taken as they read. unix: times that are numbers of seconds (or parts of them) since 1970, UTC.
    excel: times that are day numbers of a spreadsheet. midnight: times of 24:00, taken for 0:00 of the next day.
    commas: numbers with a decimal comma, or with signs between the thousands. encoding: rows of a file that is not
    UTF-8.
    """

    rows: int
    gaps: tuple[Finding, ...] = ()
    unknown: tuple[Finding, ...] = ()
    repeated: tuple[Finding, ...] = ()
    moved: tuple[Finding, ...] = ()
    clock: tuple[Finding, ...] = ()
    zoned: tuple[Finding, ...] = ()
    zeros: tuple[Finding, ...] = ()
    unknown_zeros: tuple[Finding, ...] = ()
    filled: tuple[Finding, ...] = ()
    ignored: tuple[Finding, ...] = ()
    offsets: tuple[Finding, ...] = ()
    unix: tuple[Finding, ...] = ()
    excel: tuple[Finding, ...] = ()
    midnight: tuple[Finding, ...] = ()
    commas: tuple[Finding, ...] = ()
    encoding: tuple[Finding, ...] = ()
    flat: tuple[Finding, ...] = ()
    short: tuple[Finding, ...] = ()

    def document(self) -> dict[str, Any]:
        """The findings as plain JSON values."""
        return {"rows": self.rows} | {kind: [found._asdict() for found in getattr(self, kind)] for kind in WORDS}

    def summary(self) -> str | None:
        """All kinds of findings in one line, with the first of each; None when there is none."""
        return "; ".join(_told(kind, getattr(self, kind)) for kind in WORDS if getattr(self, kind)) or None

    def how_read(self) -> str | None:
        """The kinds of findings that tell how cells were read, in one line; None when there is none."""
        return SeriesFindings(self.rows, **{kind: getattr(self, kind) for kind in HOW_READ}).summary()


HOW_READ = ("offsets", "unix", "excel", "midnight", "commas", "encoding")
WORDS = {
    "gaps": "steps without a row",
    "unknown": "values empty",
    "repeated": "rows of repeated times averaged",
    "moved": "rows moved to the nearest step",
    "clock": "steps skipped or repeated by a change of the clock (--data.time-zone mends that)",
    "zoned": "changes of the clock followed",
    "zeros": "zeros that may be missing values (--data.zeros-missing takes all zeros so)",
    "unknown_zeros": "zeros taken as missing values",
    "filled": "unknown values filled by straight lines",
    "ignored": "rows of columns without a number left out",
    "offsets": "times taken as they read, without their offset from UTC (--data.time-zone converts them)",
    "unix": "times read as Unix times, in UTC where no --data.time-zone is named",
    "excel": "times read as a spreadsheet's day numbers",
    "midnight": "times of 24:00 read as 0:00 of the next day",
    "commas": "numbers with a decimal comma, or with signs between the thousands",
    "encoding": "rows of text that is not UTF-8, read as Windows-1252",
    "flat": "series left out that are empty or flat in training",
    "short": "series left out that are too short",
}
SHOWN = 8  # names in the summary; the document has all
NAMED = ("flat", "short")  # kinds of which each is named


def merged(each: Iterable[SeriesFindings]) -> SeriesFindings:
    """The findings of several files as those of one."""
    rows, kinds = 0, dict.fromkeys(WORDS, ())
    for one in each:
        rows += one.rows
        kinds = {kind: (*kinds[kind], *getattr(one, kind)) for kind in WORDS}
    return SeriesFindings(rows, **kinds)


def _told(kind: str, found: tuple[Finding, ...]) -> str:
    first, total = found[0], sum(one.total for one in found)
    if kind in NAMED:
        names = ", ".join(dict.fromkeys(f"{one.series} of {one.file}" for one in found[:SHOWN]))
        return f"{total:,} {WORDS[kind]} ({names}{', ...' if len(found) > SHOWN else ''})"
    place = " ".join(part for part in (first.file, first.series, first.column, first.first) if part)
    return f"{total:,} {WORDS[kind]} (first: {place})"


Kinds = dict[str, list[Finding]]  # by the names of the fields of SeriesFindings


def of_rows(file: str, columns: tuple[str, ...], found: Rows, zone: str | None, *, zeros_missing: bool) -> Kinds:
    """Values of `found` that are empty, and zeros where they stand for missing values."""
    times = wall_clock(found.instants, zone)
    flags = {"unknown": np.isnan(found.values), "unknown_zeros": (found.values == 0) & zeros_missing}
    return {kind: _by_column(file, found.name, columns, flag, times) for kind, flag in flags.items()}


def of_grid(
    file: str, columns: tuple[str, ...], name: str, grid: Grid, zone: str | None, *, zeros_missing: bool
) -> Kinds:
    """Gaps in `grid`, repeated and moved rows, changes of the clock, and zeros of a sensor that fails."""
    times = wall_clock(grid.instants, zone)
    step = int((grid.instants[1] - grid.instants[0]).astype(np.int64)) if len(times) > 1 else 0
    clock = np.zeros(len(times), bool)
    for flags in (grid.members == 0, grid.members == 2):
        for start, end in zip(*stretches(flags), strict=True):
            clock[start:end] |= zone is None and is_change(times[start], int(end - start) * step)
    zeros = np.stack([failing_zeros(column) for column in grid.values.T], axis=1) & (not zeros_missing)
    zoned = np.diff(times - grid.instants, prepend=times[:1] - grid.instants[:1]).astype(np.int64) != 0
    found = {
        "gaps": _one(file, name, (grid.members == 0) & ~clock, times),
        "repeated": _one(file, name, (grid.members > 1) & ~clock, times, grid.members - 1),
        "moved": _one(file, name, grid.moved, times),
        "clock": _one(file, name, clock, times),
        "zoned": _one(file, name, zoned, times),
    }
    return found | {"zeros": _by_column(file, name, columns, zeros, times)}


def of_filling(
    file: str, columns: tuple[str, ...], name: str, times: np.ndarray, before: np.ndarray, after: np.ndarray
) -> list[Finding]:
    """The values [T, F] that are unknown in `before` and known in `after`."""
    return _by_column(file, name, columns, np.isnan(before) & ~np.isnan(after), times)


def _by_column(file: str, name: str, columns: tuple[str, ...], flags: np.ndarray, times: np.ndarray) -> list[Finding]:
    alone = len(columns) == 1
    return [
        finding
        for place, column in enumerate(columns)
        for finding in _one(file, name, flags[:, place], times, column="" if alone else column)
    ]


def _one(
    file: str, name: str, flags: np.ndarray, times: np.ndarray, weights: np.ndarray | None = None, column: str = ""
) -> list[Finding]:
    """What is flagged, [T], as one finding, each counted once or by its weight; none where nothing is."""
    if not flags.any():
        return []
    count = int(flags.sum() if weights is None else weights[flags].sum())
    return [Finding(file, name, column, count, len(stretches(flags)[0]), shown_time(times[flags.argmax()]))]
